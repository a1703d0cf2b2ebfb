from __future__ import annotations

from datetime import timedelta

from modelkeep.domain.history import fold_artifact
from modelkeep.domain.registry import stage_rows, version_rows
from tests.unit.domain.histories import START, commit, event, history

PROMOTED = history(
    ("m@v1.0.0", 0, 1),
    ("m@v2.0.0", 1, 2),
    ("m@v3.0.0-rc.1", 2, 3),
    ("m@v3.0.0-rc.1!", 3, 3),
    ("m#prod#1", 4, 1),
    ("m#dev#2", 5, 1),
    ("m#prod#3", 6, 2),
    ("m#canary#4", 7, 9),
)


def test_there_is_a_row_for_each_registered_version() -> None:
    rows = {row.version: row for row in version_rows(PROMOTED)}
    assert set(rows) == {"v1.0.0", "v2.0.0", "v3.0.0-rc.1"}, "the bare commit is none"
    assert [v for v, row in rows.items() if row.is_latest] == ["v2.0.0"]
    assert [v for v, row in rows.items() if not row.is_active] == ["v3.0.0-rc.1"]
    assert {v: row.stages for v, row in rows.items()} == {
        "v1.0.0": ("dev",),
        "v2.0.0": ("prod",),
        "v3.0.0-rc.1": (),
    }
    assert sorted(rows, key=lambda v: rows[v].sort_key) == ["v1.0.0", "v2.0.0", "v3.0.0-rc.1"]


def test_a_row_says_who_registered_it_when_and_why() -> None:
    row = version_rows(
        fold_artifact("m", [event("m@v1.0.0", 0, 1, "First"), event("m@v1.0.0#2", 9, 1, "Again")])
    )[0]
    assert (row.artifact, row.commit, row.tag) == ("m", commit(1), "m@v1.0.0#2")
    assert row.registered_at == START + timedelta(seconds=9)
    assert (row.author, row.author_email, row.message) == ("Ann", "ann@example.com", "Again")


def test_a_name_makes_one_row_even_at_two_commits() -> None:
    state = history(("m@v1.0.0", 0, 1), ("m@v1.0.0!", 1, 1), ("m@v1.0.0#2", 2, 2))
    rows = version_rows(state)
    assert [(row.version, row.commit, row.is_active, row.is_latest) for row in rows] == [
        ("v1.0.0", commit(2), True, True)
    ]


def test_there_is_a_row_for_each_stage_with_its_present_holder() -> None:
    rows = {row.stage: row for row in stage_rows(PROMOTED)}
    assert {stage: row.version for stage, row in rows.items()} == {
        "canary": None,
        "dev": "v1.0.0",
        "prod": "v2.0.0",
    }
    assert rows["canary"].commit == commit(9)
    assert (rows["prod"].tag, rows["prod"].assigned_at) == ("m#prod#3", START + timedelta(seconds=6))
    assert (rows["prod"].author, rows["prod"].author_email) == ("Ann", "ann@example.com")


def test_a_stage_that_was_given_back_shows_the_older_assignment() -> None:
    state = history(
        ("m@v1.0.0", 0, 1), ("m@v2.0.0", 1, 2), ("m#prod#1", 2, 1), ("m#prod#2", 3, 2), ("m#prod!#3", 4, 2)
    )
    (row,) = stage_rows(state)
    assert (row.version, row.tag) == ("v1.0.0", "m#prod#1")


def test_an_artifact_without_events_has_no_rows() -> None:
    empty = fold_artifact("m", [])
    assert (version_rows(empty), stage_rows(empty)) == ([], [])
