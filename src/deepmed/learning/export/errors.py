from deepmed.learning.errors import LearningError


class ModelNotExportableError(LearningError):
    """This kind of detector has no form outside of DeepMed."""
