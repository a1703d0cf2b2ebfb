"""Which events a webhook wants, and when a delivery is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.outbox import EVENT_TYPES, OutboxEvent, types_among
from modelkeep.domain.webhooks import (
    LONGEST_RETRY_AFTER,
    RETRY_DELAYS,
    Attempt,
    EventFilter,
    Webhook,
    next_delay,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
GROUPS = ["*", "stage.*", "version.*", "repo.*", "promotion.*", *EVENT_TYPES]


def event(sequence: int = 5) -> OutboxEvent:
    return OutboxEvent(sequence, "id", "stage.assigned", NOW, "acme/churn", "r1", 7, "ada", {})


def webhook(wanted: EventFilter, **changes: object) -> Webhook:
    values: dict[str, object] = {
        "id": 1,
        "repo_id": "r1",
        "namespace_id": None,
        "url": "https://example.org",
        "description": "",
        "filter": wanted,
        "is_active": True,
        "after_sequence": 0,
        "failing_since": None,
        "paused_until": None,
        "created_at": NOW,
        "created_by": "ada",
    }
    return Webhook(**(values | changes))  # type: ignore[arg-type]


@given(
    wanted=st.lists(st.sampled_from(GROUPS), min_size=1, max_size=4),
    artifacts=st.lists(st.sampled_from(["churn", "models:*", "c*", "*"]), max_size=2),
    stages=st.lists(st.sampled_from(["prod", "p*", "dev"]), max_size=2),
    kind=st.sampled_from(EVENT_TYPES),
    artifact=st.sampled_from([None, "churn", "models:churn", "fraud"]),
    stage=st.sampled_from([None, "prod", "dev"]),
)
def test_a_filter_wants_what_every_part_of_it_wants(
    wanted: list[str],
    artifacts: list[str],
    stages: list[str],
    kind: str,
    artifact: str | None,
    stage: str | None,
) -> None:
    about = OutboxEvent(5, "id", kind, NOW, None, None, None, "ada", {"name": artifact, "stage": stage})
    expected = any(fnmatchcase(kind, one) for one in wanted)
    for patterns, value in ((artifacts, artifact), (stages, stage)):
        if patterns:
            expected = expected and value is not None and any(fnmatchcase(value, one) for one in patterns)
    assert EventFilter.parse(wanted, artifacts, stages).wants(about) is expected


@pytest.mark.parametrize(
    "events", [[], ["deploy"], ["stage"], ["stage.assign*"], ["stage.*", "x.*"], ["*.*"]]
)
def test_unknown_events_are_refused(events: list[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        EventFilter.parse(events, [], [])
    assert caught.value.code == "invalid_events"


@pytest.mark.parametrize("pattern", ["", "a b", "x" * 201, "a\n"])
def test_bad_patterns_are_refused(pattern: str) -> None:
    for artifacts, stages in (([pattern], []), ([], [pattern])):
        with pytest.raises(InvalidInput) as caught:
            EventFilter.parse(["*"], artifacts, stages)
        assert caught.value.code == "invalid_pattern"


def test_a_webhook_hears_of_its_repo_or_its_namespace_alone() -> None:
    wanted = EventFilter()
    assert webhook(wanted).hears(event())
    assert not webhook(wanted, repo_id="r2").hears(event())
    assert webhook(wanted, repo_id=None, namespace_id=7).hears(event())
    assert not webhook(wanted, repo_id=None, namespace_id=8).hears(event())
    assert not webhook(wanted, is_active=False).hears(event())
    assert not webhook(wanted, after_sequence=5).hears(event(sequence=5))
    assert webhook(wanted, after_sequence=5).hears(event(sequence=6))


def test_types_are_resolved_in_their_own_order() -> None:
    assert types_among(["stage.*", "version.registered"]) == (
        "version.registered",
        "stage.assigned",
        "stage.unassigned",
    )
    assert types_among(["*"]) == EVENT_TYPES
    assert types_among([]) == ()


@given(
    attempts=st.integers(1, len(RETRY_DELAYS)),
    chance=st.floats(0, 1),
    asked=st.one_of(st.none(), st.floats(-1e6, 1e9)),
)
def test_waits_grow_and_honour_what_the_receiver_asks_within_limits(
    attempts: int, chance: float, asked: float | None
) -> None:
    wait = next_delay(attempts, RETRY_DELAYS, chance, asked)
    assert wait is not None
    usual = RETRY_DELAYS[attempts - 1]
    least = max(usual * 0.8, min(asked or 0, LONGEST_RETRY_AFTER))
    assert timedelta(seconds=least - 0.001) <= wait
    assert wait <= timedelta(seconds=max(usual * 1.2, LONGEST_RETRY_AFTER))


def test_it_is_given_up_after_the_last_wait() -> None:
    assert next_delay(len(RETRY_DELAYS) + 1, RETRY_DELAYS, 0.5) is None
    assert next_delay(1, (), 0.5, 60) is None


@pytest.mark.parametrize(
    ("status", "error", "success", "away"),
    [
        (200, None, True, False),
        (204, None, True, False),
        (204, "redirects too often", False, False),
        (302, None, False, False),
        (404, None, False, False),
        (410, None, False, False),
        (500, None, False, False),
        (429, None, False, True),
        (503, None, False, True),
        (None, "refused", False, True),
    ],
)
def test_what_an_answer_means(status: int | None, error: str | None, success: bool, away: bool) -> None:
    attempt = Attempt(NOW, 1, {}, status, {}, "", error)
    assert attempt.is_success is success
    assert attempt.is_receiver_away is away
