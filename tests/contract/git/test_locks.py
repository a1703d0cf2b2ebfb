"""One holder at a time, in any thread or process, and none after a kill."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from modelkeep.domain.errors import Unavailable
from modelkeep.git.locks import exclusive

HOLDER = """
import sys, time
from pathlib import Path
from modelkeep.git.locks import exclusive
lock = exclusive(Path(sys.argv[1]), 10)
print("held", flush=True)
time.sleep(60)
"""


def test_a_lock_excludes_until_it_is_released(git_dir: Path) -> None:
    with exclusive(git_dir, 0):
        with pytest.raises(Unavailable) as caught:
            exclusive(git_dir, 0.05)
        assert caught.value.code == "repo_busy"
    exclusive(git_dir, 0).release()


def test_a_lock_may_be_released_by_another_thread_and_twice(git_dir: Path) -> None:
    lock = exclusive(git_dir, 0)
    thread = threading.Thread(target=lock.release)
    thread.start()
    thread.join()
    with exclusive(git_dir, 0):
        lock.release()
        with pytest.raises(Unavailable):
            exclusive(git_dir, 0)


def test_counting_under_the_lock_loses_nothing(git_dir: Path) -> None:
    counter = git_dir / "counter"
    counter.write_text("0")

    def count() -> None:
        for _ in range(20):
            with exclusive(git_dir, 30):
                counter.write_text(str(int(counter.read_text()) + 1))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.read_text() == "80"


def test_a_killed_process_holds_nothing(git_dir: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(git_dir)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(Unavailable):
            exclusive(git_dir, 0.05)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    exclusive(git_dir, 5).release()


def test_there_is_no_lock_without_a_repository(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        exclusive(tmp_path / "none.git", 0)
