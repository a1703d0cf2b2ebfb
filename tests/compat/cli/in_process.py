"""The command line in this process: the same code as the command, without starting Python for each line."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from modelkeep.cli.main import main
from tests.compat.cli.conftest import CommandLine, clean_environment


class InProcess(CommandLine):
    """``modelkeep`` for one user account."""

    def run(self, *arguments: str | Path, code: int = 0, input: str = "") -> subprocess.CompletedProcess[str]:
        words = [str(argument) for argument in arguments]
        out, err = io.StringIO(), io.StringIO()
        with (
            _as_process(clean_environment(self.home) | self.variables, self.home, words, input),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            try:
                main()
                ended = 0
            except SystemExit as end:
                ended = end.code if isinstance(end.code, int) else int(end.code is not None)
        assert ended == code, f"exit code {ended}\n{out.getvalue()}\n{err.getvalue()}"
        return subprocess.CompletedProcess(words, ended, out.getvalue(), err.getvalue())

    def lines(self, *arguments: str | Path) -> list[str]:
        """What is printed, by lines."""
        return self.run(*arguments).stdout.splitlines()


@contextlib.contextmanager
def _as_process(environment: dict[str, str], folder: Path, words: list[str], input: str) -> Iterator[None]:
    before = dict(os.environ), sys.argv, sys.stdin, Path.cwd()
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["modelkeep", *words]
    sys.stdin = io.TextIOWrapper(io.BytesIO(input.encode()), encoding="utf-8")
    os.chdir(folder)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before[0])
        sys.argv, sys.stdin = before[1], before[2]
        os.chdir(before[3])
