from factories.homes import (  # noqa: F401 - pytest finds fixtures by their names here
    _trained,
    bench,
    second_bench,
    trained,
    trained_home,
)
