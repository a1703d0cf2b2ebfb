"""What is said of cards before they are sent, with the line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modelkeep.domain.repos import RepoKind
from modelkeep.services.card_checks import MAX_REMARKS, check_card
from modelkeep.services.card_reading import parse_card

GOOD = """---
license: apache-2.0
language: [en, pt-BR]
library_name: transformers
pipeline_tag: text-classification
base_model: acme/bert
base_model_relation: finetune
datasets:
- imdb
tags: [tabular]
metrics: [accuracy]
model-index:
- name: churn
  results:
  - task:
      type: text-classification
      name: Text Classification
    dataset:
      type: imdb
      name: IMDB
      config: default
    metrics:
    - type: accuracy
      value: 0.93
      name: Accuracy
---
# Churn
"""


def errors(text: str, kind: RepoKind = RepoKind.MODEL) -> list[str]:
    report = check_card(text, kind)
    return [str(error) for error in report.errors]


def warnings(text: str) -> list[str]:
    report = check_card(text)
    assert report.errors == ()
    return [str(warning) for warning in report.warnings]


def card(front: str) -> str:
    return f"---\n{front}\n---\nText\n"


def test_a_good_card_gives_no_remarks() -> None:
    report = check_card(GOOD)
    assert report.errors == report.warnings == ()


def test_metadata_that_are_missing_are_a_warning() -> None:
    words = "empty or missing yaml metadata in repo card"
    assert warnings("# Churn\n") == warnings("---\n---\n") == warnings("---\n# nothing\n---\n") == [words]
    (open_end,) = warnings("---\nlicense: mit\n# Churn\n")
    assert open_end.startswith(words)
    assert "no second '---'" in open_end


def test_an_unknown_license_is_an_error() -> None:
    (error,) = errors(card("tags: []\nlicense: apache2.0"))
    assert error.startswith('"license" must be one of')
    assert "did you mean 'apache-2.0'" in error
    assert error.endswith("(line 3)")
    assert errors(card("license: asdf"))[0].startswith('"license" must be one of')
    assert errors(card("license: [mit, nope]"))[0].startswith('"license[1]" must be one of')
    assert errors(card("license: 5")) == ['"license" must be a string (line 2)']
    assert errors(card("license: other\nlicense_name: ours")) == []


def test_lines_count_from_the_beginning_of_the_file() -> None:
    assert errors("\n\n---\n\nlicense: 5\n---\n") == ['"license" must be a string (line 5)']
    assert errors("\n---\nmodel-index: foo\n---\n") == ['"model-index" must be an array (line 3)']


def test_the_model_index_has_a_form() -> None:
    assert errors(card("model-index: foo")) == ['"model-index" must be an array (line 2)']
    assert errors(card("model-index:\n- 5")) == ['"model-index[0]" must be an object (name: value) (line 3)']
    assert errors(card("model-index:\n- name: x")) == ['"model-index[0].results" is required (line 3)']
    found = errors(card("model-index:\n- name: x\n  results:\n  - task: {}\n    metrics:\n    - type: f1"))
    assert found == [
        '"model-index[0].results[0].dataset" is required (line 5)',
        '"model-index[0].results[0].task.type" is required (line 5)',
        '"model-index[0].results[0].metrics[0].value" is required (line 7)',
    ]
    assert errors(card("model-index:\n- name: x\n  results: []")) == []


def test_texts_must_be_texts() -> None:
    assert errors(card("tags: [1]")) == ['"tags[0]" must be a string (line 2)']
    assert errors(card("tags:\n  a: b")) == ['"tags" must be a string (line 3)']
    assert errors(card("library_name: [a]")) == ['"library_name" must be a string (line 2)']
    assert errors(card("tags:\nlicense:")) == []


def test_what_is_unusual_is_a_warning() -> None:
    (task,) = warnings(card("pipeline_tag: text-classificaton"))
    assert "did you mean 'text-classification'" in task
    assert task.endswith("(line 2)")
    assert "ISO 639" in warnings(card("language: English"))[0]
    assert "base_model" in warnings(card("base_model: a/b/c"))[0]
    assert warnings(card("language: no")) == []
    assert warnings(card("whatever: {deep: [1, 2]}")) == []


def test_datasets_have_fields_of_their_own() -> None:
    text = card(
        "task_categories: [text-ranking, nope]\nconfigs:\n- config_name: default\n  data_files: a.csv"
    )
    report = check_card(text, RepoKind.DATASET)
    assert report.errors == ()
    assert [warning.line for warning in report.warnings] == [2]
    assert errors(card("configs: no"), RepoKind.DATASET) == ['"configs" must be an array (line 2)']


def test_what_is_no_yaml_is_an_error_with_its_line() -> None:
    (error,) = errors(card("license: mit\ntags: [a"))
    assert error.startswith("the metadata cannot be read: it is not YAML")
    assert "(line" in error
    assert "stands here twice (line 3)" in errors(card("license: mit\nlicense: mit"))[0]
    assert errors(card("- a\n- b")) == ["the metadata must be a mapping of names to values (line 2)"]
    assert "too much" in errors(card(_bomb()))[0]
    assert errors("---\n" + "a" * (1 << 20) + "\n---\n") == ["a card has at most 1048576 bytes"]


def test_remarks_are_limited() -> None:
    assert len(errors(card(f"tags: [{', '.join('5' * 200)}]"))) == MAX_REMARKS


def _bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    return "\n".join(lines)


@given(st.text(), st.sampled_from(["license", "model-index", "language", "tags", "base_model", "configs"]))
def test_any_text_is_checked(text: str, key: str) -> None:
    for whole in (text, card(text), card(f"{key}: {text}"), card(f"{key}:\n- {text}")):
        check_card(whole)
        parse_card(whole)
