"""Public keys: those that ssh-keygen makes are read, everything else is refused with what to do."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.errors import InvalidInput
from modelkeep.identity.ssh_keys import KEY_TYPES, LONGEST_KEY, parse_public_key, read_strings, string

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"


def _made(folder: Path, *options: str) -> str:
    path = folder / "_".join(options)
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-C", "ada@host", "-f", path, *options], check=True)
    return path.with_name(f"{path.name}.pub").read_text()


@pytest.mark.parametrize(
    "options",
    [
        ("-t", "ed25519"),
        ("-t", "ecdsa", "-b", "256"),
        ("-t", "ecdsa", "-b", "384"),
        ("-t", "ecdsa", "-b", "521"),
        ("-t", "rsa", "-b", "2048"),
    ],
)
def test_what_ssh_keygen_makes_is_read(tmp_path: Path, options: tuple[str, ...]) -> None:
    text = _made(tmp_path, *options)
    key = parse_public_key(text)
    assert f"{key.text} ada@host\n" == text
    assert (key.type, key.comment) == (text.split()[0], "ada@host")
    shown = subprocess.run(["ssh-keygen", "-lf", "-"], input=text.encode(), capture_output=True, check=True)
    assert shown.stdout.decode().split()[1] == key.fingerprint
    assert parse_public_key(f"\n  {key.text}\n").fingerprint == key.fingerprint


def _sk(kind: str, *parts: bytes) -> str:
    return f"{kind} {base64.b64encode(b''.join(map(string, [kind.encode(), *parts]))).decode()} token"


# The base point of NIST P-256.
POINT = bytes.fromhex(
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)


@pytest.mark.parametrize(
    "text",
    [
        _sk("sk-ssh-ed25519@openssh.com", b"k" * 32, b"ssh:"),
        _sk("sk-ecdsa-sha2-nistp256@openssh.com", b"nistp256", POINT, b"ssh:"),
    ],
)
def test_keys_in_hardware_are_read(tmp_path: Path, text: str) -> None:
    key = parse_public_key(text)
    shown = subprocess.run(["ssh-keygen", "-lf", "-"], input=text.encode(), capture_output=True, check=True)
    assert shown.stdout.decode().split()[1] == key.fingerprint


def _wire(kind: str, *parts: bytes, more: bytes = b"") -> str:
    blob = b"".join(map(string, [kind.encode(), *parts])) + more
    return f"{kind} {base64.b64encode(blob).decode()}"


_N = (1 << 2047 | 1).to_bytes(257, "big")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "one line"),
        ("x", "one line"),
        ("ssh-ed25519", "one line"),
        (f"{ED25519}\n{ED25519}", "in one line"),
        (f"{ED25519}\r{ED25519}", "in one line"),
        (f'no-pty,command="ls" {ED25519}', "without options"),
        (f"cert-authority {ED25519}", "without options"),
        ("ssh-ed25519-cert-v01@openssh.com AAAA", "certificate"),
        (_wire("ssh-dss", b"p", b"q", b"g", b"y"), "DSA"),
        ("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----", "OpenSSH writes"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "OpenSSH writes"),
        ("ssh-ed25519 AAAA*", "base64"),
        ("ssh-ed25519 é", "base64"),
        ("ssh-ed25519 AAAA", "damaged"),
        (ED25519.replace("ssh-ed25519", "ssh-rsa"), "another type inside"),
        (_wire("ssh-ed25519", b"k" * 31), "length"),
        (_wire("ssh-ed25519", b"k" * 32, b"more"), "length"),
        (_wire("ssh-ed25519", b"k" * 32, more=b"\0"), "damaged"),
        (_wire("ecdsa-sha2-nistp256", b"nistp384", POINT), "another curve"),
        (_wire("ecdsa-sha2-nistp256", b"nistp256", POINT[:-1] + b"\0"), "damaged"),
        (_wire("ecdsa-sha2-nistp256", b"nistp256", b"\x03" + POINT[1:33]), "as OpenSSH writes it"),
        (_wire("ssh-rsa", b"\1\0\1", (1 << 1023 | 1).to_bytes(129, "big")), "2048 bits"),
        (_wire("ssh-rsa", b"\1\0\1", (1 << 16384 | 1).to_bytes(2049, "big")), "damaged"),
        (_wire("ssh-rsa", b"\2", _N), "damaged"),
        (_wire("ssh-rsa", b"\1" * 40, _N), "damaged"),
        (_wire("ssh-rsa", b"\0\1\0\1", _N), "as OpenSSH writes it"),
        (_wire("ssh-rsa", b"\1\0\1"), "damaged"),
        ("x" * (LONGEST_KEY + 1), "at most"),
    ],
)
def test_everything_else_is_refused_with_what_to_do(text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_public_key(text)
    assert said in caught.value.message
    assert caught.value.code == "invalid_key"


def test_a_private_key_is_recognised_and_repeated_nowhere(tmp_path: Path) -> None:
    _made(tmp_path, "-t", "ed25519")
    text = (tmp_path / "-t_ed25519").read_text()
    with pytest.raises(InvalidInput) as caught:
        parse_public_key(text)
    assert caught.value.code == "private_key"
    assert not any(line in str(caught.value) + repr(caught.value) for line in text.splitlines()[1:-1])


@given(st.one_of(st.text(max_size=300), st.binary(max_size=200).map(lambda b: base64.b64encode(b).decode())))
def test_no_text_breaks_the_parser(text: str) -> None:
    for line in (text, *(f"{kind} {text}" for kind in KEY_TYPES)):
        with pytest.raises(InvalidInput):
            parse_public_key(line)


@given(st.lists(st.binary(max_size=20), max_size=8))
def test_strings_are_read_back(parts: list[bytes]) -> None:
    assert read_strings(b"".join(map(string, parts))) == parts
