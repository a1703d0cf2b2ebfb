"""A user's machine: the real git and git-lfs, with a home, a configuration and a credential store of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

Files = Mapping[str, bytes | str]


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str


class Git:
    """Runs git as one user.

    Args:
        home: The user's home; made if missing.
        token: What the credential helper answers with, under any user name; None for a machine without credentials.
    """

    def __init__(self, home: Path, token: str | None = None) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        self.config = home / ".gitconfig"
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "GIT_CONFIG_GLOBAL": str(self.config),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "/bin/false",
            "GIT_LFS_SKIP_DOWNLOAD_ERRORS": "0",
            "LC_ALL": "C.UTF-8",
        }
        self.config.write_text(_CONFIG)
        if token is not None:
            self.log_in(token)

    def log_in(self, secret: str, username: str = "token") -> None:
        """Makes the credential helper answer with this."""
        store = self.home / "helper"
        store.write_text(
            f'#!/bin/sh\n[ "$1" = get ] && printf "username={username}\\npassword={secret}\\n"\n:\n'
        )
        store.chmod(0o700)
        self("config", "--global", "credential.helper", f"!{store}")

    def attempt(
        self,
        *args: str | Path,
        cwd: Path | None = None,
        input: bytes | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 120,
    ) -> Result:
        """Runs git; it may fail."""
        done = subprocess.run(
            ["git", *map(str, args)],
            cwd=cwd or self.home,
            input=input if input is not None else b"",
            env={**self.env, **(env or {})},
            capture_output=True,
            timeout=timeout,
        )
        return Result(
            done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        )

    def __call__(
        self,
        *args: str | Path,
        cwd: Path | None = None,
        input: bytes | None = None,
        env: Mapping[str, str] | None = None,
    ) -> str:
        """Runs git, which must succeed; gives its output without the last line feed."""
        done = self.attempt(*args, cwd=cwd, input=input, env=env)
        assert done.code == 0, f"git {' '.join(map(str, args))}\n{done.out}{done.err}"
        return done.out.rstrip("\n")

    def clone(self, url: str, name: str, *options: str) -> Path:
        """A clone in this home."""
        self("clone", "-q", *options, url, self.home / name)
        return self.home / name

    def init(self, name: str, remote: str | None = None) -> Path:
        """A new local repository on branch ``main``."""
        path = self.home / name
        self("init", "-q", path)
        if remote is not None:
            self("remote", "add", "origin", remote, cwd=path)
        return path

    def commit(self, tree: Path, files: Files, message: str = "Change") -> str:
        """Writes files, commits everything, and gives the commit's id."""
        for name, content in files.items():
            path = tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self("add", "-A", cwd=tree)
        self("commit", "-q", "--allow-empty", "-m", message, cwd=tree)
        return self("rev-parse", "HEAD", cwd=tree)

    def refused(self, *args: str | Path, cwd: Path) -> str:
        """Runs ``git push`` with these arguments, which must be refused; gives what the user reads."""
        done = self.attempt("push", *args, cwd=cwd)
        assert done.code != 0, f"the push was accepted:\n{done.err}"
        return done.err


_CONFIG = """\
[user]
    name = Ada Lovelace
    email = ada@example.org
[init]
    defaultBranch = main
[core]
    fsync = none
[gc]
    auto = 0
[advice]
    detachedHead = false
[filter "lfs"]
    clean = git-lfs clean -- %f
    smudge = git-lfs smudge -- %f
    process = git-lfs filter-process
    required = true
[lfs]
    locksverify = true
[lfs "transfer"]
    maxretries = 2
    maxretrydelay = 1
"""
