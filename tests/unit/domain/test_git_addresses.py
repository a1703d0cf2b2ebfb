from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.git_addresses import repo_of_address
from modelkeep.domain.names import RepoName


@pytest.mark.parametrize(
    "address",
    """
    https://hub.example.org/acme/churn.git
    https://hub.example.org/acme/churn
    HTTP://hub.example.org:8000/acme/churn.git/
    https://ada@hub.example.org/acme/churn.git
    https://ada:s%40cret@hub.example.org/acme/churn
    https://example.org/hub/acme/churn.git
    ssh://git@hub.example.org:22/acme/churn.git
    git://hub.example.org/acme/churn.git
    git@hub.example.org:acme/churn.git
    hub:acme/churn
    hub.example.org:/acme/churn.git
    https://[::1]:8000/acme/churn.git
    https://hub.example.org//acme//churn.git
    https://hub.example.org/acme/%63hurn.git
    """.split(),
)
def test_addresses_of_one_repo(address: str) -> None:
    assert repo_of_address(address) == RepoName("acme", "churn")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "h:a/c\0",
        *"acme/churn /srv/acme/churn file:///srv/acme/churn https://h/churn https://h/acme/.git https://h/a/c?x".split(),
        *"https://h/acme/a%2Fb git@hub:churn https://h/../churn ftp://h/a/c https://h/a/c#x".split(),
    ],
)
def test_what_names_none(address: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        repo_of_address(address)
    assert caught.value.code == "invalid_repo_address"


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(InvalidInput) as caught:
        repo_of_address("https://ada:s3cret@hub.example.org/churn")
    assert "s3cret" not in caught.value.message


@given(st.text("htps:/@.%2facme-\0?#\\", max_size=60))
def test_anything_is_a_name_or_a_refusal(text: str) -> None:
    try:
        found = repo_of_address(text)
    except InvalidInput:
        return
    assert RepoName.parse(str(found)) == found
