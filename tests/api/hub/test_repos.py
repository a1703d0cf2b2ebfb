"""Repos made, deleted, moved and set."""

from __future__ import annotations

import pytest

from modelkeep.domain.access import Scope
from tests.api.hub.world import URL, World, ok, refused


def test_a_new_repo_has_a_first_commit_of_its_maker(world: World) -> None:
    olga, name = world.as_("olga"), world.new_name()
    made = ok(olga.post("/api/repos/create", json={"name": name, "organization": "acme"}))
    assert (made["url"], made["name"]) == (f"{URL}/acme/{name}", f"acme/{name}")
    assert [entry["path"] for entry in ok(olga.get(f"/api/models/acme/{name}/tree/main"))] == [
        ".gitattributes"
    ]
    (commit,) = ok(olga.get(f"/api/models/acme/{name}/commits/main"))
    assert (commit["title"], commit["authors"]) == ("initial commit", [{"user": "olga"}])


def test_without_an_organisation_it_is_the_makers_own(world: World) -> None:
    name = world.new_name()
    for sent in ({"name": name}, {"name": f"olga/{name}-2"}, {"name": f"{name}-3", "organization": None}):
        assert ok(world.as_("olga").post("/api/repos/create", json=sent))["name"].startswith("olga/")


@pytest.mark.parametrize(
    ("sent", "private"),
    [
        ({"private": True}, True),
        ({"private": False}, False),
        ({"visibility": "public"}, False),
        ({"visibility": "private"}, True),
    ],
)
def test_who_may_read_it(world: World, sent: dict[str, object], private: bool) -> None:
    name = world.new_name()
    ok(world.as_("olga").post("/api/repos/create", json={"name": name, "organization": "acme", **sent}))
    assert ok(world.as_("olga").get(f"/api/models/acme/{name}"))["private"] is private


def test_a_dataset_has_an_address_of_its_own(world: World) -> None:
    name, olga = world.new_name(), world.as_("olga")
    sent = {"name": name, "organization": "acme", "type": "dataset"}
    assert ok(olga.post("/api/repos/create", json=sent))["url"] == f"{URL}/datasets/acme/{name}"
    refused(olga.get(f"/api/models/acme/{name}"), 404, "RepoNotFound")
    ok(olga.request("DELETE", "/api/repos/delete", json=sent))
    refused(olga.get(f"/api/datasets/acme/{name}"), 404, "RepoNotFound")


def test_one_that_is_there_is_named_in_the_refusal(world: World) -> None:
    """``exist_ok`` goes on with the url of a 409."""
    repo = world.repo()
    sent = {"name": repo.name.upper(), "organization": "ACME"}
    answer = world.as_("cato").post("/api/repos/create", json=sent)
    assert answer.status_code == 409
    assert answer.json()["url"] == f"{URL}/{repo.full_name}"
    assert "another conflicting operation" not in answer.text  # clients would try again for ever


@pytest.mark.parametrize("organization", ["acme", "olga", "nobody-here"])
def test_no_right_there(world: World, organization: str) -> None:
    sent = {"name": world.new_name(), "organization": organization}
    refused(world.as_("sven").post("/api/repos/create", json=sent), 403)


def test_strangers_learn_nothing_from_creating(world: World) -> None:
    taken = world.repo()
    told = [
        refused(world.as_("sven").post("/api/repos/create", json={"name": name, "organization": place}), 403)
        for name, place in ((taken.name, "acme"), ("free", "acme"), ("free", "missing"))
    ]
    assert len({text.replace("acme", "…").replace("missing", "…") for text in told}) == 1


def test_nobody_signed_in(world: World) -> None:
    message = refused(world.as_(None).post("/api/repos/create", json={"name": "x"}), 401)
    assert message == "Invalid credentials in Authorization header"


def test_a_token_that_may_not(world: World) -> None:
    token = world.token("olga", Scope.READ)
    world.tokens["narrow"] = token
    refused(world.as_("narrow").post("/api/repos/create", json={"name": world.new_name()}), 403)


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"name": 5},
        {"name": "x", "organization": 7},
        {"name": "x", "type": "space"},
        {"name": "x", "visibility": "secret"},
        {"name": "x", "private": "yes"},
        {"name": "-bad-"},
        {"name": "olga/"},
    ],
)
def test_bodies_that_say_nothing_sensible(world: World, sent: dict[str, object]) -> None:
    refused(world.as_("olga").post("/api/repos/create", json=sent), 400)


def test_deleting(world: World) -> None:
    repo, sent = world.repo(), {"name": "", "organization": "acme"}
    sent["name"] = repo.name
    refused(world.as_("cato").request("DELETE", "/api/repos/delete", json=sent), 403)
    refused(world.as_("sven").request("DELETE", "/api/repos/delete", json=sent), 404, "RepoNotFound")
    ok(world.as_("olga").request("DELETE", "/api/repos/delete", json=sent))
    refused(world.as_("olga").request("DELETE", "/api/repos/delete", json=sent), 404, "RepoNotFound")


def test_moving(world: World) -> None:
    repo, other, olga = world.repo({"a.txt": "a"}), world.repo(), world.as_("olga")
    sent = {"fromRepo": f"acme/{repo.name}", "toRepo": f"acme/{other.name}", "type": "model"}
    message = refused(olga.post("/api/repos/move", json=sent), 409)
    assert message == f"A model repository called acme/{other.name} already exists"
    sent["toRepo"] = f"olga/{repo.name}-moved"
    assert ok(olga.post("/api/repos/move", json=sent))["url"] == f"{URL}/olga/{repo.name}-moved"
    answer = olga.get(f"/api/models/acme/{repo.name}/revision/main")
    assert answer.status_code == 307
    assert answer.headers["location"] == f"/api/models/olga/{repo.name}-moved/revision/main"
    refused(olga.post("/api/repos/move", json={**sent, "toRepo": "noslash"}), 400)
    refused(olga.post("/api/repos/move", json={**sent, "fromRepo": "acme/missing"}), 404, "RepoNotFound")


def test_settings(world: World) -> None:
    repo, olga = world.repo(), world.as_("olga")
    url = f"/api/models/{repo.full_name}/settings"
    assert ok(olga.put(url, json={"private": False, "gated": "manual"})) == {
        "private": False,
        "visibility": "public",
        "gated": "manual",
    }
    assert ok(olga.put(url, json={"gated": False}))["gated"] is False
    assert ok(olga.put(url, json={"visibility": "private"}))["private"] is True
    assert ok(olga.put(url, json={"xetEnabled": True}))["private"] is True  # it always is
    refused(olga.put(url, json={"xetEnabled": False}), 400)
    refused(world.as_("cato").put(url, json={"private": False}), 403)
    refused(olga.put(url, json={}), 400)
    refused(olga.put(url, json={"gated": "perhaps"}), 400)
