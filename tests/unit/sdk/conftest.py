from __future__ import annotations

from collections.abc import Iterator

import pytest

from modelkeep.sdk.hub import Hub
from modelkeep.sdk.retries import RetryPolicy
from tests.unit.sdk.stand_in import StandIn, running

POLICY = RetryPolicy(sleep=lambda _: None)


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    with running(StandIn()) as hub:
        yield hub


@pytest.fixture
def hub(stand_in: StandIn) -> Iterator[Hub]:
    with Hub(stand_in.url, "mk_secret", policy=POLICY) as made:
        yield made
