"""Reads repos of another hub by the public Hub API: which commit a revision is, its files, their bytes.

Whatever it answers is foreign: sizes, counts and pages are limited, ids and paths checked, content verified by whoever
reads it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urljoin

from modelkeep.domain.errors import (
    InvalidInput,
    ModelkeepError,
    NotFound,
    NotPermitted,
    RateLimited,
    Unavailable,
)
from modelkeep.domain.imports import RemoteFile, Source
from modelkeep.outbound.addresses import Forbidden, Guard
from modelkeep.outbound.connections import OpenStreams
from modelkeep.outbound.reader import Reader, Response, origin_of, shown

MOST_LISTED = 200_000
"""Files and directories in a listing; whoever has more must be imported in pieces."""

_MOST_PAGES = 4_000
_INFO_BYTES = 64 << 20
_PAGE_BYTES = 16 << 20
_ERROR_BYTES = 64 << 10
_LONGEST_PATH = 4096
_LONGEST_TOKEN = 4096
_GIT_ID = re.compile(r"[0-9a-f]{40}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NEXT = re.compile(r'<([^>]*)>\s*;[^,]*\brel\s*=\s*"?next"?', re.IGNORECASE)
_START = re.compile(r"bytes (\d{1,19})-", re.ASCII)
_LONGEST_WAIT = 28_800
_MAX_SIZE = 2**63 - 1


class HubClient:
    """Opens repos of other hubs; safe to use from many threads.

    Args:
        guard: Where it may connect to.
        connect_seconds: How long a connection may take.
        idle_seconds: How long the other side may say nothing.
    """

    def __init__(self, guard: Guard, *, connect_seconds: float = 10.0, idle_seconds: float = 60.0) -> None:
        self._guard = guard
        self._streams = OpenStreams()
        self._connect_seconds = connect_seconds
        self._idle_seconds = idle_seconds

    def endpoint(self, url: str) -> str:
        """A hub's URL as it is kept. Names are not resolved: they are judged at every connection.

        Raises:
            InvalidInput: It cannot be one, carries credentials or a query, or is an address that is not allowed.
        """
        text = url.strip().rstrip("/")
        _, host, _ = origin_of(text)
        if any(sign in text for sign in "?#\\"):
            raise InvalidInput(
                "The URL of a hub has no query and no fragment; write https://HOST.", code="invalid_url"
            )
        try:
            self._guard.require_literal(host)
        except Forbidden as error:
            raise InvalidInput(f"This URL cannot be used: {error}.", code="source_forbidden") from None
        return text

    @contextmanager
    def opened(
        self, source: Source, *, via: str | None = None, seconds: float | None = None
    ) -> Iterator[RemoteRepo]:
        """Opens a repo; asks nothing yet.

        Args:
            source: Which one.
            via: The hubs that ask through each other, as the header of that name; None where nobody waits.
            seconds: How long the other side may take to answer, where somebody waits; else the usual times.
        """
        credentials = f"Bearer {source.token}" if source.token else None
        reader = Reader(
            self._guard,
            source.endpoint,
            credentials,
            self._streams,
            connect_seconds=min(self._connect_seconds, seconds or self._connect_seconds),
            idle_seconds=min(self._idle_seconds, seconds or self._idle_seconds),
        )
        try:
            yield RemoteRepo(reader, source, via)
        finally:
            reader.close()

    @property
    def is_closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._streams.is_closed

    def close(self) -> None:
        """Breaks off what is under way and refuses what comes later: the hub ends."""
        self._streams.close()


class RemoteRepo:
    """A repo of another hub.

    Raises:
        NotFound: The source has no such repo, revision or file, or does not show it.
        NotPermitted: It wants credentials, or others.
        RateLimited: It wants fewer requests.
        Unavailable: It does not answer, or not now.
        InvalidInput: What it answers cannot be right.
    """

    def __init__(self, reader: Reader, source: Source, via: str | None = None) -> None:
        self._reader = reader
        self._source = source
        self._headers = {"Via": via} if via else {}
        self._api = f"{source.endpoint}/api/{source.kind}s/{quote(source.name, safe='/')}"

    def commit_of(self, revision: str | None) -> str:
        """The commit that a revision names now; None for the default branch."""
        url = self._api if revision is None else f"{self._api}/revision/{quote(revision, safe='')}"
        with self._get(url) as answer:
            info = _object(_json(answer, _INFO_BYTES), answer.url)
        sha = info.get("sha")
        if not isinstance(sha, str) or not _GIT_ID.fullmatch(sha):
            raise _wrong(url, "it names no commit")
        return sha

    def files(self, commit: str) -> list[RemoteFile]:
        """All files of a commit, sorted by path.

        Raises:
            InvalidInput: There are more than :data:`MOST_LISTED`.
        """
        url: str | None = f"{self._api}/tree/{commit}?recursive=true&expand=false"
        found: dict[str, RemoteFile] = {}
        listed = 0
        for _ in range(_MOST_PAGES):
            if url is None:
                return [found[path] for path in sorted(found)]
            with self._get(url) as answer:
                entries = _json(answer, _PAGE_BYTES)
                following = _next_of(answer)
            if not isinstance(entries, list):
                raise _wrong(url, "it is no list of files")
            listed += len(entries)
            if listed > MOST_LISTED:
                break
            for entry in entries:
                file = _file(_object(entry, url), url)
                if file is not None:
                    found[file.path] = file
            if following is not None and origin_of(following) != origin_of(url):
                raise _wrong(url, "its next page is at another place")
            url = following
        raise InvalidInput(
            f"{self._source.address} has more than {MOST_LISTED} files, or its list does not end.",
            code="source_too_large",
        )

    @contextmanager
    def open(self, commit: str, path: str, start: int = 0) -> Iterator[Iterator[bytes]]:
        """The bytes of a file from ``start`` on, as they come; nothing says that they are right or all."""
        url = f"{self._source.endpoint}/{self._source.address}/resolve/{commit}/{quote(path, safe='/')}"
        headers = {"Range": f"bytes={start}-"} if start else {}
        with self._get(url, headers, leaves=True) as answer:
            yield _from(answer, start)

    @contextmanager
    def _get(
        self, url: str, headers: Mapping[str, str] | None = None, *, leaves: bool = False
    ) -> Iterator[Response]:
        with self._reader.get(url, {**self._headers, **(headers or {})}, leaves=leaves) as answer:
            if not 200 <= answer.status < 300:
                raise _refusal(answer)
            yield answer


def check_token(text: str) -> str:
    """Checks that a token can be sent.

    Raises:
        InvalidInput: It has blanks or characters that no token has, or is too long.
    """
    token = text.strip()
    if not 0 < len(token) <= _LONGEST_TOKEN or any(not 32 < ord(c) < 127 for c in token):
        raise InvalidInput(
            "The token of the source has characters that no token has. Was it copied whole, and nothing else?",
            code="invalid_source_token",
        )
    return token


def _from(answer: Response, start: int) -> Iterator[bytes]:
    """The pieces from ``start`` on, also of a server that does not know ranges and sends all."""
    skip = start
    if answer.status == 206:
        match = _START.match(answer.headers.get("content-range", ""))
        if match is None or int(match[1]) != start:
            raise _wrong(answer.url, "it sends another range than was asked for")
        skip = 0
    for piece in answer.pieces():
        kept = piece[skip:]
        skip -= len(piece) - len(kept)
        if kept:
            yield kept


def _next_of(answer: Response) -> str | None:
    match = _NEXT.search(answer.headers.get("link", ""))
    return urljoin(answer.url, match[1]) if match else None


def _json(answer: Response, limit: int) -> Any:
    try:
        return json.loads(answer.read(limit))
    except (ValueError, RecursionError):
        raise _wrong(answer.url, "it is no JSON") from None


def _object(value: Any, url: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(url, "it is no JSON object")
    return value


def _file(entry: Mapping[str, Any], url: str) -> RemoteFile | None:
    """A file of a listing; None for a directory."""
    if entry.get("type") == "directory":
        return None
    path, oid, size, lfs = entry.get("path"), entry.get("oid"), entry.get("size"), entry.get("lfs")
    lfs_oid = None
    if isinstance(lfs, dict):
        lfs_oid, size = lfs.get("oid", lfs.get("sha256")), lfs.get("size", size)
        if not isinstance(lfs_oid, str) or not _SHA256.fullmatch(lfs_oid):
            raise _wrong(url, "an LFS file has no SHA-256")
    if (
        not isinstance(path, str)
        or not 0 < len(path) <= _LONGEST_PATH
        or not isinstance(oid, str)
        or not _GIT_ID.fullmatch(oid)
        or not isinstance(size, int)
        or isinstance(size, bool)
        or not 0 <= size <= _MAX_SIZE
    ):
        raise _wrong(url, "an entry has no path, no id or no size")
    return RemoteFile(path, oid, size, lfs_oid)


def _refusal(answer: Response) -> ModelkeepError:
    """What the source said, as an error of ours."""
    code, words = answer.headers.get("x-error-code", ""), _words(answer)
    said = " ".join(part for part in (str(answer.status), _plain(code), words) if part)
    text = f"{shown(answer.url)} answers: {said}"
    if answer.status == 429:
        return RateLimited(text, retry_after=_seconds(answer), code="source_busy")
    if answer.status >= 500 or answer.status == 408:
        return Unavailable(text, code="source_unavailable")
    if answer.status == 404:
        return NotFound(text, code="source_not_found")
    if answer.status in (401, 403):
        return NotPermitted(f"{text}. Pass a token of somebody who may read it.", code="source_refused")
    return InvalidInput(text, code="source_answer_invalid")


def _words(answer: Response) -> str:
    """The source's own sentence: from its header, or from the JSON of its body."""
    said = answer.headers.get("x-error-message", "")
    if not said:
        try:
            body = json.loads(answer.read(_ERROR_BYTES))
            said = body["error"] if isinstance(body.get("error"), str) else body["errors"][0]["message"]
        except (ValueError, RecursionError, LookupError, AttributeError, TypeError, ModelkeepError):
            said = ""
    return _plain(str(said))


def _plain(text: str) -> str:
    """Foreign words in one line without control characters, for a message."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:500]


def _seconds(answer: Response) -> int:
    text = answer.headers.get("retry-after", "")
    return min(int(text), _LONGEST_WAIT) if text.isascii() and text.isdigit() and len(text) < 10 else 30


def _wrong(url: str, why: str) -> InvalidInput:
    return InvalidInput(f"{shown(url)} does not answer as a hub does: {why}.", code="source_answer_invalid")
