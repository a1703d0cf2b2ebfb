"""``modelkeep request …``: promotion requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.output import (
    note,
    printable,
    say,
    show_fields,
    show_json,
    show_list,
    show_table,
    time_text,
)

if TYPE_CHECKING:
    from modelkeep.sdk.models_policy import PromotionRequest

Number = Annotated[int, typer.Argument(help="Its number.", metavar="NUMBER", min=1, show_default=False)]
Comment = Annotated[
    str | None, typer.Option("--comment", "--message", "-m", help="What you have to say.", metavar="TEXT")
]


@options.example(
    "modelkeep request list acme/churn --state open",
    "modelkeep request list --state open --role reviewer",
)
def list_requests(
    repo: Annotated[
        str | None, typer.Argument(help="Only of this repo.", metavar="[NAMESPACE/REPO]", show_default=False)
    ] = None,
    state: Annotated[
        str | None,
        typer.Option(
            "--state", help="Only open, approved, completed, rejected or withdrawn.", metavar="STATE"
        ),
    ] = None,
    artifact: Annotated[
        str | None, typer.Option("--artifact", help="Only of this artifact.", metavar="ARTIFACT")
    ] = None,
    stage: Annotated[
        str | None, typer.Option("--stage", "-s", help="Only for this stage.", metavar="STAGE")
    ] = None,
    role: Annotated[
        str | None,
        typer.Option("--role", help="reviewer: those that wait for you; proposer: your own.", metavar="ROLE"),
    ] = None,
    limit: options.Limit = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """List promotion requests, the latest first: of a repo, or all that you may see."""
    if repo is not None and role is not None:
        raise typer.BadParameter("--role is for the requests of all repos; leave the repo out.")
    with options.connect(url, token) as hub:
        if repo is not None:
            found = hub.repo(repo).requests.list(state=state, artifact=artifact, stage=stage).up_to(limit)
        else:
            all_found = hub.requests(state=state, role=role)
            kept = (
                one
                for one in all_found
                if (artifact is None or one.artifact == artifact) and (stage is None or one.stage == stage)
            )
            found = (one for one, _ in zip(kept, range(limit), strict=False)) if limit else kept
        show_list(
            found,
            ("repo", "number", "artifact", "version", "stage", "state", "proposed by", "at", "approvals"),
            _row,
            empty="There is no such request.",
            as_json=as_json,
        )


@options.example(
    "modelkeep request create acme/churn churn --version v1.3.0 --stage prod -m 'AUC 0.91 on October'"
)
def create(
    repo: options.RepoName,
    artifact: options.ArtifactName,
    stage: Annotated[
        str, typer.Option("--stage", "-s", help="The stage.", metavar="STAGE", show_default=False)
    ],
    version: Annotated[
        str,
        typer.Option("--version", help="The version, or 'latest'.", metavar="VERSION", show_default=False),
    ],
    message: options.Message = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Propose that a version gets a stage."""
    with options.connect(url, token) as hub:
        handle = hub.repo(repo)
        chosen = handle.version(artifact).version if version == "latest" else version
        made = handle.requests.create(artifact, stage, chosen, message=message)
    _tell(made, as_json, f"Proposed {printable(made.artifact)} {made.version} for {printable(made.stage)}")


@options.example("modelkeep request show acme/churn 7")
def show(
    repo: options.RepoName,
    number: Number,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Show a promotion request, its reviews and what blocks it."""
    with options.connect(url, token) as hub:
        found = hub.repo(repo).requests.get(number)
    if as_json:
        show_json(found)
    else:
        _show(found)


@options.example("modelkeep request approve acme/churn 7 --comment 'Checked the slices'")
def approve(
    repo: options.RepoName,
    number: Number,
    comment: Comment = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Approve a promotion request. The approval that was missing assigns the stage, in your name."""
    with options.connect(url, token) as hub:
        done = hub.repo(repo).requests.approve(number, comment=comment)
    _tell(done, as_json, "Approved")


@options.example("modelkeep request reject acme/churn 7 --comment 'Worse on new customers'")
def reject(
    repo: options.RepoName,
    number: Number,
    comment: Comment = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Reject a promotion request."""
    with options.connect(url, token) as hub:
        done = hub.repo(repo).requests.reject(number, comment=comment)
    _tell(done, as_json, "Rejected")


@options.example("modelkeep request withdraw acme/churn 7")
def withdraw(
    repo: options.RepoName,
    number: Number,
    comment: Comment = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Withdraw a promotion request of yours."""
    with options.connect(url, token) as hub:
        done = hub.repo(repo).requests.withdraw(number, comment=comment)
    _tell(done, as_json, "Withdrew")


def _row(one: PromotionRequest) -> tuple[str, ...]:
    return (
        one.repo,
        str(one.number),
        one.artifact,
        one.version,
        one.stage,
        one.state,
        one.proposer,
        time_text(one.created_at),
        f"{one.approvals} of {one.approvals_needed}",
    )


def _tell(request: PromotionRequest, as_json: bool, verb: str) -> None:
    if as_json:
        show_json(request)
        return
    end = f" (tag {request.tag})" if request.tag else ""
    say(f"{verb}: request {request.number} of {request.repo} is {request.state}{end}.")
    for check in request.blocking:
        note(f"blocked: {printable(check.message)} {printable(check.remedy)}".rstrip())


def _show(one: PromotionRequest) -> None:
    show_fields(
        [
            ("request", f"{one.repo} {one.number}"),
            ("state", one.state + (f": {one.reason}" if one.reason else "")),
            ("promotes", f"{one.artifact} {one.version} to {one.stage}"),
            ("commit", one.commit),
            ("in place of", one.previous or ""),
            ("proposed by", f"{one.proposer}, {time_text(one.created_at)} UTC"),
            ("message", one.message.strip()),
            ("approvals", f"{one.approvals} of {one.approvals_needed}"),
            ("tag", one.tag or ""),
        ]
    )
    if one.reviews:
        say()
        rows = [(time_text(review.at), review.user, review.verdict, review.comment) for review in one.reviews]
        show_table(("at", "reviewer", "verdict", "comment"), rows, "")
    if one.blocking:
        say()
        show_table(
            ("what blocks it", "what to do"), [(check.message, check.remedy) for check in one.blocking], ""
        )
