"""Annotations by the REST API: read at any revision, changed by commits, refused with the line."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest

from modelkeep.domain.annotation_changes import AnnotationChange
from tests.api.rest.world import World, ok, refused

ARTIFACTS = """\
# Ours.
churn:
  type: model   # a word
  path: models/churn.onnx
  labels: [tabular]
  custom: {sha256: "0123"}
weights:
  path: s3://bucket/weights.bin
  custom:
    sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
"""
PIPELINE = """\
stages:
  train: {cmd: python train.py}  # the only one
artifacts:
  digits:
    path: digits.onnx
    desc: Reads digits
    labels: [image]
    meta: {owner: ana}
"""


@pytest.fixture(scope="module")
def repo(world: World) -> str:
    made = world.repo()
    files = {"artifacts.yaml": ARTIFACTS, "models/dvc.yaml": PIPELINE, "models/churn.onnx": "1"}
    world.commit(made, files)
    return made


def described(world: World, repo: str, artifact: str, **params: str) -> dict[str, Any]:
    answer: dict[str, Any] = ok(
        world.as_("rita").get(f"{repo}/artifacts/{quote(artifact, safe='')}/annotation", params=params)
    )
    return answer


def text_of(world: World, repo: str, path: str, revision: str = "main") -> str:
    return world.as_("rita").get(f"{repo}/files/{revision}/{path}").text


def test_reading(world: World, repo: str) -> None:
    found = ok(world.as_("rita").get(f"{repo}/annotations"))
    assert [item["artifact"] for item in found["items"]] == ["churn", "models:digits", "weights"]
    assert found["next_cursor"] is None
    assert described(world, repo, "models:digits") == {
        "artifact": "models:digits",
        "type": None,
        "path": "models/digits.onnx",
        "virtual": True,
        "labels": ["image"],
        "description": "Reads digits",
        "custom": {"owner": "ana"},
        "source": "models/dvc.yaml",
        "is_link": False,
        "checksum": None,
    }
    weights = described(world, repo, "weights")
    assert weights["is_link"]
    assert weights["checksum"].startswith("sha256:9f86d081")
    pages = world.as_("rita").pages(f"{repo}/annotations", 2)
    assert [[item["artifact"] for item in page] for page in pages] == [
        ["churn", "models:digits"],
        ["weights"],
    ]


def test_reading_at_a_revision(world: World) -> None:
    repo = world.repo()
    first = world.commit(repo, {"artifacts.yaml": "churn: {type: model}\n"})
    world.commit(repo, {"artifacts.yaml": "churn: {type: dataset}\n"})
    olga = world.as_("olga")
    ok(olga.post(f"{repo}/artifacts/churn/versions", {"revision": first}), 201)
    assert described(world, repo, "churn")["type"] == "dataset"
    assert described(world, repo, "churn", revision=first[:10])["type"] == "model"
    assert described(world, repo, "churn", revision="churn@v0.0.1")["type"] == "model"
    refused(olga.get(f"{repo}/annotations?revision=nothing"), 404, "revision_not_found")
    refused(olga.get(f"{repo}/artifacts/other/annotation"), 404, "no_annotation")
    refused(olga.get(f"{repo}/artifacts/a.b/annotation"), 422, "invalid_artifact")


def test_annotating_keeps_the_rest_of_the_file(world: World) -> None:
    repo = world.repo()
    world.commit(repo, {"artifacts.yaml": ARTIFACTS})
    body = {"type": "dataset", "add_labels": ["daily"], "description": "Who leaves", "message": "Say more"}
    made = ok(world.as_("cato").patch(f"{repo}/artifacts/churn/annotation", body), 201)
    assert made["annotation"]["labels"] == ["tabular", "daily"]
    assert made["commit"]["subject"] == "Say more"
    assert made["commit"]["author"]["name"] == "cato"
    assert text_of(world, repo, "artifacts.yaml") == ARTIFACTS.replace("model   #", "dataset   #").replace(
        '[tabular]\n  custom: {sha256: "0123"}',
        '[tabular, daily]\n  custom: {sha256: "0123"}\n  description: Who leaves',
    )
    nothing = dict.fromkeys(("type", "labels", "description", "custom", "path"))
    made = ok(world.as_("cato").patch(f"{repo}/artifacts/churn/annotation", nothing), 201)
    assert made["annotation"]["custom"] is None
    assert text_of(world, repo, "artifacts.yaml").startswith("# Ours.\nchurn: {}\nweights:\n")


def test_what_is_said_already_makes_no_commit(world: World, repo: str) -> None:
    cato = world.as_("cato")
    before = ok(cato.get(f"{repo}/commits"))["items"][0]["id"]
    for body in ({"type": "model"}, {"add_labels": ["tabular"]}, {"description": ""}, {"virtual": True}, {}):
        answer = ok(cato.patch(f"{repo}/artifacts/churn/annotation", body), 200)
        assert answer["commit"] is None
        assert answer["annotation"]["type"] == "model"
    assert ok(cato.get(f"{repo}/commits"))["items"][0]["id"] == before


def test_new_ones_go_where_their_name_says(world: World) -> None:
    repo = world.repo()
    cato = world.as_("cato")
    made = ok(cato.patch(f"{repo}/artifacts/churn/annotation", {"type": "model", "path": "./m/"}), 201)
    assert (made["annotation"]["source"], made["annotation"]["path"]) == ("artifacts.yaml", "m")
    assert text_of(world, repo, "artifacts.yaml") == "churn:\n  type: model\n  path: m\n"
    path = f"{repo}/artifacts/{quote('nlp/en:tagger', safe='')}/annotation"
    refused(cato.patch(path, {"type": "model"}), 422, "path_needed")
    made = ok(cato.patch(path, {"path": "nlp/models/t.bin", "custom": {"lang": "en"}}), 201)
    assert made["annotation"]["path"] == "nlp/models/t.bin"
    assert text_of(world, repo, "nlp/en/dvc.yaml") == (
        "artifacts:\n  tagger:\n    path: ../models/t.bin\n    meta:\n      lang: en\n"
    )
    refused(cato.patch(path, {"virtual": False}), 422, "invalid_annotation")
    refused(cato.patch(path, {"path": None}), 422, "path_needed")
    refused(cato.patch(f"{repo}/artifacts/x/annotation", {"type": None}), 422, "nothing_said")


def test_the_dvc_yaml_where_it_stands_is_changed(world: World) -> None:
    repo = world.repo()
    world.commit(repo, {"dvc.yaml": PIPELINE, "models/dvc.yaml": PIPELINE})
    body = {"description": "Reads figures", "custom": {"owner": "bob"}}
    ok(world.as_("cato").patch(f"{repo}/artifacts/digits/annotation", body), 201)
    ok(world.as_("cato").patch(f"{repo}/artifacts/models%3Adigits/annotation", body), 201)
    wanted = PIPELINE.replace("Reads digits", "Reads figures").replace("owner: ana", "owner: bob")
    assert text_of(world, repo, "dvc.yaml") == wanted
    assert text_of(world, repo, "models/dvc.yaml") == wanted
    assert world.as_("rita").get(f"{repo}/files/main/artifacts.yaml").status_code == 404


def test_in_an_empty_repo_and_on_a_branch(world: World) -> None:
    repo = world.repo()
    cato = world.as_("cato")
    refused(
        cato.patch(f"{repo}/artifacts/a/annotation", {"type": "m", "branch": "dev"}), 404, "branch_not_found"
    )
    ok(cato.post(f"{repo}/branches", {"name": "dev"}), 201)
    ok(cato.patch(f"{repo}/artifacts/a/annotation", {"type": "m", "branch": "dev"}), 201)
    refused(cato.get(f"{repo}/artifacts/a/annotation"), 404, "no_annotation")
    assert described(world, repo, "a", revision="dev")["type"] == "m"


def test_removing(world: World) -> None:
    repo = world.repo()
    world.commit(repo, {"artifacts.yaml": ARTIFACTS, "dvc.yaml": "artifacts: {churn: {path: x}}\n"})
    cato = world.as_("cato")
    gone = ok(cato.request("DELETE", f"{repo}/artifacts/churn/annotation", json={"message": "Old"}))
    assert gone["commit"]["subject"] == "Old"
    refused(cato.get(f"{repo}/artifacts/churn/annotation"), 404, "no_annotation")
    assert text_of(world, repo, "dvc.yaml") == "artifacts: {}\n"
    ok(cato.delete(f"{repo}/artifacts/weights/annotation"))
    assert text_of(world, repo, "artifacts.yaml") == "# Ours.\n{}\n"  # gto stops at a file that says nothing
    refused(cato.delete(f"{repo}/artifacts/weights/annotation"), 404, "no_annotation")
    ok(cato.patch(f"{repo}/artifacts/weights/annotation", {"type": "model"}), 201)
    assert text_of(world, repo, "artifacts.yaml") == "# Ours.\nweights:\n  type: model\n"


def test_paths(world: World) -> None:
    repo = world.repo()
    world.commit(repo, {"models/a.onnx": "1", "artifacts.yaml": "a: {path: models/a.onnx}\n"})
    cato = world.as_("cato")
    url = f"{repo}/artifacts/b/annotation"
    for path in ("models", "models/a.onnx", "./models/a.onnx/", "models/a.onnx/b", "."):
        problem = refused(cato.patch(url, {"path": path}), 409, "path_used")
        assert problem["fields"]["artifact"] == "a"
    refused(cato.patch(url, {"path": "models/b.onnx", "must_exist": True}), 422, "annotated_path_missing")
    refused(cato.patch(url, {"path": "s3://b/k", "must_exist": True}), 422, "path_needed")
    refused(cato.patch(url, {"type": "model", "must_exist": True}), 422, "path_needed")
    for path in ("/etc/passwd", "../x", "a/../../x", "a\\b", "a\nb", " a", "s3://b/a b", "x" * 4097):
        refused(cato.patch(url, {"path": path}), 422, "invalid_annotation")
    body = {"path": "models/a.onnx", "must_exist": True, "allow_same_path": True}
    assert ok(cato.patch(url, body), 201)["annotation"]["virtual"] is False
    assert ok(cato.patch(url, {"path": "models/c.onnx"}), 201)["annotation"]["virtual"] is True


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"type": "a b"}, "invalid_annotation"),
        ({"labels": ["ok", "not ok"]}, "invalid_label"),
        ({"add_labels": [""]}, "invalid_label"),
        ({"labels": ["a"], "add_labels": ["b"]}, "labels_twice"),
        ({"labels": [f"l{n}" for n in range(101)]}, "invalid_label"),
        ({"description": "x" * 10_001}, "invalid_annotation"),
        ({"description": "a\u0000b"}, "invalid_annotation"),
        ({"description": "a\ud800b"}, None),
        ({"custom": {"a": "x" * 70_000}}, "invalid_annotation"),
        ({"custom": 2**70}, "invalid_annotation"),
        ({"custom": {"\u0007": 1}}, "invalid_annotation"),
        ({"type": 5}, "validation"),
        ({"kind": "model"}, "validation"),
    ],
)
def test_what_cannot_be_said(world: World, repo: str, body: dict[str, Any], code: str | None) -> None:
    answer = world.as_("cato").request(
        "PATCH",
        f"{repo}/artifacts/churn/annotation",
        content=json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    assert answer.status_code in (400, 422)
    if code not in (None, "validation"):
        assert answer.json()["code"] == code


def test_custom_of_every_shape_comes_back_as_it_went(world: World) -> None:
    repo = world.repo()
    cato = world.as_("cato")
    shapes: tuple[Any, ...] = (
        {"a": [1, 2.5, None, True, {"b": []}], "yes": "no", "1.10": "1.10", "": "", "t": "a\tb", "n": "x\ny\n"},
        ["- a", "# b", "c: d", "{", "*x", "&y", "!z", "|", ">", "@", "`", "'", '"', "\\", "é😀\u2028", " x "],
        "text", 0, False, 1e300, -(2**63), [], {}, "null", "~", "2026-01-01", "12:30:45", "0x1F", "=", "<<",
    )  # fmt: skip
    for custom in shapes:
        made = cato.patch(f"{repo}/artifacts/a/annotation", {"type": "model", "custom": custom}).json()
        for annotation in (made["annotation"], described(world, repo, "a")):
            assert repr(annotation["custom"]) == repr(custom)


def test_a_file_that_cannot_be_read_is_not_changed(world: World) -> None:
    repo = world.repo()
    cato = world.as_("cato")
    for text, line in (("churn: [\n", 2), ("churn: {}\nchurn: {}\n", 2), ("- churn\n", 1)):
        world.commit(repo, {"artifacts.yaml": text})
        problem = refused(cato.patch(f"{repo}/artifacts/churn/annotation", {"type": "model"}), 409)
        assert problem["code"] in ("annotations_unreadable", "annotations_not_editable")
        assert problem["fields"]["file"] == "artifacts.yaml"
        assert problem["fields"]["line"] == line
        assert f"line {line}" in problem["detail"]
        assert text_of(world, repo, "artifacts.yaml") == text
    world.commit(repo, {"artifacts.yaml": "bad: {type: [x]}\nother: 5\nchurn: {}\n"})
    ok(cato.patch(f"{repo}/artifacts/churn/annotation", {"type": "model"}), 201)  # others' faults are theirs
    problem = refused(
        cato.patch(f"{repo}/artifacts/bad/annotation", {"path": "x"}), 409, "annotations_unreadable"
    )
    ok(cato.patch(f"{repo}/artifacts/bad/annotation", {"type": "model"}), 201)  # which repairs it
    assert text_of(world, repo, "artifacts.yaml") == "bad: {type: model}\nother: 5\nchurn:\n  type: model\n"


def test_types_that_the_repo_does_not_allow(world: World) -> None:
    repo = world.repo()
    world.commit(repo, {".gto": "types: [model, dataset]\n", "artifacts.yaml": "churn: {type: old}\n"})
    path = f"{repo}/artifacts/churn/annotation"
    problem = refused(world.as_("cato").patch(path, {"type": "other"}), 422, "invalid_annotation")
    assert "model, dataset" in problem["detail"]
    ok(world.as_("cato").patch(path, {"type": "old"}))  # it is so already
    ok(world.as_("cato").patch(path, {"type": "dataset"}), 201)
    world.commit(repo, {".gto": "stages: [prod]\n"})
    ok(world.as_("cato").patch(path, {"type": "other"}), 201)


def test_many_who_annotate_at_once_all_get_their_turn(world: World) -> None:
    repo = world.repo()
    world.commit(repo, {"artifacts.yaml": ARTIFACTS})
    _, _, namespace, name = repo.split("/")
    actor = world.actor("cato")

    def annotate(number: int) -> str:
        change = AnnotationChange({"type": "model"})
        _, commit = world.hub.annotation_writes.annotate(actor, namespace, name, f"m{number}", change)
        assert commit is not None
        return commit.id

    with ThreadPoolExecutor(6) as threads:
        commits = list(threads.map(annotate, range(12)))
    assert len(set(commits)) == 12
    text = text_of(world, repo, "artifacts.yaml")
    assert text.startswith(ARTIFACTS)
    assert all(f"\nm{number}:\n  type: model\n" in text for number in range(12))


def test_who_may(world: World, repo: str) -> None:
    path = f"{repo}/artifacts/churn/annotation"
    refused(world.as_("rita").patch(path, {"type": "x"}), 403, "role_missing")
    refused(world.as_("rita").delete(path), 403, "role_missing")
    for name, status in (("sven", 404), (None, 401)):
        refused(world.as_(name).get(path), status)
        refused(world.as_(name).get(f"{repo}/annotations"), status)
        refused(world.as_(name).patch(path, {"type": "x"}), status)


def test_a_version_with_all_that_belongs_to_it(world: World) -> None:
    repo = world.repo()
    data = b"weights" * 1000
    oid = world.upload(repo, data)
    operations = [
        {"op": "add", "path": "artifacts.yaml", "content": "churn: {type: model, path: models/churn/}\n"},
        {"op": "add", "path": "models/churn/model.onnx", "lfs": {"oid": oid, "size": len(data)}},
        {"op": "add", "path": "models/churn/labels.txt", "content": "a\nb\n"},
        {"op": "add", "path": "elsewhere.txt", "content": "x"},
    ]
    olga = world.as_("olga")
    commit = ok(olga.post(f"{repo}/commits", {"message": "Train", "operations": operations}), 201)["commit"]
    body = {"code_commit": "0123abc", "run": "https://runs/7", "message": "First\n\nReviewed-by: ana"}
    ok(olga.post(f"{repo}/artifacts/churn/versions", body), 201)
    world.commit(repo, {"artifacts.yaml": "churn: {type: dataset}\n"})

    shown = ok(world.as_("rita").get(f"{repo}/artifacts/churn/versions/latest"))
    assert shown["version"] == "v0.0.1"
    assert shown["commit_detail"] == commit
    assert shown["annotation"]["type"] == "model"  # as it was then
    assert shown["files_path"] == "models/churn"
    assert not shown["files_truncated"]
    assert [(file["path"], file["size"], file["oid"], file["sha256"]) for file in shown["files"]] == [
        ("models/churn/labels.txt", 4, None, hashlib.sha256(b"a\nb\n").hexdigest()),
        ("models/churn/model.onnx", len(data), oid, oid),
    ]
    assert (shown["code_commit"], shown["run"]) == ("0123abc", "https://runs/7")
    assert shown["signature"]["status"] == "good"
    assert shown["signature"]["signer"] == "hub"
    listed = ok(world.as_("rita").get(f"{repo}/artifacts/churn/versions"))["items"][0]
    assert "files" not in listed
    refused(world.as_("rita").get(f"{repo}/artifacts/churn/versions/v9.0.0"), 404, "no_version")


@pytest.mark.parametrize(
    ("artifacts", "artifact", "expected"),
    [
        ("", "churn", ("", ["a/dvc.yaml", "a/m.bin", "artifacts.yaml", "m.bin.dvc"])),
        ("churn: {path: m.bin}", "churn", ("m.bin.dvc", ["m.bin.dvc"])),  # DVC has the file itself
        ("churn: {path: a/m.bin}", "churn", ("a/m.bin", ["a/m.bin"])),
        ("churn: {path: .}", "churn", ("", ["a/dvc.yaml", "a/m.bin", "artifacts.yaml", "m.bin.dvc"])),
        ("churn: {path: nowhere}", "churn", (None, [])),
        ("churn: {path: /etc}", "churn", (None, [])),
        ("churn: {path: ../x}", "churn", (None, [])),
        ("churn: {path: 's3://b/k'}", "churn", (None, [])),
        ("", "a:m", ("a/m.bin", ["a/m.bin"])),
        ("", "a:other", ("a", ["a/dvc.yaml", "a/m.bin"])),
    ],
)
def test_where_the_files_of_a_version_are(
    world: World, artifacts: str, artifact: str, expected: tuple[str | None, list[str]]
) -> None:
    repo = world.repo()
    files = {
        "artifacts.yaml": artifacts or "{}",
        "a/dvc.yaml": "artifacts: {m: {path: m.bin}}",
        "a/m.bin": "1",
        "m.bin.dvc": "outs: [{md5: ab12, path: m.bin}]",
    }
    world.commit(repo, files)
    olga = world.as_("olga")
    url = f"{repo}/artifacts/{quote(artifact, safe='')}/versions"
    ok(olga.post(url, {}), 201)
    shown = ok(olga.get(f"{url}/latest"))
    paths = [file["path"] for file in shown["files"] if file["path"] not in ("README.md", ".gitattributes")]
    assert (shown["files_path"], paths) == expected
    if artifacts == "churn: {path: m.bin}":
        assert shown["annotation"]["checksum"] == "md5:ab12"


def test_very_many_files(world: World) -> None:
    repo = world.repo()
    world.commit(repo, {f"data/{n:04}.txt": str(n) for n in range(1005)})
    olga = world.as_("olga")
    ok(olga.post(f"{repo}/artifacts/a/versions", {}), 201)
    shown = ok(olga.get(f"{repo}/artifacts/a/versions/latest"))
    assert len(shown["files"]) == 1000
    assert shown["files_truncated"]
