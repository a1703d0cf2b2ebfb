"""Where the command ``modelkeep`` starts."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Runs the command line; exits with 0 (done), 1 (refused or failed), 2 (usage) or 130 (interrupted)."""
    words = sys.argv[1:]
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # It was closed before the start (`>&-`).
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    if len(words) == 2 and words[0] == "git-credential" and not words[1].startswith("-"):
        # Git asks several times for each push: answer before the command line's own machinery is loaded.
        from modelkeep.cli.git_questions import answer

        answer(words[1])
        return
    if "_MODELKEEP_COMPLETE" in os.environ:
        from modelkeep.cli.completing import complete

        complete(os.environ)
        return
    from modelkeep.cli import front

    overview = front.answer(words)
    if overview is not None:
        sys.stdout.write(overview)
        return
    _run()


def _run() -> None:
    # Else the HTTP client would load its own command line, which draws with half a dozen packages.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    from modelkeep.cli.app import run
    from modelkeep.cli.failures import explain
    from modelkeep.cli.output import note

    try:
        run()
    except Exception as error:
        message = explain(error)
        if message is None:
            raise
        note(f"error: {message}")
        sys.exit(1)
