"""The bytes of commit and tag objects: a lenient, bounded reader of what others wrote, and a strict writer.

Format: Git's documentation of ``git hash-object -t commit|tag`` as checked by ``fsck.c``. Nothing here raises on
foreign bytes; what cannot be used is reported with a reason.
"""

from __future__ import annotations

import contextlib
import functools
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.objects import Commit, Signature

CONTENT_LIMIT = 1 << 20
"""Of a larger object, only this much of the beginning is read."""

MESSAGE_LIMIT = 512 << 10

_MAX_SECONDS = 253_370_764_800  # the year 9999 in UTC; datetime ends there
_ID = re.compile(rb"[0-9a-f]{40}")
_NAMED = re.compile(rb"object ([0-9a-f]{40})\ntype (commit|tree|blob|tag)\n")
_USUAL_TAG = re.compile(rb"object [^\n]*\ntype [^\n]*\ntag ([^\n]*)\ntagger ([^\n]*)")
_SIGNATURE = re.compile(rb"([^<>\n]*)<([^<>\n]*)>[ ]*(\d{1,20})(?:[ ]+([+-])(\d{2})(\d{2}))?[ ]*")
_IDENTITY = re.compile(r"(.+)\s+<(.+)>")
_SIGNATURE_START = re.compile(
    rb"^-----BEGIN (?:PGP SIGNATURE|PGP MESSAGE|SIGNED MESSAGE|SSH SIGNATURE)-----", re.MULTILINE
)
_UNSAFE = re.compile(r"[<>\x00-\x1f\x7f]")
# Other names of codecs are not looked up: some of Python's are no text encodings, or slow on purpose-made input.
_ENCODING = re.compile(
    r"(?:iso-?8859-|latin-?|windows-|cp|koi8-|gb|big5|euc-|shift[-_]?jis)[0-9a-z-]{0,8}", re.IGNORECASE
)
# Git trims these at both ends of a name (ident.c, crud).
_CRUD = " .,:;\"'\\"


@dataclass(frozen=True, slots=True)
class ParsedTag:
    """What a tag object says.

    Attributes:
        object: The id that it names; None where that line is missing or malformed.
        type: The kind of that object as the tag says; "" likewise.
        name: The tag's name as bytes, which need not be the ref's name.
        tagger: None where it is missing or unusable; then ``tagger_problem`` says why.
        message: Without a signature; None where there is none or it is not UTF-8; then ``message_problem`` says why.
        identity: Name and e-mail of the tagger to the letter, as dulwich (and so GTO) reads them; None where one of
            them is empty, or no blank stands between.
    """

    object: str | None
    type: str
    name: bytes
    tagger: Signature | None
    tagger_problem: str | None
    message: str | None
    message_problem: str | None
    identity: tuple[str, str] | None = None


def parse_tag_object(content: bytes) -> ParsedTag:
    """Reads a tag object, whoever wrote it; never raises. At most :data:`CONTENT_LIMIT` bytes are looked at."""
    content = content[:CONTENT_LIMIT]
    head, separator, body = content.partition(b"\n\n")
    usual = _USUAL_TAG.fullmatch(head)
    if usual:
        name, tagger_line = usual[1], usual[2]
    else:
        fields: dict[bytes, bytes] = {}
        for line in head.split(b"\n")[:64]:
            key, _, value = line.partition(b" ")
            fields.setdefault(key, value)
        name, tagger_line = fields.get(b"tag", b""), fields.get(b"tagger")
    named = named_object(content)
    tagger, tagger_problem = None, "it has no tagger"
    if tagger_line is not None:
        tagger, tagger_problem = parse_signature(tagger_line)
    message, message_problem = None, "it has no message"
    if separator:
        try:
            message, message_problem = body[: signature_start(body)].decode(), ""
        except UnicodeDecodeError:
            message_problem = "its message is not UTF-8"
    return ParsedTag(
        object=named[0] if named else None,
        type=named[1] if named else "",
        name=name,
        tagger=tagger,
        tagger_problem=tagger_problem or None,
        message=message,
        message_problem=message_problem or None,
        identity=_identity(tagger_line) if tagger is not None and tagger_line is not None else None,
    )


def signature_start(body: bytes) -> int:
    """Where the signature starts in the body of a tag (or the whole object); its length where there is none.

    It is at the last line that begins as one does, as Git has it (gpg-interface.c, parse_signed_buffer).
    """
    start = len(body)
    for start_of_line in _SIGNATURE_START.finditer(body):
        start = start_of_line.start()
    return start


def named_object(content: bytes) -> tuple[str, str] | None:
    """The id and kind in the first two lines of a tag object; None where they are malformed."""
    match = _NAMED.match(content)
    return (match[1].decode(), match[2].decode()) if match else None


def parse_signature(raw: bytes) -> tuple[Signature | None, str]:
    """Reads ``Name <e-mail> seconds +hhmm``; returns the signature and "", or None and what is wrong with it."""
    match = _SIGNATURE.fullmatch(raw[:4096])
    if not match:
        return None, "its tagger is not 'name <e-mail> time zone'"
    try:
        name, email = match[1].decode().strip(" "), match[2].decode().strip(" ")
    except UnicodeDecodeError:
        return None, "its tagger is not UTF-8"
    seconds = int(match[3])
    minutes = int(match[5] or 0) * 60 + int(match[6] or 0)
    if seconds >= _MAX_SECONDS or minutes >= 24 * 60:
        return None, "its tagger's date is out of range"
    zone = _zone(-minutes if match[4] == b"-" else minutes)
    return Signature(name, email, datetime.fromtimestamp(seconds, zone)), ""


def parse_commit_object(commit_id: str, content: bytes) -> Commit | None:
    """Reads a commit, whoever wrote it; None where it names no tree.

    Text that is not UTF-8 (nor in the encoding that the commit declares) has its bytes replaced; an unusable author or
    committer becomes its text with the time 0.
    """
    head, _, body = content[: 16 * CONTENT_LIMIT].partition(b"\n\n")
    tree, encoding = "", "utf-8"
    parents: list[str] = []
    people: dict[bytes, bytes] = {}
    for line in head.split(b"\n"):
        key, _, value = line.partition(b" ")
        if key == b"tree" and not tree and _ID.fullmatch(value):
            tree = value.decode()
        elif key == b"parent" and _ID.fullmatch(value):
            parents.append(value.decode())
        elif key in (b"author", b"committer"):
            people.setdefault(key, value)
        elif key == b"encoding":
            encoding = value.decode("ascii", "replace")
    if not tree:
        return None
    return Commit(
        id=commit_id,
        tree_id=tree,
        parents=tuple(parents),
        author=_lenient_signature(people.get(b"author", b""), encoding),
        committer=_lenient_signature(people.get(b"committer", b""), encoding),
        message=_decode(body, encoding),
    )


def format_signature(signature: Signature) -> bytes:
    """Writes ``Name <e-mail> seconds +hhmm`` so that ``git fsck --strict`` accepts it.

    Characters that Git cannot hold there are dropped; an empty name becomes the e-mail, an empty e-mail stays empty.

    Raises:
        InvalidInput: The time has no zone or is before 1970 or after 9998.
    """
    offset = signature.when.utcoffset()
    if offset is None or not 0 <= signature.when.timestamp() < _MAX_SECONDS:
        raise InvalidInput(
            "A signature's time needs a zone and lies between 1970 and 9998.", code="invalid_time"
        )
    email = _UNSAFE.sub("", signature.email).strip(_CRUD)
    name = _UNSAFE.sub("", signature.name).strip(_CRUD) or email or "unknown"
    minutes = int(offset.total_seconds() // 60)
    zone = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"
    return f"{name} <{email}> {int(signature.when.timestamp())} {zone}".encode("utf-8", "replace")


def format_message(message: str) -> bytes:
    """The message as Git stores it: with one line feed at the end.

    Raises:
        InvalidInput: It holds a NUL character, or is longer than 512 KiB.
    """
    raw = message.replace("\r\n", "\n").encode("utf-8", "replace")
    if b"\0" in raw or len(raw) > MESSAGE_LIMIT:
        raise InvalidInput("A message is at most 512 KiB long and has no NUL in it.", code="invalid_message")
    return raw.rstrip(b"\n") + b"\n"


def _identity(tagger_line: bytes) -> tuple[str, str] | None:
    match = _IDENTITY.match(tagger_line[: tagger_line.rindex(b">") + 1].decode("utf-8", "replace"))
    return (match[1], match[2]) if match else None


@functools.lru_cache(maxsize=256)
def _zone(minutes: int) -> timezone:
    return timezone(timedelta(minutes=minutes))


def _lenient_signature(raw: bytes, encoding: str) -> Signature:
    signature, _ = parse_signature(raw)
    if signature is None:
        signature, _ = parse_signature(_decode(raw, encoding).encode("utf-8", "replace"))
    if signature is None:
        name, _, rest = _decode(raw[:4096], encoding).partition("<")
        signature = Signature(name.strip(), rest.partition(">")[0].strip(), datetime.fromtimestamp(0, UTC))
    return signature


def _decode(raw: bytes, encoding: str) -> str:
    for name in ("utf-8", encoding):
        if name == "utf-8" or _ENCODING.fullmatch(name):
            with contextlib.suppress(UnicodeDecodeError, LookupError):
                return raw.decode(name)
    return raw.decode("utf-8", "replace")
