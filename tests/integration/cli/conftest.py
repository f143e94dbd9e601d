from factories.answers import answers, demo_answer  # noqa: F401 - pytest finds fixtures by their names here
from factories.homes import (  # noqa: F401 - pytest finds fixtures by their names here
    _trained,
    bench,
    trained,
    trained_home,
)
from factories.tour import tour  # noqa: F401 - likewise
