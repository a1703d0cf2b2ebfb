"""``modelkeep show``: the registry, the artifacts of a repo, the versions of an artifact, one version."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelkeep.cli import options
from modelkeep.cli.moments import At, parse_moment, tell_moment
from modelkeep.cli.output import (
    note,
    printable,
    say,
    show_fields,
    show_json,
    show_list,
    show_table,
    size_text,
    time_text,
)

if TYPE_CHECKING:
    from datetime import datetime

    from modelkeep.sdk.hub import Hub
    from modelkeep.sdk.models_registry import Artifact, Version, VersionDetail
    from modelkeep.sdk.repo import RepoHandle

_SHORTCUT = re.compile(r"([^@#]+)(?:@([^@#]+)|#([^@#]+))?")
_STAGE_COLUMNS = 8


@options.example(
    "modelkeep show",
    "modelkeep show acme/churn --json",
    "modelkeep show acme/churn churn",
    "modelkeep show acme/churn churn@latest",
    "modelkeep show 'acme/churn' 'churn#prod' --version",
    "modelkeep show --in-stage prod --label tabular --at 2026-03-01",
)
def show(
    repo: Annotated[
        str | None, typer.Argument(help="Only this repo.", metavar="[NAMESPACE/REPO]", show_default=False)
    ] = None,
    artifact: Annotated[
        str | None,
        typer.Argument(
            help="The versions of this artifact; churn@latest, churn@v1.2.0 and 'churn#prod' show one.",
            metavar="[ARTIFACT]",
            show_default=False,
        ),
    ] = None,
    namespace: options.Namespace = None,
    query: Annotated[str | None, typer.Option("--query", help="Words to search for.", metavar="TEXT")] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", help="Only with this label. Repeatable.", metavar="LABEL")
    ] = None,
    in_stage: Annotated[
        str | None, typer.Option("--in-stage", help="Only where this stage is held.", metavar="STAGE")
    ] = None,
    type: Annotated[
        str | None, typer.Option("--type", help="Only of this type, such as model.", metavar="TYPE")
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option("--sort", help="name, updated, -updated, -versions or latest.", metavar="ORDER"),
    ] = None,
    is_all: Annotated[bool, typer.Option("--all", "-a", help="Deprecated artifacts, too.")] = False,
    at: At = None,
    limit: options.Limit = None,
    is_plain: Annotated[
        bool, typer.Option("--plain", help="Columns without lines; of a repo, those of 'gto show --plain'.")
    ] = False,
    only_name: Annotated[bool, typer.Option("--name", help="Print only the names.")] = False,
    only_version: Annotated[bool, typer.Option("--version", help="Print only the versions.")] = False,
    only_stage: Annotated[bool, typer.Option("--stage", help="Print only the stages.")] = False,
    only_ref: Annotated[bool, typer.Option("--ref", help="Print only the tags.")] = False,
    as_gto: Annotated[
        bool, typer.Option("--gto", help="Print what 'gto show --json' prints in a clone.")
    ] = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Show which versions are registered and which one is in each stage.

    Of all repos that you may read, of one repo, of one artifact, or one version with its files.
    """
    forms = {
        "--json": as_json,
        "--plain": is_plain,
        "--name": only_name,
        "--version": only_version,
        "--stage": only_stage,
        "--ref": only_ref,
        "--gto": as_gto,
    }
    form = _one_of(forms)
    moment = parse_moment(at)
    is_as_gto_has_it = not any((namespace, query, label, in_stage, type, sort, is_all, at, limit))
    with options.connect(url, token) as hub:
        if as_gto:
            _show_as_gto(hub, repo, artifact)
        elif form == "--plain" and repo is not None and is_as_gto_has_it:
            _show_plain(hub.repo(repo), artifact)
        elif repo is not None and artifact is not None:
            _show_artifact(hub.repo(repo), artifact, form, moment, limit)
        else:
            found = hub.registry(
                namespace=namespace,
                repo=options.present_name(hub, repo),
                query=query,
                labels=label or [],
                stage=in_stage,
                type=type,
                is_deprecated=None if is_all else False,
                sort=sort,
                at=moment,
            )
            tell_moment("As of", moment)
            _show_artifacts(found.up_to(limit), form, has_repo=repo is None)


def _one_of(forms: dict[str, bool]) -> str:
    """The form of output that was asked for; empty for the usual one."""
    asked = [name for name, is_asked in forms.items() if is_asked]
    if len(asked) > 1:
        raise typer.BadParameter(f"Give only one of {', '.join(asked)}.")
    return asked[0] if asked else ""


def _show_as_gto(hub: Hub, repo: str | None, artifact: str | None) -> None:
    if repo is None:
        raise typer.BadParameter("--gto needs a repo.")
    sys.stdout.write(hub.repo(repo).gto_show(artifact))


def _show_plain(repo: RepoHandle, artifact: str | None) -> None:
    from modelkeep.cli.gto_tables import plain_artifacts, plain_versions

    shown = json.loads(repo.gto_show(artifact))
    if artifact is None:
        lines = plain_artifacts(shown)
    else:
        name = re.split("[@#]", artifact, maxsplit=1)[0]
        is_registered = any(one["registrations"] for one in shown) or any(
            one.is_registered for one in repo.artifacts() if one.artifact == name
        )
        lines = plain_versions(shown, is_registered=is_registered)
    for line in lines:
        say(printable(line))
    if not lines:
        note("Nothing is registered here.")


def _show_artifacts(found: Iterable[Artifact], form: str, *, has_repo: bool) -> None:
    if form in ("--version", "--stage", "--ref"):
        raise typer.BadParameter(f"{form} needs an artifact.")
    if form == "--name":
        for one in found:
            say(printable(f"{one.repo} {one.artifact}" if has_repo else one.artifact))
        return
    if form == "--json":
        show_list(found, (), lambda _: (), empty="", as_json=True)
        return
    artifacts = list(found)
    stages = sorted({stage for one in artifacts for stage in one.stages})
    is_wide = len(stages) <= _STAGE_COLUMNS
    headers = (
        ["repo"] * has_repo
        + ["name", "latest"]
        + ([f"#{stage}" for stage in stages] if is_wide else ["stages"])
    )

    def row(one: Artifact) -> list[str]:
        name = (
            ("" if one.is_registered else "*") + one.artifact + (" (deprecated)" if one.is_deprecated else "")
        )
        held = [f"#{stage} {version}" for stage, version in sorted(one.stages.items())]
        cells = [one.stages.get(stage, "-") for stage in stages] if is_wide else [", ".join(held) or "-"]
        return [one.repo] * has_repo + [name, one.latest or "-", *cells]

    shown = [printable(header) for header in headers]
    show_list(artifacts, shown, row, empty="Nothing is registered here.", is_plain=form == "--plain")


def _show_artifact(
    repo: RepoHandle, shortcut: str, form: str, moment: datetime | None, limit: int | None
) -> None:
    """Shows an artifact's versions, or the one that a shortcut (``churn@v1``, ``churn#prod``) names."""
    match = _SHORTCUT.fullmatch(shortcut)
    if match is None:
        raise typer.BadParameter(
            f"{shortcut[:80]!r} is no artifact; write churn, churn@v1.2.0 or 'churn#prod'."
        )
    artifact, version, stage = match.groups()
    if form == "--name":
        raise typer.BadParameter("--name is for the artifacts of a repo; leave the artifact out.")
    if version is None and stage is None:
        tell_moment("As of", moment)
        _show_versions(repo.versions(artifact, at=moment).up_to(limit), artifact, form)
        return
    if stage is not None:
        holder = repo.stage(artifact, stage, at=moment)
        tell_moment("As of", moment)
        if holder.version is None:
            note(f"{artifact}#{stage} is held by the commit {holder.commit}, which has no version.")
            return
        version = holder.version
    elif moment is not None:
        _show_versions(
            (one for one in repo.versions(artifact, at=moment) if _is_meant(one, version)), artifact, form
        )
        return
    _show_version(repo.version(artifact, "latest" if version == "greatest" else str(version)), form)


def _is_meant(one: Version, version: str | None) -> bool:
    return one.is_latest if version in ("latest", "greatest") else one.version == version


def _show_versions(found: Iterable[Version], artifact: str, form: str) -> None:
    if form in _LINES:
        for one in found:
            say(printable(_LINES[form](one)))
        return
    headers = ("version", "stages", "commit", "registered", "by", "message")
    empty = f"{printable(artifact)} has no version yet."
    show_list(found, headers, _version_row, empty=empty, as_json=form == "--json", is_plain=form == "--plain")


_LINES: dict[str, Any] = {
    "--version": lambda one: one.version,
    "--stage": lambda one: ", ".join(one.stages),
    "--ref": lambda one: one.tag,
}


def _version_row(one: Version) -> tuple[str, ...]:
    return (
        one.version + ("" if one.is_active else " (withdrawn)"),
        " ".join(f"#{stage}" for stage in one.stages) or "-",
        one.commit[:10],
        time_text(one.registered_at),
        one.author,
        one.message.split("\n", 1)[0],
    )


def _show_version(one: VersionDetail, form: str) -> None:
    if form in _LINES:
        say(printable(_LINES[form](one)))
        return
    if form == "--json":
        show_json(one)
        return
    about = one.annotation
    signer = f" by {one.signature.signer}" if one.signature.signer else ""
    show_fields(
        [
            ("artifact", one.artifact),
            ("version", one.version + ("" if one.is_active else " (withdrawn)")),
            ("stages", " ".join(f"#{stage}" for stage in one.stages)),
            ("tag", one.tag),
            ("commit", one.commit),
            ("registered", f"{time_text(one.registered_at)} UTC"),
            ("by", one.author),
            ("message", one.message.strip()),
            ("signature", "" if one.signature.status == "none" else one.signature.status + signer),
            ("code commit", one.code_commit or ""),
            ("run", one.run or ""),
            ("type", (about.type or "") if about else ""),
            ("path", (about.path or "") if about else ""),
            ("labels", ", ".join(about.labels) if about else ""),
            ("description", (about.description or "") if about else ""),
        ]
    )
    if one.files:
        say()
        rows = [(file.path, size_text(file.size), file.sha256 or "") for file in one.files]
        show_table(("file", "size", "sha256"), rows, "")
    if one.files_truncated:
        note("There are more files; 'modelkeep download' brings all of them.")
