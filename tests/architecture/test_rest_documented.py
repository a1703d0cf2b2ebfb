"""The reference lists the endpoints of the REST API: all of them, and no others."""

from __future__ import annotations

import re
from typing import Any, cast

from modelkeep.api.http.limits import Limits
from modelkeep.api.rest.app import create_app
from modelkeep.domain.names import RESERVED_NAMESPACES, RESERVED_REPOS
from tests.architecture.tree import ROOT

REFERENCE = ROOT / "docs" / "reference" / "rest-api.md"
METHODS = {"get", "head", "post", "put", "patch", "delete"}


def endpoints() -> set[tuple[str, str]]:
    # The services are asked for nothing until there is a request.
    spec = create_app(cast(Any, None), Limits()).openapi()
    return {
        (method.upper(), path)
        for path, operations in spec["paths"].items()
        for method in METHODS & set(operations)
    }


def test_every_endpoint_is_documented_and_every_documented_one_exists() -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([A-Z]+) \| `([^`]+)` \| [^|]+ \|$", text, re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert set(rows) == endpoints()


def test_every_reserved_name_is_documented() -> None:
    text = (ROOT / "docs" / "reference" / "url-space.md").read_text(encoding="utf-8")
    missing = [name for name in RESERVED_NAMESPACES | RESERVED_REPOS if f"`{name}`" not in text]
    assert not missing
