from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.history import fold, fold_artifact
from tests.unit.domain.histories import START, commit, event, history, holder

V1, V2 = ("m@v1.0.0", 0, 1), ("m@v2.0.0", 1, 2)

RANDOM_TAGS = st.lists(
    st.tuples(
        st.sampled_from(
            "m@v1.0.0 m@v1.0.0!#2 m@v1.0.0#3 m@v2.0.0 m@v2.0.0! m@v1.5.0-rc.1 m#prod#4 m#prod#5 m#prod!#6 m#dev#7 "
            "m@deprecated m#dev!#8 m@deprecated#9".split()
        ),
        st.integers(0, 4),
        st.integers(1, 3),
    ),
    unique_by=lambda tag: tag[0],
    min_size=1,
    max_size=10,
)


def test_a_registered_version_is_there() -> None:
    state = history(V1)
    version = state.version("v1.0.0")
    assert version is not None
    assert (version.commit, version.is_active, version.is_registered, version.active_stages) == (
        commit(1),
        True,
        True,
        (),
    )
    assert state.latest is version
    assert state.is_active
    assert version.created_at == START.timestamp()


def test_latest_is_the_greatest_not_the_last() -> None:
    state = history(("m@v3.0.0", 0, 1), ("m@v2.0.0", 5, 2), ("m@v3.1.0-rc.1", 6, 3))
    assert state.latest is state.version("v3.1.0-rc.1"), "pre-releases count"


def test_of_equal_precedence_the_one_registered_last_is_latest() -> None:
    state = history(("m@v1.0.0+b", 0, 1), ("m@v1.0.0+a", 1, 2))
    assert state.latest is state.version("v1.0.0+a")


def test_a_deregistered_version_is_known_but_not_latest() -> None:
    state = history(V1, V2, ("m@v2.0.0!", 2, 2))
    version = state.version("v2.0.0")
    assert version is not None
    assert not version.is_active
    assert state.latest is state.version("v1.0.0")


def test_a_version_can_be_registered_again() -> None:
    state = history(V1, ("m@v1.0.0!", 1, 1), ("m@v1.0.0#2", 2, 1))
    assert state.latest is state.version("v1.0.0")
    assert len(state.versions) == 1


def test_within_a_second_a_deregistration_wins() -> None:
    assert history(V1, ("m@v1.0.0!", 0, 1)).latest is None


def test_a_deregistration_of_another_commit_is_of_another_version() -> None:
    state = history(V1, ("m@v1.0.0!", 1, 2))
    assert state.latest is state.version("v1.0.0")
    assert state.version("v1.0.0") is not None


def test_of_two_registrations_of_a_name_the_active_one_speaks_for_it() -> None:
    state = history(V1, ("m@v1.0.0!", 1, 1), ("m@v1.0.0#2", 2, 2))
    version = state.version("v1.0.0")
    assert version is not None
    assert version.commit == commit(2)


def test_a_deregistration_alone_makes_no_version() -> None:
    state = history(("m@v1.0.0!", 0, 1), ("m#prod#1", 1, 1))
    assert state.version("v1.0.0") is None
    assert state.latest is None
    assert holder(state) is None


def test_an_assignment_belongs_to_the_version_at_its_commit() -> None:
    state = history(V1, V2, ("m#prod#1", 2, 1))
    assert holder(state) == "v1.0.0"
    assert state.stage_names() == ("prod",)


def test_an_assignment_may_come_before_the_registration() -> None:
    assert holder(history(("m#prod#1", 0, 1), ("m@v1.0.0", 5, 1))) == "v1.0.0"


def test_a_commit_without_a_version_can_hold_a_stage() -> None:
    state = history(V1, ("m#prod#1", 2, 7))
    assert holder(state) == commit(7)
    assert state.latest is state.version("v1.0.0")
    assert state.version(commit(7)) is None, "it is no registered version"


def test_a_bare_commit_can_be_unassigned() -> None:
    # gto cannot: it lists the commit anew for each tag.
    assert holder(history(("m#prod#1", 0, 7), ("m#prod!#2", 1, 7))) is None


def test_the_last_assigned_version_holds_the_stage() -> None:
    state = history(V1, V2, ("m#prod#1", 2, 2), ("m#prod#2", 3, 1))
    assert [v.name for v in state.holders("prod")] == ["v1.0.0", "v2.0.0"]


def test_when_the_holder_leaves_the_one_before_comes_back() -> None:
    promoted = (V1, V2, ("m#prod#1", 2, 1), ("m#prod#2", 3, 2))
    assert holder(history(*promoted)) == "v2.0.0"
    assert holder(history(*promoted, ("m#prod!#3", 4, 2))) == "v1.0.0"
    assert holder(history(*promoted, ("m@v2.0.0!", 4, 2))) == "v1.0.0"


def test_within_a_second_an_unassignment_wins() -> None:
    assert holder(history(V1, ("m#prod#1", 2, 1), ("m#prod!#2", 2, 1))) is None


def test_within_a_second_the_version_registered_first_wins() -> None:
    # Which reads oddly beside the counters, and is what gto shows.
    assert holder(history(V1, V2, ("m#prod#1", 2, 1), ("m#prod#2", 2, 2))) == "v1.0.0"
    assert holder(history(V1, V2, ("m#prod#1", 2, 2), ("m#prod#2", 2, 1))) == "v1.0.0"


def test_stages_are_apart() -> None:
    state = history(V1, V2, ("m#prod#1", 2, 1), ("m#dev#2", 3, 2), ("m#dev!#3", 4, 1))
    assert (holder(state, "prod"), holder(state, "dev")) == ("v1.0.0", "v2.0.0")
    assert state.stage_names() == ("dev", "prod")
    version = state.version("v1.0.0")
    assert version is not None
    assert version.active_stages == ("prod",)


def test_a_deprecated_artifact_keeps_its_versions() -> None:
    state = history(V1, ("m@deprecated", 5, 1))
    assert not state.is_active
    assert state.latest is state.version("v1.0.0")


def test_a_later_event_or_one_of_the_same_second_revives_it() -> None:
    assert history(V1, ("m@deprecated", 5, 1), ("m#prod#1", 6, 1)).is_active
    assert history(V1, ("m@deprecated", 5, 1), ("m#prod#1", 5, 1)).is_active


def test_artifacts_are_apart_and_creations_are_no_events() -> None:
    states = fold(
        [
            event("b@v1.0.0", 0, 1),
            event("dir=a@v1.0.0", 0, 1),
            event("b#prod#1", 1, 1),
            event("c@created", 0, 1),
        ]
    )
    assert list(states) == ["b", "dir:a"]
    assert holder(states["b"]) == "v1.0.0"
    assert holder(states["dir:a"]) is None


def test_the_counter_is_counted_over_all_tags_of_the_artifact() -> None:
    assert history(V1).next_counter == 1
    assert history(V1, ("m#prod#4", 1, 1), ("m@v1.0.0!#2", 2, 1)).next_counter == 5


def test_one_absurd_counter_does_not_use_up_all() -> None:
    assert history(V1, ("m#prod#999999999999999999", 1, 1), ("m#dev#3", 2, 1)).next_counter == 4
    full = history(V1, ("m#a#999999999", 1, 1), ("m#b#1000000000", 2, 1), ("m#c#1000000001", 3, 1))
    assert full.next_counter == 1_000_000_002


def test_nothing_folds_to_nothing() -> None:
    assert fold([]) == {}
    empty = fold_artifact("m", [])
    assert (empty.versions, empty.latest, empty.stage_names(), empty.next_counter) == ((), None, (), 1)


@given(RANDOM_TAGS, st.randoms(use_true_random=False))
def test_the_order_in_which_tags_are_read_does_not_count(
    tags: list[tuple[str, int, int]], chance: random.Random
) -> None:
    events = [event(*tag) for tag in tags]
    shuffled = list(events)
    chance.shuffle(shuffled)
    assert fold(events) == fold(shuffled)


@given(RANDOM_TAGS)
def test_what_always_holds(tags: list[tuple[str, int, int]]) -> None:
    state = history(*tags)
    assert {e.tag for e in state.events} == {tag for tag, _, _ in tags}
    assert state.latest is None or (state.latest.is_active and state.latest.is_registered)
    assert all(f"m#x#{state.next_counter}" != tag for tag, _, _ in tags)
    for stage in state.stage_names():
        holders = state.holders(stage)
        assert len({(v.name, v.commit) for v in holders}) == len(holders)
        assert all(v.is_active and stage in v.active_stages for v in holders)
    for name, version in state.named_versions.items():
        assert version.name == name
        assert version.is_registered
        assert version.is_active == any(
            v.is_active for v in state.versions if v.name == name and v.is_registered
        )
