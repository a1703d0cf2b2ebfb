"""Uploads in several requests: appended to (tus) or written in parts (multipart)."""

from __future__ import annotations

import hashlib
import os
import random
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from modelkeep.blobs.local import LocalBlobStore
from modelkeep.blobs.ports import BlobInfo
from modelkeep.blobs.upload_state import contiguous, read_parts
from modelkeep.domain.errors import Conflict, InvalidInput, NotFound

ID = "0123456789abcdef" * 2
OTHER = "f" * 32


def oid_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def files_under(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def append(store: LocalBlobStore, offset: int, data: bytes) -> int:
    writer = store.partials.append(ID, offset)
    writer.write_batch([data])
    return writer.commit()


def write_part(store: LocalBlobStore, number: int, offset: int, data: bytes) -> str:
    writer = store.partials.write_part(ID, number, offset, len(data))
    writer.write_batch([data[: len(data) // 2], data[len(data) // 2 :]])
    return writer.commit().etag


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def store(root: Path) -> LocalBlobStore:
    return LocalBlobStore(root)


@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "restarted"])
def test_appending(root: Path, store: LocalBlobStore, restarts: bool) -> None:
    store.partials.open(ID, 6)
    assert store.partials.offset(ID) == 0
    assert append(store, 0, b"abc") == 3
    if restarts:
        store = LocalBlobStore(root)
    store.partials.open(ID, 6)
    assert store.partials.offset(ID) == 3
    assert append(store, 3, b"def") == 6
    assert store.partials.finish(ID, oid_of(b"abcdef"), 6) == BlobInfo(oid_of(b"abcdef"), 6)
    path = store.path(oid_of(b"abcdef"))
    assert path is not None
    assert path.read_bytes() == b"abcdef"
    assert path.stat().st_mode & 0o222 == 0
    assert len(files_under(root)) == 1
    with pytest.raises(NotFound):
        store.partials.offset(ID)


def test_a_cut_addition_keeps_its_bytes(store: LocalBlobStore) -> None:
    store.partials.open(ID, 6)
    writer = store.partials.append(ID, 0)
    writer.write_batch([b"ab"])
    writer.abort()
    assert store.partials.offset(ID) == 2
    append(store, 2, b"cdef")
    store.partials.finish(ID, oid_of(b"abcdef"), 6)


def test_an_addition_must_start_at_the_offset(store: LocalBlobStore) -> None:
    store.partials.open(ID, 6)
    append(store, 0, b"abc")
    for wrong in (0, 2, 4, -1):
        with pytest.raises(Conflict) as caught:
            store.partials.append(ID, wrong)
        assert caught.value.code == "offset_mismatch"
        assert caught.value.fields["expected"] == 3


def test_one_request_at_a_time_appends(store: LocalBlobStore) -> None:
    store.partials.open(ID, 6)
    writer = store.partials.append(ID, 0)
    with pytest.raises(Conflict) as caught:
        store.partials.append(ID, 0)
    assert caught.value.code == "upload_busy"
    for call in (lambda: store.partials.discard(ID), lambda: store.partials.finish(ID, oid_of(b""), 6)):
        with pytest.raises(Conflict):
            call()
    writer.abort()
    store.partials.append(ID, 0).abort()


def test_an_addition_past_the_end_is_refused(store: LocalBlobStore) -> None:
    store.partials.open(ID, 3)
    writer = store.partials.append(ID, 0)
    with pytest.raises(InvalidInput) as caught:
        writer.write_batch([b"abcd"])
    assert caught.value.code == "size_mismatch"
    writer.abort()
    assert store.partials.offset(ID) == 0


@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "restarted"])
def test_parts_in_any_order(root: Path, store: LocalBlobStore, restarts: bool) -> None:
    data = os.urandom(1_000_003)
    store.partials.open(ID, len(data))
    starts = list(range(0, len(data), 100_000))
    order = list(enumerate(starts, 1))
    random.Random(1).shuffle(order)
    etags = set()
    for count, (number, start) in enumerate(order):
        if restarts and count == 5:
            store = LocalBlobStore(root)
        etags.add(write_part(store, number, start, data[start : start + 100_000]))
    assert len(etags) == len(starts)
    assert [part.number for part in store.partials.parts(ID)] == list(range(1, 12))
    assert store.partials.offset(ID) == len(data)
    if restarts:
        store = LocalBlobStore(root)
    store.partials.finish(ID, oid_of(data), len(data))
    assert store.stat(oid_of(data)) == BlobInfo(oid_of(data), len(data))


def test_parts_in_parallel(store: LocalBlobStore) -> None:
    data = os.urandom(4_000_000)
    store.partials.open(ID, len(data))
    threads = [
        threading.Thread(target=write_part, args=(store, number + 1, start, data[start : start + 250_000]))
        for number, start in enumerate(range(0, len(data), 250_000))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.partials.finish(ID, oid_of(data), len(data))


def test_a_part_sent_again_replaces_the_first(root: Path, store: LocalBlobStore) -> None:
    store.partials.open(ID, 6)
    first = write_part(store, 1, 0, b"xxx")
    write_part(store, 2, 3, b"def")
    assert write_part(store, 1, 0, b"abc") != first
    assert write_part(LocalBlobStore(root), 1, 0, b"abc") == write_part(LocalBlobStore(root), 1, 0, b"abc")
    store.partials.finish(ID, oid_of(b"abcdef"), 6)


def test_a_cut_part_does_not_count(root: Path, store: LocalBlobStore) -> None:
    store.partials.open(ID, 6)
    write_part(store, 1, 0, b"abc")
    writer = store.partials.write_part(ID, 1, 0, 3)
    writer.write_batch([b"x"])
    with pytest.raises(InvalidInput) as caught:
        writer.commit()
    assert caught.value.code == "size_mismatch"
    for each in (store, LocalBlobStore(root)):
        assert each.partials.parts(ID) == ()
        assert each.partials.offset(ID) == 0
    write_part(store, 2, 3, b"def")
    with pytest.raises(InvalidInput) as caught:
        store.partials.finish(ID, oid_of(b"abcdef"), 6)
    assert caught.value.code == "upload_incomplete"
    write_part(store, 1, 0, b"abc")
    store.partials.finish(ID, oid_of(b"abcdef"), 6)


def test_a_part_longer_than_announced_is_refused(store: LocalBlobStore) -> None:
    store.partials.open(ID, 6)
    write_part(store, 2, 3, b"def")
    writer = store.partials.write_part(ID, 1, 0, 3)
    with pytest.raises(InvalidInput):
        writer.write_batch([b"ab", b"cX"])
    writer.abort()
    write_part(store, 1, 0, b"abc")
    store.partials.finish(ID, oid_of(b"abcdef"), 6)


@pytest.mark.parametrize(
    ("number", "offset", "size"),
    [(0, 0, 1), (-1, 0, 1), (100_001, 0, 1), (1, -1, 2), (1, 0, -1), (1, 0, 7), (1, 6, 1), (1, 2**63, 1)],
)
def test_parts_outside_the_upload_are_refused(
    store: LocalBlobStore, number: int, offset: int, size: int
) -> None:
    store.partials.open(ID, 6)
    with pytest.raises(InvalidInput) as caught:
        store.partials.write_part(ID, number, offset, size)
    assert caught.value.code == "invalid_part"


def test_appending_and_parts_do_not_mix(store: LocalBlobStore) -> None:
    store.partials.open(ID, 6)
    append(store, 0, b"a")
    with pytest.raises(Conflict):
        store.partials.write_part(ID, 1, 0, 6)
    store.partials.open(OTHER, 6)
    writer = store.partials.write_part(OTHER, 1, 0, 3)
    writer.write_batch([b"abc"])
    second = store.partials.write_part(OTHER, 2, 3, 3)
    with pytest.raises(Conflict):
        store.partials.write_part(OTHER, 1, 0, 3)
    writer.commit()
    second.abort()
    with pytest.raises(Conflict):
        store.partials.append(OTHER, 3)


@pytest.mark.parametrize(("oid", "size"), [(oid_of(b"abd"), 3), (oid_of(b"abc"), 4)])
def test_a_wrong_upload_is_discarded_at_the_end(
    root: Path, store: LocalBlobStore, oid: str, size: int
) -> None:
    store.partials.open(ID, 3)
    append(store, 0, b"abc")
    with pytest.raises(InvalidInput):
        store.partials.finish(ID, oid, size)
    assert files_under(root) == []
    store.partials.open(ID, 4)
    assert store.partials.offset(ID) == 0


def test_finishing_what_the_store_has_already(root: Path, store: LocalBlobStore) -> None:
    writer = store.begin()
    writer.write(b"abc")
    oid = writer.commit().oid
    store.partials.open(ID, 3)
    append(store, 0, b"abc")
    assert store.partials.finish(ID, oid, 3) == BlobInfo(oid, 3)
    assert len(files_under(root)) == 1


def test_the_empty_upload(store: LocalBlobStore) -> None:
    store.partials.open(ID, 0)
    assert store.partials.finish(ID, oid_of(b""), 0) == BlobInfo(oid_of(b""), 0)


def test_opening_again_with_another_size(store: LocalBlobStore) -> None:
    store.partials.open(ID, 3)
    store.partials.open(ID, 3)
    with pytest.raises(Conflict):
        store.partials.open(ID, 4)
    store.partials.discard(ID)
    store.partials.discard(ID)
    store.partials.open(ID, 4)
    for size in (-1, 2**63):
        with pytest.raises(InvalidInput):
            store.partials.open(OTHER, size)


@pytest.mark.parametrize("upload_id", ["", "a" * 31, "A" * 32, "../" + "a" * 29, "a" * 32 + "\n"])
def test_malformed_ids_are_refused(store: LocalBlobStore, upload_id: str) -> None:
    with pytest.raises(InvalidInput):
        store.partials.open(upload_id, 1)
    with pytest.raises(InvalidInput):
        store.partials.offset(upload_id)


def test_an_unknown_upload(store: LocalBlobStore) -> None:
    for call in (
        lambda: store.partials.offset(ID),
        lambda: store.partials.parts(ID),
        lambda: store.partials.append(ID, 0),
        lambda: store.partials.write_part(ID, 1, 0, 0),
        lambda: store.partials.finish(ID, oid_of(b""), 0),
    ):
        with pytest.raises(NotFound):
            call()


def test_the_sweep_takes_abandoned_uploads_only(root: Path, store: LocalBlobStore) -> None:
    store.partials.open(ID, 3)
    store.partials.open(OTHER, 3)
    writer = store.partials.append(OTHER, 0)
    (root / "uploads" / ("a" * 32)).mkdir()
    assert store.partials.sweep(older_than=3600) == 0
    store.partials.offset(ID)
    assert store.partials.sweep(older_than=0) == 1
    with pytest.raises(NotFound):
        store.partials.offset(ID)
    writer.write_batch([b"abc"])
    writer.commit()
    store.partials.finish(OTHER, oid_of(b"abc"), 3)
    assert list((root / "uploads").iterdir()) == []


def test_a_torn_journal_loses_only_the_last_part(root: Path, store: LocalBlobStore) -> None:
    store.partials.open(ID, 6)
    write_part(store, 1, 0, b"abc")
    write_part(store, 2, 3, b"def")
    journal = root / "uploads" / ID / "parts"
    journal.write_bytes(journal.read_bytes()[:-4])
    store = LocalBlobStore(root)
    assert [part.number for part in store.partials.parts(ID)] == [1]
    write_part(store, 2, 3, b"def")
    store = LocalBlobStore(root)
    assert [part.number for part in store.partials.parts(ID)] == [1, 2]
    store.partials.finish(ID, oid_of(b"abcdef"), 6)


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=300) | st.text("[]0123456789,\"'eabc-\n. ", max_size=300).map(str.encode))
def test_any_journal_can_be_read(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    journal = tmp_path_factory.getbasetemp() / "journal"
    journal.write_bytes(content)
    for number, part in read_parts(journal, 100).items():
        assert part.number == number >= 1
        assert 0 <= part.offset <= part.offset + part.size <= 100
    assert contiguous(read_parts(journal, 100).values()) <= 100


class UploadMachine(RuleBasedStateMachine):
    """Parts written, replaced, cut, restarted, finished early: the blob is right or is not there."""

    content = os.urandom(50)
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.store = LocalBlobStore(self.folder)
        for oid in list(self.store.iter_oids()):
            self.store.delete(oid)
        self.store.partials.discard(ID)
        self.store.partials.open(ID, 50)
        self.right: dict[int, bool] = {}

    @rule(number=st.integers(1, 5), is_right=st.booleans(), is_cut=st.booleans())
    def write(self, number: int, is_right: bool, is_cut: bool) -> None:
        start = (number - 1) * 10
        data = self.content[start : start + 10] if is_right else bytes(10)
        writer = self.store.partials.write_part(ID, number, start, 10)
        self.right.pop(number, None)
        if is_cut:
            writer.write_batch([data[:5]])
            writer.abort()
        else:
            writer.write_batch([data])
            writer.commit()
            self.right[number] = is_right

    @rule()
    def restart(self) -> None:
        self.store = LocalBlobStore(self.folder)

    @rule()
    @precondition(lambda self: len(self.right) < 5)
    def finish_early(self) -> None:
        with pytest.raises(InvalidInput) as caught:
            self.store.partials.finish(ID, oid_of(self.content), 50)
        assert caught.value.code == "upload_incomplete"

    @rule()
    @precondition(lambda self: len(self.right) == 5)
    def finish(self) -> None:
        if all(self.right.values()):
            self.store.partials.finish(ID, oid_of(self.content), 50)
            path = self.store.path(oid_of(self.content))
            assert path is not None
            assert path.read_bytes() == self.content
            self.store.delete(oid_of(self.content))
        else:
            with pytest.raises(InvalidInput) as caught:
                self.store.partials.finish(ID, oid_of(self.content), 50)
            assert caught.value.code == "oid_mismatch"
        self.store.partials.open(ID, 50)
        self.right = {}

    @invariant()
    def parts_are_those_written(self) -> None:
        assert {part.number for part in self.store.partials.parts(ID)} == set(self.right)
        assert list(self.store.iter_oids()) == []


def test_upload_machine(tmp_path: Path) -> None:
    UploadMachine.folder = tmp_path
    case = UploadMachine.TestCase
    case.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
    case("runTest").runTest()
