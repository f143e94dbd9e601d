"""DeepMed: validated, explained medical models on your own machine."""

from deepmed.kit import privacy

__version__ = "0.1.0"

# Before anything else is imported: libraries read their opt-outs when they load (S-25).
privacy.apply()
