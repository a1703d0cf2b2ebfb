"""``artifacts.yaml`` as gto reads and writes it, and as the hub does."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import gto.api
import pytest
from gto.config import read_registry_config, yaml
from gto.exceptions import GTOException
from gto.index import FileIndexManager, Index
from hypothesis import given, settings
from hypothesis import strategies as st

from modelkeep.domain.access import Role
from modelkeep.domain.artifacts import Annotation
from modelkeep.services.annotation_files import read_artifacts_yaml
from tests.support.git import Git
from tests.support.hub import Hub

Machine = Callable[..., Git]

NAMES = st.sampled_from(
    ["churn", "a", "a/b", "a_b-c", "n1", "models:churn", "a b", "-a", "1", "true", "é", "''", '"q"']
)
FIELDS = {
    "type": ["model", "a b", "1", "null", "~", "''", "[x]", "'1'", "{}"],
    "path": ["models/m.pkl", "s3://b/k", "null", "5", "''", "[a]", "./x/"],
    "virtual": ["true", "false", "yes", "no", "ON", "1", "0", "2", "null", "'t'", "[]", "maybe"],
    "labels": ["[a, b]", "[]", "[a, a]", "[1]", "null", "x", "[a b]", "{a: b}", "['1']"],
    "description": ["some text", "''", "null", "1", "|\n    two\n    lines", "'it: says'"],
    "custom": ["{a: {b: [1, 2.5, null]}}", "text", "[1]", "null", "2026-01-01", "!mine x", "{a: 1, a: 2}"],
    "other": ["anything", "!mine x", "[1, {a: b}]"],
}
entry = st.fixed_dictionaries({}, optional={key: st.sampled_from(values) for key, values in FIELDS.items()})


def read_by_gto(text: str) -> Index:
    try:
        found: Index = Index.read(io.StringIO(text))
        return found
    finally:  # gto keeps one reader, and what it left half done in a bad file spoils the next one
        vars(yaml).pop("_constructor", None)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(NAMES, st.none() | entry), max_size=4))
def test_what_gto_reads_the_hub_reads_alike(entries: list[tuple[str, dict[str, str] | None]]) -> None:
    text = ""
    for name, fields in entries:
        text += f"{name}:" + (" {}" if fields == {} else "") + "\n"
        text += "".join(f"  {key}: {value}\n" for key, value in (fields or {}).items())
    reading = read_artifacts_yaml(text.encode())
    try:
        theirs = read_by_gto(text).state
    except (GTOException, ValueError, KeyError):
        assert reading.problems  # and all that is right is there nevertheless
        return
    assert not [problem for problem in reading.problems if problem.code != "bad_word"]
    assert {name: _comparable(found) for name, found in reading.annotations.items()} == {
        name: (
            artifact.type or None,
            artifact.path or None,
            artifact.virtual,
            tuple(dict.fromkeys(artifact.labels)),
            artifact.description,
            str(artifact.custom),
        )
        for name, artifact in theirs.items()
    }


def _comparable(found: Annotation) -> tuple[Any, ...]:
    words = (found.type, found.path, found.is_virtual, found.labels, found.description)
    return (*words, str(found.custom))


def test_what_the_hub_writes_gto_describes(hub: Hub, machine: Machine) -> None:
    user = hub.user()
    repo = hub.repo((user, Role.MAINTAINER))
    git = machine(user.token)
    tree = git.clone(repo.git_url, "tree")
    git.commit(tree, {"artifacts.yaml": "# Ours.\nold: {}\n", "model.bin": "1"})
    git("push", "-q", "origin", "main", cwd=tree)
    base = f"/api/v1/repos/{repo.full_name}/artifacts"
    said = {
        "type": "model",
        "path": "model.bin",
        "labels": ["a", "b/c"],
        "description": "Who leaves:\n- soon\n",
        "custom": {"yes": "no", "n": 1.5, "list": [{"a": None}, "1.10"]},
        "must_exist": True,
    }
    with hub.client(user.token) as client:
        made = client.patch(f"{base}/churn/annotation", json=said)
        assert made.status_code == 201, made.text
        assert client.post(f"{base}/churn/versions", json={"version": "v1.0.0"}).status_code == 201
        assert client.patch(f"{base}/churn/annotation", json={"type": None}).status_code == 201
        git("pull", "-q", "--tags", cwd=tree)
        found = gto.api.describe(tree, "churn@v1.0.0")
        assert found is not None
        assert found.model_dump() == {
            "type": "model",
            "path": "model.bin",
            "virtual": False,
            "labels": ["a", "b/c"],
            "description": "Who leaves:\n- soon\n",
            "custom": {"yes": "no", "n": 1.5, "list": [{"a": None}, "1.10"]},
        }
        now = gto.api.describe(tree, "churn")
        assert now is not None
        assert now.type is None
        for name in ("churn", "old"):
            assert client.request("DELETE", f"{base}/{name}/annotation").status_code == 200
        git("pull", "-q", cwd=tree)
        assert (tree / "artifacts.yaml").read_text() == "# Ours.\n{}\n"
        assert gto.api.describe(tree, "churn") is None


def test_what_gto_writes_the_hub_describes(hub: Hub, machine: Machine) -> None:
    user = hub.user()
    repo = hub.repo((user, Role.MAINTAINER))
    git = machine(user.token)
    tree = git.clone(repo.git_url, "tree")
    index = FileIndexManager.from_path(str(tree), read_registry_config(str(tree / ".gto")))
    index.add("churn", "model", "m.bin", False, False, ["x"], "Who leaves", {"k": [1]}, update=False)
    index.add("other", None, None, False, False, [], "", None, update=False)
    git("add", "-A", cwd=tree)
    git("commit", "-qm", "annotate", cwd=tree)
    git("push", "-q", "origin", "main", cwd=tree)
    answer = hub.request("GET", f"/api/v1/repos/{repo.full_name}/annotations", user.token).json()
    shown = [(item["artifact"], item["type"], item["labels"], item["custom"]) for item in answer["items"]]
    assert shown == [("churn", "model", ["x"], {"k": [1]}), ("other", None, [], None)]


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "churn:\n", "5\n", "churn: {}\nchurn: {}\n", "a b: {}\n"]
)
def test_what_stops_gto_is_reported(text: str) -> None:
    with pytest.raises((GTOException, ValueError, KeyError)):
        read_by_gto(text)
    assert read_artifacts_yaml(text.encode()).problems
