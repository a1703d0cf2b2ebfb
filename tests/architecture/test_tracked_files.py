"""Nothing of one machine, of a registry's address or of somebody's keys gets into the repository."""

from __future__ import annotations

import re

import pytest

from tests.architecture.tree import name_of, project_files

LARGEST = 1024 * 1024

# Each pattern is written so that it does not match itself.
FORBIDDEN = {
    "a path of somebody's machine": re.compile(
        r"(?<![\w.~$}*-])/(?:root|work|Users/\w+|home/\w+|opt/wheel[s]|opt/pyp[i])(?=[/\s\"'`:),]|$)",
        re.MULTILINE,
    ),
    "the address of a package registry": re.compile(
        r"\b(?:py[p]i\.org|pythonhoste[d]\.org|npmj[s]\.(?:org|com)|yarnpk[g]\.com|crate[s]\.io)\b",
        re.IGNORECASE,
    ),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVAT[E] KEY-----"),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_contains(what: str) -> None:
    found = []
    for path in project_files():
        text = path.read_bytes().decode("utf-8", errors="replace")
        for match in FORBIDDEN[what].finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(f"{name_of(path)}:{line}: {match.group()}")
    assert not found, f"These hold {what}:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a path of somebody's machine", "open('/ro" + "ot/x')"),
        ("a path of somebody's machine", "see /ho" + "me/ann/models"),
        ("the address of a package registry", "https://files.python" + "hosted.org/packages"),
        ("a private key", "-----BEGIN RSA PRIV" + "ATE KEY-----"),
    ],
)
def test_the_patterns_match(what: str, text: str) -> None:
    assert FORBIDDEN[what].search(text)


def test_no_file_is_large() -> None:
    large = [name_of(path) for path in project_files() if path.stat().st_size > LARGEST]
    assert not large, "Generate or download these instead of committing them:\n" + "\n".join(large)
