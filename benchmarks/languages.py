"""In an index of two languages, do questions find what is written in the other one, and what does it cost their own?

    python benchmarks/languages.py --data DIR --work FOLDER

DIR and FOLDER as for benchmarks/fusion.py. Every paragraph of xquad is in the index in one language only, the even ones in
English and the odd ones in Russian, so half of the questions must cross. "As encoded" keeps the queries' vectors; the default
leaves out the direction between the index's two languages, which is learnt from the passages alone, without any question.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import fusion
import numpy as np
from numpy.typing import NDArray
from report import machine, save

from searchctl.evaluation.metrics import paired_p_value
from searchctl.index import Index
from searchctl.ranking.cosine_baseline import BackgroundMeter
from searchctl.ranking.fusion import FusionSettings
from searchctl.types import Entry

WAYS = ("vectors alone", "hybrid")


def mixed(data: Path, work: Path) -> Index:
    """Return the index of even English and odd Russian paragraphs, its vectors taken from the sets' own indexes."""
    path = work / "xquad-mixed"
    there = path.exists()
    index = Index.open(path)
    if there:
        return index
    chosen: list[Entry] = []
    for corpus, odd in (("xquad-en", 0), ("xquad-ru", 1)):
        with fusion.open_index(corpus, data, work) as source:
            for batch in source.engine.scan(source.name, vectors=True):
                chosen += [entry for entry in batch if int(entry.document.id[1:]) % 2 == odd]
    meter = BackgroundMeter()
    meter.add(chosen)
    index.engine.write(index.name, chosen)
    index.engine.update_schema(index.name, replace(index.schema, background=meter.result()))
    return index


def measure(index: Index, asked: str, data: Path, work: Path) -> dict[str, NDArray[np.float64]]:
    """Return nDCG@10 of every question, for each of `WAYS`."""
    questions = fusion.ask(index, asked, list(fusion.read_queries(fusion.folder_of(data, asked))), work)
    return {
        "vectors alone": np.array([fusion.NDCG.of(one.vector.ids, one.grades) for one in questions]),
        "hybrid": np.array([fusion.NDCG.of(one.fused(FusionSettings()).ids, one.grades) for one in questions]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    lines = [
        "| questions | way | passages in | as encoded | default | difference | p |",
        "|---|---|---|---|---|---|---|",
    ]
    with mixed(options.data, options.work) as index:
        schema = index.schema
        background = schema.background
        assert background is not None
        assert background.axis
        for asked, own in (("xquad-en", 0), ("xquad-ru", 1)):
            queries = fusion.read_queries(fusion.folder_of(options.data, asked))
            same = np.array([int(next(iter(grades))[1:]) % 2 == own for _, _, grades, _ in queries])
            index.engine.update_schema(index.name, replace(schema, background=replace(background, axis=())))
            before = measure(index, asked, options.data, options.work)
            index.engine.update_schema(index.name, schema)
            after = measure(index, asked, options.data, options.work)
            for way in WAYS:
                for name, chosen in (("their own language", same), ("the other language", ~same)):
                    old, new = before[way][chosen], after[way][chosen]
                    lines.append(
                        f"| {asked}, {int(chosen.sum())} | {way} | {name} | {old.mean():.3f} | {new.mean():.3f} "
                        f"| {new.mean() - old.mean():+.3f} | {paired_p_value(new, old):.4f} |"
                    )
    about = "nDCG@10; the randomisation test's p isn't corrected for the eight comparisons. Made by `python benchmarks/languages.py`."
    title = "## Two languages in one index"
    save("languages", "\n".join([title, "", machine("searchctl", "onnxruntime"), "", about, "", *lines]))


if __name__ == "__main__":
    main()
