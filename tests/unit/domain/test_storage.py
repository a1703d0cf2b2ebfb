"""Stored bytes are those of the different chunks, whatever the files that share them and their order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.storage import Span, Stock, StoredFile

spans = st.builds(
    lambda xorb, first, length: Span(xorb, first, first + length),
    st.sampled_from("abc"),
    st.integers(0, 40),
    st.integers(1, 20),
)
contents = st.lists(st.lists(spans, min_size=1, max_size=6), max_size=8)


def _length(xorb: str, chunk: int) -> int:
    return 1 + (ord(xorb) * 31 + chunk * 7) % 11


def _measure(xorb: str, first: int, stop: int) -> int:
    return sum(_length(xorb, chunk) for chunk in range(first, stop))


@given(contents)
def test_added_bytes_are_those_of_new_chunks(found: list[list[Span]]) -> None:
    stock = Stock(_measure)
    here: set[tuple[str, int]] = set()
    for number, some in enumerate(found):
        chunks = {(span.xorb, chunk) for span in some for chunk in range(span.first, span.stop)}
        expected = sum(_length(*chunk) for chunk in chunks - here)
        assert stock.add([StoredFile(str(number), 1000, tuple(some))]) == expected
        here |= chunks


def test_a_file_counts_once() -> None:
    stock = Stock(_measure)
    whole = StoredFile("a", 10)
    assert stock.add([whole, whole, StoredFile("b", 5)]) == 15
    assert stock.add([whole]) == 0


def test_runs_are_measured_as_they_lie() -> None:
    asked: list[tuple[int, int]] = []

    def measure(_xorb: str, first: int, stop: int) -> int:
        asked.append((first, stop))
        return stop - first

    stock = Stock(measure)
    stock.add([StoredFile("a", 0, (Span("x", 2, 4), Span("x", 6, 7)))])
    asked.clear()
    assert stock.add([StoredFile("b", 0, (Span("x", 0, 9),))]) == 6
    assert asked == [(0, 2), (4, 6), (7, 9)]
