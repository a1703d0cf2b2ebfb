"""Eight large uploads at once: the hub against threads over plain sockets."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks import sockets
from benchmarks.contents import Content, make_file, variant
from benchmarks.measure import Comparison, Result, Side, alternate, timed
from benchmarks.processes import HOST, free_port, running
from benchmarks.workshop import MB, Workshop

PARALLEL = 8
ROOT = Path(__file__).resolve().parent.parent
Address = Callable[[Content], tuple[str, dict[str, str]]]


def run(shop: Workshop) -> list[Result]:
    """PUTs of LFS action URLs against a floor that also hashes, writes and syncs."""
    size = shop.sizes.put
    shop.require_space(2 * PARALLEL * size * (shop.sizes.rounds + 2))
    base = make_file(shop.folder / "content", size)
    floor_folder = shop.folder / "floor"
    floor_folder.mkdir()
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.peers.raw_sockets", str(port), str(floor_folder)]
    with shop.hub() as hub, running(command, ready=port, log=shop.folder / "floor.log", cwd=ROOT):
        hub.create_repo("uploads")

        def at_hub(content: Content) -> tuple[str, dict[str, str]]:
            return hub.action("uploads", "upload", content.oid, content.size)

        def at_floor(content: Content) -> tuple[str, dict[str, str]]:
            return f"http://{HOST}:{port}/{content.oid}", {}

        sides = {"hub": _put_all(base, at_hub), "floor": _put_all(base, at_floor, clear=floor_folder)}
        found = alternate(sides, shop.sizes.rounds)
    name = f"{PARALLEL} parallel PUTs of {size // MB} MB, sha256 and disk"
    return [Comparison(name, "threads, raw sockets", found["hub"], found["floor"], "speed", 0.85)]


def _put_all(base: Path, address: Address, *, clear: Path | None = None) -> Side:
    def side(number: int) -> float:
        # New contents each time: what a hub has already it does not take again.
        contents = [variant(base, f"{number}/{part}") for part in range(PARALLEL)]
        targets = [(content, *address(content)) for content in contents]
        with ThreadPoolExecutor(PARALLEL) as pool, timed() as watch:
            answers = list(pool.map(_put, targets))
        if any(answer.status >= 300 for answer in answers):
            raise RuntimeError(f"the uploads answered {answers}")
        if clear is not None:
            shutil.rmtree(clear)
            clear.mkdir()
        return watch.seconds

    return side


def _put(target: tuple[Content, str, dict[str, str]]) -> sockets.Answer:
    content, url, headers = target
    return sockets.put(url, content, headers)
