"""Where the command ``modelkeep`` starts."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line; exits with 0 (done), 1 (refused or failed), 2 (usage) or 130 (interrupted)."""
    if len(sys.argv) == 3 and sys.argv[1] == "git-credential" and not sys.argv[2].startswith("-"):
        # Git asks several times for each push: answer before the command line's own machinery is loaded.
        from modelkeep.cli.git_questions import answer

        answer(sys.argv[2])
        return
    from modelkeep.cli.app import app
    from modelkeep.cli.failures import explain
    from modelkeep.cli.output import note

    try:
        app(prog_name="modelkeep")
    except Exception as error:
        message = explain(error)
        if message is None:
            raise
        note(f"error: {message}")
        sys.exit(1)
