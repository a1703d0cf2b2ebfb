"""The text is that of the standard library, character by character."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from modelkeep.domain.artifacts import Json
from modelkeep.domain.gto_json import gto_text

VALUES: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=200)
@given(VALUES)
def test_it_is_what_json_writes_with_four_blanks(value: Json) -> None:
    assert gto_text(value) == json.dumps(value, indent=4) + "\n"
