"""The documentation holds together: links lead somewhere, every page can be reached, every command is described."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
import typer

from modelkeep.cli.app import Group
from tests.architecture.tree import ROOT, name_of, project_files

PAGES = [path for path in project_files() if path.suffix == ".md"]
COMMANDS_PAGE = ROOT / "docs" / "reference" / "cli.md"
CODE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def prose(page: Path) -> str:
    return CODE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = (re.sub(r"[`*]", "", heading) for heading in HEADING.findall(prose(page)))
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> list[tuple[str, Path, str]]:
    """The links to other files of the project: as written, the file, the anchor."""
    found = []
    for written in LINK.findall(prose(page)):
        if not re.match(r"[a-z]+:", written):
            path, _, anchor = unquote(written).partition("#")
            found.append((written, (page.parent / path).resolve() if path else page, anchor))
    return found


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    broken = [
        written
        for written, target, anchor in links(page)
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target))
    ]
    assert not broken


def test_every_page_can_be_reached_from_the_index() -> None:
    documents = {page for page in PAGES if page.is_relative_to(ROOT / "docs")}
    seen, waiting = set[Path](), [ROOT / "docs" / "index.md"]
    while waiting:
        page = waiting.pop()
        if page in documents and page not in seen:
            seen.add(page)
            waiting += [target for _, target, _ in links(page)]
    assert {name_of(page) for page in documents - seen} == set()


def commands() -> list[str]:
    def below(group: typer.core.TyperGroup, prefix: str) -> list[str]:
        found = []
        for name, command in group.commands.items():
            full = f"{prefix}{name}"
            found += below(command, f"{full} ") if isinstance(command, typer.core.TyperGroup) else [full]
        return found

    return below(Group(), "")


@pytest.mark.skipif(not COMMANDS_PAGE.exists(), reason="there is no reference of commands yet")
@pytest.mark.parametrize("command", commands())
def test_every_command_is_documented(command: str) -> None:
    assert f"`{command}" in COMMANDS_PAGE.read_text(encoding="utf-8")


def test_the_architecture_fits_on_two_pages() -> None:
    assert len((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines()) <= 120
