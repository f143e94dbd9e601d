from factories.homes import _trained  # noqa: F401 - pytest finds fixtures by their names here
from factories.reports import reported  # noqa: F401 - likewise
