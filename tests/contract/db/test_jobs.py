"""The job engine on both databases, in a process of its own that is killed in the middle of a job."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from modelkeep.db.engine import open_database
from tests.support.hub import REPOSITORY

PROGRAM = """
import sys, threading, time
from datetime import timedelta
from pathlib import Path
from modelkeep.jobs.engine import Engine

url, folder, orders = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]

def write(text):
    with (folder / "log").open("a") as log:
        log.write(text + "\\n")

def note(word, number):
    write(f"begin {word} {number}")
    if word == "hang" and not (folder / "go").exists():
        threading.Event().wait(60)
    if word == "fail":
        raise ValueError("a fault of the handler")
    write(f"end {word} {number}")

engine = Engine(url, {"note": note, "tick": lambda: write("tick")}, {"tick": "* * * * * *"})
engine.start()
for order in orders:
    line, word, delay = order.split(",")
    engine.enqueue("note", line, word, 7, delay=timedelta(seconds=float(delay)))
write("lines " + " ".join(sorted(engine.busy_lines())))
for line in sys.stdin:
    if line.strip() == "forget":
        write(f"forgot {engine.forget(timedelta(0)) > 0}")
engine.stop()
write("stopped")
"""


class Program:
    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self._url = url
        (folder / "program.py").write_text(PROGRAM)
        (folder / "log").touch()

    def start(self, *orders: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(self.folder / "program.py"), self._url, str(self.folder), *orders],
            cwd=REPOSITORY,
            env=os.environ | {"PYTHONPATH": "src", "DBOS__CLOUD": "true"},
            stdin=subprocess.PIPE,
            text=True,
        )

    def lines(self) -> list[str]:
        return (self.folder / "log").read_text().splitlines()

    def wait(self, is_enough: Callable[[list[str]], bool]) -> list[str]:
        deadline = time.monotonic() + 60
        while not is_enough(self.lines()):
            assert time.monotonic() < deadline, self.lines()
            time.sleep(0.05)
        return self.lines()


@pytest.fixture
def program(empty_url: str, tmp_path: Path) -> Program:
    database = open_database(empty_url)
    database.migrate()  # the hub's own tables do not get in the way, nor the engine's in theirs
    database.close()
    folder = tmp_path / "jobs"
    folder.mkdir()
    url = empty_url if empty_url.startswith("postgresql") else f"sqlite:///{folder / 'jobs.db'}"
    return Program(folder, url)


def test_jobs_run_once_wait_and_survive_a_kill(program: Program) -> None:
    process = program.start("a,first,0", "a,second,0", "b,fail,0", "c,hang,0", "d,late,3")
    try:
        wanted = {"begin hang 7", "end first 7", "end second 7"}
        seen = program.wait(lambda lines: wanted <= set(lines))
        assert seen[0] == "lines a b c d"
        # Which of two that were made in the same millisecond comes first, nobody says.
        in_line = [line.split()[1] for line in seen if line.endswith(("first 7", "second 7"))]
        assert in_line[0] == in_line[1] != in_line[2] == in_line[3], "one after the other in a line"
        assert "begin late 7" not in seen[: seen.index("begin hang 7")]
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()

    (program.folder / "go").touch()
    process = program.start()
    try:
        seen = program.wait(lambda lines: "end hang 7" in lines and "end late 7" in lines)
        program.wait(lambda lines: lines.count("tick") >= 2)
        process.communicate("forget\n", timeout=60)
    finally:
        process.kill()
    seen = program.lines()
    assert seen.count("begin hang 7") == 2, "what was under way begins anew"
    assert [seen.count(f"end {word} 7") for word in ("first", "second", "late", "hang")] == [1, 1, 1, 1]
    assert "forgot True" in seen
    assert seen[-1] == "stopped"
    assert process.returncode == 0
