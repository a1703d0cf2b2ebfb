"""What is known about the signature of a tag, and about the public keys of users."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

HUB_SIGNER = "hub"
"""The signer's name in :class:`SignatureState` where it is the hub itself; no user can have it."""


class SignatureStatus(StrEnum):
    """How a tag is signed.

    ``bad``: the signature does not fit the tag, or is no SSH signature of Git's. ``unknown_key``: the key belongs to
    nobody here (any more), so nothing is said about the tag. ``good``: it fits, and the key is known.
    """

    NONE = "none"
    GOOD = "good"
    BAD = "bad"
    UNKNOWN_KEY = "unknown_key"


@dataclass(frozen=True, slots=True)
class SignatureState:
    """The signature of one tag.

    Attributes:
        status: What was found.
        signer: Whose key it is: a user's name, or :data:`HUB_SIGNER`; None unless the key is known. The tagger's name
            in the tag may be another: that is what the tag says, this is who signed it.
        user_id: The user's number; None for the hub and where the key is unknown.
        fingerprint: Of the key that the signature names, ``SHA256:…``; None without a readable SSH signature.
    """

    status: SignatureStatus
    signer: str | None = None
    user_id: int | None = None
    fingerprint: str | None = None

    @property
    def is_good(self) -> bool:
        """Whether the tag is what a known signer signed."""
        return self.status is SignatureStatus.GOOD

    @property
    def is_hubs(self) -> bool:
        """Whether the key is one of the hub's own.

        The hub signs what it makes for whoever may have it made, in any repo: such a tag that arrives by a push was
        made elsewhere, and says nothing about the pusher's rights here.
        """
        return self.signer == HUB_SIGNER and self.user_id is None


UNSIGNED = SignatureState(SignatureStatus.NONE)


@dataclass(frozen=True, slots=True)
class UserKey:
    """A public SSH key of a user.

    Attributes:
        id: Its number.
        user_id: Whose it is.
        username: The user's name.
        name: What the user calls it.
        type: Such as ``ssh-ed25519``.
        key: The key as OpenSSH writes it, type and base64, without a comment.
        fingerprint: ``SHA256:…``.
        created_at: When it was added.
        removed_at: When the user took it away; tags dated before stay verifiable. None while it is in use.
        is_revoked: Nothing that it signed counts, whenever that was.
        is_user_disabled: The account is shut: no new tag of its keys counts.
    """

    id: int
    user_id: int
    username: str
    name: str
    type: str
    key: str
    fingerprint: str
    created_at: datetime
    removed_at: datetime | None
    is_revoked: bool
    is_user_disabled: bool

    @property
    def is_in_use(self) -> bool:
        """Whether new tags may be signed with it."""
        return self.removed_at is None and not self.is_revoked and not self.is_user_disabled
