"""The hub's signing key: made once, kept private, never forgotten."""

from __future__ import annotations

import stat
import subprocess
import threading
from pathlib import Path

import pytest

from modelkeep.domain.errors import Unavailable
from modelkeep.identity.hub_keys import HubKeys, load_hub_keys
from modelkeep.identity.ssh_signatures import read_signature


def _key(path: Path, *options: str) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path, *options], check=True)
    return path


def test_the_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    first = load_hub_keys(tmp_path)
    assert stat.S_IMODE((tmp_path / "signing.key").stat().st_mode) == 0o600
    again = load_hub_keys(tmp_path)
    assert again.public == first.public
    assert again.sign(b"x") == first.sign(b"x")
    shown = subprocess.run(
        ["ssh-keygen", "-y", "-f", tmp_path / "signing.key"], capture_output=True, check=True
    )
    assert shown.stdout.decode().split()[:2] == first.public[0].text.split()
    assert (tmp_path / "signing-keys.pub").read_text().count("ssh-ed25519") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["signing-keys.pub", "signing.key"]


def test_processes_that_start_at_once_get_one_key(tmp_path: Path) -> None:
    found: list[HubKeys] = []
    barrier = threading.Barrier(8)

    def start() -> None:
        barrier.wait()
        found.append(load_hub_keys(tmp_path))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({keys.public for keys in (*found, load_hub_keys(tmp_path))}) == 1


def test_a_new_key_leaves_the_old_one_known_until_its_line_is_gone(tmp_path: Path) -> None:
    old = load_hub_keys(tmp_path).public
    (tmp_path / "signing.key").unlink()
    new = load_hub_keys(tmp_path)
    assert new.public[:1] == old
    assert len(new.public) == 2
    signature = read_signature(new.sign(b"x"))
    assert signature is not None
    assert signature.fingerprint == new.public[-1].fingerprint
    listed = tmp_path / "signing-keys.pub"
    lines = [line for line in listed.read_text().splitlines() if old[0].text not in line]
    listed.write_text("\n".join(lines) + "\n")
    assert load_hub_keys(tmp_path).public == new.public[1:]


def test_a_key_that_comes_back_is_the_present_one(tmp_path: Path) -> None:
    one, other = _key(tmp_path / "one"), _key(tmp_path / "other")
    first = load_hub_keys(tmp_path, one).public
    both = load_hub_keys(tmp_path, other).public
    assert load_hub_keys(tmp_path, one).public == (both[1], first[0])
    assert (tmp_path / "signing-keys.pub").read_text().count("ssh-ed25519") == 2
    assert not (tmp_path / "signing.key").exists()


def test_a_hub_that_does_not_sign_knows_what_it_signed(tmp_path: Path) -> None:
    assert load_hub_keys(tmp_path, signs=False) == HubKeys()
    assert list(tmp_path.iterdir()) == []
    signed = load_hub_keys(tmp_path)
    silent = load_hub_keys(tmp_path, signs=False)
    assert silent.public == signed.public
    assert silent.sign(b"x") == b""


def test_an_unusable_key_file_is_named_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "noise").write_bytes(b"\xff" * 100)
    _key(tmp_path / "locked", "-N", "secret")
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", tmp_path / "ecdsa"], check=True)
    for name in ("missing", "empty", "noise", "locked", "ecdsa"):
        before = (tmp_path / name).read_bytes() if name != "missing" else None
        with pytest.raises(Unavailable, match=name) as caught:
            load_hub_keys(tmp_path, tmp_path / name)
        assert caught.value.code == "key_unavailable"
        assert before is None or (tmp_path / name).read_bytes() == before
    assert not (tmp_path / "signing-keys.pub").exists()


def test_a_damaged_list_is_named_by_line(tmp_path: Path) -> None:
    load_hub_keys(tmp_path)
    with (tmp_path / "signing-keys.pub").open("a") as file:
        file.write("ssh-ed25519 AAAA\n")
    with pytest.raises(Unavailable, match="line 4"):
        load_hub_keys(tmp_path)
