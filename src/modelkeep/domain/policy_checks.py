"""Whether a version may enter a stage: one check for each thing that a policy asks, passed or not, with what to do.

What is true of the version comes through :class:`Facts`, which is asked only for what some rule needs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from modelkeep.domain.access import Role
from modelkeep.domain.policy import (
    GTO_FILE,
    CardEvidence,
    CheckEvidence,
    EffectivePolicy,
    Entitled,
    Evidence,
    LabelEvidence,
    MetricEvidence,
    Policy,
    PolicyText,
    RollbackRule,
    StageRule,
    listed,
)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        code: Of the error that it is where it did not pass.
        passed: Whether it is in order.
        message: What was found, in whole sentences.
        remedy: What to do about it; empty where it passed.
    """

    code: str
    passed: bool
    message: str
    remedy: str = ""

    @property
    def reason(self) -> str:
        """Message and remedy: what every door says of a refusal."""
        return f"{self.message} {self.remedy}".rstrip()


@dataclass(frozen=True, slots=True)
class Approvals:
    """Who has approved, of those whose approval counts now; ``note`` says why others do not count."""

    users: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked about: a version (or, without one, a commit) of an artifact, a stage, and who would assign it.

    Attributes:
        artifact: Its name.
        stage: To enter.
        version: Its name; None for a commit that no version is registered at.
        commit: What the tag would point to.
        username: Who would assign it.
        role: In the repo.
        is_rollback: Whether the stage goes back to the version that held it before.
    """

    artifact: str
    stage: str
    version: str | None
    commit: str
    username: str
    role: Role | None
    is_rollback: bool = False

    @property
    def name(self) -> str:
        """As it is said to people: ``v1.2.0 of 'churn'``."""
        return f"{self.version or f'commit {self.commit[:12]}'} of '{self.artifact}'"


class Facts(Protocol):
    """What is true of the subject. Each method is asked only where a rule needs it."""

    def has_been_in(self) -> Collection[str]:
        """The stages that the version is in or was in."""

    def is_on_branch(self, rule: StageRule) -> bool:
        """Whether the commit is on a branch that the rule names."""

    def metric(self, evidence: MetricEvidence) -> float | str:
        """The metric's value, or why there is none (to follow "accuracy")."""

    def labels(self) -> Collection[str]:
        """The artifact's labels at the commit."""

    def gaps_of_card(self) -> Sequence[str]:
        """What the model card at the commit lacks."""

    def verdict(self, evidence: CheckEvidence) -> str | None:
        """The last verdict of somebody whose verdict counts; None without one."""

    def fault_of_signature(self, assign: Entitled) -> str | None:
        """What is wrong with the tag's signature (to follow "the tag"); None where it is good."""

    def approvals(self, rule: StageRule) -> Approvals:
        """Who has approved."""


def check_assignment(policy: EffectivePolicy, subject: Subject, facts: Facts) -> list[Check]:
    """Everything that the policy asks of an assignment; empty where it asks nothing."""
    broken = policy.broken
    if broken is not None:
        return [unreadable(policy, broken)]
    checks: list[Check] = []
    for text in policy.texts:
        if text.policy is not None and text.policy.names_stages:
            checks += _checks_of(text.policy, policy.where(text), subject, facts)
    if not any(one.names_stages for one in policy.policies) and policy.gto_stages:
        allowed = policy.gto_stages
        checks.append(_known_stage(subject, allowed, f"{GTO_FILE} on {policy.branch}"))
    return list(dict.fromkeys(checks))


def unreadable(policy: EffectivePolicy, broken: PolicyText) -> Check:
    """That a policy cannot be read, which stops every promotion."""
    problem = f" ({broken.problems[0]})" if broken.problems else ""
    return Check(
        "policy_invalid",
        False,
        f"{_capital(policy.where(broken))} cannot be read{problem}, so nothing that it guards can change.",
        "Correct it first.",
    )


def check_right(policy: EffectivePolicy, subject: Subject) -> list[Check]:
    """Who may take the version out of the stage: those who may give it."""
    return [_right(subject, rule) for rule in policy.rules_for(subject.artifact, subject.stage)]


def approvals_needed(policy: EffectivePolicy, artifact: str, stage: str) -> int:
    """How many approvals a promotion needs."""
    return max((rule.approvals for rule in policy.rules_for(artifact, stage)), default=0)


def _checks_of(policy: Policy, where: str, subject: Subject, facts: Facts) -> list[Check]:
    rule = policy.rule_for(subject.artifact, subject.stage)
    known = _known_stage(subject, policy.stage_names(subject.artifact), where)
    if rule is None:
        return [known]
    checks = [known, _right(subject, rule)]
    going_back = subject.is_rollback and rule.rollback is not RollbackRule.FULL
    if going_back and rule.rollback is RollbackRule.FREE:
        return checks
    if not going_back:
        checks += _order(policy, rule, subject, facts)
    if rule.branches:
        checks.append(_branch(rule, subject, facts))
    checks += [_evidence(one, subject, facts) for one in rule.evidence]
    if rule.needs_signature:
        checks.append(_signature(rule, facts))
    if rule.approvals and not going_back:
        checks.append(_approvals(rule, subject, facts))
    return checks


def _known_stage(subject: Subject, allowed: Sequence[str], where: str) -> Check:
    if subject.stage in allowed:
        return Check("policy_stage", True, f"'{subject.stage}' is a stage of '{subject.artifact}'.")
    known = f"it names {listed(allowed)}" if allowed else "it names none for this artifact"
    return Check(
        "policy_stage",
        False,
        f"'{subject.stage}' is no stage that {where} allows for '{subject.artifact}': {known}.",
        "Choose one of them, or have the stage added.",
    )


def _right(subject: Subject, rule: StageRule) -> Check:
    if rule.assign.allows(subject.username, subject.role, Role.CONTRIBUTOR):
        return Check("policy_role", True, f"{subject.username} may assign '{rule.name}'.")
    have = f"the role {subject.role.label}" if subject.role is not None else "no role here"
    return Check(
        "policy_role",
        False,
        f"Stage '{rule.name}' of '{subject.artifact}' is assigned by {rule.assign}; {subject.username} has {have}.",
        "Ask one of them to do it.",
    )


def _order(policy: Policy, rule: StageRule, subject: Subject, facts: Facts) -> Iterator[Check]:
    for stage in policy.stages_before(subject.artifact, rule):
        if stage in facts.has_been_in():
            yield Check("policy_order", True, f"{_capital(subject.name)} has been in '{stage}'.")
            continue
        yield Check(
            "policy_order",
            False,
            f"{_capital(subject.name)} has not been in '{stage}', which comes before '{rule.name}'.",
            f"Promote it to '{stage}' first.",
        )


def _branch(rule: StageRule, subject: Subject, facts: Facts) -> Check:
    branches = listed([f"'{branch}'" for branch in rule.branches], "or")
    commit = f"Commit {subject.commit[:12]}"
    if facts.is_on_branch(rule):
        return Check("policy_branch", True, f"{commit} is on {branches}.")
    return Check(
        "policy_branch",
        False,
        f"{commit} is not on {branches}, as stage '{rule.name}' wants it.",
        "Merge it there, or promote a version of such a branch.",
    )


def _evidence(evidence: Evidence, subject: Subject, facts: Facts) -> Check:
    if isinstance(evidence, MetricEvidence):
        return _metric(evidence, subject, facts)
    if isinstance(evidence, LabelEvidence):
        return _shown(
            evidence.label in facts.labels(),
            f"{_capital(subject.name)} has the label '{evidence.label}'.",
            f"{_capital(subject.name)} does not have the label '{evidence.label}'.",
            "Add it to the artifact's labels, and register that commit.",
        )
    if isinstance(evidence, CardEvidence):
        gaps = facts.gaps_of_card()
        return _shown(
            not gaps,
            f"The model card of {subject.name} is complete.",
            f"The model card of {subject.name} is not complete: it lacks {listed(gaps)}.",
            "Complete README.md, and register that commit.",
        )
    return _verdict(evidence, subject, facts)


def _metric(evidence: MetricEvidence, subject: Subject, facts: Facts) -> Check:
    value = facts.metric(evidence)
    if isinstance(value, str):
        found, met = value, False
    else:
        found, met = f"is {value:g}", evidence.is_met_by(value)
    return _shown(
        met,
        f"{evidence.metric} of {subject.name} {found}: {evidence.limits}.",
        f"{evidence.metric} of {subject.name} {found}; it must be {evidence.limits}.",
        "Promote a version that reaches it.",
    )


def _verdict(evidence: CheckEvidence, subject: Subject, facts: Facts) -> Check:
    verdict = facts.verdict(evidence)
    found = {
        None: f"has not been recorded by {evidence.by}",
        "pending": "is not finished",
        "failed": "has failed",
    }
    return _shown(
        verdict == "passed",
        f"The check '{evidence.check}' of {subject.name} has passed.",
        f"The check '{evidence.check}' of {subject.name} {found.get(verdict, 'has not passed')}.",
        "Run it, and have its verdict recorded.",
    )


def _signature(rule: StageRule, facts: Facts) -> Check:
    fault = facts.fault_of_signature(rule.assign)
    return Check(
        "policy_signature",
        fault is None,
        f"Stage '{rule.name}' needs a signed tag"
        + (", and it is." if fault is None else f"; the tag {fault}."),
        ""
        if fault is None
        else "Sign it with a key of yours that the hub knows (git tag -s), or promote through the hub.",
    )


def _approvals(rule: StageRule, subject: Subject, facts: Facts) -> Check:
    given = facts.approvals(rule)
    names = f" ({listed(given.users)})" if given.users else ""
    note = f" {given.note}" if given.note else ""
    plural = "approval" if rule.approvals == 1 else "approvals"
    return Check(
        "policy_approvals",
        len(given.users) >= rule.approvals,
        f"Stage '{rule.name}' needs {rule.approvals} {plural} by {rule.approvers}, not by the proposer; "
        f"{subject.name} has {len(given.users)}{names}.{note}",
        "" if len(given.users) >= rule.approvals else "Propose the promotion, and have it approved.",
    )


def _shown(passed: bool, found: str, missing: str, remedy: str) -> Check:
    return Check("policy_evidence", passed, found if passed else missing, "" if passed else remedy)


def _capital(text: str) -> str:
    # "the organisation's policy" and "commit 1234…" begin sentences too; file names and versions stay as they are.
    return text[0].upper() + text[1:] if text.startswith(("the ", "commit ")) else text
