"""The timeline of a stage agrees with the fold of the history at every moment."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from modelkeep.domain.events import Event
from modelkeep.domain.history import fold_artifact
from modelkeep.domain.registry import stage_rows
from modelkeep.domain.timeline import Period, timeline
from tests.unit.domain.histories import START, event

V1, V2 = ("m@v1.0.0", 0, 1), ("m@v2.0.0", 1, 2)

TAGS = [
    *(
        "m@v1.0.0 m@v1.0.0!#2 m@v1.0.0#3 m@v1.0.0!#30 m@v2.0.0 m@v2.0.0! m@v2.0.0#20 m@v3.0.0 m@v3.0.0!".split()
    ),
    *(f"m#prod#{n}" for n in range(40, 48)),
    *(f"m#prod!#{n}" for n in range(50, 55)),
    *"m#dev#7 m#dev!#8 m@deprecated#9".split(),
]
HISTORIES = st.lists(
    st.tuples(st.sampled_from(TAGS), st.integers(0, 6), st.integers(1, 4)),
    unique_by=lambda tag: tag[0],
    max_size=20,
)


def periods(*tags: tuple[str, int, int]) -> list[tuple[str | None, int, int | None, str, str | None]]:
    """Version, start and end in seconds, and the tags of the events that made and ended it."""
    start = int(START.timestamp())
    return [
        (
            period.version,
            int(period.start) - start,
            None if period.end is None else int(period.end) - start,
            period.assigned_by.tag,
            period.ended_by.tag if period.ended_by else None,
        )
        for period in timeline([event(*tag) for tag in tags], "prod")
    ]


def test_one_version_follows_another() -> None:
    assert periods(V1, V2, ("m#prod#1", 2, 1), ("m#prod#2", 5, 2)) == [
        ("v1.0.0", 2, 5, "m#prod#1", "m#prod#2"),
        ("v2.0.0", 5, None, "m#prod#2", None),
    ]


def test_assigning_again_what_is_there_changes_nothing() -> None:
    assert periods(V1, ("m#prod#1", 2, 1), ("m#prod#2", 5, 1)) == [
        ("v1.0.0", 2, None, "m#prod#1", None),
    ]


def test_the_one_before_comes_back_by_its_own_assignment() -> None:
    promoted = (V1, V2, ("m#prod#1", 2, 1), ("m#prod#2", 3, 2))
    for leaving in ("m#prod!#3", "m@v2.0.0!"):
        assert periods(*promoted, (leaving, 9, 2)) == [
            ("v1.0.0", 2, 3, "m#prod#1", "m#prod#2"),
            ("v2.0.0", 3, 9, "m#prod#2", leaving),
            ("v1.0.0", 9, None, "m#prod#1", None),
        ]


def test_an_empty_stage_is_a_gap() -> None:
    assert periods(V1, ("m#prod#1", 2, 1), ("m#prod!#2", 4, 1), ("m#prod#3", 8, 1)) == [
        ("v1.0.0", 2, 4, "m#prod#1", "m#prod!#2"),
        ("v1.0.0", 8, None, "m#prod#3", None),
    ]


def test_what_is_over_within_a_second_never_was() -> None:
    assert periods(V1, ("m#prod#1", 2, 1), ("m#prod!#2", 2, 1)) == []


def test_a_bare_commit_that_is_registered_later() -> None:
    found = periods(("m#prod#1", 2, 7), ("m@v1.0.0", 5, 7), ("m@v1.0.0!", 6, 7))
    assert found == [(None, 2, 5, "m#prod#1", "m@v1.0.0"), ("v1.0.0", 5, 6, "m#prod#1", "m@v1.0.0!")]


def test_a_long_history_takes_one_pass() -> None:
    tags = [V1, V2, *((f"m#prod#{n}", n + 2, 1 + n % 2) for n in range(20_000))]
    assert len(periods(*tags)) == 20_000


def holder_at(events: list[Event], moment: float) -> tuple[str | None, str, str] | None:
    """What the fold says: version, commit and the assignment's tag."""
    rows = stage_rows(fold_artifact("m", [e for e in events if e.at <= moment]))
    return next(((row.version, row.commit, row.tag) for row in rows if row.stage == "prod"), None)


def period_at(found: list[Period], moment: float) -> Period | None:
    return next((p for p in found if p.start <= moment and (p.end is None or moment < p.end)), None)


@settings(max_examples=400)
@given(HISTORIES)
def test_at_every_moment_it_says_what_the_fold_says(tags: list[tuple[str, int, int]]) -> None:
    events = [event(*tag) for tag in tags]
    found = timeline(events, "prod")
    start = START.timestamp()
    for half_seconds in range(-2, 16):
        moment = start + half_seconds / 2
        expected, period = holder_at(events, moment), period_at(found, moment)
        assert (expected is None) == (period is None)
        if expected is not None and period is not None:
            assert expected[:2] == (period.version, period.commit)
    for earlier, later in pairwise(found):
        assert earlier.end is not None
        assert earlier.end <= later.start
        assert earlier.ended_by is not None
        assert earlier.ended_by.at == earlier.end
        assert earlier.end < later.start or (earlier.version, earlier.commit) != (later.version, later.commit)
    for period in found:
        assert period.assigned_by.at <= period.start
        assert (period.assigned_by.commit, period.assigned_by.stage) == (period.commit, "prod")
        assert period.end is None or period.start < period.end
    assert all(p.end is not None for p in found[:-1])


@given(HISTORIES)
def test_the_order_in_which_events_come_does_not_count(tags: list[tuple[str, int, int]]) -> None:
    events = [event(*tag) for tag in tags]
    assert timeline(events, "prod") == timeline(reversed(events), "prod")


def test_nobody_ever() -> None:
    assert timeline([event("m@v1.0.0", 0, 1)], "prod") == []
    assert timeline([], "prod") == []
