"""The part of the gate that knows policies: who may change one, and what it asks of registry tags.

A dry run asks the same (:meth:`PolicyGate.assess`), so that it says what the gate would say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from modelkeep.db import registry as registry_index
from modelkeep.domain.access import Action, Role
from modelkeep.domain.errors import InvalidInput, ModelkeepError, NotPermitted
from modelkeep.domain.events import Event
from modelkeep.domain.history import ArtifactState, fold_artifact
from modelkeep.domain.objects import RefUpdate
from modelkeep.domain.policy import POLICY_FILE, EffectivePolicy, OnSameContent, StageRule
from modelkeep.domain.policy_checks import Check, Subject, check_assignment, check_right, unreadable
from modelkeep.domain.promotions import PromotionRequest
from modelkeep.domain.rollback import is_rollback, previous_holder
from modelkeep.domain.tag_grammar import EventKind, TagName
from modelkeep.services.access import RepoAccess
from modelkeep.services.policies import Policies, entry_at, policy_at, require_valid
from modelkeep.services.policy_facts import Setting, StageFacts
from modelkeep.services.ports import Stores
from modelkeep.services.proposals import Incoming
from modelkeep.services.same_content import SameContent
from modelkeep.services.signatures import Signatures

_STAGE_EVENTS = (EventKind.ASSIGNMENT, EventKind.UNASSIGNMENT)
_VERSION_EVENTS = (EventKind.REGISTRATION, EventKind.DEREGISTRATION)


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a policy says of an assignment: the checks, and the request that it would use up."""

    checks: tuple[Check, ...]
    request: PromotionRequest | None = None
    approvers: tuple[str, ...] = ()

    @property
    def is_allowed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)


@dataclass(slots=True)
class Findings:
    """What was found wrong, and what is worth a word although it passes."""

    reasons: list[ModelkeepError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class PolicyGate:
    """Checks proposed updates against the policy that holds before them."""

    def __init__(self, stores: Stores, policies: Policies, signatures: Signatures) -> None:
        self._stores = stores
        self._policies = policies
        self._signatures = signatures

    def policy_of(self, access: RepoAccess) -> EffectivePolicy:
        """What holds in the repo now."""
        with self._stores.database.read() as tx:
            return self._policies.effective(tx, access.repo)

    def check_file(self, access: RepoAccess, git_dir: Path, proposal: Incoming, update: RefUpdate) -> None:
        """Judges an update of a branch: where it is the default one, it may change the policy.

        Raises:
            NotPermitted: The policy would change, and the actor is no maintainer.
            InvalidInput: It would become one that cannot be read.
        """
        if update.ref != f"refs/heads/{access.repo.default_branch}":
            return
        before = entry_at(git_dir, None if update.is_create else update.old, None)
        after = entry_at(git_dir, None if update.is_delete else update.new, proposal.quarantine)
        if (before and (before.mode, before.id)) == (after and (after.mode, after.id)):
            return
        if access.role < Role.MAINTAINER:
            raise NotPermitted(
                f"Changing {POLICY_FILE} on {access.repo.default_branch} needs the role maintainer; you are "
                f"{access.role.label}. Leave it out, or ask a maintainer.",
                code="policy_role",
            )
        text = policy_at(git_dir, update.new, quarantine=proposal.quarantine) if after is not None else None
        if text is not None:
            require_valid(text, POLICY_FILE)

    def check_right(self, policy: EffectivePolicy, access: RepoAccess, name: TagName) -> None:
        """Judges who may make a stage's tag; where the policy names who, the token must do.

        Raises:
            ModelkeepError: The actor may not.
        """
        stage = name.stage or ""
        # A stage that the policy does not know is refused as such, whoever asks for it.
        is_judged = policy.governs(name.artifact, stage) or (
            name.kind is EventKind.ASSIGNMENT and any(one.names_stages for one in policy.policies)
        )
        if policy.broken is not None or not is_judged:
            access.require(Action.PROMOTE)
            return
        access.require_scope(Action.PROMOTE)
        if name.kind is EventKind.UNASSIGNMENT:
            subject = _subject(access, name.artifact, stage, None, "")
            raise_first(check_right(policy, subject))

    def check_removal(
        self, policy: EffectivePolicy, access: RepoAccess, update: RefUpdate, name: TagName
    ) -> None:
        """Judges that a registry tag is moved or deleted.

        Raises:
            NotPermitted: The policy keeps it as it is, or cannot be read.
        """
        tag = update.ref.removeprefix("refs/tags/")
        stage = name.stage
        keeps_version = name.kind in _VERSION_EVENTS and policy.is_immutable
        keeps_stage = stage is not None and policy.governs(name.artifact, stage)
        if not (keeps_version or keeps_stage or policy.broken):
            return
        with self._stores.database.read() as tx:
            if not registry_index.events_of_tags(tx, access.repo.id, [tag]):
                return  # no event: a tag that could not be read
        verb = "deleted" if update.is_delete else "moved"
        if policy.broken is not None:
            raise_first([unreadable(policy, policy.broken)])
        if keeps_version:
            what, instead = "a version", "Register another version, or deregister this one."
        else:
            what, instead = f"the stage '{stage}'", "Assign the stage to another version, or unassign it."
        raise NotPermitted(
            f"Tag '{tag}' records {what}, and the policy keeps it as it is: it cannot be {verb}. {instead}",
            code="policy_immutable",
        )

    def check_artifact(
        self,
        policy: EffectivePolicy,
        access: RepoAccess,
        git_dir: Path,
        proposal: Incoming,
        artifact: str,
        new_events: Sequence[Event],
        replaced: set[str],
    ) -> Findings:
        """Judges what the updates together do to an artifact."""
        findings = Findings()
        if not policy.texts and not policy.gto_stages:
            return findings
        with self._stores.database.read() as tx:
            known = registry_index.events_of(tx, access.repo.id, artifact)
        before = fold_artifact(artifact, known)
        after = fold_artifact(artifact, [*(e for e in known if e.tag not in replaced), *new_events])
        setting = Setting(
            access.actor,
            access.repo,
            git_dir,
            proposal.quarantine,
            proposal.updates,
            None,
            proposal.is_by_hub,
        )
        registered = _Registered(before, SameContent(git_dir, proposal.quarantine, _contents_of(before)))
        for event in sorted(new_events, key=lambda e: (e.at, e.tag)):
            if event.kind is EventKind.ASSIGNMENT and event.stage is not None:
                going_back = is_rollback(event) and _goes_back(before, event)
                subject = _subject(
                    access, artifact, event.stage, _version_at(after, event.commit), event.commit
                )
                found = self.assess(
                    policy,
                    replace(subject, is_rollback=going_back),
                    replace(setting, tag_id=event.target),
                    after,
                )
                findings.reasons += reasons_of(found.checks)
                if found.request is not None:
                    setting = replace(setting, spent=setting.spent | {found.request.id})
            elif event.kind is EventKind.REGISTRATION:
                _check_registration(policy, findings, registered, event)
        findings.reasons += self._check_holders(policy, access, setting, before, after, new_events)
        return findings

    def assess(
        self, policy: EffectivePolicy, subject: Subject, setting: Setting, state: ArtifactState
    ) -> Assessment:
        """What the policy says of one assignment."""
        facts = StageFacts(self._stores, self._signatures, policy, subject, setting, state)
        checks = check_assignment(policy, subject, facts)
        request = facts.request
        approvers: dict[str, None] = {}
        if request is not None:
            for rule in policy.rules_for(subject.artifact, subject.stage) or [StageRule(subject.stage)]:
                approvers |= dict.fromkeys(facts.approvals(rule).users)
        return Assessment(tuple(checks), request, tuple(approvers))

    def _check_holders(
        self,
        policy: EffectivePolicy,
        access: RepoAccess,
        setting: Setting,
        before: ArtifactState,
        after: ArtifactState,
        new_events: Sequence[Event],
    ) -> list[ModelkeepError]:
        """Judges what a change of versions does to stages: one that is taken back leaves them, or comes back later.

        Who comes back, also below the present holder, has to be fit for it; and what a stage shows changes only by
        somebody who may assign it.
        """
        assigned = {(event.stage, event.commit) for event in new_events if event.kind is EventKind.ASSIGNMENT}
        judged = {event.stage for event in new_events if event.stage is not None}
        reasons: list[ModelkeepError] = []
        for stage in sorted({*before.stage_names(), *after.stage_names()}):
            if not policy.governs(after.name, stage):
                continue
            held = [version.commit for version in before.holders(stage)]
            holders = after.holders(stage)
            coming = [v for v in holders if v.commit not in held and (stage, v.commit) not in assigned]
            for version in coming:
                subject = _subject(
                    access, after.name, stage, _version_at(after, version.commit), version.commit
                )
                found = self.assess(policy, replace(subject, is_rollback=True), setting, after)
                reasons += reasons_of(found.checks)
            is_shown = [version.commit for version in holders[:1]] == held[:1]
            if not is_shown and not coming and stage not in judged:
                reasons += reasons_of(check_right(policy, _subject(access, after.name, stage, None, "")))
        return reasons


@dataclass(frozen=True, slots=True)
class _Registered:
    """The versions that there are: before, and those of the same push as they are gone through."""

    before: ArtifactState
    contents: SameContent
    commits: dict[str, str] = field(default_factory=dict)

    def add(self, event: Event) -> str:
        """Counts one more; gives the commit where its name was registered first."""
        name = event.version or ""
        earlier = self.before.version(name)
        first = self.commits.setdefault(name, event.commit)
        self.contents.add(event.commit, name)
        return earlier.commit if earlier is not None else first


def _check_registration(
    policy: EffectivePolicy, findings: Findings, registered: _Registered, event: Event
) -> None:
    wants_content = policy.on_same_content is not OnSameContent.ALLOW
    same = registered.contents.version_like(event.artifact, event.commit) if wants_content else None
    earlier = registered.add(event)
    if earlier != event.commit and policy.is_immutable:
        findings.reasons.append(
            NotPermitted(
                f"Version {event.version} of '{event.artifact}' was registered at commit {earlier[:12]}, "
                "and the policy keeps it as it is. Register another version.",
                code="policy_immutable",
            )
        )
    if same is None:
        return
    message = f"Version {event.version} of '{event.artifact}' has the same content as {same}."
    if policy.on_same_content is OnSameContent.WARN:
        findings.warnings.append(message)
        return
    message += " The policy wants each version to differ: use that one, or change the artifact's files."
    findings.reasons.append(NotPermitted(message, code="policy_content"))


def _contents_of(state: ArtifactState) -> list[tuple[str, str]]:
    return [(v.commit, v.name) for v in state.versions if v.is_registered and v.is_active]


def subject_of(access: RepoAccess, artifact: str, stage: str, version: str | None, commit: str) -> Subject:
    """What is asked about an assignment that the actor would make."""
    return _subject(access, artifact, stage, version, commit)


def reasons_of(checks: Iterable[Check]) -> list[ModelkeepError]:
    """The checks that did not pass, as errors."""
    return [
        (InvalidInput if check.code == "policy_invalid" else NotPermitted)(check.reason, code=check.code)
        for check in checks
        if not check.passed
    ]


def raise_first(checks: Iterable[Check]) -> None:
    """Lets checks pass that all passed.

    Raises:
        ModelkeepError: One did not.
    """
    for reason in reasons_of(checks):
        raise reason


def _subject(access: RepoAccess, artifact: str, stage: str, version: str | None, commit: str) -> Subject:
    return Subject(artifact, stage, version, commit, access.actor.username, access.role)


def _version_at(state: ArtifactState, commit: str) -> str | None:
    version = state.version_at(commit)
    return version.name if version is not None else None


def _goes_back(before: ArtifactState, event: Event) -> bool:
    previous = previous_holder(before, event.stage or "")
    return previous is not None and previous.commit == event.commit
