from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from modelkeep.sdk.errors import (
    BadAnswer,
    ContentMismatch,
    HubError,
    LocalProblem,
    NotFound,
    TransferFailed,
    Unreachable,
    UnsafePath,
)
from modelkeep.sdk.folder import PARTS_FOLDER, TargetFolder
from modelkeep.sdk.hub import Hub
from modelkeep.sdk.progress import TransferEvent
from tests.unit.sdk.stand_in import REPO, StandIn, sha256

WEIGHTS = os.urandom(3 * 1024 * 1024 + 17)


@pytest.fixture(autouse=True)
def _content(stand_in: StandIn) -> None:
    stand_in.add("model.bin", WEIGHTS, is_lfs=True)
    stand_in.add("README.md", b"# Churn\n")
    stand_in.add("empty.txt", b"")
    stand_in.add("deep/er/notes.txt", b"notes")
    stand_in.add("deep/copy.bin", WEIGHTS, is_lfs=True)


def test_brings_every_file_and_says_which(hub: Hub, stand_in: StandIn, tmp_path: Path) -> None:
    done = hub.repo("acme/churn").download(tmp_path / "to", revision="main")
    assert {file.path: (tmp_path / "to" / file.path).read_bytes() for file in done.files} == stand_in.files
    assert [(file.path, file.sha256) for file in done.files] == [
        (path, sha256(content)) for path, content in sorted(stand_in.files.items())
    ]
    assert {file.outcome for file in done.files} == {"downloaded"}
    assert not (tmp_path / "to" / PARTS_FOLDER).exists()


def test_equal_contents_come_once(hub: Hub, stand_in: StandIn, tmp_path: Path) -> None:
    hub.repo("acme/churn").download(tmp_path, revision="main")
    assert len([one for one in stand_in.asked("GET", "/files/") if one.path.endswith(".bin")]) == 1


def test_what_is_right_stays_and_what_is_wrong_is_replaced(
    hub: Hub, stand_in: StandIn, tmp_path: Path
) -> None:
    repo = hub.repo("acme/churn")
    repo.download(tmp_path, revision="main")
    (tmp_path / "README.md").write_bytes(b"# Chorn\n")
    before = (tmp_path / "model.bin").stat().st_ino
    stand_in.requests.clear()
    done = repo.download(tmp_path, revision="main")
    assert [file.path for file in done.files if file.outcome == "downloaded"] == ["README.md"]
    assert (tmp_path / "README.md").read_bytes() == b"# Churn\n"
    assert (tmp_path / "model.bin").stat().st_ino == before
    assert len(stand_in.asked("GET", "/files/")) == 1


def test_takes_up_where_a_cut_connection_ended(hub: Hub, stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.cuts = [1_000_000, 5, 1_200_000]
    hub.repo("acme/churn").download(tmp_path, revision="main", include=["model.bin"])
    assert (tmp_path / "model.bin").read_bytes() == WEIGHTS
    ranges = [one.headers.get("range") for one in stand_in.asked("GET", "/files/")]
    assert ranges == [None, "bytes=1000000-", "bytes=1000005-", "bytes=2200005-"]


def test_goes_on_as_long_as_bytes_come(hub: Hub, stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.cuts = [100_000] * 20
    hub.repo("acme/churn").download(tmp_path, revision="main", include=["model.bin"])
    assert (tmp_path / "model.bin").read_bytes() == WEIGHTS


def test_gives_up_when_nothing_comes_and_goes_on_next_time(
    hub: Hub, stand_in: StandIn, tmp_path: Path
) -> None:
    stand_in.cuts = [2_000_000] + [0] * 5
    repo = hub.repo("acme/churn")
    with pytest.raises(Unreachable):
        repo.download(tmp_path, revision="main", include=["model.bin"])
    assert not (tmp_path / "model.bin").exists()
    assert (tmp_path / PARTS_FOLDER / f"{sha256(WEIGHTS)}.part").stat().st_size == 2_000_000
    stand_in.requests.clear()
    stand_in.cuts = []
    repo.download(tmp_path, revision="main", include=["model.bin"])
    assert (tmp_path / "model.bin").read_bytes() == WEIGHTS
    assert [one.headers["range"] for one in stand_in.asked("GET", "/files/")] == ["bytes=2000000-"]
    assert not (tmp_path / PARTS_FOLDER).exists()


def test_starts_again_where_the_hub_gives_no_ranges(hub: Hub, stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.has_ranges = False
    stand_in.cuts = [1_000_000]
    hub.repo("acme/churn").download(tmp_path, revision="main", include=["model.bin"])
    assert (tmp_path / "model.bin").read_bytes() == WEIGHTS


@pytest.mark.parametrize("left", [b"x" * 2_000_000, b"y" * (len(WEIGHTS) + 1), b"z" * len(WEIGHTS)])
def test_a_damaged_part_is_fetched_anew(hub: Hub, tmp_path: Path, left: bytes) -> None:
    (tmp_path / PARTS_FOLDER).mkdir()
    (tmp_path / PARTS_FOLDER / f"{sha256(WEIGHTS)}.part").write_bytes(left)
    hub.repo("acme/churn").download(tmp_path, revision="main", include=["model.bin"])
    assert (tmp_path / "model.bin").read_bytes() == WEIGHTS


@pytest.mark.parametrize("path", ["model.bin", "README.md"])
def test_wrong_bytes_never_get_the_files_name(hub: Hub, stand_in: StandIn, tmp_path: Path, path: str) -> None:
    content = stand_in.files[path]
    stand_in.served[path] = bytes([content[0] ^ 1]) + content[1:]
    with pytest.raises(ContentMismatch):
        hub.repo("acme/churn").download(tmp_path, revision="main", include=[path])
    assert list(tmp_path.iterdir()) == []


def test_more_bytes_than_announced_are_refused(hub: Hub, stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.served["README.md"] = b"# Churn\nand more"
    with pytest.raises(BadAnswer, match="more than the 8 bytes"):
        hub.repo("acme/churn").download(tmp_path, revision="main", include=["README.md"])
    assert not (tmp_path / "README.md").exists()


def test_a_refusal_stops_all_and_is_what_is_raised(hub: Hub, stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.answer(
        "GET", f"{REPO}/files/{'c' * 40}/README.md", 404, b'{"detail": "Gone.", "request_id": "r-9"}'
    )
    with pytest.raises(NotFound, match="Gone") as caught:
        hub.repo("acme/churn").download(tmp_path, revision="main", workers=1)
    assert caught.value.request_id == "r-9"


@pytest.mark.parametrize(
    "path",
    [
        "../out",
        "/etc/passwd",
        "a/../../out",
        "a//b",
        ".",
        "",
        "a/./b",
        ".git/config",
        "x/.GIT/hooks/pre-push",
        "a\0b",
        f"{PARTS_FOLDER}/x",
        "a/" * 2500 + "b",
        chr(0xD800),
    ],
)
def test_hostile_paths_write_nothing(hub: Hub, stand_in: StandIn, tmp_path: Path, path: str) -> None:
    target = tmp_path / "to"
    good = stand_in.tree()[0]
    stand_in.entries = [good, {**good, "path": path}]
    with pytest.raises(UnsafePath):
        hub.repo("acme/churn").download(target, revision="main")
    assert list(target.iterdir()) == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["to"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("id", "../../x"), ("size", -1), ("size", None), ("kind", "socket"), ("id", "A" * 40)],
)
def test_hostile_entries_are_refused(
    hub: Hub, stand_in: StandIn, tmp_path: Path, field: str, value: object
) -> None:
    stand_in.entries = [{**stand_in.tree()[0], "lfs": None, field: value}]
    with pytest.raises(BadAnswer):
        hub.repo("acme/churn").download(tmp_path, revision="main")


def test_links_in_the_target_are_not_followed(hub: Hub, tmp_path: Path) -> None:
    outside, target = tmp_path / "outside", tmp_path / "to"
    outside.mkdir()
    target.mkdir()
    (target / "deep").symlink_to(outside, target_is_directory=True)
    with pytest.raises(UnsafePath, match="'deep' is a link"):
        hub.repo("acme/churn").download(target, revision="main")
    assert list(outside.iterdir()) == []


def test_a_link_in_place_of_a_file_is_replaced_not_written_through(hub: Hub, tmp_path: Path) -> None:
    outside, target = tmp_path / "secret", tmp_path / "to"
    outside.write_bytes(b"mine")
    target.mkdir()
    (target / "README.md").symlink_to(outside)
    hub.repo("acme/churn").download(target, revision="main")
    assert outside.read_bytes() == b"mine"
    assert not (target / "README.md").is_symlink()
    assert (target / "README.md").read_bytes() == b"# Churn\n"


def test_a_part_that_is_a_link_is_refused(hub: Hub, tmp_path: Path) -> None:
    outside = tmp_path / "secret"
    outside.write_bytes(b"mine")
    parts = tmp_path / "to" / PARTS_FOLDER
    parts.mkdir(parents=True)
    (parts / f"{sha256(WEIGHTS)}.part").symlink_to(outside)
    with pytest.raises(LocalProblem):
        hub.repo("acme/churn").download(tmp_path / "to", revision="main", include=["model.bin"])
    assert outside.read_bytes() == b"mine"


def test_links_and_submodules_of_the_repo_are_named_and_not_written(
    hub: Hub, stand_in: StandIn, tmp_path: Path
) -> None:
    entries = stand_in.tree()
    stand_in.entries = [*entries, {**entries[0], "path": "link", "kind": "link", "lfs": None}]
    done = hub.repo("acme/churn").download(tmp_path, revision="main")
    assert done.skipped == ("link",)
    assert not (tmp_path / "link").exists()


def test_a_folder_in_the_way_is_said(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "README.md").mkdir()
    with pytest.raises(LocalProblem, match=r"README\.md"):
        hub.repo("acme/churn").download(tmp_path, revision="main")


def test_a_second_download_into_the_folder_is_refused(hub: Hub, tmp_path: Path) -> None:
    with TargetFolder(tmp_path), pytest.raises(LocalProblem, match="Another download"):
        hub.repo("acme/churn").download(tmp_path, revision="main")


def test_include_and_exclude(hub: Hub, tmp_path: Path) -> None:
    done = hub.repo("acme/churn").download(tmp_path, revision="main", include=["deep/"], exclude=["*.bin"])
    assert [file.path for file in done.files] == ["deep/er/notes.txt"]
    with pytest.raises(LocalProblem, match="matches"):
        hub.repo("acme/churn").download(tmp_path, revision="main", include=["*.onnx"])


def test_a_stage_needs_no_artifact_where_there_is_one(hub: Hub, stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.artifacts = [
        {"artifact": "churn", "latest": "v1.0.0", "stages": {"prod": "v1.0.0"}, "versions": 1}
    ]
    done = hub.repo("acme/churn").download(tmp_path, stage="prod", include=["README.md"])
    assert (done.revision, done.artifact, done.stage) == ("churn#prod", "churn", "prod")
    assert stand_in.asked("GET", "/revisions/churn%23prod")


def test_a_stage_with_several_artifacts_asks_which(hub: Hub, stand_in: StandIn, tmp_path: Path) -> None:
    stand_in.artifacts = [{"artifact": name, "latest": None, "stages": {}} for name in ("a", "b")]
    with pytest.raises(HubError, match="several artifacts; name one of: a, b"):
        hub.repo("acme/churn").download(tmp_path, stage="prod")
    stand_in.artifacts = []
    with pytest.raises(HubError, match="no registered artifact"):
        hub.repo("acme/churn").download(tmp_path, version="v1.0.0")


def test_progress_adds_up_and_comes_from_one_thread_at_a_time(
    hub: Hub, stand_in: StandIn, tmp_path: Path
) -> None:
    events: list[TransferEvent] = []
    inside = threading.Lock()

    def note(event: TransferEvent) -> None:
        assert inside.acquire(blocking=False)
        events.append(event)
        inside.release()

    hub.repo("acme/churn").download(tmp_path, revision="main", progress=note)
    planned = {event.path: event.total for event in events if event.state == "planned"}
    ended = {event.path: event.done for event in events if event.state == "done"}
    assert planned == ended == {path: len(content) for path, content in stand_in.files.items()}


def test_an_interrupted_callback_stops_the_download(hub: Hub, tmp_path: Path) -> None:
    def refuse(event: TransferEvent) -> None:
        if event.state == "moving":
            raise TransferFailed("enough")

    with pytest.raises(TransferFailed, match="enough"):
        hub.repo("acme/churn").download(tmp_path, revision="main", progress=refuse)
