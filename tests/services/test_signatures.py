"""The hub's signing over its life: switched off and on, a key of one's own, a new key; and verifying once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from modelkeep.domain.errors import NotFound
from modelkeep.domain.signatures import SignatureState
from modelkeep.server.wiring import Hub, open_hub
from modelkeep.services.accounts import local_administrator
from modelkeep.settings import Settings
from tests.support.ssh import SshKey

LOCAL = local_administrator("test")


@contextmanager
def _hub(data: Path, **settings: Any) -> Iterator[Hub]:
    with open_hub(Settings(data=data, **settings)) as hub:
        yield hub


def _begin(hub: Hub) -> None:
    hub.accounts.create(LOCAL, name="ada")
    hub.organisations.create(LOCAL, "acme", members=[])
    hub.repos.create(LOCAL, "acme", "churn")


def _tag(hub: Hub, name: str) -> SignatureState:
    hub.commits.create_tag(LOCAL, "acme", "churn", name, "main", message="Made here")
    return _state(hub, name)


def _state(hub: Hub, name: str) -> SignatureState:
    return hub.signatures.signature_of(LOCAL, "acme", "churn", name)


def test_signing_is_switched_off_and_on(tmp_path: Path) -> None:
    with _hub(tmp_path, sign_tags=False) as hub:
        _begin(hub)
        assert _tag(hub, "one").status == "none"
        with pytest.raises(NotFound) as caught:
            hub.signatures.hub_key()
        assert caught.value.code == "no_signing_key"
        assert len(hub.signatures.allowed_signers(LOCAL, "acme", "churn").splitlines()) == 1
    with _hub(tmp_path) as hub:
        assert _state(hub, "one").status == "none"
        assert _tag(hub, "two").is_good
    with _hub(tmp_path, sign_tags=False) as hub:
        assert _tag(hub, "three").status == "none"
        assert _state(hub, "two").is_hubs
        assert _state(hub, "two").fingerprint == hub.signatures.hub_key().key.fingerprint


def test_a_new_key_leaves_what_the_old_one_signed(tmp_path: Path) -> None:
    keys = [SshKey(tmp_path / "keys", f"key{number}") for number in range(2)]
    for number, key in enumerate(keys):
        with _hub(tmp_path / "data", signing_key_file=key.path) as hub:
            if number == 0:
                _begin(hub)
            assert _tag(hub, f"tag{number}").fingerprint == key.fingerprint
            assert hub.signatures.hub_key().key.fingerprint == key.fingerprint
            assert not (tmp_path / "data" / "signing.key").exists()
    with _hub(tmp_path / "data", signing_key_file=keys[1].path) as hub:
        assert [_state(hub, f"tag{number}").fingerprint for number in range(2)] == [
            key.fingerprint for key in keys
        ]
        assert all(_state(hub, f"tag{number}").is_good for number in range(2))
        signers = hub.signatures.allowed_signers(LOCAL, "acme", "churn")
        assert [line.split()[3] for line in signers.splitlines()[1:]] == [
            key.public.split()[1] for key in keys
        ]
    listed = tmp_path / "data" / "signing-keys.pub"
    listed.write_text(f"{keys[1].public}")
    with _hub(tmp_path / "data", signing_key_file=keys[1].path) as hub:
        assert _state(hub, "tag0").status == "unknown_key"


def test_a_verdict_is_remembered_and_still_follows_the_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _hub(tmp_path) as hub:
        _begin(hub)
        good = _tag(hub, "one")
        monkeypatch.setenv("PATH", str(tmp_path))  # neither git nor ssh-keygen from here on
        assert _state(hub, "one") == good
        assert good.is_good
    (tmp_path / "signing-keys.pub").unlink()
    with _hub(tmp_path, sign_tags=False) as hub:
        assert _state(hub, "one").status == "unknown_key"
