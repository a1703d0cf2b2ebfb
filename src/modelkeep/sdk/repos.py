"""All repos of a hub: list, create, change, delete, restore."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from modelkeep.sdk.addresses import api_path, split_repo
from modelkeep.sdk.http import Connection, Json
from modelkeep.sdk.listings import Listing
from modelkeep.sdk.models import Repo
from modelkeep.sdk.wire import Record


class Repos:
    """``hub.repos``. Every method raises subclasses of :class:`modelkeep.sdk.errors.HubError`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(
        self,
        *,
        namespace: str | None = None,
        query: str | None = None,
        label: str | None = None,
        visibility: str | None = None,
        license: str | None = None,
        library: str | None = None,
        pipeline_tag: str | None = None,
        base_model: str | None = None,
        tag: str | None = None,
        sort: str | None = None,
    ) -> Listing[Repo]:
        """The repos that the caller may read.

        Args:
            namespace: Only of this user or organisation.
            query: Only with this in the name or the description.
            label: Only with this label.
            visibility: Only with this one.
            license: Only those whose card gives this license, such as ``mit``.
            library: Only those whose card names this library.
            pipeline_tag: Only those whose card says that the model does this.
            base_model: Only those whose card names this base model.
            tag: Only with this tag of the card, such as ``dataset:imdb``.
            sort: ``updated`` (the default), ``created``, ``downloads`` or ``name``.
        """
        params = {
            "namespace": namespace,
            "query": query,
            "label": label,
            "visibility": visibility,
            "license": license,
            "library": library,
            "pipeline_tag": pipeline_tag,
            "base_model": base_model,
            "tag": tag,
            "sort": sort,
        }
        columns = ("full_name", "visibility", "labels", "description", "updated_at")
        return Listing(self._connection, api_path("repos"), Repo.read, params, columns=columns)

    def get(self, name: str) -> Repo:
        """The repo ``namespace/name``; an old name of a moved repo gives the repo under its new one."""
        return Repo.read(self._connection.get(_path(name)))

    def create(
        self,
        name: str,
        *,
        visibility: str | None = None,
        description: str = "",
        labels: Sequence[str] = (),
        is_empty: bool = False,
    ) -> Repo:
        """Creates the repo ``namespace/name``.

        Args:
            name: Its full name.
            visibility: ``private``, ``shared`` or ``public``; the namespace's default if None.
            description: One line.
            labels: To find it by.
            is_empty: True leaves out the first commit (``.gitattributes`` with the usual weight formats in
                LFS).
        """
        namespace, short = split_repo(name)
        body: dict[str, Json] = {
            "namespace": namespace,
            "name": short,
            "description": description,
            "empty": is_empty,
        }
        if labels:
            body["labels"] = [*labels]
        if visibility is not None:
            body["visibility"] = visibility
        return Repo.read(self._connection.post(api_path("repos"), body))

    def update(
        self,
        name: str,
        *,
        description: str | None = None,
        labels: Sequence[str] | None = None,
        visibility: str | None = None,
        default_branch: str | None = None,
        strict_tags: bool | None = None,
    ) -> Repo:
        """Changes what is given and leaves the rest.

        Without ``strict_tags`` registry tags that cannot be read are let in, and listed by ``doctor``.
        """
        body: dict[str, Json] = {}
        if labels is not None:
            body["labels"] = [*labels]
        for key, value in (
            ("description", description),
            ("visibility", visibility),
            ("default_branch", default_branch),
            ("strict_tags", strict_tags),
        ):
            if value is not None:
                body[key] = value
        return self._patch(name, body)

    def rename(self, name: str, new_name: str) -> Repo:
        """Renames a repo, or transfers it to ``namespace/name``. The old name goes on working."""
        namespace, slash, short = new_name.rpartition("/")
        return self._patch(name, {"namespace": namespace, "name": short} if slash else {"name": short})

    def delete(self, name: str, *, is_forced: bool = False) -> datetime | None:
        """Deletes a repo, ``is_forced`` although something depends on it.

        Returns:
            Until when it can be restored; None if the hub does not say.

        Raises:
            Conflict: Something depends on it; ``fields["dependants"]`` lists what.
        """
        answer = self._connection.send("DELETE", _path(name), params={"force": True} if is_forced else None)
        return Record.parse(answer, "repo").optional_time("restorable_until") if answer else None

    def restore(self, name: str) -> Repo:
        """Brings a deleted repo back."""
        return Repo.read(self._connection.post(_path(name) + "/restore", {}))

    def _patch(self, name: str, body: Json) -> Repo:
        return Repo.read(Record.parse(self._connection.send("PATCH", _path(name), body=body), "repo"))


def _path(name: str) -> str:
    return api_path("repos", *split_repo(name))
