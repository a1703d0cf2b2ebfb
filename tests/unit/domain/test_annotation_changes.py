"""What may be said about an artifact, and what of it is new."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.annotation_changes import AnnotationChange, checked_path, overlapping
from modelkeep.domain.artifacts import Annotation, Json
from modelkeep.domain.errors import InvalidInput

KNOWN = Annotation("churn", type="model", path="m.bin", labels=("a", "b"), description="d", custom={"k": 1})


@pytest.mark.parametrize(
    ("path", "shortest"),
    [
        ("a/b", "a/b"),
        ("./a//b/", "a/b"),
        ("a/../b", "b"),
        (".", "."),
        ("s3://b/../k//x/", "s3://b/../k//x/"),
        ("é/模型.bin", "é/模型.bin"),
    ],
)
def test_paths(path: str, shortest: str) -> None:
    assert checked_path(path) == shortest


@pytest.mark.parametrize(
    "path", ["/a", "..", "../a", "a/../..", "a\\b", "a\x00", "a\n", " a", "s3://a b", "a" * 4097]
)
def test_paths_that_are_none(path: str) -> None:
    with pytest.raises(InvalidInput):
        checked_path(path)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (AnnotationChange({"type": "model", "labels": ["a", "b"]}), {}),
        (AnnotationChange({"type": ""}), {"type": None}),
        (AnnotationChange({"labels": []}), {"labels": None}),
        (AnnotationChange({"labels": ["b", "b"]}), {"labels": ["b"]}),
        (AnnotationChange(add_labels=["a"]), {}),
        (AnnotationChange(add_labels=["c", "c"], remove_labels=["a", "z"]), {"labels": ["b", "c"]}),
        (AnnotationChange(remove_labels=["a", "b"]), {"labels": None}),
        (AnnotationChange({"custom": {"k": True}}), {"custom": {"k": True}}),  # true is not 1
        (AnnotationChange({"custom": {"k": 1}}), {}),
        (AnnotationChange({"path": "./m.bin"}), {}),
        (AnnotationChange({"virtual": True}), {}),
        (AnnotationChange({"virtual": False}), {"virtual": False}),
        (AnnotationChange(must_exist=True), {"virtual": False}),
    ],
)
def test_what_is_new(change: AnnotationChange, wanted: dict[str, Json]) -> None:
    assert change.checked().wanted(KNOWN) == wanted


def test_a_new_path_is_not_known_to_be_in_the_repo() -> None:
    here = Annotation("churn", path="m.bin", is_virtual=False)
    assert AnnotationChange({"path": "n.bin"}).checked().wanted(here) == {"path": "n.bin", "virtual": None}
    assert AnnotationChange({"path": "n.bin", "virtual": False}).checked().wanted(here) == {"path": "n.bin"}


@pytest.mark.parametrize(
    ("one", "other", "overlaps"),
    [
        ("a/b", "a/b", True),
        ("a/b", "./a/", True),
        ("a", "a/b", True),
        ("a/b", "a/bc", False),
        ("a", "b", False),
        (".", "b", True),
        ("s3://b/k", "s3://b/k/x", True),
        ("s3://b/k", "s3://b/l", False),
    ],
)
def test_paths_that_overlap(one: str, other: str, overlaps: bool) -> None:
    assert (overlapping(one, {"x": Annotation("x", path=other)}) == "x") is overlaps
    assert overlapping(one, {"x": Annotation("x")}) is None


@given(
    st.dictionaries(
        st.sampled_from(["type", "path", "virtual", "labels", "description", "custom"]),
        st.none()
        | st.booleans()
        | st.text(max_size=20)
        | st.lists(st.text(max_size=5) | st.integers(), max_size=3),
    )
)
def test_whatever_is_sent_is_taken_or_refused(fields: dict[str, Json]) -> None:
    try:
        wanted = AnnotationChange(fields).checked().wanted(KNOWN)
    except InvalidInput:
        return
    assert set(wanted) <= {*fields, "virtual"}
