"""The long work with encoders, as a worker runs it."""

import json
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from deepmed.core.home import Home
from deepmed.core.jobs.context import JobContext
from deepmed.core.jobs.kinds import Isolation, JobKind
from deepmed.kit import clock

BEGUN = "begun.json"
REEMBED, COMPARE = "drawings.reembed", "drawings.compare_encoders"


class ReembedPayload(BaseModel):
    """Which encoder, and whether what it has embedded before is embedded again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoder: str | None = Field(None, max_length=200)
    """Null: that of the settings."""
    all: bool = False


def reembed(home: Home, job: JobContext) -> dict[str, Any]:
    from deepmed.features.drawings.workbench import Workbench

    wanted = ReembedPayload.model_validate(job.payload)
    bench = Workbench.of(home).with_encoder(wanted.encoder)
    step = job.steps("Embedding drawings")
    if wanted.all:
        return bench.pipeline.re_embed(step, _begun(job)).to_dict()
    return bench.pipeline.process_batch(step).to_dict()


class ComparePayload(BaseModel):
    """Which encoders stand beside the present one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoders: list[str] | None = Field(None, max_length=10)
    """Null: all that this machine can run."""
    seed: int = Field(0, ge=0)


def compare_encoders(home: Home, job: JobContext) -> dict[str, Any]:
    from deepmed.features.drawings.encoders.compare import compare
    from deepmed.features.drawings.workbench import Workbench

    wanted = ComparePayload.model_validate(job.payload)

    def step(what: str, done: int, total: int) -> None:
        job.progress(done, total, what)

    return compare(Workbench.of(home), wanted.encoders, wanted.seed, step).to_dict()


def _begun(job: JobContext) -> datetime:
    """When the first attempt began: what was embedded since then is not embedded again."""
    file = job.folder / BEGUN
    if not file.exists():
        file.write_text(json.dumps(clock.now().isoformat()), encoding="utf-8")
    return datetime.fromisoformat(json.loads(file.read_text(encoding="utf-8")))


KINDS = (
    JobKind(
        name=REEMBED,
        run=reembed,
        payload=ReembedPayload,
        isolation=Isolation.PROCESS,
        title=lambda payload: (
            f"Embed drawings with {ReembedPayload.model_validate(payload).encoder}"
            if ReembedPayload.model_validate(payload).encoder
            else "Embed drawings"
        ),
    ),
    JobKind(
        name=COMPARE,
        run=compare_encoders,
        payload=ComparePayload,
        isolation=Isolation.PROCESS,
        title=lambda _: "Compare encoders",
    ),
)
