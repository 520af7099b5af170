"""Fusion worked by hand, and what must hold for any two rankings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchctl.errors import UsageError
from searchctl.ranking.fusion import METHODS, Fused, FusionSettings, Method, fuse
from searchctl.schema import Background
from searchctl.types import LegScore, Ranking, Total

BACKGROUND = Background(mean=0.6, std=0.05)
WEIGHTED = FusionSettings()


def ranking(scores: Mapping[str, float]) -> Ranking:
    """Return a ranking, best first, ties by id."""
    ids = tuple(sorted(scores, key=lambda id: (-scores[id], id)))
    return Ranking(ids, np.array([scores[id] for id in ids], dtype=np.float64), (-1,) * len(ids), Total(len(ids)))


def fused_scores(fused: Fused) -> dict[str, float]:
    return dict(zip(fused.ids, fused.scores.tolist(), strict=True))


def test_weighted_by_hand() -> None:
    fused = fuse(
        ranking({"a": 6.0, "b": 3.0}),
        ranking({"b": 0.9, "c": 0.8, "d": 0.7}),
        bound=10.0,
        background=BACKGROUND,
        settings=WEIGHTED,
    )
    # lexical: a (6/10)^1.75, b (3/10)^1.75; vector: b .3/.4, c .2/.4, d .1/.4, and a no more than d
    six, three = 0.6**1.75, 0.3**1.75
    assert fused.ids == ("b", "a", "c", "d")
    assert fused.scores == pytest.approx([0.5 * three + 0.5 * 0.75, 0.5 * six + 0.5 * 0.25, 0.5 * 0.5, 0.5 * 0.25])
    assert fused.legs(0) == {
        "lexical": LegScore(2, 3.0, pytest.approx(three), 0.5),
        "vector": LegScore(1, 0.9, pytest.approx(0.75), 0.5),
    }
    assert fused.legs(1) == {
        "lexical": LegScore(1, 6.0, pytest.approx(six), 0.5),
        "vector": LegScore(None, None, pytest.approx(0.25), 0.5),
    }
    assert fused.legs(3)["lexical"] == LegScore(None, None, 0.0, 0.5)


def test_weights_are_shares() -> None:
    legs = ranking({"a": 5.0}), ranking({"a": 0.8})
    for one, other in ((3.0, 1.0), (0.75, 0.25)):
        fused = fuse(*legs, bound=10.0, background=BACKGROUND, settings=FusionSettings(lexical=one, vector=other))
        assert fused.scores == pytest.approx([0.75 * 0.5**1.75 + 0.25 * 0.5])


def test_a_leg_that_knows_few_words_cannot_look_strong() -> None:
    """One common word of eight matches: the documents it finds stay below what the vectors prefer."""
    lexical = {f"noise{number}": 0.9 for number in range(5)}
    fused = fuse(
        ranking(lexical), ranking({"good": 0.85, "noise1": 0.65}), bound=40.0, background=BACKGROUND, settings=WEIGHTED
    )
    assert fused.ids[0] == "good"
    assert fused.scores[0] > 3 * fused.scores[1]


def test_reciprocal_ranks_by_hand() -> None:
    fused = fuse(
        ranking({"a": 9.0, "b": 1.0}),
        ranking({"b": 0.9, "c": 0.8}),
        bound=10.0,
        background=None,
        settings=FusionSettings("rrf"),
    )
    first, second = 61 / 61, 61 / 62
    assert fused_scores(fused) == pytest.approx({"b": (first + second) / 2, "a": first / 2, "c": second / 2})
    assert fused.ids == ("b", "a", "c")


def test_distribution_by_hand() -> None:
    fused = fuse(
        ranking({"a": 3.0, "b": 1.0}),
        ranking({"a": 0.5}),
        bound=10.0,
        background=None,
        settings=FusionSettings("distribution"),
    )
    # mean 2, deviation sqrt 2: a lies 1 / sqrt 2 above, in a band of 6 deviations; a single score is the middle
    high = 0.5 + (1 / 2**0.5) / 6
    assert fused_scores(fused) == pytest.approx({"a": 0.5 * high + 0.25, "b": 0.5 * (1 - high)})


def test_without_background_the_lowest_cosine_is_nothing() -> None:
    fused = fuse(None, ranking({"a": 0.9, "b": 0.8}), bound=0.0, background=None, settings=WEIGHTED)
    assert fused_scores(fused) == pytest.approx({"a": 0.5, "b": 0.0})


def test_one_leg_alone_counts_in_full() -> None:
    lexical, vector = ranking({"a": 5.0, "b": 2.0}), ranking({"c": 0.8})
    alone = fuse(lexical, None, bound=10.0, background=BACKGROUND, settings=WEIGHTED)
    assert fused_scores(alone) == pytest.approx({"a": 0.5**1.75, "b": 0.2**1.75})
    assert set(alone.legs(0)) == {"lexical"}
    assert alone.vector is None
    other = fuse(None, vector, bound=0.0, background=BACKGROUND, settings=FusionSettings(lexical=1.0, vector=0.0))
    assert fused_scores(other) == pytest.approx({"c": 0.5})


@pytest.mark.parametrize("method", METHODS)
def test_empty_legs_give_an_empty_answer(method: Method) -> None:
    empty = ranking({})
    for legs in ((None, None), (empty, None), (None, empty), (empty, empty)):
        fused = fuse(*legs, bound=0.0, background=BACKGROUND, settings=FusionSettings(method))
        assert fused.ids == ()
        assert len(fused.scores) == 0


def test_a_leg_that_found_nothing_leaves_the_order_to_the_other() -> None:
    vector = ranking({"a": 0.9, "b": 0.8})
    fused = fuse(ranking({}), vector, bound=12.0, background=BACKGROUND, settings=WEIGHTED)
    assert fused.ids == ("a", "b")
    assert fused.scores == pytest.approx([0.5 * 0.75, 0.5 * 0.5])


def test_a_list_goes_on_with_another_none_of_whose_scores_is_above_it() -> None:
    first = fuse(ranking({"a": 5.0}), None, bound=10.0, background=None, settings=WEIGHTED)
    later = fuse(ranking({"x": 6.0, "b": 2.0}), None, bound=10.0, background=None, settings=WEIGHTED)
    fused = first.followed_by(later.lowered(float(first.scores[-1])))
    assert fused.ids == ("a", "x", "b")
    assert fused.scores.tolist() == pytest.approx([0.5**1.75, 0.5**1.75, 0.2**1.75])
    for place, score in enumerate(fused.scores):
        assert sum(leg.weight * leg.normalised for leg in fused.legs(place).values()) == pytest.approx(score)


@pytest.mark.parametrize(("lexical", "vector"), [(-1.0, 1.0), (0.0, 0.0), (float("nan"), 1.0), (float("inf"), 1.0)])
def test_weights_that_mean_nothing_are_refused(lexical: float, vector: float) -> None:
    with pytest.raises(UsageError, match="weights"):
        FusionSettings(lexical=lexical, vector=vector)


def test_an_unknown_method_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="weighted, rrf, distribution"):
        FusionSettings("borda")  # type: ignore[arg-type]


# What must hold for any two rankings

relaxed = settings(deadline=None)
IDS = st.integers(0, 25).map(lambda number: f"d{number:02}")
# few distinct values, so that ties are common
BM25 = st.dictionaries(
    IDS, st.one_of(st.integers(0, 6).map(float), st.floats(0, 50).map(lambda score: round(score, 6))), max_size=20
)
COSINES = st.dictionaries(
    IDS, st.one_of(st.sampled_from([0.5, 0.6, 0.8]), st.floats(-1, 1).map(lambda cosine: round(cosine, 6))), max_size=20
)
BOUND = st.floats(0, 60)
METHOD = st.sampled_from(METHODS)
BACKGROUNDS = st.sampled_from([None, BACKGROUND, Background(0.0, 0.0), Background(1.0, 0.0)])


@relaxed
@given(BM25, COSINES, BOUND, METHOD, BACKGROUNDS)
def test_every_document_once_with_a_score_in_order(
    lexical: dict[str, float], vector: dict[str, float], bound: float, method: Method, background: Background | None
) -> None:
    fused = fuse(ranking(lexical), ranking(vector), bound=bound, background=background, settings=FusionSettings(method))
    assert set(fused.ids) == set(lexical) | set(vector)
    assert len(set(fused.ids)) == len(fused.ids)
    assert np.isfinite(fused.scores).all()
    assert method == "distribution" or ((fused.scores >= 0) & (fused.scores <= 1)).all()
    keys = [(-score, id) for id, score in fused_scores(fused).items()]
    assert keys == sorted(keys)


@relaxed
@given(BM25, COSINES, BOUND, METHOD)
def test_legs_add_up_to_the_score(
    lexical: dict[str, float], vector: dict[str, float], bound: float, method: Method
) -> None:
    fused = fuse(
        ranking(lexical), ranking(vector), bound=bound, background=BACKGROUND, settings=FusionSettings(method, 2, 3)
    )
    for place, id in enumerate(fused.ids):
        legs = fused.legs(place)
        total = sum(leg.weight * leg.normalised for leg in legs.values())
        assert fused.scores[place] == pytest.approx(total, abs=1e-12)
        assert legs["lexical"].raw == lexical.get(id)
        assert legs["vector"].raw == vector.get(id)
        assert method == "distribution" or all(0.0 <= leg.normalised <= 1.0 for leg in legs.values())


def lifted(scores: Mapping[str, float], id: str, by: float) -> dict[str, float]:
    return {**scores, id: scores[id] + by}


@relaxed
@given(st.data(), BM25.filter(bool), COSINES, BOUND, METHOD, BACKGROUNDS, st.floats(0.001, 5))
def test_a_higher_lexical_score_never_hurts(
    data: st.DataObject,
    lexical: dict[str, float],
    vector: dict[str, float],
    bound: float,
    method: Method,
    background: Background | None,
    by: float,
) -> None:
    id = data.draw(st.sampled_from(sorted(lexical)))
    before, after = (
        fused_scores(
            fuse(ranking(leg), ranking(vector), bound=bound, background=background, settings=FusionSettings(method))
        )
        for leg in (lexical, lifted(lexical, id, by))
    )
    assert after[id] >= before[id] - 1e-12


@relaxed
@given(st.data(), BM25, COSINES.filter(bool), BOUND, METHOD, BACKGROUNDS, st.floats(0.001, 0.5))
def test_a_higher_cosine_never_hurts(
    data: st.DataObject,
    lexical: dict[str, float],
    vector: dict[str, float],
    bound: float,
    method: Method,
    background: Background | None,
    by: float,
) -> None:
    id = data.draw(st.sampled_from(sorted(vector)))
    before, after = (
        fused_scores(
            fuse(ranking(lexical), ranking(leg), bound=bound, background=background, settings=FusionSettings(method))
        )
        for leg in (vector, lifted(vector, id, by))
    )
    # without a background the lowest cosine is the reference, so the lowest document itself may move it
    if background is not None or method != "weighted" or vector[id] > min(vector.values()):
        assert after[id] >= before[id] - 1e-12


@relaxed
@given(BM25, COSINES, BOUND, st.floats(0.01, 100))
def test_the_unit_of_bm25_does_not_matter(
    lexical: dict[str, float], vector: dict[str, float], bound: float, factor: float
) -> None:
    plain = fuse(ranking(lexical), ranking(vector), bound=bound, background=BACKGROUND, settings=WEIGHTED)
    scaled = fuse(
        ranking({id: score * factor for id, score in lexical.items()}),
        ranking(vector),
        bound=bound * factor,
        background=BACKGROUND,
        settings=WEIGHTED,
    )
    assert fused_scores(scaled) == pytest.approx(fused_scores(plain), abs=1e-9)


def shuffled(given: Ranking, order: Sequence[int]) -> Ranking:
    return replace(given, ids=tuple(given.ids[place] for place in order), scores=given.scores[list(order)])


@relaxed
@given(st.data(), BM25, COSINES, BOUND, st.sampled_from(["weighted", "distribution"]))
def test_the_order_in_which_a_leg_lists_documents_does_not_matter(
    data: st.DataObject, lexical: dict[str, float], vector: dict[str, float], bound: float, method: Method
) -> None:
    one, two = ranking(lexical), ranking(vector)
    mixed = [shuffled(leg, data.draw(st.permutations(range(len(leg.ids))))) for leg in (one, two)]
    options = {"bound": bound, "background": BACKGROUND, "settings": FusionSettings(method)}
    plain, other = fuse(one, two, **options), fuse(*mixed, **options)
    assert fused_scores(other) == pytest.approx(fused_scores(plain), abs=1e-9)


@relaxed
@given(BM25, COSINES, BOUND, METHOD)
def test_the_same_legs_give_the_same_list(
    lexical: dict[str, float], vector: dict[str, float], bound: float, method: Method
) -> None:
    one, two = (
        fuse(ranking(lexical), ranking(vector), bound=bound, background=None, settings=FusionSettings(method))
        for _ in range(2)
    )
    assert one.ids == two.ids
    assert one.scores.tolist() == two.scores.tolist()
