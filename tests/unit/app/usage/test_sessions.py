"""Sessions are counted and tell nothing of anybody."""

from datetime import timedelta

from deepmed.app.usage.sessions import LONGEST, MOST, SessionBook
from deepmed.kit import clock


def test_sessions_are_counted_by_owner() -> None:
    book = SessionBook()
    first, second = book.start(1), book.start(1)
    book.start(2)
    assert first != second
    assert book.end(1, first)
    assert (book.counts(1).active, book.counts(1).started, book.counts(1).ended) == (1, 2, 1)
    assert book.counts(2).active == 1
    assert book.counts(3).started == 0


def test_a_session_ends_once_and_only_by_its_owner() -> None:
    book = SessionBook()
    uid = book.start(1)
    assert not book.end(2, uid)
    assert book.end(1, uid)
    assert not book.end(1, uid)
    assert not book.end(1, "never")
    assert book.counts(1).ended == 1


def test_what_was_never_ended_is_not_counted_for_ever() -> None:
    book = SessionBook()
    book.start(1)
    assert book.counts(1, clock.now() + LONGEST - timedelta(minutes=1)).active == 1
    assert book.counts(1, clock.now() + LONGEST + timedelta(minutes=1)).active == 0


def test_no_client_fills_the_memory() -> None:
    book = SessionBook()
    for _ in range(MOST + 5):
        book.start(1)
    assert (book.counts(1).active, book.counts(1).started) == (MOST, MOST + 5)


def test_nothing_but_ids_and_moments_is_kept() -> None:
    book = SessionBook()
    uid = book.start(1)
    assert list(book._open[1]) == [uid]
    assert (clock.now() - book._open[1][uid]).total_seconds() < 60
