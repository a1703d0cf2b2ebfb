"""Tags: write annotated tag objects, and read all of a repository's with their raw content."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pygit2
from pygit2.enums import ObjectType

from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.objects import RawTag, Ref, Signature
from modelkeep.git import ref_files
from modelkeep.git.library import check_id, kind_of, open_repository, translated
from modelkeep.git.object_format import (
    CONTENT_LIMIT,
    ParsedTag,
    format_message,
    format_signature,
    named_object,
    parse_tag_object,
    signature_start,
)
from modelkeep.git.paths import show
from modelkeep.git.refs import MAX_TAGS_OF_TAGS, PREFIXES, Peeler, is_valid_name, read_refs

__all__ = [
    "MISSING",
    "ParsedTag",
    "create_tag_object",
    "parse_tag_object",
    "raw_tag",
    "read_tags",
    "tags_at",
    "walk_refs",
]

MISSING = "missing"
"""The kind of an object that is not in the repository, or cannot be read, in :class:`RawTag`."""

_TAGS = "refs/tags/"


def create_tag_object(
    git_dir: Path,
    *,
    name: str,
    target_commit: str,
    tagger: Signature,
    message: str,
    sign: Callable[[bytes], bytes] | None = None,
) -> str:
    """Writes an annotated tag object and returns its id; it is on disk, but no ref points to it yet.

    The tagger's own offset and second are kept; the message ends with one line feed. What ``sign`` makes of all that
    is appended, as ``git tag -s`` does.

    Raises:
        InvalidInput: The name cannot be a tag's, the target is no commit of this repository, or the tagger's time or
            the message is unusable (or has a line that Git takes for the beginning of a signature).
    """
    if not is_valid_name(_TAGS + name):
        raise InvalidInput(f"{name[:200]!a} cannot be the name of a tag.", code="invalid_ref_name")
    repository = open_repository(git_dir)
    if kind_of(repository, check_id(target_commit)) != "commit":
        raise InvalidInput(f"There is no commit {target_commit} in this repo.", code="invalid_ref_target")
    head = f"object {target_commit}\ntype commit\ntag {name}\ntagger ".encode()
    text = format_message(message)
    if signature_start(text) != len(text):
        raise InvalidInput(
            "A message has no line that begins as a signature does (-----BEGIN …): Git would take the rest for one.",
            code="invalid_message",
        )
    content = head + format_signature(tagger) + b"\n\n" + text
    if sign is not None:
        content += sign(content)
    with translated("write the tag"):
        return str(repository.odb.write(ObjectType.TAG, content))


def read_tags(git_dir: Path, names: Sequence[str] | None = None) -> Iterator[RawTag]:
    """All tags sorted by name, or those of ``names`` (without ``refs/tags/``) that exist, in that order.

    Broken ones are reported with :data:`MISSING` kinds, never raised. Of an object over 1 MiB only the beginning is
    given. The objects are read while one iterates.
    """
    if names is None:
        found = ref_files.read_all(git_dir, (_TAGS,))
        targets = [(show(name[len(_TAGS) :]), target.decode()) for name, (target, _) in sorted(found.items())]
        return _raw_tags(git_dir, targets)
    return tags_at(git_dir, read_refs(git_dir, (_TAGS + name for name in names)).values())


def tags_at(git_dir: Path, refs: Iterable[Ref]) -> Iterator[RawTag]:
    """The tags that these refs, which were read before, are: as :func:`read_tags`."""
    return _raw_tags(git_dir, ((ref.short_name, ref.target) for ref in refs))


def walk_refs(git_dir: Path) -> Iterator[tuple[Ref, RawTag | None]]:
    """All branches and tags sorted by name, a tag with what :func:`read_tags` says of it.

    One pass: each ref is read once, and each tag object once. The objects are read while one iterates.
    """
    found = ref_files.read_all(git_dir, PREFIXES)
    repository = open_repository(git_dir)
    kinds: dict[str, str] = {}
    peeler = Peeler(repository)
    for raw_name, (raw_target, peeled) in sorted(found.items()):
        name, target = show(raw_name), raw_target.decode()
        if name.startswith(_TAGS):
            tag = _raw_tag(repository, name[len(_TAGS) :], target, kinds)
            yield Ref(name, target, tag.peeled_id if tag.peeled_type == "commit" else None), tag
        else:
            yield Ref(name, target, peeler.commit_of(target, peeled)), None


def raw_tag(repository: pygit2.Repository, name: str, target: str) -> RawTag:
    """One tag whose ref (``name`` is without ``refs/tags/``) points to ``target``; the ref itself is not looked at."""
    return _raw_tag(repository, name, target, {})


def _raw_tags(git_dir: Path, targets: Iterable[tuple[str, str]]) -> Iterator[RawTag]:
    repository = open_repository(git_dir)
    kinds: dict[str, str] = {}
    for name, target in targets:
        yield _raw_tag(repository, name, target, kinds)


def _raw_tag(repository: pygit2.Repository, name: str, target: str, kinds: dict[str, str]) -> RawTag:
    kind = _kind(repository, target, kinds)
    content = _read_tag(repository, target) if kind == "tag" else None
    if content is None:
        return RawTag(name, target, kind, None, target, kind, target, kind)
    direct_id, direct_type = named_object(content) or (target, MISSING)
    peeled_id, depth = direct_id, 0
    peeled_type = _kind(repository, direct_id, kinds) if direct_type != MISSING else MISSING
    while peeled_type == "tag" and depth < MAX_TAGS_OF_TAGS - 1:
        named = named_object(_read_tag(repository, peeled_id) or b"")
        peeled_id, depth = (named[0] if named else peeled_id), depth + 1
        peeled_type = _kind(repository, peeled_id, kinds) if named else MISSING
    return RawTag(name, target, "tag", content, direct_id, direct_type, peeled_id, peeled_type)


def _kind(repository: pygit2.Repository, object_id: str, kinds: dict[str, str]) -> str:
    kind = kinds.get(object_id)
    if kind is None:
        kind = kinds[object_id] = kind_of(repository, object_id) or MISSING
    return kind


def _read_tag(repository: pygit2.Repository, tag_id: str) -> bytes | None:
    """The content of what was seen to be a tag object; None where it cannot be read after all."""
    try:
        kind, content = repository.odb.read(tag_id)
    except (pygit2.GitError, KeyError, ValueError, OSError):
        return None
    return content[:CONTENT_LIMIT] if kind == ObjectType.TAG else None
