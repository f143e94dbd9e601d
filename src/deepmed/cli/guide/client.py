"""What the training guide's scripts ask of a running server."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

DEFAULT_SERVER = "http://localhost:8000"
PAGE = 50
PATIENCE = httpx.Timeout(120, connect=5)


class GuideError(Exception):
    """The server cannot be reached or refused; the message is for people."""


class GuideClient:
    """A server's drawings interface. Closes as a context manager."""

    def __init__(self, server: str = DEFAULT_SERVER, http: httpx.Client | None = None) -> None:
        self.server = server
        # A proxy of the environment is no way to a server on this machine.
        self._http = http or httpx.Client(base_url=server, timeout=PATIENCE, trust_env=False)

    def health(self) -> dict[str, Any]:
        return self._ask("GET", "/health")

    def upload(self, picture: Path, facts: Mapping[str, str]) -> dict[str, Any]:
        """Store one drawing; what is known of it are the form's fields."""
        with picture.open("rb") as file:
            sent = {"file": (picture.name, file, "image/png")}
            return self._ask("POST", "/api/v1/drawings/upload", files=sent, data=dict(facts))

    def drawings(self) -> Iterator[dict[str, Any]]:
        """Every drawing, page by page, oldest first."""
        page, pages = 1, 1
        while page <= pages:
            asked = {"page": page, "page_size": PAGE, "sort": "id"}
            found = self._ask("GET", "/api/v1/drawings/", params=asked)
            yield from found["drawings"]
            page, pages = page + 1, found["total_pages"]

    def embed(self, drawing_id: int) -> dict[str, Any]:
        return self._ask("POST", f"/api/v1/analysis/embeddings/{drawing_id}")

    def train(self, age_min: float, age_max: float, min_samples: int) -> dict[str, Any]:
        wanted = {"age_min": age_min, "age_max": age_max, "min_samples": min_samples}
        return self._ask("POST", "/api/v1/models/train", json=wanted)

    def training(self, job: str) -> dict[str, Any]:
        return self._ask("GET", f"/api/v1/models/training/{job}/status")

    def status(self) -> dict[str, Any]:
        return self._ask("GET", "/api/v1/models/status")

    def age_groups(self) -> dict[str, Any]:
        return self._ask("GET", "/api/v1/models/age-groups")

    def analyze(self, drawing_id: int) -> dict[str, Any]:
        return self._ask("POST", f"/api/v1/analysis/analyze/{drawing_id}")

    def _ask(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        try:
            answer = self._http.request(method, path, **content)
        except httpx.TransportError as error:
            raise GuideError(
                f"No server answers at {self.server}: {error}. Start it with `deepmed serve` and "
                "run this again; what was done before is kept."
            ) from error
        if answer.is_error:
            raise GuideError(f"{method} {path} was refused ({answer.status_code}): {_why(answer)}")
        found: dict[str, Any] = answer.json()
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()


def _why(answer: httpx.Response) -> str:
    try:
        body = answer.json()
    except ValueError:
        return answer.text[:500]
    return str(body.get("detail", body.get("error", body)) if isinstance(body, dict) else body)
