import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket

from deepmed.app.push import STREAM, PushPort
from deepmed.kit.http.local import ORIGIN_PORT


@pytest.fixture
def client() -> TestClient:
    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_json([socket.query_params["after"], socket.scope[ORIGIN_PORT]])
        await socket.close()

    app = Starlette(routes=[WebSocketRoute(STREAM, stream)])
    return TestClient(PushPort(app, 8000))


@pytest.mark.req("P-10.1")
@pytest.mark.parametrize("path", ["/", "/api/v1/ws", "/anything"])
def test_the_stream_is_at_every_path(client: TestClient, path: str) -> None:
    with client.websocket_connect(f"{path}?after=5:2") as socket:
        assert socket.receive_json() == ["5:2", 8000]


def test_nothing_else_is_answered(client: TestClient) -> None:
    answer = client.get("/api/v1/health")
    assert answer.status_code == 426
    assert "http://localhost:8000/" in answer.text
