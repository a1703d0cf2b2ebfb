"""Request bodies: streamed or read whole, always within a limit."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import AsyncIterator, Mapping
from typing import NoReturn

from starlette.types import Receive

from modelkeep.domain.errors import InvalidInput, TooLarge

JSON_DEPTH = 32
"""How deep a JSON body may nest."""

INFLATE_STEP = 1 << 20

_HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")
_LENGTH = re.compile(r"[0-9]{1,19}", re.ASCII)


class ClientGone(Exception):
    """The client closed the connection before its request was complete. There is nobody left to answer."""


def content_length(headers: Mapping[str, str]) -> int | None:
    """Returns the announced length of the body in bytes; None where none is announced.

    Raises:
        InvalidInput: The header is no number.
    """
    value = headers.get("content-length")
    if value is None:
        return None
    if not _LENGTH.fullmatch(value):
        raise InvalidInput(
            "The Content-Length header is not a number of bytes.", code="invalid_content_length"
        )
    return int(value)


async def body_chunks(receive: Receive) -> AsyncIterator[bytes]:
    """Yields the body as it arrives, without empty chunks.

    Raises:
        ClientGone: The client closed the connection midway.
    """
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        if chunk:
            yield chunk
        if not message.get("more_body", False):
            return


async def read_limited(receive: Receive, headers: Mapping[str, str], limit: int) -> bytes:
    """Reads a whole body of at most ``limit`` bytes.

    Raises:
        TooLarge: The body is longer, by its header or in fact.
        InvalidInput: A malformed Content-Length.
        ClientGone: The client closed the connection midway.
    """
    if (content_length(headers) or 0) > limit:
        _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    async for chunk in body_chunks(receive):
        size += len(chunk)
        if size > limit:
            _too_large(limit)
        chunks.append(chunk)
    return b"".join(chunks)


async def read_json(receive: Receive, headers: Mapping[str, str], limit: int) -> object:
    """Reads a JSON body of at most ``limit`` bytes and :data:`JSON_DEPTH` levels.

    Raises:
        InvalidInput: It is not JSON (RFC 8259: UTF-8, no ``NaN``), or nests too deep.
        TooLarge: The body is longer.
        ClientGone: The client closed the connection midway.
    """
    return parse_json(await read_limited(receive, headers, limit))


def parse_json(data: bytes) -> object:
    """Parses a JSON document; see :func:`read_json`."""
    try:
        value: object = json.loads(data.decode("utf-8"), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise InvalidInput("The body is not UTF-8.", code="invalid_json") from None
    except json.JSONDecodeError as error:
        detail = f"{error.msg} at line {error.lineno}, column {error.colno}"
        raise InvalidInput(f"The body is not JSON: {detail}.", code="invalid_json") from None
    except ValueError:
        raise InvalidInput("The body holds a number that cannot be read.", code="invalid_json") from None
    except RecursionError:
        _too_deep()
    _check_depth(value)
    if _HALF_CHARACTER.search(data):
        _check_characters(value)
    return value


def _check_characters(value: object) -> None:
    """Refuses escapes of half a character: valid JSON, but text that cannot be stored or sent (RFC 8259, 8.2)."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidInput(
            "The body escapes half a character (an unpaired surrogate such as \\ud800).", code="invalid_json"
        ) from None


async def inflate(chunks: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    """Decompresses a gzip body (RFC 1952) in bounded steps, so that a small body cannot become a large one.

    Raises:
        TooLarge: More than ``limit`` bytes come out.
        InvalidInput: It is not gzip, is cut short, or goes on behind its end.
    """
    decompressor = zlib.decompressobj(wbits=31)
    size = 0
    async for chunk in chunks:
        pending = chunk
        while pending:
            if decompressor.eof:
                raise InvalidInput("The gzip body goes on behind its end.", code="invalid_gzip")
            try:
                data = decompressor.decompress(pending, INFLATE_STEP)
            except zlib.error:
                raise InvalidInput("The body is not valid gzip.", code="invalid_gzip") from None
            pending = decompressor.unconsumed_tail or decompressor.unused_data
            size += len(data)
            if size > limit:
                _too_large(limit)
            if data:
                yield data
    if not decompressor.eof:
        raise InvalidInput("The gzip body ends too early.", code="invalid_gzip")


def _check_depth(value: object) -> None:
    level: list[object] = [value]
    for _ in range(JSON_DEPTH + 1):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return
    _too_deep()


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidInput(f"The body is not JSON: {name} is no JSON value.", code="invalid_json")


def _too_deep() -> NoReturn:
    raise InvalidInput(f"The JSON body nests deeper than {JSON_DEPTH} levels.", code="json_too_deep")


def _too_large(limit: int) -> NoReturn:
    raise TooLarge(
        f"The body is larger than the {limit} bytes allowed here.", code="body_too_large", limit=limit
    )
