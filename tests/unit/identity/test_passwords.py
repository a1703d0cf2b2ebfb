"""Passwords: what will do, what fits, and that nobody learns who has an account."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher, extract_parameters

from modelkeep.domain.errors import InvalidInput
from modelkeep.identity import passwords


def test_a_password_fits_its_own_hash_only() -> None:
    stored = passwords.hash_password("correct horse")
    assert passwords.verify("correct horse", stored)
    assert not passwords.verify("correct horses", stored)
    assert not passwords.verify("", stored)
    assert passwords.hash_password("correct horse") != stored


def test_hashes_are_argon2id_with_the_memory_that_owasp_asks_for() -> None:
    parameters = extract_parameters(passwords.hash_password("correct horse"))
    assert parameters.type.name == "ID"
    assert parameters.memory_cost >= 19 * 1024
    assert parameters.time_cost >= 2


def test_nobodys_password_is_checked_as_long_and_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    verified = []
    real = PasswordHasher.verify

    def noted(self: PasswordHasher, stored: str, password: bytes) -> bool:
        verified.append(extract_parameters(stored))
        return real(self, stored, password)

    monkeypatch.setattr(PasswordHasher, "verify", noted)
    known = passwords.hash_password("correct horse")
    assert not passwords.verify("wrong horse", known)
    assert not passwords.verify("wrong horse", None)
    assert not passwords.verify("x" * 5000, known)
    assert len(verified) == 3
    assert verified[0] == verified[1] == verified[2]


@pytest.mark.parametrize("stored", ["", "plain", "$argon2id$v=19$broken", "$2b$12$abcdefghijklmnopqrstuv"])
def test_a_broken_hash_fits_nothing(stored: str) -> None:
    assert not passwords.verify("correct horse", stored)
    assert passwords.needs_rehash(stored)


def test_a_weaker_hash_is_to_be_made_again() -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash("correct horse")
    assert passwords.verify("correct horse", weak)
    assert passwords.needs_rehash(weak)
    assert not passwords.needs_rehash(passwords.hash_password("correct horse"))


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "password_too_short"),
        ("ab" * 501, "password_too_long"),
        ("correct\0horse", "invalid_password"),
        ("correct\nhorse", "invalid_password"),
        ("correct\ud800horse", "invalid_password"),
    ],
)
def test_a_password_that_will_not_do(password: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        passwords.hash_password(password)
    assert caught.value.code == code
    assert password == "" or password not in caught.value.message


@pytest.mark.parametrize(
    ("password", "code"),
    [("ab" * 3, "password_too_short"), ("", "password_too_short"), ("a" * 12, "password_too_simple")],
)
def test_a_weak_password(password: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        passwords.check_password(password)
    assert caught.value.code == code


def test_a_password_fits_however_the_keyboard_composes_it() -> None:
    assert passwords.verify("Cafe\u0301 au lait", passwords.hash_password("Caf\u00e9 au lait"))
