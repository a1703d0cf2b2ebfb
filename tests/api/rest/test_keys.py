"""Public SSH keys of users."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelkeep.domain.access import Scope
from tests.api.rest.world import World, ok, refused
from tests.support.ssh import SshKey


@pytest.fixture
def key(tmp_path: Path) -> SshKey:
    return SshKey(tmp_path)


def test_a_key_is_added_listed_and_removed(world: World, key: SshKey) -> None:
    cato = world.as_("cato")
    answer = cato.post("/user/keys", {"name": "laptop", "key": key.public})
    made = ok(answer, 201)
    assert made == {
        "id": made["id"],
        "name": "laptop",
        "fingerprint": key.fingerprint,
        "type": "ssh-ed25519",
        "key": " ".join(key.public.split()[:2]),
        "created_at": made["created_at"],
        "removed_at": None,
        "is_revoked": False,
    }
    assert answer.headers["location"].endswith(f"/api/v1/user/keys/{made['id']}")
    assert ok(cato.get("/user/keys")) == {"items": [made], "next_cursor": None}
    assert ok(world.as_("sven").get("/users/CATO/keys"))["items"] == [made]
    assert cato.delete(f"/user/keys/{made['id']}").status_code == 204
    refused(cato.delete(f"/user/keys/{made['id']}"), 404, "key_not_found")
    assert ok(cato.get("/user/keys"))["items"] == []
    (removed,) = ok(cato.get("/user/keys?removed=true"))["items"]
    assert removed["removed_at"] is not None
    again = ok(cato.post("/user/keys", {"key": key.public}), 201)
    assert (again["id"], again["name"], again["removed_at"]) == (made["id"], "id_ed25519@machine", None)
    assert cato.delete(f"/user/keys/{made['id']}?revoke=true").status_code == 204
    refused(cato.delete(f"/user/keys/{made['id']}?revoke=true"), 404, "key_not_found")
    refused(cato.post("/user/keys", {"key": key.public}), 409, "key_revoked")


def test_keys_come_in_pages(world: World, tmp_path: Path) -> None:
    mara = world.as_("mara")
    for number in range(3):
        ok(mara.post("/user/keys", {"key": SshKey(tmp_path, f"key{number}").public}), 201)
    pages = mara.pages("/user/keys", 2)
    assert [[key["name"] for key in page] for page in pages] == [
        ["key0@machine", "key1@machine"],
        ["key2@machine"],
    ]


def test_a_key_has_one_owner_and_an_administrator_may_revoke_it(world: World, key: SshKey) -> None:
    made = ok(world.as_("sven").post("/user/keys", {"key": key.public}), 201)
    refused(world.as_("sven").post("/user/keys", {"key": key.public}), 409, "key_exists")
    refused(world.as_("olga").post("/user/keys", {"key": key.public}), 409, "key_exists")
    refused(world.as_("olga").delete(f"/user/keys/{made['id']}"), 404, "key_not_found")
    assert world.as_("sven").delete(f"/user/keys/{made['id']}").status_code == 204
    refused(world.as_("olga").post("/user/keys", {"key": key.public}), 409, "key_exists")
    assert world.as_("ada").delete(f"/user/keys/{made['id']}?revoke=true").status_code == 204
    ok(world.as_("olga").post("/user/keys", {"key": key.public}), 201)


def test_what_is_no_public_key_is_refused(world: World, key: SshKey) -> None:
    rita = world.as_("rita")
    refused(rita.post("/user/keys", {"key": "ssh-ed25519 nonsense"}), 422, "invalid_key")
    refused(rita.post("/user/keys", {"key": key.path.read_text()}), 422, "private_key")
    refused(rita.post("/user/keys", {"key": key.public, "name": "a\nb"}), 422, "invalid_name")
    refused(rita.post("/user/keys", {"key": key.public, "name": "a" * 101}), 422, "invalid_name")
    refused(rita.post("/user/keys", {"name": "none"}), 422)
    own = ok(rita.get("/signing-key"))
    refused(rita.post("/user/keys", {"key": own["key"]}), 409, "key_exists")
    assert ok(rita.get("/user/keys"))["items"] == []


def test_changing_keys_needs_everything_that_a_user_may(world: World, key: SshKey) -> None:
    narrow = world.token("cato", Scope.WRITE, Scope.PROMOTE)
    refused(narrow.post("/user/keys", {"key": key.public}), 403, "scope_missing")
    limited = world.token("cato", Scope.ADMIN, limits=("acme",))
    refused(limited.post("/user/keys", {"key": key.public}), 403, "scope_missing")
    nobody = world.as_(None)
    refused(nobody.post("/user/keys", {"key": key.public}), 401)
    refused(nobody.get("/user/keys"), 401)
    refused(nobody.get("/users/cato/keys"), 401)
    refused(world.as_("rita").get("/users/nobody/keys"), 404, "user_not_found")
    made = ok(world.as_("cato").post("/user/keys", {"key": key.public}), 201)
    refused(narrow.delete(f"/user/keys/{made['id']}"), 403, "scope_missing")
    assert narrow.get("/user/keys").status_code == 200


def test_every_change_of_a_key_is_in_the_audit(world: World, key: SshKey) -> None:
    olga = world.as_("olga")
    made = ok(olga.post("/user/keys", {"key": key.public}), 201)
    olga.delete(f"/user/keys/{made['id']}")
    olga.delete(f"/user/keys/{made['id']}?revoke=true")
    entries = ok(world.as_("ada").get("/audit?user=olga"))["items"][:3]
    assert [entry["action"] for entry in entries] == ["key.revoke", "key.remove", "key.add"]
    assert all(entry["details"]["fingerprint"] == key.fingerprint for entry in entries)


def test_the_hubs_key_and_whose_signatures_count(world: World, key: SshKey) -> None:
    ok(world.as_("cato").post("/user/keys", {"key": key.public}), 201)
    repo = world.repo()
    own = ok(world.as_(None).get("/signing-key"))
    assert own["principal"] == "hub@modelkeep"
    answer = world.as_("rita").get(f"{repo}/allowed-signers")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    lines = answer.text.splitlines()
    assert lines[0].startswith("# ")
    assert lines[1] == f'hub@modelkeep namespaces="git" {own["key"]}'
    assert f'cato namespaces="git" {" ".join(key.public.split()[:2])}' in lines
    assert not any(line.startswith("rita ") for line in lines)
    refused(world.as_("sven").get(f"{repo}/allowed-signers"), 404, "repo_not_found")
    refused(world.as_(None).get(f"{repo}/allowed-signers"), 401)


def test_the_signature_of_a_tag(world: World) -> None:
    repo = world.repo()
    world.commit(repo, {"a.txt": "a"})
    olga = world.as_("olga")
    ok(olga.post(f"{repo}/artifacts/models%3Am/versions"), 201)
    ok(olga.post(f"{repo}/tags", {"name": "plain"}), 201)
    own = ok(olga.get("/signing-key"))["fingerprint"]
    rita = world.as_("rita")
    assert ok(rita.get(f"{repo}/tags/models=m@v0.0.1/signature")) == {
        "status": "good",
        "signer": "hub",
        "fingerprint": own,
    }
    assert ok(rita.get(f"{repo}/tags/plain/signature")) == {
        "status": "none",
        "signer": None,
        "fingerprint": None,
    }
    refused(rita.get(f"{repo}/tags/none/signature"), 404, "ref_not_found")
    refused(rita.get(f"{repo}/tags/a..b/signature"), 404, "ref_not_found")
    refused(world.as_("sven").get(f"{repo}/tags/plain/signature"), 404, "repo_not_found")
