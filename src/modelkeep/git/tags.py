"""Tags: write annotated tag objects, and read all of a repository's with their raw content."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

import pygit2
from pygit2.enums import ObjectType

from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.objects import RawTag, Signature
from modelkeep.git import process, ref_files
from modelkeep.git.library import check_id, kind_of, open_repository, read_object, translated
from modelkeep.git.object_format import (
    CONTENT_LIMIT,
    ParsedTag,
    format_message,
    format_signature,
    named_object,
    parse_tag_object,
)
from modelkeep.git.paths import show
from modelkeep.git.refs import is_valid_name, read_refs

__all__ = ["MISSING", "ParsedTag", "create_tag_object", "parse_tag_object", "raw_tag", "read_tags"]

MISSING = "missing"
"""The kind of an object that is not in the repository, or cannot be read, in :class:`RawTag`."""

_TAGS = "refs/tags/"
_MAX_DEPTH = 50
_BATCH_FROM = 300  # tags; below, reading in process beats starting git


def create_tag_object(
    git_dir: Path, *, name: str, target_commit: str, tagger: Signature, message: str
) -> str:
    """Writes an annotated tag object and returns its id; it is on disk, but no ref points to it yet.

    The tagger's own offset and second are kept; the message ends with one line feed.

    Raises:
        InvalidInput: The name cannot be a tag's, the target is no commit of this repository, or the tagger's time or
            the message is unusable.
    """
    if not is_valid_name(_TAGS + name):
        raise InvalidInput(f"{name[:200]!a} cannot be the name of a tag.", code="invalid_ref_name")
    repository = open_repository(git_dir)
    if kind_of(repository, check_id(target_commit)) != "commit":
        raise InvalidInput(f"There is no commit {target_commit} in this repo.", code="invalid_ref_target")
    head = f"object {target_commit}\ntype commit\ntag {name}\ntagger ".encode()
    content = head + format_signature(tagger) + b"\n\n" + format_message(message)
    with translated("write the tag"):
        return str(repository.odb.write(ObjectType.TAG, content))


def read_tags(git_dir: Path, names: Sequence[str] | None = None) -> Generator[RawTag, None, None]:
    """All tags sorted by name, or those of ``names`` (without ``refs/tags/``) that exist, in that order.

    Broken ones are reported with :data:`MISSING` kinds, never raised. Of an object over 1 MiB only the beginning is
    given. The objects are read while one iterates.
    """
    targets: list[tuple[str, str]]
    if names is None:
        found = ref_files.read_all(git_dir, (_TAGS,))
        targets = [(show(name[len(_TAGS) :]), target.decode()) for name, (target, _) in sorted(found.items())]
    else:
        refs = read_refs(git_dir, (_TAGS + name for name in names))
        targets = [(ref.short_name, ref.target) for ref in refs.values()]
    if not targets:
        return
    repository = open_repository(git_dir)
    kinds: dict[str, str] = {}
    with _contents(git_dir, repository, targets) as content_of:
        for name, target in targets:
            yield _raw_tag(repository, name, target, content_of, kinds)


def raw_tag(repository: pygit2.Repository, name: str, target: str) -> RawTag:
    """One tag whose ref (``name`` is without ``refs/tags/``) points to ``target``; the ref itself is not looked at."""
    return _raw_tag(repository, name, target, lambda tag_id: _read_tag(repository, tag_id), {})


def _raw_tag(
    repository: pygit2.Repository,
    name: str,
    target: str,
    content_of: Callable[[str], bytes | None],
    kinds: dict[str, str],
) -> RawTag:
    content = content_of(target)
    if content is None:
        kind = _kind(repository, target, kinds)
        return RawTag(name, target, kind, None, target, kind, target, kind)
    direct_id, direct_type = named_object(content) or (target, MISSING)
    peeled_id, depth = direct_id, 0
    peeled_type = _kind(repository, direct_id, kinds) if direct_type != MISSING else MISSING
    while peeled_type == "tag" and depth < _MAX_DEPTH:
        named = named_object(_read_tag(repository, peeled_id) or b"")
        peeled_id, depth = (named[0] if named else peeled_id), depth + 1
        peeled_type = _kind(repository, peeled_id, kinds) if named else MISSING
    return RawTag(name, target, "tag", content, direct_id, direct_type, peeled_id, peeled_type)


def _kind(repository: pygit2.Repository, object_id: str, kinds: dict[str, str]) -> str:
    if object_id not in kinds:
        kinds[object_id] = kind_of(repository, object_id) or MISSING
    return kinds[object_id]


def _read_tag(repository: pygit2.Repository, tag_id: str) -> bytes | None:
    """The content of a tag object; None where this is none."""
    if kind_of(repository, tag_id) != "tag":
        return None
    return read_object(repository, tag_id, "tag")[:CONTENT_LIMIT]


@contextlib.contextmanager
def _contents(
    git_dir: Path, repository: pygit2.Repository, targets: Sequence[tuple[str, str]]
) -> Iterator[Callable[[str], bytes | None]]:
    """Gives a function that must be asked for the ``targets`` in their order."""
    if len(targets) < _BATCH_FROM:
        yield lambda tag_id: _read_tag(repository, tag_id)
        return
    # Asked once per target, only for tag objects: the content of a blob that a tag points to is not wanted.
    wanted = [target for _, target in targets if kind_of(repository, target) == "tag"]
    waiting = iter(wanted)
    expected = next(waiting, None)
    with process.stream(
        ["cat-file", "--batch", "--buffer"],
        git_dir=git_dir,
        input="".join(f"{i}\n" for i in wanted).encode(),
        timeout=600,
    ) as output:

        def content_of(tag_id: str) -> bytes | None:
            nonlocal expected
            if tag_id != expected:
                return None
            expected = next(waiting, None)
            _, kind, size = output.readline().split()  # wanted objects exist: their headers were read
            content = output.read(int(size) + 1)[:-1]
            return content[:CONTENT_LIMIT] if kind == b"tag" else None

        yield content_of
