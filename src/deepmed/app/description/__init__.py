from deepmed.app.description.completing import describe

__all__ = ["describe"]
