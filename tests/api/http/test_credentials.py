"""The Authorization header."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from modelkeep.api.http.credentials import Basic, Bearer, credentials_of, parse_authorization
from modelkeep.domain.errors import InvalidInput


def basic(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (basic("ann:mk_secret"), Basic("ann", "mk_secret")),
        (basic("ann:a:b"), Basic("ann", "a:b")),
        (basic(":mk_secret"), Basic("", "mk_secret")),
        (basic("ann:"), Basic("ann", "")),
        (basic("ünï:pässwörd"), Basic("ünï", "pässwörd")),
        (basic("ann:x").replace("Basic", "bAsIc"), Basic("ann", "x")),
        (basic("ann:x").replace(" ", "   "), Basic("ann", "x")),
        ("Bearer mk_secret", Bearer("mk_secret")),
        ("bearer mk_secret", Bearer("mk_secret")),
        ("token mk_secret", Bearer("mk_secret")),
        ("Bearer a.b-c~d+e/f==", Bearer("a.b-c~d+e/f==")),
    ],
)
def test_known_schemes(value: str, expected: Basic | Bearer) -> None:
    assert parse_authorization(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "Basic",
        "Basic !!!",
        "Basic YW5u",
        basic("ann:a\x00b"),
        "Basic " + b64encode(b"\xff:\xff").decode(),
        "Bearer",
        "Bearer two words",
        "Bearer a,b",
        "Digest username=x",
        "mk_secret",
        "Bearer " + "a" * 9000,
    ],
)
def test_malformed_headers_are_refused_without_repeating_them(value: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_authorization(value)
    assert caught.value.code == "invalid_authorization"
    assert value.partition(" ")[2][:20] not in caught.value.message or not value.partition(" ")[2]


def test_one_header_at_most() -> None:
    assert credentials_of(Headers({})) is None
    assert credentials_of(Headers({"authorization": " "})) is None
    assert credentials_of(Headers({"authorization": "Bearer a"})) == Bearer("a")
    with pytest.raises(InvalidInput):
        credentials_of(Headers(raw=[(b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")]))


def test_secrets_are_not_shown() -> None:
    assert "hunter2" not in repr(Basic("ann", "hunter2")) + repr(Bearer("hunter2"))


@given(st.text(max_size=100) | st.binary(max_size=60).map(lambda data: "Basic " + b64encode(data).decode()))
def test_any_header_is_parsed_or_refused(value: str) -> None:
    try:
        credentials = parse_authorization(value)
    except InvalidInput:
        return
    assert isinstance(credentials, Basic | Bearer)


@given(
    st.text(st.characters(exclude_categories=["C"], exclude_characters=":")),
    st.text(st.characters(exclude_categories=["C"])),
)
def test_any_name_and_password_survive(name: str, password: str) -> None:
    assert parse_authorization(basic(f"{name}:{password}")) == Basic(name, password)
