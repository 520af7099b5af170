"""fastText's word vectors, against the C++ library that makes them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from searchctl import Index, open_encoder
from searchctl.encoders.fasttext import BinaryFile, FastTextEncoder
from searchctl.errors import EncoderUnavailable

library: Any = pytest.importorskip("fasttext", reason="fasttext-wheel has no build for this Python")

UNSEEN = ["greenish", "чайник", "Ёлка", "日本語", "x", "naïveté", "<", "a" * 200]
TEXTS = ["green tea", "зелёный чай", "steel bridge over the river", "", "…"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of a few words, trained here by the library."""
    folder = tmp_path_factory.mktemp("fasttext")
    generator = random.Random(2)
    topics = (["green", "tea", "cup", "зелёный", "чай", "the"], ["steel", "bridge", "river", "мост", "река", "the"])
    lines = [" ".join(generator.choices(generator.choice(topics), k=8)) for _ in range(500)]
    (folder / "text.txt").write_text("\n".join(lines), encoding="utf-8")
    options = {"dim": 24, "minn": 2, "maxn": 4, "bucket": 500, "minCount": 1, "epoch": 5, "thread": 1, "verbose": 0}
    library.train_unsupervised(str(folder / "text.txt"), **options).save_model(str(folder / "words.bin"))
    return folder / "words.bin"


def text_file(trained: Path, path: Path) -> Path:
    model = library.load_model(str(trained))
    words = model.get_words()
    rows = [f"{word} " + " ".join(f"{number:.6g}" for number in model.get_word_vector(word)) for word in words]
    path.write_text(f"{len(words)} {model.get_dimension()}\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_vectors_of_known_unseen_and_cyrillic_words_are_the_librarys(trained: Path) -> None:
    theirs, ours = library.load_model(str(trained)), BinaryFile(trained)
    assert list(ours.words) == theirs.get_words() and ours.dim == 24
    for word in [*theirs.get_words(), *UNSEEN]:
        vector = ours.vector(word)
        assert vector is not None
        np.testing.assert_allclose(vector, theirs.get_word_vector(word), atol=1e-6)
    words, counts = theirs.get_words(include_freq=True)
    np.testing.assert_allclose(ours.shares, counts / counts.sum(), rtol=0.01)


def test_a_text_is_the_weighted_mean_of_its_words(trained: Path) -> None:
    theirs = library.load_model(str(trained))
    words, counts = theirs.get_words(include_freq=True)
    shares = dict(zip(words, BinaryFile(trained).shares, strict=True))

    def unit(vector: Any) -> Any:
        return vector / np.linalg.norm(vector)

    for name, weights in (
        (f"fasttext:{trained}", {word: 1e-3 / (1e-3 + shares[word]) for word in words}),
        (f"fasttext:{trained}?weights=uniform", dict.fromkeys(words, 1.0)),
    ):
        expected = unit(sum(weights[word] * unit(theirs.get_word_vector(word)) for word in ("the", "green", "tea")))
        np.testing.assert_allclose(open_encoder(name).encode_documents(["The green, TEA!"])[0], expected, atol=1e-6)


def test_text_files_give_the_same_vectors_but_for_unseen_words(trained: Path, tmp_path: Path) -> None:
    path = text_file(trained, tmp_path / "words.vec")
    by_text, by_bin = (open_encoder(f"fasttext:{file}?weights=uniform") for file in (path, trained))
    np.testing.assert_allclose(by_text.encode_documents(TEXTS[:1]), by_bin.encode_documents(TEXTS[:1]), atol=1e-4)
    assert by_text.encode_documents(["unseen", ""]).tolist() == [[1.0] + [0.0] * 23] * 2
    assert by_text.revision != by_bin.revision


def test_an_index_is_made_and_searched_with_one(trained: Path, tmp_path: Path) -> None:
    with Index.open(tmp_path, encoder=f"fasttext:{trained}") as index:
        index.ingest([{"id": "tea", "text": "cup"}, {"id": "bridge", "text": "река"}])
        assert index.search("чай", mode="vector")[0].id == "tea"
    with Index.open(tmp_path) as again:
        assert isinstance(again.encoder, FastTextEncoder)


def test_files_that_are_no_word_vectors_are_refused(trained: Path, tmp_path: Path) -> None:
    whole = trained.read_bytes()
    for content, message in (
        (b"", "can't read"),
        (whole[:100], "can't read"),
        (whole[:-5000], "can't read|ends early"),
        (b"word2vec" * 20, "isn't fastText's binary format"),
        (whole[:8] + b"\xff" * 200, "can't read"),
    ):
        (tmp_path / "some.bin").write_bytes(content)
        with pytest.raises(EncoderUnavailable, match=message):
            open_encoder(f"fasttext:{tmp_path / 'some.bin'}")
    for text, message in (
        ("2 3\na 1 2 3\n", "it has 1 words|long enough"),
        ("1 3\na 1 2\n", "can't read"),
        ("words\n", "first line"),
        ("1 2\na x y\n", "can't read"),
        ("99999999 300\na 1\n", "long enough"),
    ):
        (tmp_path / "some.vec").write_text(text)
        with pytest.raises(EncoderUnavailable, match=message):
            open_encoder(f"fasttext:{tmp_path / 'some.vec'}")


def test_quantised_models_and_other_names_are_refused_by_name(trained: Path, tmp_path: Path) -> None:
    for name in ("fasttext:model.ftz", "fasttext:", f"fasttext:{trained}?weights=none"):
        with pytest.raises(EncoderUnavailable, match=r"write fasttext:PATH .*quantised \.ftz"):
            open_encoder(name)
    with pytest.raises(EncoderUnavailable, match="No such file"):
        open_encoder(f"fasttext:{tmp_path / 'nowhere.bin'}")
    labelled = tmp_path / "labelled.txt"
    labelled.write_text("\n".join(f"__label__{n % 2} green tea {n % 2}" for n in range(50)))
    model = library.train_supervised(str(labelled), dim=8, bucket=400, minn=2, maxn=3, thread=1, verbose=0)
    model.save_model(str(tmp_path / "supervised.bin"))
    ours = BinaryFile(tmp_path / "supervised.bin")
    np.testing.assert_allclose(ours.vector("green"), model.get_word_vector("green"), atol=1e-6)
    model.quantize(str(labelled), qnorm=False, retrain=False, cutoff=0, verbose=0)
    model.save_model(str(tmp_path / "quantised.bin"))
    with pytest.raises(EncoderUnavailable, match=r"quantised \(\.ftz\)"):
        open_encoder(f"fasttext:{tmp_path / 'quantised.bin'}")
