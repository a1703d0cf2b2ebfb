"""Downloads with the stock clients: snapshots, files, parts, revisions that are versions and stages; requests."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.compat.hub.clients import Refused
from tests.compat.hub.conftest import Desk, MakeClient
from tests.compat.hub.models import Model, digests, push_model
from tests.support.proxy import CuttingProxy


@pytest.fixture(scope="module")
def model(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Model:
    return push_model(desk.hub, desk.owner, tmp_path_factory.mktemp("model"))


def test_a_snapshot_has_all_files_and_a_warm_one_costs_one_request(
    desk: Desk, model: Model, tmp_path: Path
) -> None:
    first = desk.client.call("reading.snapshot", repo=model.id, cache_dir=tmp_path)
    assert first == {"commit": model.commits["v1.1.0"], "files": model.files["v1.1.0"]}
    with desk.requests() as requests:
        again = desk.client.call("reading.snapshot", repo=model.id, cache_dir=tmp_path)
    assert again == first
    print(f"warm snapshot_download with {desk.client.release.folder.name}: {requests.asked}")  # noqa: T201 (shown by -rP)
    assert requests.asked == [f"GET /api/models/{model.id}/revision/main"]


@pytest.mark.parametrize(
    ("revision", "version"),
    [
        ("churn@v1.0.0", "v1.0.0"),
        ("churn@v1.1.0", "v1.1.0"),
        ("churn#prod#1", "v1.0.0"),
        ("churn#prod", "v1.0.0"),
        ("prod", "v1.0.0"),
        ("refs/heads/main", "v1.1.0"),
    ],
)
def test_versions_and_stages_are_revisions(
    desk: Desk, model: Model, tmp_path: Path, revision: str, version: str
) -> None:
    options = {"repo": model.id, "revision": revision}
    assert desk.client.call("reading.info", **options)["sha"] == model.commits[version]
    found = desk.client.call("reading.snapshot", cache_dir=tmp_path, **options)
    assert found == {"commit": model.commits[version], "files": model.files[version]}
    config = desk.client.call("reading.download", path="config.json", cache_dir=tmp_path, **options)
    assert config["sha256"] == model.files[version]["config.json"]


def test_a_tag_that_moves_moves_at_once(desk: Desk, tmp_path: Path) -> None:
    model = push_model(desk.hub, desk.owner, tmp_path)
    options = {"repo": model.id, "revision": "prod", "cache_dir": tmp_path / "cache"}
    assert desk.client.call("reading.snapshot", **options)["commit"] == model.commits["v1.0.0"]
    model.promote("v1.1.0", "prod", 2)
    assert desk.client.call("reading.snapshot", **options)["commit"] == model.commits["v1.1.0"]


def test_into_a_folder_of_ones_own(desk: Desk, model: Model, tmp_path: Path) -> None:
    options = {"repo": model.id, "revision": "churn@v1.0.0", "local_dir": tmp_path / "here"}
    file = desk.client.call("reading.download", path="weights/model.bin", **options)
    assert file == {
        "path": str(tmp_path / "here" / "weights/model.bin"),
        "sha256": model.files["v1.0.0"]["weights/model.bin"],
    }
    assert desk.client.call("reading.snapshot", **options)["files"] == model.files["v1.0.0"]
    options["revision"] = "main"
    assert desk.client.call("reading.snapshot", **options)["files"] == model.files["v1.1.0"]


def test_some_files_only(desk: Desk, model: Model, tmp_path: Path) -> None:
    found = desk.client.call(
        "reading.snapshot",
        repo=model.id,
        cache_dir=tmp_path,
        allow_patterns=["weights/*"],
        ignore_patterns="*.bin",
    )
    assert list(found["files"]) == ["weights/part#1 é.txt"]


def test_a_cut_download_goes_on_where_it_was_cut(desk: Desk, tmp_path: Path) -> None:
    # Clients write what they get in pieces of 10 MiB.
    model = push_model(desk.hub, desk.owner, tmp_path, size=24_000_000)
    options = {"repo": model.id, "path": "weights/model.bin", "cache_dir": tmp_path / "cache"}
    with CuttingProxy(desk.hub.process.port, cuts_answers=True) as proxy:
        proxy.budget = 22_000_000
        try:
            file = desk.client.call("reading.download", endpoint=proxy.url, **options)
        except Refused:
            assert desk.client.release.number < (1, 29), "newer ones go on by themselves"
            file = desk.client.call("reading.download", endpoint=proxy.url, **options)
    assert file["sha256"] == model.files["v1.1.0"]["weights/model.bin"]
    assert proxy.cuts == 1
    assert proxy.forwarded < 30_000_000, "the rest, not all of it again"


def test_the_file_system_of_fsspec(desk: Desk, model: Model) -> None:
    weights = (model.tree / "weights/model.bin").read_bytes()
    found = desk.client.call(
        "reading.through_the_file_system",
        repo=model.id,
        revision="churn@v1.1.0",
        path="weights/model.bin",
        start=1_000_001,
        stop=1_234_567,
    )
    assert found == {
        "names": sorted({path.partition("/")[0] for path in model.files["v1.1.0"]}),
        "size": 3_000_000,
        "part": hashlib.sha256(weights[1_000_001:1_234_567]).hexdigest(),
        "whole": hashlib.sha256(weights).hexdigest(),
        "found": ["weights/model.bin"],
    }


def test_what_there_is(desk: Desk, model: Model) -> None:
    info = desk.client.call("reading.info", repo=model.id, files_metadata=True)
    assert info["id"] == model.id
    assert info["files"]["weights/model.bin"] == 3_000_000
    assert info["card"]["license"] == "mit"
    assert (info["library"], info["pipeline"]) == ("safetensors", "tabular-classification")
    assert {"churn", "license:mit"} <= set(info["tags"])
    tree = desk.client.call("reading.tree", repo=model.id, recursive=True, expand=True)
    assert tree["weights/model.bin"]["sha256"] == model.files["v1.1.0"]["weights/model.bin"]
    assert tree["weights/model.bin"]["last"] == "Version v1.1.0"
    assert set(model.files["v1.1.0"]) | {"weights"} == set(tree)
    asked = ["config.json", "nowhere.txt", "weights"]
    assert sorted(desk.client.call("reading.paths", repo=model.id, wanted=asked)) == [
        "config.json",
        "weights",
    ]
    history = desk.client.call("reading.commits", repo=model.id)
    assert [entry["title"] for entry in history][:2] == ["Version v1.1.0", "Version v1.0.0"]
    refs = desk.client.call("reading.refs", repo=model.id)
    assert refs["branches"] == {"main": model.commits["v1.1.0"]}
    assert refs["tags"]["churn@v1.0.0"] == refs["tags"]["churn#prod#1"] == model.commits["v1.0.0"]


@pytest.mark.parametrize(
    ("flow", "options", "error"),
    [
        ("reading.download", {"repo": "gpt2", "path": "config.json"}, "RepositoryNotFoundError"),
        ("reading.download", {"path": "nowhere.bin"}, "RemoteEntryNotFoundError"),
        ("reading.download", {"path": "config.json", "revision": "nowhere"}, "RevisionNotFoundError"),
        ("reading.info", {"repo": "nobody/nothing"}, "RepositoryNotFoundError"),
        ("reading.info", {"revision": "churn@v9.9.9"}, "RevisionNotFoundError"),
        ("reading.tree", {"path_in_repo": "nowhere"}, "RemoteEntryNotFoundError"),
    ],
)
def test_what_is_not_there_is_the_error_that_clients_know(
    desk: Desk, model: Model, tmp_path: Path, flow: str, options: dict[str, str], error: str
) -> None:
    cache = {"cache_dir": tmp_path} if flow == "reading.download" else {}
    with pytest.raises(Refused) as refused:
        desk.client.call(flow, **{"repo": model.id, **cache, **options})
    assert refused.value.type in (error, error.removeprefix("Remote"))


def test_others_see_nothing_of_a_private_repo(
    desk: Desk, model: Model, make_client: MakeClient, tmp_path: Path
) -> None:
    for token in (None, desk.hub.user().token):
        client = make_client(token)
        for flow, options in (
            ("reading.info", {}),
            ("reading.snapshot", {"cache_dir": tmp_path / str(token)}),
        ):
            with pytest.raises(Refused) as refused:
                client.call(flow, repo=model.id, **options)
            assert refused.value.type in ("RepositoryNotFoundError", "LocalEntryNotFoundError")
        assert not client.call("reading.exists", repo=model.id)


def test_the_command_downloads_a_stage_and_a_file(desk: Desk, model: Model, tmp_path: Path) -> None:
    assert model.owner.name in desk.client.hf("auth", "whoami")
    desk.client.hf("download", model.id, "--revision", "prod", "--local-dir", tmp_path / "all")
    desk.client.hf("download", model.id, "config.json", "--local-dir", tmp_path / "one")
    assert digests(tmp_path / "all") == model.files["v1.0.0"]
    assert (tmp_path / "one" / "config.json").read_text() == '{"version": "v1.1.0"}'
    assert "nobody/nothing" in desk.client.hf("download", "nobody/nothing", code=1)
