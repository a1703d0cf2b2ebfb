"""The Hub's stock client: uploads against git-lfs on this hub, downloads against nginx through the same client."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.contents import make_noise, small_files
from benchmarks.git_client import GitClient
from benchmarks.measure import Comparison, Figure, Result, Samples, Side, alternate
from benchmarks.peers import nginx
from benchmarks.processes import Missing
from benchmarks.workshop import MB, HubUnderTest, Workshop

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv-hub-2" / "bin" / "python"
SCRIPT = ROOT / "benchmarks" / "peers" / "hub_client.py"
SMALL_FILE = 10_000
CHANGED_PIECE = 2 * MB
DOWNLOAD_AIM, STORED_AIM = 0.8, 1.15
LFS, NGINX = "git lfs push, this hub", "nginx, the same client"
_COMMIT = "0123456789abcdef0123456789abcdef01234567"
_SECONDS = 3600


def run_large(shop: Workshop) -> list[Result]:
    """One large file of noise, and a second version of it with one percent changed."""
    size = shop.sizes.hub
    shop.require_space(8 * size)
    with shop.hub() as hub:
        client, git = _HfClient(shop.folder, hub), _GitSide(shop, hub, "large-git")
        found = _uploads(shop, hub, client, git, make_noise(shop.folder / "noise", size))
        found += _downloads(shop, hub, client)
    return found


def run_small(shop: Workshop) -> list[Result]:
    """Many small files up and down, and a snapshot that is there already."""
    count, rounds = shop.sizes.small_files, shop.sizes.hub_rounds
    files = f"{count} files of {SMALL_FILE // 1000} kB"
    with shop.hub() as hub:
        client, git = _HfClient(shop.folder, hub), _GitSide(shop, hub, "small-git")
        for name, content in small_files(count, SMALL_FILE, "hub"):
            for folder in (shop.folder / "small", git.work):
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        up = client.seconds("upload", repo="bench/small", folder=shop.folder / "small")
        by_git = git.push()
        clone = git.client.timed_clone

        def down(_: int) -> float:
            return client.seconds("snapshot", repo="bench/small", target=shop.folder / "down")

        sides: dict[str, Side] = {"hub": down, "git": lambda _: clone(git.url, shop.folder / "clone")}
        laps = alternate(sides, rounds)
        warm = _warm(shop, hub, client)
    return [
        Comparison(f"hf upload, {files}", LFS, _one(up), _one(by_git), "time"),
        Comparison(f"hf download, {files}", "git clone with LFS, this hub", laps["hub"], laps["git"], "time"),
        Comparison(f"warm snapshot_download, {files}", NGINX, warm["hub"], warm["nginx"], "time"),
    ]


def _uploads(
    shop: Workshop, hub: HubUnderTest, client: _HfClient, git: _GitSide, noise: Path
) -> list[Result]:
    size = f"{noise.stat().st_size // MB} MB"
    folder = shop.folder / "large"
    folder.mkdir()
    noise.rename(folder / "model.bin")
    model = folder / "model.bin"

    # First the stock client, then git-lfs, which would find on this hub what is there in another repo: it may not.
    first = client.seconds("upload", repo="bench/large", folder=folder)
    shutil.copyfile(model, git.work / "model.bin")
    first_by_git = git.push()
    changed = _change(model)
    before = _stored(hub)
    second = client.seconds("upload", repo="bench/large", folder=folder)
    added = _stored(hub) - before
    shutil.copyfile(model, git.work / "model.bin")
    second_by_git = git.push()
    return [
        Comparison(f"hf upload, {size} of noise", LFS, _one(first), _one(first_by_git), "time"),
        Comparison(f"hf upload, {size}, 1 % changed", LFS, _one(second), _one(second_by_git), "time"),
        Figure("second version, stored bytes by changed bytes", added / changed, STORED_AIM, "x"),
    ]


def _downloads(shop: Workshop, hub: HubUnderTest, client: _HfClient) -> list[Result]:
    """The same bytes from the hub, which came by Xet and by LFS, and from an nginx that knows nothing but the file."""
    model = shop.folder / "large" / "model.bin"
    names = {"bench/large": "came by hf upload", "bench/large-git": "came by git-lfs"}
    headers = "".join(
        f"add_header {name} {value} always;\n"
        for name, value in {"X-Repo-Commit": _COMMIT, "X-Linked-Size": str(model.stat().st_size)}.items()
    )
    at = f"location = /bench/floor/resolve/main/model.bin {{ alias {model};\n{headers} }}\n"
    results: list[Result] = []
    with nginx.serving(shop.folder / "floor", at) as url:
        for repo, how in names.items():

            def from_hub(_: int, repo: str = repo) -> float:
                return client.seconds("download", repo=repo, path="model.bin", target=shop.folder / "got")

            def from_nginx(_: int) -> float:
                options = {"repo": "bench/floor", "path": "model.bin", "target": shop.folder / "got"}
                return client.seconds("download", endpoint=url, **options)

            laps = alternate({"hub": from_hub, "nginx": from_nginx}, shop.sizes.hub_rounds)
            name = f"hf download, {model.stat().st_size // MB} MB, {how}"
            results.append(Comparison(name, NGINX, laps["hub"], laps["nginx"], "speed", DOWNLOAD_AIM))
    return results


def _warm(shop: Workshop, hub: HubUnderTest, client: _HfClient) -> dict[str, Samples]:
    """The one request that it costs; nginx gives the hub's own answer as a file."""
    path = "/api/models/bench/small/revision/main"
    answer = shop.folder / "revision.json"
    answer.write_text(json.dumps(hub.get(path, hub.token)), encoding="utf-8")
    rounds, cache = shop.sizes.page_rounds, shop.folder / "cache"
    by_hub = client.run("warm_snapshot", repo="bench/small", cache=cache, rounds=rounds)
    at = f"location = {path} {{ default_type application/json; alias {answer}; }}\n"
    with nginx.serving(shop.folder / "floor", at) as url:
        floor = client.run("warm_snapshot", endpoint=url, repo="bench/small", cache=cache, rounds=rounds)
    return {"hub": Samples(tuple(by_hub)), "nginx": Samples(tuple(floor))}


@dataclass(frozen=True)
class _HfClient:
    """The newest client, each time in a new process with a home of its own."""

    folder: Path
    hub: HubUnderTest

    def seconds(self, deed: str, *, endpoint: str | None = None, **options: object) -> float:
        (seconds,) = self.run(deed, endpoint=endpoint, **options)
        return seconds

    def run(self, deed: str, *, endpoint: str | None = None, **options: object) -> list[float]:
        """The seconds that `peers/hub_client.py` measured."""
        if not PYTHON.exists():
            raise Missing("the client of the Hub is not installed; `make setup-hub` installs it")
        os.sync()
        with _home(self.folder) as home:
            done = subprocess.run(
                [PYTHON, SCRIPT],
                check=False,
                input=json.dumps({"do": deed, **options}, default=str),
                env={
                    "PATH": os.environ.get("PATH", os.defpath),
                    "HOME": str(home),
                    "HF_HOME": str(home / "hf"),
                    "HF_ENDPOINT": endpoint or self.hub.url,
                    "HF_TOKEN": self.hub.token,
                    "HF_HUB_DISABLE_TELEMETRY": "1",
                    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
                },
                capture_output=True,
                text=True,
                timeout=_SECONDS,
            )
        if done.returncode:
            raise RuntimeError(f"the client's {deed} ended with {done.returncode}:\n{done.stderr[-3000:]}")
        found: dict[str, Any] = json.loads(done.stdout)
        return [float(seconds) for seconds in found["seconds"]]


class _GitSide:
    """A work tree whose content git-lfs pushes to a repo of the same hub."""

    def __init__(self, shop: Workshop, hub: HubUnderTest, name: str) -> None:
        self.client: GitClient = shop.client(hub)
        self.url = hub.create_repo(name)
        self.work = self.client.new_repo(shop.folder / name, tracked=["*.bin"])
        self.client.run(self.work, "remote", "add", "origin", self.url)

    def push(self) -> float:
        """Commits all, and pushes it; the seconds of both, for ``hf upload`` hashes and commits, too."""
        add = self.client.timed(self.work, "add", "--all")
        self.client.run(self.work, "commit", "--quiet", "--message", "More")
        return add + self.client.timed(self.work, "push", "--quiet", "origin", "main", settle=False)


@contextmanager
def _home(folder: Path) -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="home-", dir=folder))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _change(path: Path) -> int:
    """Overwrites a percent of the file, in pieces that lie apart; how many bytes."""
    size = path.stat().st_size
    pieces = max(1, size // 100 // CHANGED_PIECE)
    random = Random("changed")
    with path.open("r+b") as file:
        for number in range(pieces):
            file.seek(size // pieces * number + size // pieces // 2)
            file.write(random.randbytes(CHANGED_PIECE))
    return pieces * CHANGED_PIECE


def _stored(hub: HubUnderTest) -> int:
    """How many bytes the hub keeps of contents."""
    return sum(path.stat().st_size for path in (hub.data / "blobs").rglob("*") if path.is_file())


def _one(seconds: float) -> Samples:
    return Samples((seconds,))
