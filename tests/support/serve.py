"""Starts a hub as ``modelkeep serve`` does, with its settings from the environment.

A program of its own, so that the tests of the server do not depend on the command line.
"""

from __future__ import annotations

import sys

from modelkeep.server.main import run
from modelkeep.settings import Settings

if __name__ == "__main__":
    sys.exit(run(Settings.load()))
