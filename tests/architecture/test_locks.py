"""The locks are complete: every dependency, one version, hashes, no address to download from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.tree import ROOT

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
ENTRY = re.compile(
    r"^(?P<requirement>[^\s#-][^\\]*?) \\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", re.MULTILINE
)
COMMENT = re.compile(r" +#[^/:]*(?:requirements/[\w-]+\.(?:in|txt))?")


def read_lock(path: Path) -> list[Requirement]:
    return [Requirement(entry["requirement"]) for entry in ENTRY.finditer(path.read_text(encoding="utf-8"))]


def test_there_are_locks() -> None:
    assert {path.name for path in LOCKS} >= {"dev.txt", "server.txt"}


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_a_lock_holds_nothing_but_hashed_versions(path: Path) -> None:
    remainder = ENTRY.sub("", path.read_text(encoding="utf-8"))
    strange = [line for line in remainder.splitlines() if not COMMENT.fullmatch(line)]
    assert not strange, f"{path.name} has lines that are neither a hashed requirement nor a plain comment"
    assert read_lock(path)
    for requirement in read_lock(path):
        assert requirement.url is None
        assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), f"{requirement} is not one version"


@pytest.mark.parametrize(("lock", "extras"), [("dev.txt", ["server", "dev"]), ("server.txt", ["server"])])
def test_a_lock_satisfies_what_is_declared(lock: str, extras: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = list(project["dependencies"])
    for extra in extras:
        declared += project["optional-dependencies"][extra]
    versions: dict[str, list[str]] = {}
    for locked in read_lock(ROOT / "requirements" / lock):
        versions.setdefault(canonicalize_name(locked.name), []).append(str(locked.specifier)[2:])
    stale = [
        text
        for text in declared
        for wanted in [Requirement(text)]
        if not all(map(wanted.specifier.contains, versions.get(canonicalize_name(wanted.name), ["0"])))
    ]
    assert not stale, f"requirements/{lock} does not satisfy {stale}; run make lock"


def test_deployments_get_the_tested_versions() -> None:
    tested = {str(requirement) for requirement in read_lock(ROOT / "requirements" / "dev.txt")}
    untested = {str(requirement) for requirement in read_lock(ROOT / "requirements" / "server.txt")} - tested
    assert not untested
