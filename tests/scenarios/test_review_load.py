"""Requests that cost the hub far more than their sender, or that kept others waiting."""

from __future__ import annotations

import base64
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from modelkeep.domain.access import Role
from modelkeep.domain.objects import ZERO_ID
from tests.support.git import Git
from tests.support.hub import Hub, HubRepo, User
from tests.support.lfs import LfsClient

Machine = Callable[..., Git]
MIB = 1 << 20


@pytest.fixture
def user(hub: Hub) -> User:
    return hub.user()


@pytest.fixture
def repo(hub: Hub, user: User) -> HubRepo:
    return hub.repo((user, Role.OWNER))


def test_a_batch_with_very_many_parts_goes_in_one_piece_each(hub: Hub, repo: HubRepo, user: User) -> None:
    client = LfsClient(hub, repo, user.token)

    def batch(count: int) -> str:
        objects = [{"oid": f"{number:064x}", "size": 64 * MIB} for number in range(count)]
        found: str = client.batch("upload", objects, transfers=["multipart", "basic"])["transfer"]
        return found

    assert batch(500) == "multipart"  # of 64 parts each
    assert batch(501) == "basic"


def test_too_many_objects_are_refused_before_any_is_looked_at(hub: Hub, repo: HubRepo) -> None:
    body = b'{"operation": "download", "objects": [' + b",".join([b"0"] * 1001) + b"]}"
    answer = hub.request("POST", f"{repo.lfs_url}/objects/batch", content=body)
    assert (answer.status_code, answer.json()["code"]) == (413, "batch_too_large")


def test_a_body_without_an_end_does_not_hold_the_repo(
    hub: Hub, repo: HubRepo, user: User, machine: Machine, tmp_path: Path
) -> None:
    git = machine(user.token)
    tree = git.clone(repo.git_url, "tree")
    new = git.commit(tree, {"file.txt": "new\n"})
    name = git("pack-objects", "-q", "--revs", tmp_path / "brought", cwd=tree, input=f"{new}\n".encode())
    command = f"{ZERO_ID} {new} refs/heads/endless".encode() + b"\0report-status"
    body = b"%04x" % (len(command) + 4) + command + b"0000" + (tmp_path / f"brought-{name}.pack").read_bytes()
    basic = base64.b64encode(f"x:{user.token}".encode()).decode()
    head = (
        f"POST /{repo.full_name}.git/git-receive-pack HTTP/1.1\r\nHost: hub\r\nAuthorization: Basic {basic}\r\n"
        "Content-Type: application/x-git-receive-pack-request\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", hub.process.port), timeout=60) as connection:
        connection.sendall(head.encode() + b"%x\r\n" % len(body) + body + b"\r\n")
        received = b""
        while b"ok refs/heads/endless" not in received:
            data = connection.recv(65536)
            assert data, received
            received += data
        # The connection is still open, its request has not ended.
        made = hub.request(
            "POST", f"/api/v1/repos/{repo.full_name}/branches", user.token, json={"name": "other"}
        )
        assert made.status_code == 201
    listed = hub.request("GET", f"/api/v1/repos/{repo.full_name}/branches", user.token).json()["items"]
    assert {branch["name"] for branch in listed} == {"main", "endless", "other"}
