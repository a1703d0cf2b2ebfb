"""Reads a card at a commit: the ``README.md`` at its root. What was read once is kept by the id of Git's object."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from modelkeep.domain.artifacts import Json
from modelkeep.domain.cards import Card
from modelkeep.domain.errors import ModelkeepError, NotFound
from modelkeep.domain.model_card import CARD_FILE, line_of_card, split_card
from modelkeep.domain.objects import EntryKind, TreeEntry
from modelkeep.git import trees
from modelkeep.services.memo import Memo
from modelkeep.services.yaml_tree import MAX_BYTES, YamlFault, read_yaml
from modelkeep.services.yaml_values import Values

_CARDS: Memo[str, Card] = Memo(32 << 20, lambda card: 1000 + 8 * len(card.text))


def read_card(git_dir: Path, commit: str) -> Card:
    """What the card at a commit says; nothing where there is none, or it cannot be read.

    Raises:
        NotFound: There is no such commit.
    """
    entry = _entry(git_dir, commit)
    if entry is None:
        return Card()
    if (entry.size or 0) > MAX_BYTES:
        return Card(problem=f"{CARD_FILE} is larger than {MAX_BYTES} bytes")
    blob_id = entry.id
    return _CARDS.get(blob_id, lambda: _read(git_dir, blob_id))


def read_card_text(git_dir: Path, commit: str) -> str:
    """The text of the card at a commit, as a check takes it: of one that is too large only its size counts.

    Raises:
        NotFound: There is no such commit.
    """
    entry = _entry(git_dir, commit)
    if entry is None:
        return ""
    if (entry.size or 0) > MAX_BYTES:
        return "#" * (MAX_BYTES + 1)
    return trees.read_blob(git_dir, entry.id, MAX_BYTES).decode("utf-8", "replace")


def parse_card(text: str) -> Card:
    """A card from its text; raises nothing."""
    front, body = split_card(text)
    if front is None:
        return Card(text=body)
    try:
        return Card(_values(front), body)
    except YamlFault as fault:
        line = line_of_card(text) + (fault.line or 1) - 1
        return Card(text=body, problem=f"{fault.reason} (line {line})")


def _entry(git_dir: Path, commit: str) -> TreeEntry | None:
    entry = trees.entry(git_dir, commit, CARD_FILE)
    if entry is None or entry.kind is not EntryKind.FILE or entry.lfs_oid is not None:
        return None
    return entry


def _read(git_dir: Path, blob_id: str) -> Card:
    try:
        content = trees.read_blob(git_dir, blob_id, MAX_BYTES)
    except NotFound:
        raise
    except ModelkeepError as error:
        return Card(problem=error.message)
    return parse_card(content.decode("utf-8", "replace"))


def _values(front: str) -> Mapping[str, Json]:
    root = read_yaml(front.encode("utf-8", "replace")).root
    value = Values().of(root) if root is not None else None
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise YamlFault("not_a_mapping", "it is no mapping of names to values", 1)
    return value
