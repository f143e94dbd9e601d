"""Sizes are counted as bytes come, whatever a header says (P-9, S-7)."""

import json
from collections.abc import Iterator
from typing import Annotated

import anyio
import pytest
from fastapi import Body, FastAPI, UploadFile
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deepmed.kit.http.middlewares import size_limits
from deepmed.kit.http.middlewares.size_limits import SizeLimitMiddleware, SizeLimits
from deepmed.kit.http.problems import Problems

LIMITS = SizeLimits(request=1000, json=100, uploads={"/contract/upload": 5000})


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()

    @app.post("/contract/json")
    def take_json(value: Annotated[dict[str, str], Body()]) -> int:
        return len(value)

    @app.post("/contract/upload")
    @app.post("/contract/form")
    def take_file(file: UploadFile) -> int:
        return len(file.file.read())

    @app.post("/contract/raw")
    @app.post("/elsewhere/raw")
    async def take_raw(request: Request) -> int:
        return len(await request.body())

    problems = Problems(lambda path: path.startswith("/contract"))
    problems.install(app)
    app.add_middleware(SizeLimitMiddleware, limits=LIMITS, problems=problems)
    return TestClient(app)


def chunks(size: int, piece: int = 100) -> Iterator[bytes]:
    """A body that is sent without a Content-Length."""
    for start in range(0, size, piece):
        yield b"x" * min(piece, size - start)


def pieces(count: int, asked: list[int]) -> Iterator[Message]:
    """A body in messages of 100 bytes; `asked` is filled as they are taken."""
    for number in range(count):
        asked.append(number)
        yield {"type": "http.request", "body": b"x" * 100, "more_body": number < count - 1}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client of these tests never says that its body is over."""
    monkeypatch.setattr(size_limits, "PATIENCE_SECONDS", 0.1)


def drive(
    app: ASGIApp, path: str, messages: Iterator[Message], *, endless: bool = False
) -> list[Message]:
    """What an application sends; unlike a test client this gives it a body piece by piece."""
    sent: list[Message] = []
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"content-type", b"application/octet-stream")],
    }

    async def receive() -> Message:
        message = next(messages)
        if endless and not message["more_body"]:
            await anyio.sleep_forever()
        return message

    async def send(message: Message) -> None:
        sent.append(message)

    async def call() -> None:
        await app(scope, receive, send)

    anyio.run(call)
    return sent


@pytest.mark.req("P-9.1")
class TestRefused:
    def test_a_large_request_by_its_header(self, client: TestClient) -> None:
        answer = client.post("/contract/raw", content=b"x" * 1001)
        assert answer.status_code == 413
        body = answer.json()
        assert body.pop("error")
        assert body == {"max_size": 1000, "received_size": 1001, "type": "request_too_large"}

    def test_a_large_request_while_it_streams(self, client: TestClient) -> None:
        """Without a Content-Length; what comes after the limit is thrown away, but taken.

        A client that is hung up on while it sends does not see the answer.
        """
        asked: list[int] = []
        sent = drive(client.app, "/contract/raw", pieces(30, asked))
        assert sent[0]["status"] == 413
        assert (b"connection", b"close") in sent[0]["headers"]
        body = json.loads(sent[1]["body"])
        assert (body["type"], body["received_size"]) == ("request_too_large", 1100)
        assert len(asked) == 30

    @pytest.mark.usefixtures("impatient")
    def test_a_client_that_never_ends_is_hung_up_on(self, client: TestClient) -> None:
        sent = drive(client.app, "/contract/raw", pieces(30, []), endless=True)
        assert sent[0]["status"] == 413
        assert not sent[-1]["more_body"]

    @pytest.mark.usefixtures("impatient")
    def test_large_json_by_its_header_and_while_it_streams(self, client: TestClient) -> None:
        long = b'{"a": "' + b"x" * 200 + b'"}'
        kinds = ("application/json", "application/json; charset=utf-8", "application/problem+json")
        for kind in kinds:
            for content in (long, iter([long[:90], long[90:]])):
                headers = {"content-type": kind}
                answer = client.post("/contract/json", content=content, headers=headers)
                assert (answer.status_code, answer.json()["type"]) == (413, "json_too_large")
                assert answer.json()["max_size"] == 100

    @pytest.mark.usefixtures("impatient")
    def test_a_large_form_while_it_streams_through_the_parser(self, client: TestClient) -> None:
        """FastAPI turns what goes wrong in reading a form into a 400 of its own."""
        head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
        body = iter([head, *chunks(3000), b"\r\n--b--\r\n"])
        headers = {"content-type": "multipart/form-data; boundary=b"}
        answer = client.post("/contract/form", content=body, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (413, "request_too_large")

    @pytest.mark.parametrize("length", ["-1", "1e3", "ten", "", "9" * 30, "\u0661"])
    def test_a_length_that_is_none(self, client: TestClient, length: str) -> None:
        headers = [(b"content-length", length.encode())]
        answer = client.post("/contract/raw", headers=headers)
        assert answer.status_code == 400
        assert answer.json()["type"] == "invalid_content_length"

    def test_elsewhere_it_is_a_problem_with_the_same_facts(self, client: TestClient) -> None:
        answer = client.post("/elsewhere/raw", content=b"x" * 1001)
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["max_size"] == 1000
        assert answer.json()["code"] == "request_too_large"


class TestServed:
    def test_what_is_just_small_enough(self, client: TestClient) -> None:
        assert client.post("/contract/raw", content=b"x" * 1000).json() == 1000
        assert client.post("/contract/raw", content=chunks(1000)).json() == 1000

    @pytest.mark.req("P-9.1")
    def test_an_upload_has_a_limit_of_its_own(self, client: TestClient) -> None:
        assert client.post("/contract/upload", files={"file": b"x" * 4000}).json() == 4000
        assert client.post("/contract/upload", files={"file": b"x" * 5000}).status_code == 413


def test_an_error_of_a_handler_stays_its_own(problems: Problems) -> None:
    async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        drive(SizeLimitMiddleware(broken, LIMITS, problems), "/", iter([]))


def test_an_answer_that_began_is_finished(problems: Problems) -> None:
    """An answer may come while the body does; a limit that is passed then cuts nothing off."""

    async def eager(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("done")(scope, receive, send)
        while (await receive()).get("more_body"):
            pass

    answer = TestClient(SizeLimitMiddleware(eager, LIMITS, problems)).post("/", content=b"x" * 10)
    assert answer.text == "done"
