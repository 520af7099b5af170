"""Votes, their leave-one-out, and calibration against counting anew and other implementations."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_info

from searchctl.engines.threads import one_thread
from searchctl.routing.calibration import fit_softening, set_threshold
from searchctl.routing.left_out import left_out
from searchctl.routing.metric import SHRINKAGE, learn_metric
from searchctl.routing.votes import RIDGE, SHARPNESS, ComparedTexts, Votes, count_votes
from searchctl.routing.words import learn_words
from searchctl.types import Vectors

DIM, LABELS = 24, 6


def cloud(count: int, seed: int, *, spread: float = 0.6) -> tuple[Vectors, NDArray[np.float32]]:
    """Return `count` unit vectors of each of 6 labels around middles of their own, and whose they are."""
    rng = np.random.default_rng(seed)
    middles = np.random.default_rng(5).normal(size=(LABELS, DIM)) + 2.0
    rows = np.repeat(middles, count, axis=0) + spread * rng.normal(size=(LABELS * count, DIM))
    members = np.repeat(np.eye(LABELS), count, axis=0)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), members.astype(np.float32)


@pytest.fixture
def names() -> Vectors:
    rows, _ = cloud(1, 77)
    return rows


def texts(vectors: Vectors) -> ComparedTexts:
    return ComparedTexts(vectors, np.zeros((len(vectors), 0), np.float32))


def none_named() -> Vectors:
    return np.zeros((LABELS, DIM), np.float32)


def test_the_metric_is_the_shrunken_within_class_covariance() -> None:
    vectors, members = cloud(20, 1)
    metric = learn_metric(vectors, members)
    answers = members.argmax(axis=1)
    scatter = np.concatenate([vectors[answers == at] - vectors[answers == at].mean(axis=0) for at in range(LABELS)])
    covariance = scatter.T @ scatter
    target = np.trace(covariance) / DIM * np.eye(DIM)
    shrunken = ((1 - SHRINKAGE) * covariance + SHRINKAGE * target) / (np.trace(covariance) / DIM)
    assert metric.transform @ shrunken @ metric.transform == pytest.approx(np.eye(DIM), abs=1e-4)
    assert np.linalg.norm(metric.project(vectors), axis=1) == pytest.approx(np.ones(len(vectors)), abs=1e-5)


def test_scores_are_middle_and_kernel_ridge(names: Vectors) -> None:
    vectors, members = cloud(8, 2)
    asked, _ = cloud(3, 3)
    votes = count_votes(texts(vectors), members, none_named())
    rows, seen = votes.metric.project(vectors), votes.metric.project(asked)
    products = np.exp(SHARPNESS * (rows @ rows.T - 1)).astype(float)
    weights = np.linalg.lstsq(products + RIDGE * np.eye(len(rows)), members - 1 / LABELS, rcond=None)[0]
    kernel = np.exp(SHARPNESS * (seen @ rows.T - 1)) @ weights
    sums = members.T @ rows
    middle = seen @ (sums / np.linalg.norm(sums, axis=1, keepdims=True)).T
    assert votes.scores(texts(asked)) == pytest.approx((middle + kernel) / 2, abs=2e-3)
    assert count_votes(texts(vectors), members, names).scores(texts(asked)) != pytest.approx(
        votes.scores(texts(asked)), abs=1e-3
    )


@pytest.mark.parametrize("named", [False, True])
def test_left_out_scores_are_those_of_counting_anew(named: bool, names: Vectors) -> None:
    vectors, members = cloud(6, 4, spread=1.2)
    described = names if named else none_named()
    votes = count_votes(texts(vectors), members, described)
    anew = np.concatenate(
        [
            count_votes(texts(np.delete(vectors, row, 0)), np.delete(members, row, 0), described).scores(
                texts(vectors[row : row + 1])
            )
            for row in range(len(vectors))
        ]
    )
    words = np.zeros((len(vectors), 0), np.float32)
    closed = left_out(votes, np.arange(len(vectors)), words).scores(votes)
    assert np.corrcoef(anew.ravel(), closed.ravel())[0, 1] > 0.99
    assert np.mean(anew.argmax(axis=1) == closed.argmax(axis=1)) > 0.94
    own = members > 0
    assert closed[own].mean() == pytest.approx(anew[own].mean(), abs=0.02)
    assert votes.scores(texts(vectors))[own].mean() > closed[own].mean() + 0.05  # what isn't left out flatters itself
    some = np.array([3, 17, 30])
    assert left_out(votes, some, words[some]).scores(votes) == pytest.approx(closed[some], abs=1e-4)


def test_left_out_centroids_without_a_metric_are_exact() -> None:
    """With one example a label nothing is learnt, and leaving out leaves the name alone."""
    vectors, members = cloud(1, 8)
    described, _ = cloud(1, 9)
    votes = count_votes(texts(vectors), members, described)
    closed = left_out(votes, np.arange(LABELS), np.zeros((LABELS, 0), np.float32)).centroids
    for row in range(LABELS):
        assert closed[row, row] == pytest.approx(float(votes.rows[row] @ votes.names[row]), abs=1e-5)


def split_off(label: int, seed: int) -> tuple[Votes, Vectors, NDArray[np.float32]]:
    vectors, members = cloud(8, seed)
    own = members[:, label] > 0
    votes = count_votes(texts(vectors[~own]), members[~own][:, :label], none_named()[:label])
    return votes, vectors[own], members[own]


def test_adding_equals_the_regression_with_more_rows(names: Vectors) -> None:
    """The landmarks stay; everything else is as if the new examples had been there."""
    votes, vectors, members = split_off(LABELS - 1, 11)
    grown = votes.added(texts(vectors), members, names[-1:])
    assert grown.members.shape == (48, LABELS)
    rows = np.concatenate([grown.rows, grown.names[-1:]])
    features = grown.features(rows, np.zeros((len(rows), 0), np.float32)).astype(float)
    given = np.concatenate([grown.members, np.eye(LABELS)[-1:]])
    scatter = features.T @ features + RIDGE * np.eye(features.shape[1])
    assert grown.solved == pytest.approx(np.linalg.solve(scatter, features.T @ given), abs=5e-3)
    assert grown.totals == pytest.approx(np.linalg.solve(scatter, features.T @ given.sum(axis=1)), abs=5e-3)
    assert grown.sums == pytest.approx(grown.members.T @ grown.rows + grown.names, abs=1e-4)
    assert grown.scores(texts(vectors)).argmax(axis=1).tolist() == [LABELS - 1] * len(vectors)


def test_adding_one_by_one_equals_adding_at_once(names: Vectors) -> None:
    votes, vectors, members = split_off(LABELS - 1, 16)
    asked, _ = cloud(4, 17)
    stepwise = votes.added(texts(vectors[:1]), members[:1], names[-1:])
    for row in range(1, len(vectors)):
        stepwise = stepwise.added(texts(vectors[row : row + 1]), members[row : row + 1], names[:0])
    at_once = votes.added(texts(vectors), members, names[-1:])
    assert stepwise.scores(texts(asked)) == pytest.approx(at_once.scores(texts(asked)), abs=2e-3)


def test_beyond_the_landmarks_every_example_is_learnt_from() -> None:
    vectors, members = cloud(60, 14, spread=1.5)
    asked, truth = cloud(60, 15, spread=1.5)
    right = truth.argmax(axis=1)

    def accuracy(votes: Votes) -> float:
        return float((votes.scores(texts(asked)).argmax(axis=1) == right).mean())

    whole = count_votes(texts(vectors), members, none_named())
    some = count_votes(texts(vectors), members, none_named(), landmarks=60)
    assert len(some.landmarks) == 60
    fair = np.concatenate([np.flatnonzero(members[:, at])[:10] for at in range(LABELS)])
    few = count_votes(texts(vectors[fair]), members[fair], none_named())
    assert accuracy(some) > accuracy(few) + 0.02
    assert accuracy(some) == pytest.approx(accuracy(whole), abs=0.03)
    closed = left_out(some, np.arange(len(vectors)), np.zeros((len(vectors), 0), np.float32)).scores(some)
    assert (closed.argmax(axis=1) == members.argmax(axis=1)).mean() == pytest.approx(accuracy(some), abs=0.05)


def test_landmarks_are_of_all_labels_alike() -> None:
    vectors, members = cloud(10, 14)
    few = np.concatenate([np.arange(0, 2), np.arange(10, 60)])  # the first label has two
    votes = count_votes(texts(vectors[few]), members[few], none_named(), landmarks=20)
    near = (votes.landmarks @ votes.rows.T).argmax(axis=1)
    counts = members[few][near].sum(axis=0)
    assert counts.sum() == 20
    assert counts[0] == 2
    assert set(counts[1:].tolist()) <= {3.0, 4.0}


def test_words_tell_apart_what_vectors_cannot() -> None:
    said = [
        "order E17 failed",
        "error E17 again",
        "code E17 shown",
        "order E18 failed",
        "error E18 again",
        "code E18 shown",
    ]
    members = np.repeat(np.eye(2, dtype=np.float32), 3, axis=0)
    vectors = np.tile(cloud(1, 21)[0][:1], (6, 1))
    words = learn_words(said)
    compared = ComparedTexts(vectors, words.vectors(said))
    votes = count_votes(compared, members, np.zeros((2, DIM), np.float32), word_weight=0.3)
    asked = ComparedTexts(vectors[:2], words.vectors(["what is E17", "what is E18"]))
    assert votes.scores(asked).argmax(axis=1).tolist() == [0, 1]
    closed = left_out(votes, np.arange(6), compared.words).scores(votes)
    anew = [
        count_votes(
            ComparedTexts(np.delete(vectors, row, 0), np.delete(compared.words, row, 0)),
            np.delete(members, row, 0),
            np.zeros((2, DIM), np.float32),
            word_weight=0.3,
        ).scores(compared.part(slice(row, row + 1)))[0]
        for row in range(6)
    ]
    assert closed == pytest.approx(np.array(anew), abs=0.02)


def test_labels_with_few_examples_are_not_outvoted() -> None:
    vectors, members = cloud(40, 18, spread=1.2)
    kept = np.concatenate([np.flatnonzero(members[:, at])[: 2 if at < 3 else 40] for at in range(LABELS)])
    votes = count_votes(texts(vectors[kept]), members[kept], none_named())
    asked, truth = cloud(30, 19, spread=1.2)
    rare = truth[:, :3].any(axis=1)
    ours = votes.scores(texts(asked)).argmax(axis=1)
    plain = LogisticRegression(C=30, max_iter=1000).fit(vectors[kept], members[kept].argmax(axis=1)).predict(asked)
    right = truth.argmax(axis=1)
    assert (ours[rare] == right[rare]).mean() > (plain[rare] == right[rare]).mean() + 0.1
    assert (ours == right).mean() > (plain == right).mean()


def test_calibration_finds_the_likeliest_sharpness() -> None:
    rng = np.random.default_rng(3)
    scores = rng.normal(scale=0.2, size=(1900, LABELS)).astype(np.float32)
    shares = np.exp(12 * scores.astype(float))
    shares /= shares.sum(axis=1, keepdims=True)
    answers = np.array([rng.choice(LABELS, p=row) for row in shares])
    grid = np.arange(8.0, 18.0, 0.02)
    logits = grid[:, None, None] * scores
    likelihood = np.take_along_axis(logits, answers[None, :, None], 2)[..., 0] - np.log(np.exp(logits).sum(axis=2))
    found = fit_softening(scores, np.eye(LABELS, dtype=np.float32)[answers], multi_label=False)
    assert found.sharpness == pytest.approx(float(grid[likelihood.sum(axis=1).argmax()]), abs=0.1)  # the prior: 1 %
    probabilities = found.probabilities(scores)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(1900))
    assert probabilities.max(axis=1).mean() == pytest.approx((probabilities.argmax(axis=1) == answers).mean(), abs=0.03)


def test_calibration_of_several_labels_is_a_logistic() -> None:
    rng = np.random.default_rng(4)
    scores = rng.normal(scale=0.4, size=(1000, 4)).astype(np.float32)
    truth = rng.random((1000, 4)) < 1 / (1 + np.exp(-(8 * scores - 2)))
    found = fit_softening(scores, truth.astype(np.float32), multi_label=True)
    assert found.sharpness == pytest.approx(8, rel=0.1)
    assert found.offset == pytest.approx(-2, abs=0.3)


def test_sets_hold_the_true_label_as_often_as_asked() -> None:
    rng = np.random.default_rng(6)
    probabilities = rng.dirichlet(np.full(5, 0.5), size=4000)
    answers = np.array([rng.choice(5, p=row) for row in probabilities])
    members = np.eye(5, dtype=np.float32)[answers]
    least = set_threshold(probabilities[:500], members[:500], 0.9)
    held = (probabilities[500:] >= least)[np.arange(3500), answers[500:]].mean()
    assert held == pytest.approx(0.9, abs=0.03)
    assert set_threshold(probabilities[:3], members[:3], 0.9) == 0.0


def test_one_thread_lasts_until_the_last_is_done() -> None:
    def threads() -> list[int]:  # of numpy's own BLAS: others' may be loaded after our first look at what there is
        known = [one for one in threadpool_info() if one["user_api"] == "blas"]
        return [one["num_threads"] for one in known if "numpy" in one["filepath"]]

    before = threads()
    assert before
    with one_thread():
        with one_thread():
            assert set(threads()) <= {1}
        assert set(threads()) <= {1}
    assert threads() == before
