"""Prints the demonstration: what is done, as people would type it, whether it held, and how long it took.

On a terminal in colour (not with ``NO_COLOR``), in a log plain; never wider than 80 columns unless a word is.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

WIDTH = 80
_QUOTED_LINES = 12


class Teller:
    """Tells the story on standard output."""

    def __init__(self) -> None:
        console = Console(highlight=False, emoji=False, soft_wrap=True)
        self._console = console
        self._tick, self._cross = ("✓", "✗") if _can_print(console, "✓✗") else ("ok", "FAILED")
        self._chapters = 0

    @property
    def is_terminal(self) -> bool:
        """Whether somebody is looking."""
        return self._console.is_terminal

    def title(self, text: str) -> None:
        self._print(Text(text, style="bold"))

    def chapter(self, text: str) -> None:
        """Begins a numbered part."""
        self._chapters += 1
        self._print(Text())
        self._print(Text(f"{self._chapters:2}. {text}", style="bold cyan"))

    @contextmanager
    def step(self, prompt: str, command: str) -> Iterator[None]:
        """Prints the command with a tick and its time once the block has run, with a cross if it raises."""
        started = time.monotonic()
        lines = wrap_command(prompt, command, WIDTH - 12)
        try:
            with self._spinner(f"{prompt} {command}"):
                yield
        except BaseException:
            self._command(self._cross, "bold red", lines, time.monotonic() - started)
            raise
        self._command(self._tick, "bold green", lines, time.monotonic() - started)

    def held(self, text: str) -> None:
        """Prints something that was checked and is so."""
        self._print(Text.assemble("    ", (self._tick, "green"), f" {text}"))

    def quote(self, text: str) -> None:
        """Prints what a command said, the last lines of it where that is long, cut to the width."""
        lines = text.strip("\n").splitlines()
        for line in lines[-_QUOTED_LINES:]:
            self._print(Text(f"      {line[: WIDTH - 6]}".rstrip(), style="dim"))

    def quote_whole(self, text: str) -> None:
        """Prints all that was said, for somebody who looks for a fault."""
        for line in text.strip("\n").splitlines():
            self._print(Text(f"  | {line}"))

    def plain(self, text: str = "", style: str = "") -> None:
        self._print(Text(text, style=style))

    def _command(self, mark: str, style: str, lines: list[str], seconds: float) -> None:
        indented = [f"  {mark} {lines[0]}", *(f"    {line}" for line in lines[1:])]
        shown = f"{seconds:.1f} s"
        if len(indented[-1]) + len(shown) >= WIDTH:
            indented.append("")
        last = indented.pop().ljust(WIDTH - len(shown))
        text = Text("\n".join([*indented, last]))
        text.append(shown, style="dim")
        text.stylize(style, 2, 2 + len(mark))
        self._print(text)

    @contextmanager
    def _spinner(self, text: str) -> Iterator[None]:
        if not self._console.is_terminal:
            yield
            return
        with self._console.status(Text(text[: WIDTH - 3]), spinner="line"):
            yield

    def _print(self, text: Text) -> None:
        self._console.print(text)


def wrap_command(prompt: str, command: str, width: int) -> list[str]:
    """Breaks a command between words, with the shell's backslash, so that it can still be pasted."""
    lines, line = [], prompt.rstrip()
    for word in _keep_together(split_words(command)):
        if len(line) + 1 + len(word) > width - 2 and line.strip() and line != prompt.rstrip():
            lines.append(f"{line} \\")
            line = f"    {word}"
        else:
            line = f"{line} {word}"
    return [*lines, line]


def split_words(command: str) -> list[str]:
    """The words of a shell command, each quoted where a shell needs it."""
    return [
        f"~/{shlex.quote(word[2:])}" if word.startswith("~/") and word != "~/" else shlex.quote(word)
        for word in shlex.split(command)
    ]


def _keep_together(words: list[str]) -> list[str]:
    """Options and their values are not parted."""
    groups: list[str] = []
    for word in words:
        if groups and groups[-1].startswith("-") and " " not in groups[-1] and not word.startswith("-"):
            groups[-1] = f"{groups[-1]} {word}"
        else:
            groups.append(word)
    return groups


def _can_print(console: Console, characters: str) -> bool:
    try:
        characters.encode(console.encoding)
    except (LookupError, UnicodeEncodeError):
        return False
    return True
