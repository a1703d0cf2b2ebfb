from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.moments import parse_moment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T09:00Z", datetime(2026, 3, 1, 9, tzinfo=UTC)),
        ("2026-03-01t09:00:30z", datetime(2026, 3, 1, 9, 0, 30, tzinfo=UTC)),
        ("2026-03-01T09:00:30.25+01:30", datetime(2026, 3, 1, 7, 30, 30, 250000, tzinfo=UTC)),
        ("2026-03-01T09:00 01:00", datetime(2026, 3, 1, 8, tzinfo=UTC)),
        ("2026-03-01 09:00-02:00", datetime(2026, 3, 1, 11, tzinfo=UTC)),
    ],
)
def test_moments(text: str, expected: datetime) -> None:
    assert parse_moment(text) == expected


@pytest.mark.parametrize(
    "text",
    "? now 2026 2026-02-30 20260301 2026-W09-1 2026-03-01T09:00 2026-03-01T25:00Z 2026-03-01Z "
    "0001-01-01T00:00+23:00 2026-03-01T09:00+99:00 ٢٠٢٦-03-01 1772355600".split(),
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_moment(text)
    assert caught.value.code == "invalid_time"


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_written_is_read(when: datetime) -> None:
    assert parse_moment(when.isoformat()) == when


@given(st.text("0123456789-:+TZ. ", max_size=30))
def test_anything_is_a_moment_or_a_refusal(text: str) -> None:
    try:
        found = parse_moment(text)
    except InvalidInput:
        return
    assert found.utcoffset() == timedelta()
