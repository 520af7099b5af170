"""Which files of a folder are read, in which order, and what they are called."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from searchctl.sources import FieldMapping, Record, discover, read
from tests.sources.kit import source, written


def tree(root: Path, *names: str) -> Path:
    for name in names:
        written(root / name, "text")
    return root


def uris(*paths: str | Path, **options: Any) -> list[str]:
    return [file.uri for file in discover([str(path) for path in paths], **options)]


def test_folders_are_searched_in_a_stable_order(tmp_path: Path) -> None:
    root = tree(
        tmp_path / "r",
        "b.txt",
        "a/z.md",
        "a/b/c.TXT",
        "c.jsonl.gz",
        ".hidden.txt",
        ".git/x.txt",
        "pic.png",
        "~$lock.docx",
        "noending",
    )
    found = discover([str(root)])
    assert [file.uri for file in found] == ["a/b/c.TXT", "a/z.md", "b.txt", "c.jsonl.gz"]
    assert [(file.format, file.gzip, file.size, file.root) for file in found][2:] == [
        ("txt", False, 4, root),
        ("jsonl", True, 4, root),
    ]
    assert [(one.path.name, one.reason) for one in found.skipped] == [
        ("noending", "unknown ending (none)"),
        ("pic.png", "unknown ending .png"),
    ]


def test_patterns(tmp_path: Path) -> None:
    root = tree(
        tmp_path, "a.md", "b.txt", "docs/a.md", "docs/old/c.md", "docs/d[1].txt", "drafts/x.md", "deep/drafts/y.md"
    )
    assert uris(root, include=["*.md"]) == ["a.md", "deep/drafts/y.md", "docs/a.md", "docs/old/c.md", "drafts/x.md"]
    assert uris(root, include=["docs/*"]) == ["docs/a.md", "docs/d[1].txt", "docs/old/c.md"]
    assert uris(root, include=["docs/*.md"]) == ["docs/a.md"]
    assert uris(root, include=["**/old/**", "?.txt"]) == ["b.txt", "docs/old/c.md"]
    assert uris(root, exclude=["drafts/", "*.txt"]) == ["a.md", "docs/a.md", "docs/old/c.md"]
    assert uris(root, exclude=["/drafts", "docs/**"]) == ["a.md", "b.txt", "deep/drafts/y.md"]
    assert uris(root, include=["[a-b].*"], exclude=["[!b]*.md"]) == ["b.txt"]
    assert uris(root / "a.md", root / "b.txt", exclude=["*.md"]) == ["b.txt"]


def test_links_are_followed_once(tmp_path: Path) -> None:
    root = tree(tmp_path / "r", "a.txt", "sub/b.txt")
    other = tree(tmp_path / "other", "c.txt")
    (root / "sub" / "loop").symlink_to(root)
    (root / "linked").symlink_to(other)
    (root / "same.txt").symlink_to(root / "a.txt")
    (root / "dangling.txt").symlink_to(tmp_path / "nowhere")
    found = discover([str(root), str(root / "sub")])
    assert [file.uri for file in found] == ["a.txt", "linked/c.txt", "sub/b.txt"]
    assert [one.path.name for one in found.skipped] == ["dangling.txt"]


def test_of_a_corpus_only_the_documents_are_read(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        "x/corpus.jsonl",
        "x/queries.jsonl",
        "x/README.md",
        "y/corpus.jsonl.gz",
        "y/qrels/test.tsv",
        "z/corpus.jsonl",
    )
    assert uris(root) == ["x/corpus.jsonl", "y/corpus.jsonl.gz", "z/corpus.jsonl"]


def test_engines_folders_are_passed_over(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        "a.txt",
        "mine/searchctl.json",
        "mine/x.json",
        "fresh/indexes/default/index.sqlite",
        "fresh/indexes/default/state.json",
    )
    assert uris(root) == ["a.txt"]


def test_files_of_the_same_name_are_told_apart(tmp_path: Path) -> None:
    root = tree(tmp_path, "a/x.txt", "a/only.txt", "b/x.txt", "c/a/x.txt")
    assert uris(root / "a", root / "b") == ["only.txt", "a/x.txt", "b/x.txt"]
    assert uris(root / "a/x.txt", root / "b/x.txt") == ["a/x.txt", "b/x.txt"]
    full = str(root).lstrip("/")
    assert uris(root / "a/x.txt", root / "c/a/x.txt") == [f"{full}/a/x.txt", f"{full}/c/a/x.txt"]


def test_names_that_are_not_utf8_and_decomposed_names(tmp_path: Path) -> None:
    try:
        with open(os.fsencode(tmp_path) + b"/\xff.txt", "wb") as file:
            file.write(b"text")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    written(tmp_path / "и\u0306.txt", "text")
    found = discover([str(tmp_path)])
    assert sorted(file.uri for file in found) == ["\\xff.txt", "й.txt"]
    for file in found:
        (record,) = read(file, FieldMapping())
        assert isinstance(record, Record)
        record.source.encode("utf-8")


def test_what_cannot_be_found_says_what_to_type(tmp_path: Path) -> None:
    from searchctl.errors import SourceError

    with pytest.raises(SourceError, match=r"can't read '.*nothing': No such file or directory; .*ls "):
        discover([str(tmp_path / "nothing")])
    with pytest.raises(SourceError, match=r"can't tell the format of '.*x\.log'.*--format txt\|"):
        discover([str(written(tmp_path / "x.log", "text"))])
    with pytest.raises(SourceError, match=r"nothing to read in .*1 × unknown ending \.log"):
        discover([str(tmp_path)])
    with pytest.raises(SourceError, match="no encoding 'utf8000'"):
        discover([str(tmp_path)], encoding="utf8000")


def test_a_format_is_for_names_that_do_not_tell(tmp_path: Path) -> None:
    root = tree(tmp_path, "a.log", "b.md")
    assert [file.format for file in discover([str(root)], format="txt")] == ["txt", "md"]
    assert source(root / "a.log", format="txt").format == "txt"
