from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.names import (
    RESERVED_NAMESPACES,
    RESERVED_REPOS,
    RepoName,
    fold,
    is_gto_name,
    parse_artifact,
    parse_label,
    parse_namespace,
    parse_repo,
    parse_stage,
)

TRICKS = [
    "",
    " ",
    ".",
    "..",
    "../x",
    "a/b",
    "a\\b",
    "a\0b",
    "a\nb",
    "a\n",
    "a b",
    "-a",
    "a-",
    "%2F",
    "a%2Fb",
    "ä",
    "\uff11\uff12",  # full-width digits
    "\u212a",  # the Kelvin sign, which folds to k
    "a:b",
    "a@b",
    "a#b",
    "~a",
    "a\u202eb",  # right-to-left override
]

HOSTILE = st.text(
    st.sampled_from(list("aZ09-_./\\:@#%~ \0\n\r\u202e\u00e4\u212a\uff11")), max_size=80
) | st.text(max_size=30)


@pytest.mark.parametrize("name", ["a", "A", "7", "acme", "Acme-2", "a_b-c", "a" * 64, "x1"])
def test_names_of_namespaces_are_kept_as_written(name: str) -> None:
    assert parse_namespace(name) == name


@pytest.mark.parametrize("name", [*TRICKS, "a.b", "a--b", "a-_b", "_a", "a_", "a" * 65])
def test_other_names_of_namespaces_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_namespace(name)
    assert caught.value.code == "invalid_name"


@pytest.mark.parametrize("write", [str, str.upper, str.capitalize])
def test_reserved_namespaces_are_refused_in_any_case(write: Callable[[str], str]) -> None:
    for name in RESERVED_NAMESPACES:
        with pytest.raises(InvalidInput):
            parse_namespace(write(name))


def test_a_reserved_namespace_says_so() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_namespace("API")
    assert caught.value.code == "reserved_name"
    assert parse_namespace("API", reserved_ok=True) == "API"


@pytest.mark.parametrize(
    "segment",
    "api v2 static datasets registry login settings admin healthz readyz metrics new .well-known -".split(),
)
def test_the_first_segments_of_the_url_space_are_reserved(segment: str) -> None:
    assert segment in RESERVED_NAMESPACES


@pytest.mark.parametrize(
    "name", ["a", "churn", "Churn.v2", "_hidden_", "a-b.c_d", "a" * 96, "gpt-4.1", "git"]
)
def test_names_of_repos_are_kept_as_written(name: str) -> None:
    assert parse_repo(name) == name


@pytest.mark.parametrize("name", [*TRICKS, "a..b", "a--b", "a.-b", ".a", "a.", "a" * 97])
def test_other_names_of_repos_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        parse_repo(name)


@pytest.mark.parametrize(
    "name", ["x.git", "X.GIT", "x.lock", "a.ipynb", "settings", "Settings", "API", "resolve"]
)
def test_repo_names_that_mean_something_else_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_repo(name)
    assert caught.value.code == "reserved_name"


def test_a_dash_is_never_a_repo() -> None:
    assert "-" in RESERVED_REPOS
    with pytest.raises(InvalidInput):
        parse_repo("-")


@given(HOSTILE)
def test_what_passes_as_a_name_is_harmless_in_a_path_and_a_url(text: str) -> None:
    for parse in (parse_namespace, parse_repo):
        try:
            name = parse(text)
        except InvalidInput:
            continue
        assert name == text
        assert re.fullmatch(r"[A-Za-z0-9_.-]+", name)
        assert name not in (".", "..")
        assert not name.startswith(("-", "."))
        assert fold(name) == name.lower()


@given(HOSTILE)
def test_a_label_is_folded_or_refused(text: str) -> None:
    try:
        label = parse_label(text)
    except InvalidInput:
        return
    assert re.fullmatch(r"[a-z0-9._:/+-]{1,64}", label)
    assert parse_label(label) == label


@pytest.mark.parametrize(
    ("text", "label"), [("NLP", "nlp"), (" vision ", "vision"), ("task:ner", "task:ner")]
)
def test_labels_are_folded(text: str, label: str) -> None:
    assert parse_label(text) == label


@pytest.mark.parametrize("text", ["", " ", "c++", "a b", "a,b", "\u00e4", "a" * 65])
def test_other_labels_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_label(text)
    assert caught.value.code == "invalid_label"


@pytest.mark.parametrize("name", ["prod", "a", "Prod-2", "eu/prod", "a--b", "a_/b"])
def test_stages_are_gto_names(name: str) -> None:
    assert parse_stage(name) == name
    assert is_gto_name(name)


@pytest.mark.parametrize("name", ["", "-a", "a-", "/a", "a/", "a.b", "a b", "a:b", "ä", "a\n", "a" * 201])
def test_other_stages_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_stage(name)
    assert caught.value.code == "invalid_stage"


@pytest.mark.parametrize("name", ["churn", "models:churn", "a/b.c:churn", "eu/churn", "./x:churn", "-:c"])
def test_artifacts_may_have_a_directory(name: str) -> None:
    assert parse_artifact(name) == name


@pytest.mark.parametrize(
    "name", ["", ":a", "a:", "a:b:c", "../x:c", "a/../b:c", "a.b", "a b", "a@b", "a#b", "a" * 201]
)
def test_other_artifacts_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_artifact(name)
    assert caught.value.code == "invalid_artifact"


def test_a_full_name_is_two_names() -> None:
    name = RepoName.parse("Acme/Churn")
    assert (name.namespace, name.name, str(name), name.folded) == (
        "Acme",
        "Churn",
        "Acme/Churn",
        "acme/churn",
    )


@pytest.mark.parametrize(
    "text", ["", "acme", "acme/", "/churn", "a/b/c", "acme/churn/", "acme//churn", "acme/-", "../x"]
)
def test_other_full_names_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        RepoName.parse(text)


def test_a_full_name_may_stand_under_a_reserved_namespace() -> None:
    # The settings may name the hub's owner "admin", whose repos are then under that name.
    assert RepoName.parse("admin/churn").namespace == "admin"


def test_a_long_name_is_cut_in_the_message() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_repo("x" * 10_000)
    assert len(caught.value.message) < 300
