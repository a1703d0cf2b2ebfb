"""The part of the gate that knows the registry: who may make its tags, whether they can be read, what they may say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from modelkeep.db import registry as registry_index
from modelkeep.domain.access import Action
from modelkeep.domain.errors import InvalidInput, ModelkeepError, NotPermitted, Unauthenticated
from modelkeep.domain.events import Event, TagProblem
from modelkeep.domain.objects import RawTag, RefUpdate
from modelkeep.domain.policy import EffectivePolicy
from modelkeep.domain.tag_grammar import EventKind, TagName, parse_tag
from modelkeep.git import incoming
from modelkeep.services import strict_tags
from modelkeep.services.access import RepoAccess
from modelkeep.services.policy_gate import Findings, PolicyGate
from modelkeep.services.ports import Stores
from modelkeep.services.proposals import Incoming
from modelkeep.services.registry_tags import own_name, read_registry_tag

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
        policy: EffectivePolicy | None = None
        events: dict[str, list[Event]] = {}
        replaced: set[str] = set()
        for update in proposal.updates:
            if not update.ref.startswith("refs/tags/"):
                continue
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
                found = self._read(policy, access, git_dir, proposal, update)
                if found is not None:
                    events.setdefault(found.artifact, []).append(found)
            except ModelkeepError as reason:
                findings.reasons.append(reason)
        if access.repo.strict_tags:
            findings.reasons += self._check_strictly(access, git_dir, proposal, events, replaced)
        for artifact, new_events in events.items():
            if policy is not None:
                judged = self._policy_gate.check_artifact(
                    policy, access, git_dir, proposal, artifact, new_events, replaced
                )
                findings.reasons += judged.reasons
                findings.warnings += judged.warnings
        return findings

    def _read(
        self,
        policy: EffectivePolicy | None,
        access: RepoAccess,
        git_dir: Path,
        proposal: Incoming,
        update: RefUpdate,
    ) -> Event | None:
        """What a new tag says; None for one that says nothing to the registry."""
        tag = update.ref.removeprefix("refs/tags/")
        raw = incoming.raw_tag_in(git_dir, proposal.quarantine, tag, update.new)
        found = read_registry_tag(raw)
        if isinstance(found, TagProblem):
            self._admit_unreadable(policy, access, git_dir, update, raw, found)
            return None
        if found is not None:
            _check_commit_right(access, git_dir, found)
        return found

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

    def _admit_unreadable(
        self,
        policy: EffectivePolicy | None,
        access: RepoAccess,
        git_dir: Path,
        update: RefUpdate,
        raw: RawTag,
        problem: TagProblem,
    ) -> None:
        """Lets a tag in that cannot be read, where the repo allows that; nobody gets by it what they otherwise may not.

        Raises:
            ModelkeepError: The repo does not, or the actor may not make the tag that a reader could take it for.
        """
        tag = problem.tag
        refusal = InvalidInput(f"tag '{tag}': {problem.reason}. {problem.remedy}", code=f"tag_{problem.code}")
        if access.repo.strict_tags:
            raise refusal
        own = parse_tag(own_name(raw))
        for name in (parse_tag(tag), own):
            if name is not None:
                policy = policy or self._policy_gate.policy_of(access)
                self._check_right(policy, access, update, tag, name)
                if policy.broken or (name.stage is not None and policy.governs(name.artifact, name.stage)):
                    raise refusal  # what cannot be read cannot be judged
        if access.refusal(Action.WRITE) and not incoming.object_exists(git_dir, raw.peeled_id):
            access.require(Action.WRITE)

    def _check_strictly(
        self,
        access: RepoAccess,
        git_dir: Path,
        proposal: Incoming,
        events: Mapping[str, Sequence[Event]],
        replaced: set[str],
    ) -> list[ModelkeepError]:
        reasons: list[ModelkeepError] = []
        for artifact, new_events in events.items():
            versions = {event.version for event in new_events if event.version is not None}
            if not versions:
                continue
            commits = {event.commit for event in new_events if event.version is not None}
            with self._stores.database.read() as tx:
                indexed = registry_index.version_events(
                    tx, access.repo.id, artifact, versions=versions, commits=commits
                )
            known = [event for event in indexed if event.tag not in replaced]
            reasons += strict_tags.check_versions(artifact, known, new_events)
        new = [event for some in events.values() for event in some]
        return reasons + strict_tags.check_files(access.repo, git_dir, proposal, new)


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
