"""gto's own pattern and ours take the same tags, and read the same in them."""

from __future__ import annotations

import gto.constants
import gto.tag
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelkeep.domain.tag_grammar import (
    COUNTER_LIMIT,
    EventKind,
    TagName,
    format_tag,
    parse_shortcut,
    parse_tag,
)
from tests.unit.domain.tag_names import TAGS

# Pieces of the grammar and things near it, so that joined at random they are often, but not always, registry tags.
PIECES = st.sampled_from(
    "a m model - _ / . = : # @ ! v 1 0 01 v1.2.3 v1.2.3-rc.1 v1.1٢.0 v1.0.0-٢a +b deprecated created latest #7 "
    "#007 #99999999999999999999999 prod ä \u00a0 ~ !# @v1 dir=".split(" ")
)
NEARLY = st.lists(PIECES, max_size=8).map("".join)

ACTIONS = {
    gto.constants.Action.REGISTER: EventKind.REGISTRATION,
    gto.constants.Action.DEREGISTER: EventKind.DEREGISTRATION,
    gto.constants.Action.ASSIGN: EventKind.ASSIGNMENT,
    gto.constants.Action.UNASSIGN: EventKind.UNASSIGNMENT,
    gto.constants.Action.DEPRECATE: EventKind.DEPRECATION,
}


@settings(deadline=None, max_examples=500)
@given(NEARLY)
@example("m@v1.0.0\n")
@example("m@created")
@example("m@v1.0.0#")
@example("a=b=c@v1.0.0")
def test_gto_takes_the_same_names_and_reads_the_same_in_them(text: str) -> None:
    ours = parse_tag(text)
    # gto's pattern ends with "$", which also matches before a line feed; no ref has one in its name.
    match = gto.constants.tag_re.search(text) if "\n" not in text else None
    assert (ours is None) == (match is None)
    if ours is None or match is None:
        return
    theirs = gto.tag.parse_name(text)
    assert ours.artifact == theirs["name"]
    assert ours.version == theirs.get("version")
    assert ours.stage == theirs.get("stage")
    counter = theirs.get("counter")
    assert ours.counter == (None if counter is None else min(counter, COUNTER_LIMIT))
    assert ours.kind == ACTIONS.get(theirs.get("action"), EventKind.CREATION)


@settings(deadline=None)
@given(TAGS)
def test_gto_reads_what_we_write(tag: TagName) -> None:
    theirs = gto.tag.parse_name(format_tag(tag))
    assert theirs["name"] == tag.artifact
    assert theirs.get("counter") == tag.counter


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.sampled_from("a m/x - _ dir: : # @ prod v1.2.3 v1 latest greatest latest! ~".split()), max_size=6
    )
)
def test_gto_reads_the_same_shortcuts(pieces: list[str]) -> None:
    text = "".join(pieces)
    ours = parse_shortcut(text)
    theirs = gto.constants.parse_shortcut(text)  # type: ignore[no-untyped-call]
    assert (ours is not None) == theirs.shortcut
    if ours is not None:
        said = (ours.artifact, ours.version, ours.stage, ours.is_latest)
        assert said == (theirs.name, theirs.version, theirs.stage, theirs.latest)
