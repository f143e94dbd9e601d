"""DeepMed: validated, explained medical models on your own machine."""

from deepmed.kit import privacy, threads

__version__ = "0.1.0"

# Before anything else is imported: libraries read these when they load (S-25).
privacy.apply()
threads.wait_passively()
