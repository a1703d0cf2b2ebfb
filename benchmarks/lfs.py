"""Git LFS as people use it: push and clone with the stock client."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.contents import make_file, small_files, variant
from benchmarks.git_client import GitClient
from benchmarks.measure import Comparison, Result, Samples
from benchmarks.peers import giftless
from benchmarks.workshop import MB, Workshop

SMALL_FILE = 10_000
PUSH_AIM, CLONE_AIM = 1.0, 1.5
GIFTLESS, LOCAL = "giftless", "file://"

CreateRepo = Callable[[str], str]
Fill = Callable[[Path, int], None]


@dataclass
class Laps:
    """Seconds by remote, for pushes and for clones."""

    push: dict[str, list[float]] = field(default_factory=dict)
    clone: dict[str, list[float]] = field(default_factory=dict)

    def compare(self, what: str, name: str, peer: str, aim: float | None = None) -> Comparison:
        laps: dict[str, list[float]] = getattr(self, what)
        hub, other = Samples(tuple(laps["hub"])), Samples(tuple(laps[peer]))
        return Comparison(name, peer, hub, other, "time", aim)


def run_large(shop: Workshop) -> list[Result]:
    """One large file."""
    size = shop.sizes.lfs
    shop.require_space(size * (3 * shop.sizes.rounds + 8))
    base = make_file(shop.folder / "content", size)

    def fill(repo: Path, number: int) -> None:
        variant(base, f"lfs/{number}").write_to(repo / "model.bin")

    laps = _laps(shop, fill, with_local=True)
    push, clone = f"git lfs push, 1 file of {size // MB} MB", f"clone, 1 file of {size // MB} MB"
    return [
        laps.compare("push", push, GIFTLESS, PUSH_AIM),
        laps.compare("clone", clone, LOCAL, CLONE_AIM),
        laps.compare("clone", clone, GIFTLESS),
    ]


def run_small(shop: Workshop) -> list[Result]:
    """Many small files."""
    count = shop.sizes.small_files

    def fill(repo: Path, number: int) -> None:
        for name, content in small_files(count, SMALL_FILE, f"small/{number}"):
            path = repo / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)

    laps = _laps(shop, fill, with_local=False)
    files = f"{count} files of {SMALL_FILE // 1000} kB"
    return [
        laps.compare("push", f"git lfs push, {files}", GIFTLESS),
        laps.compare("clone", f"clone, {files}", GIFTLESS),
    ]


def _laps(shop: Workshop, fill: Fill, *, with_local: bool) -> Laps:
    laps = Laps()
    with ExitStack() as stack:
        hub = stack.enter_context(shop.hub())
        forge = stack.enter_context(giftless.git_and_lfs(shop.folder / "forge"))
        client = shop.client(hub)
        remotes: dict[str, CreateRepo] = {
            "hub": hub.create_repo,
            GIFTLESS: lambda name: forge.create_repo(f"bench/{name}"),
        }
        if with_local:
            remotes[LOCAL] = lambda name: _local_remote(client, shop.folder / "local" / f"{name}.git")
        # The first lap warms caches everywhere and does not count.
        for number in range(-1, shop.sizes.rounds):
            _lap(client, shop.folder, number, fill, remotes, laps if number >= 0 else Laps())
    return laps


def _lap(
    client: GitClient,
    folder: Path,
    number: int,
    fill: Fill,
    remotes: Mapping[str, CreateRepo],
    laps: Laps,
) -> None:
    """Pushes new content to a new repo of each remote, then clones it from each."""
    work = client.new_repo(folder / f"work{number}", tracked=["*.bin"])
    fill(work, number)
    client.commit_all(work)
    urls = {name: create(f"lap{number}") for name, create in remotes.items()}
    for name, url in urls.items():
        remote = f"to-{name.partition(':')[0]}"
        client.run(work, "remote", "add", remote, url)
        laps.push.setdefault(name, []).append(client.timed(work, "lfs", "push", remote, "main"))
        client.run(work, "push", "--quiet", remote, "main")
    shutil.rmtree(work)
    for name, url in urls.items():
        laps.clone.setdefault(name, []).append(client.timed_clone(url, folder / "clone"))


def _local_remote(client: GitClient, path: Path) -> str:
    path.parent.mkdir(exist_ok=True)
    client.run(path.parent, "init", "--quiet", "--bare", str(path))
    return path.as_uri()
