"""Every kind of error stands in the reference, by name and by code."""

from __future__ import annotations

import pytest

from modelkeep.domain import errors
from tests.architecture.tree import ROOT

REFERENCE = ROOT / "docs" / "reference" / "errors.md"
KINDS = sorted(errors.ModelkeepError.__subclasses__(), key=lambda kind: kind.__name__)


def test_there_are_kinds() -> None:
    assert len({kind.kind for kind in KINDS}) == len(KINDS) >= 9


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_error_is_documented(kind: type[errors.ModelkeepError]) -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    assert f"`{kind.__name__}`" in text, f"{REFERENCE.name} does not name {kind.__name__}"
    assert f"`{kind.kind}`" in text, f"{REFERENCE.name} does not say that its code is {kind.kind}"
