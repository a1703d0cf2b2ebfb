"""Cards and headers of weights, as wire shapes."""

from __future__ import annotations

from collections.abc import Sequence

from modelkeep.api.rest.render import page_of_all
from modelkeep.api.rest.schemas import cards as shapes
from modelkeep.domain import cards, file_headers
from modelkeep.domain.paging import PageRequest
from modelkeep.services.cards import CardAt
from modelkeep.services.file_headers import HeaderOfFile
from modelkeep.services.weights import WeightsSummary


def card(value: CardAt, report: cards.CardReport) -> shapes.Card:
    """A card, and what there is to say about it."""
    said = value.card
    return shapes.Card(
        commit=value.commit,
        license=said.license,
        library=said.library,
        pipeline_tag=said.pipeline_tag,
        base_models=list(said.base_models),
        datasets=list(said.datasets),
        languages=list(said.languages),
        metrics=list(said.metrics),
        tags=list(value.tags),
        data=dict(said.data),
        text=said.text,
        weights=_weights(value.weights) if value.weights else None,
        errors=_remarks(report.errors),
        warnings=_remarks(report.warnings),
    )


def file_header(value: HeaderOfFile, page: PageRequest) -> shapes.FileHeader:
    """A header with a page of its tensors."""
    header = value.header
    shown = page_of_all(header.tensors, page)
    return shapes.FileHeader(
        path=value.file.path,
        commit=value.file.commit,
        size=value.file.size,
        format=header.format.value,
        total=header.total,
        parameters=dict(header.parameters),
        metadata=dict(header.metadata),
        inputs=[_graph_value(one) for one in header.inputs],
        outputs=[_graph_value(one) for one in header.outputs],
        tensors=[shapes.Tensor(name=one.name, dtype=one.dtype, shape=list(one.shape)) for one in shown.items],
        tensor_count=len(header.tensors),
        next_cursor=shown.next_cursor,
    )


def _weights(value: WeightsSummary) -> shapes.Weights:
    return shapes.Weights(
        format=value.format.value,
        total=value.total,
        parameters=dict(value.parameters),
        files=list(value.files),
    )


def _remarks(found: Sequence[cards.CardRemark]) -> list[shapes.CardRemark]:
    return [shapes.CardRemark(message=one.message, line=one.line) for one in found]


def _graph_value(value: file_headers.GraphValue) -> shapes.GraphValue:
    shape = None if value.shape is None else list(value.shape)
    return shapes.GraphValue(name=value.name, type=value.type, shape=shape)
