"""The registry on the command line: who is where, since when, and what changed."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.compat.cli.conftest import CommandLine, Server
from tests.compat.cli.in_process import InProcess

REPO = "acme/registry"


@pytest.fixture(scope="module")
def ada(server: Server, adas_token: str, tmp_path_factory: pytest.TempPathFactory) -> InProcess:
    """Ada with a repo: churn v1.0.0 in prod, then v1.1.0, then back; a pre-release; a withdrawn version."""
    home = tmp_path_factory.mktemp("home")
    made = InProcess(home, {"MODELKEEP_URL": server.url, "MODELKEEP_TOKEN": adas_token, "TZ": "UTC"})
    made.run("repo", "create", REPO)

    def train(content: str) -> None:
        (home / "model.txt").write_text(content)
        made.run("upload", REPO, home / "model.txt", "-q")

    train("one")
    made.run("register", REPO, "churn", "--version", "v1.0.0", "--run", "runs/41", "--code-commit", "c0ffee")
    made.run("promote", REPO, "churn", "--version", "v1.0.0", "--stage", "prod")
    train("two")
    assert "churn@v1.1.0-rc.1" in made.run("register", REPO, "churn", "--bump-minor", "--pre", "rc").stdout
    train("three")
    assert "v1.1.0 at" in made.run("register", REPO, "churn", "--release", "-m", "Ready").stdout
    made.run("assign", REPO, "churn", "--version", "latest", "--stage", "prod")
    made.run("rollback", REPO, "churn", "--stage", "prod", "-m", "Drift")
    made.run("deregister", REPO, "churn", "v1.1.0-rc.1", "-m", "Wrong month")
    made.run("register", REPO, "old", "--version", "v0.1.0")
    made.run("deprecate", REPO, "old", "-m", "Use churn")
    return made


def test_show_one_repo_and_everywhere(ada: InProcess) -> None:
    assert ada.lines("show", REPO) == ["name   latest  #prod", "churn  v1.1.0  v1.0.0"]
    assert ada.lines("show", REPO, "--all")[-1] == "old (deprecated)  v0.1.0  -"
    (everywhere,) = ada.records("show", "--query", "registry", "--in-stage", "prod")
    assert (everywhere["repo"], everywhere["artifact"], everywhere["latest"]) == (REPO, "churn", "v1.1.0")
    assert ada.records("show", "--namespace", "acme", "--label", "none-has-it") == []
    assert ada.records("show", "--type", "none-has-it") == []
    assert len(ada.records("show", "--namespace", "acme", "--all", "--limit", "1")) == 1
    assert ada.run("show", "--query", "none has it").stderr == "Nothing is registered here.\n"
    assert "There is no repo" in ada.run("show", "acme/nothing", code=1).stderr


def test_show_an_artifact_and_a_version(ada: InProcess) -> None:
    lines = ada.lines("show", REPO, "churn")
    assert lines[0].split() == ["version", "stages", "commit", "registered", "by", "message"]
    assert [line.split()[0] for line in lines[1:]] == ["v1.1.0", "v1.1.0-rc.1", "v1.0.0"]
    assert "(withdrawn)" in lines[2]
    shown = ada.run("show", REPO, "churn@v1.0.0").stdout
    for text in ("v1.0.0", "#prod", "runs/41", "c0ffee", "model.txt", "good by hub"):
        assert text in shown
    detail = ada.record("show", REPO, "churn@latest")
    assert (detail["version"], detail["message"]) == ("v1.1.0", "Ready\n")
    assert ada.record("show", REPO, "churn#prod")["version"] == "v1.0.0"
    for wrong in ("churn#none", "churn@v9.9.9", "nothing@latest"):
        assert ada.run("show", REPO, wrong, code=1).stderr.startswith("error: ")
    assert "is no artifact" in ada.run("show", REPO, "a@b@c", code=2).stderr


def test_show_as_gto_would(ada: InProcess) -> None:
    assert ada.lines("show", REPO, "--name", "--all") == ["churn", "old"]
    assert ada.lines("show", REPO, "churn", "--version") == ["v1.1.0", "v1.1.0-rc.1", "v1.0.0"]
    assert ada.lines("show", REPO, "churn", "--stage") == ["", "", "prod"]
    assert ada.lines("show", REPO, "churn#prod", "--ref") == ["churn@v1.0.0"]
    assert ada.lines("show", REPO, "churn@latest", "--version") == ["v1.1.0"]
    assert "only one of --json, --name" in ada.run("show", REPO, "--json", "--name", code=2).stderr
    assert "needs an artifact" in ada.run("show", REPO, "--version", code=2).stderr
    state = json.loads(ada.run("show", REPO, "--gto").stdout)
    assert state["churn"] == {
        "version": "v1.1.0",
        "stage": {"prod": "v1.0.0"},
        "registered": True,
        "active": True,
    }
    assert json.loads(ada.run("stages", REPO, "--gto").stdout) == ["prod"]
    journal = json.loads(ada.run("history", REPO, "churn", "--gto", "--asc").stdout)
    assert {"churn@v1.0.0", "churn#prod#1", "churn@v1.1.0-rc.1!"} <= {one["ref"] for one in journal}
    assert "--gto needs a repo" in ada.run("history", "--gto", code=2).stderr


def test_plain_tables_are_those_of_gto(ada: InProcess) -> None:
    assert ada.lines("show", REPO, "--plain") == ["name    latest    #prod", "churn   v1.1.0    v1.0.0"]
    head, *rows = ada.lines("show", REPO, "churn", "--plain")
    assert head.split() == ["artifact", "version", "stage", "created_at", "ref"]
    assert [row.split()[:2] for row in rows] == [["churn", "v1.1.0"], ["churn", "v1.0.0"]]
    assert re.fullmatch(
        r"churn {7}v1.0.0 {5}prod {5}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00:00  churn@v1.0.0", rows[1]
    )
    nobody = ada.run("show", REPO, "old", "--plain")
    assert (nobody.stdout, nobody.stderr) == ("", "Nothing is registered here.\n")


def test_which_version_was_in_prod_on_that_day_is_one_command(ada: InProcess) -> None:
    found = ada.run("stages", REPO, "churn", "--stage", "prod")
    assert found.stdout.splitlines()[-1].split()[:4] == [REPO, "churn", "prod", "v1.0.0"]
    events = ada.records("history", REPO, "churn", "--event", "assignment", "--asc")
    assert [one["version"] for one in events] == ["v1.0.0", "v1.1.0", "v1.0.0"]
    for one in events:
        (holder,) = ada.records("stages", REPO, "churn", "--stage", "prod", "--at", str(one["at"]))
        assert holder["version"] == one["version"]
        (then,) = ada.records("show", REPO, "--in-stage", "prod", "--at", str(one["at"]))
        assert then["stages"] == {"prod": one["version"]}
    before = ada.run("stages", REPO, "churn", "--at", "2020-01-01")
    assert before.stdout == ""
    assert "As of 2020-01-01 00:00:00 UTC" in before.stderr
    assert "No stage was held." in before.stderr
    first = events[0]["at"]
    made = ada.records("history", REPO, "churn", "--event", "registration", "--until", str(first), "--asc")
    (then,) = ada.records("show", REPO, "churn@latest", "--at", str(first))
    assert then["version"] in {one["version"] for one in made}


def test_a_time_without_a_zone_is_local_and_that_is_said(ada: InProcess) -> None:
    away = CommandLine(ada.home, {**ada.variables, "TZ": "Asia/Tokyo"})
    said = away.run("stages", REPO, "--at", "2020-01-01T09:30").stderr
    assert "As of 2020-01-01 09:30:00 +0900 (2020-01-01 00:30:00 UTC)" in said
    assert "is no time" in ada.run("stages", "--at", "soon", code=2).stderr


def test_history_is_filtered(ada: InProcess) -> None:
    whole = ada.records("history", REPO)
    assert {one["event"] for one in whole if one["artifact"] == "old"} == {"registration", "deprecation"}
    assert whole == ada.records("history", REPO, "--asc")[::-1]
    assert {one["stage"] for one in ada.records("history", REPO, "--stage", "prod")} == {"prod"}
    assert {one["version"] for one in ada.records("history", REPO, "--version", "v1.1.0")} == {"v1.1.0"}
    assert ada.records("history", REPO, "--since", "1h") == whole
    assert ada.records("history", REPO, "--until", "2020-01-01") == []
    assert ada.records("history", REPO, "--author", "ada") == whole
    assert len(ada.records("history", "--namespace", "acme", "--limit", "3")) == 3
    text = ada.lines("history", REPO, "churn", "--event", "deregistration")[-1]
    assert re.search(r"deregistration +v1.1.0-rc.1 .* Wrong month$", text)


@pytest.mark.parametrize("command", [("show",), ("history",), ("stages",), ("repo", "list"), ("watch", REPO)])
def test_a_limit_is_a_number_within_reason(ada: InProcess, command: tuple[str, ...]) -> None:
    for limit in ("0", "-1", "9" * 20, "many"):
        assert "--limit" in ada.run(*command, "--limit", limit, code=2).stderr


def test_diff_is_what_changed_in_between(ada: InProcess) -> None:
    (change,) = ada.records("diff", REPO, "--from", "2020-01-01")
    assert (change["stage"], change["before"], change["after"]) == ("prod", None, "v1.0.0")
    assert {event["repo"] for event in change["events"]} == {REPO}  # type: ignore[attr-defined]
    second = ada.records("history", REPO, "churn", "--event", "assignment", "--asc")[1]["at"]
    (change,) = ada.records("diff", REPO, "--from", str(second))
    assert (change["before"], change["after"]) == ("v1.1.0", "v1.0.0")
    now = datetime.now(UTC).isoformat()
    assert ada.records("diff", REPO, "--from", now) == []
    assert "Nothing has changed" in ada.run("diff", REPO, "--from", now).stderr
    assert ada.lines("diff", REPO, "--from", "2020-01-01", "--stage", "prod")[-1].split()[:5] == [
        *(REPO, "churn", "prod", "-", "v1.0.0")
    ]
    ada.run("diff", REPO, code=2)


def test_check_ref_answers_as_gto(ada: InProcess) -> None:
    assert ada.lines("check-ref", REPO, "churn@v1.0.0", "--version") == ["v1.0.0"]
    assert ada.lines("check-ref", REPO, "refs/tags/churn#prod#1", "--stage") == ["prod"]
    assert ada.lines("check-ref", REPO, "churn#prod#1", "--event") == ["assignment"]
    assert ada.lines("check-ref", REPO, "churn@v1.0.0", "--stage") == []
    assert ada.lines("check-ref", REPO, "churn#prod#1") == [
        'Stage "prod" was assigned to version "v1.0.0" of artifact "churn"'
    ]
    document = ada.run("check-ref", REPO, "churn@v1.0.0", "--json").stdout
    assert json.loads(document)["artifact"] == "churn"
    for other in ("main", "refs/heads/main", "no-such-tag"):
        assert ada.run("check-ref", REPO, other).stdout == ""
        assert ada.run("check-ref", REPO, other, "--json").stdout == ""


def test_doctor_finds_a_broken_file(ada: InProcess, tmp_path: Path) -> None:
    assert ada.lines("doctor", REPO) == ["No problem was found."]
    ada.run("repo", "create", "acme/ill")
    (tmp_path / "artifacts.yaml").write_text("churn: [\n")
    ada.run("upload", "acme/ill", tmp_path / "artifacts.yaml", "-q")
    found = ada.run("doctor", "acme/ill", code=1).stdout
    assert "artifacts.yaml" in found
    (problem,) = json.loads(ada.run("doctor", "acme/ill", "--json", code=1).stdout)
    assert problem["file"] == "artifacts.yaml"
    assert problem["reason"]
    assert problem["remedy"]


def test_a_renamed_repo_is_found_by_its_old_name(ada: InProcess) -> None:
    ada.run("repo", "create", "acme/before")
    ada.run("annotate", "acme/before", "churn", "--type", "model")
    ada.run("repo", "rename", "acme/before", "after")
    (shown,) = ada.records("show", "acme/before")
    assert (shown["repo"], shown["artifact"], shown["latest"]) == ("acme/after", "churn", None)
    assert ada.lines("show", "acme/before")[-1].split() == ["*churn", "-"]
    assert ada.records("history", "acme/before") == []
    assert ada.records("stages", "acme/before") == []


def test_wrong_combinations_are_usage_errors(ada: InProcess) -> None:
    for words in (
        ("register", REPO, "churn", "--version", "v3.0.0", "--pre", "rc"),
        ("register", REPO, "churn", "--release", "--bump-minor"),
        ("stages", REPO, "--json", "--plain"),
        ("show", REPO, "churn", "--name"),
    ):
        ada.run(*words, code=2)
    taken = ada.run("register", REPO, "churn", "--version", "v1.0.0", "--ref", "main", code=1)
    assert taken.stderr.startswith("error: ")
    assert ada.run("unassign", REPO, "churn", "--stage", "none", code=1).stderr.startswith("error: ")
