"""Cards: the fields that they are searched by, their tags, and bounds on numbers of parameters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.cards import MOST_TAGS, Card, tags_of
from modelkeep.domain.catalogue import parse_parameters
from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.model_card import line_of_card, split_card
from modelkeep.domain.repos import RepoKind

MODEL, DATASET = RepoKind.MODEL, RepoKind.DATASET

FULL = Card(
    {
        "license": "mit",
        "library_name": "transformers",
        "pipeline_tag": "text-classification",
        "language": ["en", "de"],
        "tags": ["tabular", "en"],
        "datasets": ["imdb", "acme/reviews"],
        "metrics": ["accuracy"],
        "base_model": "acme/bert",
        "base_model_relation": "finetune",
        "model-index": [
            {"name": "x", "results": [{"metrics": [{"type": "f1", "value": 1}, {"type": "accuracy"}]}]}
        ],
    },
    "See https://arxiv.org/abs/1810.04805 and arxiv:1706.03762.",
)


def test_a_card_gives_its_fields() -> None:
    assert (FULL.license, FULL.library, FULL.pipeline_tag) == ("mit", "transformers", "text-classification")
    assert (FULL.languages, FULL.datasets) == (("en", "de"), ("imdb", "acme/reviews"))
    assert (FULL.base_models, FULL.metrics) == (("acme/bert",), ("accuracy", "f1"))


def test_tags_are_spelt_as_on_the_hub() -> None:
    assert tags_of(FULL, MODEL, ("onnx", "safetensors")) == (
        "transformers",
        "onnx",
        "safetensors",
        "text-classification",
        "tabular",
        "en",
        "de",
        "dataset:imdb",
        "dataset:acme/reviews",
        "base_model:acme/bert",
        "base_model:finetune:acme/bert",
        "metric:accuracy",
        "metric:f1",
        "model-index",
        "arxiv:1810.04805",
        "arxiv:1706.03762",
        "license:mit",
    )


def test_datasets_have_tags_of_their_own() -> None:
    card = Card({"language": "en", "task_categories": ["text-ranking"], "size_categories": "1K<n<10K"})
    assert tags_of(card, DATASET) == (
        "language:en",
        "task_categories:text-ranking",
        "size_categories:1K<n<10K",
    )


def test_what_is_no_word_is_passed_over() -> None:
    card = Card({"tags": ["", "  ", "x" * 201, "a\nb", "\ud800", None, True, {"a": 1}, ["b"], 7, 1.5, " c "]})
    assert card.tags == ("7", "1.5", "c")
    assert Card({"license": {"mit": 1}, "tags": "one", "datasets": None}).license is None
    assert len(tags_of(Card({"tags": [f"t{n}" for n in range(1000)]}), MODEL)) == MOST_TAGS


def test_the_front_matter_may_follow_blank_lines() -> None:
    text = "\ufeff\n\n---\nlicense: mit\n---\nText"
    assert split_card(text) == ("license: mit\n", "Text")
    assert line_of_card(text) == 4
    assert line_of_card("no front matter") == 1


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("min:6B,max:128B", (6 * 10**9, 128 * 10**9)),
        ("max:1.5M", (None, 1_500_000)),
        ("min:0", (0, None)),
        ("min:3k", (3000, None)),
        ("max:0.123456T", (None, 123_456_000_000)),
    ],
)
def test_bounds_on_parameters(text: str, bounds: tuple[int | None, int | None]) -> None:
    assert parse_parameters(text) == bounds


@pytest.mark.parametrize(
    "text", ["", "6B", "min:", "min:6X", "min:1,min:2", "about:5", "min:-1", "min:9999999B", "min:٣"]
)
def test_other_bounds_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_parameters(text)
    assert caught.value.code == "invalid_parameters"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@given(
    st.dictionaries(
        st.sampled_from(["license", "tags", "model-index", "base_model", "language", "datasets", "metrics"]),
        _JSON,
    ),
    st.text(),
)
def test_any_card_has_tags(data: dict[str, object], text: str) -> None:
    for tag in tags_of(Card(data, text), MODEL):  # type: ignore[arg-type]
        assert tag
        tag.encode()
