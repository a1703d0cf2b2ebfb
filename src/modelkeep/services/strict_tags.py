"""What strict tags forbid beyond tags that cannot be read: whatever else would stop ``gto`` for the whole repo.

A repo that does not want it so lets these in, and ``doctor`` lists them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from modelkeep.domain.errors import Conflict, InvalidInput, ModelkeepError
from modelkeep.domain.events import Event
from modelkeep.domain.history import fold_artifact
from modelkeep.domain.objects import RefUpdate
from modelkeep.domain.repos import Repo
from modelkeep.domain.tag_grammar import EventKind
from modelkeep.git import refs
from modelkeep.services.gto_clone import annotations_at, config_at
from modelkeep.services.gto_files import CONFIG_FILE, GtoConfig, GtoFault
from modelkeep.services.proposals import Incoming


def check_versions(
    artifact: str, known: Sequence[Event], new_events: Sequence[Event]
) -> list[ModelkeepError]:
    """Reasons against new tags of an artifact's versions: a commit has one version, a version one commit.

    Args:
        artifact: Which one.
        known: Its events that stay.
        new_events: Those that come.
    """
    versioned = [event for event in new_events if event.version is not None]
    if not versioned:
        return []
    at_commit: dict[str, set[str]] = {}
    for event in (*known, *versioned):
        if event.version is not None:
            at_commit.setdefault(event.commit, set()).add(event.version)
    active = [
        (state.name, state.commit)
        for state in (
            *fold_artifact(artifact, known).versions,
            *fold_artifact(artifact, [*known, *versioned]).versions,
        )
        if state.is_registered and state.is_active
    ]
    reasons: list[ModelkeepError] = []
    for event in versioned:
        others = sorted(at_commit[event.commit] - {event.version or ""})
        if others:
            reasons.append(
                Conflict(
                    f"tag '{event.tag}': commit {event.commit[:12]} is already version {others[0]} of "
                    f"'{artifact}'; a commit holds one version of an artifact, also once that was deregistered. "
                    "Make a new commit for the new version.",
                    code="version_exists_for_commit",
                )
            )
        elsewhere = [commit for name, commit in active if name == event.version and commit != event.commit]
        if event.kind is EventKind.REGISTRATION and elsewhere:
            reasons.append(
                Conflict(
                    f"tag '{event.tag}': version {event.version} of '{artifact}' is already registered, at commit "
                    f"{elsewhere[0][:12]}. Choose the next version.",
                    code="version_exists",
                )
            )
    return reasons


def check_files(
    repo: Repo, git_dir: Path, proposal: Incoming, events: Iterable[Event]
) -> list[ModelkeepError]:
    """Reasons against files that ``gto`` would stop at: annotations where new tags point to, and its own settings.

    Args:
        repo: Which one.
        git_dir: Its repository.
        proposal: What is proposed.
        events: What new registry tags say.
    """
    default = f"refs/heads/{repo.default_branch}"
    moved = next((u for u in proposal.updates if u.ref == default and not u.is_delete), None)
    tags: dict[str, str] = {}
    for event in events:
        if event.kind is not EventKind.DEPRECATION:
            tags.setdefault(event.commit, event.tag)
    if moved is None and not tags:
        return []
    config = _config(git_dir, proposal, default, moved)
    reasons: list[ModelkeepError] = []
    if moved is not None and isinstance(config, GtoFault):
        reasons.append(
            InvalidInput(
                f"{CONFIG_FILE} on {repo.default_branch}{_at(config)}: {config.reason}; gto would stop at it. Correct "
                "the file and push again.",
                code="gto_config",
            )
        )
    index = config.index if isinstance(config, GtoConfig) else GtoConfig().index
    for commit, said in annotations_at(git_dir, tags, index, proposal.quarantine):
        if isinstance(said, GtoFault):
            reasons.append(
                InvalidInput(
                    f"tag '{tags[commit.id]}': {index} at its commit {commit.id[:12]}{_at(said)}: {said.reason}; gto "
                    "would stop at it. Correct the file, and tag the commit that does so.",
                    code="tag_annotations",
                )
            )
    return reasons


def _config(git_dir: Path, proposal: Incoming, default: str, moved: RefUpdate | None) -> GtoConfig | GtoFault:
    if moved is not None:
        return config_at(git_dir, moved.new, proposal.quarantine)
    present = refs.read_refs(git_dir, [default]).get(default)
    return config_at(git_dir, present.commit) if present is not None and present.commit else GtoConfig()


def _at(fault: GtoFault) -> str:
    return f", line {fault.line}" if fault.line is not None else ""
