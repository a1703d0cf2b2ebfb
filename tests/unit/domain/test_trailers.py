from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.trailers import CODE_COMMIT, LONGEST_VALUE, RUN, parse_trailer, trailer, with_trailers


def test_trailers_follow_the_message_after_a_blank_line() -> None:
    text = with_trailers("Better\n", {CODE_COMMIT: "abc", RUN: None})
    assert text == "Better\n\nCode-Commit: abc"
    assert with_trailers(text, {RUN: "17"}) == "Better\n\nCode-Commit: abc\nRun: 17"
    assert with_trailers("Better", {RUN: None}) == "Better"


def test_a_subject_is_no_trailer() -> None:
    assert with_trailers("Fix: it drifts", {RUN: "17"}) == "Fix: it drifts\n\nRun: 17"
    assert trailer("Run: 17", RUN) is None


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("a\n\nRun: 17\n", "17"),
        ("a\n\nrun: 17", "17"),
        ("a\n\nRun: 1\nRun: 2", "2"),
        ("a\n\nRun: 1\nand more", None),
        ("a\n\nRun: 1\n\nb", None),
        ("a", None),
        ("", None),
    ],
)
def test_reading(message: str, found: str | None) -> None:
    assert trailer(message, RUN) == found


@pytest.mark.parametrize("value", ["", "  ", "a\nb", "a\rb", "a\0", "a\u2028b", "x" * (LONGEST_VALUE + 1)])
def test_what_is_no_value(value: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_trailer(RUN, value)
    assert caught.value.code == "invalid_trailer"


@given(st.text(max_size=200), st.text(min_size=1, max_size=50))
def test_what_was_written_is_read(message: str, value: str) -> None:
    try:
        checked = parse_trailer(RUN, value)
    except InvalidInput:
        return
    assert trailer(with_trailers(message or "m", {RUN: checked}), RUN) == checked
