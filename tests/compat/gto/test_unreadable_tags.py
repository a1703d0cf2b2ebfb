"""Tags that gto reads and the hub cannot keep are problems to the hub, never plain tags that anybody may push."""

from __future__ import annotations

from pathlib import Path

import gto.api
import pygit2
import pytest

from modelkeep.domain.events import Event, TagProblem
from modelkeep.git.tags import read_tags
from modelkeep.services.registry_tags import read_registry_tag


def read(folder: Path, tag: str) -> Event | TagProblem | None:
    repository = pygit2.init_repository(str(folder), bare=True)
    who = pygit2.Signature("Ann", "ann@example.com", 1_700_000_000, 0)
    tree = repository.TreeBuilder().write()
    commit = repository.create_commit("refs/heads/main", who, who, "Train", tree, [])
    repository.set_head("refs/heads/main")
    repository.create_tag(tag, commit, pygit2.enums.ObjectType.COMMIT, who, "why\n")
    (raw,) = read_tags(folder, [tag])
    return read_registry_tag(raw)


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("m#prod#" + "9" * 30, "counter_too_large"),
        ("m@v1.0.0-" + "a" * 130, "version_unreadable"),
        ("m@v1.1\u0662.0", "version_unreadable"),
    ],
)
def test_what_gto_reads_and_the_hub_does_not_is_a_problem(tmp_path: Path, tag: str, code: str) -> None:
    found = read(tmp_path, tag)
    assert isinstance(found, TagProblem)
    assert found.code == code
    assert found.remedy
    assert list(gto.api.show(str(tmp_path))) == ["m"], "gto knows the artifact by this tag"


def test_a_counter_with_zeros_in_front_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, "m#prod#" + "0" * 30 + "7")
    assert isinstance(found, Event)
    assert found.counter == 7
