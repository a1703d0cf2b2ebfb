from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.history import ArtifactState, fold_artifact
from modelkeep.domain.rollback import TRAILER, is_rollback, previous_holder
from tests.unit.domain.histories import event, history, holder

VERSIONS = [(f"m@v{number}.0.0", 0, number) for number in range(1, 6)]


def previous(state: ArtifactState, stage: str = "prod") -> str | None:
    version = previous_holder(state, stage)
    return version.name if version else None


class Hub:
    """Promotes and rolls back as the hub does, a second apart; versions are numbers."""

    def __init__(self) -> None:
        self.events = [event(*tag) for tag in VERSIONS]

    @property
    def state(self) -> ArtifactState:
        return fold_artifact("m", self.events)

    @property
    def holding(self) -> int | None:
        name = holder(self.state)
        return int(name[1:].partition(".")[0]) if name else None

    def promote(self, number: int, message: str = "Promote") -> None:
        counter = self.state.next_counter
        self.events.append(event(f"m#prod#{counter}", 10 + counter, number, message))

    def roll_back(self) -> bool:
        target = previous_holder(self.state, "prod")
        if target is None:
            return False
        self.promote(int(target.name[1:].partition(".")[0]), f"Back\n\n{TRAILER}: v{self.holding}.0.0")
        return True


def test_without_a_holder_there_is_nothing_to_go_back_from() -> None:
    assert previous(history(*VERSIONS)) is None
    assert previous(history(*VERSIONS, ("m#prod#1", 1, 1), ("m#prod!#2", 2, 1))) is None


def test_the_first_holder_has_none_before_it() -> None:
    assert previous(history(*VERSIONS, ("m#prod#1", 1, 1))) is None


def test_it_is_the_holder_before() -> None:
    assert previous(history(*VERSIONS, ("m#prod#1", 1, 3), ("m#prod#2", 2, 1))) == "v3.0.0"


def test_a_deregistered_holder_is_passed_over() -> None:
    promoted = (*VERSIONS, ("m#prod#1", 1, 1), ("m#prod#2", 2, 2), ("m#prod#3", 3, 3))
    assert previous(history(*promoted)) == "v2.0.0"
    assert previous(history(*promoted, ("m@v2.0.0!", 4, 2))) == "v1.0.0"


def test_an_unassigned_version_is_passed_over() -> None:
    promoted = (*VERSIONS, ("m#prod#1", 1, 1), ("m#prod#2", 2, 2), ("m#prod#3", 3, 3))
    assert previous(history(*promoted, ("m#prod!#4", 4, 2))) == "v1.0.0"


def test_other_stages_do_not_count() -> None:
    state = history(*VERSIONS, ("m#dev#1", 1, 1), ("m#prod#2", 2, 2), ("m#dev#3", 3, 3))
    assert previous(state, "prod") is None
    assert previous(state, "dev") == "v1.0.0"


def test_within_a_second_it_is_the_one_that_does_not_show() -> None:
    state = history(*VERSIONS, ("m#prod#1", 1, 1), ("m#prod#2", 1, 2))
    assert (holder(state), previous(state)) == ("v1.0.0", "v2.0.0")


def test_promoting_the_holder_again_changes_nothing() -> None:
    state = history(*VERSIONS, ("m#prod#1", 1, 1), ("m#prod#2", 2, 2), ("m#prod#3", 3, 2))
    assert previous(state) == "v1.0.0"


def test_the_trailer_stands_on_a_line_of_its_own() -> None:
    assert is_rollback(event("m#prod#1", 0, 1, f"Back\n\n{TRAILER}: v2.0.0"))
    assert not is_rollback(event("m#prod#1", 0, 1, f"Not {TRAILER}: v2.0.0"))
    assert not is_rollback(event("m#prod#1", 0, 1, f"{TRAILER}"))


def test_after_a_rollback_a_promotion_goes_on_from_there() -> None:
    hub = Hub()
    for number in (1, 2):
        hub.promote(number)
    assert hub.roll_back()
    hub.promote(3)
    assert hub.holding == 3
    assert hub.roll_back()
    assert hub.holding == 1, "2 was taken back before"


@given(st.lists(st.integers(1, 5) | st.none(), max_size=14))
def test_promotions_and_rollbacks_are_a_stack(steps: Sequence[int | None]) -> None:
    hub, stack = Hub(), list[int]()
    for step in steps:
        if step is None:
            assert hub.roll_back() == (len(stack) > 1)
            if len(stack) > 1:
                stack.pop()
        elif not stack or stack[-1] != step:  # the hub refuses to promote the holder again
            hub.promote(step)
            stack.append(step)
        assert hub.holding == (stack[-1] if stack else None)
