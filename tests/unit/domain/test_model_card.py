from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.artifacts import Json
from modelkeep.domain.model_card import gaps_of_card, metric_of_card, split_card

PROSE = "It says who will leave. " * 10
SAID: dict[str, Json] = {"license": "mit", "tags": ["churn"]}


@pytest.mark.parametrize(
    ("text", "front_matter", "body"),
    [
        ("---\nlicense: mit\n---\n# M\n", "license: mit\n", "# M\n"),
        ("\ufeff---\r\nlicense: mit\r\n---\r\nx", "license: mit\r\n", "x"),
        ("---\n---\nx", "", "x"),
        ("---\na: 1\n---", "a: 1\n", ""),
        ("# M\n---\na: 1\n---\n", None, "# M\n---\na: 1\n---\n"),
        ("---\na: 1\n", None, "---\na: 1\n"),
        ("", None, ""),
    ],
)
def test_the_front_matter(text: str, front_matter: str | None, body: str) -> None:
    assert split_card(text) == (front_matter, body)


@given(st.text(alphabet="-\n\ra: ", max_size=60))
def test_nothing_is_lost(text: str) -> None:
    front_matter, body = split_card(text)
    assert text.endswith(body)
    assert (front_matter or "") in text


def test_a_complete_card() -> None:
    assert gaps_of_card(SAID, f"# Churn\n\n{PROSE}") == []


@pytest.mark.parametrize(
    ("said", "body", "count"),
    [
        ({}, PROSE, 2),
        ({"license": "", "pipeline_tag": "x"}, PROSE, 1),
        ("no mapping", PROSE, 2),
        (SAID, "# Churn\n" * 100, 1),
        (SAID, f"<!-- {PROSE} -->", 1),
        (SAID, f"{PROSE}\n[More Information Needed]", 1),
        (None, "", 3),
    ],
)
def test_what_a_card_lacks(said: Json, body: str, count: int) -> None:
    assert len(gaps_of_card(said, body)) == count


INDEX: Json = {
    "model-index": [
        {
            "name": "m",
            "results": [{"metrics": [{"type": "accuracy", "value": 0.93}, {"name": "F1 Score", "value": 1}]}],
        }
    ]
}


@pytest.mark.parametrize(("name", "value"), [("Accuracy", 0.93), ("f1 score", 1), ("loss", None)])
def test_metrics_of_the_index(name: str, value: float | None) -> None:
    assert metric_of_card(INDEX, name) == value


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["model-index", "results", "metrics", "type", "value"]), inner)
    ),
)


@given(JSON)
def test_no_index_is_too_odd(said: Json) -> None:
    metric_of_card({"model-index": said}, "accuracy")
    metric_of_card(said, "accuracy")
