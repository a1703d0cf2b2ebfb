"""Runs in the environment of a client of the Hub: does what standard input says, and prints how long the client took.

Reads ``{"do": NAME, ...}`` and writes ``{"seconds": [...]}``; imports and preparations do not count.
"""

import json
import shutil
import sys
import time
from collections.abc import Callable

from huggingface_hub import HfApi, hf_hub_download, snapshot_download

api = HfApi()


def _timed(work: Callable[[], object]) -> list[float]:
    started = time.perf_counter()
    work()
    return [time.perf_counter() - started]


def upload(repo: str, folder: str) -> list[float]:
    """Uploads a folder as one commit."""
    api.create_repo(repo, exist_ok=True)
    return _timed(lambda: api.upload_folder(repo_id=repo, folder_path=folder))


def download(repo: str, path: str, target: str) -> list[float]:
    """Downloads a file into a folder, which is removed again."""
    try:
        return _timed(lambda: hf_hub_download(repo, path, local_dir=target))
    finally:
        shutil.rmtree(target, ignore_errors=True)


def snapshot(repo: str, target: str) -> list[float]:
    """Downloads all files into a folder, which is removed again."""
    try:
        return _timed(lambda: snapshot_download(repo, local_dir=target))
    finally:
        shutil.rmtree(target, ignore_errors=True)


def warm_snapshot(repo: str, cache: str, rounds: int) -> list[float]:
    """Asks some times for a snapshot that is there."""
    snapshot_download(repo, cache_dir=cache)
    seconds = []
    for _ in range(rounds):
        seconds += _timed(lambda: snapshot_download(repo, cache_dir=cache))
    return seconds


_DEEDS = {"upload": upload, "download": download, "snapshot": snapshot, "warm_snapshot": warm_snapshot}

if __name__ == "__main__":
    wanted = json.load(sys.stdin)
    json.dump({"seconds": _DEEDS[wanted.pop("do")](**wanted)}, sys.stdout)
