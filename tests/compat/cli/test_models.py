"""A model's way through the hub, with the command line alone."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tests.compat.cli.conftest import CommandLine

WEIGHTS = os.urandom(9 * 1024 * 1024 + 5)


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    folder = tmp_path / "trained"
    (folder / "deep").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(WEIGHTS)
    (folder / "deep" / "config.json").write_text("{}")
    (folder / "empty.txt").write_text("")
    return folder


def test_from_training_to_production_and_back(ada: CommandLine, trained: Path, tmp_path: Path) -> None:
    repo = "acme/churn"
    assert (
        ada.record("repo", "create", repo, "--visibility", "shared", "--label", "tabular")["full_name"]
        == repo
    )
    first = ada.record("upload", repo, trained, "--message", "First")
    assert first["has_changed"] is True
    assert ada.record("register", repo, "churn", "--version", "v1.0.0")["version"] == "v1.0.0"
    assert ada.record("promote", repo, "churn", "--version", "v1.0.0", "--stage", "prod")["stage"] == "prod"

    (trained / "model.safetensors").write_bytes(WEIGHTS[::-1])
    second = ada.run("upload", repo, trained, "--message", "Second")
    assert "Uploaded 1 file, 9.0 MiB" in second.stdout
    assert "2 were there already" in second.stdout
    assert ada.record("register", repo, "churn", "--bump-minor")["version"] == "v1.1.0"
    assert (
        ada.record("promote", repo, "churn", "--version", "latest", "--stage", "prod")["version"] == "v1.1.0"
    )
    (shown,) = ada.records("show", repo)
    assert shown | {"repo": repo, "artifact": "churn", "latest": "v1.1.0", "versions": 2} == shown
    assert shown["stages"] == {"prod": "v1.1.0"}
    assert ada.record("rollback", repo, "churn", "--stage", "prod")["version"] == "v1.0.0"
    assert [one["version"] for one in ada.records("show", repo, "churn") if "prod" in str(one["stages"])] == [
        "v1.0.0"
    ]

    done = ada.record("download", repo, "--stage", "prod", "--to", tmp_path / "prod")
    assert (done["artifact"], done["version"], done["stage"]) == ("churn", "v1.0.0", "prod")
    assert (tmp_path / "prod" / "model.safetensors").read_bytes() == WEIGHTS
    files = done["files"]
    assert isinstance(files, list)
    sums = {file["path"]: file["sha256"] for file in files}
    assert sums["model.safetensors"] == hashlib.sha256(WEIGHTS).hexdigest()
    assert sums["deep/config.json"] == hashlib.sha256(b"{}").hexdigest()

    ada.run("download", repo, "churn", "--version", "latest", "--to", tmp_path / "latest")
    assert (tmp_path / "latest" / "model.safetensors").read_bytes() == WEIGHTS[::-1]
    assert "prod is now v1.1.0" in ada.run("unassign", repo, "churn", "--stage", "prod").stdout
    assert ada.record("unassign", repo, "churn", "--stage", "prod")["now"] is None
    refused = ada.run("download", repo, "--stage", "prod", "--to", tmp_path / "none", code=1)
    assert refused.stderr.startswith("error: ")
    assert not (tmp_path / "none").exists()


def test_tables_in_pipes_are_plain_and_aligned(ada: CommandLine, trained: Path) -> None:
    ada.run("repo", "create", "acme/plain")
    ada.run("upload", "acme/plain", trained, "--include", "*.json", "-q")
    ada.run("register", "acme/plain", "a-long-name")
    ada.run("register", "acme/plain", "b", "--version", "v2.0.0")
    ada.run("promote", "acme/plain", "b", "--version", "v2.0.0", "--stage", "staging")
    shown = ada.run("show", "acme/plain").stdout.splitlines()
    assert shown == [
        "name         latest  #staging",
        "a-long-name  v0.0.1  -",
        "b            v2.0.0  v2.0.0",
    ]


def test_progress_is_a_line_per_file_and_quiet_is_quiet(
    ada: CommandLine, trained: Path, tmp_path: Path
) -> None:
    ada.run("repo", "create", "acme/quiet", "--empty")
    loud = ada.run("upload", "acme/quiet", trained, "--exclude", "*.safetensors")
    assert loud.stderr.splitlines() == ["uploaded deep/config.json (2 B)", "uploaded empty.txt (0 B)"]
    again = ada.run("upload", "acme/quiet", trained, "--exclude", "*.safetensors", "--quiet")
    assert again.stderr == ""
    assert again.stdout.startswith("Nothing to upload")
    brought = ada.run("download", "acme/quiet", "--to", tmp_path / "to")
    assert sorted(brought.stderr.splitlines()) == [
        "downloaded deep/config.json (2 B)",
        "downloaded empty.txt (0 B)",
    ]
    assert ada.run("download", "acme/quiet", "--to", tmp_path / "to", "--json").stderr == ""


def test_a_branch_is_made_by_uploading_to_it(ada: CommandLine, trained: Path, tmp_path: Path) -> None:
    ada.run("repo", "create", "acme/branches")
    ada.run("upload", "acme/branches", trained / "empty.txt")
    made = ada.record("upload", "acme/branches", trained / "deep", "--branch", "trial/1", "--to", "configs")
    assert made["branch"] == "trial/1"
    done = ada.record("download", "acme/branches", "--revision", "trial/1", "--to", tmp_path / "to")
    files = done["files"]
    assert isinstance(files, list)
    assert {"empty.txt", "configs/config.json"} <= {file["path"] for file in files}


def test_repos_are_listed_changed_deleted_and_restored(ada: CommandLine, trained: Path) -> None:
    ada.run("repo", "create", "acme/old", "--description", "Who left")
    ada.run("repo", "edit", "acme/old", "--label", "tabular", "--visibility", "public")
    listed = ada.records("repo", "list", "--namespace", "acme", "--label", "tabular", "--query", "old")
    assert [(one["full_name"], one["visibility"]) for one in listed] == [("acme/old", "public")]
    ada.run("repo", "rename", "acme/old", "older")
    assert ada.record("repo", "show", "acme/old")["full_name"] == "acme/older"
    assert "Who left" in ada.run("repo", "show", "acme/older").stdout
    ada.run("repo", "delete", "acme/older", code=2)
    assert ada.record("repo", "delete", "acme/older", "--yes")["restorable_until"]
    ada.run("repo", "show", "acme/older", code=1)
    ada.run("repo", "restore", "acme/older")
    ada.run("upload", "acme/older", trained / "empty.txt", "-q")
    ada.run("promote", "acme/older", "m", "--ref", "main", "--stage", "prod")
    refused = ada.run("repo", "delete", "acme/older", "--yes", code=1)
    assert "m#prod" in refused.stderr
    ada.run("repo", "delete", "acme/older", "--yes", "--force")


def test_what_is_refused_is_said_in_one_line(ada: CommandLine, machine: CommandLine, trained: Path) -> None:
    missing = ada.run("repo", "show", "acme/nothing", code=1)
    assert missing.stdout == ""
    assert missing.stderr.startswith("error: There is no repo 'acme/nothing'")
    assert "modelkeep login" in machine.run("repo", "create", "acme/mine", code=1).stderr
    assert "NAMESPACE/NAME" in ada.run("repo", "create", "churn", code=1).stderr
    assert "There is no repo" in ada.run("upload", "acme/nothing", trained, code=1).stderr
    ada.run("promote", "acme/churn", "churn", "--stage", "prod", code=2)
    ada.run("register", "acme/churn", "churn", "--version", "v1.0.0", "--bump-major", code=2)
    ada.run("nonsense", code=2)
    nobody = CommandLine(machine.home, {"MODELKEEP_URL": "http://127.0.0.1:9"})
    assert "no connection" in nobody.run("whoami", code=1).stderr
    assert "No hub is known" in CommandLine(machine.home).run("whoami", code=1).stderr
