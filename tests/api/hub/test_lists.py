"""Lists: repos, refs, commits, and what repos take."""

from __future__ import annotations

from typing import Any

import pytest

from modelkeep.domain.access import Visibility
from modelkeep.services.accounts import local_administrator
from tests.api.hub.world import World, ok, refused


def card(*tags: str, task: str = "text-classification") -> str:
    return f"---\nlicense: mit\npipeline_tag: {task}\ntags: [{', '.join(tags)}]\n---\n# A model\n"


def listed(world: World, who: str | None = "rita", kind: str = "models", **query: Any) -> list[str]:
    return [one["id"] for one in ok(world.as_(who).get(f"/api/{kind}", params=query))]


def test_models_are_found_by_what_their_cards_say(world: World) -> None:
    mark = world.new_name("tag")
    one = world.repo({"README.md": card(mark, "x")})
    two = world.repo({"README.md": card(mark, "y", task="translation")})
    both = [two.address, one.address]
    assert listed(world, filter=mark) == both
    assert listed(world, filter=[mark, "x"]) == [one.address]
    assert listed(world, filter=mark, pipeline_tag="translation") == [two.address]
    assert listed(world, filter=[mark, "license:mit"], author="ACME") == both
    assert listed(world, filter=mark, author="nobody") == []
    assert listed(world, filter=mark, search=one.name) == [one.address]
    assert listed(world, filter=mark, sort="createdAt") == both
    assert listed(world, "sven", filter=mark) == listed(world, None, filter=mark) == []
    assert listed(world, kind="datasets", filter=mark) == []


def test_pages_of_a_list(world: World) -> None:
    mark = world.new_name("tag")
    repos = [world.repo({"README.md": card(mark)}).address for _ in range(3)]
    rita, found = world.as_("rita"), []
    url: str | None = f"/api/models?filter={mark}&limit=2&expand=sha"
    while url is not None:
        answer = rita.get(url)
        found.append([one["id"] for one in ok(answer)])
        assert all(set(one) == {"_id", "id", "modelId", "sha"} for one in answer.json())
        url = answer.links["next"]["url"] if "next" in answer.links else None
    assert [len(page) for page in found] == [2, 1]
    assert sorted(name for page in found for name in page) == sorted(repos)


def test_lists_say_more_on_demand(world: World) -> None:
    repo = world.repo({"README.md": card("a")}, visibility=Visibility.PUBLIC)
    brief = ok(world.as_(None).get("/api/models", params={"search": repo.name}))[0]
    assert brief["pipeline_tag"] == "text-classification"
    assert not {"siblings", "cardData", "sha"} & set(brief)
    full = ok(world.as_(None).get(f"/api/models?search={repo.name}&full=True&cardData=True"))[0]
    assert full["cardData"]["license"] == "mit"
    assert full["siblings"][0] == {"rfilename": ".gitattributes"}
    assert len(full["sha"]) == 40


@pytest.mark.parametrize("query", ["limit=0", "cursor=zz", "expand=nonsense", "num_parameters=many"])
def test_queries_that_cannot_be(world: World, query: str) -> None:
    refused(world.as_("rita").get(f"/api/models?{query}"), 400)


def test_refs(world: World) -> None:
    repo, olga = world.repo({"a": "1"}), world.actor("olga")
    other = world.commit(repo, {"a": "2"}, branch="feature/x")
    world.hub.versions.register(olga, repo.place, repo.name, "churn", version="v1.0.0", revision="feature/x")
    refs = ok(world.as_("rita").get(f"/api/models/{repo.address}/refs?include_prs=1"))
    assert [branch["name"] for branch in refs["branches"]] == ["feature/x", "main"]
    assert refs["branches"][0] == {
        "name": "feature/x",
        "ref": "refs/heads/feature/x",
        "targetCommit": other,
    }
    assert refs["tags"] == [{"name": "churn@v1.0.0", "ref": "refs/tags/churn@v1.0.0", "targetCommit": other}]
    assert refs["converts"] == refs["pullRequests"] == []
    assert "pullRequests" not in ok(world.as_("rita").get(f"/api/models/{repo.address}/refs"))


def test_commits(world: World) -> None:
    repo = world.repo()
    made = [world.commit(repo, {"a": str(number)}, f"Change {number} <b>") for number in range(3)]
    message = "Last\n\nWhy & how\n\nCo-authored-by: Rita R <rita@example.org>"
    last = world.commit(repo, {"a": "9"}, message)
    rita, url = world.as_("rita"), f"/api/models/{repo.address}/commits/main"
    first = ok(rita.get(url))
    assert [one["id"] for one in first[:4]] == [last, *reversed(made)]
    assert first[0]["title"] == "Last"
    assert first[0]["message"].startswith("Why & how")
    assert [author["user"] for author in first[0]["authors"]] == ["olga", "Rita R"]
    assert "formatted" not in first[0]
    formatted = ok(rita.get(f"{url}?expand[]=formatted"))
    assert formatted[1]["formatted"]["title"] == "Change 2 &lt;b&gt;"
    pages = rita.get(f"{url}?limit=2")
    world.commit(repo, {"a": "10"})
    following = rita.get(pages.links["next"]["url"])
    assert [one["id"] for one in pages.json() + following.json()] == [last, *reversed(made)]
    refused(rita.get(f"/api/models/{repo.address}/commits/nope"), 404, "RevisionNotFound")


def test_authors_are_users(world: World) -> None:
    olga, create = world.as_("olga"), world.hub.accounts.create
    create(local_administrator(), name="ada", full_name="Ada L.", email="ada@example.org")
    create(local_administrator(), name="bea", full_name="Bea B.")
    repo = world.repo()
    said = [
        "Ada L. <ada@example.org>",  # as the hub signs for her
        "Somebody <ada@example.org>",  # an address tells nobody whose it is
        "Whoever <bea@users.modelkeep.invalid>",
        "Ghost <ghost@users.modelkeep.invalid>",
    ]
    world.commit(repo, {"a": "1"}, "Much\n\n" + "\n".join(f"Co-authored-by: {one}" for one in said))
    newest = ok(olga.get(f"/api/models/{repo.address}/commits/main"))[0]
    assert [author["user"] for author in newest["authors"]] == ["olga", "ada", "Somebody", "bea", "Ghost"]


def test_what_repos_take(world: World) -> None:
    repo = world.repo()
    world.commit(repo, {"w.bin": world.upload(repo, b"w" * 12345)})
    found = ok(world.as_("rita").get("/api/organizations/acme/settings/repositories"))
    mine = next(one for one in found if one["id"] == repo.address)
    assert (mine["type"], mine["visibility"], mine["storage"]) == ("model", "private", 12345)
    assert ok(world.as_("rita").get("/api/settings/repositories")) == []
    strangers = ok(world.as_("sven").get("/api/organizations/acme/settings/repositories"))
    assert repo.address not in [one["id"] for one in strangers]
    refused(world.as_(None).get("/api/settings/repositories"), 401)
