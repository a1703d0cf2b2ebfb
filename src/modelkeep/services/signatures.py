"""Signatures of tags: the hub signs what it makes, and says of every tag whose key signed it.

Which key a signature claims is read in process; whether it fits is Git's to say, and asked for known keys only. So a
tag by a stranger's key costs no process, and the answer does not depend on how many keys the hub knows.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from modelkeep.db import keys
from modelkeep.domain.access import Actor
from modelkeep.domain.errors import NotFound
from modelkeep.domain.signatures import (
    HUB_SIGNER,
    UNSIGNED,
    SignatureState,
    SignatureStatus,
    UserKey,
)
from modelkeep.git import refs, signatures
from modelkeep.identity.hub_keys import PRINCIPAL
from modelkeep.identity.ssh_keys import PublicKey
from modelkeep.identity.ssh_signatures import NAMESPACE, read_signature
from modelkeep.services.access import find_repo
from modelkeep.services.ports import Stores

_MOST_REMEMBERED = 10_000
_DATE = "%Y%m%d%H%M%SZ"


@dataclass(frozen=True, slots=True)
class HubKey:
    """The hub's present public key, and the name under which verifiers see it."""

    key: PublicKey
    principal: str = PRINCIPAL


class Signatures:
    """Signs tags with the hub's key, and verifies tags with Git itself."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._hub_keys = {key.fingerprint: key for key in stores.hub_keys.public}
        # Both are about bytes that their names fix (a tag's id, a key's fingerprint), so it never goes stale.
        self._fits: OrderedDict[tuple[str, str], bool] = OrderedDict()
        self._lock = threading.Lock()

    def sign(self, payload: bytes) -> bytes:
        """The armoured SSH signature of a tag object's content, to be appended; empty where signing is off."""
        return self._stores.hub_keys.sign(payload)

    def verify(self, git_dir: Path, quarantine: Path | None, tag_id: str) -> SignatureState:
        """Judges a tag that arrives now: only keys in use count. Opens a read transaction of its own.

        Args:
            git_dir: Of the repository.
            quarantine: Where the objects of a push are that is not accepted yet; None where it is in the repository.
            tag_id: Of the tag object; anything but a tag is unsigned.

        Raises:
            Unavailable: ``ssh-keygen`` is missing or cannot run, or the object cannot be read.
        """
        return self._judge(git_dir, quarantine, tag_id, is_new=True)

    def verify_kept(self, git_dir: Path, tag_id: str) -> SignatureState:
        """Judges a tag that was accepted before: keys count that were in use at the date that it names.

        The account of the signer may be disabled since. Raises what :meth:`verify` raises.
        """
        return self._judge(git_dir, None, tag_id, is_new=False)

    def signature_of(self, actor: Actor, namespace: str, name: str, tag: str) -> SignatureState:
        """Judges a tag of a repo as :meth:`verify_kept`, by its name without ``refs/tags/``.

        Raises:
            NotFound: There is no such repo or tag for this actor.
            Unavailable: As :meth:`verify`.
        """
        with self._stores.database.read() as tx:
            repo = find_repo(tx, actor, namespace, name).repo
        git_dir, ref = self._stores.repositories.path(repo.id), f"refs/tags/{tag}"
        present = refs.read_refs(git_dir, [ref]).get(ref) if refs.is_valid_name(ref) else None
        if present is None:
            raise NotFound(f"There is no tag '{tag}' in {repo.full_name}.", code="ref_not_found")
        return self.verify_kept(git_dir, present.target)

    def hub_key(self) -> HubKey:
        """The key that the hub signs with; where it does not sign any more, the last one.

        Raises:
            NotFound: It never signed.
        """
        public = self._stores.hub_keys.public
        if not public:
            raise NotFound("This hub does not sign tags.", code="no_signing_key")
        return HubKey(public[-1])

    def allowed_signers(self, actor: Actor, namespace: str, name: str) -> str:
        """A file for ``gpg.ssh.allowedSignersFile``: whose signatures count on tags of a repo.

        The hub's keys, and those of everybody who may write to the repo now; a key that its user removed, for what is
        dated before.

        Raises:
            NotFound: There is no such repo for this actor.
        """
        with self._stores.database.read() as tx:
            repo = find_repo(tx, actor, namespace, name).repo
            found = keys.writers_keys(tx, repo)
        lines = [f"# Whose signatures count on tags of {repo.full_name}. See ssh-keygen(1), ALLOWED SIGNERS."]
        lines += [f'{PRINCIPAL} namespaces="{NAMESPACE}" {key.text}' for key in self._stores.hub_keys.public]
        lines += [_line(key) for key in found if not key.is_user_disabled]
        return "\n".join(lines) + "\n"

    def _judge(self, git_dir: Path, quarantine: Path | None, tag_id: str, *, is_new: bool) -> SignatureState:
        tag = signatures.read_signed(git_dir, quarantine, tag_id)
        if tag is None or not (tag.block or tag.is_too_large):
            return UNSIGNED
        claimed = read_signature(tag.block)
        if claimed is None or claimed.namespace != NAMESPACE:
            return SignatureState(SignatureStatus.BAD)
        hubs = self._hub_keys.get(claimed.fingerprint)
        if hubs is not None:
            state = SignatureState(SignatureStatus.GOOD, HUB_SIGNER, None, claimed.fingerprint)
            key = hubs.text
        else:
            found = self._key(claimed.fingerprint, tag.at, is_new=is_new)
            if found is None:
                return SignatureState(SignatureStatus.UNKNOWN_KEY, None, None, claimed.fingerprint)
            state = SignatureState(SignatureStatus.GOOD, found.username, found.user_id, claimed.fingerprint)
            key = found.key
        if self._is_fitting(git_dir, quarantine, tag_id, key, claimed.fingerprint):
            return state
        return SignatureState(SignatureStatus.BAD, state.signer, state.user_id, claimed.fingerprint)

    def _key(self, fingerprint: str, at: float | None, *, is_new: bool) -> UserKey | None:
        with self._stores.database.read() as tx:
            key = keys.key_by_fingerprint(tx, fingerprint)
        if key is None or key.is_in_use:
            return key
        if is_new:
            return None
        removed = key.removed_at
        return key if removed is None or (at is not None and at < removed.timestamp()) else None

    def _is_fitting(
        self, git_dir: Path, quarantine: Path | None, tag_id: str, key: str, fingerprint: str
    ) -> bool:
        remembered = (tag_id, fingerprint)
        with self._lock:
            known = self._fits.get(remembered)
            if known is not None:
                self._fits.move_to_end(remembered)
                return known
        fits = signatures.verify(git_dir, quarantine, tag_id, key, fingerprint)
        with self._lock:
            self._fits[remembered] = fits
            while len(self._fits) > _MOST_REMEMBERED:
                self._fits.popitem(last=False)
        return fits


def _line(key: UserKey) -> str:
    until = f',valid-before="{key.removed_at.strftime(_DATE)}"' if key.removed_at is not None else ""
    return f'{key.username} namespaces="{NAMESPACE}"{until} {key.key}'
