"""What transformers does with a hub."""

import hashlib
import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import AutoConfig, AutoTokenizer, BertConfig, PreTrainedTokenizerFast

_WORDS = ["[UNK]", "[PAD]", "this", "model", "is", "tiny"]


def has_torch() -> bool:
    """Whether models can be made here."""
    try:
        import torch  # noqa: F401
    except ImportError:
        return False
    return True


def _config() -> BertConfig:
    return BertConfig(
        vocab_size=len(_WORDS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
    )


def _tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(_WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]", pad_token="[PAD]")


def push_tokenizer(repo: str) -> list[int]:
    """Pushes a tokenizer and a configuration; how the tokenizer reads a sentence."""
    tokenizer = _tokenizer()
    tokenizer.push_to_hub(repo)
    _config().push_to_hub(repo)
    return list(tokenizer("this model is tiny")["input_ids"])


def read_tokenizer(repo: str, **options: Any) -> dict[str, Any]:
    """How the tokenizer of a repo reads the sentence, and what kind of model goes with it."""
    tokenizer = AutoTokenizer.from_pretrained(repo, **options)
    config = AutoConfig.from_pretrained(repo, **options)
    return {"ids": list(tokenizer("this model is tiny")["input_ids"]), "hidden": config.hidden_size}


def _digest(model: Any) -> str:
    state = {name: tensor.tolist() for name, tensor in sorted(model.state_dict().items())}
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()


def push_model(repo: str, seed: int, folder: str) -> str:
    """Pushes a model with random weights; a digest of them."""
    import torch
    from transformers import BertModel

    torch.manual_seed(seed)
    model = BertModel(_config())
    model.push_to_hub(repo, commit_message=f"Seed {seed}")
    model.save_pretrained(Path(folder))
    return _digest(model)


def read_model(repo: str, **options: Any) -> str:
    """A digest of the weights that a repo has."""
    from transformers import AutoModel

    return _digest(AutoModel.from_pretrained(repo, **options))
