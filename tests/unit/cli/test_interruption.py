"""Ctrl-C in the middle of a download ends the command at once, without a traceback, and nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from modelkeep.sdk.folder import PARTS_FOLDER
from tests.unit.sdk.stand_in import StandIn, running, sha256

WEIGHTS = os.urandom(2_000_000)


def test_ctrl_c(tmp_path: Path) -> None:
    half_sent = threading.Event()
    with running(StandIn(stalls_after=1_500_000, has_stalled=half_sent)) as hub:
        hub.add("model.bin", WEIGHTS, is_lfs=True)
        command = [sys.executable, "-m", "modelkeep", "download", "acme/churn", "--url", hub.url, "--to"]
        process = subprocess.Popen(
            [*command, str(tmp_path / "to")], stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        assert half_sent.wait(60)
        part = tmp_path / "to" / PARTS_FOLDER / f"{sha256(WEIGHTS)}.part"
        while not part.exists() or part.stat().st_size < 1_500_000:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "Interrupted. Repeat the command to go on." in said
        assert "Traceback" not in said
        hub.stalls_after = None
        subprocess.run([*command, str(tmp_path / "to")], check=True, capture_output=True, timeout=60)
        assert (tmp_path / "to" / "model.bin").read_bytes() == WEIGHTS
        assert hub.asked("GET", "/files/")[-1].headers["range"] == "bytes=1500000-"
