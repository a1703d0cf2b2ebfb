from __future__ import annotations

import pytest
from hypothesis import given

from modelkeep.domain.names import parse_artifact
from modelkeep.domain.tag_grammar import COUNTER_LIMIT, EventKind, TagName, format_tag, parse_tag
from tests.unit.domain.tag_names import ARTIFACTS, TAGS


@given(TAGS)
def test_writing_and_reading_gives_the_same(tag: TagName) -> None:
    assert parse_tag(format_tag(tag)) == tag


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("churn@v1.2.3", TagName(EventKind.REGISTRATION, "churn", version="v1.2.3")),
        ("churn@v1.2.3#4", TagName(EventKind.REGISTRATION, "churn", version="v1.2.3", counter=4)),
        ("churn@v1.2.3!", TagName(EventKind.DEREGISTRATION, "churn", version="v1.2.3")),
        ("churn@v1.2.3!#9", TagName(EventKind.DEREGISTRATION, "churn", version="v1.2.3", counter=9)),
        ("churn#prod", TagName(EventKind.ASSIGNMENT, "churn", stage="prod")),
        ("churn#eu/prod#007", TagName(EventKind.ASSIGNMENT, "churn", stage="eu/prod", counter=7)),
        ("churn#prod!#2", TagName(EventKind.UNASSIGNMENT, "churn", stage="prod", counter=2)),
        ("churn@deprecated", TagName(EventKind.DEPRECATION, "churn")),
        ("churn@created#1", TagName(EventKind.CREATION, "churn", counter=1)),
        ("models/a=churn@v1.0.0", TagName(EventKind.REGISTRATION, "models/a:churn", version="v1.0.0")),
        ("m@v1.0.0-a+b", TagName(EventKind.REGISTRATION, "m", version="v1.0.0-a+b")),
    ],
)
def test_known_forms(text: str, tag: TagName) -> None:
    assert parse_tag(text) == tag


@pytest.mark.parametrize(
    "text",
    " v1.0.0 churn m@v1 m@1.0.0 m@V1.0.0 m#prod#-1 m#prod@v1.2.3 -m@v1.0.0 m-#prod a.b@v1.0.0 a:b@v1.0.0 "
    "a=b=c@v1.0.0 m@v1.0.0!! m# m@ m@deprecated! m@v1.0.0# m##1 m@latest".split(" "),
)
def test_other_tags_are_none_of_the_registrys(text: str) -> None:
    assert parse_tag(text) is None


def test_a_counter_beyond_counting_is_still_a_registry_tags() -> None:
    # Otherwise a contributor could push it as a plain tag, and gto would show a promotion that the hub does not know.
    tag = parse_tag("churn#prod#" + "9" * 30)
    assert tag is not None
    assert tag.counter == COUNTER_LIMIT
    assert parse_tag("churn#prod#" + "0" * 30 + "5") == TagName(
        EventKind.ASSIGNMENT, "churn", stage="prod", counter=5
    )


@given(ARTIFACTS)
def test_names_that_the_hub_takes_make_tags(artifact: str) -> None:
    if ".." not in artifact:
        parse_artifact(artifact)
    tag = parse_tag(format_tag(TagName(EventKind.REGISTRATION, artifact, version="v1.0.0")))
    assert tag is not None
    assert tag.artifact == artifact
