"""The body of a commit, a JSON value in each line: read as it comes, so that one line at a time is in memory."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from modelkeep.api.http.bodies import parse_json
from modelkeep.domain.errors import InvalidInput, TooLarge
from modelkeep.domain.lfs import MAX_SIZE, Oid, Pointer
from modelkeep.services.commits import AddFile, CopyFile, DeletePath, LinkFile, Operation

_LEAST_LINE = 1 << 20
_MOST_LINES = 25_001
_COMMIT = re.compile(r"[0-9a-fA-F]{7,40}", re.ASCII)

Put = Callable[[str, bytes], AddFile]
"""Takes the content of a file, and gives the operation that puts it at its path."""


class CommitLines:
    """What a commit says so far. The last line about a path counts; what is deleted may be put anew.

    Args:
        put: Takes contents.
    """

    def __init__(self, put: Put) -> None:
        self._put = put
        self._count = 0
        self._added: dict[str, Operation] = {}
        self._deleted: dict[str, DeletePath] = {}
        self._header: Mapping[str, Any] | None = None

    @property
    def operations(self) -> list[Operation]:
        """What changes."""
        return [*self._deleted.values(), *self._added.values()]

    @property
    def summary(self) -> str:
        """The first line of the message.

        Raises:
            InvalidInput: There is none.
        """
        summary = self._text("summary").strip()
        if not summary:
            raise InvalidInput(
                "A commit needs a summary: send the line with the key 'header' first.", code="invalid_message"
            )
        return summary

    @property
    def description(self) -> str:
        """The rest of the message; may be empty."""
        return self._text("description").strip()

    @property
    def message(self) -> str:
        """The whole message, as Git has it."""
        return f"{self.summary}\n\n{self.description}" if self.description else self.summary

    @property
    def parent(self) -> str | None:
        """The commit that the branch must be at; None for wherever it is.

        Raises:
            InvalidInput: It is no commit's id.
        """
        parent = (self._header or {}).get("parentCommit")
        if parent is not None and not (isinstance(parent, str) and _COMMIT.fullmatch(parent)):
            raise InvalidInput(
                "'parentCommit' must be a commit's id, of 7 digits or more.", code="invalid_body"
            )
        return parent.lower() if parent else None

    def take(self, line: bytes) -> None:
        """Reads the next line.

        Raises:
            InvalidInput: It is none of a commit's lines (the message says which one), or one too many.
            TooLarge: A file is too large.
        """
        self._count += 1
        if self._count > _MOST_LINES:
            raise InvalidInput(f"A commit has at most {_MOST_LINES - 1} operations.", code="operations")
        try:
            sent = parse_json(line)
        except InvalidInput as error:
            raise self._fault(error.message, error.code) from None
        key = sent.get("key") if isinstance(sent, dict) else None
        value = sent.get("value") if isinstance(sent, dict) else None
        if not isinstance(key, str) or not isinstance(value, dict):
            raise self._fault('a line has the form {"key": "file", "value": {…}}.')
        if key == "header":
            self._header = value
        elif key in ("deletedFile", "deletedFolder", "deletedEntry"):
            path = self._field(value, "path").rstrip("/")
            self._deleted[path] = DeletePath(path)
        else:
            operation = self._operation(key, value)
            self._added[operation.path] = operation

    def _operation(self, key: str, value: Mapping[str, Any]) -> Operation:
        path = self._field(value, "path")
        if key == "file":
            return self._put(path, self._content(value))
        if key == "lfsFile":
            return self._pointer(path, value)
        if key == "copyFile" and value.get("srcRevision") is None:
            return CopyFile(self._field(value, "srcPath"), path)
        raise self._fault(f"this hub knows no operation {key[:40]!r} like this.")

    def _content(self, value: Mapping[str, Any]) -> bytes:
        content, encoding = value.get("content"), value.get("encoding", "utf-8")
        if not isinstance(content, str) or encoding not in ("base64", "utf-8"):
            raise self._fault("a file has 'content', and 'encoding' base64 or utf-8.")
        if encoding == "utf-8":
            return content.encode()
        try:
            return base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError):
            raise self._fault("its content is not base64 (RFC 4648, with padding).") from None

    def _pointer(self, path: str, value: Mapping[str, Any]) -> Operation:
        size = value.get("size")
        if value.get("algo", "sha256") != "sha256":
            raise self._fault("'algo' must be sha256.")
        try:
            oid = Oid.parse(value.get("oid"))
        except InvalidInput as error:
            raise self._fault(error.message, error.code) from None
        if size is None:
            return LinkFile(path, oid)
        if type(size) is not int or not 0 <= size <= MAX_SIZE:
            raise self._fault("'size' must be a number of bytes.")
        return AddFile(path, lfs=Pointer(oid, size))

    def _field(self, value: Mapping[str, Any], name: str) -> str:
        text = value.get(name)
        if not isinstance(text, str):
            raise self._fault(f"'{name}' must be a text.")
        return text

    def _text(self, name: str) -> str:
        text = (self._header or {}).get(name)
        if not isinstance(text, str | None):
            raise InvalidInput(f"'{name}' must be a text.", code="invalid_body")
        return text or ""

    def _fault(self, message: str, code: str = "invalid_body") -> InvalidInput:
        return InvalidInput(f"Line {self._count} of the commit: {message}", code=code)


async def lines(chunks: AsyncIterator[bytes], limit: int, largest_file: int) -> AsyncIterator[list[bytes]]:
    """Yields the lines that each chunk completes, without empty ones.

    Args:
        chunks: The body.
        limit: Its most bytes.
        largest_file: Of one file, in bytes; a line has room for it as base64.

    Raises:
        TooLarge: The body or a line is longer.
    """
    longest = largest_file * 4 // 3 + _LEAST_LINE
    size, rest = 0, bytearray()
    async for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise TooLarge(
                f"The commit is larger than the {limit} bytes allowed here; make several, and send large files "
                "through LFS.",
                code="body_too_large",
                limit=limit,
            )
        *complete, last = chunk.split(b"\n")
        if complete:
            complete[0] = bytes(rest) + complete[0]
            rest.clear()
        rest += last
        if len(rest) > longest:
            raise TooLarge(
                f"A line of the commit is longer than {longest} bytes: files above {largest_file} bytes must go "
                "through LFS.",
                code="file_too_large",
                limit=largest_file,
            )
        found = [line for line in complete if line.strip()]
        if found:
            yield found
    if rest.strip():
        yield [bytes(rest)]
