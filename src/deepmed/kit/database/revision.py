"""Which state the data are in, so that what was counted once is not counted again.

Every transaction that changes data gives the state a new name as it commits. A reader finds the
name in the same state of the database as all else that it reads, so what is kept under that name
is what it would have counted itself. Names are drawn by chance: a database that was restored from
a backup never has the name of another state.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from copy import copy
from functools import wraps
from threading import Lock
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from sqlalchemy import Connection, Engine, String, event, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from deepmed.kit.database.base import Base
from deepmed.kit.ids import new_uid

__all__ = [
    "PASSING",
    "DataRevision",
    "KeptAnswers",
    "kept",
    "mark_changed",
    "name_the_state",
    "notice_changes",
    "use_answers",
]

PASSING = {"passing": True}
"""`info` of a table whose rows come and go while nothing changes that is counted: a job's beats."""
KEPT = 1024
_CHANGED, _ANSWERS, _STATE = "deepmed_changed", "deepmed_answers", "deepmed_state"
_NOTHING = object()
_WORDS = ("INSERT", "UPDATE", "DELETE", "REPLACE", "TRUNCATE")

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


class DataRevision(Base):
    """One row: the name of the state that the data are in."""

    __tablename__ = "data_revision"
    __table_args__ = {"info": PASSING}  # noqa: RUF012 - SQLAlchemy reads a plain class attribute

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(32))


class KeptAnswers:
    """The last answers by state and question; each is worked out by one thread at a time."""

    def __init__(self, size: int = KEPT) -> None:
        self._size = size
        self._lock = Lock()
        self._answers: OrderedDict[Hashable, Any] = OrderedDict()
        self._working: dict[Hashable, Lock] = {}

    def get(self, key: Hashable, work_out: Callable[[], Answer]) -> Answer:
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return cast("Answer", self._answers[key])
            mine = self._working.setdefault(key, Lock())
        with mine:
            found = self._answers.get(key, _NOTHING)
            if found is not _NOTHING:  # another thread was at it
                return cast("Answer", found)
            try:
                return self._keep(key, work_out())
            finally:
                self._working.pop(key, None)

    def _keep(self, key: Hashable, answer: Answer) -> Answer:
        with self._lock:
            self._answers[key] = answer
            while len(self._answers) > self._size:
                self._answers.popitem(last=False)
        return answer


def kept(
    function: Callable[Concatenate[Session, Parameters], Answer],
) -> Callable[Concatenate[Session, Parameters], Answer]:
    """What a function of a session found, for as long as no data change.

    For what takes many rows and gives few values, none of which anybody changes. Its further
    arguments can be hashed and, with the data, decide its answer: no clock, no chance, no job.
    A session that writes asks anew, since what it wrote has no name yet.
    """

    @wraps(function)
    def asked(session: Session, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
        answers: KeptAnswers | None = session.info.get(_ANSWERS)
        state = None if answers is None else _state(session)
        if answers is None or state is None:
            return function(session, *args, **kwargs)
        question = (function.__module__, function.__qualname__, args, tuple(kwargs.items()))
        answer = answers.get((state, question), lambda: function(session, *args, **kwargs))
        # Whoever fills a list of it with something else fills one of their own.
        return copy(answer) if isinstance(answer, dict | list) else answer

    return asked


def use_answers(session: Session, answers: KeptAnswers) -> None:
    """Let a session that only reads use what was found before."""
    session.info[_ANSWERS] = answers


def _state(session: Session) -> str | None:
    """The name of the state that this session sees; it sees one till its transaction ends."""
    transaction = session.get_transaction()
    known = session.info.get(_STATE)
    if known is None or transaction is None or known[0] is not transaction:
        name = session.scalars(select(DataRevision.name)).one_or_none()
        known = session.info[_STATE] = (session.get_transaction(), name)
    return cast("str | None", known[1])


def notice_changes(engine: Engine) -> None:
    """Mark each connection of an engine through which data were changed."""
    event.listen(engine, "before_cursor_execute", _notice)
    event.listen(engine, "rollback", _forget)


def mark_changed(session: Session) -> None:
    """Let the state have a new name though nothing was written by this transaction."""
    session.connection().info[_CHANGED] = True


def name_the_state(session: Session) -> None:
    """Give the data a new name where this transaction has changed them, as its last statement."""
    session.flush()
    connection = session.connection()
    if not connection.info.pop(_CHANGED, False):
        return
    name = new_uid()
    if not connection.execute(update(DataRevision).values(name=name)).rowcount:
        connection.execute(insert(DataRevision).values(id=1, name=name))


def _notice(
    connection: Connection, _cursor: Any, statement: str, _values: Any, context: Any, _many: Any
) -> None:
    compiled = getattr(context, "compiled", None)
    if compiled is None or context.is_text:
        changes = statement.lstrip()[:8].upper().startswith(_WORDS)
    elif context.isinsert or context.isupdate or context.isdelete:
        changes = not getattr(compiled.statement.table, "info", {}).get("passing")
    else:
        changes = False
    if changes:
        connection.info[_CHANGED] = True


def _forget(connection: Connection) -> None:
    if not connection.invalidated:  # a lost one takes its marks along
        connection.info.pop(_CHANGED, None)
