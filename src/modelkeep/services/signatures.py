"""Signatures of tags: the hub signs what it makes, and says of every tag whose key signed it."""

from __future__ import annotations

from pathlib import Path

from modelkeep.domain.access import Actor
from modelkeep.domain.signatures import UNSIGNED, SignatureState
from modelkeep.services.ports import Stores


class Signatures:
    """Signs tags with the hub's key, and verifies tags with Git itself."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    def sign(self, payload: bytes) -> bytes:
        """The armoured SSH signature of a tag object's content, to be appended; empty where signing is off."""
        return b""

    def verify(self, git_dir: Path, quarantine: Path | None, tag_id: str) -> SignatureState:
        """Judges a tag that arrives now: only keys in use count. Opens a read transaction of its own.

        Raises:
            Unavailable: ``ssh-keygen`` is missing or cannot run.
        """
        return UNSIGNED

    def signature_of(self, actor: Actor, namespace: str, name: str, tag: str) -> SignatureState:
        """Judges a tag of a repo, by its name without ``refs/tags/``: also keys that were in use at its date count.

        Raises:
            NotFound: There is no such repo or tag for this actor.
            Unavailable: ``ssh-keygen`` is missing or cannot run.
        """
        return UNSIGNED
