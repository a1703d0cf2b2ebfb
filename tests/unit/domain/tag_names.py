"""Registry tags made up at random."""

from __future__ import annotations

from hypothesis import strategies as st

from modelkeep.domain.tag_grammar import EventKind, TagName

NAMES = st.sampled_from(["m", "A", "7", "churn", "eu/churn", "a--b", "a_/-b", "x" * 60])
DIRECTORIES = st.sampled_from(["models", ".", "-", "a/b.c", "_x"])
ARTIFACTS = NAMES | st.builds("{}:{}".format, DIRECTORIES, NAMES)
COUNTERS = st.none() | st.integers(0, 10**17)
VERSIONS = st.sampled_from(["v0.0.1", "v1.2.3", "v10.20.30-rc.1", "v1.0.0-a.b-c+d.e", "v2.0.0+5"])
TAGS = st.one_of(
    st.builds(
        TagName,
        st.sampled_from([EventKind.REGISTRATION, EventKind.DEREGISTRATION]),
        ARTIFACTS,
        version=VERSIONS,
        counter=COUNTERS,
    ),
    st.builds(
        TagName,
        st.sampled_from([EventKind.ASSIGNMENT, EventKind.UNASSIGNMENT]),
        ARTIFACTS,
        stage=NAMES,
        counter=COUNTERS,
    ),
    st.builds(
        TagName, st.sampled_from([EventKind.DEPRECATION, EventKind.CREATION]), ARTIFACTS, counter=COUNTERS
    ),
)
