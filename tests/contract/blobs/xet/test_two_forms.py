"""One blob, two forms: nobody who reads, lists or removes blobs can tell which one it is."""

from __future__ import annotations

import hashlib
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelkeep.blobs.ports import BlobInfo
from modelkeep.blobs.store import BlobStore
from modelkeep.blobs.xet.recipes import Recipe, RecipeStore, Term
from modelkeep.blobs.xet.xorb_format import MAX_CHUNK_BYTES
from modelkeep.domain.errors import InvalidInput, NotFound, Unavailable
from tests.support.xorbs import put_file, put_xorb, some_chunks


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def store(root: Path) -> BlobStore:
    return BlobStore.open(root)


def put_whole(store: BlobStore, data: bytes) -> str:
    writer = store.begin()
    writer.write(data)
    return writer.commit().oid


def read_all(
    store: BlobStore, oid: str, start: int = 0, stop: int | None = None, limit: int = 1 << 20
) -> bytes:
    got = []
    with store.open_range(oid, start, stop) as reader:
        while data := reader.read(limit):
            assert len(data) <= limit
            got.append(data)
    return b"".join(got)


class Sample:
    """A file of five terms out of two xorbs, one of them used twice."""

    def __init__(self, root: Path) -> None:
        self.store = BlobStore.open(root)
        first, second = some_chunks(2, 30), some_chunks(3, 9, most=MAX_CHUNK_BYTES)
        one, two = put_xorb(self.store, first), put_xorb(self.store, second)
        self.recipe = put_file(
            self.store, [(one, 3, 20), (two, 0, 9), (one, 0, 1), (one, 29, 30), (one, 3, 20)]
        )
        chunks = [*first[3:20], *second, first[0], first[29], *first[3:20]]
        self.data = b"".join(chunks)
        self.edges = [0]
        for chunk in chunks:
            self.edges.append(self.edges[-1] + len(chunk))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return Sample(tmp_path_factory.mktemp("sample"))


def test_it_is_the_same_blob(sample: Sample) -> None:
    store, oid = sample.store, hashlib.sha256(sample.data).hexdigest()
    assert sample.recipe.oid == oid
    assert store.form(oid) == "xorbs"
    assert store.stat(oid) == BlobInfo(oid, len(sample.data))
    assert store.path(oid) is None
    assert list(store.iter_oids()) == [oid]
    assert read_all(store, oid) == sample.data


def test_ranges_at_every_edge_of_a_chunk_equal_the_whole(sample: Sample) -> None:
    edges = sorted({edge + step for edge in sample.edges for step in (-1, 0, 1)})
    for at, start in enumerate(edges):
        for stop in (edges[(at + 1) % len(edges)], edges[(at * 7 + 3) % len(edges)], start + 1):
            expected = sample.data[max(start, 0) : max(stop, 0)]
            assert read_all(sample.store, sample.recipe.oid, start, stop) == expected


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_range_reads_like_a_slice(sample: Sample, data: st.DataObject) -> None:
    size = len(sample.data)
    start = data.draw(st.integers(-10, size + 10))
    stop = data.draw(st.none() | st.integers(-10, size + 10))
    limit = data.draw(st.integers(500, 2 << 20))
    expected = sample.data[max(start, 0) : size if stop is None else max(stop, 0)]
    assert read_all(sample.store, sample.recipe.oid, start, stop, limit) == expected


def test_small_reads_and_a_closed_reader(sample: Sample) -> None:
    reader = sample.store.open_range(sample.recipe.oid, 100)
    assert b"".join(reader.read(number % 5) for number in range(2000)) == sample.data[100:4100]
    assert reader.read(0) == b""
    reader.close()
    reader.close()
    with pytest.raises(ValueError, match="closed"):
        reader.read()


def test_memory_is_that_of_a_few_chunks(store: BlobStore) -> None:
    chunks = [bytes(MAX_CHUNK_BYTES)] * 200  # 25 MiB that pack to nearly nothing
    recipe = put_file(store, [(put_xorb(store, chunks, scheme=1), 0, 200)] * 4)
    tracemalloc.start()
    try:
        with store.open_range(recipe.oid) as reader:
            while reader.read(1 << 19):
                pass
        assert tracemalloc.get_traced_memory()[1] < 3 << 20
    finally:
        tracemalloc.stop()


def test_the_empty_file(store: BlobStore) -> None:
    recipe = put_file(store, [])
    assert store.stat(recipe.oid) == BlobInfo(recipe.oid, 0)
    assert read_all(store, recipe.oid) == b""


def test_where_a_blob_has_both_forms_it_is_read_from_its_file(store: BlobStore) -> None:
    recipe = put_file(store, [(put_xorb(store, [b"abc", b"defg"]), 0, 2)])
    assert not store.delete_whole(recipe.oid)
    (other := BlobStore.open(store.recipes.path(recipe.oid).parents[3] / "other")).check()
    oid = put_whole(other, b"abcdefg")
    assert oid == recipe.oid
    assert not other.delete_whole(oid)
    other.recipes.put(recipe)
    assert other.form(oid) == "whole"
    assert other.path(oid) is not None
    assert list(other.iter_oids()) == [oid]
    assert other.delete_whole(oid)
    assert other.form(oid) == "xorbs"
    assert not other.delete_whole(oid)


def test_sending_whole_what_is_there_as_chunks_stores_nothing(store: BlobStore) -> None:
    recipe = put_file(store, [(put_xorb(store, [b"abc", b"defg"]), 0, 2)])
    writer = store.begin(recipe.oid, 7)
    writer.write(b"abcdefg")
    assert writer.commit() == BlobInfo(recipe.oid, 7)
    assert store.path(recipe.oid) is None
    writer = store.begin(recipe.oid, 7)
    writer.write(b"abcdefX")
    with pytest.raises(InvalidInput) as caught:
        writer.commit()
    assert caught.value.code == "oid_mismatch"
    writer = store.begin(recipe.oid, 7)
    writer.write(b"abcdefg")
    store.delete(recipe.oid)
    with pytest.raises(Unavailable) as gone:
        writer.commit()
    assert gone.value.code == "blob_removed"


def test_delete_takes_both_forms_and_no_xorb(store: BlobStore) -> None:
    index = put_xorb(store, [b"abc"])
    recipe = put_file(store, [(index, 0, 1)])
    assert read_all(store, recipe.oid) == b"abc"
    assert store.delete(recipe.oid)
    assert not store.delete(recipe.oid)
    assert (store.form(recipe.oid), store.stat(recipe.oid)) == (None, None)
    with pytest.raises(NotFound):
        store.open_range(recipe.oid)
    assert list(store.xorbs.iter_hashes()) == [index.hash]


@pytest.mark.parametrize("oid", ["", "a" * 63, "A" * 64, "../" + "a" * 61])
def test_malformed_oids_are_refused(store: BlobStore, oid: str) -> None:
    for call in (store.stat, store.path, store.form, store.open_range, store.delete, store.delete_whole):
        with pytest.raises(InvalidInput):
            call(oid)


def test_a_lost_xorb_is_named(store: BlobStore, root: Path) -> None:
    first, second = put_xorb(store, [b"abc"]), put_xorb(store, [b"defg"])
    recipe = put_file(store, [(first, 0, 1), (second, 0, 1)])
    store.xorbs.delete(second.hash)
    assert read_all(store, recipe.oid, 0, 3) == b"abc"
    with pytest.raises(Unavailable) as caught:
        read_all(store, recipe.oid)
    assert caught.value.code == "blob_damaged"
    assert caught.value.fields["xorb"] == second.hash
    assert str(root) not in caught.value.message


@pytest.mark.parametrize("term", [(0, 3, 7), (1, 1, 7), (0, 2, 6), (2, 1, 7)])
def test_a_recipe_that_does_not_fit_its_xorb_is_not_followed(
    store: BlobStore, term: tuple[int, int, int]
) -> None:
    index = put_xorb(store, [b"abc", b"defg"])
    first, stop, length = term
    recipe = Recipe("a" * 64, length, index.hash, (Term(index.hash, first, stop, length),))
    store.recipes.put(recipe)
    with pytest.raises(Unavailable) as caught:
        read_all(store, recipe.oid)
    assert caught.value.code == "blob_damaged"


def test_a_recipe_must_have_its_size(sample: Sample) -> None:
    with pytest.raises(ValueError, match="length"):
        sample.store.recipes.put(replace(sample.recipe, size=len(sample.data) + 1))


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 10**6), bit=st.integers(0, 7), cut=st.none() | st.integers(0, 10**6))
def test_a_recipe_that_decays_is_not_read(
    tmp_path_factory: pytest.TempPathFactory, sample: Sample, at: int, bit: int, cut: int | None
) -> None:
    recipes = RecipeStore(tmp_path_factory.getbasetemp() / "decayed")
    recipes.put(sample.recipe)
    assert recipes.get(sample.recipe.oid) == sample.recipe
    path = recipes.path(sample.recipe.oid)
    data = bytearray(path.read_bytes())
    data[at % len(data)] ^= 1 << bit
    path.unlink()
    path.write_bytes(data if cut is None else data[: cut % len(data)])
    with pytest.raises(Unavailable) as caught:
        recipes.get(sample.recipe.oid)
    assert caught.value.code == "blob_damaged"


def test_a_recipe_in_the_place_of_another_is_not_read(sample: Sample, tmp_path: Path) -> None:
    recipes = RecipeStore(tmp_path / "recipes")
    recipes.put(sample.recipe)
    other = recipes.path("a" * 64)
    other.parent.mkdir(parents=True, exist_ok=True)
    recipes.path(sample.recipe.oid).rename(other)
    with pytest.raises(Unavailable):
        recipes.get("a" * 64)


def test_recipes_are_replaced_listed_and_swept(store: BlobStore, root: Path) -> None:
    first, second = put_xorb(store, [b"abc", b"defg"]), put_xorb(store, [b"abcdefg"])
    recipe = put_file(store, [(first, 0, 2)])
    assert read_all(store, recipe.oid) == b"abcdefg"
    again = put_file(store, [(second, 0, 1)])
    assert again.oid == recipe.oid
    assert store.recipes.get(again.oid) == again
    (root / "recipes" / "tmp" / "left-behind").write_bytes(b"x")
    (root / "recipes" / again.oid[:2] / "notes.txt").write_bytes(b"x")
    assert list(store.iter_oids()) == [again.oid]
    assert store.sweep_temporary(older_than=3600) == 0
    assert store.sweep_temporary() == 1


def test_oids_of_both_forms_come_in_order(store: BlobStore) -> None:
    oids = [put_whole(store, bytes([number])) for number in range(12)]
    oids += [put_file(store, [(put_xorb(store, [bytes([number, 1])]), 0, 1)]).oid for number in range(12)]
    assert list(store.iter_oids()) == sorted(oids)


def test_check_looks_at_both_folders(store: BlobStore, root: Path) -> None:
    store.check()
    (root / "xorbs" / "tmp").rmdir()
    with pytest.raises(Unavailable) as caught:
        store.check()
    assert str(root) not in caught.value.message


def test_a_recipe_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    """As when a xorb was lost and the file sent again, whoever had read it before."""
    store = BlobStore.open(tmp_path / "blobs")
    chunks = some_chunks(5, 6)
    lost = put_xorb(store, chunks)
    recipe = put_file(store, [(lost, 0, 6)])
    assert store.recipe(recipe.oid) == recipe
    store.xorbs.delete(lost.hash)
    with pytest.raises(Unavailable), store.open_range(recipe.oid) as reader:
        reader.read()
    halves = put_xorb(store, chunks[:3]), put_xorb(store, chunks[3:])
    again = put_file(store, [(half, 0, 3) for half in halves])
    assert again.oid == recipe.oid
    with store.open_range(recipe.oid) as reader:
        assert b"".join(iter(reader.read, b"")) == b"".join(chunks)
    assert store.recipe(recipe.oid) == again
    store.recipes.delete(recipe.oid)
    assert store.recipe(recipe.oid) is None
