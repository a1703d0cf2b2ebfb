"""Every code in the server stands in the reference with its kinds, and every code there is in the server."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from modelkeep.api.http import plain_errors
from modelkeep.api.lfs import errors as lfs_errors
from modelkeep.api.rest import errors as rest_errors
from modelkeep.domain.errors import KINDS, ModelkeepError
from tests.architecture.tree import ROOT, SRC

REFERENCE = ROOT / "docs" / "reference" / "errors.md"
NAMES = {kind.__name__ for kind in KINDS}
CODE = re.compile(r"[a-z]+(_[a-z]+)*")

# Codes that are put together: where the missing piece is said.
COMPOSED = {
    "tag_": {"lightweight", "name_differs"},  # and what _fault_of_name and read_registry_tag say, see below
    "path_": {"is_file", "is_directory"},
    "_not_found": {"commit", "tree", "blob", "tag"},
}
TABLES = {
    "REST": rest_errors.STATUS,
    "Git": plain_errors.STATUS,
    "LFS batch, locks": lfs_errors.API_STATUS,
    "LFS transfer": lfs_errors.TRANSFER_STATUS,
    "DVC": plain_errors.STATUS,
    "Xet": plain_errors.STATUS,
}


def documented() -> dict[str, set[str]]:
    text = REFERENCE.read_text(encoding="utf-8").partition("## Codes")[2]
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| [^|]+ \|$", text, re.MULTILINE)
    assert len(rows) == len({code for code, _ in rows}), "a code stands there twice"
    return {code: set(kinds.strip().split(", ")) for code, kinds in rows}


def calls() -> Iterator[ast.Call]:
    for path in sorted(SRC.rglob("*.py")):
        if path.relative_to(SRC).parts[0] not in ("sdk", "cli"):
            yield from (node for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.Call))


def name_of_call(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def codes_in_the_server() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for call in calls():
        kinds = {name_of_call(call)} & NAMES
        for keyword in call.keywords:
            if keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
                found.setdefault(str(keyword.value.value), set()).update(kinds)
        if (
            name_of_call(call) == "TagProblem"
            and len(call.args) > 1
            and isinstance(call.args[1], ast.Constant)
        ):
            found.setdefault(f"tag_{call.args[1].value!s}", set())
        if name_of_call(call) == "Check" and isinstance(call.args[0], ast.Constant):
            found.setdefault(str(call.args[0].value), set())
    tree = ast.parse((SRC / "services" / "registry_tags.py").read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            (first, *_) = node.value.elts
            assert isinstance(first, ast.Constant)
            found.setdefault(f"tag_{first.value!s}", set())
    for piece, rest in COMPOSED.items():
        for word in rest:
            found.setdefault(piece + word if piece.endswith("_") else word + piece, set())
    return {code: kinds for code, kinds in found.items() if code and not code.isnumeric()}


def test_every_code_is_documented_and_every_documented_code_exists() -> None:
    used, described = codes_in_the_server(), documented()
    assert len(used) > 100
    assert set(used) - set(described) - {kind.kind for kind in KINDS} == set(), "not in the reference"
    assert set(described) - set(used) == set(), "nowhere in the server"


def test_the_kinds_of_a_code_are_documented() -> None:
    described = documented()
    wrong = {
        code: f"raised as {sorted(kinds)}, described as {sorted(described[code])}"
        for code, kinds in codes_in_the_server().items()
        if code in described and not kinds <= described[code]
    }
    assert not wrong
    assert set().union(*described.values()) <= NAMES


@pytest.mark.parametrize("code", sorted(codes_in_the_server()))
def test_a_code_is_lower_snake_case(code: str) -> None:
    assert CODE.fullmatch(code)


@pytest.mark.parametrize("title", TABLES)
def test_every_kind_has_a_status_at_every_door_and_the_reference_says_it(title: str) -> None:
    text = REFERENCE.read_text(encoding="utf-8")
    header = next(line for line in text.splitlines() if line.startswith("| Kind |"))
    column = [cell.strip() for cell in header.split("|")].index(title)
    rows = {
        cells[1].strip("` "): int(cells[column])
        for cells in (line.split("|") for line in text.splitlines())
        if len(cells) > column and cells[1].strip("` ") in NAMES
    }
    assert rows == {kind.__name__: TABLES[title][kind] for kind in KINDS}


def test_a_transfer_never_answers_422() -> None:
    statuses: dict[type[ModelkeepError], int] = lfs_errors.TRANSFER_STATUS
    assert 422 not in statuses.values(), "the client would take the object for uploaded"
