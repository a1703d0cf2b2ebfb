"""What was so when a stage's event happened, against a fold of everything before it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.history import fold_artifact
from modelkeep.domain.standing import Standing, standings
from tests.unit.domain.histories import commit, event, holder

TAGS = st.lists(
    st.tuples(
        st.sampled_from(
            "m@v1.0.0 m@v1.0.0!#2 m@v1.0.0#3 m@v2.0.0 m@v2.0.0! m@v1.5.0 m#prod#4 m#prod#5 m#prod!#6 m#dev#7 "
            "m#prod#8 m#dev!#9 m#prod!#10 m@deprecated".split()
        ),
        st.integers(1, 3),
    ),
    unique_by=lambda tag: tag[0],
    min_size=1,
    max_size=12,
)


@given(TAGS)
def test_every_standing_is_that_of_the_events_before(tags: list[tuple[str, int]]) -> None:
    events = [event(tag, at, on) for at, (tag, on) in enumerate(tags)]
    found = standings(events)
    assert set(found) == {one.tag for one in events if one.stage is not None}
    for position, one in enumerate(events):
        if one.stage is None:
            continue
        before, after = (fold_artifact("m", events[:end]) for end in (position, position + 1))
        (version,) = (
            version
            for version in after.versions
            for stage in version.stages
            if one in (*stage.assignments, *stage.unassignments)
        )
        expected = Standing(version.name if version.is_registered else None, holder(before, one.stage))
        assert found[one.tag] == expected


@given(TAGS, st.integers(1, 12))
def test_the_last_events_of_a_stage_are_enough_where_they_say_who_held_it(
    tags: list[tuple[str, int]], newest: int
) -> None:
    """What the outbox reads first: the last events of a stage, with all about the versions at their commits."""
    events = [event(tag, at, on) for at, (tag, on) in enumerate(tags)]
    of_stage = [one for one in events if one.stage == "prod"]
    last = of_stage[-newest:]
    commits = {one.commit for one in last}
    known = [*last, *(one for one in events if one.version is not None and one.commit in commits)]
    everything = standings(events)
    for tag, standing in standings(known).items():
        assert standing.version == everything[tag].version
        assert standing.previous in (None, everything[tag].previous)


def test_within_a_second_a_version_is_there_before_its_stage() -> None:
    found = standings([event("m#prod#2", 0, 1), event("m@v1.0.0", 0, 1)])
    assert found == {"m#prod#2": Standing("v1.0.0", None)}


def test_a_bare_commit_holds_by_its_id() -> None:
    found = standings([event("m#prod#1", 0, 1), event("m#prod#2", 1, 2)])
    assert found["m#prod#2"] == Standing(None, commit(1))
