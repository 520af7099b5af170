"""The catalogue is data that others rely on: complete, of known kinds, and told apart by name."""

from __future__ import annotations

import re

import pytest

from searchctl.encoders.settings import POOLINGS
from searchctl.models.catalogue import KnownModel, bm25_scores, known_model, known_models, sources

ARTICLE = """bert-base-multilingual-cased rubert-base-cased rubert-base-cased-sentence ruRoberta-large sbert_large_nlu_ru
sbert_large_mt_nlu_ru rubert-tiny2 LaBSE LaBSE-en-ru rut5-base-multitask FRIDA multilingual-e5-small multilingual-e5-base
multilingual-e5-large bge-m3 USER-base USER-bge-m3 USER2-base MUSE-3 LASER2 navec-hudlit navec-news fasttext-ru
potion-multilingual-128M""".split()
each_model = pytest.mark.parametrize("model", known_models().values(), ids=lambda model: model.name)


@each_model
def test_a_model_says_all_that_is_needed_to_use_it(model: KnownModel) -> None:
    assert model.family in ("shipped", "transformers", "static", "muse", "laser", "words")
    assert model.dim > 0 and model.max_tokens > 0 and model.megabytes > 0 and model.licence
    assert all(re.fullmatch(r"[a-z]{2}|[1-9]\d+", language) for language in model.languages) and model.languages
    assert model.files or model.family in ("shipped", "muse")
    assert model.hub or model.urls or model.family in ("shipped", "muse")
    assert all(url.startswith("https://") for url in model.urls)
    if model.family == "transformers":
        assert model.pooling in (*POOLINGS, "")


@each_model
def test_scores_are_of_the_units_that_their_source_says(model: KnownModel) -> None:
    assert all(0 < score < 1 for task, score in model.encodechka.items() if task != "ms")
    assert all(0 < score < 100 for score in model.rumteb.values())


@each_model
def test_a_mean_that_is_published_is_that_of_its_tasks(model: KnownModel) -> None:
    if model.encodechka:
        tasks = [model.encodechka[task] for task in ("sts", "pi", "nli", "sa", "ti", "ia", "ic", "icx")]
        assert model.encodechka["mean"] == pytest.approx(sum(tasks) / len(tasks), abs=0.006)


def test_the_models_that_people_ask_for_are_there() -> None:
    assert set(ARTICLE) <= set(known_models())
    assert set(sources()) == {"encodechka", "rumteb"}


def test_a_model_is_known_by_its_own_name_and_the_hubs_in_any_case() -> None:
    model = known_models()["LaBSE"]
    assert known_model("labse") is known_model("sentence-transformers/LaBSE") is known_model("LABSE") is model
    assert known_model("no such model") is None and known_model("") is None
    names = [key.casefold() for model in known_models().values() for key in (model.name, model.hub) if key]
    assert len(names) == len(set(names))


def test_which_models_are_worse_than_bm25_at_retrieval_is_known() -> None:
    assert bm25_scores()["retrieval"] == 32.8
    below = {model.name for model in known_models().values() if model.below_bm25}
    assert {"rubert-tiny2", "LaBSE", "LaBSE-en-ru", "sbert_large_nlu_ru", "rubert-base-cased"} <= below
    assert not {"multilingual-e5-small", "FRIDA", "bge-m3", "LASER2"} & below
