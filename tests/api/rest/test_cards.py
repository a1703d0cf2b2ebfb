"""Cards and headers of weights through the REST API, from real files; lists of repos by what cards say."""

from __future__ import annotations

import json
from urllib.parse import quote

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save

from tests.api.rest.world import World, ok, refused

README = """---
license: apache-2.0
library_name: transformers
pipeline_tag: text-classification
base_model: acme/bert
datasets: [imdb]
tags: [eu]
---
# Churn
"""
WEIGHTS = bytes(save({"w": np.zeros((64, 8), dtype=np.float32), "b": np.zeros(8, dtype=np.float16)}))
SHARD = bytes(save({"v": np.zeros(100, dtype=np.float32)}))


def onnx_bytes() -> bytes:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])
    weight = numpy_helper.from_array(np.zeros((2, 2), dtype=np.float32), "w")
    model = helper.make_model(helper.make_graph([], "g", [value], [value], [weight]))
    return bytes(model.SerializeToString())


def push(world: World, repo: str, texts: dict[str, str], large: dict[str, bytes]) -> None:
    operations: list[dict[str, object]] = [
        {"op": "add", "path": path, "content": text} for path, text in texts.items()
    ]
    for path, data in large.items():
        oid = world.upload(repo, data)
        operations.append({"op": "add", "path": path, "lfs": {"oid": oid, "size": len(data)}})
    ok(world.as_("olga").post(f"{repo}/commits", {"message": "files", "operations": operations}), 201)


@pytest.fixture(scope="module")
def repo(world: World) -> str:
    made = world.repo("public")
    large = {"model.safetensors": WEIGHTS, "onnx/model.onnx": onnx_bytes(), "broken.gguf": b"GGUFnot"}
    push(world, made, {"README.md": README, "notes.txt": "hi"}, large)
    return made


def test_a_card_is_shown_with_the_weights(world: World, repo: str) -> None:
    answer = world.as_(None).get(f"{repo}/card")
    card = ok(answer)
    assert card["commit"] == answer.headers["x-modelkeep-commit"]
    assert (card["license"], card["library"], card["pipeline_tag"]) == (
        "apache-2.0",
        "transformers",
        "text-classification",
    )
    assert card["base_models"] == ["acme/bert"]
    assert card["data"]["datasets"] == ["imdb"]
    assert card["text"] == "# Churn\n"
    assert "safetensors" in card["tags"]
    assert card["weights"] == {
        "format": "safetensors",
        "total": 520,
        "parameters": {"F32": 512, "F16": 8},
        "files": ["model.safetensors"],
    }
    assert card["errors"] == card["warnings"] == []


def test_a_card_says_what_is_wrong_with_it(world: World) -> None:
    repo = world.repo()
    before = ok(world.as_("rita").get(f"{repo}/card"))
    assert (before["errors"], before["license"], before["weights"]) == ([], None, None)
    assert [warning["line"] for warning in before["warnings"]] == [None]
    push(world, repo, {"README.md": "---\nlicense: nope\ntags: [a\n---\n"}, {})
    card = ok(world.as_("rita").get(f"{repo}/card"))
    assert card["data"] == {}
    assert [error["line"] for error in card["errors"]] == [4]
    refused(world.as_("rita").get(f"{repo}/card?revision=nope"), 404, "revision_not_found")
    refused(world.as_("sven").get(f"{repo}/card"), 404, "repo_not_found")
    refused(world.as_(None).get(f"{repo}/card"), 401)


def test_a_header_is_shown(world: World, repo: str) -> None:
    header = ok(world.as_(None).get(f"{repo}/headers/main/model.safetensors"))
    assert (header["format"], header["total"], header["size"]) == ("safetensors", 520, len(WEIGHTS))
    assert sorted((t["name"], t["dtype"], tuple(t["shape"])) for t in header["tensors"]) == [
        ("b", "F16", (8,)),
        ("w", "F32", (64, 8)),
    ]
    assert (header["tensor_count"], header["next_cursor"]) == (2, None)
    first = ok(world.as_(None).get(f"{repo}/headers/main/model.safetensors?limit=1"))
    cursor = quote(first["next_cursor"])
    second = ok(world.as_(None).get(f"{repo}/headers/main/model.safetensors?limit=1&cursor={cursor}"))
    assert first["tensors"] + second["tensors"] == header["tensors"]
    onnx = ok(world.as_(None).get(f"{repo}/headers/main/onnx/model.onnx"))
    assert onnx["inputs"] == [{"name": "x", "type": "tensor(float)", "shape": ["n", 2]}]
    assert onnx["parameters"] == {"float": 4}
    assert onnx["metadata"]["graph"] == "g"


def test_what_has_no_header_is_refused(world: World, repo: str) -> None:
    ada = world.as_(None)
    refused(ada.get(f"{repo}/headers/main/notes.txt"), 422, "no_header")
    for _ in range(2):
        problem = refused(ada.get(f"{repo}/headers/main/broken.gguf"), 422, "unreadable_header")
        assert "ends too early" in problem["detail"] or "version" in problem["detail"]
    refused(ada.get(f"{repo}/headers/main/gone.onnx"), 404, "file_not_found")
    refused(world.as_("sven").get(f"{world.repo()}/headers/main/model.onnx"), 404, "repo_not_found")


def test_shards_are_added_up(world: World) -> None:
    repo, first = world.repo(), bytes(save({"w": np.ones((64, 8), dtype=np.float32)}))
    index = {"metadata": {"total_size": 1}, "weight_map": {"w": "a.safetensors", "v": "b.safetensors"}}
    texts = {"model.safetensors.index.json": json.dumps(index)}
    push(world, repo, texts, {"a.safetensors": first, "b.safetensors": SHARD})
    weights = ok(world.as_("rita").get(f"{repo}/card"))["weights"]
    assert (weights["total"], weights["files"]) == (612, ["a.safetensors", "b.safetensors"])
    for broken in (
        '{"weight_map": {"w": "../a.safetensors"}}',
        '{"weight_map": 5}',
        "[" * 5000,
        '{"weight_map": {}',
    ):
        push(world, repo, {"model.safetensors.index.json": broken}, {})
        assert ok(world.as_("rita").get(f"{repo}/card"))["weights"] is None


def test_repos_are_found_by_their_cards(world: World, repo: str) -> None:
    full_name = repo.removeprefix("/repos/")
    ada = world.as_("ada")

    def found(query: str) -> list[str]:
        return [one["full_name"] for one in ok(ada.get(f"/repos?{query}"))["items"]]

    for query in (
        "license=apache-2.0",
        "library=transformers&pipeline_tag=text-classification",
        "base_model=Acme/Bert",
        "tag=dataset:imdb&tag=eu",
        "license=Apache-2.0&sort=downloads",
    ):
        assert found(query) == [full_name]
    assert found("license=mit") == found("tag=eu&tag=us") == []
    push(world, repo, {"README.md": README.replace("apache-2.0", "mit")}, {})
    assert found("license=mit") == [full_name]
    assert found("license=apache-2.0") == []
    push(world, repo, {"README.md": README}, {})


def test_another_default_branch_has_another_card(world: World) -> None:
    repo = world.repo()
    push(world, repo, {"README.md": README.replace("eu", "first-tag")}, {})
    operations = [{"op": "add", "path": "README.md", "content": README.replace("eu", "second-tag")}]
    body = {"message": "other", "branch": "other", "create_branch_from": "main", "operations": operations}
    ok(world.as_("olga").post(f"{repo}/commits", body), 201)

    def count(tag: str) -> int:
        return len(ok(world.as_("rita").get(f"/repos?tag={tag}"))["items"])

    assert (count("first-tag"), count("second-tag")) == (1, 0)
    ok(world.as_("olga").patch(repo, {"default_branch": "other"}))
    assert (count("first-tag"), count("second-tag")) == (0, 1)


def test_downloads_are_written_later_and_counted_at_once(world: World, repo: str) -> None:
    repo_id = ok(world.as_(None).get(repo))["id"]
    downloads = world.hub.downloads
    downloads.count(repo_id)
    downloads.count(repo_id)
    assert downloads.of([repo_id]) == {repo_id: (2, 2)}
    assert (downloads.flush(), downloads.flush()) == (2, 0)
    downloads.count(repo_id)
    downloads.count("f" * 32)
    assert downloads.of([repo_id]) == {repo_id: (3, 3)}
    assert downloads.tidy() == 0
    assert downloads.of([repo_id]) == {repo_id: (3, 3)}
    first = ok(world.as_("ada").get("/repos?sort=downloads&limit=1"))
    assert [one["id"] for one in first["items"]] == [repo_id]
    second = ok(world.as_("ada").get(f"/repos?sort=downloads&limit=1&cursor={quote(first['next_cursor'])}"))
    assert [one["id"] for one in second["items"]] != [repo_id]
