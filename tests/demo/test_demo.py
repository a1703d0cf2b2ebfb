"""The demonstration, run as ``make demo`` runs it: it ends well only if every step held, and says what did not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
RUN = [sys.executable, str(ROOT / "demo" / "run.py"), "--port", "0", "--megabytes", "2"]
SECONDS = 800


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "data"


@pytest.fixture(scope="module")
def finished(folder: Path) -> subprocess.CompletedProcess[str]:
    """The whole demonstration, ended after the steps."""
    return run("--exit", "--data", str(folder))


def run(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*RUN, *arguments],
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
    )


def is_answering(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=10, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def url_in(output: str) -> str:
    port = output.partition("--port ")[2].split()[0]
    return f"http://127.0.0.1:{port}"


@pytest.mark.slow
@pytest.mark.timeout(SECONDS)
class TestAllOfIt:
    def test_every_step_holds(self, finished: subprocess.CompletedProcess[str]) -> None:
        assert finished.returncode == 0, finished.stdout
        assert "All of it held" in finished.stdout
        assert "✗" not in finished.stdout
        for command in (
            "git clone",
            "git push",
            "git tag -a iris@v1.1.0",
            "gto register digits",
            "modelkeep rollback acme/iris iris --stage prod",
            "modelkeep download acme/iris --stage prod",
            "modelkeep request approve acme/iris 1",
        ):
            assert f"$ {command}" in finished.stdout

    def test_a_log_gets_plain_text_of_80_columns(self, finished: subprocess.CompletedProcess[str]) -> None:
        assert "\x1b" not in finished.stdout
        assert "\r" not in finished.stdout
        steps = [line for line in finished.stdout.splitlines() if line.startswith("  ✓") and "/" not in line]
        assert steps
        assert max(map(len, steps)) <= 80

    def test_no_secret_is_printed_on_the_way(
        self, finished: subprocess.CompletedProcess[str], folder: Path
    ) -> None:
        login = json.loads((folder / "login.json").read_text())
        for text in (finished.stdout, (folder / "serve.log").read_text()):
            assert login["token"] not in text
            assert login["password"] not in text

    def test_the_hub_is_gone_afterwards(self, finished: subprocess.CompletedProcess[str]) -> None:
        assert not is_answering(url_in(finished.stdout))

    def test_kept_data_is_served_until_interrupted(
        self, finished: subprocess.CompletedProcess[str], folder: Path
    ) -> None:
        assert finished.returncode == 0
        process = subprocess.Popen(
            [*RUN, "--keep", "--data", str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"},
            text=True,
        )
        assert process.stdout is not None
        try:
            said = []
            for line in process.stdout:
                said.append(line)
                if "modelkeep promote" in line:
                    break
            text = "".join(said)
            login = json.loads((folder / "login.json").read_text())
            assert login["password"] in text
            assert registry(url_in(text), login["token"]) == {
                "acme/iris": "v1.1.0",
                "acme/digits": "v1.0.0",
                "globex/encoder": "v0.1.0",
            }
            process.send_signal(signal.SIGINT)
            rest, _ = process.communicate(timeout=120)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(60)
        assert process.returncode == 0, rest
        assert "Traceback" not in rest
        assert not is_answering(url_in(text))


def registry(url: str, token: str) -> dict[str, str]:
    """The latest version of each repo that the token may read."""
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx.get(f"{url}/api/v1/registry", headers=headers, timeout=30, trust_env=False)
    return {entry["repo"]: entry["latest"] for entry in answer.json()["items"]}


@pytest.fixture
def broken_git(tmp_path: Path) -> str:
    """A PATH on which ``git clone`` fails and everything else of Git works."""
    real = shutil.which("git")
    assert real
    tools = tmp_path / "tools"
    tools.mkdir()
    git = tools / "git"
    git.write_text(
        f'#!/bin/sh\nif [ "$1" = clone ]; then echo "the cable is cut" >&2; exit 7; fi\nexec {real} "$@"\n'
    )
    git.chmod(0o755)
    return f"{tools}{os.pathsep}{os.environ['PATH']}"


@pytest.mark.timeout(SECONDS)
def test_a_step_that_fails_fails_it_all_and_is_explained(tmp_path: Path, broken_git: str) -> None:
    done = run("--exit", "--data", str(tmp_path / "data"), env={"PATH": broken_git})

    assert done.returncode == 1, done.stdout
    assert "All of it held" not in done.stdout
    assert "✗ ada:~$ git clone" in done.stdout
    assert "/acme/iris: exit code 7" in done.stdout
    assert "| the cable is cut" in done.stdout
    assert "The hub's log ends with" in done.stdout
    assert "Traceback" not in done.stdout
    assert not is_answering(url_in(done.stdout))


@pytest.mark.timeout(SECONDS)
def test_a_hub_that_does_not_start_fails_it_all_and_is_explained(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "login.json").write_text(json.dumps({"user": "ada", "password": "x", "token": "short"}))
    (data / "hub").write_text("a file where a folder should be")

    done = run("--keep", "--exit", "--data", str(data))

    assert done.returncode == 1, done.stdout
    assert "modelkeep serve ended with exit code" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")

    done = run("--exit", "--data", str(tmp_path))

    assert done.returncode != 0
    assert "holds something else" in done.stdout
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_there_is_nothing_to_keep_without_a_first_run(tmp_path: Path) -> None:
    done = run("--keep", "--data", str(tmp_path / "new"))

    assert done.returncode != 0
    assert "nothing to keep" in done.stdout
