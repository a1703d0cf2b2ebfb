"""Registering a shard: what a crash between its steps leaves behind, and two clients that send the same file."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from modelkeep.domain.access import Role
from modelkeep.services.xet_tokens import Right, XetAccess
from tests.support.hub import ADMIN_TOKEN, Hub, HubRepo, User
from tests.support.xet import Part, XetClient, Xorb, content_of, file_block, file_hash_of, shard, xorb_block
from tests.support.xorbs import some_chunks

_seeds = count()


@pytest.fixture
def user(hub: Hub) -> User:
    return hub.user()


@pytest.fixture
def repo(hub: Hub, user: User) -> HubRepo:
    return hub.repo((user, Role.CONTRIBUTOR))


def new_xorb(size: int = 6) -> Xorb:
    return Xorb(some_chunks(next(_seeds) + 777_000, size))


def access_of(hub: Hub, repo: HubRepo, user: User) -> XetAccess:
    tokens = hub.services.xet_tokens
    token = tokens.issue(hub.actor(user.token), repo.namespace, repo.name, "main", Right.WRITE)
    return tokens.use(token.text, token.scope, "")


def test_a_crash_after_any_step(hub: Hub, user: User, repo: HubRepo) -> None:
    client = XetClient(hub, repo, user.token)
    finished = False
    for steps in count():
        xorb = new_xorb()
        client.send_xorb(xorb)
        parts: list[Part] = [(xorb, 0, 6)]
        data = shard([file_block(parts)], [xorb_block(xorb)])
        registering = iter(hub.services.xet_shards.register(access_of(hub, repo, user), data))
        finished = sum(1 for _, _ in zip(range(steps), registering, strict=False)) < steps
        is_there = client.plan(file_hash_of(parts)).status_code == 200
        assert is_there == finished
        # The client tries again, and nothing is in its way.
        assert client.send_shard(data).status_code == 200
        assert client.plan(file_hash_of(parts)).status_code == 200
        if finished:
            break
    assert finished


def test_two_clients_send_the_same_file(hub: Hub, user: User, repo: HubRepo) -> None:
    sister = hub.repo(namespace=repo.namespace)
    xorb = new_xorb(200)
    parts: list[Part] = [(xorb, 0, 200)]
    data = shard([file_block(parts)], [xorb_block(xorb)])

    def send(number: int) -> tuple[int, int]:
        client = XetClient(hub, (repo, sister)[number % 2], (user.token, ADMIN_TOKEN)[number % 2])
        return client.send_xorb(xorb).status_code, client.send_shard(data).status_code

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(send, range(12))) == {(200, 200)}
    assert XetClient(hub, repo, user.token).plan(file_hash_of(parts)).status_code == 200


def test_a_xorb_that_is_gone_is_sent_again(hub: Hub, user: User, repo: HubRepo) -> None:
    """The store lost a xorb that clients believe is there: after one failure their memory is void."""
    client = XetClient(hub, repo, user.token)
    xorb = new_xorb()
    parts: list[Part] = [(xorb, 0, 6)]
    client.send_file(parts)
    hub.stores.blobs.xorbs.delete(xorb.hash)
    refused = client.send_shard(shard([file_block(parts)]))
    assert (refused.status_code, refused.json()["code"]) == (404, "xorb_missing")
    again = XetClient(hub, repo, user.token)
    assert again.cas != client.cas
    assert not again.has_chunk(xorb.chunks[0])
    again.send_file(parts)
    with hub.stores.blobs.open_range(hashlib.sha256(content_of(parts)).hexdigest()) as reader:
        assert reader.read(10) == content_of(parts)[:10]
