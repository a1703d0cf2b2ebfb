from __future__ import annotations

import itertools

import pytest

from modelkeep.domain.access import (
    ALL_SCOPES,
    Action,
    Actor,
    Role,
    Scope,
    Visibility,
    allows,
    anonymous,
    effective_role,
    role_needed,
    scopes_allow,
)
from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.names import RepoName

# The tables of docs/explanation/access.md. r, c, m, o: reader, contributor, maintainer, owner.
MAY = {
    Action.READ: "rcmo",
    Action.PROPOSE: "rcmo",
    Action.WRITE: "cmo",
    Action.CREATE_REPO: "cmo",
    Action.REGISTER: "cmo",
    Action.PROMOTE: "mo",
    Action.RETRACT: "mo",
    Action.OVERRIDE: "mo",
    Action.CONFIGURE: "mo",
    Action.ADMINISTER: "o",
}
# R, W, P, A: the scopes read, write, promote, admin, each alone.
MAY_WITH = {
    Action.READ: "RWPA",
    Action.PROPOSE: "WA",
    Action.WRITE: "WA",
    Action.CREATE_REPO: "WA",
    Action.REGISTER: "WPA",
    Action.PROMOTE: "PA",
    Action.RETRACT: "PA",
    Action.OVERRIDE: "WA",
    Action.CONFIGURE: "A",
    Action.ADMINISTER: "A",
}

ANN = Actor(1, "ann")


@pytest.mark.parametrize(("role", "action"), list(itertools.product(Role, Action)))
def test_role_by_action(role: Role, action: Action) -> None:
    assert allows(role, action) == (role.label[0] in MAY[action])


@pytest.mark.parametrize("action", Action)
def test_without_a_role_nothing_is_allowed(action: Action) -> None:
    assert not allows(None, action)


@pytest.mark.parametrize("action", Action)
def test_the_role_needed_is_the_smallest_that_may(action: Action) -> None:
    assert role_needed(action) == min(role for role in Role if allows(role, action))


@pytest.mark.parametrize(("scope", "action"), list(itertools.product(Scope, Action)))
def test_scope_by_action(scope: Scope, action: Action) -> None:
    assert scopes_allow(frozenset({scope}), action) == (scope.value[0].upper() in MAY_WITH[action])


@pytest.mark.parametrize("action", Action)
def test_scopes_add_up_and_no_scope_opens_nothing(action: Action) -> None:
    assert scopes_allow(ALL_SCOPES, action)
    assert not scopes_allow(frozenset(), action)
    for one, other in itertools.combinations(Scope, 2):
        alone = scopes_allow(frozenset({one}), action) or scopes_allow(frozenset({other}), action)
        assert scopes_allow(frozenset({one, other}), action) == alone


@pytest.mark.parametrize(
    ("visibility", "stranger", "nobody"),
    [
        (Visibility.PRIVATE, None, None),
        (Visibility.SHARED, Role.READER, None),
        (Visibility.PUBLIC, Role.READER, Role.READER),
    ],
)
def test_visibility_makes_readers(visibility: Visibility, stranger: Role | None, nobody: Role | None) -> None:
    assert effective_role(ANN, None, visibility) == stranger
    assert effective_role(anonymous(), None, visibility) == nobody


@pytest.mark.parametrize(("role", "visibility"), list(itertools.product(Role, Visibility)))
def test_a_granted_role_counts_whatever_the_visibility(role: Role, visibility: Visibility) -> None:
    assert effective_role(ANN, role, visibility) is role


@pytest.mark.parametrize(("granted", "visibility"), list(itertools.product([None, *Role], Visibility)))
def test_an_administrator_of_the_hub_owns_everything(granted: Role | None, visibility: Visibility) -> None:
    assert effective_role(Actor(2, "root", is_hub_admin=True), granted, visibility) is Role.OWNER


def test_an_anonymous_actor_only_reads() -> None:
    nobody = anonymous("192.0.2.1", "git")
    assert nobody.is_anonymous
    assert (nobody.address, nobody.door, nobody.user_id) == ("192.0.2.1", "git", None)
    assert [action for action in Action if scopes_allow(nobody.scopes, action)] == [Action.READ]


def test_a_local_administrator_is_not_anonymous() -> None:
    assert not Actor(None, "(local)", is_hub_admin=True).is_anonymous
    assert not ANN.is_anonymous


@pytest.mark.parametrize(
    ("limits", "name", "reached"),
    [
        ([], "acme/churn", True),
        (["acme"], "acme/churn", True),
        (["acme"], "Acme/Churn", True),
        (["acme"], "acme", True),
        (["acme"], "acme2/churn", False),
        (["acme"], "other/acme", False),
        (["acme/churn"], "acme/churn", True),
        (["acme/churn"], "ACME/CHURN", True),
        (["acme/churn"], "acme/churn2", False),
        (["acme/churn"], "acme", False),
        (["acme/churn", "other"], "other/x", True),
    ],
)
def test_limits(limits: list[str], name: str, reached: bool) -> None:
    actor = Actor(1, "ann", limits=frozenset(limits))
    assert actor.is_within_limits(name) is reached
    if "/" in name:
        assert actor.is_within_limits(RepoName.parse(name)) is reached


def test_words_are_read_without_case_and_blanks() -> None:
    assert Role.parse(" Maintainer ") is Role.MAINTAINER
    assert Visibility.parse("SHARED") is Visibility.SHARED
    assert Scope.parse("Write\n") is Scope.WRITE


@pytest.mark.parametrize(
    ("parse", "code"),
    [(Role.parse, "invalid_role"), (Visibility.parse, "invalid_visibility"), (Scope.parse, "invalid_scope")],
)
@pytest.mark.parametrize("text", ["", "4", "root", "owner,admin", "x" * 1000])
def test_other_words_are_refused_with_a_choice(parse: object, code: str, text: str) -> None:
    assert callable(parse)
    with pytest.raises(InvalidInput) as caught:
        parse(text)
    assert caught.value.code == code
    assert "choose" in caught.value.message
    assert len(caught.value.message) < 200


def test_the_roles_are_a_ladder() -> None:
    assert sorted(Role) == [Role.READER, Role.CONTRIBUTOR, Role.MAINTAINER, Role.OWNER]
    for action in Action:
        assert [allows(role, action) for role in sorted(Role)] == sorted(
            allows(role, action) for role in Role
        )
