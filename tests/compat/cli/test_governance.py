"""Descriptions, policies, requests and evidence on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.compat.cli.conftest import Server
from tests.compat.cli.in_process import InProcess

REPO = "acme/governed"
POLICY = """\
version: 1
stages:
  - name: prod
    approvals: 1
    evidence:
      - {check: scan}
"""


@pytest.fixture(scope="module")
def ada(server: Server, adas_token: str, tmp_path_factory: pytest.TempPathFactory) -> InProcess:
    """Ada with a repo that has two versions and a policy."""
    home = tmp_path_factory.mktemp("ada")
    made = InProcess(home, {"MODELKEEP_URL": server.url, "MODELKEEP_TOKEN": adas_token})
    made.run("repo", "create", REPO)
    for number in (1, 2):
        (home / "model.txt").write_text(str(number))
        made.run("upload", REPO, home / "model.txt", "-q")
        made.run("register", REPO, "churn")
    (home / "policy.yaml").write_text(POLICY)
    made.run("upload", REPO, home / "policy.yaml", "--to", ".modelkeep/policy.yaml", "-q")
    return made


@pytest.fixture(scope="module")
def bob(ada: InProcess, bobs_token: str) -> InProcess:
    return InProcess(ada.home, {**ada.variables, "MODELKEEP_TOKEN": bobs_token})


def test_a_promotion_by_request(ada: InProcess, bob: InProcess) -> None:
    target = (REPO, "churn", "--version", "v0.0.2", "--stage", "prod")
    blocked = ada.run("promote", *target, "--dry-run", code=1)
    assert "churn v0.0.2 may not take prod. Nothing was changed." in blocked.stdout
    assert blocked.stdout.count("NO") == 2
    plan = json.loads(ada.run("promote", *target, "--dry-run", "--json", code=1).stdout)
    assert plan["allowed"] is False
    assert ada.run("promote", *target, code=1).stderr.startswith("error: ")

    recorded = ada.run("evidence", "record", REPO, "churn", "v0.0.2", "scan", "passed", "--summary", "Clean")
    assert recorded.stdout == "Recorded: scan passed for churn v0.0.2.\n"
    ada.run("evidence", "record", REPO, "churn", "v0.0.2", "scan", "perhaps", code=2)
    (evidence,) = ada.records("evidence", "list", REPO, "churn", "v0.0.2")
    assert (evidence["name"], evidence["verdict"], evidence["summary"]) == ("scan", "passed", "Clean")

    opened = ada.record(
        "request", "create", REPO, "churn", "--version", "latest", "--stage", "prod", "-m", "Better"
    )
    number = str(opened["number"])
    assert (opened["state"], opened["version"], opened["approvals_needed"]) == ("open", "v0.0.2", 1)
    assert [one["number"] for one in bob.records("request", "list", REPO, "--state", "open")] == [1]
    assert REPO in bob.run("request", "list", "--role", "reviewer", "--state", "open").stdout
    assert (
        ada.records("request", "list", "--role", "reviewer", "--artifact", "churn", "--stage", "prod") == []
    )
    assert ada.run("request", "approve", REPO, number, code=1).stderr.startswith("error: ")
    shown = bob.run("request", "show", REPO, number).stdout
    assert "churn v0.0.2 to prod" in shown
    assert "Better" in shown
    approved = bob.run("request", "approve", REPO, number, "--comment", "Looked at it").stdout
    assert approved == f"Approved: request {number} of {REPO} is completed (tag churn#prod#1).\n"
    assert "Looked at it" in ada.run("request", "show", REPO, number).stdout
    assert ada.record("show", REPO, "churn#prod")["version"] == "v0.0.2"


def test_requests_are_rejected_and_withdrawn(ada: InProcess, bob: InProcess) -> None:
    target = (REPO, "churn", "--version", "v0.0.1", "--stage", "prod")
    first = str(ada.record("request", "create", *target)["number"])
    assert "is rejected" in bob.run("request", "reject", REPO, first, "-m", "Older").stdout
    second = str(ada.record("request", "create", *target)["number"])
    assert ada.record("request", "withdraw", REPO, second)["state"] == "withdrawn"
    states = {str(one["number"]): one["state"] for one in ada.records("request", "list", REPO)}
    assert (states[first], states[second]) == ("rejected", "withdrawn")
    assert ada.run("request", "show", REPO, "99", code=1).stderr.startswith("error: ")
    ada.run("request", "list", REPO, "--role", "reviewer", code=2)


def test_policies_are_shown_checked_and_set(ada: InProcess, tmp_path: Path) -> None:
    shown = ada.run("policy", "show", REPO)
    assert shown.stdout == POLICY
    assert "From the repo" in shown.stderr
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(POLICY)
    bad.write_text("version: 1\nstages: prod\n")
    assert ada.run("policy", "check", good).stdout == "The policy works.\n"
    assert ada.run("policy", "check", "-", input=POLICY).stdout == "The policy works.\n"
    refused = ada.run("policy", "check", bad, code=1)
    assert refused.stdout.startswith(f"{bad}:2:")
    assert json.loads(ada.run("policy", "check", bad, "--json", code=1).stdout)["problems"][0]["line"] == 2
    assert json.loads(ada.run("policy", "schema").stdout)["$schema"]
    ada.run("org", "create", "governors")
    assert "has no policy" in ada.run("policy", "show-org", "governors", code=1).stderr
    ada.run("policy", "set-org", "governors", bad, code=1)
    ada.run("policy", "set-org", "governors", good)
    assert ada.run("policy", "show-org", "governors").stdout == POLICY
    ada.run("policy", "remove-org", "governors")
    ada.run("policy", "show-org", "governors", code=1)
    missing = ada.run("policy", "check", tmp_path / "missing.yaml", code=1)
    assert "No such file" in missing.stderr


def test_artifacts_are_annotated_described_and_removed(ada: InProcess) -> None:
    words = ("--type", "model", "--path", "model.txt", "--label", "tabular", "--label", "old")
    said = ada.run("annotate", REPO, "churn", *words, "--custom", "auc=0.91", "--custom", "by=ada")
    assert said.stdout.startswith("Annotated churn in artifacts.yaml (commit ")
    ada.run(
        "annotate", REPO, "churn", "--remove-label", "old", "-c", "by=", "-c", "tags=[1]", "-d", "Who leaves"
    )
    about = ada.record("describe", REPO, "churn")
    assert (about["type"], about["labels"], about["description"]) == ("model", ["tabular"], "Who leaves")
    assert about["custom"] == {"auc": 0.91, "tags": [1]}
    ada.run("annotate", REPO, "churn", "--custom", '{"whole": true}')
    assert json.loads(ada.run("describe", REPO, "churn", "--custom").stdout) == {"whole": True}
    assert ada.lines("describe", REPO, "churn", "--type") == ["model"]
    assert ada.lines("describe", REPO, "churn", "--path") == ["model.txt"]
    again = ada.run("annotate", REPO, "churn", "--type", "model")
    assert "says so already" in again.stdout
    ada.run("annotate", REPO, "churn", "--description", "")
    assert ada.lines("describe", REPO, "churn", "--description") == [""]
    assert [
        one["artifact"] for one in ada.records("show", REPO, "--type", "model", "--label", "tabular")
    ] == ["churn"]
    assert ada.run("describe", REPO, "churn", "--revision", "churn@v0.0.1", code=1).stderr.startswith(
        "error: "
    )
    ada.run("annotate", REPO, "new", "--path", "nowhere.txt", "--must-exist", code=1)
    ada.run("annotate", REPO, "churn", "--custom", "no sign", code=2)
    ada.run("annotate", REPO, "churn", "--custom", "{", code=2)
    ada.run("describe", REPO, "churn", "--type", "--path", code=2)
    assert "Removed what was said about churn" in ada.run("remove", REPO, "churn").stdout
    ada.run("describe", REPO, "churn", code=1)
