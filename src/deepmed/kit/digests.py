"""One digest for whatever JSON can say: stored names of recipes, models and maps rest on it."""

import hashlib
import json


def json_digest(content: object) -> str:
    """SHA-256 in hex over the content as JSON, whatever the order of its keys.

    Digests are stored, so the text under them may never change: keys sorted, the separators and
    escapes that `json.dumps` has by itself.

    >>> json_digest({"a": 1, "b": [2.0, None]}) == json_digest({"b": (2.0, None), "a": 1})
    True
    >>> json_digest({"a": 1}) == json_digest({"a": 1.0})
    False
    """
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
