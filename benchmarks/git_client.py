"""Git and git-lfs as a user has them, with a configuration of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.measure import timed

_SECONDS = 1800


class GitClient:
    """Runs git below a folder. A token travels in the environment, not in arguments or URLs."""

    def __init__(self, folder: Path, tokens: Mapping[str, str] | None = None) -> None:
        self._home = folder / "home"
        self._home.mkdir(parents=True, exist_ok=True)
        configuration = [
            ("user.name", "Bench"),
            ("user.email", "bench@example.com"),
            ("init.defaultBranch", "main"),
            ("gc.auto", "0"),
            ("advice.detachedHead", "false"),
            *(
                (f"http.{url}/.extraHeader", f"Authorization: Bearer {token}")
                for url, token in (tokens or {}).items()
            ),
        ]
        self.environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._home),
            "GIT_CONFIG_GLOBAL": str(self._home / ".gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_COUNT": str(len(configuration)),
        }
        for number, (key, value) in enumerate(configuration):
            self.environment[f"GIT_CONFIG_KEY_{number}"] = key
            self.environment[f"GIT_CONFIG_VALUE_{number}"] = value
        self.run(self._home, "lfs", "install", "--skip-repo")

    def run(self, where: Path, *arguments: str, stdin: bytes | None = None) -> str:
        """What git says.

        Raises:
            RuntimeError: It failed; the message has its output.
        """
        done = subprocess.run(
            ["git", *arguments],
            check=False,
            cwd=where,
            env=self.environment,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=_SECONDS,
        )
        if done.returncode:
            said = (done.stdout + done.stderr).decode(errors="replace")
            raise RuntimeError(f"git {' '.join(arguments)} ended with {done.returncode}:\n{said}")
        return done.stdout.decode(errors="replace")

    def timed(self, where: Path, *arguments: str, settle: bool = True) -> float:
        """How many seconds it took."""
        with timed(settle=settle) as watch:
            self.run(where, *arguments)
        return watch.seconds

    def timed_clone(self, url: str, target: Path, *, settle: bool = True) -> float:
        """Seconds to clone and check out; the clone is removed."""
        try:
            return self.timed(target.parent, "clone", "--quiet", url, str(target), settle=settle)
        finally:
            shutil.rmtree(target, ignore_errors=True)

    def new_repo(self, path: Path, tracked: Iterable[str] = ()) -> Path:
        """An empty repo with a work tree, these patterns in LFS."""
        path.mkdir(parents=True)
        self.run(path, "init", "--quiet")
        for pattern in tracked:
            self.run(path, "lfs", "track", pattern)
        return path

    def commit_all(self, repo: Path, message: str = "More") -> None:
        self.run(repo, "add", "--all")
        self.run(repo, "commit", "--quiet", "--message", message)
