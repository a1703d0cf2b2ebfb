"""``model_info`` and ``dataset_info``: what is said, and what on demand."""

from __future__ import annotations

import json
import struct

import pytest

from modelkeep.domain.access import Visibility
from modelkeep.domain.lfs import Pointer
from tests.api.hub.world import World, ok, refused

CARD = """---
license: mit
library_name: transformers
pipeline_tag: text-classification
tags: [churn]
base_model: acme/base
metrics: [.nan, f1]
---
# Churn
"""
CONFIG = '{"model_type": "bert", "architectures": ["BertModel"], "secret": 1}'


def safetensors(**shapes: list[int]) -> bytes:
    """A file of zeros with these tensors."""
    header, end = {"__metadata__": {"format": "pt"}}, 0
    tensors: dict[str, object] = {}
    for name, shape in shapes.items():
        size = 4
        for side in shape:
            size *= side
        tensors[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header | tensors).encode()
    return struct.pack("<Q", len(text)) + text + bytes(end)


def test_a_model_says_what_clients_read(world: World) -> None:
    repo = world.repo({"README.md": CARD, "config.json": CONFIG, "sub/a.txt": "x"})
    weights = world.upload(repo, safetensors(w=[3, 4], b=[4]))
    commit = world.commit(repo, {"model.safetensors": weights})
    info = ok(world.as_("rita").get(f"/api/models/{repo.address}"))
    assert info["id"] == info["modelId"] == repo.address
    assert len(info["_id"]) == 24
    assert (info["author"], info["sha"], info["private"], info["gated"]) == ("acme", commit, True, False)
    assert (info["pipeline_tag"], info["library_name"]) == ("text-classification", "transformers")
    assert {"license:mit", "churn", "base_model:acme/base", "safetensors"} <= set(info["tags"])
    assert info["cardData"]["license"] == "mit"
    assert info["config"] == {"model_type": "bert", "architectures": ["BertModel"]}
    assert info["safetensors"] == {"parameters": {"F32": 16}, "total": 16}
    assert info["usedStorage"] == weights.size
    assert info["createdAt"].endswith("Z")
    assert len(info["lastModified"]) == len("2024-01-01T00:00:00.000Z")
    names = [sibling["rfilename"] for sibling in info["siblings"]]
    assert names == [".gitattributes", "README.md", "config.json", "model.safetensors", "sub/a.txt"]
    assert all(set(sibling) == {"rfilename"} for sibling in info["siblings"])


def test_sizes_of_files_on_demand(world: World) -> None:
    repo = world.repo({"a.txt": "abc"})
    pointer = world.upload(repo, b"w" * 5000)
    world.commit(repo, {"model.bin": pointer})
    info = ok(world.as_("rita").get(f"/api/models/{repo.address}/revision/main?blobs=true"))
    found = {sibling["rfilename"]: sibling for sibling in info["siblings"]}
    assert found["a.txt"]["size"] == 3
    assert found["a.txt"]["blobId"] == "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f"
    assert found["model.bin"]["lfs"] == {"sha256": pointer.oid, "size": 5000, "pointerSize": 129}


def test_expand_gives_what_it_names(world: World) -> None:
    repo = world.repo({"README.md": CARD})
    url, rita = f"/api/models/{repo.address}", world.as_("rita")
    info = ok(rita.get(f"{url}?expand=sha&expand=tags&expand[]=downloadsAllTime&expand=inference"))
    assert set(info) == {"_id", "id", "modelId", "sha", "tags", "downloadsAllTime"}
    assert set(ok(rita.get(f"{url}?expand=inference"))) == {"_id", "id", "modelId"}
    assert ok(rita.get(f"{url}?expand=xetEnabled"))["xetEnabled"] is True
    assert "'nonsense'" in refused(rita.get(f"{url}?expand=nonsense"), 400)


def test_security_status_claims_no_scan(world: World) -> None:
    repo = world.repo()
    info = ok(world.as_("rita").get(f"/api/models/{repo.address}?securityStatus=true"))
    assert info["securityRepoStatus"] == {"scansDone": False, "filesWithIssues": []}


def test_a_repo_without_a_commit(world: World) -> None:
    repo, rita = world.repo(empty=True), world.as_("rita")
    info = ok(rita.get(f"/api/models/{repo.address}"))
    assert info["siblings"] == []
    assert "sha" not in info
    refused(rita.get(f"/api/models/{repo.address}/revision/main"), 404, "RevisionNotFound")
    refused(rita.get(f"/api/models/{repo.address}/tree/main"), 404, "RevisionNotFound")


@pytest.mark.parametrize(
    "path", ["/api/models/gpt2", "/api/models/gpt2/revision/main", "/gpt2/resolve/main/a"]
)
@pytest.mark.parametrize(("who", "status"), [(None, 404), ("sven", 404)])
def test_ids_of_one_word_are_no_repos(world: World, path: str, who: str | None, status: int) -> None:
    refused(world.as_(who).get(path), status, "RepoNotFound")


def test_spaces_are_not_here(world: World) -> None:
    refused(world.as_("rita").get("/api/spaces/acme/demo"), 404, "RepoNotFound")
    refused(world.as_("rita").get("/spaces/acme/demo/resolve/main/app.py"), 404, "RepoNotFound")


def test_a_dataset_is_no_model(world: World) -> None:
    repo, rita = world.repo({"a.csv": "1"}, place="datasets/acme"), world.as_("rita")
    info = ok(rita.get(f"/api/datasets/acme/{repo.name}"))
    assert info["id"] == f"acme/{repo.name}"
    assert "modelId" not in info
    refused(rita.get(f"/api/models/acme/{repo.name}"), 404, "RepoNotFound")


@pytest.mark.parametrize("who", [None, "sven"])
def test_a_hidden_repo_looks_like_none(world: World, who: str | None) -> None:
    repo, client = world.repo(), world.as_(who)
    for below in ("", "/revision/main", "/refs", "/commits/main", "/tree/main", "/auth-check"):
        status = 401 if who is None else 404
        hidden = refused(client.get(f"/api/models/{repo.address}{below}"), status, "RepoNotFound")
        absent = refused(client.get(f"/api/models/acme/absent{below}"), status, "RepoNotFound")
        assert hidden.replace(repo.name, "absent") == absent


def test_headers_of_shards(world: World) -> None:
    repo = world.repo()
    one, two = world.upload(repo, safetensors(w=[2, 2])), world.upload(repo, safetensors(b=[2]))
    index = {
        "metadata": {"total_size": 24},
        "weight_map": {"w": "model-1.safetensors", "b": "model-2.safetensors"},
    }
    name = "model.safetensors.index.json"
    files: dict[str, str | bytes | Pointer] = {
        "model-1.safetensors": one,
        "model-2.safetensors": two,
        name: json.dumps(index),
    }
    world.commit(repo, files)
    url = f"/api/models/{repo.address}/safetensors-metadata"
    found = ok(world.as_("rita").get(f"{url}/{name}"))
    assert found["index"] == {"metadata": {"total_size": 24}}
    assert found["headers"]["model-1.safetensors"] == {
        "__metadata__": {"format": "pt"},
        "w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
    }
    refused(world.as_("rita").get(f"{url}/nope.json"), 404, "EntryNotFound")


def test_auth_check(world: World) -> None:
    repo = world.repo()
    url = f"/api/models/{repo.address}/auth-check"
    assert ok(world.as_("rita").get(url))
    assert ok(world.as_("cato").get(f"{url}/write"))
    refused(world.as_("rita").get(f"{url}/write"), 403)
    public = world.repo(visibility=Visibility.PUBLIC)
    assert ok(world.as_(None).get(f"/api/models/{public.address}/auth-check"))


def test_a_download_counts_once_for_all_its_files(world: World) -> None:
    repo, rita = world.repo({"a.txt": "x", "b.txt": "y"}), world.as_("rita")
    counted = {"X-HF-Download-Counter": "1"}
    for path in ("a.txt", "b.txt", "a.txt"):
        rita.head(f"/{repo.address}/resolve/main/{path}", headers=counted)
        rita.get(f"/{repo.address}/resolve/main/{path}", headers=counted)
    world.as_("cato").get(f"/{repo.address}/resolve/main/a.txt")
    world.as_("olga").get(f"/{repo.address}/resolve/main/a.txt", headers={"Range": "bytes=0-0"})
    assert ok(rita.get(f"/api/models/{repo.address}"))["downloads"] == 2
    assert ok(rita.get(f"/api/models/{repo.address}?expand=downloadsAllTime"))["downloadsAllTime"] == 2


def test_quick_answers(world: World) -> None:
    assert world.as_(None).head("/api/telemetry/cli/download").status_code == 200
    harnesses = ok(world.as_(None).get("/api/agent-harnesses"))
    assert harnesses == {"standardEnvVars": [], "harnesses": {}}


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/api/models/acme/any/nothing", 404),
        ("PATCH", "/api/models/acme/any", 405),
        ("GET", "/api/models/acme/any/tree/main/%2e%2e", 400),
        ("GET", "/api/models/acme/any/revision/%ff", 400),
    ],
)
def test_addresses_that_lead_nowhere_say_so_to_clients(
    world: World, method: str, target: str, status: int
) -> None:
    refusal = world.raw("rita", method, target)
    assert refusal.status_code == status
    assert refusal.headers["x-error-message"] == refusal.json()["detail"]
    assert refusal.headers["x-request-id"]
