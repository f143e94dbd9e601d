"""Where a listener was: a number for one thing, `ID:NUMBER,…` for several."""

from deepmed.kit.errors import ValidationError

MOST_THINGS = 100


def read_cursor(text: str | None) -> int:
    """The number of the last event that somebody has; 0 for none.

    >>> read_cursor("12")
    12

    Raises:
        ValidationError: it is no such number.
    """
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValidationError(
            "The place to go on from must be the number of an event, such as 12. Leave it out to "
            "begin at the first."
        )
    return int(text)


def read_cursors(text: str) -> dict[int, int]:
    """A number for each of several things.

    >>> read_cursors("7:0,9:42")
    {7: 0, 9: 42}

    Raises:
        ValidationError: it does not read like this, or names too many.
    """
    parts = [part.partition(":") for part in text.split(",")]
    if len(parts) > MOST_THINGS or not all(thing and separator for thing, separator, _ in parts):
        raise ValidationError(
            f"Write what to listen to as ID:NUMBER,… with at most {MOST_THINGS} of them."
        )
    return {read_cursor(thing): read_cursor(number) for thing, _, number in parts}
