"""navec's files, written here by their description; and what of other word vectors is refused."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from searchctl import Index, open_encoder
from searchctl.encoders.navec import NavecFile
from searchctl.errors import EncoderUnavailable

WORDS = {"чай": 500, "зелёный": 40, "мост": 30, "стальной": 20, "и": 9000, "<unk>": 0, "<pad>": 0}
PIECES = np.random.default_rng(4).normal(size=(6, 16, 2)).astype("<f4")  # parts, centroids, numbers of a part
CHOICES = np.random.default_rng(5).integers(0, 16, (len(WORDS), 6)).astype(np.uint8)


def save_navec(path: Path, **changed: bytes) -> Path:
    head = np.array([len(WORDS), 12, 6, 16], "<u4").tobytes()
    counts = np.array([len(WORDS), *WORDS.values()], "<u4").tobytes()
    parts = {
        "meta.json": json.dumps({"id": "test", "protocol": 1}).encode(),
        "vocab.bin": gzip.compress(counts + "\n".join(WORDS).encode()),
        "pq.bin": head + CHOICES.tobytes() + PIECES.tobytes(),
    } | {name.replace("_", "."): data for name, data in changed.items()}
    with tarfile.open(path, "w") as archive:
        for name, data in parts.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


def vector_of(word: str) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    row = list(WORDS).index(word)
    return np.concatenate([PIECES[part, CHOICES[row, part]] for part in range(6)])


def test_a_words_vector_is_put_together_of_its_pieces(tmp_path: Path) -> None:
    file = NavecFile(save_navec(tmp_path / "words.tar"))
    assert file.dim == 12 and set(file.words) == set(WORDS) - {"<unk>", "<pad>"}
    for word in file.words:
        np.testing.assert_array_equal(file.vector(word), vector_of(word))
    assert file.vector("steel") is None and file.vector("<pad>") is None


def test_frequent_words_count_less_by_the_files_own_counts(tmp_path: Path) -> None:
    encoder = open_encoder(f"navec:{save_navec(tmp_path / 'words.tar')}")
    expected = np.zeros(12)
    for word in ("чай", "и"):
        share = WORDS[word] / sum(WORDS.values())
        expected += vector_of(word) / np.linalg.norm(vector_of(word)) * 1e-3 / (1e-3 + share)
    np.testing.assert_allclose(
        encoder.encode_documents(["Чай и steel"])[0], expected / np.linalg.norm(expected), atol=1e-6
    )


def test_an_index_is_made_and_searched_by_its_catalogue_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEARCHCTL_MODELS", str(tmp_path / "models"))
    (tmp_path / "models" / "navec-news").mkdir(parents=True)
    save_navec(tmp_path / "models" / "navec-news" / "navec_news_v1_1B_250K_300d_100q.tar")
    with Index.open(tmp_path / "engine", encoder="navec-news") as index:
        index.ingest([{"id": "tea", "text": "зелёный чай"}, {"id": "bridge", "text": "стальной мост"}])
        assert index.search("чай", mode="vector")[0].id == "tea"
        assert index.schema.encoder is not None and index.schema.encoder.name == "navec-news"


@pytest.mark.parametrize(
    "changed",
    [
        {"meta_json": b'{"protocol": 2}'},
        {"meta_json": b"[]"},
        {"vocab_bin": b"not gzip"},
        {"vocab_bin": gzip.compress(b"\xff\xff\xff\xff")},
        {"vocab_bin": gzip.compress(b"")},
        {"pq_bin": b"short"},
        {"pq_bin": np.array([7, 12, 6, 9999], "<u4").tobytes()},
        {"pq_bin": np.array([7, 12, 0, 16], "<u4").tobytes()},
        {"pq_bin": np.array([4_000_000_000, 12, 6, 16], "<u4").tobytes()},
    ],
)
def test_damaged_files_are_refused(changed: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(EncoderUnavailable, match="can't read word vectors"):
        open_encoder(f"navec:{save_navec(tmp_path / 'words.tar', **changed)}")


def test_gensims_pickles_are_refused_with_the_way_to_convert_them(tmp_path: Path) -> None:
    with pytest.raises(
        EncoderUnavailable, match=r"KeyedVectors\.load\('words\.kv'\)\.save_word2vec_format\('words\.vec'\)"
    ):
        open_encoder(f"fasttext:{tmp_path / 'words.kv'}")
    with pytest.raises(EncoderUnavailable, match=r"\.ftz files aren't read"):
        open_encoder(f"fasttext:{tmp_path / 'words.ftz'}")
