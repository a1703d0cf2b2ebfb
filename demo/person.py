"""A person at a terminal, with a home folder and a Git configuration of their own."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from demo.console import Teller

ROOT = Path(__file__).resolve().parent.parent
_SECONDS = 900
_INHERITED = ("LANG", "LC_ALL", "LC_CTYPE", "TERM", "TMPDIR", "TZ", "SSL_CERT_FILE")


class Failed(Exception):
    """A step did not hold. ``output`` is what its command said."""

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output


@dataclass(frozen=True)
class Person:
    """Runs commands as somebody types them, and reads and writes nothing of the real user's configuration."""

    name: str
    full_name: str
    home: Path
    teller: Teller

    def types(
        self,
        command: str,
        *,
        at: str | None = "",
        stdin: str = "",
        expect: int = 0,
        quote: bool = False,
        env: dict[str, str] | None = None,
    ) -> str:
        """Runs a command and prints it with a tick.

        Args:
            command: What is typed; ``~/`` at the start of a word is the person's home.
            at: The folder below their home; None for the checkout of this project.
            stdin: What the command reads; not shown.
            expect: The exit code that it must end with.
            quote: Whether to print what it said.
            env: Further environment variables.

        Returns:
            Its standard output.

        Raises:
            Failed: It ended with another exit code.
        """
        folder = ROOT if at is None else self.home / at
        place = "modelkeep" if at is None else f"~/{at}".rstrip("/")
        with self.teller.step(f"{self.name}:{place}$", command):
            done = subprocess.run(
                self.words(command),
                check=False,
                cwd=folder,
                env=self.environment() | (env or {}),
                input=stdin,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_SECONDS,
            )
            said = f"{done.stdout}\n{done.stderr}".strip()
            if done.returncode != expect:
                wanted = f", {expect} was expected" if expect else ""
                raise Failed(f"{command}: exit code {done.returncode}{wanted}", said)
        if quote:
            self.teller.quote(said)
        return done.stdout

    def words(self, command: str) -> list[str]:
        """The arguments that a shell would make of the command."""
        return [str(self.home / word[2:]) if word.startswith("~/") else word for word in shlex.split(command)]

    def environment(self) -> dict[str, str]:
        """A small environment: this project's tools first, the person's own home and Git configuration."""
        kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        tools = str(Path(sys.executable).parent)
        return kept | {
            "PATH": f"{tools}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "GIT_CONFIG_GLOBAL": str(self.home / ".gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "NO_COLOR": "1",
            "COLUMNS": "74",
            "PYTHONWARNINGS": "ignore",
        }

    def settle_in(self) -> None:
        """Makes the home, and tells Git who this is and that LFS is there."""
        self.home.mkdir(parents=True, exist_ok=True)
        for command in (
            ["git", "config", "--global", "user.name", self.full_name],
            ["git", "config", "--global", "user.email", f"{self.name}@example.com"],
            ["git", "config", "--global", "init.defaultBranch", "main"],
            ["git", "config", "--global", "push.autoSetupRemote", "true"],
            ["git", "lfs", "install", "--skip-repo"],
        ):
            done = subprocess.run(
                command, check=False, env=self.environment(), cwd=self.home, capture_output=True, text=True
            )
            if done.returncode:
                raise Failed(" ".join(command), done.stderr)
