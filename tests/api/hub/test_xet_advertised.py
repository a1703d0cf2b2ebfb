"""Files that clients are told to fetch from the Xet store, and the token that they are told to get."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from modelkeep.domain.access import Role
from modelkeep.domain.lfs import Oid, Pointer
from modelkeep.services.commits import AddFile
from tests.support.hub import Hub, HubRepo, User, running_hub
from tests.support.xet import Part, XetClient, Xorb, content_of, file_hash_of
from tests.support.xorbs import some_chunks


@pytest.fixture(scope="module")
def own_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub that advertises what is larger than 20 kB."""
    with running_hub(tmp_path_factory.mktemp("advertising"), xet_advertise_above=20_000) as running:
        yield running


def _sent(hub: Hub, user: User, repo: HubRepo, seed: int, count: int) -> list[Part]:
    parts: list[Part] = [(Xorb(some_chunks(seed, count, 1000, 5000)), 0, count)]
    oid = XetClient(hub, repo, user.token).send_file(parts)
    hub.services.commits.commit(
        hub.actor(user.token),
        repo.namespace,
        repo.name,
        [AddFile(f"{seed}.bin", lfs=Pointer(Oid(oid), len(content_of(parts))))],
        f"Add {seed}.bin",
    )
    return parts


def test_large_files_are_advertised(own_hub: Hub) -> None:
    hub, user = own_hub, own_hub.user()
    repo = hub.repo((user, Role.CONTRIBUTOR))
    large, small = _sent(hub, user, repo, 1, 40), _sent(hub, user, repo, 2, 2)
    head = hub.request("HEAD", f"/{repo.full_name}/resolve/main/1.bin", user.token)
    assert head.headers["X-Xet-Hash"] == file_hash_of(large)
    link = re.fullmatch(r'<(.+)>; rel="xet-auth"', head.headers["Link"])
    assert link is not None
    token = hub.request("GET", link[1], user.token)
    assert token.headers["X-Xet-Cas-Url"] == token.json()["casUrl"]
    plain = hub.request("GET", f"/{repo.full_name}/resolve/main/1.bin", user.token)
    assert plain.content == content_of(large)
    quiet = hub.request("GET", f"/{repo.full_name}/resolve/main/2.bin", user.token)
    assert quiet.content == content_of(small)
    assert "X-Xet-Hash" not in quiet.headers
    tree = hub.request("GET", f"/api/models/{repo.full_name}/tree/main", user.token).json()
    assert {entry["path"]: entry.get("xetHash") for entry in tree if "lfs" in entry} == {
        "1.bin": file_hash_of(large),
        "2.bin": None,
    }
    # By it clients have files copied to another repo.
    asked = {"paths": ["1.bin", "2.bin", ".gitattributes"]}
    infos = hub.request(
        "POST", f"/api/models/{repo.full_name}/paths-info/main", user.token, json=asked
    ).json()
    assert {entry["path"]: entry.get("xetHash") for entry in infos} == {
        "1.bin": file_hash_of(large),
        "2.bin": file_hash_of(small),
        ".gitattributes": None,
    }
