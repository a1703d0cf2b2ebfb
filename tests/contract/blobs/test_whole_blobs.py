"""Whole blobs: what every store of `modelkeep.blobs.ports` promises, on the local one."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelkeep.blobs.local import LocalBlobStore, is_hashing_fast
from modelkeep.blobs.ports import BlobInfo
from modelkeep.domain.errors import InvalidInput, NotFound, Unavailable


def oid_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def put(store: LocalBlobStore, data: bytes) -> str:
    writer = store.begin(oid_of(data), len(data))
    writer.write(data)
    return writer.commit().oid


def files_under(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def store(root: Path) -> LocalBlobStore:
    return LocalBlobStore(root)


def test_a_committed_blob_is_found_by_its_oid(store: LocalBlobStore, root: Path) -> None:
    data = b"weights"
    oid = put(store, data)
    assert store.stat(oid) == BlobInfo(oid, 7)
    path = store.path(oid)
    assert path == root / "sha256" / oid[:2] / oid
    assert path.read_bytes() == data
    assert path.stat().st_mode & 0o222 == 0
    assert list(store.iter_oids()) == [oid]


def test_opening_a_store_makes_the_folders_that_are_missing(store: LocalBlobStore, root: Path) -> None:
    oid = put(store, b"weights")
    folders = {path.name for path in (root / "sha256").iterdir()}
    assert folders == {f"{number:02x}" for number in range(256)}
    (root / "sha256" / ("00" if oid[:2] != "00" else "01")).rmdir()
    again = LocalBlobStore(root)
    assert {path.name for path in (root / "sha256").iterdir()} == folders
    assert list(again.iter_oids()) == [oid]


def test_the_empty_blob_is_a_blob(store: LocalBlobStore) -> None:
    oid = put(store, b"")
    assert store.stat(oid) == BlobInfo(oid, 0)
    with store.open_range(oid) as reader:
        assert reader.read() == b""


def test_an_upload_needs_no_announcement(store: LocalBlobStore) -> None:
    writer = store.begin()
    writer.write_batch([b"a", b"", b"bc"])
    assert writer.commit() == BlobInfo(oid_of(b"abc"), 3)


def test_nothing_is_visible_before_the_commit(store: LocalBlobStore) -> None:
    oid = oid_of(b"abc")
    writer = store.begin(oid, 3)
    writer.write(b"abc")
    assert store.stat(oid) is None
    assert store.path(oid) is None
    assert list(store.iter_oids()) == []
    writer.commit()
    assert store.stat(oid) is not None


@pytest.mark.parametrize(
    ("announced", "size", "sent", "code"),
    [
        (b"abc", 3, b"abd", "oid_mismatch"),
        (b"abc", 3, b"ab", "size_mismatch"),
        (b"abc", 3, b"abcd", "size_mismatch"),
        (b"abc", 2, b"abc", "size_mismatch"),
        (b"abc", 4, b"abc", "size_mismatch"),
        (b"", 0, b"a", "size_mismatch"),
    ],
)
@pytest.mark.parametrize("exists", [False, True], ids=["new", "existing"])
def test_a_wrong_upload_is_refused_and_leaves_nothing(
    store: LocalBlobStore, root: Path, announced: bytes, size: int, sent: bytes, code: str, exists: bool
) -> None:
    if exists:
        put(store, announced)
    before = files_under(root)
    writer = store.begin(oid_of(announced), size)

    def upload() -> None:
        try:
            writer.write(sent)
            writer.commit()
        finally:
            writer.abort()

    with pytest.raises(InvalidInput) as caught:
        upload()
    assert caught.value.code == code
    assert files_under(root) == before


def test_an_aborted_upload_leaves_nothing(store: LocalBlobStore, root: Path) -> None:
    writer = store.begin(oid_of(b"abc"), 3)
    writer.write(b"ab")
    writer.abort()
    writer.abort()
    assert files_under(root) == []
    with pytest.raises(ValueError, match="closed"):
        writer.write(b"c")
    with pytest.raises(ValueError, match="closed"):
        writer.commit()


def test_abort_after_commit_keeps_the_blob(store: LocalBlobStore) -> None:
    writer = store.begin()
    writer.write(b"abc")
    oid = writer.commit().oid
    writer.abort()
    assert store.stat(oid) is not None


def test_two_uploads_of_one_blob_both_succeed(store: LocalBlobStore, root: Path) -> None:
    oid = oid_of(b"abc")
    first, second = store.begin(oid, 3), store.begin(oid, 3)
    for writer in (first, second):
        writer.write(b"abc")
    assert first.commit() == second.commit() == BlobInfo(oid, 3)
    third = store.begin(oid, 3)
    third.write(b"abc")
    assert third.commit() == BlobInfo(oid, 3)
    assert len(files_under(root)) == 1


def test_an_upload_of_an_existing_blob_writes_no_file(store: LocalBlobStore, root: Path) -> None:
    oid = put(store, b"abc")
    before = files_under(root)
    writer = store.begin(oid, 3)
    writer.write(b"abc")
    assert files_under(root) == before
    writer.commit()


def test_a_blob_removed_while_only_checked_is_not_claimed(store: LocalBlobStore) -> None:
    oid = put(store, b"abc")
    writer = store.begin(oid, 3)
    writer.write(b"abc")
    assert store.delete(oid)
    with pytest.raises(Unavailable) as caught:
        writer.commit()
    assert caught.value.code == "blob_removed"


def test_concurrent_uploads_of_one_blob(store: LocalBlobStore, root: Path) -> None:
    data = os.urandom(300_000)
    found: list[str] = []

    def upload() -> None:
        writer = store.begin(oid_of(data), len(data))
        for start in range(0, len(data), 10_000):
            writer.write(data[start : start + 10_000])
        found.append(writer.commit().oid)

    threads = [threading.Thread(target=upload) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [oid_of(data)] * 8
    assert len(files_under(root)) == 1


def test_delete(store: LocalBlobStore) -> None:
    oid = put(store, b"abc")
    reader = store.open_range(oid)
    assert store.delete(oid)
    assert not store.delete(oid)
    assert store.stat(oid) is None
    assert reader.read() == b"abc"
    reader.close()
    with pytest.raises(NotFound):
        store.open_range(oid)


@pytest.mark.parametrize(
    "oid", ["", "a" * 63, "A" * 64, "a" * 64 + "\n", "../" + "a" * 61, "a/" * 32, "\u0660" * 64]
)
def test_malformed_oids_are_refused(store: LocalBlobStore, oid: str) -> None:
    for call in (store.stat, store.path, store.open_range, store.delete, store.begin):
        with pytest.raises(InvalidInput):
            call(oid)


@settings(max_examples=60, deadline=None)
@given(
    data=st.binary(max_size=5000),
    start=st.integers(-10, 6000),
    stop=st.none() | st.integers(-10, 6000),
    limit=st.integers(1, 2000),
)
def test_a_range_reads_like_a_slice(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, start: int, stop: int | None, limit: int
) -> None:
    store = LocalBlobStore(tmp_path_factory.getbasetemp() / "ranges")
    oid = put(store, data)
    got = b""
    with store.open_range(oid, start, stop) as reader:
        while chunk := reader.read(limit):
            assert len(chunk) <= limit
            got += chunk
    assert got == data[max(start, 0) : len(data) if stop is None else max(stop, 0)]
    with pytest.raises(ValueError, match="closed"):
        reader.read()


@settings(max_examples=40, deadline=None)
@given(chunks=st.lists(st.binary(max_size=300), max_size=1200))
def test_chunks_arrive_in_order(tmp_path_factory: pytest.TempPathFactory, chunks: list[bytes]) -> None:
    store = LocalBlobStore(tmp_path_factory.getbasetemp() / "chunks")
    writer = store.begin()
    writer.write_batch(chunks)
    oid = writer.commit().oid
    path = store.path(oid)
    assert path is not None
    assert path.read_bytes() == b"".join(chunks)
    assert oid == oid_of(b"".join(chunks))


def test_enumeration_passes_over_other_files(store: LocalBlobStore, root: Path) -> None:
    oids = sorted(put(store, bytes([number])) for number in range(20))
    folder = root / "sha256" / oids[0][:2]
    (folder / "notes.txt").write_text("x")
    (folder / ("0" * 64 if not oids[0].startswith("00") else "f" * 64)).write_text("in the wrong shard")
    (root / "sha256" / "lost+found").mkdir()
    assert list(store.iter_oids()) == oids


def test_the_sweep_spares_uploads_under_way_and_young_files(store: LocalBlobStore, root: Path) -> None:
    writer = store.begin()
    writer.write(b"abc")
    (root / "tmp" / "left-behind").write_bytes(b"x")
    assert store.sweep_temporary(older_than=3600) == 0
    assert store.sweep_temporary() == 1
    assert len(files_under(root)) == 1
    writer.commit()


def test_an_upload_killed_midway_is_swept_at_the_next_start(root: Path) -> None:
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from modelkeep.blobs.local import LocalBlobStore\n"
        "writer = LocalBlobStore(Path(sys.argv[1])).begin()\n"
        "writer.write(bytes(20_000_000))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(root)], env=os.environ | {"PYTHONPATH": _source()}
    )
    assert done.returncode == -9
    store = LocalBlobStore(root)
    assert [name.split("/")[0] for name in files_under(root)] == ["tmp"]
    assert list(store.iter_oids()) == []
    assert store.sweep_temporary() == 1
    assert files_under(root) == []


def test_check_reports_a_store_that_cannot_be_written(store: LocalBlobStore, root: Path) -> None:
    store.check()
    assert files_under(root) == []
    (root / "tmp").rmdir()
    with pytest.raises(Unavailable) as caught:
        store.check()
    assert str(root) not in caught.value.message
    with pytest.raises(Unavailable):
        store.begin()


def test_hashing_is_fast_here() -> None:
    assert is_hashing_fast()


def _source() -> str:
    import modelkeep

    return str(Path(modelkeep.__file__).parents[1])
