"""``modelkeep policy …``: what promotions must meet."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.output import note, printable, say, show_json

if TYPE_CHECKING:
    from modelkeep.sdk.models_policy import Policy

PolicyFile = Annotated[
    Path,
    typer.Argument(
        help="The policy; '-' reads standard input.", metavar="FILE", allow_dash=True, show_default=False
    ),
]
Organisation = Annotated[
    str, typer.Argument(help="The organisation.", metavar="ORGANISATION", show_default=False)
]
_MOST = 1024 * 1024


@options.example("modelkeep policy show acme/churn")
def show(
    repo: options.RepoName,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Show the policy that holds for a repo."""
    with options.connect(url, token) as hub:
        found = hub.repo(repo).policy()
    _show(found, as_json, f"{repo} has no policy, and its organisation none either.")


@options.example("modelkeep policy check .modelkeep/policy.yaml", "modelkeep policy check - < policy.yaml")
def check(
    file: PolicyFile,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Check a policy file before it is pushed. The exit code is 1 if something is wrong with it."""
    text = _read(file)
    with options.connect(url, token) as hub:
        problems = hub.check_policy(text)
    if as_json:
        show_json({"problems": problems})
    else:
        for one in problems:
            place = ":".join(str(part) for part in (file, one.line, one.column) if part is not None)
            say(printable(f"{place}: {one.reason}"))
        if not problems:
            say("The policy works.")
    if problems:
        raise typer.Exit(1)


@options.example("modelkeep policy schema > policy.schema.json")
def schema(url: options.Url = None, token: options.Token = None) -> None:
    """Print the JSON Schema of policy files, for your editor."""
    with options.connect(url, token) as hub:
        show_json(hub.policy_schema())


@options.example("modelkeep policy show-org acme")
def show_org(
    organisation: Organisation,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Show the policy that holds for all repos of an organisation."""
    with options.connect(url, token) as hub:
        found = hub.orgs.policy(organisation)
    _show(found, as_json, f"{organisation} has no policy.")


@options.example("modelkeep policy set-org acme policy.yaml")
def set_org(
    organisation: Organisation,
    file: PolicyFile,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Set the policy for all repos of an organisation. It is checked first."""
    text = _read(file)
    with options.connect(url, token) as hub:
        made = hub.orgs.set_policy(organisation, text)
    if as_json:
        show_json(made)
    else:
        say(f"The repos of {organisation} have a policy now (digest {made.digest[:12]}).")


@options.example("modelkeep policy remove-org acme")
def remove_org(
    organisation: Organisation,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Remove an organisation's policy. Policies of its repos stay."""
    with options.connect(url, token) as hub:
        hub.orgs.remove_policy(organisation)
    if as_json:
        show_json({"organisation": organisation, "policy": None})
    else:
        say(f"{organisation} has no policy any more.")


def _read(file: Path) -> str:
    from modelkeep.sdk.errors import LocalProblem

    body = sys.stdin.buffer.read(_MOST + 1) if str(file) == "-" else _read_file(file)
    if len(body) > _MOST:
        raise LocalProblem(f"{file}: a policy has at most {_MOST} bytes.")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LocalProblem(f"{file}: byte {error.start} is not UTF-8.") from None


def _read_file(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(_MOST + 1)


def _show(found: Policy, as_json: bool, empty: str) -> None:
    if as_json:
        show_json(found)
        return
    if not found.text:
        note(empty)
        return
    note(f"From the {found.source}, digest {found.digest}." if found.source else f"Digest {found.digest}.")
    for line in found.text.rstrip("\n").split("\n"):
        say(printable(line))
    for one in found.problems:
        note(f"line {one.line}, column {one.column}: {printable(one.reason)}")
