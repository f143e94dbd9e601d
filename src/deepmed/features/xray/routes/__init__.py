"""What X-rays answer over HTTP."""

from collections.abc import Iterator

from fastapi import APIRouter

from deepmed.features.xray.routes import config, experiments, own, runs, streaming


def contract_routers() -> Iterator[APIRouter]:
    """At the contract's own paths."""
    yield config.router
    yield experiments.router
    yield runs.router
    yield streaming.router


def routers() -> Iterator[APIRouter]:
    """What the contract does not have, below `/api/v1`."""
    yield own.router
