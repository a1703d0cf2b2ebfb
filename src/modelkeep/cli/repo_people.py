"""``modelkeep repo label …`` and ``modelkeep repo member …``."""

from __future__ import annotations

from typing import Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.output import printable, say, show_json, show_list

LabelNames = Annotated[
    list[str], typer.Argument(help="One or more labels.", metavar="LABEL...", show_default=False)
]
UserName = Annotated[str, typer.Argument(help="The user.", metavar="USER", show_default=False)]
Role = Annotated[
    str,
    typer.Argument(help="reader, contributor, maintainer or owner.", metavar="ROLE", show_default=False),
]


@options.example("modelkeep repo label add acme/churn tabular churn")
def add_labels(
    repo: options.RepoName,
    labels: LabelNames,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Add labels to a repo, to find it by."""
    _set_labels(repo, labels, [], url, token, as_json)


@options.example("modelkeep repo label remove acme/churn tabular")
def remove_labels(
    repo: options.RepoName,
    labels: LabelNames,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Remove labels from a repo. One that it has not is no error."""
    _set_labels(repo, [], labels, url, token, as_json)


def _set_labels(
    repo: str, added: list[str], removed: list[str], url: str | None, token: str | None, as_json: bool
) -> None:
    with options.connect(url, token) as hub:
        present = hub.repos.get(repo).labels
        wanted = [label for label in dict.fromkeys([*present, *added]) if label not in removed]
        found = hub.repos.update(repo, labels=wanted)
    if as_json:
        show_json(found)
    else:
        say(f"{found.full_name}: {printable(', '.join(found.labels)) or 'no labels'}.")


@options.example("modelkeep repo member list acme/churn")
def list_members(
    repo: options.RepoName,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """List who has a role in a repo itself, beside the members of its organisation."""
    with options.connect(url, token) as hub:
        show_list(
            hub.repo(repo).members(),
            ("user", "role"),
            lambda one: (one.name, one.role),
            empty=f"Nobody has a role in {repo} itself.",
            as_json=as_json,
        )


@options.example("modelkeep repo member add acme/churn bob contributor")
def add_member(
    repo: options.RepoName,
    user: UserName,
    role: Role,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Give somebody a role in a repo, in place of the one that they had."""
    with options.connect(url, token) as hub:
        hub.repo(repo).set_member(user, role)
    if as_json:
        show_json({"repo": repo, "user": user, "role": role})
    else:
        say(f"{printable(user)} is {printable(role)} of {repo}.")


@options.example("modelkeep repo member remove acme/churn bob")
def remove_member(
    repo: options.RepoName,
    user: UserName,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Take somebody's role in a repo away."""
    with options.connect(url, token) as hub:
        hub.repo(repo).remove_member(user)
    if as_json:
        show_json({"repo": repo, "user": user, "role": None})
    else:
        say(f"{printable(user)} has no role in {repo} itself any more.")
