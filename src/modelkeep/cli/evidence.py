"""``modelkeep evidence …``: verdicts about versions that were found elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.output import printable, say, show_json, show_list, time_text

if TYPE_CHECKING:
    from modelkeep.sdk.registry_writing import Verdict

VersionName = Annotated[str, typer.Argument(help="The version.", metavar="VERSION", show_default=False)]
_VERDICTS: dict[str, Verdict] = {"passed": "passed", "failed": "failed", "pending": "pending"}


@options.example(
    "modelkeep evidence record acme/churn churn v1.3.0 scan passed --summary 'No findings' "
    "--details https://ci.example.org/42"
)
def record(
    repo: options.RepoName,
    artifact: options.ArtifactName,
    version: VersionName,
    name: Annotated[
        str, typer.Argument(help="What was looked at, such as scan.", metavar="NAME", show_default=False)
    ],
    verdict: Annotated[
        str, typer.Argument(help="passed, failed or pending.", metavar="VERDICT", show_default=False)
    ],
    summary: Annotated[
        str | None, typer.Option("--summary", help="What was found, in a line.", metavar="TEXT")
    ] = None,
    details: Annotated[
        str | None, typer.Option("--details", help="Where more about it is.", metavar="URL")
    ] = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Record a verdict about a version, such as a scanner's. A policy may require that one has passed.

    It takes the place of an earlier one of the same name.
    """
    chosen = _VERDICTS.get(verdict)
    if chosen is None:
        raise typer.BadParameter(f"{verdict[:40]!r} is no verdict; write passed, failed or pending.")
    with options.connect(url, token) as hub:
        made = hub.repo(repo).record_evidence(artifact, version, name, chosen, summary=summary, url=details)
    if as_json:
        show_json(made)
    else:
        say(
            f"Recorded: {printable(made.name)} {made.verdict} for {printable(artifact)} {printable(version)}."
        )


@options.example("modelkeep evidence list acme/churn churn v1.3.0")
def list_evidence(
    repo: options.RepoName,
    artifact: options.ArtifactName,
    version: VersionName,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """List the verdicts that were recorded about a version."""
    with options.connect(url, token) as hub:
        show_list(
            hub.repo(repo).evidence(artifact, version),
            ("name", "verdict", "summary", "by", "at", "details"),
            lambda one: (
                one.name,
                one.verdict,
                one.summary,
                one.recorded_by,
                time_text(one.recorded_at),
                one.url,
            ),
            empty="Nothing was recorded about it.",
            as_json=as_json,
        )
