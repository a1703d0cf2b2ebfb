"""The real git, as a user runs it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


class Git:
    """Runs git with an empty configuration and a fixed identity."""

    def __init__(self, home: Path) -> None:
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C.UTF-8",
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.org",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.org",
        }

    def try_(self, *args: str | Path, cwd: Path | None = None, input: bytes = b"", **env: str) -> Result:
        done = subprocess.run(
            ["git", *map(str, args)],
            cwd=cwd,
            input=input,
            env={**self.env, **env},
            capture_output=True,
            timeout=120,
        )
        return Result(
            done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        )

    def __call__(self, *args: str | Path, cwd: Path | None = None, input: bytes = b"", **env: str) -> str:
        done = self.try_(*args, cwd=cwd, input=input, **env)
        assert done.code == 0, done.err
        return done.out.rstrip("\n")

    def work_tree(self, directory: Path, files: dict[str, bytes | str] | None = None) -> Path:
        """A new repository with one commit on ``main``."""
        self("init", "-q", "-b", "main", directory)
        self.commit(directory, files or {"README.md": "# A model\n"})
        return directory

    def commit(self, directory: Path, files: dict[str, bytes | str], message: str = "Change") -> str:
        for name, content in files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self("add", "-A", cwd=directory)
        self("commit", "-q", "--allow-empty", "-m", message, cwd=directory)
        return self("rev-parse", "HEAD", cwd=directory)
