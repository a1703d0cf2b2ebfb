"""The registry over time: ``stages``, ``history``, ``diff``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.moments import At, Since, Until, parse_moment, tell_moment
from modelkeep.cli.output import show_list, time_text

if TYPE_CHECKING:
    from modelkeep.sdk.models_registry import Change, RegistryEvent, Stage

OptionalRepo = Annotated[
    str | None, typer.Argument(help="Only this repo.", metavar="[NAMESPACE/REPO]", show_default=False)
]
OptionalArtifact = Annotated[
    str | None, typer.Argument(help="Only this artifact.", metavar="[ARTIFACT]", show_default=False)
]
OnlyStage = Annotated[str | None, typer.Option("--stage", "-s", help="Only this stage.", metavar="STAGE")]
Plain = Annotated[bool, typer.Option("--plain", help="Columns without lines, as in a pipe.")]
AsGto = Annotated[bool, typer.Option("--gto", help="Print what gto prints with --json in a clone.")]


@options.example(
    "modelkeep stages acme/churn churn --stage prod --at 2026-03-01",
    "modelkeep stages --stage prod",
    "modelkeep stages acme/churn",
)
def stages(
    repo: OptionalRepo = None,
    artifact: OptionalArtifact = None,
    stage: OnlyStage = None,
    at: At = None,
    namespace: options.Namespace = None,
    query: Annotated[str | None, typer.Option("--query", help="Words to search for.", metavar="TEXT")] = None,
    limit: options.Limit = None,
    is_plain: Plain = False,
    as_gto: AsGto = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Show who holds each stage, now or at a time. Which version was in prod on that day?"""
    moment = parse_moment(at)
    _check_form(repo, as_json=as_json, is_plain=is_plain, as_gto=as_gto)
    with options.connect(url, token) as hub:
        if as_gto:
            sys.stdout.write(hub.repo(str(repo)).gto_stages())
            return
        if repo is not None and artifact is not None:
            found = hub.repo(repo).stages(artifact, at=moment)
        else:
            present = options.present_name(hub, repo)
            found = hub.stages(namespace=namespace, repo=present, stage=stage, query=query, at=moment)
        kept = (one for one in found if stage is None or one.stage == stage)
        shown = (one for one, _ in zip(kept, range(limit), strict=False)) if limit else kept
        tell_moment("As of", moment)
        show_list(
            shown,
            ("repo", "artifact", "stage", "version", "since", "by", "commit"),
            _stage_row,
            empty="No stage is held." if moment is None else "No stage was held.",
            as_json=as_json,
            is_plain=is_plain,
        )


@options.example(
    "modelkeep history acme/churn churn --limit 20",
    "modelkeep history --stage prod --since 7d",
    "modelkeep history acme/churn --since 2026-01-01 --until 2026-04-01 --json",
)
def history(
    repo: OptionalRepo = None,
    artifact: OptionalArtifact = None,
    stage: OnlyStage = None,
    version: Annotated[
        str | None, typer.Option("--version", help="Only about this version.", metavar="VERSION")
    ] = None,
    event: Annotated[
        str | None,
        typer.Option(
            "--event",
            help="Only registration, deregistration, assignment, unassignment or deprecation.",
            metavar="EVENT",
        ),
    ] = None,
    author: Annotated[str | None, typer.Option("--author", help="Only by this one.", metavar="NAME")] = None,
    since: Since = None,
    until: Until = None,
    is_ascending: Annotated[bool, typer.Option("--ascending", "--asc", help="The earliest first.")] = False,
    namespace: options.Namespace = None,
    limit: options.Limit = None,
    is_plain: Plain = False,
    as_gto: AsGto = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Show what happened in the registry, the latest first."""
    first, last = parse_moment(since), parse_moment(until)
    _check_form(repo, as_json=as_json, is_plain=is_plain, as_gto=as_gto)
    with options.connect(url, token) as hub:
        if as_gto:
            sys.stdout.write(hub.repo(str(repo)).gto_history(artifact, is_ascending=is_ascending))
            return
        found = hub.history(
            namespace=namespace,
            repo=options.present_name(hub, repo),
            artifact=artifact,
            stage=stage,
            version=version,
            event=event,
            author=author,
            since=first,
            until=last,
            is_ascending=is_ascending,
        )
        tell_moment("Since", first)
        tell_moment("Until", last)
        show_list(
            found.up_to(limit),
            _without_named(_EVENT_COLUMNS, repo, artifact),
            lambda one: _without_named(_event_row(one), repo, artifact),
            empty="Nothing has happened.",
            as_json=as_json,
            is_plain=is_plain,
        )


@options.example(
    "modelkeep diff --from 2026-03-01 --stage prod",
    "modelkeep diff acme/churn --from 2026-01-01 --to 2026-04-01T09:00Z",
    "modelkeep diff --from 7d --json",
)
def diff(
    since: Annotated[
        str,
        typer.Option("--from", help="A date, a date and time, or 7d.", metavar="TIME", show_default=False),
    ],
    repo: OptionalRepo = None,
    until: Annotated[
        str | None, typer.Option("--to", help="A date, a date and time, or 7d; else now.", metavar="TIME")
    ] = None,
    stage: OnlyStage = None,
    namespace: options.Namespace = None,
    limit: options.Limit = None,
    is_plain: Plain = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Show what changed in the stages between two times."""
    first, last = parse_moment(since), parse_moment(until)
    if first is None:
        raise typer.BadParameter("--from needs a time.")
    with options.connect(url, token) as hub:
        present = options.present_name(hub, repo)
        found = hub.diff(first, last, namespace=namespace, repo=present, stage=stage)
        tell_moment("From", first)
        tell_moment("To", last)
        show_list(
            found.up_to(limit),
            ("repo", "artifact", "stage", "before", "after", "last changed", "by"),
            _change_row,
            empty="Nothing has changed.",
            as_json=as_json,
            is_plain=is_plain,
        )


def _check_form(repo: str | None, *, as_json: bool, is_plain: bool, as_gto: bool) -> None:
    if as_json + is_plain + as_gto > 1:
        raise typer.BadParameter("Give only one of --json, --plain and --gto.")
    if as_gto and repo is None:
        raise typer.BadParameter("--gto needs a repo.")


_EVENT_COLUMNS = ("time", "repo", "artifact", "event", "version", "stage", "by", "commit", "message")


def _without_named(row: tuple[str, ...], repo: str | None, artifact: str | None) -> tuple[str, ...]:
    """A row of events without the columns of what the command line names, which would be the same in all rows."""
    return row[:1] + row[1 + (repo is not None) : 2] + row[2 + (artifact is not None) :]


def _stage_row(one: Stage) -> tuple[str, ...]:
    held = one.version or "-"
    return one.repo, one.artifact, one.stage, held, time_text(one.assigned_at), one.author, one.commit[:10]


def _event_row(one: RegistryEvent) -> tuple[str, ...]:
    return (
        time_text(one.at),
        one.repo,
        one.artifact,
        one.event,
        one.version or "-",
        one.stage or "-",
        one.author,
        one.commit[:10],
        one.message.split("\n", 1)[0],
    )


def _change_row(one: Change) -> tuple[str, ...]:
    last = max(one.events, key=lambda event: event.at.timestamp() if event.at else 0.0, default=None)
    return (
        one.repo,
        one.artifact,
        one.stage,
        one.before or "-",
        one.after or "-",
        time_text(last.at) if last else "",
        last.author if last else "",
    )
