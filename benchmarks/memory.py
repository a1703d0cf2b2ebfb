"""What the hub's memory does while a large file goes up and down."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.contents import make_file, variant
from benchmarks.git_client import GitClient
from benchmarks.measure import Figure, Result
from benchmarks.workshop import MB, Workshop

LIMIT_MIB = 64.0
WARM_UP = 20 * MB
_EVERY_SECONDS = 0.02


def run(shop: Workshop) -> list[Result]:
    """Resident memory of the server: the most during the transfers, less what it was before.

    A small file goes up and down before, so that what is loaded on first use is not counted.
    """
    size = shop.sizes.memory
    shop.require_space(5 * size)
    with shop.hub() as hub:
        client = shop.client(hub)
        url = hub.create_repo("memory")
        work = client.new_repo(shop.folder / "work", tracked=["*.bin"])
        client.run(work, "remote", "add", "origin", url)
        _up_and_down(client, work, url, WARM_UP)
        before = resident_mib(hub.pid)
        with watching(hub.pid) as peak:
            _up_and_down(client, work, url, size)
    growth = max(peak) - before
    return [
        Figure(f"RSS growth, {size // MB} MB up and down (from {before:.0f} MiB)", growth, LIMIT_MIB, "MiB")
    ]


def _up_and_down(client: GitClient, work: Path, url: str, size: int) -> None:
    base = make_file(work.parent / "content", size)
    variant(base, f"memory/{size}").write_to(work / "model.bin")
    base.unlink()
    client.commit_all(work)
    client.run(work, "lfs", "push", "origin", "main")
    client.run(work, "push", "--quiet", "origin", "main")
    shutil.rmtree(work / ".git" / "lfs" / "objects")
    client.run(work, "lfs", "fetch", "origin", "main")


@contextmanager
def watching(pid: int) -> Iterator[list[float]]:
    """Samples the resident memory in MiB until the block ends."""
    samples: list[float] = [resident_mib(pid)]
    is_over = threading.Event()

    def sample() -> None:
        while not is_over.wait(_EVERY_SECONDS):
            samples.append(resident_mib(pid))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield samples
    finally:
        is_over.set()
        thread.join()


def resident_mib(pid: int) -> float:
    """Resident memory of a process. The hub is one process; the Git that it starts does not count."""
    for line in _read(Path(f"/proc/{pid}/status")).splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"there is no process {pid}")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
