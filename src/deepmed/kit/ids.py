import secrets

LARGEST_ID = 2**31 - 1
"""Of the databases' integer columns."""


def new_uid() -> str:
    """A random name of 32 hexadecimal digits for files, runs and errors."""
    return secrets.token_hex(16)
