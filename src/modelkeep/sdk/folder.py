"""The folder that a download writes to: nothing is ever written outside it, and no file is ever half there.

Every step below the folder is taken relative to an open directory and never through a symbolic link, so that
neither a hostile path in a repo nor a link placed in the folder, before or meanwhile, can lead a write
elsewhere.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from modelkeep.sdk.digests import CHUNK, Digests, digest_open_file
from modelkeep.sdk.errors import LocalProblem, UnsafePath

PARTS_FOLDER = ".modelkeep-download"
"""Holds what has arrived of files that are not complete; removed when it is empty."""

_MAX_PATH = 4096
_KEPT_OUT = frozenset({".git", "git~1", PARTS_FOLDER})
_OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class TargetFolder:
    """An existing or new folder, locked against a second download while it is open. Use it with ``with``.

    Args:
        place: The folder. It may itself be a link, since the user named it.
    """

    def __init__(self, place: Path) -> None:
        try:
            place.mkdir(parents=True, exist_ok=True)
            self._top = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise LocalProblem(f"{place}: {error.strerror}.") from error
        self.place = place
        try:
            _lock(self._top, place)
            with suppress(FileExistsError):
                os.mkdir(PARTS_FOLDER, dir_fd=self._top)
            self._parts = self._enter(self._top, PARTS_FOLDER, PARTS_FOLDER)
        except BaseException:
            os.close(self._top)
            raise

    def __enter__(self) -> TargetFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            os.rmdir(PARTS_FOLDER, dir_fd=self._top)
        os.close(self._parts)
        os.close(self._top)

    def free_bytes(self) -> int:
        """Bytes that the file system has left for this user."""
        status = os.fstatvfs(self._top)
        return status.f_bavail * status.f_frsize

    def part_size(self, name: str) -> int:
        """Bytes of a part that an interrupted download left; 0 without one."""
        try:
            return os.stat(f"{name}.part", dir_fd=self._parts, follow_symlinks=False).st_size
        except OSError:
            return 0

    @contextmanager
    def open_part(self, name: str) -> Iterator[int]:
        """Opens, or makes, the part called ``name`` for reading and writing; gives the descriptor."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(f"{name}.part", flags, 0o666, dir_fd=self._parts)
        except OSError as error:
            raise LocalProblem(f"{self.place / PARTS_FOLDER}: {error.strerror}.") from error
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
                raise UnsafePath(f"{self.place / PARTS_FOLDER / name}.part is not a plain file; delete it.")
            yield descriptor
        finally:
            os.close(descriptor)

    def discard_part(self, name: str) -> None:
        """Deletes a part, if there is one."""
        with suppress(FileNotFoundError):
            os.unlink(f"{name}.part", dir_fd=self._parts)

    def digest(self, path: str, size: int, each: Callable[[int], None]) -> Digests | None:
        """Hashes the file at ``path`` if it is a plain file of this size; None where it is anything else."""
        with self._folder_of(path, is_made=False) as (folder, name):
            if folder is None:
                return None
            try:
                descriptor = os.open(
                    name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder
                )
            except OSError:
                return None
            try:
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode) or status.st_size != size:
                    return None
                return digest_open_file(descriptor, size, with_blob_id=True, each=each)
            finally:
                os.close(descriptor)

    def place_part(self, name: str, paths: Sequence[str]) -> None:
        """Moves a complete part to ``paths[0]`` and copies of it to the others, each in one step.

        Raises:
            UnsafePath: A folder on the way is a link.
            LocalProblem: A folder stands where the file belongs, or the disk is full.
        """
        for path in paths[1:]:
            copy = f"{name}.copy"
            with self.open_part(name) as source, self.open_part(copy) as target:
                os.ftruncate(target, 0)
                while chunk := os.read(source, CHUNK):
                    write_all(target, chunk)
            self._move(copy, path)
        self._move(name, paths[0])

    def _move(self, name: str, path: str) -> None:
        with self._folder_of(path, is_made=True) as (folder, last):
            if folder is None:
                raise LocalProblem(f"{self.place / path}: its folder is gone.")
            try:
                os.replace(f"{name}.part", last, src_dir_fd=self._parts, dst_dir_fd=folder)
            except OSError as error:
                raise LocalProblem(f"{self.place / path}: {error.strerror}.") from error

    @contextmanager
    def _folder_of(self, path: str, *, is_made: bool) -> Iterator[tuple[int | None, str]]:
        """Opens the folder that ``path`` lies in; None where it is not there and is not to be made."""
        *folders, last = path.split("/")
        current: int | None = os.dup(self._top)
        try:
            for folder in folders:
                if current is None:
                    break
                if is_made:
                    with suppress(FileExistsError):
                        os.mkdir(folder, dir_fd=current)
                following = self._enter(current, folder, path) if is_made else _enter_or_none(current, folder)
                os.close(current)
                current = following
            yield current, last
        finally:
            if current is not None:
                os.close(current)

    def _enter(self, folder: int, name: str, path: str) -> int:
        try:
            return os.open(name, _OPEN_FOLDER, dir_fd=folder)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                raise UnsafePath(
                    f"{self.place / path}: {name!r} is a link or a file here, where the repo has a folder. "
                    "Nothing is written through it; move it away, or choose another folder."
                ) from error
            raise LocalProblem(f"{self.place / path}: {error.strerror}.") from error


def check_paths(paths: Sequence[str], *, is_case_sensitive: bool) -> None:
    """Refuses paths that a hub should never send, and ones that would overwrite each other.

    Args:
        paths: Of all files to write.
        is_case_sensitive: Whether the target's file system keeps names apart that differ in case only.

    Raises:
        UnsafePath: A path is absolute, empty, too long, not Unicode, has a part like ``..`` or ``.git`` or a
            NUL, is both a file and a folder, or equals another one on this file system.
    """
    seen: dict[str, str] = {}
    folders: set[str] = set()
    for path in paths:
        if not _is_writable(path):
            raise UnsafePath(f"The repo has a file named {path[:200]!r}, which is not written to a disk.")
        key = path if is_case_sensitive else unicodedata.normalize("NFC", path).casefold()
        if key in seen:
            raise UnsafePath(
                f"The repo has {seen[key][:200]!r} and {path[:200]!r}, which are the same file on this disk. "
                "Leave one out with --exclude."
            )
        seen[key] = path
        folders.update(key[:end] for end, sign in enumerate(key) if sign == "/")
    clash = next((seen[key] for key in folders if key in seen), None)
    if clash is not None:
        raise UnsafePath(f"{clash[:200]!r} would have to be both a file and a folder on this disk.")


def is_case_sensitive(place: Path) -> bool:
    """Whether the file system of a folder keeps ``a`` and ``A`` apart; tried with the parts folder."""
    return not (place / PARTS_FOLDER.upper()).exists()


def write_all(descriptor: int, chunk: bytes) -> None:
    """Writes all of ``chunk``.

    Raises:
        LocalProblem: The disk is full, or fails.
    """
    view = memoryview(chunk)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError as error:
        raise LocalProblem(f"Writing the file failed: {error.strerror}.") from error


def _is_writable(path: str) -> bool:
    try:
        size = len(path.encode("utf-8"))
    except UnicodeEncodeError:
        return False
    if size > _MAX_PATH or "\0" in path:
        return False
    return not any(part in ("", ".", "..") or part.casefold() in _KEPT_OUT for part in path.split("/"))


def _enter_or_none(folder: int, name: str) -> int | None:
    try:
        return os.open(name, _OPEN_FOLDER, dir_fd=folder)
    except OSError:
        return None


def _lock(descriptor: int, place: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise LocalProblem(
            f"Another download is writing to {place}. Wait for it, or choose another folder."
        ) from None
    except OSError:
        return  # file systems without locks (some NFS): two downloads there are the user's to avoid
