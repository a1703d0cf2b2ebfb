"""Reading what LFS clients send. Everything is foreign: sizes and depth are limited before it gets here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.lfs import MAX_SIZE, Oid
from modelkeep.domain.paging import PageRequest
from modelkeep.services.lfs import Wanted

_MAX_LOCKS = 1000


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """A batch request; ``transfers`` always holds ``basic``."""

    operation: str
    objects: tuple[Wanted, ...]
    transfers: frozenset[str]


def parse_batch(body: object, check_count: Callable[[int], None]) -> BatchRequest:
    """Reads a batch request. Malformed objects become answers of their own, a malformed request is refused.

    Args:
        body: What was sent.
        check_count: Refuses too many objects before they are looked at one by one.

    Raises:
        TooLarge: What ``check_count`` says.
        InvalidInput: No JSON object, no operation, no list of objects, or another hash algorithm.
    """
    request = _object(body)
    operation, objects = request.get("operation"), request.get("objects")
    if operation not in ("upload", "download"):
        raise InvalidInput("operation must be 'upload' or 'download'.", code="invalid_operation")
    if not isinstance(objects, list):
        raise InvalidInput("objects must be a list of {oid, size}.", code="invalid_objects")
    check_count(len(objects))
    algorithm = request.get("hash_algo", "sha256")
    if algorithm not in ("sha256", None):
        raise InvalidInput("hash_algo must be 'sha256'; this hub knows no other.", code="invalid_hash_algo")
    offered = request.get("transfers")
    transfers = {t for t in offered if isinstance(t, str)} if isinstance(offered, list) else set()
    return BatchRequest(operation, tuple(_wanted(item) for item in objects), frozenset({"basic", *transfers}))


def parse_object(body: object) -> tuple[Oid, int]:
    """Reads ``{oid, size}``, as ``verify`` gets it.

    Raises:
        InvalidInput: It is something else.
    """
    wanted = _wanted(body)
    if wanted.problem is not None:
        raise InvalidInput(wanted.problem, code="invalid_object")
    return Oid(wanted.oid), wanted.size


def parse_parts(body: object) -> dict[int, str]:
    """Reads the end of a multipart upload: the etag of each part by its number.

    Raises:
        InvalidInput: It is something else.
    """
    parts = _object(body).get("parts")
    if not isinstance(parts, list) or len(parts) > 10_000:
        raise InvalidInput("parts must be a list of {partNumber, etag}.", code="invalid_parts")
    etags: dict[int, str] = {}
    for part in parts:
        number = part.get("partNumber") if isinstance(part, dict) else None
        etag = part.get("etag") if isinstance(part, dict) else None
        if type(number) is not int or not isinstance(etag, str) or number in etags:
            raise InvalidInput(
                "parts must be a list of {partNumber, etag}, each number once.", code="invalid_parts"
            )
        etags[number] = etag
    return etags


@dataclass(frozen=True, slots=True)
class LockRequest:
    """A request about locks; what is not given is None."""

    path: str | None = None
    ref: str | None = None
    force: bool = False
    cursor: str | None = None
    limit: int | None = None


def parse_lock_request(body: object) -> LockRequest:
    """Reads the body of any lock request; ``"ref": {}`` and null are legal.

    Raises:
        InvalidInput: A field has another type than it should.
    """
    request = _object(body)
    ref = request.get("ref")
    name = ref.get("name") if isinstance(ref, dict) else None
    path, force = request.get("path"), request.get("force", False)
    cursor, limit = request.get("cursor"), request.get("limit")
    if not isinstance(force, bool) or not (limit is None or type(limit) is int):
        raise InvalidInput("force is true or false, limit a whole number.", code="invalid_lock")
    return LockRequest(_text(path), _text(name), force, _text(cursor) or None, limit)


def parse_page(limit: object, cursor: str | None) -> PageRequest:
    """Reads paging of locks; a limit of 0 or over the maximum means the maximum.

    Raises:
        InvalidInput: The limit is no number, or the cursor none of ours.
    """
    try:
        number = int(str(limit)) if limit is not None else 100
    except ValueError:
        raise InvalidInput("limit must be a whole number.", code="invalid_limit") from None
    if number < 0:
        raise InvalidInput("limit must not be negative.", code="invalid_limit")
    return PageRequest.parse(min(number or _MAX_LOCKS, _MAX_LOCKS), cursor)


def _text(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise InvalidInput("path, cursor and ref.name are strings.", code="invalid_lock")
    return value


def _wanted(item: object) -> Wanted:
    oid = item.get("oid") if isinstance(item, dict) else None
    size = item.get("size") if isinstance(item, dict) else None
    shown = oid[:80] if isinstance(oid, str) else ""
    try:
        parsed = Oid.parse(oid)
    except InvalidInput as error:
        return Wanted(shown, size if type(size) is int and size >= 0 else 0, error.message)
    if type(size) is not int or not 0 <= size <= MAX_SIZE:
        return Wanted(parsed, 0, "size must be a whole number of bytes, 0 or more.")
    return Wanted(parsed, size)


def _object(body: object) -> dict[str, object]:
    if not isinstance(body, dict):
        raise InvalidInput("The body must be a JSON object.", code="invalid_body")
    return body
