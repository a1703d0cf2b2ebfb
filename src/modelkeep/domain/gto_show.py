"""What ``gto show``, ``history``, ``check-ref`` and ``stages`` print with ``--json``, as values; keys in its order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from modelkeep.domain.artifacts import Json
from modelkeep.domain.gto_state import Entry, GtoArtifact, GtoStage, GtoVersion, Registry, Sort
from modelkeep.domain.tag_grammar import EventKind, Shortcut, TagName

_PRIORITIES = {
    None: 0,
    EventKind.CREATION: 1,
    EventKind.DEPRECATION: 2,
    EventKind.REGISTRATION: 3,
    EventKind.DEREGISTRATION: 4,
    EventKind.ASSIGNMENT: 5,
    EventKind.UNASSIGNMENT: 6,
}
_ADDITIONS = (None, EventKind.CREATION, EventKind.REGISTRATION, EventKind.ASSIGNMENT)

_ACTIONS = {
    EventKind.DEPRECATION: "deprecate",
    EventKind.REGISTRATION: "register",
    EventKind.DEREGISTRATION: "deregister",
    EventKind.ASSIGNMENT: "assign",
    EventKind.UNASSIGNMENT: "unassign",
}

_Object = dict[str, Json]


@dataclass(frozen=True, slots=True)
class ShowOptions:
    """The options of ``gto show``; numbers of -1 stand for all."""

    only_registered: bool = False
    with_deprecated: bool = False
    assignments_per_version: int = -1
    versions_per_stage: int = 1
    sort: Sort = "timestamp"


def show_registry(registry: Registry, stages: Iterable[str], options: ShowOptions) -> _Object:
    """``gto show``: each artifact with its latest version and who is in which stage."""
    columns = list(stages)
    shown: _Object = {}
    for artifact in registry.values():
        is_active = artifact.is_active
        if not is_active and not options.with_deprecated:
            continue
        held = _holders(artifact, options)
        latest = artifact.latest
        shown[artifact.name] = {
            "version": latest.name if latest else None,
            "stage": {
                stage: ", ".join(version.name for version, _ in held.get(stage, ())) or None
                for stage in columns
            },
            "registered": artifact.is_registered,
            "active": is_active,
        }
    return shown


def show_versions(artifact: GtoArtifact, options: ShowOptions, shortcut: Shortcut | None) -> list[_Object]:
    """``gto show NAME``: the versions of an artifact, whose commits' facts are all known."""
    held = _holders(artifact, options)
    found = artifact.chosen(
        with_bare=not options.only_registered,
        with_discovered=True,
        only_active=not options.with_deprecated,
    )
    if not artifact.is_active and not options.with_deprecated:
        return []
    by_version: dict[str, list[tuple[GtoVersion, GtoStage]]] = {}
    for holders in held.values():
        for version, stage in holders:
            by_version.setdefault(version.name, []).append((version, stage))
    if shortcut is not None and shortcut.is_latest:
        found = found[:1]
    elif shortcut is not None and shortcut.version is not None:
        found = [version for version in found if version.name == shortcut.version]
    elif shortcut is not None and shortcut.stage is not None:
        found = [
            version
            for version in found
            for _, stage in by_version.get(version.name, ())
            if stage.name == shortcut.stage
        ]
    return [_version(artifact.name, version, by_version.get(version.name, ())) for version in found]


def history(registry: Registry, name: str | None, *, ascending: bool) -> list[_Object]:
    """``gto history``: what happened, newest first unless ``ascending``, to all artifacts or one of them."""
    entries = [
        (entry, artifact.name)
        for artifact in registry.values()
        for entry in artifact.entries[::-1]
        if entry.kind is not None
    ]
    entries.sort(key=lambda pair: (pair[0].at, _PRIORITIES[pair[0].kind]))
    if not ascending:
        entries.reverse()
    return [
        {
            "timestamp": entry.when.isoformat(),
            "artifact": artifact,
            "event": str(entry.kind),
            "priority": _PRIORITIES[entry.kind],
            "version": entry.version,
            "stage": entry.stage,
            "commit": entry.commit,
            "author": entry.author,
            "author_email": entry.author_email,
            "message": entry.message,
            "ref": entry.ref,
        }
        for entry, artifact in entries
        if name is None or artifact == name
    ]


def check_ref(artifact: GtoArtifact, tag: str) -> _Object | None:
    """``gto check-ref``: what a tag of this artifact says; None if nothing."""
    for entry in artifact.entries:
        if entry.kind is not None and entry.ref == tag:
            said = _entry(artifact.name, entry)
            return {k: v for k, v in said.items() if k not in ("priority", "addition")} | {
                "event": str(entry.kind)
            }
    return None


def parsed_tag(tag: TagName) -> _Object:
    """``gto parse-tag``: the parts of a tag's name."""
    parts: _Object = {"name": tag.artifact}
    if tag.version is not None:
        parts["version"] = tag.version
    if tag.stage is not None:
        parts["stage"] = tag.stage
    if tag.kind in _ACTIONS:
        parts["action"] = _ACTIONS[tag.kind]
    if tag.counter is not None:
        parts["counter"] = tag.counter
    return parts


def used_stages(registry: Registry) -> list[str]:
    """The stages that some active version is in, by name."""
    return sorted({stage for artifact in registry.values() for stage in artifact.holders()})


def _holders(artifact: GtoArtifact, options: ShowOptions) -> Mapping[str, list[tuple[GtoVersion, GtoStage]]]:
    return artifact.holders(
        only_registered=options.only_registered,
        assignments_per_version=options.assignments_per_version,
        versions_per_stage=options.versions_per_stage,
        sort=options.sort,
    )


def _version(artifact: str, version: GtoVersion, held: Iterable[tuple[GtoVersion, GtoStage]]) -> _Object:
    return {
        "artifact": artifact,
        "commit_hexsha": version.commit,
        "version": version.name,
        "enrichments": [_commit(artifact, version, entry) for entry in version.commits],
        "registrations": [_entry(artifact, entry) for entry in version.registrations],
        "deregistrations": [_entry(artifact, entry) for entry in version.deregistrations],
        "stages": [_stage(artifact, holder, stage) for holder, stage in held],
        "is_active": version.is_active,
        "activated_at": version.activation.when.isoformat(),
        **_authored(version.authoring),
        "discovered": version.is_discovered,
    }


def _stage(artifact: str, version: GtoVersion, stage: GtoStage) -> _Object:
    return {
        "artifact": artifact,
        "commit_hexsha": version.commit,
        "version": version.name,
        "stage": stage.name,
        "assignments": [_entry(artifact, e) | {"event": str(e.kind)} for e in stage.assignments],
        "unassignments": [_entry(artifact, e) | {"event": str(e.kind)} for e in stage.unassignments],
        "is_active": True,
        "activated_at": stage.activation.when.isoformat(),
        **_authored(stage.authoring),
    }


def _authored(entry: Entry) -> _Object:
    return {
        "created_at": entry.when.isoformat(),
        "author": entry.author,
        "author_email": entry.author_email,
        "message": entry.message,
        "ref": entry.ref,
    }


def _entry(artifact: str, entry: Entry) -> _Object:
    said: _Object = {
        "priority": _PRIORITIES[entry.kind],
        "addition": entry.kind in _ADDITIONS,
        "artifact": artifact,
        "created_at": entry.when.isoformat(),
        "author": entry.author,
        "author_email": entry.author_email,
        "message": entry.message,
        "commit_hexsha": entry.commit,
    }
    if entry.kind is not None:
        said["tag"] = entry.ref
    if entry.version is not None:
        said["version"] = entry.version
    if entry.stage is not None:
        said["stage"] = entry.stage
    return said


def _commit(artifact: str, version: GtoVersion, entry: Entry) -> _Object:
    said = _entry(artifact, entry)
    facts = version.facts
    annotation = facts.annotations.get(artifact) if facts is not None else None
    committer = facts.commit.committer if facts is not None else None
    return said | {
        "enrichments": [{"source": "gto", "artifact": annotation}] if annotation is not None else [],
        "committer": committer.name if committer else "",
        "committer_email": committer.email if committer else "",
    }
