"""The part of the gate that knows the registry: who may make its tags, whether they can be read, what they may say."""

from __future__ import annotations

from pathlib import Path

from modelkeep.db import registry as registry_index
from modelkeep.domain.access import Action
from modelkeep.domain.errors import Conflict, InvalidInput, ModelkeepError, NotPermitted, Unauthenticated
from modelkeep.domain.events import Event, TagProblem
from modelkeep.domain.history import fold_artifact
from modelkeep.domain.objects import RefUpdate
from modelkeep.domain.policy import EffectivePolicy
from modelkeep.domain.tag_grammar import EventKind, TagName, parse_tag
from modelkeep.git import incoming
from modelkeep.services.access import RepoAccess
from modelkeep.services.policy_gate import Findings, PolicyGate
from modelkeep.services.ports import Stores
from modelkeep.services.proposals import Incoming
from modelkeep.services.registry_tags import read_registry_tag

_ACTION_OF = {
    EventKind.REGISTRATION: Action.REGISTER,
    EventKind.DEREGISTRATION: Action.RETRACT,
    EventKind.DEPRECATION: Action.RETRACT,
    EventKind.CREATION: Action.RETRACT,
}


class RegistryGate:
    """Checks proposed registry tags; :class:`modelkeep.services.gate.Gate` asks it about every update."""

    def __init__(self, stores: Stores, policy_gate: PolicyGate) -> None:
        self._stores = stores
        self._policy_gate = policy_gate

    def check(self, access: RepoAccess, git_dir: Path, proposal: Incoming) -> Findings:
        """Every reason why the registry's tags among the updates may not pass, and what is worth a word."""
        findings = Findings()
        tag_updates = [update for update in proposal.updates if update.ref.startswith("refs/tags/")]
        if not tag_updates:
            return findings
        policy: EffectivePolicy | None = None
        events: dict[str, list[Event]] = {}
        replaced: set[str] = set()
        for update in tag_updates:
            tag = update.ref.removeprefix("refs/tags/")
            name = parse_tag(tag)
            replaced.add(tag)
            try:
                if name is not None:
                    policy = policy or self._policy_gate.policy_of(access)
                    events.setdefault(name.artifact, [])
                    self._check_right(policy, access, update, tag, name)
                if update.is_delete:
                    continue
                found = read_registry_tag(incoming.raw_tag_in(git_dir, proposal.quarantine, tag, update.new))
                if isinstance(found, TagProblem):
                    raise InvalidInput(
                        f"tag '{tag}': {found.reason}. {found.remedy}", code=f"tag_{found.code}"
                    )
                if found is not None:
                    _check_commit_right(access, git_dir, found)
                    events.setdefault(found.artifact, []).append(found)
            except ModelkeepError as reason:
                findings.reasons.append(reason)
        for artifact, new_events in events.items():
            findings.reasons += self._check_versions(access, artifact, new_events, replaced)
            if policy is not None:
                judged = self._policy_gate.check_artifact(
                    policy, access, git_dir, proposal, artifact, new_events, replaced
                )
                findings.reasons += judged.reasons
                findings.warnings += judged.warnings
        return findings

    def _check_right(
        self, policy: EffectivePolicy, access: RepoAccess, update: RefUpdate, tag: str, name: TagName
    ) -> None:
        if not update.is_create:
            _check_retraction(access, update, tag)
            self._policy_gate.check_removal(policy, access, update, name)
        if update.is_delete:
            return
        if name.kind in (EventKind.ASSIGNMENT, EventKind.UNASSIGNMENT):
            self._policy_gate.check_right(policy, access, name)
        elif update.is_create:
            access.require(_ACTION_OF[name.kind])

    def _check_versions(
        self, access: RepoAccess, artifact: str, new_events: list[Event], replaced: set[str]
    ) -> list[ModelkeepError]:
        registrations = [e for e in new_events if e.kind is EventKind.REGISTRATION]
        if not registrations:
            return []
        with self._stores.database.read() as tx:
            known = [
                e for e in registry_index.events_of(tx, access.repo.id, artifact) if e.tag not in replaced
            ]
        at_commit: dict[str, list[str]] = {}
        for version in fold_artifact(artifact, [*known, *new_events]).versions:
            if version.is_registered:
                at_commit.setdefault(version.commit, []).append(version.name)
        before = fold_artifact(artifact, known).named_versions
        reasons: list[ModelkeepError] = []
        for event in registrations:
            others = sorted(name for name in at_commit.get(event.commit, ()) if name != event.version)
            if others:
                reasons.append(
                    Conflict(
                        f"tag '{event.tag}': commit {event.commit[:12]} is already version {others[0]} of "
                        f"'{artifact}'; a commit holds one version of an artifact, also once that was deregistered. "
                        "Make a new commit for the new version.",
                        code="version_exists_for_commit",
                    )
                )
            earlier = before.get(event.version or "")
            if earlier is not None and earlier.is_registered and earlier.is_active:
                reasons.append(
                    Conflict(
                        f"tag '{event.tag}': version {event.version} of '{artifact}' is already registered, at commit "
                        f"{earlier.commit[:12]}. Choose the next version.",
                        code="version_exists",
                    )
                )
        return reasons


def _check_retraction(access: RepoAccess, update: RefUpdate, tag: str) -> None:
    refusal = access.refusal(Action.RETRACT)
    if isinstance(refusal, Unauthenticated):
        raise refusal
    if refusal is not None:
        verb = "deleted" if update.is_delete else "moved"
        raise NotPermitted(
            f"tag '{tag}' is part of the registry's history and cannot be {verb}: {refusal.message} To take a version "
            "back, deregister it.",
            code="registry_tag",
        )


def _check_commit_right(access: RepoAccess, git_dir: Path, event: Event) -> None:
    """A registry tag may bring its commit along, but only for somebody who could push it to a branch as well."""
    refusal = access.refusal(Action.WRITE)
    if refusal is not None and not incoming.commit_exists(git_dir, None, event.commit):
        raise NotPermitted(
            f"tag '{event.tag}' brings a commit that the repo does not have. {refusal.message}",
            code="new_commit",
        )
