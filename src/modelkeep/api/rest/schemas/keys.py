"""Public SSH keys, and signatures made with them."""

from __future__ import annotations

from pydantic import Field

from modelkeep.api.rest.schemas.base import Answer, Moment, Sent
from modelkeep.domain.signatures import SignatureStatus


class Key(Answer):
    """A public key of a user."""

    id: int
    name: str
    fingerprint: str = Field(description="`SHA256:…`, as `ssh-keygen -l` shows it.")
    type: str = Field(description="Such as `ssh-ed25519`.")
    key: str = Field(description="The key as OpenSSH writes it, without a comment.")
    created_at: Moment
    removed_at: Moment | None = Field(description="Null while the key is in use.")
    is_revoked: bool = Field(description="Whether nothing that it signed counts.")


class NewKey(Sent):
    """A public key to add."""

    name: str = Field("", description="What to call it; the key's comment if left out.")
    key: str = Field(description="One line, such as `ssh-ed25519 AAAA… you@host`.")


class SigningKey(Answer):
    """The public key that the hub signs tags with."""

    key: str = Field(description="As OpenSSH writes it, without a comment.")
    fingerprint: str
    principal: str = Field(description="The name of the signer that Git shows for it.")


class TagSignature(Answer):
    """How a tag is signed."""

    status: SignatureStatus
    signer: str | None = Field(description="A user's name, or `hub`; null unless the key is known.")
    fingerprint: str | None
