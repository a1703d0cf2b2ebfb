"""Annotations and the details of versions, from domain values to wire shapes."""

from __future__ import annotations

from modelkeep.api.rest import render
from modelkeep.api.rest.keys import render_signature
from modelkeep.api.rest.schemas import annotations as shapes
from modelkeep.domain.artifacts import Annotation
from modelkeep.services.version_details import VersionDetail


def annotation(value: Annotation) -> shapes.Annotation:
    """What a repo says about an artifact."""
    return shapes.Annotation(
        artifact=value.name,
        type=value.type,
        path=value.path,
        virtual=value.is_virtual,
        labels=list(value.labels),
        description=value.description,
        custom=value.custom,
        source=value.source,
        is_link=value.is_link,
        checksum=value.checksum,
    )


def version_detail(value: VersionDetail) -> shapes.VersionDetail:
    """A version with all that belongs to it."""
    return shapes.VersionDetail(
        **render.version(value.row).model_dump(),
        commit_detail=render.commit(value.commit),
        files=[
            shapes.VersionFile(path=file.path, size=file.size, oid=file.oid, sha256=file.sha256, id=file.id)
            for file in value.files
        ],
        files_truncated=not value.is_all,
        files_path=value.files_path,
        annotation=annotation(value.annotation) if value.annotation else None,
        code_commit=value.code_commit,
        run=value.run,
        signature=render_signature(value.signature) if value.signature else None,
    )
