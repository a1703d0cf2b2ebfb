"""Fetching the files of an import: each one verified, each one resumed where it broke off, nothing fetched twice."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from modelkeep.db import blobs
from modelkeep.domain.errors import InvalidInput, TooLarge, Unavailable
from modelkeep.domain.imports import Progress, RemoteFile
from modelkeep.domain.lfs import POINTER_LIMIT, Oid
from modelkeep.domain.objects import NewBlob
from modelkeep.git import blobs as git_blobs
from modelkeep.outbound.hub_client import RemoteRepo
from modelkeep.services.access import RepoAccess
from modelkeep.services.ports import Rules, Stores
from modelkeep.services.writes import Writes

_REPORT_SECONDS = 1.0
_WRITE_BYTES = 1 << 20


class Tally:
    """Counts what is done, and reports it about once a second; safe to use from many threads.

    Args:
        files: How many there are to do.
        size: Their bytes.
        report: Is told how far it is; what it raises ends the work.
    """

    def __init__(self, files: int, size: int, report: Callable[[Progress], None]) -> None:
        self._lock = threading.Lock()
        self._files, self._size = files, size
        self._files_done, self._bytes_done = 0, 0
        self._report = report
        self._reported_at = 0.0

    def add(self, count: int) -> None:
        """Counts bytes; a negative number takes back what turned out to be wrong."""
        with self._lock:
            self._bytes_done += count
        self.tell()

    def file_done(self, more: int = 0) -> None:
        """Counts a file, with the bytes of it that were not counted yet."""
        with self._lock:
            self._files_done += 1
            self._bytes_done += more
        self.tell()

    def tell(self, *, is_last: bool = False) -> None:
        """Reports, if it is time."""
        with self._lock:
            if not is_last and time.monotonic() - self._reported_at < _REPORT_SECONDS:
                return
            self._reported_at = time.monotonic()
            shown = Progress(self._files_done, self._files, self._bytes_done, self._size)
        self._report(shown)


class ImportFetch:
    """Brings files of one commit of a source into the stores.

    Small files become blobs of the repo's Git, which nothing names yet; what goes through LFS becomes an object that
    the repo holds. Both are there once, so that a run that begins anew fetches only the rest.

    Args:
        stores: Where the files go.
        rules: Which of them are too large for Git, and how many are fetched at once.
        writes: Judges small files as it judges those of a commit.
        access: The repo, with whoever asked for the import.
        remote: The source.
        commit: The source's commit.
        import_id: Names partial files, so that they are found again.
        stopping: Set when the hub ends.
    """

    def __init__(
        self,
        stores: Stores,
        rules: Rules,
        writes: Writes,
        access: RepoAccess,
        remote: RemoteRepo,
        commit: str,
        import_id: int,
        stopping: threading.Event,
    ) -> None:
        self._stores = stores
        self._rules = rules
        self._writes = writes
        self._access = access
        self._remote = remote
        self._commit = commit
        self._import_id = import_id
        self._stopping = stopping
        self._halted = threading.Event()
        self._git_dir = stores.repositories.path(access.repo.id)

    def fetch(self, files: Sequence[RemoteFile], report: Callable[[Progress], None]) -> dict[str, Oid]:
        """Fetches files; gives the oid of each one that is an LFS file here.

        Raises:
            ModelkeepError: A file cannot be had, or is not what the source's list says.
        """
        tally = Tally(len(files), sum(file.size for file in files), report)
        tally.tell(is_last=True)
        found: dict[str, Oid] = {}

        def one(same: Sequence[RemoteFile]) -> None:
            if self._halted.is_set():
                return
            try:
                oid = self._one(same[0], tally)
            except BaseException:
                self._halted.set()
                raise
            for number, file in enumerate(same):
                if oid is not None:
                    found[file.path] = oid
                tally.file_done(file.size if number else 0)

        with ThreadPoolExecutor(self._rules.import_streams, "import") as pool:
            waiting = [pool.submit(one, same) for same in _by_content(files)]
            done, pending = wait(waiting, return_when=FIRST_EXCEPTION)
            for future in pending:
                future.cancel()
        for future in done:
            future.result()
        tally.tell(is_last=True)
        return found

    def _one(self, file: RemoteFile, tally: Tally) -> Oid | None:
        if file.lfs_oid is not None:
            return self._object(file, Oid.parse(file.lfs_oid), tally)
        if file.size > self._rules.max_git_file:
            return self._large(file, tally)
        self._small(file, tally)
        return None

    def _small(self, file: RemoteFile, tally: Tally) -> None:
        """A file that Git keeps."""
        if not git_blobs.has_blob(self._git_dir, file.oid):
            content = b"".join(self._whole(file))
            new = NewBlob(file.path, len(content), content if len(content) < POINTER_LIMIT else None)
            self._writes.check_blobs(self._access, [new])
            if git_blobs.write_blob(self._git_dir, content) != file.oid:
                raise _other(file)
        tally.add(file.size)

    def _large(self, file: RemoteFile, tally: Tally) -> Oid:
        """A file that Git keeps at the source, and that is too large for Git here."""
        self._require_size(file)
        writer = self._stores.blobs.begin(None, file.size)
        try:
            for piece in self._whole(file):
                writer.write(piece)
                tally.add(len(piece))
            info = writer.commit()
        except BaseException:
            writer.abort()
            raise
        self._link(info.oid, info.size)
        return Oid(info.oid)

    def _object(self, file: RemoteFile, oid: Oid, tally: Tally) -> Oid:
        """An LFS object. That the hub has it already counts only where this actor could read it."""
        with self._stores.database.read() as tx:
            known = blobs.readable(tx, self._access.actor, self._access.repo.id, [oid]).get(oid)
        if known is not None and known.size == file.size and self._stores.blobs.stat(oid) is not None:
            tally.add(file.size)
            return oid
        self._require_size(file)
        partials, upload_id = self._stores.blobs.partials, self._upload_id(oid, file.size)
        while True:
            partials.open(upload_id, file.size)
            resumed = partials.offset(upload_id)
            tally.add(resumed)
            self._fill(file, upload_id, tally)
            try:
                info = partials.finish(upload_id, oid, file.size)
                break
            except InvalidInput:
                # What was there before may have been damaged by a power failure; what came now was not.
                if not resumed:
                    raise _other(file) from None
                tally.add(-file.size)
        self._link(info.oid, info.size)
        return oid

    def _fill(self, file: RemoteFile, upload_id: str, tally: Tally) -> None:
        """Appends to a partial file until it is whole, over as many connections as that takes."""
        partials = self._stores.blobs.partials
        tries = 0
        while (offset := partials.offset(upload_id)) < file.size:
            failure = _short(file)
            try:
                self._append(file, upload_id, offset, tally)
            except Unavailable as error:
                failure = error
            tries = tries + 1 if partials.offset(upload_id) == offset else 0
            if tries and not self._waits(tries):
                raise failure

    def _append(self, file: RemoteFile, upload_id: str, offset: int, tally: Tally) -> None:
        writer = self._stores.blobs.partials.append(upload_id, offset)
        try:
            with self._remote.open(self._commit, file.path, offset) as pieces:
                for some in _gathered(pieces):
                    self._require_going_on()
                    offset += sum(map(len, some))
                    if offset > file.size:
                        raise _other(file)
                    writer.write_batch(some)
                    tally.add(sum(map(len, some)))
        finally:
            # What was written stays, whatever went wrong.
            writer.abort()

    def _whole(self, file: RemoteFile) -> Iterator[bytes]:
        """All bytes of a file as they come, over several connections if need be.

        Raises:
            InvalidInput: They are not those of the blob's id.
        """
        digest, offset, tries = git_blobs.BlobHash(file.size), 0, 0
        while True:
            before, failure = offset, _short(file)
            try:
                with self._remote.open(self._commit, file.path, offset) as pieces:
                    for piece in pieces:
                        self._require_going_on()
                        offset += len(piece)
                        if offset > file.size:
                            raise _other(file)
                        digest.update(piece)
                        yield piece
            except Unavailable as error:
                failure = error
            if offset == file.size:
                break
            tries = tries + 1 if offset == before else 0
            if tries and not self._waits(tries):
                raise failure
        if digest.id() != file.oid:
            raise _other(file)

    def _waits(self, tries: int) -> bool:
        """Waits before the next request; false where there were enough of them, or the run ends."""
        if tries > len(self._rules.import_pauses) or self._halted.is_set():
            return False
        return not self._stopping.wait(self._rules.import_pauses[tries - 1])

    def _require_going_on(self) -> None:
        if self._stopping.is_set() or self._halted.is_set():
            raise Unavailable("The import breaks off, and goes on later.", code="import_interrupted")

    def _require_size(self, file: RemoteFile) -> None:
        if file.size > self._rules.max_lfs_object:
            raise TooLarge(
                f"'{file.path}' has {file.size} bytes; this hub takes LFS objects of up to "
                f"{self._rules.max_lfs_object}. Leave it out with --exclude.",
                code="file_too_large",
                path=file.path,
                size=file.size,
            )

    def _upload_id(self, oid: Oid, size: int) -> str:
        text = f"import:{self._import_id}:{oid}:{size}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def _link(self, oid: str, size: int) -> None:
        with self._stores.database.write() as tx:
            blobs.record_blob_and_link(
                tx, Oid(oid), size, self._access.repo.id, self._access.actor.user_id, self._stores.now()
            )


def _by_content(files: Sequence[RemoteFile]) -> list[list[RemoteFile]]:
    """Files with the same content together: it is fetched once."""
    found: dict[str, list[RemoteFile]] = {}
    for file in files:
        found.setdefault(file.lfs_oid or file.oid, []).append(file)
    return list(found.values())


def _gathered(pieces: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Pieces in batches of about a megabyte; what came before a connection broke off comes before the error."""
    some: list[bytes] = []
    size = 0
    try:
        for piece in pieces:
            some.append(piece)
            size += len(piece)
            if size >= _WRITE_BYTES:
                yield some
                some, size = [], 0
    except Unavailable:
        if some:
            yield some
        raise
    if some:
        yield some


def _other(file: RemoteFile) -> InvalidInput:
    return InvalidInput(
        f"'{file.path}' is not what the source's own list says: its bytes have another hash or size.",
        code="source_content_differs",
        path=file.path,
    )


def _short(file: RemoteFile) -> Unavailable:
    return Unavailable(
        f"The source does not send '{file.path}' to its end.", code="source_unavailable", path=file.path
    )
