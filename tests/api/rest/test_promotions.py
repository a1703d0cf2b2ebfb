"""Promotion requests over REST: proposed, reviewed, used up by one assignment, outdated."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from modelkeep.domain.access import Role, Scope
from modelkeep.domain.objects import Signature
from modelkeep.git.refs import create_ref
from modelkeep.git.tags import create_tag_object
from tests.api.rest.test_policy import promote, register
from tests.api.rest.world import World, ok, refused

POLICY = """\
version: 1
stages:
  - name: prod
    approvals: 2
    approvers: {role: maintainer, users: [rita]}
"""


def guarded(world: World, text: str = POLICY) -> str:
    """A repo with this policy and two versions."""
    repo = world.repo()
    for number in (1, 2):
        world.commit(repo, {".modelkeep/policy.yaml": text, "model.txt": str(number)})
        register(world, repo)
    return repo


def propose(world: World, repo: str, *, by: str = "cato", version: str = "v0.0.2", **fields: Any) -> str:
    """Proposes a promotion to prod; gives its path."""
    body = {"artifact": "churn", "stage": "prod", "version": version, **fields}
    made = ok(world.as_(by).post(f"{repo}/promotions", body), 201)
    return f"{repo}/promotions/{made['number']}"


def act(world: World, request: str, verb: str, by: str, comment: str | None = None) -> dict[str, Any]:
    body = {"comment": comment} if comment else None
    done: dict[str, Any] = ok(world.as_(by).post(f"{request}/{verb}", body))
    return done


def test_a_proposal_is_shown_with_what_it_needs(world: World) -> None:
    repo = guarded(world)
    shown = ok(world.as_("rita").get(propose(world, repo, message="Better on new data.")))
    assert {key: shown[key] for key in ("number", "artifact", "version", "stage", "state", "proposer")} == {
        "number": 1,
        "artifact": "churn",
        "version": "v0.0.2",
        "stage": "prod",
        "state": "open",
        "proposer": "cato",
    }
    assert (shown["approvals_needed"], shown["approvals"], shown["reviews"]) == (2, 0, [])
    assert [one["code"] for one in shown["blocking"]] == ["policy_approvals"]
    assert shown["policy_digest"] == ok(world.as_("rita").get(f"{repo}/policy"))["digest"]


def test_the_last_approval_promotes_in_the_approvers_name(world: World) -> None:
    repo = guarded(world)
    ok(promote_approved(world, repo, "v0.0.1"))
    request = propose(world, repo, message="Better on new data.")
    assert act(world, request, "approve", "rita", "Looks right.")["approvals"] == 1
    refused(promote(world, repo, "prod", "v0.0.2"), 403, "policy_approvals")
    done = act(world, request, "approve", "mara")
    assert (done["state"], done["approvals"], done["blocking"]) == ("completed", 2, [])
    assert [(one["user"], one["verdict"], one["comment"]) for one in done["reviews"]] == [
        ("rita", "approve", "Looks right."),
        ("mara", "approve", ""),
    ]
    event = ok(world.as_("rita").get(f"{repo}/history?event=assignment"))["items"][0]
    assert (event["tag"], event["author"]) == (done["tag"], "mara")
    assert event["message"].rstrip() == (
        "Better on new data.\n\nVersion: v0.0.2\nPrevious: v0.0.1\nProposed-By: cato\nApproved-By: rita\n"
        f"Approved-By: mara\nPolicy-Digest: {done['policy_digest']}"
    )


def promote_approved(world: World, repo: str, version: str) -> Any:
    request = propose(world, repo, version=version)
    act(world, request, "approve", "olga")
    return world.as_("mara").post(f"{request}/approve")


def test_an_approver_who_may_not_assign_leaves_that_to_others(world: World) -> None:
    repo = guarded(world)
    request = propose(world, repo)
    act(world, request, "approve", "mara")
    done = act(world, request, "approve", "rita")
    assert (done["state"], done["tag"]) == ("approved", None)
    assert [one["code"] for one in done["blocking"]] == ["policy_role"]
    refused(promote(world, repo, "prod", "v0.0.2", by="cato"), 403, "policy_role")
    made = ok(promote(world, repo, "prod", "v0.0.2", by="mara"), 201)
    shown = ok(world.as_("cato").get(request))
    assert (shown["state"], shown["tag"]) == ("completed", made["tag"])
    # It is used up.
    ok(world.as_("mara").delete(f"{repo}/artifacts/churn/stages/prod"), 201)
    refused(promote(world, repo, "prod", "v0.0.2", by="mara"), 403, "policy_approvals")


def test_who_may_review(world: World) -> None:
    repo = guarded(world)
    request = propose(world, repo, by="mara")
    for verb in ("approve", "reject"):
        refused(world.as_("mara").post(f"{request}/{verb}"), 403, "own_request")
        refused(world.as_("cato").post(f"{request}/{verb}"), 403, "not_a_reviewer")
        refused(world.as_(None).post(f"{request}/{verb}"), 401)
        refused(world.as_("sven").post(f"{request}/{verb}"), 404)
        refused(world.token("olga", Scope.WRITE).post(f"{request}/{verb}"), 403, "scope_missing")
    act(world, request, "approve", "olga")
    # One word each: to say it twice does not count twice.
    assert act(world, request, "approve", "olga")["approvals"] == 1


def test_a_rejection_ends_it(world: World) -> None:
    repo = guarded(world)
    request = propose(world, repo)
    act(world, request, "approve", "olga")
    done = act(world, request, "reject", "mara", "Not on Friday.")
    assert (done["state"], done["reason"]) == ("rejected", "Not on Friday.")
    refused(world.as_("rita").post(f"{request}/approve"), 409, "request_closed")
    refused(promote(world, repo, "prod", "v0.0.2"), 403, "policy_approvals")
    assert propose(world, repo) == f"{repo}/promotions/2"


def test_who_may_withdraw(world: World) -> None:
    repo = guarded(world)
    request = propose(world, repo)
    refused(world.as_("rita").post(f"{request}/withdraw"), 403)
    assert act(world, request, "withdraw", "cato", "Mistake.")["state"] == "withdrawn"
    refused(world.as_("cato").post(f"{request}/withdraw"), 409, "request_closed")
    assert act(world, propose(world, repo), "withdraw", "mara")["reason"] is None


def test_another_policy_withdraws_it(world: World) -> None:
    repo = guarded(world)
    request = propose(world, repo)
    act(world, request, "approve", "olga")
    world.commit(repo, {"notes.txt": "not the policy"})
    assert ok(world.as_("cato").get(request))["state"] == "open"
    world.commit(repo, {".modelkeep/policy.yaml": POLICY.replace("approvals: 2", "approvals: 1")})
    shown = ok(world.as_("cato").get(request))
    assert (shown["state"], shown["reason"]) == (
        "withdrawn",
        "The policy has changed since it was proposed.",
    )
    refused(promote(world, repo, "prod", "v0.0.2"), 403, "policy_approvals")


def test_another_default_branch_makes_approvals_worthless(world: World) -> None:
    repo = guarded(world)
    request = propose(world, repo)
    ok(world.as_("olga").post(f"{repo}/branches", {"name": "next", "from": "main"}), 201)
    world.commit(repo, {".modelkeep/policy.yaml": f"{POLICY}# other\n"}, branch="next")
    act(world, request, "approve", "olga")
    ok(world.as_("olga").patch(repo, {"default_branch": "next"}))
    refused(world.as_("mara").post(f"{request}/approve"), 409, "request_closed")
    assert ok(world.as_("cato").get(request))["state"] == "withdrawn"


def test_a_version_that_goes_withdraws_it(world: World) -> None:
    repo = guarded(world)
    request, other = propose(world, repo), propose(world, repo, version="v0.0.1")
    ok(world.as_("mara").delete(f"{repo}/artifacts/churn/versions/v0.0.2"), 201)
    shown = ok(world.as_("cato").get(request))
    assert (shown["state"], shown["reason"]) == ("withdrawn", "Version v0.0.2 was deregistered or moved.")
    assert ok(world.as_("cato").get(other))["state"] == "open"


def test_a_vote_without_the_right_does_not_count(world: World) -> None:
    repo = guarded(world)
    request = propose(world, repo)
    ok(world.as_("olga").put(f"{repo}/members/sven", {"role": "maintainer"}))
    act(world, request, "approve", "sven")
    act(world, request, "approve", "rita")
    ok(world.as_("olga").delete(f"{repo}/members/sven"), 204)
    plan = ok(promote(world, repo, "prod", "v0.0.2", by="mara", dry_run=True))
    (failed,) = [one for one in plan["checks"] if not one["passed"]]
    assert failed["message"].endswith("has 1 (rita). The approval of sven does not count (any more).")
    refused(promote(world, repo, "prod", "v0.0.2", by="mara"), 403, "policy_approvals")


def test_what_cannot_be_proposed(world: World) -> None:
    repo = guarded(world)
    body = {"artifact": "churn", "stage": "prod", "version": "v0.0.2"}
    requests = f"{repo}/promotions"
    refused(world.as_("rita").post(requests, body), 403, "role_missing")
    refused(world.as_("cato").post(requests, {**body, "stage": "test"}), 403, "policy_stage")
    refused(world.as_("cato").post(requests, {**body, "version": "v9.0.0"}), 404, "no_version")
    ok(world.as_("cato").post(requests, body), 201)
    refused(world.as_("mara").post(requests, body), 409, "request_exists")
    ok(world.as_("cato").post(requests, {**body, "version": "v0.0.1"}), 201)
    refused(world.as_("cato").get(f"{requests}/99"), 404, "no_request")
    refused(world.as_("sven").get(f"{requests}/1"), 404)


def test_without_a_policy_one_maintainer_approves(world: World) -> None:
    repo = world.repo()
    register(world, repo)
    request = propose(world, repo, version="v0.0.1")
    refused(world.as_("rita").post(f"{request}/approve"), 403, "not_a_reviewer")
    done = act(world, request, "approve", "mara")
    assert (done["state"], done["approvals_needed"]) == ("completed", 1)


def test_the_inbox_of_a_reviewer(world: World) -> None:
    repo = guarded(world)
    name = repo.removeprefix("/repos/")
    mine, other = propose(world, repo, by="mara"), propose(world, repo, version="v0.0.1")

    def inbox(by: str, query: str) -> list[int]:
        items = ok(world.as_(by).get(f"/promotions?limit=1000&{query}"))["items"]
        return [one["number"] for one in items if one["repo"] == name]

    assert inbox("mara", "state=open&role=reviewer") == [2]
    assert inbox("mara", "role=proposer") == [1]
    assert inbox("olga", "state=open&role=reviewer") == [2, 1]
    assert inbox("cato", "role=reviewer") == []
    assert inbox("sven", "state=open") == []
    act(world, mine, "approve", "olga")
    assert inbox("olga", "role=reviewer") == [2]
    act(world, other, "reject", "olga")
    assert inbox("rita", "state=rejected") == [2]
    refused(world.as_("rita").get("/promotions?state=lost"), 422, "invalid_choice")
    refused(world.as_(None).get("/promotions"), 401)
    listed = ok(world.as_("rita").get(f"{repo}/promotions?artifact=churn&stage=prod&state=open"))["items"]
    assert [one["number"] for one in listed] == [1]


def test_what_happens_to_a_request_is_told(world: World) -> None:
    repo = guarded(world)
    request = propose(world, repo)
    act(world, request, "approve", "mara")
    act(world, request, "approve", "olga")
    events = ok(world.as_("rita").get(f"{repo}/events?limit=1000"))["items"]
    told = [
        (event["type"], event["actor"], event["data"]["number"])
        for event in events
        if event["type"].startswith("promotion.")
    ]
    assert told == [
        ("promotion.proposed", "cato", 1),
        ("promotion.approved", "mara", 1),
        ("promotion.approved", "olga", 1),
        ("promotion.completed", "olga", 1),
    ]
    entries = ok(world.as_("olga").get(f"/audit?repo={repo.removeprefix('/repos/')}&action=promotion."))[
        "items"
    ]
    assert [entry["action"] for entry in reversed(entries)] == [kind for kind, _, _ in told]


def test_an_organisations_new_policy_withdraws_what_was_under_the_old(world: World) -> None:
    org = world.new_name("org")
    members = [{"user": name, "role": Role.MAINTAINER.label} for name in ("mara", "cato")]
    ok(world.as_("olga").post("/orgs", {"name": org, "members": members}), 201)
    repo = world.repo(namespace=org)
    register(world, repo)
    register_other = world.repo(namespace=org)
    register(world, register_other)
    world.commit(register_other, {".modelkeep/policy.yaml": POLICY})
    own, inherited = (
        propose(world, register_other, version="v0.0.1"),
        propose(world, repo, version="v0.0.1"),
    )
    ok(world.as_("olga").put(f"/orgs/{org}/policy", {"text": POLICY}))
    assert ok(world.as_("cato").get(inherited))["state"] == "withdrawn"
    assert ok(world.as_("cato").get(own))["state"] == "open"


def test_what_a_crash_hid_is_found_afterwards(world: World) -> None:
    repo = guarded(world)
    request = propose(world, repo)
    shown = ok(world.as_("cato").get(request))
    namespace, name = repo.split("/")[2:]
    found = world.hub.repos.get(world.actor("olga"), namespace, name)
    git_dir = world.hub.repos._stores.repositories.path(found.repo.id)
    signature = Signature("Olga", "olga@example.org", datetime(2026, 3, 1, tzinfo=UTC))
    target = create_tag_object(
        git_dir,
        name="churn#prod#9",
        target_commit=shown["commit"],
        tagger=signature,
        message="before the crash",
    )
    create_ref(git_dir, "refs/tags/churn#prod#9", target)
    assert ok(world.as_("cato").get(request))["state"] == "open"
    ok(world.as_("olga").post(f"{repo}/reindex"))
    done = ok(world.as_("cato").get(request))
    assert (done["state"], done["tag"]) == ("completed", "churn#prod#9")
    ok(world.as_("olga").post(f"{repo}/reindex"))
    assert ok(world.as_("cato").get(request)) == done
