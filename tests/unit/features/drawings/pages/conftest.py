from factories.api import api, empty, settled  # noqa: F401 - pytest finds fixtures by their names
from factories.homes import _trained, trained_home  # noqa: F401 - likewise
