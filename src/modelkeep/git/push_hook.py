"""The one hook: Git asks it before it accepts a push, it asks the server over two inherited pipes.

No socket and no interpreter to start: a shell script of a few lines, one millisecond. What it writes::

    <quarantine directory, or an empty line>
    <old> <new> <ref>          for each update (githooks(5), pre-receive)
    options <number>
    <option>                   for each push option

What it reads: ``ok``, ``ok+`` or ``no`` on the first line; after the last two, a message for the user's terminal. If
the server is gone it reads nothing, and refuses.
"""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from modelkeep.domain.errors import InvalidInput, Unavailable
from modelkeep.domain.objects import RefUpdate
from modelkeep.git.paths import show

MAX_PROPOSAL = 32 << 20
"""Bytes of a proposal: over 100,000 refs."""

MAX_MESSAGE = 16 << 10
"""Bytes of a verdict's message; with it, a verdict fits into a pipe at once."""

PROPOSAL_VARIABLE = "MODELKEEP_PROPOSAL"
VERDICT_VARIABLE = "MODELKEEP_VERDICT"

_SCRIPT = f"""\
#!/bin/sh
# Written by Modelkeep at start-up. Asks the server whether a push may be accepted.
exec 3<"/dev/fd/${VERDICT_VARIABLE}" 4>"/dev/fd/${PROPOSAL_VARIABLE}" || exit 1
{{
    printf '%s\\n' "$GIT_QUARANTINE_PATH"
    n=0
    while [ "$n" -lt 20 ] && IFS= read -r line; do
        printf '%s\\n' "$line"
        n=$((n + 1))
    done
    [ "$n" -lt 20 ] || cat
    printf 'options %d\\n' "${{GIT_PUSH_OPTION_COUNT:-0}}"
    n=0
    while [ "$n" -lt "${{GIT_PUSH_OPTION_COUNT:-0}}" ]; do
        eval "option=\\$GIT_PUSH_OPTION_$n"
        printf '%s\\n' "$option"
        n=$((n + 1))
    done
}} >&4
exec 4>&-
IFS= read -r verdict <&3
case "$verdict" in
    ok) exit 0 ;;
    ok+) cat <&3 >&2; exit 0 ;;
    no) cat <&3 >&2; exit 1 ;;
esac
echo "The hub stopped before it could check this push. Nothing was changed; push again later." >&2
exit 1
"""

_UPDATE = re.compile(rb"([0-9a-f]{40}) ([0-9a-f]{40}) (refs/[^\x00-\x20\x7f]+)")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A push before it is accepted.

    Attributes:
        updates: The refs that it would move; Git may still refuse some (hidden refs, a ref that has moved meanwhile).
        quarantine: The directory of the objects that it brought; None where it brought none.
        push_options: What ``git push -o`` gave.
    """

    updates: tuple[RefUpdate, ...]
    quarantine: Path | None
    push_options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether to accept a push; the message appears at the user's terminal, each line after ``remote:``."""

    accepted: bool
    message: str = ""


def install(directory: Path) -> Path:
    """Writes the hook into a directory of ours, to be given to Git as ``core.hooksPath``; returns the directory.

    Raises:
        Unavailable: It cannot be written there, or not be executed: Git would pass over it and accept every push.
    """
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    hook = directory / "pre-receive"
    try:
        descriptor, name = tempfile.mkstemp(dir=directory, prefix=".pre-receive.")
        with os.fdopen(descriptor, "w") as file:
            file.write(_SCRIPT)
        Path(name).chmod(0o555)
        Path(name).rename(hook)
    except OSError as error:
        raise Unavailable("The hook that checks pushes cannot be written.", code="hook_missing") from error
    check(directory)
    return directory


def check(directory: Path) -> None:
    """Proves that Git will run the hook.

    Raises:
        Unavailable: It is not there, or lies on a file system that runs no programs.
    """
    if not os.access(directory / "pre-receive", os.X_OK):
        raise Unavailable("The hook that checks pushes cannot run; no push is accepted.", code="hook_missing")


def is_complete(content: bytes | bytearray) -> bool:
    """Whether the hook has written all that it wants to."""
    start = content.find(b"\noptions ")
    number, line_feed, options = content[start + 9 :].partition(b"\n") if start >= 0 else (b"", b"", b"")
    return bool(line_feed) and (not number.isdigit() or options.count(b"\n") >= int(number[:7]))


def parse_proposal(content: bytes, git_dir: Path) -> Proposal:
    """Reads what the hook has written.

    Raises:
        InvalidInput: It cannot be right, or a ref's name is not UTF-8; the message is for the user.
    """
    head, separator, tail = content.partition(b"\noptions ")
    quarantine, *lines = head.split(b"\n")
    number, *options = tail.split(b"\n")
    if not separator or not number.isdigit() or len(number) > 6:
        raise InvalidInput("Git described the push in a way that cannot be right.", code="invalid_proposal")
    return Proposal(
        updates=tuple(_update(line) for line in lines),
        quarantine=_quarantine(quarantine, git_dir),
        push_options=tuple(show(option) for option in options[: int(number)]),
    )


def format_verdict(verdict: Verdict) -> bytes:
    """What the hook is to read; control characters are taken out of the message."""
    message = _UNPRINTABLE.sub("", verdict.message).strip().encode("utf-8", "replace")[:MAX_MESSAGE]
    if verdict.accepted and not message:
        return b"ok\n"
    return (b"ok+\n" if verdict.accepted else b"no\n") + message + b"\n"


def _update(line: bytes) -> RefUpdate:
    match = _UPDATE.fullmatch(line)
    if not match:
        raise InvalidInput("Git named a ref that cannot be one.", code="invalid_ref_name")
    try:
        return RefUpdate(match[3].decode(), match[1].decode(), match[2].decode())
    except UnicodeDecodeError:
        raise InvalidInput(
            f"The name of a branch or tag must be UTF-8: {show(match[3])}", code="invalid_ref_name"
        ) from None


def _quarantine(line: bytes, git_dir: Path) -> Path | None:
    if not line:
        return None
    path = Path(os.fsdecode(line))
    if path.parent.resolve() != (git_dir / "objects").resolve() or not path.is_dir():
        raise InvalidInput("Git named a quarantine that is not this repository's.", code="invalid_quarantine")
    return path
