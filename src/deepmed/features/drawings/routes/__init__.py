"""What the drawings answer over HTTP."""

from collections.abc import Iterator

from fastapi import APIRouter

from deepmed.features.drawings.routes import (
    analysis,
    batches,
    config,
    data_export,
    demo,
    deployment,
    drawings,
    embeddings,
    encoders,
    interpretability,
    models,
    training,
)


def routers() -> Iterator[APIRouter]:
    """The slice's routes, below `/api/v1`."""
    yield drawings.router
    yield embeddings.router  # before the analyses, of which none is called `embeddings`
    yield analysis.router
    yield batches.router
    yield interpretability.router
    yield models.router
    yield training.router
    yield deployment.router
    yield encoders.router
    yield config.router
    yield data_export.router
    yield demo.router
