"""Shards: what a client sends is read within limits, what the hub answers is a shard to a client."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelkeep.blobs.store import BlobStore
from modelkeep.blobs.xet.dedup_shard import build_dedup_shard
from modelkeep.blobs.xet.hashes import keyed_hash, of_bytes, to_bytes
from modelkeep.blobs.xet.recipes import Term
from modelkeep.blobs.xet.shard_format import (
    BOOKEND,
    FOOTER_BYTES,
    HEADER,
    MAX_RECORDS,
    MAX_SHARD_BYTES,
    RECORD,
    RECORD_BYTES,
    SHARD_TAG,
    Shard,
    parse_shard,
)
from modelkeep.blobs.xet.xorb_index import XorbIndex
from modelkeep.domain.errors import InvalidInput, TooLarge
from tests.support.xorbs import put_xorb, some_chunks

VERIFICATION, SHA256 = 1 << 31, 1 << 30
HEAD = HEADER.pack(SHARD_TAG, 2, 0)
KEY = bytes(range(1, 33))


def record(start: bytes, *numbers: int) -> bytes:
    return RECORD.pack(start, *(numbers + (0,) * 4)[:4])


def a_shard() -> bytes:
    files = (
        record(b"\1" * 32, VERIFICATION | SHA256, 2),
        record(b"\2" * 32, 0, 100, 3, 5),
        record(b"\3" * 32, 0, 50, 0, 1),
        record(b"\4" * 32),
        record(b"\5" * 32),
        record(b"\6" * 32),
        record(bytes(32), 0, 0),
    )
    xorbs = (record(b"\2" * 32, 0, 1, 9, 9), record(b"\7" * 32, 0, 9))
    return b"".join((HEAD, *files, BOOKEND, *xorbs, BOOKEND))


def said(shard: Shard) -> object:
    files = [
        (file.file_hash, file.sha256, list(file.terms), list(file.verification), file.size, file.term_count)
        for file in shard.files
    ]
    return files, [(xorb.hash, list(xorb.chunks)) for xorb in shard.xorbs]


def test_a_shard_says() -> None:
    shard = parse_shard(a_shard())
    first, second = shard.files
    assert first.file_hash == of_bytes(b"\1" * 32)
    assert list(first.terms) == [Term(of_bytes(b"\2" * 32), 3, 5, 100), Term(of_bytes(b"\3" * 32), 0, 1, 50)]
    assert list(first.verification) == [b"\4" * 32, b"\5" * 32]
    assert (first.verification[-1], first.verification[0:1]) == (b"\5" * 32, [b"\4" * 32])
    assert first.sha256 == of_bytes(b"\6" * 32)
    assert (first.size, first.term_count, shard.file_bytes) == (150, 2, 150)
    assert (second.sha256, list(second.terms), list(second.verification)) == (None, [], [])
    assert list(shard.xorbs[0].chunks) == [(b"\7" * 32, 9)]
    with pytest.raises(IndexError):
        first.verification[2]


def test_a_footer_is_read_over() -> None:
    with_footer = HEADER.pack(SHARD_TAG, 2, FOOTER_BYTES) + a_shard()[HEADER.size :]
    footer = struct.pack("<Q", 1) + bytes(FOOTER_BYTES - 8)
    # Clients of 2025 announce a footer that they leave out.
    for end in (footer, bytes(52) + footer, b""):
        assert said(parse_shard(with_footer + end)) == said(parse_shard(a_shard()))
    for wrong in (footer[:-1], b"\0", b"\2" + footer[1:]):
        with pytest.raises(InvalidInput):
            parse_shard(with_footer + wrong)


@settings(max_examples=200, deadline=None)
@given(cut=st.integers(0, len(a_shard()) - 1))
def test_a_cut_shard_is_refused(cut: int) -> None:
    with pytest.raises(InvalidInput):
        parse_shard(a_shard()[:cut])


@given(extra=st.binary(min_size=1, max_size=300))
def test_a_longer_shard_is_refused(extra: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse_shard(a_shard() + extra)


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, len(a_shard()) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_read(at: int, bit: int) -> None:
    damaged = bytearray(a_shard())
    damaged[at] ^= 1 << bit
    try:
        said(parse_shard(bytes(damaged)))
    except InvalidInput as error:
        fault = error
    else:
        return
    assert fault.code == "invalid_shard"


@settings(max_examples=300, deadline=None)
@given(
    records=st.lists(
        st.tuples(
            st.sampled_from([b"\1" * 32, b"\2" * 32, b"\xff" * 32]),
            st.sampled_from([0, 1, VERIFICATION, SHA256, VERIFICATION | SHA256]),
            st.integers(0, 3) | st.integers(0, 2**32 - 1),
        ),
        max_size=12,
    ),
    footer=st.sampled_from([0, 0, 200, 2**64 - 1]),
    tail=st.binary(max_size=60),
)
def test_any_records_are_refused_or_read(
    records: list[tuple[bytes, int, int]], footer: int, tail: bytes
) -> None:
    parts = [BOOKEND if raw[0] == 255 else record(raw, flags, count) for raw, flags, count in records]
    data = HEADER.pack(SHARD_TAG, 2, footer) + b"".join(parts) + tail
    try:
        shard = parse_shard(data)
    except InvalidInput:
        return
    said(shard)
    assert len(shard.files) + len(shard.xorbs) <= len(records)


@pytest.mark.parametrize("flags", [0, VERIFICATION, VERIFICATION | SHA256])
@pytest.mark.parametrize("count", [2**32 - 1, 2**31, 10**6])
def test_giant_counts_cost_nothing(flags: int, count: int) -> None:
    tracemalloc.start()
    try:
        for data in (
            HEAD + record(b"\1" * 32, flags, count) + BOOKEND * 8,
            HEAD + BOOKEND + record(b"\1" * 32, 0, count) + BOOKEND * 8,
        ):
            with pytest.raises(InvalidInput):
                parse_shard(data)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_large_shard_is_held_once() -> None:
    count = 100_000
    data = HEAD + record(b"\1" * 32, 0, count) + record(b"\2" * 32, 0, 7, 0, 1) * count + BOOKEND * 2
    tracemalloc.start()
    try:
        shard = parse_shard(data)
        assert shard.file_bytes == 7 * count
        assert sum(term.length for term in shard.files[0].terms) == 7 * count
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_limits_and_versions() -> None:
    with pytest.raises(TooLarge) as caught:
        parse_shard(bytes(MAX_SHARD_BYTES + 1))
    assert caught.value.code == "shard_too_large"
    for head in (HEADER.pack(SHARD_TAG, 3, 0), HEADER.pack(b"x" * 32, 2, 0), HEADER.pack(SHARD_TAG, 2, 100)):
        with pytest.raises(InvalidInput):
            parse_shard(head + a_shard()[HEADER.size :])
    with pytest.raises(InvalidInput):
        parse_shard(HEAD + BOOKEND[:-1] + b"\1" + BOOKEND)


@pytest.fixture(scope="module")
def xorbs(tmp_path_factory: pytest.TempPathFactory) -> list[XorbIndex]:
    store = BlobStore.open(tmp_path_factory.mktemp("blobs"))
    return [put_xorb(store, some_chunks(seed, 5 + seed)) for seed in range(6)]


def test_an_answer_can_be_looked_up_as_a_client_does(xorbs: list[XorbIndex], tmp_path: Path) -> None:
    data = build_dedup_shard(xorbs, KEY, 1000, 2000)
    footer = struct.unpack("<9Q32sQQ48xQQQQ", data[-FOOTER_BYTES:])
    version, files_at, xorbs_at, _, no_files, table_at, table, chunks_at, chunk_count = footer[:9]
    assert (version, files_at, no_files, table, footer[9:12]) == (1, 48, 0, 6, (KEY, 1000, 2000))
    assert footer[12:] == (
        sum(index.packed_size for index in xorbs),
        0,
        sum(index.unpacked_size for index in xorbs),
        len(data) - FOOTER_BYTES,
    )
    places = list(struct.iter_unpack("<QI", data[table_at : table_at + 12 * table]))
    chunk_places = list(struct.iter_unpack("<QII", data[chunks_at : chunks_at + 16 * chunk_count]))
    assert places == sorted(places)
    assert chunk_places == sorted(chunk_places)
    assert chunk_count == sum(index.count for index in xorbs)
    for index in xorbs:
        at = dict(places)[int.from_bytes(to_bytes(index.hash)[:8], "little")]
        head = RECORD.unpack_from(data, xorbs_at + RECORD_BYTES * at)
        assert head == (to_bytes(index.hash), 0, index.count, index.unpacked_size, index.packed_size)
        for number in range(index.count):
            keyed = keyed_hash(index.chunk_hash(number), KEY)
            assert (int.from_bytes(keyed[:8], "little"), at, number) in chunk_places
            found = RECORD.unpack_from(data, xorbs_at + RECORD_BYTES * (at + 1 + number))
            start, stop = index.unpacked_range(number, number + 1)
            assert found == (keyed, start, stop - start, 0, 0)


def test_an_answer_names_no_chunk(xorbs: list[XorbIndex]) -> None:
    data = build_dedup_shard(xorbs, KEY, 1000, 2000)
    assert not any(index.chunk_hash(number) in data for index in xorbs for number in range(index.count))
    shard = parse_shard(data)
    assert {xorb.hash for xorb in shard.xorbs} == {index.hash for index in xorbs}
    assert shard.files == ()
    for key in (bytes(32), b"short"):
        with pytest.raises(ValueError, match="key"):
            build_dedup_shard(xorbs, key, 0, 1)


def test_the_number_of_files_and_xorbs_has_a_limit() -> None:
    """An empty file is one record in a shard, and an object in memory."""
    empty, xorb = record(bytes(32)), record(b"\2" * 32, 0, 1, 9, 9) + record(b"\7" * 32, 0, 9)
    most = parse_shard(HEAD + empty * MAX_RECORDS + BOOKEND + xorb * MAX_RECORDS + BOOKEND)
    assert (len(most.files), len(most.xorbs)) == (MAX_RECORDS, MAX_RECORDS)
    for data in (
        HEAD + empty * (MAX_RECORDS + 1) + BOOKEND * 2,
        HEAD + BOOKEND + xorb * (MAX_RECORDS + 1) + BOOKEND,
    ):
        with pytest.raises(TooLarge, match="several shards"):
            parse_shard(data)


def test_a_xorb_without_chunks_is_none() -> None:
    with pytest.raises(InvalidInput, match="0 chunks"):
        parse_shard(HEAD + BOOKEND + record(b"\2" * 32) + BOOKEND)
