"""The registry through time: as of a moment, histories, periods of stages, differences."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelkeep.domain.history import fold_artifact
from modelkeep.domain.paging import Page, PageRequest, decode_cursor
from modelkeep.domain.registry import ArtifactFilter, stage_rows, version_rows
from modelkeep.services.past import Past as PastService
from tests.api.rest.pasts import START, Past, at, event_from, new_artifact, new_past
from tests.api.rest.world import World, refused

TAGS = [
    *"@v1.0.0 @v1.0.0!#2 @v1.0.0#3 @v2.0.0 @v2.0.0! @v2.0.0#20 @v3.0.0-rc.1 @v3.0.0-rc.1!".split(),
    *(f"#prod#{n}" for n in range(40, 46)),
    *(f"#prod!#{n}" for n in range(50, 54)),
    *"#dev#7 #dev!#8 @deprecated#9".split(),
]
HISTORIES = st.lists(
    st.tuples(st.sampled_from(TAGS), st.integers(0, 5), st.integers(0, 3)),
    unique_by=lambda tag: tag[0],
    min_size=1,
    max_size=12,
)


@pytest.fixture(scope="module")
def past(world: World) -> Past:
    return new_past(world)


@pytest.fixture(scope="module")
def story(world: World) -> Past:
    """churn: v1 in prod from 10 to 30, v2 until 50, then v1 again; iris: registered at 40, in prod never."""
    made = new_past(world)
    made.tag(
        ("churn@v1.0.0", 0, 0), ("churn#prod#1", 10, 0), ("churn@v2.0.0", 20, 1), ("churn#prod#2", 30, 1)
    )
    made.tag(("iris@v0.0.1", 40, 0), ("churn@v2.0.0!", 50, 1), author="Bob")
    made.tag(("iris@deprecated", 60, 0))
    return made


def test_as_of_a_moment(story: Past) -> None:
    churn = f"{story.path}/artifacts/churn"
    for seconds, holder, latest in (
        (-1, None, None),
        (0, None, "v1.0.0"),
        (10.5, "v1.0.0", "v1.0.0"),
        (29.9, "v1.0.0", "v2.0.0"),
        (30, "v2.0.0", "v2.0.0"),
        (50, "v1.0.0", "v1.0.0"),
        (10**8, "v1.0.0", "v1.0.0"),
    ):
        when = at(seconds)
        stages = story.items(f"{churn}/stages?at={when}")
        assert [(s["stage"], s["version"]) for s in stages] == ([("prod", holder)] if holder else [])
        whole = story.items(f"/registry/stages?repo={story.name}&at={when}")
        assert [(s["repo"], s["artifact"], s["version"]) for s in whole] == (
            [(story.name, "churn", holder)] if holder else []
        )
        rows = {row["artifact"]: row for row in story.items(f"/registry?repo={story.name}&at={when}")}
        assert ("churn" in rows) == (latest is not None)
        assert ("iris" in rows) == (seconds >= 40)
        if latest is not None:
            assert (rows["churn"]["latest"], rows["churn"]["stages"]) == (
                latest,
                {"prod": holder} if holder else {},
            )
        in_repo = story.items(f"{story.path}/artifacts?at={when}")
        assert in_repo == [{k: v for k, v in row.items() if k != "repo"} for row in rows.values()]
        if holder:
            assert story.get(f"{churn}/stages/prod?at={when}") == stages[0]
        else:
            refused(story.rita.get(f"{churn}/stages/prod?at={when}"), 404, "no_stage")


def test_now_is_as_of_now(story: Past) -> None:
    churn, now = f"{story.path}/artifacts/churn", at(10**8)
    assert story.get(f"{churn}/stages/prod") == story.get(f"{churn}/stages/prod?at={now}")
    assert story.items(f"{churn}/stages") == story.items(f"{churn}/stages?at={now}")
    assert story.items(f"{churn}/versions") == story.items(f"{churn}/versions?at={now}")
    listed = f"/registry?repo={story.name}"
    assert story.items(listed) == story.items(f"{listed}&at={now}")
    held = f"/registry/stages?repo={story.name}"
    assert story.items(held) == story.items(f"{held}&at={now}")
    for filters in ("deprecated=true", "deprecated=false", "stage=prod", "stage=dev", "query=IRIS", "type=x"):
        assert story.items(f"{listed}&{filters}") == story.items(f"{listed}&{filters}&at={now}"), filters


def test_versions_as_they_stood(story: Past) -> None:
    versions = f"{story.path}/artifacts/churn/versions"
    found = story.items(f"{versions}?at={at(30)}")
    assert [(v["version"], v["is_latest"], v["is_active"], v["stages"]) for v in found] == [
        ("v2.0.0", True, True, ["prod"]),
        ("v1.0.0", False, True, []),
    ]
    assert [p[0]["version"] for p in story.rita.pages(f"{versions}?at={at(60)}", 1)] == ["v2.0.0", "v1.0.0"]
    assert [v["version"] for v in story.items(f"{versions}?active=true&at={at(60)}")] == ["v1.0.0"]
    refused(story.rita.get(f"{versions}?at={at(-1)}"), 404, "no_artifact")
    refused(story.rita.get(f"{story.path}/artifacts/none/versions?at={at(1)}"), 404, "no_artifact")


def test_moments_that_are_none(story: Past) -> None:
    for path in (
        "/registry",
        "/registry/stages",
        f"{story.path}/artifacts",
        f"{story.path}/artifacts/churn/stages",
    ):
        for text in ("now", "2026-02-30", "2026-03-01T09:00"):
            refused(story.rita.get(f"{path}?at={text}"), 422, "invalid_time")
    refused(story.rita.get("/registry/diff?from=x"), 422, "invalid_time")
    refused(story.rita.get("/registry/diff"), 400, "invalid_parameter")
    refused(story.rita.get(f"/registry/diff?from={at(2)}&to={at(1)}"), 422, "invalid_time")
    refused(story.rita.get("/registry/history?since=x"), 422, "invalid_time")
    refused(story.rita.get(f"/registry?at={at(0)}&sort=-updated"), 422, "sort_with_at")


def test_a_date_is_its_first_instant(story: Past) -> None:
    stages = f"{story.path}/artifacts/churn/stages"
    assert story.items(f"{stages}?at=2026-03-01") == []
    assert len(story.items(f"{stages}?at=2026-03-02")) == 1


def test_history(story: Past) -> None:
    events = story.items(f"/registry/history?repo={story.name}")
    assert [(e["tag"], e["event"], e["version"], e["stage"]) for e in events] == [
        ("iris@deprecated", "deprecation", None, None),
        ("churn@v2.0.0!", "deregistration", "v2.0.0", None),
        ("iris@v0.0.1", "registration", "v0.0.1", None),
        ("churn#prod#2", "assignment", "v2.0.0", "prod"),
        ("churn@v2.0.0", "registration", "v2.0.0", None),
        ("churn#prod#1", "assignment", "v1.0.0", "prod"),
        ("churn@v1.0.0", "registration", "v1.0.0", None),
    ]
    assert events[0]["repo"] == story.name
    assert story.items(f"{story.path}/history") == events
    assert story.items(f"/registry/history?repo={story.name}&ascending=true") == events[::-1]
    for ascending in ("true", "false"):
        pages = story.rita.pages(f"{story.path}/history?ascending={ascending}", 2)
        assert [e for page in pages for e in page] == story.items(
            f"{story.path}/history?ascending={ascending}"
        )
    of_churn = [e for e in events if e["artifact"] == "churn"]
    assert story.items(f"{story.path}/artifacts/churn/history") == of_churn
    assert story.items(f"{story.path}/history?artifact=churn") == of_churn
    refused(story.rita.get(f"{story.path}/artifacts/none/history"), 404, "no_artifact")


@pytest.mark.parametrize(
    ("filters", "tags"),
    [
        ("stage=prod", ["churn#prod#2", "churn#prod#1"]),
        ("version=v2.0.0", ["churn@v2.0.0!", "churn#prod#2", "churn@v2.0.0"]),
        ("version=1.0.0", ["churn#prod#1", "churn@v1.0.0"]),
        ("event=deprecation", ["iris@deprecated"]),
        ("author=bob", ["churn@v2.0.0!", "iris@v0.0.1"]),
        ("author=BOB%40example.org", ["churn@v2.0.0!", "iris@v0.0.1"]),
        ("author=bo", []),
        (f"since={at(50)}", ["iris@deprecated", "churn@v2.0.0!"]),
        (f"until={at(10)}", ["churn#prod#1", "churn@v1.0.0"]),
        (f"since={at(9.5)}&until={at(10.5)}", ["churn#prod#1"]),
        ("artifact=%00", []),
        ("namespace=acme&event=registration&stage=prod", []),
    ],
)
def test_filters_of_history(story: Past, filters: str, tags: list[str]) -> None:
    assert [e["tag"] for e in story.items(f"/registry/history?repo={story.name}&{filters}")] == tags
    if "namespace" not in filters:
        assert [e["tag"] for e in story.items(f"{story.path}/history?{filters}")] == tags


def test_wrong_filters_of_history(story: Past) -> None:
    refused(story.rita.get("/registry/history?event=creation"), 400, "invalid_parameter")
    refused(story.rita.get("/registry/history?version=nine"), 422, "invalid_version")
    cursor = story.get("/registry?limit=1")["next_cursor"]
    refused(story.rita.get(f"/registry/history?cursor={cursor}"), 400, "invalid_cursor")
    history = story.get(f"{story.path}/history?limit=1")["next_cursor"]
    for path in (f"/registry?at={at(0)}", f"/registry/stages?at={at(0)}", f"/registry/diff?from={at(0)}"):
        refused(story.rita.get(f"{path}&cursor={history}"), 400, "invalid_cursor")


def test_periods_of_a_stage(story: Past) -> None:
    periods = story.items(f"{story.path}/artifacts/churn/stages/prod/history?ascending=true")
    second = [p["from"][17:19] for p in periods]
    assert [
        (p["version"], p["assigned_by"]["tag"], p["left_by"] and p["left_by"]["tag"]) for p in periods
    ] == [
        ("v1.0.0", "churn#prod#1", "churn#prod#2"),
        ("v2.0.0", "churn#prod#2", "churn@v2.0.0!"),
        ("v1.0.0", "churn#prod#1", None),
    ]
    assert second == ["10", "30", "50"]
    assert [p["until"] and p["until"][17:19] for p in periods] == ["30", "50", None]
    assert (periods[0]["left_by"]["version"], periods[0]["commit"]) == ("v2.0.0", story.commits[0])
    assert story.items(f"{story.path}/artifacts/churn/stages/prod/history") == periods[::-1]
    assert story.items(f"{story.path}/artifacts/churn/stages/dev/history") == []
    refused(story.rita.get(f"{story.path}/artifacts/none/stages/prod/history"), 404, "no_artifact")


def test_what_changed(story: Past) -> None:
    def diff(start: float, end: float | None, more: str = "") -> list[tuple[Any, ...]]:
        to = "" if end is None else f"&to={at(end)}"
        found = story.items(f"/registry/diff?repo={story.name}&from={at(start)}{to}{more}")
        for change in found:
            assert (change["repo"], change["artifact"], change["stage"]) == (story.name, "churn", "prod")
            assert {event["repo"] for event in change["events"]} <= {story.name}
        return [(c["before"], c["after"], [e["tag"] for e in c["events"]]) for c in found]

    assert diff(0, 9) == []
    assert diff(0, 10) == [(None, "v1.0.0", ["churn#prod#1"])]
    assert diff(10, 40) == [("v1.0.0", "v2.0.0", ["churn@v2.0.0", "churn#prod#2"])]
    assert diff(30, None) == [("v2.0.0", "v1.0.0", ["churn@v2.0.0!"])]
    assert diff(30, 10**8, "&stage=prod") == diff(30, None)
    assert diff(30, None, "&stage=dev") == []
    assert diff(30, None, "&namespace=rita") == []
    assert diff(10, None) == [], "there and back"
    assert diff(40, 40) == []


def test_events_of_one_second_are_listed_as_gto_does(world: World) -> None:
    past = new_past(world)
    past.tag(("m#prod#2", 5, 0), ("m@v0.9.0!", 5, 0), ("m@v0.9.0", 5, 0), ("m#prod!#3", 5, 0))
    listed = [event["tag"] for event in past.items(f"{past.path}/history")]
    assert listed == ["m#prod!#3", "m#prod#2", "m@v0.9.0!", "m@v0.9.0"]
    assert listed == [event["ref"] for event in past.get(f"{past.path}/gto/history")]
    for order in (1, -1):
        pages = past.rita.pages(f"{past.path}/history?ascending={str(order < 0).lower()}", 1)
        assert [event["tag"] for page in pages for event in page] == listed[::order]


def test_only_what_one_may_read(story: Past) -> None:
    for person in ("sven", None):
        other = story.world.as_(person)
        for path in (
            "/registry/history?",
            "/registry/stages?",
            f"/registry?at={at(60)}&",
            f"/registry/diff?from={at(0)}&",
        ):
            answer = other.get(f"{path}repo={story.name}")
            assert (answer.status_code, answer.json()["items"]) == (200, [])
        for path in (f"{story.path}/history", f"{story.path}/artifacts/churn/stages/prod/history"):
            refused(other.get(path), 401 if person is None else 404)


def state_at(past: Past, artifact: str, when: str) -> dict[str, Any]:
    """What the API says of a moment, by all its doors, which must agree."""
    base = f"{past.path}/artifacts/{artifact}"
    stages = {s["stage"]: s["version"] or s["commit"] for s in past.items(f"{base}/stages?at={when}")}
    listed = past.items(f"/registry?repo={past.name}&query={artifact}&at={when}")
    rows = [row for row in listed if row["artifact"] == artifact]
    if rows:
        assert rows[0]["stages"] == stages
    return {"stages": stages, "row": rows[0] if rows else None}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HISTORIES)
def test_every_moment_is_a_replay_of_the_history(past: Past, history: list[tuple[str, int, int]]) -> None:
    artifact = new_artifact()
    past.tag(*((f"{artifact}{tag}", seconds, number) for tag, seconds, number in history))
    base = f"{past.path}/artifacts/{artifact}"
    told = [event_from(item) for item in past.items(f"{base}/history?ascending=true")]
    assert len(told) == len(history)
    periods = past.items(f"{base}/stages/prod/history")
    moments = [half / 2 for half in range(-1, 12)]
    then: dict[float, dict[str, str]] = {}
    for seconds in moments:
        when = at(seconds)
        state = fold_artifact(artifact, [e for e in told if e.at <= START.timestamp() + seconds])
        found = state_at(past, artifact, when)
        expected = {row.stage: row.version or row.commit for row in stage_rows(state)}
        assert found["stages"] == expected
        assert (found["row"] is None) == (not state.events)
        if found["row"] is not None:
            assert found["row"]["latest"] == (state.latest.name if state.latest else None)
            assert found["row"]["is_deprecated"] == (not state.is_active)
            versions = past.items(f"{base}/versions?at={when}")
            assert sorted(v["version"] for v in versions) == sorted(r.version for r in version_rows(state))
        iso = when.replace("%3A", ":").replace("%2B", "+")
        held = [p for p in periods if p["from"] <= _z(iso) and (p["until"] is None or _z(iso) < p["until"])]
        assert [p["version"] or p["commit"] for p in held] == [v for s, v in expected.items() if s == "prod"]
        then[seconds] = expected
    for start, end in ((-0.5, 5.5), (0.5, 3), (1, 4), (2, 2.5)):
        changes = past.items(f"/registry/diff?repo={past.name}&from={at(start)}&to={at(end)}")
        found_changes = {c["stage"]: (c["before"], c["after"]) for c in changes if c["artifact"] == artifact}
        stages = {*then[start], *then[end]}
        assert found_changes == {
            s: (then[start].get(s), then[end].get(s))
            for s in stages
            if then[start].get(s) != then[end].get(s)
        }


def _z(iso: str) -> str:
    """A time as answers write it, comparable as text with whole seconds."""
    return iso.replace("+00:00", "Z").replace(".500000Z", "Z~")


def test_a_page_folds_a_bounded_number_of_events(world: World, story: Past) -> None:
    thrifty = PastService(world.hub.repos._stores, most_events=3)
    rita = world.actor("rita")
    wanted = ArtifactFilter(repo=story.name)

    def pages(ask: Callable[[PageRequest], Page[Any]], limit: int) -> list[tuple[Any, ...]]:
        found, after = [], None
        while True:
            page = ask(PageRequest(limit, after))
            found.append(page.items)
            if page.next_cursor is None:
                return found
            after = decode_cursor(page.next_cursor)

    def ask_of(service: PastService) -> list[Callable[[PageRequest], Page[Any]]]:
        end = START + timedelta(seconds=60)
        return [
            lambda page: service.overview(rita, page, wanted, end),
            lambda page: service.holders(rita, page, wanted, end),
            lambda page: service.diff(rita, page, START, repo=story.name),
        ]

    for ask, ask_generously in zip(ask_of(thrifty), ask_of(world.hub.past), strict=True):
        short = pages(ask, 10)
        assert len(short) > 1, "the first artifact alone goes over it"
        (whole,) = pages(ask_generously, 10)
        assert tuple(row for page in short for row in page) == whole


def test_pages_of_the_past(world: World) -> None:
    past = new_past(world)
    for name in ("a", "ab", "b"):
        past.tag((f"{name}@v1.0.0", 0, 0), *((f"{name}#s{n}#{n}", n, 0) for n in (1, 2, 3)))
    for path in (
        f"/registry?repo={past.name}&at={at(2)}",
        f"/registry/stages?repo={past.name}&at={at(2)}",
        f"/registry/stages?repo={past.name}&at={at(9)}&stage=s3",
        f"/registry/diff?repo={past.name}&from={at(0)}",
    ):
        whole = past.items(path)
        assert whole
        for limit in (1, 2, 3):
            pages = past.rita.pages(path, limit)
            assert [item for page in pages for item in page] == whole
            assert all(len(page) == limit for page in pages[:-1])
