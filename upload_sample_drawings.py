"""Upload the guide's sample drawings to a running server."""

import sys

from deepmed.cli.guide.scripts import upload

if __name__ == "__main__":
    sys.exit(upload())
