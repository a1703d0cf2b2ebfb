"""Where repos are: ``/acme/churn``, and of datasets ``/datasets/acme/churn``, each with or without ``.git``."""

from __future__ import annotations

from collections.abc import Mapping

from modelkeep.api.http.raw_path import segment

REPO_PATHS = ("/{namespace}/{repo}", "/datasets/{dataset_namespace}/{repo}")
"""What the routes of a repo begin with."""


def repo_of(parameters: Mapping[str, str]) -> tuple[str, str]:
    """The namespace, as services take it, and the name of the repo that a path names, ``.git`` taken off."""
    name = segment(parameters["repo"]).removesuffix(".git")
    if "dataset_namespace" in parameters:
        return f"datasets/{segment(parameters['dataset_namespace'])}", name
    return segment(parameters["namespace"]), name
