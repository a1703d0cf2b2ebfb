"""Cards, headers of weights, and repos found by what cards say, with the command line alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from tests.compat.cli.conftest import CommandLine

README = """---
license: mit
library_name: transformers
pipeline_tag: text-classification
base_model: acme/bert
tags: [eu]
model-index: none
---
# Churn
"""


def test_what_a_card_and_weights_say(ada: CommandLine, tmp_path: Path) -> None:
    folder = tmp_path / "trained"
    folder.mkdir()
    tensors = {f"layer.{n}": np.zeros((8, n + 1), dtype=np.float32) for n in range(1200)}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "README.md").write_text(README)
    ada.record("repo", "create", "acme/carded")
    ada.record("upload", "acme/carded", folder)

    card = ada.record("card", "acme/carded")
    assert (card["license"], card["library"], card["base_models"]) == ("mit", "transformers", ["acme/bert"])
    shown = ada.run("card", "acme/carded").stdout
    total = 8 * sum(range(1, 1201))
    assert f"{total:,} ({total:,} F32)" in shown
    assert 'error: README.md:7: "model-index" must be an array' in shown

    header = ada.record("header", "acme/carded", "model.safetensors")
    assert header["total"] == total
    assert len(header["tensors"]) == 1200  # type: ignore[arg-type]
    assert header["metadata"] == {"format": "pt"}
    shown = ada.run("header", "acme/carded", "model.safetensors", "--revision", "main").stdout
    assert "and 1180 more; --tensors lists them all" in shown
    failed = ada.run("header", "acme/carded", "README.md", code=1)
    assert "*.safetensors" in failed.stderr

    for option in (
        ("--license", "mit"),
        ("--library", "transformers"),
        ("--pipeline-tag", "text-classification"),
        ("--base-model", "acme/bert"),
        ("--tag", "eu"),
    ):
        (found,) = ada.records("repo", "list", *option, "--sort", "downloads")
        assert found["full_name"] == "acme/carded"
    assert ada.records("repo", "list", "--license", "gpl-3.0") == []
