"""Embed all drawings of a running server and train the guide's three age groups."""

import sys

from deepmed.cli.guide.scripts import train

if __name__ == "__main__":
    sys.exit(train())
