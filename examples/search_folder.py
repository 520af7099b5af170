"""Index a folder and ask it something: python examples/search_folder.py FOLDER QUESTION."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from searchctl import Index, IngestSettings, discover


def main(folder: Path, question: str) -> None:
    """Store what is new or changed in the folder, and print the three best hits."""
    with Index.open(os.environ.get("SEARCHCTL_ENGINE", ".searchctl"), "example") as index:
        report = index.ingest_files(discover([folder]), IngestSettings())
        print(f"{report.written} written, {report.unchanged} unchanged, {report.dead} failed")
        results = index.search(question, 3)
        for hit in results.hits:
            sure = f"{hit.relevance:.0%}"
            print(f"{sure:>5}  {hit.title}: {hit.passage.text if hit.passage else ''}")
        if not results.answered:
            print("None of these is likely to answer.")


if __name__ == "__main__":
    main(Path(sys.argv[1]), " ".join(sys.argv[2:]))
