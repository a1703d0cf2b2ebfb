"""Looking at single tags and at what is wrong: ``check-ref``, ``doctor``."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.output import printable, say, show_json, show_list

_SENTENCES = {
    "registration": 'Version "{version}" of artifact "{artifact}" was registered',
    "deregistration": 'Version "{version}" of artifact "{artifact}" was deregistered',
    "assignment": 'Stage "{stage}" was assigned to version "{version}" of artifact "{artifact}"',
    "unassignment": 'Stage "{stage}" was unassigned from version "{version}" of artifact "{artifact}"',
    "deprecation": 'Artifact "{artifact}" was deprecated',
}


@options.example(
    "modelkeep check-ref acme/churn churn@v1.0.0",
    "modelkeep check-ref acme/churn refs/tags/churn#prod#3 --version",
)
def check_ref(
    repo: options.RepoName,
    ref: Annotated[str, typer.Argument(help="A tag.", metavar="REF", show_default=False)],
    only_name: Annotated[bool, typer.Option("--name", help="Print only the artifact.")] = False,
    only_version: Annotated[bool, typer.Option("--version", help="Print only the version.")] = False,
    only_stage: Annotated[bool, typer.Option("--stage", help="Print only the stage.")] = False,
    only_event: Annotated[bool, typer.Option("--event", help="Print only the event.")] = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Show what a tag did in the registry, as gto does.

    A ref that is no tag of the registry prints nothing and is no error, so that a CI job may ask about every push.
    """
    flags = {"artifact": only_name, "version": only_version, "stage": only_stage, "event": only_event}
    asked = [field for field, is_asked in flags.items() if is_asked]
    if len(asked) + as_json > 1:
        raise typer.BadParameter("Give only one of --name, --version, --stage, --event and --json.")
    with options.connect(url, token) as hub:
        text = hub.repo(repo).gto_check_ref(ref)
    if as_json:
        sys.stdout.write(text)
        return
    found = _fields(text)
    if asked:
        if found.get(asked[0]):
            say(printable(str(found[asked[0]])))
    elif found:
        sentence = _SENTENCES.get(str(found.get("event")), '"{tag}" is an event of artifact "{artifact}"')
        say(printable(sentence.format_map({name: found.get(name) or "-" for name in _FIELDS})))


_FIELDS = ("artifact", "version", "stage", "event", "tag")


def _fields(text: str) -> dict[str, object]:
    from modelkeep.sdk.errors import BadAnswer

    try:
        found = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError):
        raise BadAnswer("The hub's answer is not JSON.") from None
    return found if isinstance(found, dict) else {}


@options.example("modelkeep doctor acme/churn", "modelkeep doctor acme/churn --json")
def doctor(
    repo: options.RepoName,
    limit: options.Limit = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """List the tags and files of a repo that the registry cannot read, and why.

    It says what to do about each. The exit code is 1 if there is any. Here each spoils nothing but itself; gto fails
    at some of them for the whole repository.
    """
    with options.connect(url, token) as hub:
        problems = list(hub.repo(repo).problems().up_to(limit))
    if as_json:
        show_json(problems)
    elif problems:
        headers = ("tag or file", "what is wrong", "what to do")
        rows = [(one.tag or one.file or "", one.reason, one.remedy) for one in problems]
        show_list(rows, headers, lambda row: row, empty="")
    else:
        say("No problem was found.")
    if problems:
        raise typer.Exit(1)
