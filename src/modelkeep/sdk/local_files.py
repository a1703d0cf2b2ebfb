"""Which local files an upload takes, and reading them while being sure that they do not change."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from modelkeep.sdk.digests import CHUNK
from modelkeep.sdk.errors import LocalProblem
from modelkeep.sdk.folder import PARTS_FOLDER
from modelkeep.sdk.patterns import is_chosen

_PASSED_OVER = frozenset({".git", PARTS_FOLDER})


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file to upload.

    Attributes:
        path: Where it goes in the repo, with ``/``.
        source: Where it is.
        size: In bytes, when it was listed.
        changed: Its modification time in nanoseconds, when it was listed.
    """

    path: str
    source: Path
    size: int
    changed: int

    @contextmanager
    def opened(self) -> Iterator[int]:
        """Opens it for reading and gives the descriptor.

        Raises:
            LocalProblem: It cannot be read, or is no longer what was listed.
        """
        try:
            descriptor = os.open(self.source, os.O_RDONLY)
        except OSError as error:
            raise LocalProblem(f"{self.source}: {error.strerror}.") from error
        try:
            self.check(descriptor)
            yield descriptor
        finally:
            os.close(descriptor)

    def check(self, descriptor: int) -> None:
        """Raises :class:`LocalProblem` if the open file has changed since it was listed."""
        now = os.fstat(descriptor)
        if (now.st_size, now.st_mtime_ns) != (self.size, self.changed):
            raise LocalProblem(
                f"{self.source} changed while it was uploaded. Upload again when it is complete."
            )

    def chunks(self, descriptor: int, start: int, each: Callable[[int], None]) -> Iterator[bytes]:
        """The content from byte ``start`` on; ``each`` gets the position after a chunk and may raise to stop.

        Raises:
            LocalProblem: The file became shorter, or has changed by its end.
        """
        os.lseek(descriptor, start, os.SEEK_SET)
        position = start
        while position < self.size:
            chunk = os.read(descriptor, min(CHUNK, self.size - position))
            if not chunk:
                self.check(descriptor)
                raise LocalProblem(f"{self.source} became shorter while it was uploaded.")
            position += len(chunk)
            if position == self.size:
                self.check(descriptor)
            yield chunk
            each(position)


def list_files(
    source: Path, to: str, include: Sequence[str], exclude: Sequence[str], *, follows_links: bool
) -> list[LocalFile]:
    """Lists what to upload, in the order of the paths in the repo.

    Args:
        source: A file, or a folder whose files are taken with their relative paths; ``.git`` folders are left
            out.
        to: For a folder, the folder in the repo to put it in; for a file, its path in the repo, or, ending
            with a slash, the folder to put it in. Empty for the repo's top.
        include: Patterns of paths relative to ``source``.
        exclude: The same.
        follows_links: Whether symbolic links to files stand for the files; otherwise they are an error,
            because a link can lead to something that was never meant to be shared.

    Raises:
        LocalProblem: There is nothing to upload, a name is not UTF-8, or a link is in the way.
    """
    prefix = to.strip("/")
    if source.is_dir():
        found = [
            (f"{prefix}/{relative}" if prefix else relative, path)
            for relative, path in _walk(source, source, follows_links)
            if is_chosen(relative, include, exclude)
        ]
    elif source.is_file():
        is_folder = not prefix or to.endswith("/")
        found = [("/".join(filter(None, (prefix, source.name))) if is_folder else prefix, source)]
    else:
        raise LocalProblem(f"{source}: there is no such file or folder.")
    if not found:
        raise LocalProblem(f"{source}: there is no file to upload.")
    return sorted((_local_file(path, place) for path, place in found), key=lambda file: file.path)


def _walk(top: Path, folder: Path, follows_links: bool) -> Iterator[tuple[str, Path]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise LocalProblem(f"{folder}: {error.strerror}.") from error
    for entry in entries:
        path = folder / entry.name
        if entry.name in _PASSED_OVER:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(top, path, follows_links)
        elif entry.is_symlink() and not (follows_links and path.is_file()):
            advice = (
                "links to folders are not followed"
                if follows_links
                else "use --follow-links to upload what it names"
            )
            raise LocalProblem(f"{path} is a symbolic link; {advice}, or leave it out with --exclude.")
        else:
            yield path.relative_to(top).as_posix(), path


def _local_file(path: str, source: Path) -> LocalFile:
    try:
        path.encode("utf-8")
        status = source.stat()
    except UnicodeEncodeError:
        raise LocalProblem(f"{os.fsencode(source)!r}: the name is not UTF-8; rename the file.") from None
    except OSError as error:
        raise LocalProblem(f"{source}: {error.strerror}.") from error
    if not stat.S_ISREG(status.st_mode):
        raise LocalProblem(f"{source} is not a regular file; leave it out with --exclude.")
    return LocalFile(path, source, status.st_size, status.st_mtime_ns)
