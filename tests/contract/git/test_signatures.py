"""Tags signed by the hub's means and by git's, verified by git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from modelkeep.domain.errors import InvalidInput, Unavailable
from modelkeep.git import refs, signatures, tags
from modelkeep.identity import ssh_signatures
from modelkeep.identity.hub_keys import HubKeys, load_hub_keys
from modelkeep.identity.ssh_keys import PublicKey, parse_public_key
from tests.contract.git.building import ADA, on_branch
from tests.contract.git.real_git import Git


@pytest.fixture
def own(tmp_path: Path) -> HubKeys:
    (tmp_path / "keys").mkdir()
    return load_hub_keys(tmp_path / "keys")


def _signed(git_dir: Path, own: HubKeys, name: str = "m@v1.0.0", message: str = "Registering") -> str:
    tip = on_branch(git_dir, {"a": b"1"})
    made = tags.create_tag_object(
        git_dir, name=name, target_commit=tip, tagger=ADA, message=message, sign=own.sign
    )
    refs.create_ref(git_dir, f"refs/tags/{name}", made)
    return made


def _verify(git_dir: Path, tag_id: str, key: PublicKey) -> bool:
    return signatures.verify(git_dir, None, tag_id, key.text, key.fingerprint)


def test_git_itself_accepts_a_tag_that_the_hub_made(
    git: Git, git_dir: Path, own: HubKeys, tmp_path: Path
) -> None:
    made = _signed(git_dir, own)
    (tmp_path / "signers").write_text(f'hub@modelkeep namespaces="git" {own.public[0].text}\n')
    config = ("-c", f"gpg.ssh.allowedSignersFile={tmp_path / 'signers'}")
    for command in (["verify-tag", "--raw"], ["tag", "-v"]):
        line = ["git", "--git-dir", str(git_dir), *config, *command, "m@v1.0.0"]
        done = subprocess.run(line, capture_output=True, check=True)
        assert b'Good "git" signature for hub@modelkeep with ED25519 key' in done.stderr
    shown = git(
        "--git-dir", git_dir, "for-each-ref", "--format=%(contents:subject)|%(contents:body)", "refs/tags"
    )
    assert shown == "Registering|"
    git("--git-dir", git_dir, "fsck", "--strict")
    assert _verify(git_dir, made, own.public[0])


def test_a_signature_fits_one_tag_and_one_key(git: Git, git_dir: Path, own: HubKeys, tmp_path: Path) -> None:
    made = _signed(git_dir, own)
    content = git("--git-dir", git_dir, "cat-file", "tag", made).encode() + b"\n"
    other = Ed25519PrivateKey.generate()
    stranger = ssh_signatures.public_blob(other)
    assert stranger not in content
    for changed in (
        content.replace(b"m@v1.0.0", b"m@v1.0.1"),
        content.replace(b"Registering", b"registering"),
        content.replace(b"Ada", b"Eva"),
        content.replace(b" +0545", b" +0545\nmore lines"),
        content.replace(b"\n\n", b"\n\n\n", 1),
    ):
        assert changed != content
        odd = git(
            "--git-dir", git_dir, "hash-object", "-t", "tag", "-w", "--literally", "--stdin", input=changed
        )
        assert not _verify(git_dir, odd, own.public[0])
    (tmp_path / "others").mkdir()
    assert not _verify(git_dir, made, load_hub_keys(tmp_path / "others").public[0])


def test_tags_in_quarantine_are_read_and_verified(git_dir: Path, own: HubKeys, tmp_path: Path) -> None:
    quarantine = tmp_path / "quarantine: odd"
    made = _signed(git_dir, own)
    source = git_dir / "objects" / made[:2] / made[2:]
    (quarantine / made[:2]).mkdir(parents=True)
    source.rename(quarantine / made[:2] / made[2:])
    assert signatures.read_signed(git_dir, None, made) is None
    read = signatures.read_signed(git_dir, quarantine, made)
    assert read is not None
    assert read.at == ADA.when.timestamp()
    key = own.public[0]
    assert signatures.verify(git_dir, quarantine, made, key.text, key.fingerprint)
    assert not signatures.verify(git_dir, None, made, key.text, key.fingerprint)


def test_what_is_no_signed_tag(git: Git, git_dir: Path) -> None:
    tip = on_branch(git_dir, {"a": b"1"})
    assert signatures.read_signed(git_dir, None, tip) is None
    assert signatures.read_signed(git_dir, None, "1" * 40) is None
    git("--git-dir", git_dir, "tag", "-a", "-m", "x", "plain", tip)
    plain = git("--git-dir", git_dir, "rev-parse", "plain")
    read = signatures.read_signed(git_dir, None, plain)
    assert read is not None
    assert (read.block, read.is_too_large) == (b"", False)
    huge = git("--git-dir", git_dir, "cat-file", "tag", "plain").encode() + b"x" * (1 << 20)
    odd = git("--git-dir", git_dir, "hash-object", "-t", "tag", "-w", "--literally", "--stdin", input=huge)
    read = signatures.read_signed(git_dir, None, odd)
    assert read is not None
    assert read.is_too_large


@pytest.mark.parametrize("kind", ["SSH SIGNATURE", "PGP SIGNATURE", "PGP MESSAGE", "SIGNED MESSAGE"])
def test_no_message_pretends_to_be_signed(git_dir: Path, own: HubKeys, kind: str) -> None:
    for message in (f"-----BEGIN {kind}-----", f"fine\r\n-----BEGIN {kind}-----\r\n\r\nabc"):
        with pytest.raises(InvalidInput) as caught:
            _signed(git_dir, own, message=message)
        assert caught.value.code == "invalid_message"


def test_a_message_may_speak_of_signatures(git_dir: Path, own: HubKeys) -> None:
    made = _signed(git_dir, own, message="The line -----BEGIN SSH SIGNATURE----- begins one\n\n -----BEGIN")
    assert _verify(git_dir, made, own.public[0])


def test_no_ssh_keygen_is_an_error_and_no_verdict(
    git_dir: Path, own: HubKeys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _signed(git_dir, own)
    folder = tmp_path / "bin"
    folder.mkdir()
    git_program = subprocess.run(["which", "git"], capture_output=True, check=True).stdout.decode().strip()
    (folder / "git").symlink_to(git_program)
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(Unavailable) as caught:
        _verify(git_dir, made, own.public[0])
    assert caught.value.code == "ssh_keygen_missing"
    fake = folder / "ssh-keygen"
    fake.write_text("#!/bin/sh\necho 'No user exists for uid 4711' >&2\nexit 255\n")
    fake.chmod(0o755)
    with pytest.raises(Unavailable) as caught:
        _verify(git_dir, made, own.public[0])
    assert caught.value.code == "ssh_keygen_failed"


def test_nothing_but_ssh_keygen_is_started(
    git: Git, git_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tip = on_branch(git_dir, {"a": b"1"})
    trap = tmp_path / "gpg"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path / 'started'}\n")
    trap.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    for kind in ("PGP SIGNATURE", "PGP MESSAGE"):
        content = (
            f"object {tip}\ntype commit\ntag x\ntagger A <a@b> 1 +0000\n\nx\n-----BEGIN {kind}-----\n\nabc\n"
        )
        odd = git("--git-dir", git_dir, "hash-object", "-t", "tag", "-w", "--stdin", input=content.encode())
        key = parse_public_key(
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
        )
        assert not _verify(git_dir, odd, key)
    assert not (tmp_path / "started").exists()
