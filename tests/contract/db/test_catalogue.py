"""The index of cards, lists by what cards say, and counts of downloads."""

from __future__ import annotations

from datetime import timedelta

import pytest

from modelkeep.db import cards, downloads, headers, repos
from modelkeep.db.catalogue import list_catalogue
from modelkeep.db.transaction import Transaction
from modelkeep.domain.access import Actor, Visibility, anonymous
from modelkeep.domain.cards import CardFields
from modelkeep.domain.catalogue import HubFilter
from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.paging import PageRequest, decode_cursor
from modelkeep.domain.repos import Repo, RepoKind
from tests.contract.db.world import World, actor_of

MODEL, DATASET = RepoKind.MODEL, RepoKind.DATASET
CARD = CardFields(
    data={"license": "mit", "deep": [{"a": 1.5}], "text": "ü\0"},
    license="mit",
    library="transformers",
    pipeline_tag="fill-mask",
    tags=("transformers", "Fill", "base_model:Acme/Bert", "license:mit", "\0"),
    parameters={"F32": 10, "F16": 5},
)


def names(tx: Transaction, actor: Actor, wanted: HubFilter, kind: RepoKind = MODEL) -> list[str]:
    return [repo.name for repo in list_catalogue(tx, actor, kind, wanted, PageRequest()).items]


@pytest.fixture
def found(tx: Transaction, world: World) -> dict[str, Repo]:
    """Three public models, one private, one dataset."""
    ada = world.user("ada")
    acme = world.organisation("Acme")
    made = {
        name: world.repo(ada, name, Visibility.PUBLIC, now=world.now + timedelta(hours=n))
        for n, name in enumerate(("bert", "gpt", "tiny"))
    }
    made["secret"] = world.repo(acme, "secret")
    made["imdb"] = world.repo(acme, "imdb", Visibility.PUBLIC, kind=DATASET)
    for name in ("bert", "secret", "imdb"):
        cards.set_card(tx, made[name].id, CARD)
    repos.set_labels(tx, made["tiny"].id, ["eu"])
    cards.set_card(tx, made["gpt"].id, CardFields(parameters={"F32": 10**12}, tags=("gguf",)))
    return made


def test_a_card_is_kept_and_replaced(tx: Transaction, found: dict[str, Repo]) -> None:
    bert = found["bert"].id
    kept = cards.cards_of(tx, [bert, found["tiny"].id])
    assert set(kept) == {bert}
    assert kept[bert].data == CARD.data
    assert kept[bert].tags == (*CARD.tags[:-1], "\ufffd")
    assert (kept[bert].parameters, kept[bert].total) == (CARD.parameters, 15)
    assert (kept[bert].license, kept[bert].library, kept[bert].pipeline_tag) == (
        "mit",
        "transformers",
        "fill-mask",
    )
    cards.set_card(tx, bert, CardFields(tags=("b", "a")))
    assert cards.cards_of(tx, [bert])[bert] == CardFields(tags=("b", "a"))
    cards.set_card(tx, bert, CardFields())
    assert cards.cards_of(tx, [bert]) == {}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (HubFilter(), ["tiny", "gpt", "bert"]),
        (HubFilter(sort="created"), ["tiny", "gpt", "bert"]),
        (HubFilter(search=("ADA/",)), ["tiny", "gpt", "bert"]),
        (HubFilter(search=("ada", "ER")), ["bert"]),
        (HubFilter(search=("%",)), []),
        (HubFilter(author="ADA"), ["tiny", "gpt", "bert"]),
        (HubFilter(author="acme"), []),
        (HubFilter(author="\0"), []),
        (HubFilter(tags=("license:MIT",)), ["bert"]),
        (HubFilter(tags=("license:mit", "fill")), ["bert"]),
        (HubFilter(tags=("license:mit", "gguf")), []),
        (HubFilter(tags=("base_model:acme/bert",)), ["bert"]),
        (HubFilter(tags=("EU",)), ["tiny"]),
        (HubFilter(tags=("eu", "fill")), []),
        (HubFilter(pipeline_tag="fill-mask"), ["bert"]),
        (HubFilter(pipeline_tag="\0"), []),
        (HubFilter(library="Transformers"), ["bert"]),
        (HubFilter(least_parameters=16), ["gpt"]),
        (HubFilter(most_parameters=15), ["bert"]),
        (HubFilter(least_parameters=15, most_parameters=15), ["bert"]),
        (HubFilter(least_parameters=1 << 70), []),
        (HubFilter(is_gated=True), []),
        (HubFilter(is_gated=False), ["tiny", "gpt", "bert"]),
    ],
)
def test_lists_are_filtered(
    tx: Transaction, found: dict[str, Repo], wanted: HubFilter, expected: list[str]
) -> None:
    assert names(tx, anonymous(), wanted) == expected


def test_only_what_may_be_read_is_listed(tx: Transaction, world: World, found: dict[str, Repo]) -> None:
    wanted = HubFilter(tags=("license:mit",))
    assert names(tx, Actor(1, "root", is_hub_admin=True), wanted) == ["secret", "bert"]
    assert names(tx, actor_of(world.user("sven")), wanted) == ["bert"]
    assert names(tx, anonymous(), wanted, DATASET) == ["imdb"]


def test_downloads_are_counted_by_day_and_forgotten_after_a_month(
    tx: Transaction, found: dict[str, Repo]
) -> None:
    bert, gpt = found["bert"].id, found["gpt"].id
    downloads.add(tx, {bert: 2, "f" * 32: 5}, 100)
    downloads.add(tx, {bert: 3, gpt: 1}, 101)
    downloads.add(tx, {bert: 4}, 101)
    assert downloads.counts_of(tx, [bert, gpt]) == {bert: (9, 9), gpt: (1, 1)}
    assert downloads.forget_before(tx, 101) == 1
    assert downloads.forget_before(tx, 101) == 0
    assert downloads.counts_of(tx, [bert, gpt]) == {bert: (7, 9), gpt: (1, 1)}
    assert downloads.forget_before(tx, 102) == 2
    assert downloads.counts_of(tx, [bert, gpt]) == {bert: (0, 9), gpt: (0, 1)}


def test_pages_go_by_downloads(tx: Transaction, found: dict[str, Repo]) -> None:
    downloads.add(tx, {found["gpt"].id: 3, found["secret"].id: 9}, 100)
    wanted, seen = HubFilter(sort="downloads"), []
    page = list_catalogue(tx, anonymous(), MODEL, wanted, PageRequest(1))
    while True:
        seen += [repo.name for repo in page.items]
        if page.next_cursor is None:
            break
        page = list_catalogue(tx, anonymous(), MODEL, wanted, PageRequest(1, decode_cursor(page.next_cursor)))
    assert seen == ["gpt", "tiny", "bert"]
    with pytest.raises(InvalidInput):
        list_catalogue(tx, anonymous(), MODEL, wanted, PageRequest(1, ("x", "y")))


def test_all_goes_with_the_repo(tx: Transaction, found: dict[str, Repo]) -> None:
    bert = found["bert"].id
    downloads.add(tx, {bert: 1}, 100)
    repos.purge_repo(tx, bert)
    assert cards.cards_of(tx, [bert]) == {}
    assert downloads.counts_of(tx, [bert]) == {}


def test_headers_are_remembered_once(tx: Transaction) -> None:
    assert headers.header_of(tx, "gguf:" + "a" * 64) is None
    headers.remember(tx, "gguf:" + "a" * 64, b"one")
    headers.remember(tx, "gguf:" + "a" * 64, b"two")
    assert headers.header_of(tx, "gguf:" + "a" * 64) == b"two"
