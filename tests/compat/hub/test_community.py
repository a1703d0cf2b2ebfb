"""Pull requests, discussions and gated repos with the stock clients."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from modelkeep.domain.access import Visibility
from tests.compat.hub.clients import Client, Refused
from tests.compat.hub.conftest import Desk, MakeClient
from tests.support.hub import User


@dataclass
class Pair:
    """The owner of a repo that everybody reads, and somebody else."""

    desk: Desk
    repo: str
    reader: User
    other: Client

    def own(self, flow: str, **arguments: object) -> Any:
        return self.desk.client.call(f"community.{flow}", repo=self.repo, **arguments)

    def theirs(self, flow: str, **arguments: object) -> Any:
        return self.other.call(f"community.{flow}", repo=self.repo, **arguments)


@pytest.fixture
def pair(desk: Desk, make_client: MakeClient, tmp_path: Path) -> Pair:
    repo = desk.repo()
    reader = desk.hub.user("reader")
    namespace, name = repo.split("/")
    desk.hub.services.repos.update(desk.hub.local, namespace, name, visibility=Visibility.PUBLIC)
    file = tmp_path / "config.json"
    file.write_text('{"a": 1}\n')
    desk.client.call("writing.upload_file", repo=repo, path="config.json", file=str(file))
    return Pair(desk, repo, reader, make_client(reader.token))


def test_a_reader_opens_a_pull_request_and_the_owner_merges_it(pair: Pair) -> None:
    made = pair.theirs("propose", files={"config.json": '{"a": 2}\n', "weights.bin": "proposed weights"})
    number = made["number"]
    assert made["revision"] == f"refs/pr/{number}"
    assert pair.own("refs") == {f"refs/pr/{number}": made["commit"]}
    seen = pair.own("details", number=number)
    assert (seen["status"], seen["author"], seen["conflicts"]) == ("open", pair.reader.name, [])
    assert seen["target"] == "refs/heads/main"
    assert '+{"a": 2}' in seen["diff"]
    assert "commit" in [kind for kind, _ in seen["events"]]
    with pytest.raises(Refused):
        pair.theirs("merge", number=number)
    pair.own("merge", number=number)
    after = pair.own("details", number=number)
    assert (after["status"], after["merged"]) == ("merged", made["commit"])


def test_commits_go_to_a_pull_request_by_its_revision(pair: Pair, tmp_path: Path) -> None:
    draft = pair.theirs("open_draft", title="A better model", description="See for yourself")
    assert (draft["status"], draft["ref"]) == ("draft", f"refs/pr/{draft['number']}")
    folder = tmp_path / "proposal"
    folder.mkdir()
    (folder / "config.json").write_text('{"a": 3}\n')
    (folder / "model.safetensors").write_bytes(b"\x00\xff" * 5000)
    pair.other.call("writing.upload_folder", repo=pair.repo, folder=str(folder), revision=draft["ref"])
    with pytest.raises(Refused):
        pair.own("merge", number=draft["number"])
    assert pair.theirs("set_status", number=draft["number"], status="open") == "open"
    pair.own("merge", number=draft["number"])
    assert pair.own("details", number=draft["number"])["status"] == "merged"


def test_people_discuss(pair: Pair) -> None:
    number = pair.theirs("discuss", title="Why so large?")["number"]
    said = pair.own("comment", number=number, text="It has to be.")
    edited = pair.own("edit", number=number, comment_id=said, text="It **has** to be.")
    assert edited == {"text": "It **has** to be.", "edited": True, "edits": 1}
    assert pair.own("rename", number=number, title="Size") == ["Why so large?", "Size"]
    assert pair.theirs("set_status", number=number, status="closed") == "closed"
    assert pair.own("hide", number=number, comment_id=said)
    kinds = [kind for kind, _ in pair.own("details", number=number)["events"]]
    assert kinds == ["comment", "comment", "title-change", "status-change"]
    assert {"number": number, "title": "Size", "status": "closed", "pull": False} in pair.theirs("listed")


def test_a_gated_repo_is_asked_for(pair: Pair, tmp_path: Path) -> None:
    pair.own("gate", how="manual")

    def read() -> Any:
        return pair.other.call("reading.snapshot", repo=pair.repo, cache_dir=str(tmp_path / "cache"))

    with pytest.raises(Refused) as refused:
        read()
    assert refused.value.type == "GatedRepoError"
    with pytest.raises(Refused) as refused:
        pair.theirs("may_read")
    assert refused.value.type == "GatedRepoError"
    pair.theirs("ask")
    assert pair.own("requests", status="pending") == [
        {"user": pair.reader.name, "status": "pending", "fields": {"why": "research"}}
    ]
    pair.own("answer", user=pair.reader.name, verb="accept")
    assert "config.json" in read()["files"]
    pair.own("answer", user=pair.reader.name, verb="cancel")
    with pytest.raises(Refused):
        pair.theirs("may_read")
    pair.own("grant", user=pair.reader.name)
    pair.theirs("may_read")
    pair.own("answer", user=pair.reader.name, verb="reject")
    assert [one["user"] for one in pair.own("requests", status="rejected")] == [pair.reader.name]
