"""Which data folder a server shows: a person's own, or the demo's while there is no other."""

from collections.abc import Callable
from typing import Any

from deepmed.kit.settings import Settings, current, demo_home, load

Say = Callable[[str], Any]
PLACES = {"home", "database_url", "storage_url"}


def served_settings(say: Say, *, demo: bool | None) -> Settings:
    """The settings to serve with.

    Args:
        say: tells the person which was taken, where that was not asked for.
        demo: whether the demo's folder is wanted; None takes it where the demo has run, nobody
            named a place for data, and a person's own folder is not there yet.
    """
    own = current()
    if demo is None:
        demo = _only_the_demo(own)
        if demo:
            say(
                "You have no data folder yet, so the demo's samples are shown. "
                "`deepmed serve --own` begins with your own drawings."
            )
    return load(home=demo_home()) if demo else own


def _only_the_demo(own: Settings) -> bool:
    if PLACES & own.model_fields_set:
        return False
    return (demo_home() / "deepmed.db").exists() and not own.home.exists()
