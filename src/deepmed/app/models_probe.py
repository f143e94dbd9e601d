"""How the models are, for the health monitor, which knows no feature."""

from deepmed.core.health.components import Finding, State
from deepmed.core.home import Home
from deepmed.features.drawings.models import repository


def models_probe(home: Home) -> Finding:
    """The models in use; none is loaded for the question."""
    with home.database.read() as session:
        models = repository.all_models(session, home.owner_id)
    active = [model for model in models if model.is_active]
    stale = sum(model.needs_retraining for model in active)
    details = {
        "total_models": len(models),
        "active_models": len(active),
        "need_retraining": stale,
        "encoder": home.settings.encoder,
    }
    if not active:
        return Finding(State.HEALTHY, "No model is in use yet.", details)
    if stale:
        return Finding(State.WARNING, "Some models should be trained again.", details)
    return Finding(State.HEALTHY, "The models in use are ready.", details)
