"""What the scripts of ``modelkeep completion`` ask: which words could stand here.

Names of commands come from the catalogue at once; options load the one command that they belong to; names of repos
and what is in them are asked of the hub that is logged in, which gets two seconds.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from modelkeep.cli.catalogue import COMMANDS, GROUPS, below

if TYPE_CHECKING:
    from modelkeep.sdk.hub import Hub

_SECONDS = 2.0
_MOST = 1000
_SEPARATOR = "\x1f"
_CHOICES = {
    "SHELL": ("bash", "zsh", "fish"),
    "VISIBILITY": ("private", "shared", "public"),
    "ROLE": ("reader", "contributor", "maintainer", "owner"),
    "SCOPE": ("read", "write", "promote", "admin"),
    "VERDICT": ("passed", "failed", "pending"),
    "STATE": ("open", "approved", "completed", "rejected", "withdrawn", "pending", "delivered", "failed"),
}
Word = tuple[str, str]


def complete(environment: Mapping[str, str]) -> None:
    """Prints the words that could stand at the end of the line that a shell sends, one in a line."""
    shell = environment["_MODELKEEP_COMPLETE"]
    if shell == "bash":
        given = _split(environment.get("_MODELKEEP_LINE", ""))[1:] or [""]
    else:
        given = environment.get("_MODELKEEP_WORDS", "").split(_SEPARATOR)
    for line in _lines(shell, candidates(given), given[-1], environment.get("_MODELKEEP_WORD", given[-1])):
        sys.stdout.write(line + "\n")


def candidates(words: Sequence[str]) -> list[Word]:
    """The words that the last of ``words`` could become, with a remark on each.

    Args:
        words: The command line without the program; the last one is what has been typed of a word, maybe nothing.
    """
    *before, typed = words
    path = ""
    for index, word in enumerate(before):
        path = f"{path} {word}".lstrip()
        if path in COMMANDS:
            return _starting(typed, _in_command(path, before[index + 1 :], typed))
        if path not in GROUPS:
            return []
    return _starting(typed, below(path))


def _starting(typed: str, words: Iterable[Word]) -> list[Word]:
    return [word for word in words if word[0].startswith(typed) and word[0].isprintable()]


def _in_command(path: str, before: Sequence[str], typed: str) -> Iterable[Word]:
    from modelkeep.cli.app import load

    parameters: list[Any] = load(path).params
    named = {
        option: one
        for one in parameters
        for option in (*one.opts, *one.secondary_opts)
        if option.startswith("-")
    }
    arguments = [one for one in parameters if one not in named.values()]
    given, values, waiting = [], {}, None
    for word in before:
        if waiting is not None:
            values[waiting.name], waiting = word, None
        elif word in named:
            waiting = None if named[word].is_flag else named[word]
        elif not word.startswith("-"):
            given.append(word)
    if waiting is not None:
        return _values(waiting, given, values)
    if typed.startswith("-"):
        return [
            (option, (one.help or "").split(". ", 1)[0])
            for option, one in named.items()
            if option.startswith("--") and (one.multiple or option not in before)
        ]
    if len(given) < len(arguments):
        return _values(arguments[len(given)], given, values)
    return _values(arguments[-1], given, values) if arguments and arguments[-1].nargs == -1 else []


def _values(parameter: Any, given: Sequence[str], values: Mapping[str, str]) -> list[Word]:
    """What could be the value of an option or argument; nothing where the shell knows better, as for files."""
    kind = (parameter.metavar or "").strip("[].")
    if kind in _CHOICES:
        return [(choice, "") for choice in _CHOICES[kind]]
    if kind not in ("NAMESPACE/REPO", "ARTIFACT", "STAGE", "VERSION", "ORGANISATION"):
        return []
    from modelkeep.sdk.errors import HubError
    from modelkeep.sdk.hub import Hub
    from modelkeep.sdk.retries import RetryPolicy

    try:
        with Hub(
            values.get("url"), values.get("token"), timeout=_SECONDS, policy=RetryPolicy(tries=1)
        ) as hub:
            return _names(hub, kind, given)
    except HubError:
        return []


def _names(hub: Hub, kind: str, given: Sequence[str]) -> list[Word]:
    if kind == "NAMESPACE/REPO":
        return [(one.full_name, one.description) for one in hub.repos.list().up_to(_MOST)]
    if kind == "ORGANISATION":
        return [(one.name, one.full_name) for one in hub.orgs.list()]
    if not given:
        return []
    repo = hub.repo(given[0])
    if kind == "ARTIFACT":
        return [(one.artifact, one.latest or "") for one in repo.artifacts().up_to(_MOST)]
    if len(given) < 2:
        return []
    if kind == "STAGE":
        return [(one.stage, one.version or "") for one in repo.stages(given[1]).up_to(_MOST)]
    return [
        ("latest", ""),
        *((one.version, " ".join(one.stages)) for one in repo.versions(given[1]).up_to(_MOST)),
    ]


def _lines(shell: str, words: Sequence[Word], typed: str, word: str) -> list[str]:
    """The answer in the form that the shell's script reads."""
    if shell == "zsh":
        return [
            name.replace("\\", "\\\\").replace(":", "\\:") + (f":{about}" if about else "")
            for name, about in words
        ]
    if shell == "fish":
        return [f"{name}\t{about}" if about else name for name, about in words]
    # Bash breaks words at ':' and '=', and replaces only what follows the last of them.
    cut = len(typed) - len(word) if typed.endswith(word) else 0
    return [name[cut:] for name, _ in words]


def _split(line: str) -> list[str]:
    """The words of a line that is being typed; the last one is empty after a space."""
    try:
        words = shlex.split(line)
    except ValueError:
        words = line.replace("'", " ").replace('"', " ").split()
    return [*words, ""] if not words or line.endswith(" ") else words
