"""Policies over REST: what holds, what is refused and why, dry runs, organisations' defaults."""

from __future__ import annotations

import json
from typing import Any

import pytest

from modelkeep.domain.access import Scope
from tests.api.rest.world import World, ok, refused
from tests.architecture.tree import ROOT

POLICY = """\
version: 1
ordered: true
stages:
  - name: dev
    assign: {role: contributor}
  - name: staging
  - name: prod
    branches: [main]
"""


def with_policy(world: World, text: str = POLICY, **files: str) -> str:
    """A repo with this policy and two versions of ``churn``."""
    repo = world.repo()
    world.commit(repo, {".modelkeep/policy.yaml": text, "model.txt": "one", **files})
    register(world, repo)
    world.commit(repo, {"model.txt": "two"})
    register(world, repo)
    return repo


def register(world: World, repo: str, *, by: str = "olga", **fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = ok(
        world.as_(by).post(f"{repo}/artifacts/churn/versions", {"bump": None, **fields}), 201
    )
    return made


def promote(world: World, repo: str, stage: str, version: str, *, by: str = "olga", **fields: Any) -> Any:
    body = {"version": version, **fields}
    return world.as_(by).put(f"{repo}/artifacts/churn/stages/{stage}", body)


def test_a_repo_without_a_policy_says_so(world: World) -> None:
    shown = ok(world.as_("rita").get(f"{world.repo()}/policy"))
    assert shown == {
        "source": "none",
        "text": None,
        "digest": None,
        "problems": [],
        "stages": [],
        "organisation": None,
    }


def test_the_policy_of_a_repo_is_shown_as_it_was_understood(world: World) -> None:
    shown = ok(world.as_("rita").get(f"{with_policy(world)}/policy"))
    assert (shown["source"], shown["text"], shown["problems"]) == ("repo", POLICY, [])
    assert shown["digest"].startswith("sha256:")
    assert [(one["name"], one["assign"], one["after"]) for one in shown["stages"]] == [
        ("dev", {"role": "contributor"}, []),
        ("staging", {"role": "maintainer"}, ["dev"]),
        ("prod", {"role": "maintainer"}, ["staging"]),
    ]


def test_stages_are_climbed_in_order_by_whom_the_policy_names(world: World) -> None:
    repo = with_policy(world)
    skipped = refused(promote(world, repo, "prod", "v0.0.2"), 403, "policy_order")
    assert "'staging'" in skipped["detail"]
    ok(promote(world, repo, "dev", "v0.0.2", by="cato"), 201)
    refused(promote(world, repo, "staging", "v0.0.2", by="cato"), 403, "policy_role")
    ok(promote(world, repo, "staging", "v0.0.2", by="mara"), 201)
    ok(promote(world, repo, "prod", "v0.0.2"), 201)
    refused(promote(world, repo, "test", "v0.0.2"), 403, "policy_stage")
    # It has been in staging, also once it left.
    ok(promote(world, repo, "dev", "v0.0.1"), 201)
    ok(promote(world, repo, "staging", "v0.0.1"), 201)
    ok(world.as_("mara").delete(f"{repo}/artifacts/churn/stages/staging?"), 201)
    ok(promote(world, repo, "prod", "v0.0.1"), 201)


def test_every_reason_is_named(world: World) -> None:
    repo = with_policy(world)
    problem = refused(promote(world, repo, "prod", "v0.0.1", by="cato"), 403, "policy_role")
    assert [one["code"] for one in problem["fields"]["reasons"]] == ["policy_role", "policy_order"]
    assert problem["detail"] == "\n".join(one["message"] for one in problem["fields"]["reasons"])


def test_a_token_must_be_for_promoting_whatever_the_policy_says(world: World) -> None:
    repo = with_policy(world)
    writer = world.token("mara", Scope.WRITE)
    refused(writer.put(f"{repo}/artifacts/churn/stages/dev", {"version": "v0.0.1"}), 403, "scope_missing")
    refused(world.as_(None).put(f"{repo}/artifacts/churn/stages/dev", {"version": "v0.0.1"}), 401)
    refused(promote(world, repo, "dev", "v0.0.1", by="rita"), 403, "policy_role")
    refused(promote(world, repo, "dev", "v0.0.1", by="sven"), 404)


def test_who_assigns_a_stage_also_takes_it_away(world: World) -> None:
    repo = with_policy(world)
    ok(promote(world, repo, "dev", "v0.0.1"), 201)
    refused(world.as_("rita").delete(f"{repo}/artifacts/churn/stages/dev"), 403, "policy_role")
    ok(world.as_("cato").delete(f"{repo}/artifacts/churn/stages/dev"), 201)


def test_a_dry_run_says_what_blocks_and_changes_nothing(world: World) -> None:
    repo = with_policy(world)
    ok(promote(world, repo, "dev", "v0.0.1"), 201)
    before = ok(world.as_("rita").get(f"{repo}/artifacts/churn/stages"))
    plan = ok(promote(world, repo, "prod", "v0.0.1", by="cato", dry_run=True))
    assert plan["allowed"] is False
    assert (plan["artifact"], plan["stage"], plan["version"], plan["previous"]) == (
        "churn",
        "prod",
        "v0.0.1",
        None,
    )
    assert {one["code"]: one["passed"] for one in plan["checks"]} == {
        "policy_stage": True,
        "policy_role": False,
        "policy_order": False,
        "policy_branch": True,
    }
    real = refused(promote(world, repo, "prod", "v0.0.1", by="cato"), 403)
    blocked = [f"{one['message']} {one['remedy']}" for one in plan["checks"] if not one["passed"]]
    assert real["detail"] == "\n".join(blocked)
    assert ok(promote(world, repo, "staging", "v0.0.1", dry_run=True))["allowed"] is True
    assert ok(world.as_("rita").get(f"{repo}/artifacts/churn/stages")) == before
    refused(promote(world, repo, "dev", "v0.0.1", dry_run=True), 409, "already_in_stage")
    refused(promote(world, repo, "dev", "v9.9.9", dry_run=True), 404, "no_version")


def test_a_dry_run_without_a_policy_has_nothing_to_check(world: World) -> None:
    repo = world.repo()
    register(world, repo)
    plan = ok(promote(world, repo, "prod", "v0.0.1", dry_run=True))
    assert (plan["allowed"], plan["checks"], plan["policy_digest"]) == (True, [], None)
    refused(promote(world, repo, "prod", "v0.0.1", by="cato", dry_run=True), 403, "role_missing")


def test_what_is_refused_leaves_no_version_behind(world: World) -> None:
    repo = with_policy(world)
    commit = world.commit(repo, {"model.txt": "three"})
    body = {"revision": commit}
    plan = ok(world.as_("olga").put(f"{repo}/artifacts/churn/stages/prod", {**body, "dry_run": True}))
    assert (plan["version"], plan["allowed"]) == ("v0.0.3", False)
    refused(world.as_("olga").put(f"{repo}/artifacts/churn/stages/prod", body), 403, "policy_order")
    assert len(ok(world.as_("olga").get(f"{repo}/artifacts/churn/versions"))["items"]) == 2
    ok(world.as_("olga").put(f"{repo}/artifacts/churn/stages/dev", body), 201)
    assert len(ok(world.as_("olga").get(f"{repo}/artifacts/churn/versions"))["items"]) == 3


def test_the_tag_says_what_stood_behind_it(world: World) -> None:
    repo = with_policy(world)
    ok(promote(world, repo, "dev", "v0.0.1"), 201)
    ok(promote(world, repo, "dev", "v0.0.2", message="Better.\n\nApproved-By: the board"), 201)
    digest = ok(world.as_("olga").get(f"{repo}/policy"))["digest"]
    events = ok(world.as_("olga").get(f"{repo}/history?artifact=churn&event=assignment"))["items"]
    assert events[0]["message"].rstrip() == (
        f"Better.\n\nApproved-By: the board\n\nVersion: v0.0.2\nPrevious: v0.0.1\nPolicy-Digest: {digest}"
    )


def test_only_maintainers_change_the_policy(world: World) -> None:
    repo = with_policy(world)
    body = {
        "message": "relax",
        "operations": [{"op": "add", "path": ".modelkeep/policy.yaml", "content": "version: 1\n"}],
    }
    problem = refused(world.as_("cato").post(f"{repo}/commits", body), 403, "policy_role")
    assert "maintainer" in problem["detail"]
    body["operations"] = [{"op": "delete", "path": ".modelkeep/policy.yaml"}]
    refused(world.as_("cato").post(f"{repo}/commits", body), 403, "policy_role")
    world.commit(repo, {"README.md": "# Churn\n"}, by="cato")
    ok(world.as_("mara").post(f"{repo}/commits", body), 201)
    assert ok(world.as_("cato").get(f"{repo}/policy"))["source"] == "none"


def test_a_policy_that_cannot_be_read_is_refused_with_its_lines(world: World) -> None:
    repo = world.repo()
    text = "version: 1\nstages:\n  - name: prod\n    aprovals: 2\n    branches: main\n"
    body = {
        "message": "policy",
        "operations": [{"op": "add", "path": ".modelkeep/policy.yaml", "content": text}],
    }
    problem = refused(world.as_("olga").post(f"{repo}/commits", body), 422, "policy_invalid")
    assert problem["fields"]["problems"] == [
        {"line": "4", "column": "5", "reason": "there is no key 'aprovals' here; did you mean 'approvals'?"},
        {"line": "5", "column": "15", "reason": "'branches' must be a list"},
    ]
    assert "line 4, column 5" in problem["detail"]


def test_a_policy_can_be_checked_before_it_is_pushed(world: World) -> None:
    found = ok(world.as_("rita").post("/policy/validate", {"text": "version: 1\nstages: []\n"}))
    assert found == {"problems": [{"line": 2, "column": 9, "reason": "'stages' must not be empty"}]}
    assert ok(world.as_("rita").post("/policy/validate", {"text": POLICY})) == {"problems": []}


def test_the_published_schema_is_the_one_in_use(world: World) -> None:
    published = json.loads((ROOT / "docs" / "reference" / "policy.schema.json").read_text())
    assert ok(world.as_(None).get("/policy/schema")) == published


def test_versions_can_be_made_immutable(world: World) -> None:
    repo = with_policy(world, "version: 1\nversions: {immutable: true}\n")
    for by in ("mara", "olga"):
        problem = refused(world.as_(by).delete(f"{repo}/tags/churn@v0.0.1"), 403, "policy_immutable")
        assert "deleted" in problem["detail"]
    ok(promote(world, repo, "prod", "v0.0.1"), 201)
    ok(world.as_("mara").delete(f"{repo}/tags/{'churn%23prod%231'}"), 204)


def test_the_tags_of_a_stage_that_the_policy_guards_stay(world: World) -> None:
    repo = with_policy(world)
    ok(promote(world, repo, "dev", "v0.0.1"), 201)
    ok(world.as_("cato").delete(f"{repo}/artifacts/churn/stages/dev"), 201)
    refused(world.as_("olga").delete(f"{repo}/tags/churn%23dev!%232"), 403, "policy_immutable")
    refused(world.as_("olga").delete(f"{repo}/tags/churn%23dev%231"), 403, "policy_immutable")


@pytest.mark.parametrize(("rule", "status"), [("warn", 201), ("refuse", 403), ("allow", 201)])
def test_a_version_with_the_content_of_another(world: World, rule: str, status: int) -> None:
    repo = with_policy(
        world,
        f"version: 1\nversions: {{unique_content: {rule}}}\n",
        **{"artifacts.yaml": "churn: {path: model.txt}\n"},
    )
    world.commit(repo, {"notes.txt": "nothing about the model"})
    answer = world.as_("olga").post(f"{repo}/artifacts/churn/versions", {})
    if rule == "refuse":
        assert "v0.0.2" in refused(answer, status, "policy_content")["detail"]
    else:
        warnings = ["Version v0.0.3 of 'churn' has the same content as v0.0.2."] if rule == "warn" else []
        assert ok(answer, status)["warnings"] == warnings
    world.commit(repo, {"model.txt": "three"})
    assert register(world, repo)["warnings"] == []


def test_a_rollback_needs_neither_order_nor_approvals_again(world: World) -> None:
    text = "version: 1\nordered: true\nstages:\n  - name: dev\n  - name: prod\n    {}\n"
    repo = with_policy(world, "version: 1\n")
    for version in ("v0.0.1", "v0.0.2"):
        ok(promote(world, repo, "prod", version), 201)
    for rule, status in (("rollback: full", 403), ("rollback: checked", 201)):
        world.commit(repo, {".modelkeep/policy.yaml": text.replace("{}", rule)})
        answer = world.as_("olga").post(f"{repo}/artifacts/churn/stages/prod/rollback", {})
        assert answer.status_code == status, answer.text
    # What was rolled back from is no earlier holder: to promote it again is a promotion.
    refused(promote(world, repo, "prod", "v0.0.2"), 403, "policy_order")
    claimed = "back\n\nRolled-Back-From: v0.0.1"
    refused(promote(world, repo, "prod", "v0.0.2", message=claimed), 403, "policy_order")


def test_a_version_that_comes_back_must_be_fit_for_its_stage(world: World) -> None:
    repo = with_policy(world, "version: 1\n")
    ok(promote(world, repo, "prod", "v0.0.2"), 201)
    ok(world.as_("olga").delete(f"{repo}/artifacts/churn/versions/v0.0.2"), 201)
    world.commit(repo, {".modelkeep/policy.yaml": "version: 1\nstages: [{name: prod}]\n"})
    body = {"version": "v0.0.2", "revision": "HEAD~1"}
    body["revision"] = ok(world.as_("olga").get(f"{repo}/artifacts/churn/versions"))["items"][0]["commit"]
    # A contributor may register, but not put it back into prod that way.
    refused(world.as_("cato").post(f"{repo}/artifacts/churn/versions", body), 403, "policy_role")
    ok(world.as_("mara").post(f"{repo}/artifacts/churn/versions", body), 201)
    held = ok(world.as_("mara").get(f"{repo}/artifacts/churn/stages"))["items"]
    assert [(one["stage"], one["version"]) for one in held] == [("prod", "v0.0.2")]


EVIDENCE = """\
version: 1
stages:
  - name: prod
    evidence:
      - {metric: accuracy, at_least: 0.9}
      - {metric: test.loss, below: 0.3, file: metrics.json}
      - {label: validated}
      - {card: complete}
"""
CARD = "---\nlicense: mit\ntags: [churn]\n---\n# Churn\n\n" + "It says who will leave. " * 10


def test_evidence_is_read_at_the_commit(world: World) -> None:
    repo = world.repo()
    world.commit(repo, {".modelkeep/policy.yaml": EVIDENCE, "README.md": "# Churn\n"})
    register(world, repo)
    plan = ok(promote(world, repo, "prod", "v0.0.1", dry_run=True))
    failed = [one["message"] for one in plan["checks"] if not one["passed"]]
    assert failed == [
        "accuracy of v0.0.1 of 'churn' is not known in the artifact's annotation or the model card; it must be at "
        "least 0.9.",
        "test.loss of v0.0.1 of 'churn' is not known: metrics.json is not there, or cannot be read; it must be below "
        "0.3.",
        "v0.0.1 of 'churn' does not have the label 'validated'.",
        "The model card of v0.0.1 of 'churn' is not complete: it lacks 'license' in its front matter, "
        "'pipeline_tag', 'tags' or 'library_name' in its front matter and a text of 200 characters.",
    ]
    annotation = "churn: {path: m.bin, labels: [validated], custom: {metrics: {accuracy: %s}}}\n"
    files = {"metrics.json": '{"test": {"loss": 0.2}}', "README.md": CARD, "m.bin": "1"}
    world.commit(repo, {**files, "artifacts.yaml": annotation % "0.89"})
    register(world, repo)
    problem = refused(promote(world, repo, "prod", "v0.0.2"), 403, "policy_evidence")
    assert problem["detail"].startswith("accuracy of v0.0.2 of 'churn' is 0.89; it must be at least 0.9.")
    world.commit(repo, {"artifacts.yaml": annotation % "0.93", "m.bin": "2"})
    register(world, repo)
    ok(promote(world, repo, "prod", "v0.0.3"), 201)


def test_checks_are_recorded_and_asked_for(world: World) -> None:
    text = (
        "version: 1\nstages:\n  - name: prod\n    evidence:\n      - {check: scan}\n"
        "      - {check: audit, by: {users: [cato]}}\n"
    )
    repo = with_policy(world, text)
    checks = f"{repo}/artifacts/churn/versions/v0.0.2/checks"
    refused(promote(world, repo, "prod", "v0.0.2"), 403, "policy_evidence")
    refused(world.as_("cato").put(f"{checks}/scan", {"verdict": "passed"}), 403, "not_a_checker")
    refused(world.as_("rita").put(f"{checks}/scan", {"verdict": "passed"}), 403, "not_a_checker")
    refused(
        world.token("mara", Scope.WRITE).put(f"{checks}/scan", {"verdict": "passed"}), 403, "scope_missing"
    )
    body = {"verdict": "failed", "summary": "CVE-1", "url": "https://scan.example/1"}
    made = ok(world.as_("mara").put(f"{checks}/scan", body))
    assert (made["verdict"], made["recorded_by"], made["url"]) == ("failed", "mara", "https://scan.example/1")
    assert "has failed" in refused(promote(world, repo, "prod", "v0.0.2"), 403, "policy_evidence")["detail"]
    ok(world.as_("mara").put(f"{checks}/scan", {"verdict": "passed"}))
    # A maintainer's word does not count where the policy names another's.
    ok(world.as_("mara").put(f"{checks}/audit", {"verdict": "passed"}))
    refused(promote(world, repo, "prod", "v0.0.2"), 403, "policy_evidence")
    ok(world.token("cato", Scope.PROMOTE).put(f"{checks}/audit", {"verdict": "passed"}))
    assert [one["name"] for one in ok(world.as_("rita").get(checks))["items"]] == ["audit", "scan"]
    assert len(ok(world.as_("rita").get(f"{checks}?history=true"))["items"]) == 4
    assert ok(world.as_("rita").get(f"{checks}/scan"))["verdict"] == "passed"
    refused(world.as_("rita").get(f"{checks}/other"), 404, "no_check")
    refused(world.as_("sven").get(checks), 404)
    ok(promote(world, repo, "prod", "v0.0.2"), 201)


def test_an_organisations_policy_holds_where_a_repo_has_none(world: World) -> None:
    org = world.new_name("org")
    ok(
        world.as_("olga").post("/orgs", {"name": org, "members": [{"user": "mara", "role": "maintainer"}]}),
        201,
    )
    repo = world.repo(namespace=org)
    register(world, repo)
    text = "version: 1\nstages: [{name: prod, assign: {role: owner}}]\n"
    refused(world.as_("mara").put(f"/orgs/{org}/policy", {"text": text}), 403)
    refused(world.as_("sven").get(f"/orgs/{org}/policy"), 404)
    refused(world.as_("mara").get(f"/orgs/{org}/policy"), 404, "no_policy")
    refused(world.as_("olga").put(f"/orgs/{org}/policy", {"text": "version: 2"}), 422, "policy_invalid")
    assert ok(world.as_("olga").put(f"/orgs/{org}/policy", {"text": text}))["text"] == text
    assert ok(world.as_("mara").get(f"{repo}/policy"))["source"] == "organisation"
    refused(promote(world, repo, "prod", "v0.0.1", by="mara"), 403, "policy_role")
    refused(promote(world, repo, "dev", "v0.0.1"), 403, "policy_stage")
    world.commit(repo, {".modelkeep/policy.yaml": "version: 1\nstages: [{name: prod}, {name: dev}]\n"})
    ok(promote(world, repo, "dev", "v0.0.1", by="mara"), 201)
    ok(world.as_("olga").put(f"/orgs/{org}/policy", {"text": f"{text}enforced: true\n"}))
    shown = ok(world.as_("mara").get(f"{repo}/policy"))
    assert (shown["source"], shown["organisation"]["stages"][0]["assign"]) == ("repo", {"role": "owner"})
    refused(promote(world, repo, "prod", "v0.0.1", by="mara"), 403, "policy_role")
    ok(promote(world, repo, "prod", "v0.0.1"), 201)
    ok(world.as_("olga").delete(f"/orgs/{org}/policy"), 204)
    refused(world.as_("olga").delete(f"/orgs/{org}/policy"), 404, "no_policy")


def test_the_stages_of_gto_are_kept_to_where_no_policy_says_more(world: World) -> None:
    repo = world.repo()
    world.commit(repo, {".gto": "stages: [dev, prod]\n"})
    register(world, repo)
    problem = refused(promote(world, repo, "test", "v0.0.1"), 403, "policy_stage")
    assert ".gto on main" in problem["detail"]
    ok(promote(world, repo, "dev", "v0.0.1"), 201)
    refused(promote(world, repo, "prod", "v0.0.1", by="cato"), 403, "role_missing")
    ok(world.as_("olga").patch(repo, {"strict_tags": False}))
    world.commit(repo, {".gto": "stages: [dev\n"})
    ok(promote(world, repo, "test", "v0.0.1"), 201)
    world.commit(
        repo, {".gto": "stages: [x]\n", ".modelkeep/policy.yaml": "version: 1\nstages: [{name: y}]\n"}
    )
    refused(promote(world, repo, "x", "v0.0.1"), 403, "policy_stage")
    ok(promote(world, repo, "y", "v0.0.1"), 201)


def test_a_policy_in_force_that_cannot_be_read_stops_promotions_only(world: World) -> None:
    repo = with_policy(world)
    ok(promote(world, repo, "dev", "v0.0.1"), 201)
    ok(world.as_("olga").post(f"{repo}/branches", {"name": "next"}), 201)
    # No rule looks at other branches; only a maintainer makes one the default.
    world.commit(repo, {".modelkeep/policy.yaml": "version: 1\nstages: no\n"}, branch="next", by="cato")
    refused(world.as_("cato").patch(repo, {"default_branch": "next"}), 403)
    ok(world.as_("olga").patch(repo, {"default_branch": "next"}))
    shown = ok(world.as_("rita").get(f"{repo}/policy"))
    assert (shown["source"], shown["stages"]) == ("repo", [])
    assert shown["problems"] == [{"line": 2, "column": 9, "reason": "'stages' must be a list"}]
    problem = refused(promote(world, repo, "dev", "v0.0.2"), 422, "policy_invalid")
    assert "on next cannot be read (line 2, column 9: 'stages' must be a list)" in problem["detail"]
    plan = ok(promote(world, repo, "dev", "v0.0.2", dry_run=True))
    assert (plan["allowed"], [one["code"] for one in plan["checks"]]) == (False, ["policy_invalid"])
    refused(world.as_("olga").delete(f"{repo}/tags/churn%23dev%231"), 422, "policy_invalid")
    refused(world.as_("cato").delete(f"{repo}/artifacts/churn/stages/dev"), 403, "role_missing")
    ok(world.as_("mara").delete(f"{repo}/artifacts/churn/stages/dev"), 201)
    world.commit(repo, {".modelkeep/policy.yaml": POLICY}, branch="next", by="mara")
    ok(promote(world, repo, "dev", "v0.0.2", by="cato"), 201)
