"""Metrics agree with trec_eval, and significance with scipy."""

from __future__ import annotations

import numpy as np
import pytest

from searchctl.evaluation.metrics import holm, measure, paired_p_value, parse_metrics

# ours -> trec_eval's; where trec_eval cuts nothing off, neither do we
NAMES = {
    "ndcg@1": "ndcg_cut_1",
    "ndcg@10": "ndcg_cut_10",
    "ndcg@100": "ndcg_cut_100",
    "ndcg": "ndcg",
    "recall@5": "recall_5",
    "recall@100": "recall_100",
    "mrr": "recip_rank",
    "map": "map",
    "map@10": "map_cut_10",
    "precision@5": "P_5",
    "precision@30": "P_30",
    "hit@1": "success_1",
    "hit@10": "success_10",
}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_metric_agrees_with_trec_eval(seed: int) -> None:
    pytrec_eval = pytest.importorskip("pytrec_eval", reason="needs: pip install pytrec-eval-terrier")
    random = np.random.default_rng(seed)
    documents = [f"d{number}" for number in range(60)]
    qrels: dict[str, dict[str, int]] = {}
    run: dict[str, list[str]] = {}
    for number in range(80):
        judged = random.choice(documents, random.integers(1, 12), replace=False).tolist()
        grades = [1, *random.integers(-1, 4, len(judged) - 1).tolist()]
        qrels[f"q{number}"] = dict(zip(judged, grades, strict=True))
        run[f"q{number}"] = random.choice(documents, random.integers(1, 50), replace=False).tolist()
    families = {
        "ndcg_cut.1,10,100",
        "ndcg",
        "recall.5,100",
        "recip_rank",
        "map",
        "map_cut.10",
        "P.5,30",
        "success.1,10",
    }
    theirs = pytrec_eval.RelevanceEvaluator(qrels, families).evaluate(
        {query: {id: float(-place) for place, id in enumerate(ids)} for query, ids in run.items()}
    )
    for metric, ours in measure(qrels, run, parse_metrics(" ".join(NAMES))).items():
        expected = [theirs[query][NAMES[str(metric)]] for query in qrels]
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-9, err_msg=str(metric))


def test_the_randomisation_test_agrees_with_scipy() -> None:
    stats = pytest.importorskip("scipy.stats", reason="scipy isn't installed; pip install scipy")
    random = np.random.default_rng(3)
    first = random.random(11)
    second = first + random.normal(0.05, 0.1, 11)
    theirs = stats.permutation_test(
        (first, second), lambda a, b: np.mean(a - b), permutation_type="samples", n_resamples=np.inf
    )
    assert paired_p_value(first, second) == pytest.approx(theirs.pvalue, abs=1e-9)


def test_holm_agrees_with_a_textbook_example() -> None:
    """Adjusted values as R's `p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm")` prints them."""
    assert holm([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])
