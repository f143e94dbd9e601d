"""What is done by the clock for drawings, by every worker."""

from deepmed.core.chores import Seldom
from deepmed.core.home import Home
from deepmed.features.drawings.data_export.expiry import LOOK_SECONDS, delete_old
from deepmed.features.drawings.exports.expiry import delete_expired


def delete_expired_exports(home: Home) -> int:
    """Of all owners; returns how many files went."""
    return delete_expired(home.database, home.storage)


CHORES = (delete_expired_exports, Seldom(delete_old, LOOK_SECONDS))
