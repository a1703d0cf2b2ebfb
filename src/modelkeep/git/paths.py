r"""Paths and ref names: bytes in Git, ``str`` at the edge of this package.

Bytes that are not UTF-8 are shown as ``\xff`` (backslash, x, two hexadecimal digits), so that nothing is hidden and
nothing fails. Ref names cannot hold a backslash, so for them this is reversible. For file paths, :func:`candidates`
gives what a shown path may stand for; a file whose name really has a backslash comes first.
"""

from __future__ import annotations

import re
import unicodedata

from modelkeep.domain.errors import InvalidInput

MAX_PATH = 4096
MAX_DEPTH = 256

_SHOWN_BYTE = re.compile(rb"\\x([89a-f][0-9a-f])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SHORT_NAME = re.compile(r"git~[0-9]+", re.IGNORECASE)
# What HFS+ ignores in a name (git: utf8.c, next_hfs_char): ".g\u200cit" would be ".git" on a Mac.
_IGNORED = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")


def show(raw: bytes) -> str:
    r"""The ``str`` form of a path or ref name; bytes that are not UTF-8 as ``\xff``."""
    return raw.decode("utf-8", "backslashreplace")


def candidates(path: str) -> list[bytes]:
    """The bytes that a shown path may stand for, likeliest first."""
    literal = path.encode("utf-8", "surrogatepass")
    unescaped = _SHOWN_BYTE.sub(lambda match: bytes([int(match[1], 16)]), literal)
    return [literal] if unescaped == literal else [literal, unescaped]


def check_readable(path: str) -> str:
    """Checks a path that is to be looked up; "" is the root directory.

    Raises:
        InvalidInput: It is absolute, longer than 4,096 bytes, or has a NUL, an empty segment, ``.``, ``..`` or
            ``.git`` (in any case) in it.
    """
    if path == "":
        return path
    if "\x00" in path or (not path.isprintable() and _has_surrogate(path)):
        raise _bad(path, "it holds a character that no path can hold")
    if len(path) > MAX_PATH or path.count("/") >= MAX_DEPTH:
        raise _bad(
            path[:80], f"it is longer than {MAX_PATH} characters or deeper than {MAX_DEPTH} directories"
        )
    for segment in path.split("/"):
        if segment in ("", ".", ".."):
            raise _bad(path, "it has an empty segment, '.' or '..' in it; write it as directory/file")
        if segment.casefold() == ".git":
            raise _bad(path, "'.git' is Git's own directory")
    return path


def check_writable(path: str, *, may_have_backslash: bool = False) -> bytes:
    """Checks a path that is to be written, so that every checkout on any system can hold it; returns its bytes.

    Stricter than :func:`check_readable`, as Git is with ``core.protectHFS`` and ``core.protectNTFS``. With
    ``may_have_backslash`` as strict as Git: such a file can be pushed, and Git for Windows does not check it out.

    Raises:
        InvalidInput: As :func:`check_readable`; or the path is empty, has control characters or a backslash, a
            segment over 255 bytes, or one that some file system takes for ``.git`` or for another file of Git's.
    """
    if check_readable(path) == "":
        raise _bad(path, "it is empty")
    if _CONTROL.search(path) or ("\\" in path and not may_have_backslash):
        raise _bad(path, "it has a control character or a backslash in it")
    if path.startswith("..\\"):
        raise _bad(path, "some systems take it for a path that leads out of the repo")
    for segment in path.split("/"):
        pieces = segment.split("\\")
        for piece in pieces:
            _check_piece(path, piece, is_whole=len(pieces) == 1)
        if len(segment.encode()) > 255:
            raise _bad(path, "a file name is at most 255 bytes long")
    return path.encode()


def _check_piece(path: str, piece: str, *, is_whole: bool) -> None:
    folded = unicodedata.normalize("NFC", _IGNORED.sub("", piece)).casefold()
    # NTFS drops trailing dots and spaces and takes what follows a colon for a stream's name.
    name = folded.split(":")[0].rstrip(". ")
    if name == ".git" or (name == "" and is_whole) or _SHORT_NAME.fullmatch(folded.rstrip(". ")):
        raise _bad(path, "some file systems take it for another name, such as '.git'")
    if name == ".gitmodules":
        raise _bad(path, "submodules are not supported here; push it with git")


def _has_surrogate(path: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in path)


def _bad(path: str, why: str) -> InvalidInput:
    shown = ascii(path if len(path) <= 200 else path[:197] + "...")
    return InvalidInput(
        f"{shown} cannot be the path of a file: {why}.", code="invalid_path", path=shown[1:-1]
    )
