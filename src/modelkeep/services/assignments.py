"""Assignments of stages as policies have them: who may, what would happen, the tag that says what stood behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from modelkeep.domain.access import Action, Actor
from modelkeep.domain.errors import Conflict, ModelkeepError
from modelkeep.domain.history import ArtifactState
from modelkeep.domain.policy import EffectivePolicy
from modelkeep.domain.policy_checks import Check
from modelkeep.domain.promotions import message_of_promotion
from modelkeep.domain.tag_grammar import EventKind, TagName
from modelkeep.services.access import RepoAccess, find_repo
from modelkeep.services.policies import Policies
from modelkeep.services.policy_facts import Setting
from modelkeep.services.policy_gate import Assessment, PolicyGate, raise_first, reasons_of, subject_of
from modelkeep.services.ports import Stores
from modelkeep.services.proposals import Refused
from modelkeep.services.registry_writes import RegistryWrites, Written


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be assigned where: a version by its name and commit, and the stage."""

    stage: str
    commit: str
    version: str
    is_rollback: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What an assignment would do, and what blocks it.

    Attributes:
        artifact: Which artifact.
        target: What would be assigned where.
        previous: The version that holds the stage now.
        checks: What the policy looks at.
        policy_digest: Of the policy; None without one.
        is_registered: Whether the version exists; otherwise it would be registered first.
        approvers: Whose approvals count.
        warnings: What is worth a word although it passes.
    """

    artifact: str
    target: Target
    previous: str | None
    checks: tuple[Check, ...]
    policy_digest: str | None
    is_registered: bool
    approvers: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def is_allowed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)


class Assignments:
    """Gives stages to versions, in an actor's name."""

    def __init__(
        self, stores: Stores, registry: RegistryWrites, policies: Policies, policy_gate: PolicyGate
    ) -> None:
        self._stores = stores
        self._registry = registry
        self._policies = policies
        self._policy_gate = policy_gate

    def access(
        self,
        actor: Actor,
        namespace: str,
        name: str,
        artifact: str,
        stage: str,
        kind: EventKind = EventKind.ASSIGNMENT,
    ) -> RepoAccess:
        """Finds a repo for somebody who wants to give a stage to a version, or to take it away.

        Where the policy says who assigns the stage, that is not decided here but among the other checks.

        Raises:
            Unauthenticated: Nobody is signed in.
            NotFound: There is no such repo for this actor.
            NotPermitted: The actor may not promote, or the token is not for it.
        """
        with self._stores.database.read() as tx:
            access = find_repo(tx, actor, namespace, name, Action.READ)
            policy = self._policies.effective(tx, access.repo)
        self._policy_gate.check_right(policy, access, TagName(kind, artifact, stage=stage, counter=1))
        return access

    def plan(self, access: RepoAccess, git_dir: Path, state: ArtifactState, target: Target) -> Plan:
        """What would happen; ``state`` need not have the version yet."""
        policy = self._policy_gate.policy_of(access)
        found = self._assess(policy, access, git_dir, state, target)
        known = state.version(target.version)
        is_registered = known is not None and known.is_active and known.commit == target.commit
        return Plan(
            state.name,
            target,
            _holder(state, target.stage),
            found.checks,
            policy.digest,
            is_registered,
            found.approvers,
        )

    def may_assign(self, access: RepoAccess, artifact: str, stage: str) -> bool:
        """Whether the actor may make the stage's tag at all; who else must, the plan's checks say."""
        policy = self._policy_gate.policy_of(access)
        name = TagName(EventKind.ASSIGNMENT, artifact, stage=stage, counter=1)
        try:
            self._policy_gate.check_right(policy, access, name)
        except ModelkeepError:
            return False
        return True

    def require_possible(self, plan: Plan) -> None:
        """Lets a plan pass that could come true some day, whatever is missing now.

        Raises:
            ModelkeepError: There is no such stage, or the policy cannot be read.
        """
        raise_first(check for check in plan.checks if check.code in ("policy_stage", "policy_invalid"))

    def require(self, plan: Plan) -> None:
        """Lets a plan pass that nothing blocks.

        Raises:
            ModelkeepError: What the gate would say.
        """
        reasons = reasons_of(plan.checks)
        if reasons:
            raise Refused(reasons).as_error()

    def write(
        self,
        access: RepoAccess,
        git_dir: Path,
        state: ArtifactState,
        target: Target,
        message: str | None = None,
        trailers: Sequence[tuple[str, str]] = (),
    ) -> Written:
        """Makes the tag, under the repo's lock, which the caller holds; its message says what stood behind it.

        Raises:
            Conflict: The version holds the stage already.
            ModelkeepError: What the gate says.
        """
        require_elsewhere(state, target)
        policy = self._policy_gate.policy_of(access)
        found = self._assess(policy, access, git_dir, state, target)
        if not found.is_allowed:
            raise Refused(reasons_of(found.checks)).as_error()
        text = message or f"Assigning stage {target.stage} to artifact {state.name} version {target.version}"
        # Of several lines, the last might be taken for what stood behind the promotion.
        if policy.digest is not None or found.request is not None or "\n" in text.strip():
            text = message_of_promotion(
                text,
                version=target.version,
                previous=_holder(state, target.stage),
                digest=policy.digest,
                proposer=found.request.proposer if found.request else None,
                approvers=found.approvers,
                trailers=trailers,
            )
        elif trailers:
            text = f"{text.rstrip()}\n\n" + "\n".join(f"{name}: {value}" for name, value in trailers)
        name = TagName(EventKind.ASSIGNMENT, state.name, stage=target.stage, counter=state.next_counter)
        return self._registry.write_tag(access, git_dir, state, name, target.commit, text)

    def _assess(
        self, policy: EffectivePolicy, access: RepoAccess, git_dir: Path, state: ArtifactState, target: Target
    ) -> Assessment:
        known = state.version_at(target.commit)
        version = None if target.version == target.commit else known.name if known else target.version
        subject = subject_of(access, state.name, target.stage, version, target.commit)
        setting = Setting(access.actor, access.repo, git_dir)
        return self._policy_gate.assess(
            policy, replace(subject, is_rollback=target.is_rollback), setting, state
        )


def require_elsewhere(state: ArtifactState, target: Target) -> None:
    """Lets a version pass that does not hold the stage.

    Raises:
        Conflict: It does.
    """
    holders = state.holders(target.stage)
    if holders and holders[0].commit == target.commit:
        raise Conflict(
            f"Version {target.version} of '{state.name}' is in stage '{target.stage}' already.",
            code="already_in_stage",
        )


def _holder(state: ArtifactState, stage: str) -> str | None:
    holders = state.holders(stage)
    return holders[0].name if holders else None
