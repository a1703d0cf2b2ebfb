"""The command ``git-credential``: git asks, the saved log-in answers."""

from __future__ import annotations

from typing import Annotated

import typer

from modelkeep.cli import git_questions, options


@options.example("git config credential.helper '!modelkeep git-credential'")
def git_credential(
    operation: Annotated[
        str, typer.Argument(help="What git asks for: get, store or erase.", metavar="OPERATION")
    ],
) -> None:
    """Answer git's questions for credentials. Git calls this; 'modelkeep login --git' sets it up.

    'get' gives the saved log-in of the hub (or MODELKEEP_TOKEN for MODELKEEP_URL), 'erase' forgets one that the hub
    has refused, 'store' does nothing, because log-ins are saved by 'modelkeep login'.
    """
    git_questions.answer(operation)
