"""Versions and stages: ``show``, ``register``, ``promote``, ``rollback``, ``unassign``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from modelkeep.cli import options
from modelkeep.cli.output import printable, say, show_json, show_table, time_text

if TYPE_CHECKING:
    from modelkeep.sdk.models import Artifact, Stage, Version
    from modelkeep.sdk.repo import Bump

StageName = Annotated[
    str, typer.Option("--stage", "-s", help="The stage, such as prod.", metavar="STAGE", show_default=False)
]


def show(
    repo: Annotated[
        str | None, typer.Argument(help="Only this repo.", metavar="[NAMESPACE/REPO]", show_default=False)
    ] = None,
    artifact: Annotated[
        str | None,
        typer.Argument(help="The versions of this artifact.", metavar="[ARTIFACT]", show_default=False),
    ] = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Show which versions are registered and which one is in each stage."""
    with options.connect(url, token) as hub:
        if repo is not None and artifact is not None:
            versions = hub.repo(repo).versions(artifact)
            if as_json:
                show_json(versions)
            else:
                _show_versions(versions, artifact)
            return
        artifacts = hub.registry() if repo is None else hub.repo(repo).artifacts()
    if as_json:
        show_json(artifacts)
    else:
        _show_artifacts(artifacts, has_repo=repo is None)


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
    message: options.Message = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Register a commit as a version of an artifact. This writes an annotated Git tag in your name."""
    bump = _bump(version, is_major, is_minor, is_patch)
    with options.connect(url, token) as hub:
        made = hub.repo(repo).register(artifact, version=version, bump=bump, revision=ref, message=message)
    if as_json:
        show_json(made)
    else:
        say(
            f"Registered {printable(made.artifact)} {made.version} at commit {made.commit[:10]} (tag {made.tag})."
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
    message: options.Message = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Give a stage to a version. This writes an annotated Git tag in your name."""
    if (version is None) == (ref is None):
        raise typer.BadParameter("Give either --version or --ref.")
    with options.connect(url, token) as hub:
        made = hub.repo(repo).promote(artifact, stage, version=version, revision=ref, message=message)
    _tell_stage(made, as_json)


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


def unassign(
    repo: options.RepoName,
    artifact: options.ArtifactName,
    stage: StageName,
    version: Annotated[
        str | None, typer.Option("--version", help="Only if this version holds it.", metavar="VERSION")
    ] = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Take a stage away from the version that holds it.

    If another version has held the stage before and was never taken out of it, that one holds it again.
    """
    with options.connect(url, token) as hub:
        handle = hub.repo(repo)
        handle.unassign(artifact, stage, version=version)
        now = next((one for one in handle.stages(artifact) if one.stage == stage), None)
    if as_json:
        show_json({"repo": repo, "artifact": artifact, "stage": stage, "now": now})
    elif now is not None:
        _tell_stage(now, as_json)
    else:
        say(f"{printable(artifact)} {printable(stage)} is now empty.")


def _bump(version: str | None, is_major: bool, is_minor: bool, is_patch: bool) -> Bump | None:
    asked: list[Bump] = []
    if is_major:
        asked.append("major")
    if is_minor:
        asked.append("minor")
    if is_patch:
        asked.append("patch")
    if len(asked) + (version is not None) > 1:
        raise typer.BadParameter("Give only one of --version, --bump-major, --bump-minor and --bump-patch.")
    return asked[0] if asked else None


def _tell_stage(made: Stage, as_json: bool) -> None:
    if as_json:
        show_json(made)
    else:
        held = made.version or f"commit {made.commit[:10]}"
        say(f"{printable(made.artifact)} {printable(made.stage)} is now {held} (tag {made.tag}).")


def _show_artifacts(artifacts: Sequence[Artifact], *, has_repo: bool) -> None:
    stages = sorted({stage for one in artifacts for stage in one.stages})
    headers = [*(["repo"] if has_repo else []), "name", "latest", *(f"#{stage}" for stage in stages)]
    rows = [
        [
            *([one.repo] if has_repo else []),
            one.artifact,
            one.latest or "-",
            *(one.stages.get(stage, "-") for stage in stages),
        ]
        for one in artifacts
    ]
    show_table([printable(header) for header in headers], rows, "Nothing is registered yet.")


def _show_versions(versions: Sequence[Version], artifact: str) -> None:
    rows = [
        (
            one.version + ("" if one.is_active else " (withdrawn)"),
            " ".join(f"#{stage}" for stage in one.stages) or "-",
            one.commit[:10],
            time_text(one.registered_at),
            one.author,
            one.message.split("\n", 1)[0],
        )
        for one in versions
    ]
    headers = ("version", "stages", "commit", "registered", "by", "message")
    show_table(headers, rows, f"{printable(artifact)} has no version yet.")
