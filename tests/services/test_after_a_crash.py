"""What a crash may leave behind, made by hand: the next start mends it, and writers find nothing in their way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modelkeep.domain.access import Role
from modelkeep.git import refs
from tests.support.forking import ForkedHub
from tests.support.git import Git
from tests.support.hub import ADMIN_TOKEN, Hub, HubRepo, User
from tests.support.lfs import LfsClient, oid_of

Machine = Callable[..., Git]


@pytest.fixture(scope="module")
def own_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub of this module's own, which its tests kill."""
    folder = tmp_path_factory.mktemp("crashed")
    server = ForkedHub(folder / "data", folder / "hub.log")
    server.start()
    hub = Hub(server)
    try:
        yield hub
    finally:
        server.stop()
        hub.close()


@pytest.fixture
def user(own_hub: Hub) -> User:
    return own_hub.user()


@pytest.fixture
def repo(own_hub: Hub, user: User) -> HubRepo:
    return own_hub.repo((user, Role.OWNER))


@pytest.fixture
def git(machine: Machine, user: User) -> Git:
    return machine(user.token)


@pytest.fixture
def tree(git: Git, repo: HubRepo) -> Path:
    tree = git.clone(repo.git_url, "tree")
    git.commit(tree, {"a.txt": "a\n"})
    git("push", "-q", "origin", "main", cwd=tree)
    return tree


def restart(hub: Hub) -> None:
    hub.process.start()


def test_refs_that_moved_before_the_index_did(own_hub: Hub, repo: HubRepo, git: Git, tree: Path) -> None:
    own_hub.process.kill()
    git("tag", "-a", "-m", "One", "m@v1.0.0", cwd=tree)
    git("tag", "-a", "-m", "Go", "m#prod#1", cwd=tree)
    git("push", "-q", repo.git_dir, "main:refs/heads/other", "m@v1.0.0", "m#prod#1", cwd=tree)
    git("update-ref", "-d", "refs/heads/main", cwd=repo.git_dir)
    restart(own_hub)
    index = own_hub.snapshot(repo.id)
    assert [row[0] for row in index["git_refs"]] == [
        "refs/heads/other",
        "refs/tags/m#prod#1",
        "refs/tags/m@v1.0.0",
    ]
    assert [row[:2] for row in index["versions"]] == [("m", "v1.0.0")]
    own_hub.services.indexing.rebuild(repo.id)
    assert own_hub.snapshot(repo.id) == index


def test_the_first_commit_taken_away_for_a_push_that_never_came(
    own_hub: Hub, repo: HubRepo, git: Git
) -> None:
    """A push of another history replaces the hub's first commit: first that goes, then Git creates the branch."""
    first = str(own_hub.snapshot(repo.id)["git_refs"][0][1])
    refs.delete_ref(repo.git_dir, "refs/heads/main", first)
    own_hub.process.kill()
    restart(own_hub)
    assert [row[:2] for row in own_hub.snapshot(repo.id)["git_refs"]] == [("refs/heads/main", first)]
    # It is still the hub's own: another history may replace it.
    tree = git.init("mine", repo.git_url)
    git.commit(tree, {"mine.txt": "mine\n"})
    git("push", "-q", "origin", "main", cwd=tree)


def test_lock_files_of_a_writer_that_died(own_hub: Hub, repo: HubRepo, git: Git, tree: Path) -> None:
    own_hub.process.kill()
    left = [
        repo.git_dir / name
        for name in ("refs/heads/main.lock", "packed-refs.lock", "HEAD.lock", "config.lock")
    ]
    for path in left:
        path.write_bytes(b"")
    restart(own_hub)
    assert not [path for path in left if path.exists()]
    git.commit(tree, {"a.txt": "more\n"})
    git("push", "-q", "origin", "main", cwd=tree)
    base = f"/api/v1/repos/{repo.full_name}"
    body = {"branch": "main", "message": "x", "operations": [{"op": "add", "path": "b.txt", "content": "b"}]}
    assert own_hub.request("POST", f"{base}/commits", ADMIN_TOKEN, json=body).status_code == 201


def test_an_object_that_was_stored_but_not_yet_given_to_the_repo(
    own_hub: Hub, repo: HubRepo, user: User
) -> None:
    content = b"stored, and nobody knows"
    writer = own_hub.stores.blobs.begin()
    writer.write_batch([content])
    writer.commit()
    own_hub.process.kill()
    restart(own_hub)
    lfs = LfsClient(own_hub, repo, user.token)
    assert "upload" in lfs.actions("upload", content)
    lfs.upload(content)
    assert lfs.bare.get(lfs.download_url(content)).content == content


def test_an_object_whose_bytes_are_gone_can_be_uploaded_again(
    own_hub: Hub, repo: HubRepo, user: User
) -> None:
    content = b"here, and then gone"
    lfs = LfsClient(own_hub, repo, user.token)
    lfs.upload(content)
    path = own_hub.stores.blobs.path(oid_of(content))
    assert path is not None
    path.unlink()
    (missing,) = lfs.batch("download", [{"oid": oid_of(content), "size": len(content)}])["objects"]
    assert missing["error"]["code"] == 404
    lfs.upload(content)
    assert lfs.bare.get(lfs.download_url(content)).content == content


def test_a_resumable_upload_goes_on_after_a_crash(own_hub: Hub, repo: HubRepo, user: User) -> None:
    content = bytes(range(256)) * 1000
    lfs = LfsClient(own_hub, repo, user.token)
    url = lfs.actions("upload", content, transfers=["tus"])["upload"]["href"]
    headers = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}
    sent = lfs.bare.patch(url, content=content[:100_000], headers={**headers, "Upload-Offset": "0"})
    assert sent.status_code == 204
    own_hub.process.kill()
    restart(own_hub)
    offset = int(lfs.bare.head(url, headers=headers).headers["upload-offset"])
    assert offset == 100_000
    rest = lfs.bare.patch(url, content=content[offset:], headers={**headers, "Upload-Offset": str(offset)})
    assert rest.status_code == 204
    assert lfs.bare.get(lfs.download_url(content)).content == content


def test_half_an_upload_is_swept(own_hub: Hub) -> None:
    own_hub.process.kill()
    (own_hub.blobs / "tmp" / "half").write_bytes(b"half of it")
    restart(own_hub)
    assert list((own_hub.blobs / "tmp").iterdir()) == []
