"""LFS pointer files, right and nearly right. What the client says of each is checked in tests/compat."""

from __future__ import annotations

from hypothesis import strategies as st

from modelkeep.domain.lfs import MAX_SIZE, Oid, Pointer

OID = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"

POINTERS = st.builds(
    Pointer,
    st.text("0123456789abcdef", min_size=64, max_size=64).map(Oid),
    st.integers(0, MAX_SIZE) | st.integers(0, 2000),
)

_V = b"version https://git-lfs.github.com/spec/v1\n"
_O = f"oid sha256:{OID}\n".encode()
_S = b"size 12345\n"
_E0 = b"ext-0-foo sha256:" + b"1" * 64 + b"\n"
_E1 = b"ext-1-bar sha256:" + b"2" * 64 + b"\n"

SAMPLES: list[tuple[bytes, int | None]] = [
    (_V + _O + _S, 12345),
    (_V + _O + b"size 0\n", 0),
    ((_V + _O + _S).rstrip(b"\n"), 12345),
    (_V + _O + _S + b"\n\n", 12345),
    (b"\n" + _V + _O + _S, 12345),
    (b"  " + _V + _O + _S + b" \t ", 12345),
    ((_V + _O + _S).replace(b"\n", b"\r\n"), 12345),
    (b"version https://hawser.github.com/spec/v1\n" + _O + _S, 12345),
    (b"version http://git-media.io/v/2\n" + _O + _S, 12345),
    (_V + _E0 + _O + _S, 12345),
    (_V + _E0 + _E1 + _O + _S, 12345),
    (b"", None),
    (b"\n", None),
    (_V, None),
    (_V + _O, None),
    (_V + _S, None),
    (_O + _S, None),
    (_V + _S + _O, None),
    (_O + _S + _V, None),
    (_V + _O + _S + b"more 1\n", None),
    (_V + _O + _O + _S, None),
    (_V + _O + _S + _S, None),
    (_V + _O + b"size -1\n", None),
    (_V + _O + b"size 1.5\n", None),
    (_V + _O + b"size abc\n", None),
    (_V + _O + b"size\n", None),
    (_V + b"oid sha1:" + OID.encode() + b"\n" + _S, None),
    (_V + b"oid " + OID.encode() + b"\n" + _S, None),
    (_V + b"oid sha256:" + OID[:63].encode() + b"\n" + _S, None),
    (b"version https://git-lfs.github.com/spec/v2\n" + _O + _S, None),
    (b"Version https://git-lfs.github.com/spec/v1\n" + _O + _S, None),
    (_V + _O + _S + b"x" * 1024, None),
    (_V + b"\n" + _O + b"\r\n" + _S, 12345),
    (_V + _O + b"size +12345\n", 12345),
    (_V + _O + b"size 012345\n", 12345),
    (_E0 + _V + _O + _S, 12345),
    (_V + _O + _E0 + _S, 12345),
    (_V + _O + _S + _E0, None),
    (_V + b"ext-x-foo sha256:" + b"1" * 64 + b"\n" + _O + _S, None),
    (_V + b" " + _O + _S, None),
    (_V + _O + b"size 12345 x\n", None),
    (b"# a model\n" + _V + _O + _S, None),
]
