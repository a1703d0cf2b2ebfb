"""Downloading the files of a repo at a revision: parallel, continued after an interruption, verified."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from modelkeep.sdk.addresses import api_path, split_repo
from modelkeep.sdk.errors import BadAnswer, LocalProblem
from modelkeep.sdk.fetch import Content, fetch
from modelkeep.sdk.folder import TargetFolder, check_paths, is_case_sensitive
from modelkeep.sdk.http import Connection
from modelkeep.sdk.models import Resolution, TreeEntry
from modelkeep.sdk.patterns import is_chosen
from modelkeep.sdk.progress import ProgressCallback, Reporter
from modelkeep.sdk.workers import StopSignal, run_in_threads

_HEX = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class DownloadedFile:
    """A file that is now there, with the hub's bytes.

    Attributes:
        path: Relative to the target folder, with ``/``.
        size: In bytes.
        sha256: Of its content, computed here.
        outcome: ``downloaded``, or ``present`` if the right bytes were there already.
    """

    path: str
    size: int
    sha256: str
    outcome: Literal["downloaded", "present"]


@dataclass(frozen=True, slots=True)
class Download:
    """What a download did.

    Attributes:
        repo: The repo's full name.
        revision: What was asked for; empty for the default branch.
        commit: The commit that it named at the start; all files are of this one.
        artifact: Where the revision named a version or a stage: of which artifact.
        version: Which version, if it named one.
        stage: Which stage, if it named one.
        folder: Where the files are.
        files: Sorted by path.
        skipped: Paths of symbolic links and submodules, which are not written.
    """

    repo: str
    revision: str
    commit: str
    artifact: str | None
    version: str | None
    stage: str | None
    folder: str
    files: tuple[DownloadedFile, ...]
    skipped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Job:
    """One content and all the paths that it goes to."""

    content: Content
    paths: tuple[str, ...]


def download(
    connection: Connection,
    repo: str,
    resolution: Resolution,
    folder: Path,
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    workers: int = 8,
    progress: ProgressCallback | None = None,
) -> Download:
    """Downloads what ``resolution`` names; see :meth:`modelkeep.sdk.repo.RepoHandle.download`."""
    commit = resolution.commit.id
    entries = list_tree(connection, repo, commit, "")
    chosen = [
        entry for entry in entries if entry.kind != "directory" and is_chosen(entry.path, include, exclude)
    ]
    wanted = [entry for entry in chosen if entry.kind == "file"]
    if not wanted and (include or exclude):
        raise LocalProblem(f"No file of {repo} matches the patterns given.")
    reporter = Reporter(progress)
    with TargetFolder(folder) as target:
        check_paths([entry.path for entry in wanted], is_case_sensitive=is_case_sensitive(folder))
        jobs = _plan(wanted)
        for job in jobs:
            for path in job.paths:
                reporter.tell(path, "download", "planned", 0, job.content.size)

        def work(job: _Job, stop: StopSignal) -> list[DownloadedFile]:
            return _run(connection, repo, commit, target, job, reporter, stop)

        done = run_in_threads(work, jobs, workers)
    return Download(
        repo=repo,
        revision=resolution.revision,
        commit=commit,
        artifact=resolution.artifact,
        version=resolution.version,
        stage=resolution.stage,
        folder=str(folder),
        files=tuple(sorted((file for files in done for file in files), key=lambda file: file.path)),
        skipped=tuple(sorted(entry.path for entry in chosen if entry.kind != "file")),
    )


def list_tree(
    connection: Connection, repo: str, revision: str, path: str, *, is_recursive: bool = True
) -> list[TreeEntry]:
    """The entries of the folder ``path`` (empty: the top) at a revision; those below too if recursive."""
    place = api_path("repos", *split_repo(repo), "tree", revision, *(path.split("/") if path else ()))
    return [TreeEntry.read(record) for record in connection.pages(place, {"recursive": is_recursive})]


def _plan(entries: Sequence[TreeEntry]) -> list[_Job]:
    """Groups files of equal content, so that each content comes over the wire once; the largest first."""
    groups: dict[Content, list[str]] = {}
    for entry in entries:
        if entry.size is None or entry.size < 0 or not _HEX.fullmatch(entry.lfs_oid or entry.id):
            raise BadAnswer(f"The hub lists {entry.path[:200]!r} without a proper size and id.")
        content = Content(entry.lfs_oid or entry.id, entry.size, is_lfs=entry.lfs_oid is not None)
        groups.setdefault(content, []).append(entry.path)
    jobs = [_Job(content, tuple(paths)) for content, paths in groups.items()]
    return sorted(jobs, key=lambda job: job.content.size, reverse=True)


def _run(
    connection: Connection,
    repo: str,
    commit: str,
    target: TargetFolder,
    job: _Job,
    reporter: Reporter,
    stop: StopSignal,
) -> list[DownloadedFile]:
    """Brings one content to all its paths; those that have it already are left alone."""
    content, done, missing, sha256 = job.content, [], [], ""
    for path in job.paths:
        digests = target.digest(path, content.size, lambda _: stop.check())
        if digests is not None and content.is_named_by(digests):
            sha256 = digests.sha256
            reporter.tell(path, "download", "present", content.size, content.size)
            done.append(DownloadedFile(path, content.size, sha256, "present"))
        else:
            missing.append(path)
    if not missing:
        return done
    sha256 = fetch(
        connection,
        _file_url(connection, repo, commit, missing[0]),
        target,
        content,
        each=_teller(reporter, missing[0], content.size),
        stop=stop,
    )
    target.place_part(content.id, missing)
    for path in missing:
        reporter.tell(path, "download", "done", content.size, content.size)
        done.append(DownloadedFile(path, content.size, sha256, "downloaded"))
    return done


def _file_url(connection: Connection, repo: str, commit: str, path: str) -> str:
    return connection.url + api_path("repos", *split_repo(repo), "files", commit, *path.split("/"))


def _teller(reporter: Reporter, path: str, size: int) -> Callable[[int], None]:
    return lambda position: reporter.tell(path, "download", "moving", position, size)
