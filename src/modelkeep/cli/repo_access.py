"""``modelkeep repo access …``: gated repos, and who may read them."""

from __future__ import annotations

from typing import Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.output import printable, say, show_json, show_list, time_text
from modelkeep.sdk.models_access import Access

UserName = Annotated[str, typer.Argument(help="The user.", metavar="USER", show_default=False)]
Gating = Annotated[str, typer.Argument(help="manual, auto or off.", metavar="MODE", show_default=False)]
Status = Annotated[str, typer.Option("--status", help="pending, accepted or rejected.", metavar="STATUS")]
Reason = Annotated[
    str | None,
    typer.Option("--reason", help="Why not; shown to who asked.", metavar="TEXT", show_default=False),
]
Why = Annotated[
    str | None,
    typer.Option(
        "--why", help="What you need it for; for the maintainers.", metavar="TEXT", show_default=False
    ),
]


@options.example("modelkeep repo access show acme/churn")
def show(
    repo: options.RepoName,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Show whether a repo is gated, and whether you may read its files."""
    with options.connect(url, token) as hub:
        _show(repo, hub.repo(repo).access.show(), as_json)


@options.example("modelkeep repo access ask acme/churn --why 'to compare it with ours'")
def ask(
    repo: options.RepoName,
    why: Why = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Ask for access to the files of a gated repo."""
    with options.connect(url, token) as hub:
        _show(repo, hub.repo(repo).access.ask({"why": why} if why else {}), as_json)


@options.example("modelkeep repo access set acme/churn manual")
def set_gating(
    repo: options.RepoName,
    mode: Gating,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Gate a repo: answer requests by hand (manual) or with yes (auto); off opens it."""
    with options.connect(url, token) as hub:
        _show(repo, hub.repo(repo).access.gate(None if mode == "off" else mode), as_json)


@options.example("modelkeep repo access list acme/churn --status accepted")
def list_requests(
    repo: options.RepoName,
    status: Status = "pending",
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """List who asked for access to a gated repo, the earliest first."""
    with options.connect(url, token) as hub:
        show_list(
            hub.repo(repo).access.requests(status),
            ("user", "status", "since", "said"),
            lambda one: (one.user, one.status, time_text(one.asked_at), "; ".join(one.fields.values())),
            empty=f"No request for {repo} is {printable(status)}.",
            as_json=as_json,
        )


@options.example("modelkeep repo access accept acme/churn bob")
def accept(
    repo: options.RepoName,
    user: UserName,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Let somebody read a gated repo, whether they asked or not."""
    _answer(repo, user, "accepted", None, url, token, as_json)


@options.example("modelkeep repo access reject acme/churn bob --reason 'members of the project only'")
def reject(
    repo: options.RepoName,
    user: UserName,
    reason: Reason = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Refuse somebody a gated repo, also after they were let in."""
    _answer(repo, user, "rejected", reason, url, token, as_json)


@options.example("modelkeep repo access cancel acme/churn bob")
def cancel(
    repo: options.RepoName,
    user: UserName,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Take the answer to a request back: it is pending again."""
    _answer(repo, user, "pending", None, url, token, as_json)


def _answer(
    repo: str, user: str, status: str, reason: str | None, url: str | None, token: str | None, as_json: bool
) -> None:
    with options.connect(url, token) as hub:
        made = hub.repo(repo).access.answer(user, status, reason)
    if as_json:
        show_json(made)
    else:
        say(f"{repo}: the request of {printable(made.user)} is {made.status}.")


def _show(repo: str, access: Access, as_json: bool) -> None:
    if as_json:
        show_json(access)
        return
    how = {"auto": "gated; who asks is let in", "manual": "gated; a maintainer answers requests"}
    say(f"{repo} is {how.get(access.gated or '', 'not gated')}.")
    if access.has_access:
        say("You may read its files.")
    elif access.request is None:
        say(f"You may not read its files. Ask with 'modelkeep repo access ask {repo}'.")
    else:
        because = f": {printable(access.request.reason)}" if access.request.reason else ""
        say(f"You may not read its files; your request is {access.request.status}{because}.")
