"""The hash of a file from chunks one after another is that of the whole tree."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from modelkeep.blobs.xet.file_hasher import FileHasher
from modelkeep.blobs.xet.merkle import file_hash

_HASH = st.binary(min_size=8, max_size=8).map(lambda part: part * 4)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(_HASH, st.integers(1, 131_072)), max_size=200), st.integers(1, 9))
def test_it_is_the_trees(chunks: list[tuple[bytes, int]], times: int) -> None:
    hasher = FileHasher()
    for raw, length in chunks * times:
        hasher.add(raw, length)
    assert hasher.digest() == file_hash(chunks * times)
    assert hasher.size == times * sum(length for _, length in chunks)
