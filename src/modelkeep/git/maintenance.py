"""Checks and repacks a repository; both may run while it is read and pushed to."""

from __future__ import annotations

from pathlib import Path

from modelkeep.git import process

_HOUR = 3600.0


def fsck(git_dir: Path, timeout: float = _HOUR) -> list[str]:
    """What is wrong with the repository, a line each as Git says it; [] if nothing is.

    Raises:
        Unavailable: It took longer than ``timeout`` seconds.
    """
    done = process.attempt(
        ["fsck", "--full", "--no-dangling", "--no-progress"], git_dir=git_dir, timeout=timeout
    )
    lines = [
        line for text in (done.output.decode("utf-8", "replace"), done.errors) for line in text.splitlines()
    ]
    problems = [line for line in lines if line.strip() and not line.startswith("notice:")]
    return problems or ([f"git fsck ended with {done.code}"] if done.code else [])


def repack(git_dir: Path, timeout: float = _HOUR) -> None:
    """Joins small packs so that their number stays logarithmic, packs refs, and writes what makes clones fast.

    No object is dropped, reachable or not.

    Raises:
        Unavailable: Git failed or took longer than ``timeout`` seconds for one of the steps.
    """
    for args in (
        ["repack", "-d", "-l", "-q", "--geometric=2", "--write-midx", "--write-bitmap-index"],
        ["pack-refs", "--all"],
        ["commit-graph", "write", "--reachable", "--no-progress"],
    ):
        process.run(args, git_dir=git_dir, timeout=timeout)
