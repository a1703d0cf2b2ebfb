from __future__ import annotations

import re

import pytest

from modelkeep.domain import errors
from modelkeep.domain.errors import KINDS, Conflict, InvalidInput, ModelkeepError, RateLimited


def make(kind: type[ModelkeepError], message: str) -> ModelkeepError:
    return RateLimited(message, retry_after=3) if kind is RateLimited else kind(message)


def test_the_table_holds_every_kind_once() -> None:
    defined = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, ModelkeepError) and value is not ModelkeepError
    }
    assert set(KINDS) == defined
    assert len(KINDS) == len(defined)
    assert len({kind.kind for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_without_a_code_has_its_kinds(kind: type[ModelkeepError]) -> None:
    error = make(kind, "Something is wrong; do this.")
    assert error.code == kind.kind
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", error.code)
    assert error.message == str(error) == "Something is wrong; do this."


def test_fields_are_named() -> None:
    error = Conflict("It moved.", code="branch_moved", tip="abc", tries=2)
    assert error.code == "branch_moved"
    assert error.fields == {"tip": "abc", "tries": 2}


def test_an_error_without_details_has_no_fields() -> None:
    assert InvalidInput("No.").fields == {}


def test_waiting_is_said_in_seconds_to_programs_too() -> None:
    error = RateLimited("Later.", retry_after=7, code="too_many_attempts")
    assert (error.retry_after, error.code, error.fields) == (7, "too_many_attempts", {"retry_after": 7})
