"""Events, webhooks and completion on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.compat.cli.conftest import ROOT, Server, clean_environment
from tests.compat.cli.in_process import InProcess

REPO = "acme/watched"


@pytest.fixture(scope="module")
def ada(server: Server, adas_token: str, tmp_path_factory: pytest.TempPathFactory) -> InProcess:
    home = tmp_path_factory.mktemp("home")
    made = InProcess(home, {"MODELKEEP_URL": server.url, "MODELKEEP_TOKEN": adas_token})
    made.run("repo", "create", REPO)
    (home / "model.txt").write_text("one")
    made.run("upload", REPO, home / "model.txt", "-q")
    made.run("register", REPO, "models:churn")
    made.run("promote", REPO, "models:churn", "--version", "latest", "--stage", "prod")
    return made


def test_watch_shows_what_was_and_what_comes(ada: InProcess) -> None:
    past = [json.loads(line) for line in ada.lines("watch", REPO, "--after", "0", "--limit", "2", "--json")]
    assert [one["repo"] for one in past] == [REPO, REPO]
    assert ada.lines("watch", REPO, "--after", "0", "--limit", "1", "--type", "stage.*")[0].split()[2:] == [
        *("stage.assigned", "name=models:churn", "version=v0.0.1", "stage=prod"),
        *("ref=refs/tags/models=churn#prod#1", "message=Assigning", "stage", "prod", "to", "artifact"),
        *("models:churn", "version", "v0.0.1", "by", "ada"),
    ]
    command = [
        sys.executable,
        "-m",
        "modelkeep",
        "watch",
        REPO,
        "--limit",
        "1",
        "--json",
        "--type",
        "repo.updated",
    ]
    environment = clean_environment(ada.home) | ada.variables
    last = past[-1]["sequence"]
    with subprocess.Popen(
        [*command, "--after", last], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        ada.run("repo", "edit", REPO, "--description", "Watched")
        said, _ = process.communicate(timeout=60)
    assert json.loads(said)["type"] == "repo.updated"
    assert process.returncode == 0
    ada.run("watch", "acme/nothing", code=1)


def test_webhooks(ada: InProcess) -> None:
    for owner in (REPO, "acme"):
        words = ("--event", "stage.assigned", "--stage", "prod", "--description", "Deploys")
        said = ada.lines("webhook", "add", owner, "https://ci.example.org/hook", *words)
        assert said[-1].startswith("whsec_")
        (hook,) = ada.records("webhook", "list", owner)
        number = str(hook["id"])
        assert (hook["events"], hook["stages"], hook["secret"]) == (["stage.assigned"], ["prod"], "")
        assert "https://ci.example.org/hook" in ada.run("webhook", "list", owner).stdout
        changed = ada.record("webhook", "update", owner, number, "--inactive", "--event", "*")
        assert (changed["is_active"], changed["events"], changed["stages"]) == (False, ["*"], ["prod"])
        assert "Deploys" in ada.run("webhook", "show", owner, number).stdout
        secret = ada.record("webhook", "rotate", owner, number)["secret"]
        assert str(secret).startswith("whsec_")
        assert secret != said[-1]
        assert ada.records("webhook", "deliveries", owner, number) == []
        ada.run("webhook", "deliveries", owner, number, "none", code=1)
        ada.run("webhook", "replay", owner, number, "none", code=1)
        ada.run("webhook", "remove", owner, number)
        assert ada.records("webhook", "list", owner) == []
    ada.run("webhook", "add", REPO, "no-url", code=1)


def test_a_ping_is_listed_and_can_be_replayed(ada: InProcess) -> None:
    # Nobody listens there, and the hub may not speak to its own machine: the delivery waits or fails, and says so.
    number = str(ada.record("webhook", "add", REPO, "https://ci.example.org/hook")["id"])
    sent = str(ada.record("webhook", "ping", REPO, number)["id"])
    (listed,) = ada.records("webhook", "deliveries", REPO, number)
    assert listed["id"] == sent
    shown = ada.run("webhook", "deliveries", REPO, number, sent).stdout
    assert "ping" in shown
    assert REPO in shown
    again = ada.record("webhook", "replay", REPO, number, sent)
    assert again["replay_of"] == sent
    ada.run("webhook", "remove", REPO, number)


def completed(ada: InProcess, line: str) -> list[str]:
    """What bash offers at the end of a line, with its own way to break words at ':'."""
    script = (
        'eval "$("$PYTHON" -m modelkeep completion bash)"\n'
        f"COMP_LINE={line!r} COMP_POINT=${{#COMP_LINE}}\n"
        f'_modelkeep "$PROGRAM" {line.split(" ")[-1].split(":")[-1]!r} ""\n'
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    program = ada.home / "modelkeep"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m modelkeep "$@"\n')
    program.chmod(0o755)
    environment = clean_environment(ada.home) | ada.variables
    environment |= {"PYTHON": sys.executable, "PROGRAM": str(program), "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        ["bash", "--norc", "-c", script], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
    return [word for word in done.stdout.splitlines() if word]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("modelkeep sta", ["stages"]),
        ("modelkeep repo la", ["label"]),
        ("modelkeep repo label ", ["add", "remove"]),
        ("modelkeep webhook rot", ["rotate"]),
        ("modelkeep show --in-", ["--in-stage"]),
        ("modelkeep completion ", ["bash", "zsh", "fish"]),
        ("modelkeep repo edit acme/x --visibility p", ["private", "public"]),
        ("modelkeep show acme/wat", [REPO]),
        (f"modelkeep show {REPO} mod", ["models:churn"]),
        (f"modelkeep show {REPO} models:ch", ["churn"]),
        (f"modelkeep promote {REPO} models:churn --stage ", ["prod"]),
        (f"modelkeep promote {REPO} models:churn --version v", ["v0.0.1"]),
        ("modelkeep nonsense ", []),
        ("modelkeep upload acme/x 'half", []),
    ],
)
def test_bash_completes(ada: InProcess, line: str, offered: list[str]) -> None:
    assert completed(ada, line) == offered


def test_completion_without_a_hub_is_silent(tmp_path: Path) -> None:
    nobody = InProcess(tmp_path, {"MODELKEEP_URL": "http://127.0.0.1:9"})
    assert completed(nobody, "modelkeep show ac") == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_remarks(ada: InProcess, shell: str) -> None:
    environment = clean_environment(ada.home) | ada.variables
    environment |= {"_MODELKEEP_COMPLETE": shell, "_MODELKEEP_WORDS": f"show\x1f{REPO}\x1fmodels"}
    command = [sys.executable, "-m", "modelkeep"]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, cwd=os.getcwd()
    )
    assert done.stdout == {"zsh": "models\\:churn:v0.0.1\n", "fish": "models:churn\tv0.0.1\n"}[shell]
    assert shell in ada.run("completion", shell).stdout
    ada.run("completion", "tcsh", code=2)
