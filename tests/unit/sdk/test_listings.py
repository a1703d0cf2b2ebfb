"""Lists are fetched while they are read, and shown as tables without anybody's HTML."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs

from hypothesis import given
from hypothesis import strategies as st

from modelkeep.sdk.handle import when
from modelkeep.sdk.html import MOST_ROWS, table
from modelkeep.sdk.hub import Hub
from tests.unit.sdk.stand_in import REPO, StandIn, repo_json

PATH = f"{REPO}/branches"


def pages(stand_in: StandIn, *names: list[str]) -> None:
    for number, page in enumerate(names, 1):
        items = [{"name": name, "ref": f"refs/heads/{name}", "target": "a" * 40} for name in page]
        following = str(number) if number < len(names) else None
        stand_in.answer("GET", PATH, 200, json.dumps({"items": items, "next_cursor": following}).encode())


def test_each_loop_asks_anew_and_only_for_what_is_needed(stand_in: StandIn, hub: Hub) -> None:
    branches = hub.repo("acme/churn").branches()
    assert stand_in.asked("GET", "/branches") == []
    pages(stand_in, ["a", "b"], ["c"])
    assert [one.name for one in branches] == ["a", "b", "c"]
    pages(stand_in, ["d", "e"], ["f"])
    assert [one.name for one in branches.up_to(2)] == ["d", "e"]
    assert len(stand_in.asked("GET", "/branches")) == 3
    stand_in.answers.clear()
    pages(stand_in, [])
    assert branches.first() is None


def test_threads_may_read_the_same_list(stand_in: StandIn, hub: Hub) -> None:
    repos = hub.repos.list()
    body = json.dumps(
        {"items": [repo_json("acme", f"r{n}") for n in range(50)], "next_cursor": None}
    ).encode()
    found: list[int] = []
    for _ in range(8):
        stand_in.answer("GET", "/api/v1/repos", 200, body)
    threads = [threading.Thread(target=lambda: found.append(len(list(repos)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [50] * 8


def test_filters_are_sent_repeated_and_left_out(stand_in: StandIn, hub: Hub) -> None:
    stand_in.answer("GET", "/api/v1/registry", 200, b'{"items": [], "next_cursor": null}')
    list(hub.registry(repo="acme/churn", labels=["a", "b"], at=datetime(2026, 3, 1, tzinfo=UTC)))
    assert parse_qs(stand_in.asked("GET", "/registry")[0].query) == {
        "limit": ["1000"],
        "namespace": ["acme"],
        "repo": ["churn"],
        "label": ["a", "b"],
        "deprecated": ["false"],
        "at": ["2026-03-01T00:00:00+00:00"],
    }


def test_a_time_without_a_zone_is_local() -> None:
    naive = datetime(2026, 3, 1, 9)  # noqa: DTZ001 - that is the point
    assert when(naive) == naive.astimezone().isoformat()
    assert when(None) is None


@dataclass(frozen=True)
class Row:
    name: str
    stages: dict[str, str]
    labels: tuple[str, ...] = ()


@given(
    st.lists(
        st.builds(Row, st.text(), st.dictionaries(st.text(), st.text(), max_size=3), st.tuples(st.text()))
    )
)
def test_a_table_has_only_its_own_markup(rows: list[Row]) -> None:
    shown = table(rows)
    tags = set(re.findall(r"<[^>]*>", shown))
    assert tags <= {
        f"<{slash}{name}>" for slash in ("", "/") for name in "table thead tbody tr th td p".split()
    }


def test_a_long_table_says_that_there_is_more() -> None:
    rows = [Row(str(number), {"prod": "v1"}) for number in range(MOST_ROWS + 1)]
    assert table(rows).count("<tr>") == MOST_ROWS + 1
    assert "there are more" in table(rows)
    assert "<th>#prod</th>" in table(rows)
    assert table([]) == "<p>Nothing to show.</p>"
