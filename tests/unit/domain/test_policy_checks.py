from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.access import Role
from modelkeep.domain.policy import (
    CardEvidence,
    CheckEvidence,
    EffectivePolicy,
    Entitled,
    Evidence,
    LabelEvidence,
    MetricEvidence,
    Policy,
    PolicyProblem,
    PolicyText,
    RollbackRule,
    StageRule,
)
from modelkeep.domain.policy_checks import (
    Approvals,
    Check,
    Subject,
    approvals_needed,
    check_assignment,
    check_right,
)

NAMES = ("a", "b", "c", "d")
SUBJECT = Subject("churn", "prod", "v1.0.0", "0" * 40, "ana", Role.MAINTAINER)


@dataclass
class Known:
    """Facts that a test makes up."""

    stages: Collection[str] = ()
    is_there: bool = True
    value: float | str = 0.0
    named: Collection[str] = ()
    gaps: Sequence[str] = ()
    word: str | None = None
    fault: str | None = None
    approved: Approvals = field(default_factory=Approvals)

    def has_been_in(self) -> Collection[str]:
        return self.stages

    def is_on_branch(self, rule: StageRule) -> bool:
        return self.is_there

    def metric(self, evidence: MetricEvidence) -> float | str:
        return self.value

    def labels(self) -> Collection[str]:
        return self.named

    def gaps_of_card(self) -> Sequence[str]:
        return self.gaps

    def verdict(self, evidence: CheckEvidence) -> str | None:
        return self.word

    def fault_of_signature(self, assign: Entitled) -> str | None:
        return self.fault

    def approvals(self, rule: StageRule) -> Approvals:
        return self.approved


def policy_of(*rules: StageRule, is_ordered: bool = False) -> EffectivePolicy:
    return EffectivePolicy(PolicyText("", Policy(rules, is_ordered)), branch="main")


def failed(checks: Sequence[Check]) -> list[str]:
    return [check.code for check in checks if not check.passed]


@given(st.permutations(NAMES), st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES)))
def test_only_who_has_been_in_the_stage_before_gets_in(
    names: list[str], stage: str, been_in: set[str]
) -> None:
    policy = policy_of(*(StageRule(name) for name in names), is_ordered=True)
    place = names.index(stage)
    is_allowed = place == 0 or names[place - 1] in been_in
    checks = check_assignment(policy, replace(SUBJECT, stage=stage), Known(been_in))
    assert failed(checks) == ([] if is_allowed else ["policy_order"])


@given(st.permutations(NAMES), st.lists(st.sampled_from(NAMES), max_size=12))
def test_whoever_stands_high_has_climbed_every_step(names: list[str], tries: list[str]) -> None:
    policy = policy_of(*(StageRule(name) for name in names), is_ordered=True)
    been_in: set[str] = set()
    for stage in tries:
        if not failed(check_assignment(policy, replace(SUBJECT, stage=stage), Known(been_in))):
            been_in.add(stage)
    assert been_in == set(names[: len(been_in)])


def test_without_a_policy_nothing_is_asked() -> None:
    assert check_assignment(EffectivePolicy(), SUBJECT, Known()) == []
    assert check_assignment(policy_of(), SUBJECT, Known()) == []


def test_a_stage_that_is_not_named_is_refused() -> None:
    checks = check_assignment(policy_of(StageRule("dev"), StageRule("qa")), SUBJECT, Known())
    assert failed(checks) == ["policy_stage"]
    assert "it names dev and qa" in checks[0].message


def test_a_stage_for_other_artifacts_is_refused() -> None:
    checks = check_assignment(policy_of(StageRule("prod", artifacts=("spam",))), SUBJECT, Known())
    assert failed(checks) == ["policy_stage"]
    assert "it names none for this artifact" in checks[0].message


def test_the_stages_of_gto_count_where_no_policy_names_any() -> None:
    gto = EffectivePolicy(gto_stages=("dev",), branch="main")
    assert failed(check_assignment(gto, SUBJECT, Known())) == ["policy_stage"]
    assert failed(check_assignment(gto, replace(SUBJECT, stage="dev"), Known())) == []
    silent = EffectivePolicy(PolicyText("", Policy(is_immutable=True)), gto_stages=("dev",))
    assert failed(check_assignment(silent, SUBJECT, Known())) == ["policy_stage"]
    said = EffectivePolicy(PolicyText("", Policy((StageRule("prod"),))), gto_stages=("dev",))
    assert failed(check_assignment(said, SUBJECT, Known())) == []


@pytest.mark.parametrize(
    ("role", "is_allowed"), [(Role.CONTRIBUTOR, False), (Role.MAINTAINER, True), (None, False)]
)
def test_who_may_assign(role: Role | None, is_allowed: bool) -> None:
    subject = replace(SUBJECT, role=role)
    assert failed(check_assignment(policy_of(StageRule("prod")), subject, Known())) == (
        [] if is_allowed else ["policy_role"]
    )
    assert failed(check_right(policy_of(StageRule("prod")), subject)) == (
        [] if is_allowed else ["policy_role"]
    )


def test_a_reader_assigns_nothing_although_named() -> None:
    rule = StageRule("prod", assign=Entitled(None, ("ana",)))
    assert failed(check_assignment(policy_of(rule), replace(SUBJECT, role=Role.READER), Known())) == [
        "policy_role"
    ]
    assert failed(check_assignment(policy_of(rule), replace(SUBJECT, role=Role.CONTRIBUTOR), Known())) == []


@pytest.mark.parametrize(
    ("evidence", "known", "is_met"),
    [
        (MetricEvidence("m", at_least=0.9), Known(value=0.9), True),
        (MetricEvidence("m", above=0.9), Known(value=0.9), False),
        (MetricEvidence("m", at_least=0.9), Known(value="is not known"), False),
        (LabelEvidence("ok"), Known(named=["ok"]), True),
        (LabelEvidence("ok"), Known(), False),
        (CardEvidence(), Known(), True),
        (CardEvidence(), Known(gaps=["a licence"]), False),
        (CheckEvidence("scan"), Known(word="passed"), True),
        (CheckEvidence("scan"), Known(word="pending"), False),
        (CheckEvidence("scan"), Known(word="failed"), False),
        (CheckEvidence("scan"), Known(), False),
    ],
)
def test_evidence(evidence: Evidence, known: Known, is_met: bool) -> None:
    checks = check_assignment(policy_of(StageRule("prod", evidence=(evidence,))), SUBJECT, known)
    assert failed(checks) == ([] if is_met else ["policy_evidence"])


def test_every_reason_is_found_at_once_in_a_fixed_order() -> None:
    rule = StageRule(
        "prod",
        assign=Entitled(Role.OWNER),
        branches=("main",),
        approvals=1,
        needs_signature=True,
        evidence=(LabelEvidence("ok"),),
    )
    known = Known(is_there=False, fault="has none", approved=Approvals(note="Somebody left."))
    checks = check_assignment(policy_of(StageRule("dev"), rule, is_ordered=True), SUBJECT, known)
    assert failed(checks) == [
        "policy_role",
        "policy_order",
        "policy_branch",
        "policy_evidence",
        "policy_signature",
        "policy_approvals",
    ]
    assert all(check.remedy for check in checks if not check.passed)
    assert not any(check.remedy for check in checks if check.passed)
    assert checks[-1].reason.endswith("has 0. Somebody left. Propose the promotion, and have it approved.")


@pytest.mark.parametrize(
    ("rollback", "codes"),
    [
        (RollbackRule.FREE, ["policy_role"]),
        (RollbackRule.CHECKED, ["policy_role", "policy_branch", "policy_evidence", "policy_signature"]),
        (
            RollbackRule.FULL,
            [
                "policy_role",
                "policy_order",
                "policy_branch",
                "policy_evidence",
                "policy_signature",
                "policy_approvals",
            ],
        ),
    ],
)
def test_what_a_rollback_must_show(rollback: RollbackRule, codes: list[str]) -> None:
    rule = StageRule(
        "prod",
        Entitled(Role.OWNER),
        ("dev",),
        ("main",),
        2,
        needs_signature=True,
        evidence=(LabelEvidence("x"),),
        rollback=rollback,
    )
    known = Known(is_there=False, fault="has none")
    going_back = replace(SUBJECT, is_rollback=True)
    assert failed(check_assignment(policy_of(StageRule("dev"), rule), going_back, known)) == codes


@pytest.mark.parametrize("given_by", [(), ("bob",), ("bob", "cyd"), ("bob", "cyd", "dan")])
def test_approvals_are_counted(given_by: tuple[str, ...]) -> None:
    rule = StageRule("prod", approvals=2)
    checks = check_assignment(policy_of(rule), SUBJECT, Known(approved=Approvals(given_by)))
    assert failed(checks) == ([] if len(given_by) >= 2 else ["policy_approvals"])
    assert approvals_needed(policy_of(rule), "churn", "prod") == 2
    assert approvals_needed(policy_of(rule), "churn", "dev") == 0


def test_two_policies_ask_for_what_both_ask() -> None:
    own = PolicyText("a", Policy((StageRule("prod", approvals=1),)))
    other = PolicyText(
        "b", Policy((StageRule("prod", assign=Entitled(Role.OWNER), approvals=3),), is_enforced=True)
    )
    policy = EffectivePolicy(own, other, branch="main")
    checks = check_assignment(policy, SUBJECT, Known(approved=Approvals(("bob",))))
    assert failed(checks) == ["policy_role", "policy_approvals"]
    assert approvals_needed(policy, "churn", "prod") == 3


def test_a_policy_that_cannot_be_read_stops_every_promotion() -> None:
    broken = PolicyText("?", None, (PolicyProblem(3, 5, "there is no key 'x' here"),))
    (check,) = check_assignment(EffectivePolicy(broken, branch="main"), SUBJECT, Known())
    assert (check.code, check.passed) == ("policy_invalid", False)
    assert check.reason == (
        ".modelkeep/policy.yaml on main cannot be read (line 3, column 5: there is no key 'x' here), so nothing "
        "that it guards can change. Correct it first."
    )


def test_a_commit_without_a_version_is_named_by_its_id() -> None:
    subject = replace(SUBJECT, version=None, commit="1234567890ab" + "0" * 28)
    checks = check_assignment(
        policy_of(StageRule("dev"), StageRule("prod"), is_ordered=True), subject, Known()
    )
    assert checks[-1].message.startswith("Commit 1234567890ab of 'churn' has not been in 'dev'")
