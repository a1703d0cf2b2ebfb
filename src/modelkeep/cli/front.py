"""What is answered before anything is loaded: the overview of the commands, and the version.

Nothing of the standard library that takes time to load is imported here, and no library at all.
"""

from __future__ import annotations

import os
import sys

from modelkeep.cli.catalogue import COMMANDS, GROUPS, SECTIONS, below

_HELP = ("--help", "-h")
_WIDEST = 100
_NARROWEST = 40


def answer(words: list[str]) -> str | None:
    """What to print for a command line that asks for an overview or the version; None for all others."""
    if words[:1] == ["--version"]:
        from modelkeep import __version__

        return f"modelkeep {__version__}\n"
    path: list[str] = []
    for word in words:
        if word in _HELP:
            return overview(" ".join(path))
        path.append(word)
        if " ".join(path) not in GROUPS:
            return None
    return None


def overview(path: str, width: int | None = None) -> str:
    """The help of a group of commands; of the whole program where ``path`` is empty."""
    columns = width or _columns()
    full = f"modelkeep {path}".rstrip()
    about = GROUPS[path] if path else "Modelkeep: keep, version and promote models in Git."
    lines = [f"Usage: {full} [OPTIONS] COMMAND [ARGS]...", "", *_wrapped(about, 2, columns), "", "Options:"]
    options = [("--version", "Show the version and exit.")] if not path else []
    lines += _list([*options, ("--help, -h", "Show this message and exit.")], columns)
    if path:
        lines += ["", "Commands:", *_list(below(path), columns)]
    else:
        summaries = dict(below(""))
        for title, names in SECTIONS:
            lines += ["", f"{title}:", *_list([(name, summaries[name]) for name in names.split()], columns)]
        lines += ["", "  'modelkeep COMMAND --help' has the options of a command, with examples."]
    return "\n".join(lines) + "\n"


def suggestion(path: str, word: str) -> str:
    """What to say about a word that is no command: those that it may have been meant for."""
    from difflib import get_close_matches

    near = get_close_matches(word, [name for name, _ in below(path)])
    near += [full for full in COMMANDS if full.endswith(f" {word}")][:3]
    return f" Did you mean {', '.join(repr(name) for name in near)}?" if near else ""


def _list(rows: list[tuple[str, str]], columns: int) -> list[str]:
    indent = max(len(name) for name, _ in rows) + 4
    lines: list[str] = []
    for name, text in rows:
        wrapped = _wrapped(text, indent, columns) or [""]
        lines += [f"  {name}".ljust(indent) + wrapped[0].lstrip(), *wrapped[1:]]
    return lines


def _wrapped(text: str, indent: int, columns: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= columns:
            lines[-1] += f" {word}"
        else:
            lines.append(" " * indent + word)
    return lines


def _columns() -> int:
    chosen = os.environ.get("COLUMNS", "")
    if chosen.isascii() and chosen.isdigit() and int(chosen[:4]) > 0:
        columns = int(chosen[:4])
    else:
        try:
            columns = os.get_terminal_size(sys.stdout.fileno()).columns
        except (OSError, ValueError):
            columns = 80
    return max(_NARROWEST, min(columns - 1, _WIDEST))
