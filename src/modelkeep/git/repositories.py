"""The bare repositories on disk: a directory per repo, named by the repo's immutable id, never by what a user typed."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from modelkeep.domain.errors import AlreadyExists, InvalidInput, NotFound, Unavailable
from modelkeep.git import process
from modelkeep.git.refs import is_valid_name

_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)

STALE_SECONDS = 3600
"""Left-over files of a crash are removed when they are older than this; a running Git's are younger."""

LOCK_SECONDS = 2.0
"""How long a lock file must have been left alone to count as a dead writer's."""

# Reasons for each line: Git's documentation of these settings. What must hold whatever stands here is forced again on
# every command line (process.py, transport.py).
_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
\tlogAllRefUpdates = false
\tfsync = committed,reference,pack-metadata
\tprotectHFS = true
\tprotectNTFS = true
\thooksPath = /dev/null
[http]
\treceivepack = true
\tgetanyfile = false
[transfer]
\tfsckObjects = true
\tunpackLimit = 1
\thideRefs = refs/internal
[receive]
\tunpackLimit = 1
\tadvertisePushOptions = true
\tautogc = false
\tshallowUpdate = false
\tdenyDeleteCurrent = refuse
[receive "fsck"]
\tbadTimezone = ignore
\tmissingSpaceBeforeDate = ignore
\tzeroPaddedFilemode = ignore
[uploadpack]
\tallowFilter = true
[uploadpackfilter]
\tallow = false
[uploadpackfilter "blob:none"]
\tallow = true
[uploadpackfilter "blob:limit"]
\tallow = true
[uploadpackfilter "tree"]
\tallow = true
\tmaxDepth = 1
[gc]
\tauto = 0
[maintenance]
\tauto = false
[repack]
\twriteBitmaps = true
[pack]
\twriteBitmapLookupTable = true
"""


class Repositories:
    """The directory that holds all repositories, as ``root/ab/<id>.git`` where ``ab`` starts the id.

    Args:
        root: An absolute path; made where it is missing.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._trash = root / "trash"
        self._incoming = root / "incoming"
        for directory in (root, self._trash, self._incoming):
            directory.mkdir(mode=0o750, parents=True, exist_ok=True)

    def path(self, repo_id: str) -> Path:
        """Where the repository is, or would be.

        Raises:
            InvalidInput: The id is not 32 lower-case hexadecimal characters (a UUID).
        """
        if not _ID.fullmatch(repo_id):
            raise InvalidInput(
                "The id of a repo is 32 lower-case hexadecimal characters.", code="invalid_repo_id"
            )
        return self.root / repo_id[:2] / f"{repo_id}.git"

    def exists(self, repo_id: str) -> bool:
        """Whether the repository is on disk."""
        return (self.path(repo_id) / "HEAD").is_file()

    def create(self, repo_id: str, default_branch: str) -> None:
        """Makes an empty repository; it appears whole or not at all, and is on disk when this returns.

        Raises:
            AlreadyExists: There is one of this id.
            InvalidInput: The id or the branch name is wrong.
        """
        target = self.path(repo_id)
        head = f"ref: {_branch_ref(default_branch)}\n"
        building = Path(tempfile.mkdtemp(prefix=f"{repo_id}.", dir=self._incoming))
        try:
            building.chmod(0o750)
            for name in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "info"):
                (building / name).mkdir(mode=0o750, parents=True)
            _write_durably(building / "config", _CONFIG.encode())
            _write_durably(building / "HEAD", head.encode())
            target.parent.mkdir(mode=0o750, exist_ok=True)
            if target.exists():
                raise AlreadyExists("A repository of this id exists already.", code="repository_exists")
            try:
                building.rename(target)
            except OSError as error:
                raise AlreadyExists(
                    "A repository of this id exists already.", code="repository_exists"
                ) from error
            _sync_directory(target.parent)
            _sync_directory(self.root)
        finally:
            shutil.rmtree(building, ignore_errors=True)

    def delete(self, repo_id: str) -> None:
        """Removes a repository: away from its place at once, then from the disk. One that is not there is no error."""
        gone = self._trash / f"{repo_id}.{uuid.uuid4().hex}"
        with contextlib.suppress(FileNotFoundError):
            self.path(repo_id).rename(gone)
            _sync_directory(gone.parent)
        shutil.rmtree(gone, ignore_errors=True)

    def ids(self) -> Iterator[str]:
        """The ids of all repositories, in no order."""
        for shard in sorted(self.root.iterdir()):
            if len(shard.name) == 2 and shard.is_dir():
                for entry in os.scandir(shard):
                    repo_id, dot, suffix = entry.name.partition(".")
                    if (dot, suffix) == (".", "git") and _ID.fullmatch(repo_id):
                        yield repo_id

    def set_default_branch(self, repo_id: str, branch: str) -> None:
        """Points ``HEAD`` to a branch, which need not exist yet.

        Raises:
            InvalidInput: It is no name of a branch.
            NotFound: There is no such repository.
        """
        ref = _branch_ref(branch)
        if not self.exists(repo_id):
            raise NotFound("The repo has no Git data.", code="git_data_missing")
        process.run(["symbolic-ref", "HEAD", ref], git_dir=self.path(repo_id))

    def size_bytes(self, repo_id: str) -> int:
        """The space of the repository's files on disk (without LFS objects); 0 where there is none."""
        total = 0
        for directory, _, files in os.walk(self.path(repo_id)):
            for name in files:
                with contextlib.suppress(FileNotFoundError):
                    total += os.lstat(os.path.join(directory, name)).st_size
        return total

    def check(self) -> None:
        """Proves for a readiness probe that git runs and that the disk can be written.

        Raises:
            Unavailable: One of them fails.
        """
        process.version()
        try:
            with tempfile.NamedTemporaryFile(dir=self._incoming, prefix="check.") as probe:
                probe.write(b"x")
                probe.flush()
        except OSError as error:
            raise Unavailable(
                "The disk that holds the Git data cannot be written.", code="git_disk"
            ) from error

    def break_locks(self, patience: float = LOCK_SECONDS) -> int:
        """Removes Git's lock files that nobody has touched for ``patience`` seconds; returns how many.

        They keep every writer of a ref out. For a server that starts: what may still hold one is a Git that outlived
        the server before, and that finishes or gives up at once. Waits only where there are lock files.
        """
        found = {path: _status(path) for repo_id in self.ids() for path in _lock_files(self.path(repo_id))}
        found = {path: status for path, status in found.items() if status is not None}
        if not found:
            return 0
        time.sleep(patience)
        dead = [path for path, status in found.items() if _status(path) == status]
        for path in dead:
            path.unlink(missing_ok=True)
        return len(dead)

    def sweep(self, older_than: float = STALE_SECONDS) -> int:
        """Removes what crashes left behind; returns how many files and directories that were.

        Half-made and half-deleted repositories, quarantines of dead pushes, lock and temporary files. Nothing younger
        than ``older_than`` seconds is touched: a Git that outlived the server may still be at work.
        """
        limit = time.time() - older_than
        removed = sum(
            _remove_old(path, limit) for top in (self._trash, self._incoming) for path in top.iterdir()
        )
        for repo_id in self.ids():
            removed += sum(_remove_old(path, limit) for path in _leftovers(self.path(repo_id)))
        return removed


def _status(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def read_default_branch(git_dir: Path) -> str | None:
    """The branch that ``HEAD`` names, without ``refs/heads/``; None where ``HEAD`` is something else."""
    try:
        text = (git_dir / "HEAD").read_text("utf-8", "backslashreplace").strip()
    except OSError as error:
        raise Unavailable("The Git data of this repo cannot be opened.", code="git_data_missing") from error
    prefix = "ref: refs/heads/"
    return text[len(prefix) :] if text.startswith(prefix) else None


def _branch_ref(branch: str) -> str:
    ref = f"refs/heads/{branch}"
    if not is_valid_name(ref):
        raise InvalidInput(f"{branch[:100]!a} cannot name a branch.", code="invalid_ref_name")
    return ref


def _lock_files(git_dir: Path) -> Iterator[Path]:
    for name in ("HEAD.lock", "config.lock", "packed-refs.lock"):
        yield git_dir / name
    for directory, _, files in os.walk(git_dir / "refs"):
        yield from (Path(directory, name) for name in files if name.endswith(".lock"))


def _leftovers(git_dir: Path) -> Iterator[Path]:
    yield from _lock_files(git_dir)
    yield git_dir / "packed-refs.new"
    objects = git_dir / "objects"
    for pattern in ("tmp_objdir-*", "incoming-*", "pack/tmp_*", "pack/.tmp-*", "??/tmp_obj_*", "??/*_git2_*"):
        yield from objects.glob(pattern)


def _remove_old(path: Path, limit: float) -> bool:
    try:
        if _newest(path) > limit:
            return False
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
    except FileNotFoundError:
        return False
    return True


def _newest(path: Path) -> float:
    """When the file, or anything in the directory, was last changed: a push that is still running writes in its own."""
    newest = path.lstat().st_mtime
    for directory, directories, files in os.walk(path):
        for name in (*directories, *files):
            with contextlib.suppress(FileNotFoundError):
                newest = max(newest, os.lstat(os.path.join(directory, name)).st_mtime)
    return newest


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
