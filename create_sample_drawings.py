"""Write the guide's 95 sample drawings into sample_drawings/."""

import sys

from deepmed.cli.guide.scripts import create

if __name__ == "__main__":
    sys.exit(create())
