"""Texts of policies, good and hostile: what they say, or every fault with its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from modelkeep.domain.access import Role
from modelkeep.domain.policy import (
    CardEvidence,
    CheckEvidence,
    Entitled,
    LabelEvidence,
    MetricEvidence,
    OnSameContent,
    Policy,
    RollbackRule,
    StageRule,
)
from modelkeep.services.policy_text import MAX_POLICY, policy_schema, read_policy, read_policy_text

WHOLE = """\
# The policy of churn.
version: 1
enforced: true
ordered: true
stages:
  - name: dev
    assign: {role: contributor}
  - name: prod
    artifacts: [churn, "models:*"]
    assign: {role: maintainer, users: [ana]}
    after: [dev]
    branches: [main, "release/*"]
    approvals: 2
    approvers: {users: [bob, cyd]}
    signed: true
    rollback: free
    evidence:
      - {metric: test.accuracy, at_least: 0.9, below: 1, file: metrics.json}
      - label: validated
      - card: complete
      - {check: scan, by: {users: [scanner]}}
versions:
  immutable: true
  unique_content: refuse
"""


def test_everything_that_can_be_said() -> None:
    read = read_policy_text(WHOLE)
    assert read.problems == ()
    assert read.text == WHOLE
    assert read.policy == Policy(
        stages=(
            StageRule("dev", Entitled(Role.CONTRIBUTOR), approvers=Entitled(Role.CONTRIBUTOR)),
            StageRule(
                name="prod",
                assign=Entitled(Role.MAINTAINER, ("ana",)),
                after=("dev",),
                branches=("main", "release/*"),
                approvals=2,
                approvers=Entitled(None, ("bob", "cyd")),
                needs_signature=True,
                evidence=(
                    MetricEvidence("test.accuracy", at_least=0.9, below=1.0, file="metrics.json"),
                    LabelEvidence("validated"),
                    CardEvidence(),
                    CheckEvidence("scan", Entitled(None, ("scanner",))),
                ),
                artifacts=("churn", "models:*"),
                rollback=RollbackRule.FREE,
            ),
        ),
        is_ordered=True,
        is_immutable=True,
        on_same_content=OnSameContent.REFUSE,
        is_enforced=True,
    )


def test_what_is_left_out_is_what_it_was_before() -> None:
    assert read_policy_text("version: 1\n").policy == Policy()


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", (1, 1), "it is empty"),
        ("# nothing\n", (1, 1), "it is empty"),
        ("just words", (1, 1), "must be a mapping"),
        ("- version: 1", (1, 1), "must be a mapping"),
        ("ordered: true\n", (1, 1), "'version' is missing"),
        ("version: 2\n", (1, 10), "'version' must be 1"),
        ("version: '1'\n", (1, 10), "'version' must be 1"),
        ("version: 1\nstags: []\n", (2, 1), "did you mean 'stages'?"),
        ("version: 1\nzzz: 1\n", (2, 1), "there are version, enforced"),
        ("version: 1\nversion: 1\n", (2, 1), "'version' stands here twice"),
        ("version: 1\nordered: maybe\n", (2, 10), "must be true or false"),
        ("version: 1\nstages: []\n", (2, 9), "must not be empty"),
        ("version: 1\nstages:\n  - {}\n", (3, 5), "'name' is missing"),
        ("version: 1\nstages:\n  - name: -x-\n", (3, 11), "letters, digits"),
        ("version: 1\nstages: [{name: a, approvals: 1.5}]\n", (2, 31), "a whole number"),
        ("version: 1\nstages: [{name: a, approvals: 99}]\n", (2, 31), "at most 20"),
        ("version: 1\nstages: [{name: a, assign: {role: king}}]\n", (2, 35), "one of contributor"),
        ("version: 1\nstages: [{name: a, assign: {}}]\n", (2, 28), "must not be empty"),
        ("version: 1\nstages: [{name: a}, {name: a}]\n", (2, 28), "twice for the same artifacts"),
        ("version: 1\nstages: [{name: a, after: [a]}]\n", (2, 28), "after itself"),
        ("version: 1\nstages: [{name: a, after: [b]}]\n", (2, 28), "no stage 'b'"),
        (
            "version: 1\nstages: [{name: a, after: [b]}, {name: b, after: [a]}]\n",
            (2, 27),
            "wait for one another",
        ),
        (
            "version: 1\nstages: [{name: a, evidence: [{metric: m}]}]\n",
            (2, 31),
            "say what the metric must be",
        ),
        (
            "version: 1\nstages: [{name: a, evidence: [{label: l, card: complete}]}]\n",
            (2, 31),
            "begin a new '-'",
        ),
        (
            "version: 1\nstages: [{name: a, evidence: [{label: l, at_least: 1}]}]\n",
            (2, 42),
            "goes with 'metric'",
        ),
        ("version: 1\nstages: [{name: a, evidence: [{metric: m, below: .inf}]}]\n", (2, 50), "number"),
        ("version: 1\nstages: [{name: a, evidence: [{metric: m, below: .nan}]}]\n", (2, 50), "number"),
        ("version: 1\nstages: &s []\n", (2, 9), "anchors"),
        ("version: 1\nstages: *s\n", (2, 9), "anchors"),
        ("version: !!int 1\n", (1, 10), "tags"),
        ("version: 1\n? [a]\n: b\n", (2, 3), "a key is a word"),
        ("version: 1\n  bad: x\n", (2, 6), "no YAML"),
        ("version: 1\n---\nversion: 1\n", (2, 1), "no YAML"),
        ("[" * 5000, (1, 13), "nested too deeply"),
        ("\0", (1, 1), "no YAML"),
    ],
)
def test_a_fault_is_named_with_its_place(text: str, place: tuple[int, int], words: str) -> None:
    read = read_policy_text(text)
    assert read.policy is None
    assert [(p.line, p.column) for p in read.problems] == [place]
    assert words in read.problems[0].reason


def test_all_faults_are_named_at_once_in_the_order_of_the_text() -> None:
    text = "version: 1\nstages:\n  - name: 1\n  - name: b\n    signed: x\n    branches: main\nfoo: 1\n"
    assert [problem.line for problem in read_policy_text(text).problems] == [3, 5, 6, 7]


def test_only_true_is_true_whatever_version_of_yaml_it_claims() -> None:
    text = "%YAML 1.1\n---\nversion: 1\nordered: {}\n"
    assert read_policy_text(text.format("true")).policy == Policy(is_ordered=True)
    assert "must be true or false" in read_policy_text(text.format("yes")).problems[0].reason


def test_what_is_too_large_or_no_text() -> None:
    assert "64 KiB" in read_policy(b"#" * (MAX_POLICY + 1)).problems[0].reason
    read = read_policy(b"version: 1\n# \xff\n")
    assert (read.policy, read.problems[0].line) == (None, 2)


@settings(max_examples=300, deadline=None)
@given(
    st.text(alphabet="versiontagm:1 -[]{}&*!#'\"\n\t%|>?,~.\\0é\0", max_size=200)
    | st.text(max_size=100)
    | st.lists(st.sampled_from(WHOLE.splitlines(keepends=True)), max_size=25).map("".join)
)
def test_no_text_is_too_odd(text: str) -> None:
    read = read_policy(text.encode("utf-8", "surrogatepass"))
    assert (read.policy is None) == bool(read.problems)
    lines = (
        text.count("\n")
        + text.count("\r")
        + text.count("\x85")
        + text.count("\u2028")
        + text.count("\u2029")
        + 2
    )
    assert all(1 <= problem.line <= lines and problem.column >= 1 for problem in read.problems)
    assert all("\n" not in problem.reason for problem in read.problems)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_are_too_odd(content: bytes) -> None:
    read = read_policy(content)
    assert (read.policy is None) == bool(read.problems)


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(policy_schema())
    published = Path(__file__).parents[2] / "docs" / "reference" / "policy.schema.json"
    assert json.loads(published.read_text()) == policy_schema()
