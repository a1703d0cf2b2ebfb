"""Headers of real files, made by the formats' own packages, and of broken ones."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save

from modelkeep.domain.errors import InvalidInput
from modelkeep.domain.file_headers import FileHeader, format_of
from modelkeep.services.gguf_headers import read_gguf
from modelkeep.services.header_cursors import BytesSource, Cursor
from modelkeep.services.header_reading import _packed, _unpacked
from modelkeep.services.onnx_headers import read_onnx
from modelkeep.services.safetensors_headers import read_safetensors, safetensors_json

READERS = [read_safetensors, read_gguf, read_onnx]


class CountingSource(BytesSource):
    """Counts the bytes that are read."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.count = 0

    def read(self, start: int, length: int) -> bytes:
        found = super().read(start, length)
        self.count += len(found)
        return found


def safetensors_file() -> bytes:
    tensors: dict[str, Any] = {
        "embed.weight": np.zeros((100, 16), dtype=np.float32),
        "head.bias": np.ones(4, dtype=np.float16),
        "step": np.array(3, dtype=np.int64),
    }
    return bytes(save(tensors, metadata={"format": "pt", "who": "ada"}))


def onnx_model(weights: int = 64, **options: Any) -> onnx.ModelProto:
    """Two inputs, a matrix product and a constant; ``weights`` columns of weights."""
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["h"], name="first"),
            helper.make_node("Relu", ["h"], ["r"]),
            helper.make_node("Add", ["r", "b"], ["y"]),
            helper.make_node("Inverse", ["y"], ["z"], domain="com.microsoft"),
        ],
        "churn",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 8]),
            helper.make_tensor_value_info("w", TensorProto.FLOAT, [8, weights]),
            helper.make_tensor_value_info("id", TensorProto.INT64, [None]),
        ],
        [
            helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", weights]),
            helper.make_tensor_sequence_value_info("s", TensorProto.FLOAT16, None),
            helper.make_value_info(
                "m",
                helper.make_map_type_proto(
                    TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.DOUBLE, [])
                ),
            ),
            helper.make_value_info(
                "o", helper.make_optional_type_proto(helper.make_tensor_type_proto(TensorProto.BOOL, [1]))
            ),
        ],
        [
            numpy_helper.from_array(np.zeros((8, weights), dtype=np.float32), "w"),
            helper.make_tensor("b", TensorProto.FLOAT, [3], [1.0, 2.0, 3.0]),
        ],
    )
    model = helper.make_model(graph, producer_name="modelkeep", opset_imports=[helper.make_opsetid("", 17)])
    model.doc_string = "who leaves"
    helper.set_model_props(model, {"author": "ada"})
    return model


def gguf_text(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def gguf_file(order: str = "<", version: int = 3) -> bytes:
    """A GGUF file, written by its specification (no package writes it here)."""

    def text(value: str) -> bytes:
        return struct.pack(f"{order}Q", len(value.encode())) + value.encode()

    def pair(key: str, kind: int, value: bytes) -> bytes:
        return text(key) + struct.pack(f"{order}I", kind) + value

    pairs = [
        pair("general.architecture", 8, text("llama")),
        pair("llama.context_length", 4, struct.pack(f"{order}I", 4096)),
        pair("llama.rope.freq_base", 6, struct.pack(f"{order}f", 0.5)),
        pair("nan", 12, struct.pack(f"{order}d", math.nan)),
        pair("general.quantized", 7, b"\x01"),
        pair("big", 10, struct.pack(f"{order}Q", 1 << 63)),
        pair("small", 11, struct.pack(f"{order}q", -5)),
        pair(
            "tokenizer.ggml.tokens",
            9,
            struct.pack(f"{order}IQ", 8, 1000) + b"".join(text(f"t{n}") for n in range(1000)),
        ),
        pair("tokenizer.ggml.scores", 9, struct.pack(f"{order}IQ", 6, 1000) + bytes(4000)),
        pair("few", 9, struct.pack(f"{order}IQ", 4, 3) + struct.pack(f"{order}3I", 1, 2, 3)),
        pair(
            "nested",
            9,
            struct.pack(f"{order}IQ", 9, 1) + struct.pack(f"{order}IQ", 8, 2) + text("a") + text("b"),
        ),
    ]
    tensors = [
        text("token_embd.weight") + struct.pack(f"{order}IQQIQ", 2, 64, 100, 8, 0),
        text("output_norm.weight") + struct.pack(f"{order}IQIQ", 1, 64, 0, 6800),
    ]
    head = b"GGUF" + struct.pack(f"{order}IQQ", version, len(tensors), len(pairs))
    return head + b"".join(pairs) + b"".join(tensors) + bytes(8000)


def read_fails(reader: Any, data: bytes) -> str:
    with pytest.raises(InvalidInput) as caught:
        reader(BytesSource(data))
    assert caught.value.code == "unreadable_header"
    return caught.value.message


def test_safetensors_say_what_the_package_wrote() -> None:
    data = safetensors_file()
    header = read_safetensors(BytesSource(data))
    assert header.metadata == {"format": "pt", "who": "ada"}
    assert header.parameters == {"F32": 1600, "F16": 4, "I64": 1}
    assert list(header.parameters) == ["F32", "F16", "I64"]
    assert header.total == 1605
    found = {tensor.name: (tensor.dtype, tensor.shape) for tensor in header.tensors}
    assert found == {"embed.weight": ("F32", (100, 16)), "head.bias": ("F16", (4,)), "step": ("I64", ())}
    length = int.from_bytes(data[:8], "little")
    assert safetensors_json(header) == json.loads(data[8 : 8 + length])


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 9]}}, "as many bytes"),
        ({"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]}}, "within the file"),
        ({"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}}, "within the file"),
        ({"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}}, "no shape"),
        ({"a": {"dtype": "F32", "shape": [True, 2], "data_offsets": [0, 8]}}, "no shape"),
        ({"a": {"dtype": "F32", "shape": [1] * 100, "data_offsets": [0, 4]}}, "no shape"),
        ({"a": {"dtype": 3, "shape": [2], "data_offsets": [0, 8]}}, "no dtype"),
        ({"a": {"dtype": "X9", "shape": [1 << 62], "data_offsets": [0, 8]}}, "as many bytes"),
        ({"a": 5}, "no description"),
        ({"__metadata__": {"a": 5}}, "no mapping of texts"),
        ([], "no JSON"),
    ],
)
def test_safetensors_that_lie_are_refused(header: Any, words: str) -> None:
    text = json.dumps(header).encode()
    assert words in read_fails(read_safetensors, struct.pack("<Q", len(text)) + text + bytes(10))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x02\0\0",
        struct.pack("<Q", 1 << 63) + b"{}",
        struct.pack("<Q", 2) + b"{",
        struct.pack("<Q", 9) + b'{"a": {]}',
        struct.pack("<Q", 14) + b'{"a":1,"a":2} ',
        struct.pack("<Q", 200_000) + b'{"a":' + b"[" * 199_995,
        struct.pack("<Q", 1_200_005) + b'{"a":' + b"{}," * 400_000,
        struct.pack("<Q", 17 << 20) + b"{" + bytes(17 << 20),
        struct.pack("<Q", 51) + b'{"\\ud800":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}' + bytes(9),
        struct.pack("<Q", 10_005) + b'{"a":' + b"9" * 10_000,
    ],
)
def test_broken_safetensors_are_refused(data: bytes) -> None:
    read_fails(read_safetensors, data)


def test_onnx_models_show_their_graph() -> None:
    header = read_onnx(BytesSource(onnx_model().SerializeToString()))
    assert [(value.name, value.type, value.shape) for value in header.inputs] == [
        ("x", "tensor(float)", ("batch", 8)),
        ("id", "tensor(int64)", (None,)),
    ]
    assert [(value.name, value.type, value.shape) for value in header.outputs] == [
        ("y", "tensor(float)", ("batch", 64)),
        ("s", "seq(tensor(float16))", None),
        ("m", "map(string,tensor(double))", None),
        ("o", "optional(tensor(bool))", None),
    ]
    assert header.parameters == {"float": 8 * 64 + 3}
    assert header.metadata["producer_name"] == "modelkeep"
    assert header.metadata["graph"] == "churn"
    assert header.metadata["description"] == "who leaves"
    assert header.metadata["opsets"] == {"ai.onnx": 17}
    assert header.metadata["nodes"] == 4
    operators = {"MatMul": 1, "Relu": 1, "Add": 1, "com.microsoft::Inverse": 1}
    assert header.metadata["operators"] == operators
    assert header.metadata["properties"] == {"author": "ada"}


def test_onnx_weights_are_skipped() -> None:
    data = onnx_model(weights=1 << 20).SerializeToString()
    assert len(data) > 32 << 20
    source = CountingSource(data)
    assert read_onnx(source).total == (8 << 20) + 3
    assert source.count < 100_000


def test_onnx_types_are_named_as_the_package_names_them() -> None:
    for name, number in TensorProto.DataType.items():
        value = helper.make_tensor_value_info("x", number, [1])
        model = helper.make_model(helper.make_graph([], "g", [value], []))
        header = read_onnx(BytesSource(model.SerializeToString()))
        assert header.inputs[0].type == f"tensor({name.lower()})"


def test_external_weights_count() -> None:
    tensor = TensorProto(name="w", data_type=TensorProto.BFLOAT16, dims=[1000, 1000])
    tensor.data_location = TensorProto.EXTERNAL
    model = helper.make_model(helper.make_graph([], "g", [], [], [tensor]))
    assert read_onnx(BytesSource(model.SerializeToString())).parameters == {"bfloat16": 1_000_000}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no graph"),
        (b"\x08\x07", "no graph"),
        (b"\x3a\xff\xff\xff\xff\x0f", "no Protocol Buffers"),
        (b"\x3a\x05\x0a", "no Protocol Buffers"),
        (b"\x3b", "no Protocol Buffers"),
        (b"\x00\x00", "no Protocol Buffers"),
        (b"\xff" * 20, "too long"),
        (b"\x3a\x80\x80", "ends too early"),
    ],
)
def test_broken_onnx_is_refused(data: bytes, words: str) -> None:
    assert words in read_fails(read_onnx, data)


def test_onnx_with_too_much_is_refused() -> None:
    tensor = TensorProto(name="w", data_type=1, dims=[1 << 40, 1 << 40])
    model = helper.make_model(helper.make_graph([], "g", [], [], [tensor]))
    assert "more numbers" in read_fails(read_onnx, model.SerializeToString())
    tensor = TensorProto(name="w", data_type=1, dims=[1] * 65)
    model = helper.make_model(helper.make_graph([], "g", [], [], [tensor]))
    assert "dimensions" in read_fails(read_onnx, model.SerializeToString())
    graph = b"\x0a\x00" * 700_000
    length = len(graph)
    prefix = bytes(
        [0x3A, length & 0x7F | 0x80, length >> 7 & 0x7F | 0x80, length >> 14 & 0x7F | 0x80, length >> 21]
    )
    assert "fields" in read_fails(read_onnx, prefix + graph)


@pytest.mark.parametrize(("order", "version"), [("<", 3), ("<", 2), (">", 3)])
def test_gguf_says_what_was_written(order: str, version: int) -> None:
    source = CountingSource(gguf_file(order, version))
    header = read_gguf(source)
    assert header.metadata == {
        "general.architecture": "llama",
        "llama.context_length": 4096,
        "llama.rope.freq_base": 0.5,
        "nan": "nan",
        "general.quantized": True,
        "big": 1 << 63,
        "small": -5,
        "tokenizer.ggml.tokens": {"type": "string", "length": 1000},
        "tokenizer.ggml.scores": {"type": "float32", "length": 1000},
        "few": [1, 2, 3],
        "nested": [["a", "b"]],
    }
    assert [(t.name, t.dtype, t.shape) for t in header.tensors] == [
        ("token_embd.weight", "Q8_0", (64, 100)),
        ("output_norm.weight", "F32", (64,)),
    ]
    assert header.parameters == {"Q8_0": 6400, "F32": 64}


def _gguf(tensors: int, pairs: int, rest: bytes = b"") -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, pairs) + rest


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "too early"),
        (b"GGML" + bytes(100), "begin with GGUF"),
        (b"GGUF" + struct.pack("<I", 1) + bytes(100), "version 1"),
        (_gguf(1 << 63, 0), "tensors"),
        (_gguf(0, 1 << 63), "keys"),
        (_gguf(0, 1, gguf_text("k") + struct.pack("<I", 77)), "unknown type"),
        (_gguf(0, 1, struct.pack("<Q", 1 << 62)), "longer than"),
        (_gguf(0, 1, gguf_text("k") + struct.pack("<IIQ", 9, 8, 1 << 40)), "texts"),
        (_gguf(0, 1, gguf_text("k") + struct.pack("<IIQ", 9, 10, 1 << 61)), "too early"),
        (_gguf(0, 1, gguf_text("k") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 6), "deeper"),
        (_gguf(1, 0, gguf_text("t") + struct.pack("<I", 9)), "dimensions"),
        (
            _gguf(1, 0, gguf_text("t") + struct.pack("<IQQIQ", 2, 1 << 40, 1 << 40, 0, 0)),
            "than the file has bits",
        ),
    ],
)
def test_broken_gguf_is_refused(data: bytes, words: str) -> None:
    assert words in read_fails(read_gguf, data)


@pytest.mark.parametrize("reader", READERS)
@given(data=st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(reader: Any, data: bytes) -> None:
    for prefix in (b"", b"GGUF\x03\0\0\0", b"\x3a\x40"):
        _read_or_refuse(reader, prefix + data)


_FILES = [
    (read_safetensors, safetensors_file()),
    (read_gguf, gguf_file()),
    (read_onnx, onnx_model().SerializeToString()),
]


@settings(max_examples=300)
@given(st.data())
def test_damaged_files_are_read_or_refused(data: st.DataObject) -> None:
    reader, whole = data.draw(st.sampled_from(_FILES))
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, min(len(damaged), 3000) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    _read_or_refuse(reader, bytes(damaged[: data.draw(st.integers(0, len(damaged)))]))


def _read_or_refuse(reader: Any, data: bytes) -> None:
    try:
        found = reader(BytesSource(data))
    except InvalidInput:
        return
    assert isinstance(found, FileHeader)
    json.dumps(found.metadata, allow_nan=False)
    assert found.total >= 0


@pytest.mark.parametrize(("reader", "data"), _FILES)
def test_what_is_remembered_is_what_was_read(reader: Any, data: bytes) -> None:
    header = reader(BytesSource(data))
    packed = _packed(header)
    assert packed is not None
    assert _unpacked(packed) == header
    assert _unpacked(b"x") is None
    assert _unpacked(packed[:20]) is None


def test_formats_go_by_the_names_of_files() -> None:
    assert [format_of(p) for p in ("a/m.safetensors", "M.GGUF", "m.onnx")] == ["safetensors", "gguf", "onnx"]
    assert [format_of(p) for p in ("m.pkl", "onnx", "a.onnx/b", "model.safetensors.index.json")] == [None] * 4


def test_a_cursor_reads_no_more_than_it_must() -> None:
    source = CountingSource(bytes(1 << 20))
    cursor = Cursor(source)
    for _ in range(3):
        assert cursor.take(1) == b"\0"
        cursor.skip(200_000)
    assert source.count <= 5 * 8192
    with pytest.raises(InvalidInput):
        cursor.take(1 << 20)
