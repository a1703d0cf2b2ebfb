"""Signed URLs: nothing in one can be changed, and they end."""

from __future__ import annotations

import multiprocessing
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.errors import InvalidInput, NotPermitted, Unavailable
from modelkeep.identity.signing import Signer, load_or_create_key

KEY = bytes(range(32))
FIELDS = {"oid": "a" * 64, "size": "12"}
NOW = 1_700_000_000


def _code(
    signer: Signer, purpose: str, fields: dict[str, str], expires_at: int, signature: str, now: int
) -> str:
    try:
        signer.verify(purpose, fields, expires_at, signature, now=now)
    except NotPermitted as error:
        return error.code
    return "good"


def test_a_signature_is_good_for_exactly_what_it_says() -> None:
    signer = Signer(KEY)
    signature = signer.sign("get", FIELDS, NOW)
    cases = [
        ("get", FIELDS, NOW, signature, NOW - 1, "good"),
        ("get", dict(reversed(FIELDS.items())), NOW, signature, NOW - 1, "good"),
        ("get", FIELDS, NOW, signature, NOW, "expired_url"),
        ("put", FIELDS, NOW, signature, NOW - 1, "forged_url"),
        ("get", FIELDS | {"size": "13"}, NOW, signature, NOW - 1, "forged_url"),
        ("get", FIELDS | {"more": ""}, NOW, signature, NOW - 1, "forged_url"),
        ("get", {"oid": FIELDS["oid"]}, NOW, signature, NOW - 1, "forged_url"),
        ("get", FIELDS, NOW + 1, signature, NOW - 1, "forged_url"),
        ("get", FIELDS, NOW, signature[:-1], NOW - 1, "forged_url"),
        ("get", FIELDS, NOW, signature + "=", NOW - 1, "forged_url"),
        ("get", FIELDS, NOW, "", NOW - 1, "forged_url"),
        ("get", FIELDS, NOW, "é\ud800", NOW - 1, "forged_url"),
        ("get", FIELDS, NOW, signature.swapcase(), NOW + 9, "forged_url"),
    ]
    for purpose, fields, expires_at, given_signature, now, expected in cases:
        assert _code(signer, purpose, fields, expires_at, given_signature, now) == expected
    assert _code(Signer(bytes(32)), "get", FIELDS, NOW, signature, NOW - 1) == "forged_url"


def test_a_signature_fits_in_a_url() -> None:
    for number in range(50):
        signature = Signer(KEY).sign("get", {"n": str(number)}, NOW)
        assert len(signature) == 43
        assert signature.replace("-", "a").replace("_", "a").isalnum()
        assert signature.isascii()


_TEXTS = st.text(st.characters(categories=["L", "N", "P", "Cs"]), max_size=4)
_FIELDS = st.dictionaries(_TEXTS, _TEXTS, max_size=3)


@given(_TEXTS, _FIELDS, st.integers(0, 999), _TEXTS, _FIELDS, st.integers(0, 999))
def test_no_two_meanings_share_a_signature(
    one: str, ones: dict[str, str], one_end: int, other: str, others: dict[str, str], other_end: int
) -> None:
    is_same = (one, ones, one_end) == (other, others, other_end)
    signer = Signer(KEY)
    assert (signer.sign(one, ones, one_end) == signer.sign(other, others, other_end)) == is_same


def test_parts_do_not_run_into_each_other() -> None:
    signer = Signer(KEY)
    alike = [{"a": "bc"}, {"ab": "c"}, {"a": "b", "c": ""}, {"a1:b": "c"}, {"a": "1:bc"}]
    assert len({signer.sign("p", fields, 0) for fields in alike}) == len(alike)
    assert signer.sign("p1", {}, 0) != signer.sign("p", {}, 10)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(InvalidInput):
        Signer(KEY[:31])


def test_a_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    key = load_or_create_key(path)
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create_key(path) == key
    assert [file.name for file in tmp_path.iterdir()] == ["secret.key"]
    path.chmod(0o644)
    assert load_or_create_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create_key(tmp_path / "other.key") != key


def test_processes_that_start_together_get_the_same_key(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        keys = pool.map(load_or_create_key, [tmp_path / "secret.key"] * 9)
    assert len(set(keys)) == 1


@pytest.mark.parametrize("content", [b"", b"00" * 31, b"no hexadecimal", b"\xff" * 64])
def test_a_file_without_a_key_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret.key"
    path.write_bytes(content)
    with pytest.raises(Unavailable) as caught:
        load_or_create_key(path)
    assert caught.value.code == "key_unavailable"
    assert path.read_bytes() == content


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        load_or_create_key(tmp_path / "none" / "secret.key")
