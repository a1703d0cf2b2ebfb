"""The Xet store keeps tenants apart: what one sent can be neither used, nor read, nor noticed by another."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import count

import pytest

from modelkeep.blobs.xet.hashes import chunk_hash, of_bytes
from modelkeep.domain.access import Role, Scope, Visibility
from tests.support.hub import Hub, HubRepo, User
from tests.support.xet import Part, XetClient, Xorb, file_block, file_hash_of, shard, xorb_block

_seeds = count()


@dataclass
class Scene:
    """A file that one organisation's member sent, and a user of another organisation."""

    hub: Hub
    owner: User
    repo: HubRepo
    xorb: Xorb
    stranger: User
    other: HubRepo

    @property
    def parts(self) -> list[Part]:
        return [(self.xorb, 0, len(self.xorb.chunks))]

    @property
    def name(self) -> str:
        return file_hash_of(self.parts)


def new_xorb() -> Xorb:
    source = random.Random(f"tenants {next(_seeds)}")
    return Xorb([source.randbytes(source.randint(50, 3000)) for _ in range(6)])


@pytest.fixture
def scene(hub: Hub) -> Scene:
    owner, stranger = hub.user(), hub.user()
    repo, other = hub.repo((owner, Role.OWNER)), hub.repo((stranger, Role.OWNER))
    made = Scene(hub, owner, repo, new_xorb(), stranger, other)
    XetClient(hub, repo, owner.token).send_file(made.parts)
    return made


def knows_nothing(client: XetClient, xorb: Xorb) -> None:
    """This client is told what it would be told if nobody had sent the xorb."""
    parts: list[Part] = [(xorb, 0, len(xorb.chunks))]
    asked = {"length": len(xorb.data)}
    assert client.request("POST", f"/v1/xorb-grants/default/{xorb.hash}", json=asked).status_code == 201
    for prefix in ("default", "default-merkledb"):
        path = f"/v1/chunks/{prefix}/{of_bytes(chunk_hash(xorb.chunks[0]))}"
        assert client.request("GET", path).status_code == 404
    assert client.plan(file_hash_of(parts)).status_code == 404
    unknown = new_xorb()
    said = []
    for one in (xorb, unknown):
        some: list[Part] = [(one, 0, len(one.chunks))]
        answers = [
            client.send_shard(shard([file_block(some)])),
            client.send_shard(shard([], [xorb_block(one)])),
            client.request("POST", f"/v1/xorb-commits/default/{one.hash}/grant/x"),
        ]
        said.append(
            [(a.status_code, a.json()["code"], a.json()["error"].replace(one.hash, "")) for a in answers]
        )
    assert said[0] == said[1]
    assert [status for status, _, _ in said[0]] == [404, 404, 404]


def test_the_own_file_is_known(scene: Scene) -> None:
    client = XetClient(scene.hub, scene.repo, scene.owner.token)
    assert client.plan(scene.name).status_code == 200
    assert client.has_chunk(scene.xorb.chunks[0])
    asked = {"length": len(scene.xorb.data)}
    assert client.request("POST", f"/v1/xorb-grants/default/{scene.xorb.hash}", json=asked).status_code == 200


def test_a_stranger(scene: Scene) -> None:
    stranger = XetClient(scene.hub, scene.other, scene.stranger.token)
    knows_nothing(stranger, scene.xorb)
    # Who has the bytes may send them, and is told that they are new.
    assert stranger.send_xorb(scene.xorb).json() == {"was_inserted": True}
    assert stranger.send_shard(shard([file_block(scene.parts)])).status_code == 200
    assert stranger.plan(scene.name).status_code == 200


def test_no_token_without_a_right(scene: Scene) -> None:
    path = f"/api/models/{scene.repo.full_name}"
    for right in ("read", "write"):
        strange = scene.hub.request("GET", f"{path}/xet-{right}-token/main", scene.stranger.token)
        nobody = scene.hub.request("GET", f"{path}/xet-{right}-token/main")
        assert (strange.status_code, nobody.status_code) == (404, 401)
        assert strange.headers["X-Error-Code"] == nobody.headers["X-Error-Code"] == "RepoNotFound"
    reader = scene.hub.token(scene.owner.name, Scope.READ)
    assert scene.hub.request("GET", f"{path}/xet-write-token/main", reader).status_code == 403
    assert scene.hub.request("GET", f"{path}/xet-read-token/main", reader).status_code == 200


def test_the_token_of_one_repo_at_the_address_of_another(scene: Scene) -> None:
    owner = XetClient(scene.hub, scene.repo, scene.owner.token)
    stranger = XetClient(scene.hub, scene.other, scene.stranger.token)
    stranger.cas = owner.cas
    refused = stranger.plan(scene.name)
    assert (refused.status_code, refused.json()["code"]) == (403, "xet_scope")


def test_one_user_of_two_tenants(scene: Scene) -> None:
    hub, user = scene.hub, scene.owner
    elsewhere = hub.repo((user, Role.OWNER))
    here, there = XetClient(hub, scene.repo, user.token), XetClient(hub, elsewhere, user.token)
    assert here.cas != there.cas  # so that the client remembers each apart
    knows_nothing(there, scene.xorb)
    there.send_file(scene.parts)
    assert there.plan(scene.name).status_code == 200


def test_repos_of_one_tenant_share(scene: Scene) -> None:
    sister = scene.hub.repo(namespace=scene.repo.namespace)
    client = XetClient(scene.hub, sister, scene.owner.token)
    assert client.cas == XetClient(scene.hub, scene.repo, scene.owner.token).cas
    assert client.plan(scene.name).status_code == 404
    assert client.send_shard(shard([file_block(scene.parts)])).status_code == 200
    assert client.plan(scene.name).status_code == 200


def test_a_repo_that_moves_to_another_tenant(scene: Scene) -> None:
    hub = scene.hub
    place = hub.org((scene.stranger, Role.OWNER))
    before = XetClient(hub, scene.repo, scene.owner.token)
    hub.services.repos.move(
        hub.local, scene.repo.namespace, scene.repo.name, new_namespace=place, new_name="moved"
    )
    assert before.plan(scene.name).status_code == 404  # the old owner has no right any more
    hub.services.organisations.set_member(hub.local, place, scene.owner.name, Role.OWNER)
    refused = before.plan(scene.name)
    assert (refused.status_code, refused.json()["code"]) == (403, "xet_scope")
    moved = hub.known(hub.services.repos.get(hub.local, place, "moved").repo)
    after = XetClient(hub, moved, scene.stranger.token)
    assert after.cas != before.cas
    plan = after.plan(scene.name)
    assert plan.status_code == 200  # the repo keeps its files
    knows_nothing_of_xorb = after.send_shard(shard([file_block(scene.parts)]))
    assert (knows_nothing_of_xorb.status_code, knows_nothing_of_xorb.json()["code"]) == (404, "xorb_missing")
    assert not after.has_chunk(scene.xorb.chunks[0])


def test_an_outsider_with_a_right_in_one_repo(scene: Scene) -> None:
    """Other repos of the namespace are private to them, and so is what was sent for those."""
    hub, guest = scene.hub, scene.stranger
    shared = hub.repo((guest, Role.CONTRIBUTOR), namespace=scene.repo.namespace)
    client = XetClient(hub, shared, guest.token)
    knows_nothing(client, scene.xorb)
    own = new_xorb()
    client.send_file([(own, 0, 6)])
    assert client.has_chunk(own.chunks[0])
    assert not XetClient(hub, scene.repo, scene.owner.token).has_chunk(own.chunks[0])


def test_a_token_limited_to_one_repo(scene: Scene) -> None:
    hub = scene.hub
    sister = hub.repo(namespace=scene.repo.namespace)
    limited = hub.token(scene.owner.name, Scope.WRITE, limits=[sister.full_name])
    knows_nothing(XetClient(hub, sister, limited), scene.xorb)


def test_a_pull_request_of_a_reader(scene: Scene) -> None:
    hub = scene.hub
    public = hub.repo(namespace=scene.repo.namespace, visibility=Visibility.PUBLIC)
    path = f"/api/models/{public.full_name}/xet-write-token/main"
    assert hub.request("GET", path, scene.stranger.token).status_code == 403
    assert hub.request("GET", path, params={"create_pr": "1"}).status_code == 401
    client = XetClient(hub, public, scene.stranger.token, create_pr=True)
    knows_nothing(client, scene.xorb)
    client.send_file([(new_xorb(), 0, 6)])


def test_knowing_one_chunk_opens_no_other(scene: Scene) -> None:
    """A member who knows some chunks of a xorb cannot build a file of the rest of it."""
    hub = scene.hub
    sister = hub.repo(namespace=scene.repo.namespace)
    client = XetClient(hub, sister, scene.owner.token)
    answer = client.request("GET", f"/v1/chunks/default/{of_bytes(chunk_hash(scene.xorb.chunks[0]))}")
    assert answer.status_code == 200
    assert all(chunk_hash(chunk) not in answer.content for chunk in scene.xorb.chunks)
    guessed = file_block(scene.parts, proof=False, sha256=None)
    assert client.send_shard(shard([guessed])).json()["code"] == "invalid_shard"


def test_a_claimed_sha256_takes_nobodys_object(scene: Scene) -> None:
    """Bytes of one's own under the oid of somebody else's object."""
    stranger = XetClient(scene.hub, scene.other, scene.stranger.token)
    own = new_xorb()
    assert stranger.send_xorb(own).status_code == 200
    victim = "5e" * 32
    refused = stranger.send_shard(shard([file_block([(own, 0, 6)], sha256=victim)]))
    assert (refused.status_code, refused.json()["code"]) == (400, "oid_mismatch")
    assert scene.hub.stores.blobs.stat(victim) is None
