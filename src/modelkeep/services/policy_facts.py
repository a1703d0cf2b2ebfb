"""Finds out what is true of a version that is to enter a stage, as far as a policy asks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from modelkeep.db import promotions, version_checks
from modelkeep.domain.access import Actor, Role
from modelkeep.domain.errors import NotFound
from modelkeep.domain.history import ArtifactState
from modelkeep.domain.objects import RefUpdate
from modelkeep.domain.policy import CheckEvidence, EffectivePolicy, Entitled, MetricEvidence, StageRule
from modelkeep.domain.policy_checks import Approvals, Subject
from modelkeep.domain.promotions import PromotionRequest
from modelkeep.domain.repos import Repo
from modelkeep.domain.signatures import SignatureStatus
from modelkeep.git import objects, refs
from modelkeep.services.access import role_of
from modelkeep.services.policy_evidence import CommitEvidence
from modelkeep.services.ports import Stores
from modelkeep.services.signatures import Signatures

_FAULTS = {
    SignatureStatus.NONE: "has none",
    SignatureStatus.BAD: "has one that does not fit it",
    SignatureStatus.UNKNOWN_KEY: "is signed with a key that the hub does not know",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and how an assignment is to happen.

    Attributes:
        actor: Who would assign.
        repo: Which repo.
        git_dir: Its repository.
        quarantine: Where a push's objects are; None where they are in the repository.
        updates: What else would move with it.
        tag_id: The tag object; None where it is yet to be made, by the hub.
        is_by_hub: Whether the hub makes the tag.
        spent: Requests that an earlier assignment of the same push uses up.
    """

    actor: Actor
    repo: Repo
    git_dir: Path
    quarantine: Path | None = None
    updates: Sequence[RefUpdate] = ()
    tag_id: str | None = None
    is_by_hub: bool = True
    spent: frozenset[int] = field(default_factory=frozenset)


class StageFacts:
    """What is true of a subject: see :class:`modelkeep.domain.policy_checks.Facts`."""

    def __init__(
        self,
        stores: Stores,
        signatures: Signatures,
        policy: EffectivePolicy,
        subject: Subject,
        setting: Setting,
        state: ArtifactState,
    ) -> None:
        self._stores = stores
        self._signatures = signatures
        self._policy = policy
        self._subject = subject
        self._setting = setting
        self._state = state

    def has_been_in(self) -> Collection[str]:
        """The stages that were assigned to the commit, by tags that are still there."""
        return self._stages

    def is_on_branch(self, rule: StageRule) -> bool:
        """Whether the commit is on a branch that the rule names, also by what moves together with the tag."""
        tips = {ref.name: ref.target for ref in refs.list_refs(self._setting.git_dir, ("refs/heads/",))}
        for update in self._setting.updates:
            # Git refuses a move from where a branch is not, and accepts the rest of the push.
            if update.ref in tips and update.old != tips[update.ref]:
                continue
            if update.ref.startswith("refs/heads/") and (update.ref in tips or update.is_create):
                tips[update.ref] = update.new
        wanted = {tip for name, tip in tips.items() if rule.covers_branch(name.removeprefix("refs/heads/"))}
        return any(self._reaches(tip) for tip in wanted)

    def metric(self, evidence: MetricEvidence) -> float | str:
        """From the files at the commit."""
        return self._evidence.metric(evidence)

    def labels(self) -> Collection[str]:
        """From the annotation at the commit."""
        return self._evidence.labels

    def gaps_of_card(self) -> Sequence[str]:
        """Of the card at the commit."""
        return self._evidence.gaps_of_card

    def verdict(self, evidence: CheckEvidence) -> str | None:
        """The last one by somebody who may record it now."""
        subject, repo = self._subject, self._setting.repo
        with self._stores.database.read() as tx:
            verdicts = version_checks.verdicts_of(
                tx, repo.id, subject.artifact, subject.commit, evidence.check
            )
            for verdict in verdicts:
                role = role_of(tx, repo, verdict.user_id) if verdict.user_id is not None else None
                if evidence.by.allows(verdict.username, role):
                    return verdict.verdict.value
        return None

    def fault_of_signature(self, assign: Entitled) -> str | None:
        """What is wrong with the tag's signature; None where it is good."""
        setting = self._setting
        if setting.tag_id is None:
            signs = bool(self._signatures.sign(b""))
            return None if signs else "would have none, because this hub signs nothing"
        state = self._signatures.verify(setting.git_dir, setting.quarantine, setting.tag_id)
        if not state.is_good:
            return _FAULTS[state.status]
        if state.is_hubs:
            # Who pushes a tag that the hub made elsewhere has not made it.
            return None if setting.is_by_hub else "is signed by the hub, which did not make it here"
        with self._stores.database.read() as tx:
            role = role_of(tx, setting.repo, state.user_id) if state.user_id is not None else None
        if assign.allows(state.signer, role, Role.CONTRIBUTOR):
            return None
        return f"is signed by {state.signer}, who may not assign it"

    def approvals(self, rule: StageRule) -> Approvals:
        """Those of the live request for this version, by people who may approve now."""
        request = self.request
        if request is None:
            return Approvals()
        if request.policy_digest != self._policy.digest:
            return Approvals(
                note=f"Request {request.number} does not count, because the policy has changed since."
            )
        with self._stores.database.read() as tx:
            counted = tuple(
                review.username
                for review in request.approved_by
                if rule.approvers.allows(review.username, role_of(tx, self._setting.repo, review.user_id))
            )
        left_out = [r.username for r in request.approved_by if r.username not in counted]
        note = f"The approval of {' and '.join(left_out)} does not count (any more)." if left_out else ""
        return Approvals(counted, note)

    @cached_property
    def request(self) -> PromotionRequest | None:
        """The live request for this version and stage, unless something else uses it up."""
        subject = self._subject
        if subject.version is None:
            return None
        with self._stores.database.read() as tx:
            live = promotions.live_requests(tx, self._setting.repo.id, subject.artifact, subject.stage)
        found = (one for one in live if (one.version, one.commit) == (subject.version, subject.commit))
        return next((one for one in found if one.id not in self._setting.spent), None)

    @cached_property
    def _stages(self) -> frozenset[str]:
        return frozenset(
            stage.stage
            for version in self._state.versions
            if version.commit == self._subject.commit
            for stage in version.stages
            if stage.assignments
        )

    @cached_property
    def _evidence(self) -> CommitEvidence:
        setting, subject = self._setting, self._subject
        return CommitEvidence(setting.git_dir, subject.commit, subject.artifact, setting.quarantine)

    def _reaches(self, tip: str) -> bool:
        setting = self._setting
        try:
            return objects.is_ancestor(
                setting.git_dir, self._subject.commit, tip, quarantine=setting.quarantine
            )
        except NotFound:
            return False
