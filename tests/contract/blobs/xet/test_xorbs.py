"""Xorbs: what comes is checked to the last bit, what is stored can be read from any chunk on."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tracemalloc
from pathlib import Path

import lz4.frame
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelkeep.blobs.xet.hashes import XetHash, chunk_hash, of_bytes, parse_hash, to_bytes
from modelkeep.blobs.xet.merkle import xorb_hash
from modelkeep.blobs.xet.xorb_check import XorbCheck
from modelkeep.blobs.xet.xorb_format import MAX_CHUNK_BYTES, MAX_CHUNKS, MAX_DATA_BYTES
from modelkeep.blobs.xet.xorb_index import XorbIndex, format_footer
from modelkeep.blobs.xet.xorbs import XorbStore
from modelkeep.domain.errors import InvalidInput, ModelkeepError, NotFound, TooLarge, Unavailable
from tests.support.xorbs import GROUPED, LZ4, PLAIN, frame, nodes_of, pack, pack_chunk, some_chunks

CHUNKS = some_chunks(1, 40)
NAME, DATA = pack(CHUNKS)


@pytest.fixture
def store(tmp_path: Path) -> XorbStore:
    return XorbStore(tmp_path / "xorbs")


def check(data: bytes, name: XetHash = NAME, step: int | None = None) -> XorbIndex:
    checked = XorbCheck(name)
    for at in range(0, len(data), step or max(len(data), 1)):
        checked.take(data[at : at + (step or len(data))])
    return checked.finish()


def put(store: XorbStore, name: XetHash = NAME, data: bytes = DATA) -> XorbIndex:
    writer = store.begin(name)
    writer.write(data)
    return writer.commit()[0]


def files_under(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


@given(st.binary(min_size=32, max_size=32))
def test_text_and_bytes_of_a_hash(raw: bytes) -> None:
    text = of_bytes(raw)
    assert parse_hash(text) == text
    assert to_bytes(text) == raw
    assert text == "".join(raw[at : at + 8][::-1].hex() for at in (0, 8, 16, 24))


@pytest.mark.parametrize("text", ["", "a" * 63, "A" * 64, "a" * 65, "a" * 64 + "\n", "\u0660" * 64, None, 7])
def test_malformed_hashes_are_refused(text: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_hash(text)
    assert caught.value.code == "invalid_hash"


@pytest.mark.parametrize("name", ["../" + "a" * 61, "a" * 63])
def test_a_name_is_never_a_path(store: XorbStore, name: str) -> None:
    for call in (
        store.index,
        store.path,
        store.open_packed,
        store.touch,
        store.age,
        store.delete,
        store.begin,
    ):
        with pytest.raises(InvalidInput):
            call(XetHash(name))


@pytest.mark.parametrize("scheme", [PLAIN, LZ4, GROUPED])
@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 7, 8191, MAX_CHUNK_BYTES])
def test_each_scheme_unpacks_what_was_packed(store: XorbStore, scheme: int, length: int) -> None:
    chunk = random.Random(length).randbytes(length)
    name, data = pack([chunk, chunk[::-1]], scheme)
    index = put(store, name, data)
    assert list(store.read_chunks(name, 0, 2)) == [chunk, chunk[::-1]]
    assert index.chunks() == nodes_of([chunk, chunk[::-1]])


@settings(max_examples=60, deadline=None)
@given(step=st.integers(1, len(DATA) + 1))
def test_pieces_of_any_size_give_the_same_index(step: int) -> None:
    index = check(DATA, step=step)
    assert index == check(DATA)
    assert index.hash == NAME
    assert index.chunks() == nodes_of(CHUNKS)
    assert (index.packed_size, index.unpacked_size) == (len(DATA), sum(map(len, CHUNKS)))


def test_a_committed_xorb_is_there_after_a_restart(store: XorbStore, tmp_path: Path) -> None:
    writer = store.begin(NAME)
    writer.write_batch([DATA[:100], DATA[100:]])
    assert store.index(NAME) is None
    index, is_new = writer.commit()
    assert is_new
    again = XorbStore(tmp_path / "xorbs")
    assert again.index(NAME) == index
    assert list(again.iter_hashes()) == [NAME]
    with again.open_packed(NAME) as reader:
        assert reader.read() == DATA
    with again.open_packed(NAME, 10, 10**9) as reader:
        assert reader.read() == DATA[10:]
    path = again.path(NAME)
    assert path is not None
    assert path.read_bytes() == DATA + format_footer(index)
    assert path.stat().st_mode & 0o222 == 0


def test_a_second_upload_is_checked_and_not_stored(store: XorbStore, tmp_path: Path) -> None:
    put(store)
    os.utime(store.path(NAME) or "", (0, 0))
    writer = store.begin(NAME)
    age = store.age(NAME)
    assert age is not None
    assert age < 1000  # being sent again, it is of use
    writer.write(DATA)
    assert len(files_under(tmp_path)) == 1
    assert writer.commit()[1] is False
    writer = store.begin(NAME)
    writer.write(DATA[:-1])
    with pytest.raises(InvalidInput):
        writer.commit()
    assert store.index(NAME) is not None


@pytest.mark.parametrize("keep", [0, 100, -1])
def test_a_second_upload_replaces_a_damaged_xorb(store: XorbStore, keep: int) -> None:
    put(store)
    path = store.path(NAME)
    assert path is not None
    os.truncate(path, keep if keep >= 0 else path.stat().st_size + keep)
    with pytest.raises(Unavailable):
        store.index(NAME)
    with pytest.raises(InvalidInput):
        put(store, data=DATA[:-1])
    with pytest.raises(Unavailable):
        store.index(NAME)
    put(store)
    assert list(store.read_chunks(NAME, 0, len(CHUNKS))) == CHUNKS


def test_another_process_puts_it_here_packed_in_another_way(store: XorbStore, tmp_path: Path) -> None:
    put(store)
    assert list(store.read_chunks(NAME, 0, len(CHUNKS))) == CHUNKS
    other = XorbStore(tmp_path / "xorbs")
    assert other.delete(NAME)
    put(other, data=pack(CHUNKS, PLAIN)[1])
    assert store.index(NAME) == other.index(NAME)
    assert list(store.read_chunks(NAME, 0, len(CHUNKS))) == CHUNKS


def test_two_uploads_at_once_both_succeed(store: XorbStore) -> None:
    first, second = store.begin(NAME), store.begin(NAME)
    first.write(DATA)
    second.write(DATA)
    assert (first.commit()[1], second.commit()[1]) == (True, False)


@settings(max_examples=200, deadline=None)
@given(cut=st.integers(0, len(DATA) - 1))
def test_a_cut_xorb_is_refused(cut: int) -> None:
    with pytest.raises(InvalidInput):
        check(DATA[:cut])


@settings(max_examples=200, deadline=None)
@given(extra=st.binary(min_size=1, max_size=300))
def test_a_longer_xorb_is_refused(extra: bytes) -> None:
    with pytest.raises(InvalidInput):
        check(DATA + extra)


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, len(DATA) * 8 - 1))
def test_a_flipped_bit_changes_nothing_or_is_refused(at: int) -> None:
    damaged = bytearray(DATA)
    damaged[at // 8] ^= 1 << at % 8
    try:
        index = check(bytes(damaged))
    except InvalidInput:
        return
    # Some bits of an LZ4 frame mean nothing, and a scheme may unpack a chunk in the same way as another one.
    assert index.chunks() == nodes_of(CHUNKS)


@settings(max_examples=300, deadline=None)
@given(data=st.binary(max_size=400))
def test_any_bytes_are_refused_in_words(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        check(data)


@settings(max_examples=200, deadline=None)
@given(
    packed=st.binary(max_size=60),
    scheme=st.integers(0, 5),
    length=st.integers(0, (1 << 24) - 1) | st.integers(0, 80),
    version=st.sampled_from([0, 0, 0, 1, 88]),
)
def test_any_header_is_refused_or_right(packed: bytes, scheme: int, length: int, version: int) -> None:
    data = frame(packed, scheme, length, version)
    try:
        index = check(data, of_bytes(chunk_hash(packed)))
    except InvalidInput:
        return
    assert (scheme, version) == (PLAIN, 0)
    assert index.chunks() == [(chunk_hash(packed), len(packed))]


def test_a_xorb_under_another_name_is_refused(store: XorbStore, tmp_path: Path) -> None:
    writer = store.begin(XetHash("0" * 64))
    writer.write(DATA)
    with pytest.raises(InvalidInput) as caught:
        writer.commit()
    assert caught.value.code == "xorb_mismatch"
    assert files_under(tmp_path) == []


@pytest.mark.parametrize("scheme", [LZ4, GROUPED])
def test_a_bomb_does_not_expand(scheme: int) -> None:
    for announced in (1, 1000, MAX_CHUNK_BYTES):
        for with_size in (False, True):
            bomb = lz4.frame.compress(bytes(8 << 20), store_size=with_size)
            tracemalloc.start()
            try:
                with pytest.raises(InvalidInput) as caught:
                    check(frame(bomb, scheme, announced))
                assert tracemalloc.get_traced_memory()[1] < 2 << 20
            finally:
                tracemalloc.stop()
            assert caught.value.code == "invalid_xorb"


def test_a_frame_that_claims_terabytes_is_refused() -> None:
    honest = bytearray(lz4.frame.compress(b"abc" * 100, store_size=True))
    honest[6:14] = (1 << 42).to_bytes(8, "little")
    with pytest.raises(InvalidInput):
        check(frame(bytes(honest), LZ4, 300))


@pytest.mark.parametrize("scheme", [LZ4, GROUPED])
def test_a_frame_with_a_dictionary_is_refused(scheme: int) -> None:
    # Magic, flags (a dictionary's number follows), block size, the number, the head's checksum, one raw block, the end.
    head = bytes.fromhex("04224d18 61 40 4d000000") + b"\xe5"
    packed = head + (3 | 1 << 31).to_bytes(4, "little") + b"abc" + bytes(4)
    check = XorbCheck(xorb_hash(nodes_of([b"abc"])))
    with pytest.raises(InvalidInput, match="dictionary"):
        check.take(frame(packed, scheme, 3))


def test_counts_and_sizes_have_limits() -> None:
    chunk = pack_chunk(b"x")
    most = [b"x"] * MAX_CHUNKS
    assert check(chunk * MAX_CHUNKS, xorb_hash(nodes_of(most))).count == MAX_CHUNKS
    with pytest.raises(TooLarge):
        check(chunk * (MAX_CHUNKS + 1))
    checked = XorbCheck(NAME)
    large = pack_chunk(bytes(MAX_CHUNK_BYTES))
    for _ in range(MAX_DATA_BYTES // MAX_CHUNK_BYTES):
        checked.take(large)
    with pytest.raises(TooLarge):
        checked.take(large)
    with pytest.raises(InvalidInput):
        check(frame(bytes(MAX_CHUNK_BYTES + 1), PLAIN, MAX_CHUNK_BYTES + 1))
    with pytest.raises(InvalidInput):
        check(b"")


def test_a_footer_is_accepted_and_not_kept(store: XorbStore) -> None:
    footer = format_footer(check(DATA))
    index = put(store, NAME, DATA + footer)
    assert index == check(DATA)
    with store.open_packed(NAME) as reader:
        assert reader.read() == DATA


@settings(max_examples=100, deadline=None)
@given(cut=st.integers(1, 1700), extra=st.binary(max_size=50), flip=st.integers(0, 45))
def test_a_damaged_footer_is_refused(cut: int, extra: bytes, flip: int) -> None:
    footer = format_footer(check(DATA))
    with pytest.raises(InvalidInput):
        check(DATA + footer[: max(len(footer) - cut, 1)])
    if extra:
        with pytest.raises(InvalidInput):
            check(DATA + footer + extra)
    flipped = bytearray(footer)
    at = flip if flip < 7 else (8 + flip - 7 if flip < 39 else len(footer) - 1 - flip % 4)
    flipped[at] ^= 1
    with pytest.raises(InvalidInput):
        check(DATA + bytes(flipped))


def test_an_endless_footer_is_refused() -> None:
    checked = XorbCheck(NAME)
    checked.take(DATA)
    for _ in range(5):
        checked.take(b"XETBLOB" + bytes(1 << 16))
    with pytest.raises(InvalidInput):
        checked.take(b"XETBLOB" + bytes(1 << 16))


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 10**6), bit=st.integers(0, 7), cut=st.none() | st.integers(0, 10**6))
def test_a_stored_xorb_that_decays_is_never_read_as_another(
    tmp_path_factory: pytest.TempPathFactory, at: int, bit: int, cut: int | None
) -> None:
    root = tmp_path_factory.mktemp("decay")
    put(XorbStore(root))
    store = XorbStore(root)
    path = store.path(NAME)
    assert path is not None
    data = bytearray(path.read_bytes())
    data[at % len(data)] ^= 1 << bit
    path.unlink()
    path.write_bytes(data if cut is None else data[: cut % len(data)])
    try:
        index = store.index(NAME)
        assert index is not None
        got = list(store.read_chunks(NAME, 0, index.count))
    except Unavailable as error:
        fault = error
    else:
        # Bits of the content itself are found by whoever hashes it; lengths always hold.
        assert [len(chunk) for chunk in got] == [len(chunk) for chunk in CHUNKS]
        assert index == check(DATA)
        return
    assert fault.code == "blob_damaged"
    assert str(root) not in fault.message


@settings(max_examples=60, deadline=None)
@given(first=st.integers(0, 41), stop=st.integers(0, 41))
def test_chunks_of_any_range(tmp_path_factory: pytest.TempPathFactory, first: int, stop: int) -> None:
    store = XorbStore(tmp_path_factory.getbasetemp() / "ranges-of-chunks")
    put(store)
    if first <= stop <= len(CHUNKS):
        assert list(store.read_chunks(NAME, first, stop)) == CHUNKS[first:stop]
    else:
        with pytest.raises(InvalidInput):
            list(store.read_chunks(NAME, first, stop))


def test_what_is_not_there(store: XorbStore) -> None:
    assert (store.index(NAME), store.path(NAME), store.age(NAME), store.delete(NAME)) == (
        None,
        None,
        None,
        False,
    )
    store.touch(NAME)
    for call in (lambda: store.open_packed(NAME), lambda: list(store.read_chunks(NAME, 0, 1))):
        with pytest.raises(NotFound):
            call()
    put(store)
    assert store.delete(NAME)
    assert store.index(NAME) is None  # although it was known


def test_an_upload_killed_midway_is_swept(store: XorbStore, tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from modelkeep.blobs.xet.xorbs import XorbStore\n"
        "writer = XorbStore(Path(sys.argv[1])).begin('0' * 64)\n"
        "writer.write(bytes([0, 1, 0, 0, 0, 1, 0, 0, 7]))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    source = Path(__file__).parents[4] / "src"
    environment = os.environ | {"PYTHONPATH": str(source)}
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "xorbs")], env=environment)
    assert done.returncode == -9
    living = store.begin(NAME)
    living.write(DATA)
    assert store.sweep_temporary(older_than=3600) == 0
    assert store.sweep_temporary() == 1
    living.commit()
    assert list(store.iter_hashes()) == [NAME]


def test_aborted_and_failed_uploads_leave_nothing(store: XorbStore, tmp_path: Path) -> None:
    writer = store.begin(NAME)
    writer.write(DATA[:50])
    writer.abort()
    writer.abort()
    with pytest.raises(ValueError, match="closed"):
        writer.write(b"x")
    broken = store.begin(NAME)
    with pytest.raises(ModelkeepError):
        broken.write(b"garbage that is no xorb")
    broken.abort()
    assert files_under(tmp_path) == []
