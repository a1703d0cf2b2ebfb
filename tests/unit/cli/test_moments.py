from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.cli.moments import parse_moment, tell_moment

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("tokyo")
@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-03-01", "2026-02-28T15:00+00:00"),
        ("2026-03-01T09:00", "2026-03-01T00:00+00:00"),
        ("2026-03-01 09:00:30", "2026-03-01T00:00:30+00:00"),
        ("2026-03-01T09:00Z", "2026-03-01T09:00+00:00"),
        ("2026-03-01T09:00-05:00", "2026-03-01T14:00+00:00"),
        ("7d", "2026-03-03T12:30+00:00"),
        ("90m", "2026-03-10T11:00+00:00"),
        ("now", "2026-03-10T12:30+00:00"),
        ("today", "2026-03-09T15:00+00:00"),
        ("yesterday", "2026-03-08T15:00+00:00"),
    ],
)
def test_times(text: str, utc: str) -> None:
    now = NOW.astimezone()
    assert parse_moment(text, now=now) == datetime.fromisoformat(utc)


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-13-01", "never ever", "-7d", "7", "2026-03-01T25:00", "9" * 50]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no time"):
        parse_moment(text)


@given(st.text(max_size=30))
def test_whatever_is_written_is_a_time_or_refused(text: str) -> None:
    try:
        moment = parse_moment(text, now=NOW)
    except typer.BadParameter:
        return
    assert moment is not None
    assert moment.tzinfo is not None


@pytest.mark.usefixtures("tokyo")
def test_what_was_understood_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    tell_moment("As of", parse_moment("2026-03-01"))
    tell_moment("As of", parse_moment("2026-03-01T09:00Z"))
    tell_moment("As of", None)
    assert capsys.readouterr().err.splitlines() == [
        "As of 2026-03-01 00:00:00 +0900 (2026-02-28 15:00:00 UTC)",
        "As of 2026-03-01 09:00:00 UTC",
    ]
    assert parse_moment(None) is None
