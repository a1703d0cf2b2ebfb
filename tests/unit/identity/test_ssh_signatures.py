"""Signatures that ssh-keygen itself accepts, and a reader that no bytes break."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.identity import ssh_signatures
from modelkeep.identity.ssh_keys import fingerprint, string

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = f"ssh-ed25519 {base64.b64encode(ssh_signatures.public_blob(KEY)).decode()}"
BLOCK = ssh_signatures.sign(KEY, b"payload\n")


def _check(folder: Path, payload: bytes, block: bytes, namespace: str = "git") -> int:
    (folder / "signers").write_text(f'hub namespaces="{namespace}" {PUBLIC}\n')
    (folder / "sig").write_bytes(block)
    line = ["ssh-keygen", "-Y", "verify", "-f", str(folder / "signers"), "-I", "hub", "-n", namespace]
    return subprocess.run([*line, "-s", str(folder / "sig")], input=payload, capture_output=True).returncode


def test_ssh_keygen_accepts_what_was_signed_and_nothing_else(tmp_path: Path) -> None:
    assert _check(tmp_path, b"payload\n", BLOCK) == 0
    assert _check(tmp_path, b"payload!\n", BLOCK) != 0
    assert _check(tmp_path, b"payload\n", BLOCK, "file") != 0


def test_it_looks_as_ssh_keygen_writes_it(tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    made = subprocess.run(
        ["ssh-keygen", "-Y", "sign", "-n", "git", "-f", tmp_path / "key"],
        input=b"payload\n",
        capture_output=True,
        check=True,
    ).stdout
    assert [len(line) for line in BLOCK.splitlines()] == [len(line) for line in made.splitlines()]
    assert BLOCK.endswith(b"-----\n")
    read = ssh_signatures.read_signature(made)
    text = (tmp_path / "key.pub").read_text()
    assert read == ssh_signatures.SshSignature(fingerprint(base64.b64decode(text.split()[1])), "git")


def _armoured(blob: bytes) -> bytes:
    return b"-----BEGIN SSH SIGNATURE-----\n" + base64.b64encode(blob) + b"\n-----END SSH SIGNATURE-----\n"


def _blob(
    *, version: int = 1, namespace: bytes = b"git", digest: bytes = b"sha512", more: bytes = b""
) -> bytes:
    parts = [ssh_signatures.public_blob(KEY), namespace, b"", digest, b"signature"]
    return b"SSHSIG" + version.to_bytes(4, "big") + b"".join(map(string, parts)) + more


def test_a_signature_says_whose_and_what_for() -> None:
    whose = fingerprint(ssh_signatures.public_blob(KEY))
    assert ssh_signatures.read_signature(BLOCK) == ssh_signatures.SshSignature(whose, "git")
    assert ssh_signatures.read_signature(BLOCK + b"\n \n") is not None
    other = ssh_signatures.read_signature(_armoured(_blob(namespace=b"file")))
    assert other == ssh_signatures.SshSignature(whose, "file")


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"-----BEGIN PGP SIGNATURE-----\n\nabcd\n-----END PGP SIGNATURE-----\n",
        b"-----BEGIN SSH SIGNATURE-----\n",
        BLOCK.replace(b"\n", b"\r\n"),
        BLOCK + b"what nobody signed\n",
        BLOCK + BLOCK,
        BLOCK.replace(b"U1NI", b"U1N!", 1),
        _armoured(b""),
        _armoured(b"SSHSIG"),
        _armoured(_blob(version=2)),
        _armoured(_blob(digest=b"md5")),
        _armoured(_blob(namespace=b"\xff")),
        _armoured(_blob(more=b"x")),
        _armoured(_blob(more=string(b"x"))),
        _armoured(_blob()[:-1]),
        _armoured(_blob(namespace=b"git" * 20_000)),
    ],
)
def test_what_is_no_signature_of_this_form_is_none(block: bytes) -> None:
    assert ssh_signatures.read_signature(block) is None


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(_armoured)))
def test_no_bytes_break_the_reader(block: bytes) -> None:
    ssh_signatures.read_signature(block)


@given(st.binary(max_size=300))
def test_every_signature_is_read_back(payload: bytes) -> None:
    read = ssh_signatures.read_signature(ssh_signatures.sign(KEY, payload))
    assert read is not None
    assert read.namespace == ssh_signatures.NAMESPACE
