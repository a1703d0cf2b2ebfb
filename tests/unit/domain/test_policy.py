from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.access import Role
from modelkeep.domain.policy import (
    EffectivePolicy,
    Entitled,
    MetricEvidence,
    OnSameContent,
    Policy,
    PolicyText,
    StageRule,
    digest_of_text,
    listed,
)

STAGES = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6, unique=True)


def text_of(policy: Policy | None, text: str = "") -> PolicyText:
    return PolicyText(text, policy, (), digest_of_text(text))


@given(STAGES, st.booleans())
def test_in_an_ordered_policy_each_stage_comes_after_the_one_before(
    names: list[str], is_ordered: bool
) -> None:
    policy = Policy(tuple(StageRule(name) for name in names), is_ordered)
    before = [policy.stages_before("m", rule) for rule in policy.stages]
    assert before == ([(), *((name,) for name in names[:-1])] if is_ordered else [()] * len(names))


def test_what_comes_after_what_can_be_said_for_one_stage() -> None:
    rules = (StageRule("dev"), StageRule("qa"), StageRule("prod", after=("dev",)), StageRule("lab", after=()))
    policy = Policy(rules, is_ordered=True)
    assert [policy.stages_before("m", rule) for rule in rules] == [(), ("dev",), ("dev",), ()]


def test_the_order_is_that_of_the_rules_for_the_artifact() -> None:
    rules = (StageRule("dev"), StageRule("qa", artifacts=("big/*",)), StageRule("prod"))
    policy = Policy(rules, is_ordered=True)
    assert policy.stages_before("big/m", rules[2]) == ("qa",)
    assert policy.stages_before("m", rules[2]) == ("dev",)
    assert policy.stage_names("m") == ("dev", "prod")


def test_the_first_rule_that_fits_counts() -> None:
    special, general = StageRule("prod", approvals=2, artifacts=("churn",)), StageRule("prod")
    policy = Policy((special, general))
    assert policy.rule_for("churn", "prod") is special
    assert policy.rule_for("spam", "prod") is general
    assert policy.rule_for("spam", "dev") is None


@pytest.mark.parametrize(
    ("entitled", "username", "role", "is_allowed"),
    [
        (Entitled(Role.MAINTAINER), "ana", Role.MAINTAINER, True),
        (Entitled(Role.MAINTAINER), "ana", Role.OWNER, True),
        (Entitled(Role.MAINTAINER), "ana", Role.CONTRIBUTOR, False),
        (Entitled(Role.MAINTAINER, ("Ana",)), "ana", Role.CONTRIBUTOR, True),
        (Entitled(None, ("ana",)), "bob", Role.OWNER, False),
        (Entitled(None, ("ana",)), "ana", None, False),
        (Entitled(None, ("ana",)), None, Role.OWNER, False),
        (Entitled(), "ana", Role.OWNER, False),
    ],
)
def test_who_is_entitled(
    entitled: Entitled, username: str | None, role: Role | None, is_allowed: bool
) -> None:
    assert entitled.allows(username, role) is is_allowed


def test_a_named_user_needs_the_least_role() -> None:
    ana = Entitled(None, ("ana",))
    assert ana.allows("ana", Role.READER)
    assert not ana.allows("ana", Role.READER, Role.CONTRIBUTOR)


def test_how_the_entitled_are_named() -> None:
    assert str(Entitled(Role.OWNER, ("ana", "bob"))) == "owners, ana or bob"
    assert str(Entitled()) == "nobody"


@given(st.floats(allow_nan=True), st.floats(-10, 10), st.floats(-10, 10))
def test_a_metric_is_within_its_limits(value: float, low: float, high: float) -> None:
    assert MetricEvidence("m", at_least=low, at_most=high).is_met_by(value) == (low <= value <= high)
    assert MetricEvidence("m", above=low, below=high).is_met_by(value) == (low < value < high)


def test_what_is_no_number_meets_nothing() -> None:
    assert not MetricEvidence("m", at_most=1).is_met_by(float("nan"))


OWN, ORG = text_of(Policy((StageRule("prod"),)), "own"), text_of(Policy((StageRule("dev"),)), "org")


def test_the_organisations_policy_holds_where_there_is_no_other() -> None:
    assert (EffectivePolicy().source, EffectivePolicy().digest) == ("none", None)
    assert EffectivePolicy(None, ORG).texts == (ORG,)
    assert EffectivePolicy(None, ORG).source == "organisation"
    assert EffectivePolicy(OWN, ORG).texts == (OWN,)


def test_an_enforced_policy_holds_beside_the_repos_own() -> None:
    enforced = text_of(Policy((StageRule("dev"),), is_enforced=True), "enforced")
    both = EffectivePolicy(OWN, enforced)
    assert both.texts == (OWN, enforced)
    assert both.source == "repo"
    lines = f"{OWN.digest}\n{enforced.digest}\n"
    assert both.digest == f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"
    assert EffectivePolicy(OWN, ORG).digest == f"sha256:{hashlib.sha256(b'own').hexdigest()}"


def test_a_policy_of_the_organisation_that_cannot_be_read_holds() -> None:
    broken = text_of(None, "enforced: perhaps")
    assert EffectivePolicy(OWN, broken).broken is broken
    assert EffectivePolicy(OWN, ORG).broken is None


@given(st.lists(st.sampled_from(OnSameContent), max_size=2))
def test_the_stricter_of_two_counts(values: list[OnSameContent]) -> None:
    texts = [text_of(Policy(on_same_content=value, is_enforced=True)) for value in values]
    own, organisation = [*texts, None, None][:2]
    policy = EffectivePolicy(own, organisation)
    order = ["allow", "warn", "refuse"]
    assert policy.on_same_content == max([v.value for v in values], key=order.index, default="allow")


def test_words_in_a_row() -> None:
    assert [listed(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
