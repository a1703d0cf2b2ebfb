"""Signatures of webhooks, against the text of Standard Webhooks, and secrets at rest."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.errors import Unavailable
from modelkeep.identity.sealing import Sealer
from modelkeep.identity.signing import Signer
from modelkeep.identity.webhook_signatures import new_secret, shown, signature


@given(
    secret=st.binary(min_size=24, max_size=64),
    name=st.text("abcdef0123456789-", min_size=1, max_size=36),
    timestamp=st.integers(0, 2**33),
    body=st.binary(max_size=200),
)
def test_a_signature_is_what_the_text_says(secret: bytes, name: str, timestamp: int, body: bytes) -> None:
    signed = f"{name}.{timestamp}.".encode() + body
    digest = hmac.new(base64.b64decode(shown(secret).removeprefix("whsec_")), signed, hashlib.sha256)
    assert signature(secret, name, timestamp, body) == "v1," + base64.b64encode(digest.digest()).decode()


def test_an_example_of_the_standards_own_libraries() -> None:
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_example_in_the_documentation_verifies() -> None:
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "webhooks.md").read_text("utf-8")
    example = page.partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102 - our own page
    secret, body, now = new_secret(), b'{"id": 1}', int(time.time())
    headers = {
        "webhook-id": "id-1",
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,bm90 v2,x {signature(secret, 'id-1', now, body)}",
    }
    verify: Callable[..., None] = names["verify"]
    verify(shown(secret), headers, body)
    for changed, sent in (
        (headers, b'{"id": 2}'),
        ({**headers, "webhook-id": "id-2"}, body),
        ({**headers, "webhook-timestamp": str(now - 1)}, body),
        ({**headers, "webhook-timestamp": "1"}, body),
    ):
        with pytest.raises(ValueError, match=r"too old|not signed"):
            verify(shown(secret), changed, sent)


def test_secrets_are_random_and_of_the_standards_size() -> None:
    secrets = {new_secret() for _ in range(20)}
    assert len(secrets) == 20
    assert all(24 <= len(secret) <= 64 for secret in secrets)


@given(st.binary(max_size=100))
def test_a_sealed_secret_opens_with_its_key_alone(secret: bytes) -> None:
    signer = Signer(b"k" * 32)
    sealer = Sealer(signer.derive("webhooks"))
    sealed = sealer.seal(secret)
    assert sealer.open(sealed) == secret
    assert sealed != sealer.seal(secret)
    assert len(secret) < 8 or secret not in sealed
    for other in (signer.derive("another purpose"), Signer(b"l" * 32).derive("webhooks")):
        with pytest.raises(Unavailable):
            Sealer(other).open(sealed)


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" * 20, b"\x02" * 60])
def test_what_was_never_sealed_does_not_open(sealed: bytes) -> None:
    with pytest.raises(Unavailable) as caught:
        Sealer(b"k" * 32).open(sealed)
    assert caught.value.code == "secret_unreadable"
