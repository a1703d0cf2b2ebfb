"""Token secrets: random, recognisable, and told from a mistyped one without the database."""

from __future__ import annotations

import hashlib
import re

from hypothesis import given
from hypothesis import strategies as st

from modelkeep.identity import passwords, secrets


def test_a_token_is_recognised_by_its_form() -> None:
    made = {secrets.new_token() for _ in range(200)}
    assert len(made) == 200
    for token in made:
        assert re.fullmatch(r"mk_[0-9A-Za-z]{46}", token)
        assert secrets.is_token(token)
    assert {character for token in made for character in token[3:43]} == set(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    )


@given(st.integers(0, 48), st.characters())
def test_a_mistyped_token_is_recognised(place: int, character: str) -> None:
    real = secrets.new_token()
    changed = real[:place] + character + real[place + 1 :]
    assert secrets.is_token(changed) == (changed == real)


@given(st.text())
def test_any_text_can_be_asked_about(text: str) -> None:
    assert not secrets.is_token(text)
    assert len(secrets.hash_secret(text)) == 32


def test_what_is_kept_of_a_token() -> None:
    token = secrets.new_token()
    assert secrets.hash_secret(token) == hashlib.sha256(token.encode()).digest()
    assert secrets.hint_of(token) == token[-4:]
    assert len(secrets.hash_secret("half \ud800")) == 32


def test_a_made_password_will_do() -> None:
    made = {secrets.new_password() for _ in range(100)}
    assert len(made) == 100
    for password in made:
        assert re.fullmatch(r"([a-km-np-z2-9]{5}-){3}[a-km-np-z2-9]{5}", password)
        passwords.check_password(password)
