"""Writing versions and stages: ``register``, ``promote``, ``rollback``, ``unassign``, ``deregister``, ``deprecate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.output import note, printable, say, show_json, show_table

if TYPE_CHECKING:
    from modelkeep.sdk.models_policy import DryRun
    from modelkeep.sdk.models_registry import Stage
    from modelkeep.sdk.registry_writing import Bump

StageName = Annotated[
    str, typer.Option("--stage", "-s", help="The stage, such as prod.", metavar="STAGE", show_default=False)
]


@options.example(
    "modelkeep register acme/churn churn --version v1.0.0",
    "modelkeep register acme/churn churn --bump-minor --run https://ci.example.org/runs/42",
    "modelkeep register acme/churn churn --bump-minor --pre rc",
    "modelkeep register acme/churn churn --release",
)
def register(
    repo: options.RepoName,
    artifact: options.ArtifactName,
    version: Annotated[
        str | None,
        typer.Option("--version", help="v1.2.3; else counted on from the latest.", metavar="VERSION"),
    ] = None,
    ref: Annotated[
        str | None,
        typer.Option("--ref", help="What to register; else the default branch.", metavar="REVISION"),
    ] = None,
    is_major: Annotated[bool, typer.Option("--bump-major", help="v1.2.3 becomes v2.0.0.")] = False,
    is_minor: Annotated[bool, typer.Option("--bump-minor", help="v1.2.3 becomes v1.3.0.")] = False,
    is_patch: Annotated[bool, typer.Option("--bump-patch", help="v1.2.3 becomes v1.2.4.")] = False,
    prerelease: Annotated[
        str | None,
        typer.Option(
            "--pre",
            "--prerelease",
            help="A pre-release: with rc, v1.3.0-rc.1, then v1.3.0-rc.2.",
            metavar="LABEL",
        ),
    ] = None,
    is_release: Annotated[
        bool, typer.Option("--release", help="Finish a pre-release: v1.3.0-rc.2 becomes v1.3.0.")
    ] = False,
    code_commit: Annotated[
        str | None,
        typer.Option("--code-commit", help="The commit of the code that made it.", metavar="COMMIT"),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option("--run", help="The training run that made it, such as its URL.", metavar="RUN"),
    ] = None,
    message: options.Message = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Register a commit as a version of an artifact. This writes an annotated Git tag in your name."""
    bump = _bump(version, major=is_major, minor=is_minor, patch=is_patch, release=is_release)
    if prerelease is not None and (version is not None or is_release):
        raise typer.BadParameter("--pre goes with a --bump, not with --version or --release.")
    with options.connect(url, token) as hub:
        made = hub.repo(repo).register(
            artifact,
            version=version,
            bump=bump,
            prerelease=prerelease,
            revision=ref,
            message=message,
            code_commit=code_commit,
            run=run,
        )
    if as_json:
        show_json(made)
        return
    say(
        f"Registered {printable(made.artifact)} {made.version} at commit {made.commit[:10]} (tag {made.tag})."
    )
    for warning in made.warnings:
        note(f"warning: {printable(warning)}")


@options.example(
    "modelkeep promote acme/churn churn --version v1.0.0 --stage prod",
    "modelkeep promote acme/churn churn --version latest --stage prod --dry-run",
    "modelkeep assign acme/churn churn --version latest --stage staging",
)
def promote(
    repo: options.RepoName,
    artifact: options.ArtifactName,
    stage: StageName,
    version: Annotated[
        str | None, typer.Option("--version", help="The version, or 'latest'.", metavar="VERSION")
    ] = None,
    ref: Annotated[
        str | None,
        typer.Option(
            "--ref", help="A revision instead; registered first if it has no version.", metavar="REVISION"
        ),
    ] = None,
    is_dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what blocks it; exit code 1 if anything does.")
    ] = False,
    message: options.Message = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Give a stage to a version. This writes an annotated Git tag in your name."""
    if (version is None) == (ref is None):
        raise typer.BadParameter("Give either --version or --ref.")
    with options.connect(url, token) as hub:
        if is_dry_run:
            _tell_dry_run(hub.repo(repo).try_promote(artifact, stage, version=version, revision=ref), as_json)
            return
        made = hub.repo(repo).promote(artifact, stage, version=version, revision=ref, message=message)
    _tell_stage(made, as_json)


@options.example("modelkeep rollback acme/churn churn --stage prod")
def rollback(
    repo: options.RepoName,
    artifact: options.ArtifactName,
    stage: StageName,
    message: options.Message = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Give a stage back to the version that held it before."""
    with options.connect(url, token) as hub:
        made = hub.repo(repo).rollback(artifact, stage, message=message)
    _tell_stage(made, as_json)


@options.example("modelkeep unassign acme/churn churn --stage staging")
def unassign(
    repo: options.RepoName,
    artifact: options.ArtifactName,
    stage: StageName,
    version: Annotated[
        str | None, typer.Option("--version", help="Only if this version holds it.", metavar="VERSION")
    ] = None,
    message: options.Message = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Take a stage away from the version that holds it.

    If another version has held the stage before and was never taken out of it, that one holds it again.
    """
    with options.connect(url, token) as hub:
        now = hub.repo(repo).unassign(artifact, stage, version=version, message=message)
    if as_json:
        show_json({"repo": repo, "artifact": artifact, "stage": stage, "now": now})
    elif now is not None:
        _tell_stage(now, as_json)
    else:
        say(f"{printable(artifact)} {printable(stage)} is now empty.")


@options.example("modelkeep deregister acme/churn churn v1.2.0 --message 'Trained on the wrong month'")
def deregister(
    repo: options.RepoName,
    artifact: options.ArtifactName,
    version: Annotated[str, typer.Argument(help="The version.", metavar="VERSION", show_default=False)],
    message: options.Message = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Withdraw a version: it stays in the history and counts no longer.

    It leaves the stages that it holds. Registering the same version at the same commit brings it back.
    """
    with options.connect(url, token) as hub:
        done = hub.repo(repo).deregister(artifact, version, message=message)
    if as_json:
        show_json(done)
    else:
        say(f"Withdrew {printable(done.artifact)} {printable(version)} (tag {done.tag}).")


@options.example("modelkeep deprecate acme/churn churn --message 'Use attrition'")
def deprecate(
    repo: options.RepoName,
    artifact: options.ArtifactName,
    message: options.Message = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Say that an artifact is no longer to be used. Registering a version again revives it."""
    with options.connect(url, token) as hub:
        done = hub.repo(repo).deprecate(artifact, message=message)
    if as_json:
        show_json(done)
    else:
        say(f"{printable(done.artifact)} is deprecated (tag {done.tag}).")


def _bump(version: str | None, *, major: bool, minor: bool, patch: bool, release: bool) -> Bump | None:
    flags: dict[Bump, bool] = {"major": major, "minor": minor, "patch": patch, "release": release}
    asked = [name for name, is_asked in flags.items() if is_asked]
    if len(asked) + (version is not None) > 1:
        raise typer.BadParameter(
            "Give only one of --version, --bump-major, --bump-minor, --bump-patch and --release."
        )
    return asked[0] if asked else None


def _tell_dry_run(done: DryRun, as_json: bool) -> None:
    """Shows what a promotion would do; ends with exit code 1 if it would be refused."""
    if as_json:
        show_json(done)
    else:
        named = f"{printable(done.artifact)} {done.version or f'commit {done.commit[:10]}'}"
        verb = "may take" if done.allowed else "may not take"
        held = f", which {done.previous} holds" if done.previous else ""
        say(f"{named} {verb} {printable(done.stage)}{held}. Nothing was changed.")
        rows = [
            ("yes" if one.passed else "NO", one.message, "" if one.passed else one.remedy)
            for one in done.checks
        ]
        if rows:
            show_table(("met", "condition", "what to do"), rows, "")
        for warning in done.warnings:
            note(f"warning: {printable(warning)}")
    if not done.allowed:
        raise typer.Exit(1)


def _tell_stage(made: Stage, as_json: bool) -> None:
    if as_json:
        show_json(made)
    else:
        held = made.version or f"commit {made.commit[:10]}"
        say(f"{printable(made.artifact)} {printable(made.stage)} is now {held} (tag {made.tag}).")
