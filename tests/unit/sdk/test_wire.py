from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelkeep.sdk.errors import BadAnswer, UnsafePath
from modelkeep.sdk.folder import check_paths
from modelkeep.sdk.models import (
    Commit,
    Identity,
    Key,
    Membership,
    Organisation,
    Ref,
    Repo,
    Resolution,
    SigningKey,
    Token,
    TreeEntry,
)
from modelkeep.sdk.models_events import Delivery, Event, Webhook
from modelkeep.sdk.models_policy import DryRun, Evidence, Policy, PromotionRequest
from modelkeep.sdk.models_registry import (
    Annotation,
    Artifact,
    Change,
    Problem,
    RegistryEvent,
    Stage,
    Tenure,
    Version,
    VersionDetail,
)
from modelkeep.sdk.patterns import is_chosen
from modelkeep.sdk.wire import Record, to_json
from tests.unit.sdk.stand_in import commit_json, repo_json

READERS: list[Callable[[Record], object]] = [
    Annotation.read,
    Artifact.read,
    Change.read,
    Commit.read,
    Delivery.read,
    DryRun.read,
    Event.read,
    Evidence.read,
    Identity.read,
    Key.read,
    Membership.read,
    Organisation.read,
    Policy.read,
    Problem.read,
    PromotionRequest.read,
    Ref.read,
    RegistryEvent.read,
    Repo.read,
    Resolution.read,
    SigningKey.read,
    Stage.read,
    Tenure.read,
    Token.read,
    TreeEntry.read,
    Version.read,
    VersionDetail.read,
    Webhook.read,
]
NAMES = (
    "id name scopes limits expires_at user token organisations role size lfs oid kind path commit author "
    "when repo artifact latest stages versions version revision full_name labels urls parents target ref "
    "number state checks files annotation signature events before after data attempts seconds key stage event"
).split()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=8),
    max_leaves=20,
)


@pytest.mark.parametrize("read", READERS)
@settings(max_examples=30)
@given(value=JSON)
def test_whatever_comes_is_read_or_refused(read: Callable[[Record], object], value: object) -> None:
    try:
        read(Record(value, "test"))
    except BadAnswer as error:
        assert str(error)  # noqa: PT017 - the point is that no other error comes


@given(st.binary(max_size=200))
def test_whatever_bytes_come_are_an_object_or_refused(body: bytes) -> None:
    try:
        Record.parse(body, "test")
    except BadAnswer:
        with pytest.raises((ValueError, AssertionError)):
            assert isinstance(json.loads(body), dict)


def test_json_out_is_as_on_the_wire() -> None:
    repo = Repo.read(Record(repo_json("acme", "churn"), "test"))
    shown = to_json(repo)
    assert isinstance(shown, dict)
    assert shown["created_at"] == "2026-01-02T03:04:05Z"
    assert shown["full_name"] == "acme/churn"
    json.dumps(shown)
    commit = Commit.read(Record(commit_json("Hello"), "test"))
    assert commit.author.when == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    moved = commit.author.when.astimezone(timezone(timedelta(hours=5)))
    assert to_json([moved]) == ["2026-01-02T03:04:05Z"]


def test_a_tokens_secret_does_not_show() -> None:
    token = Token.read(Record({"id": 1, "name": "x", "token": "mk_secret"}, "test"))
    assert token.token == "mk_secret"
    assert "mk_secret" not in repr(token)


@pytest.mark.parametrize(
    ("path", "include", "exclude", "chosen"),
    [
        ("a/b.onnx", [], [], True),
        ("a/b.onnx", ["*.onnx"], [], True),
        ("a/b.onnx", ["b.onnx"], [], True),
        ("a/b.onnx", ["*.pt"], [], False),
        ("a/b.onnx", [], ["a/"], False),
        ("ab/c", [], ["a/"], True),
        ("a/b.onnx", ["a/*"], ["*.onnx"], False),
        ("A.onnx", ["a.onnx"], [], False),
    ],
)
def test_patterns(path: str, include: list[str], exclude: list[str], chosen: bool) -> None:
    assert is_chosen(path, include, exclude) is chosen


def test_paths_that_meet_on_a_disk_without_case() -> None:
    check_paths(["a/B", "a/b"], is_case_sensitive=True)
    for paths in (["a/B", "a/b"], ["a", "A/b"], ["é", "e\u0301"]):
        with pytest.raises(UnsafePath, match="on this disk"):
            check_paths(paths, is_case_sensitive=False)


PARTS = st.sampled_from(["..", ".", "", ".git", ".GIT", "a", "b", "\0", "c d", "ü", "x" * 300])


@given(st.lists(st.lists(PARTS, min_size=1, max_size=5).map("/".join), max_size=5))
def test_paths_that_pass_stay_inside(paths: list[str]) -> None:
    try:
        check_paths(paths, is_case_sensitive=True)
    except UnsafePath:
        return
    for path in paths:
        assert not path.startswith("/")
        assert ".." not in path.split("/")
        assert ".git" not in path.lower().split("/")
        assert "\0" not in path
