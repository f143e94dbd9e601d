"""What a deletion, or a drawing that went to another child, leaves to do after its own rows."""

from deepmed.features.drawings.deployment import forgetting as exports
from deepmed.features.drawings.models import checkpoints, leftovers
from deepmed.features.drawings.models.forgetting import Forgotten, complete
from deepmed.features.drawings.workbench import Workbench


def follow(bench: Workbench) -> Forgotten:
    """Let models, their exports and half-made ones follow the drawings; says what was revised.

    It may be called at any time and again: an earlier call may have been stopped (D-30).
    """
    done = complete(bench)
    leftovers.forget(bench)
    exports.forget(bench)
    checkpoints.forget(bench)
    return done
