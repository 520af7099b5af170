"""Which files are read: what .gitignore, formats that are said, and patterns do."""

from __future__ import annotations

from pathlib import Path

import pytest

from searchctl.errors import SourceError, UsageError
from searchctl.sources import discover, kinds
from searchctl.sources.discovery import shortened
from searchctl.sources.formats import endings, formats
from tests.sources.kit import source, written


def tree(root: Path, *names: str) -> Path:
    for name in names:
        written(root / name, "text")
    return root


def uris(root: Path, **options: object) -> list[str]:
    return [file.uri for file in discover([str(root)], **options)]  # type: ignore[arg-type]


def test_gitignore_files_are_followed_down_the_tree(tmp_path: Path) -> None:
    root = tree(
        tmp_path, "node_modules/x/a.md", "secret.txt", "src/doc.md", "src/gen/b.md", "src/keep.tmp.txt", "logs/a.txt"
    )
    written(root / ".gitignore", "node_modules/\nsecret.txt\n*.tmp.txt\n/logs\n[z-a]\n")
    written(root / "src/.gitignore", "gen\n!keep.tmp.txt\n")
    found = discover([str(root)])
    assert [file.uri for file in found] == ["src/doc.md", "src/keep.tmp.txt"]
    assert "3 × folder left out by .gitignore" in kinds(found.skipped)
    assert uris(root / "src/gen") == ["b.md"]  # named by itself, it's meant


def test_kinds_passed_over_are_counted(tmp_path: Path) -> None:
    root = tree(tmp_path, "a.log", "b.log", "c.xml", "README", "kept.txt")
    told = kinds(discover([str(root)]).skipped)
    assert told == "2 × unknown ending .log, 1 × unknown ending (none), 1 × unknown ending .xml"


def test_a_format_that_is_said_wins(tmp_path: Path) -> None:
    root = tree(tmp_path, "rows.json", "page.md", "x.log")
    assert source(root / "rows.json", format="jsonl").format == "jsonl"
    assert source(root / "page.md", format="txt").format == "txt"
    formats = {file.uri: file.format for file in discover([str(root)], format="jsonl")}
    assert formats == {"rows.json": "jsonl", "page.md": "md", "x.log": "jsonl"}


@pytest.mark.parametrize("pattern", ["[z-a]", "[!]", "/", "", "\\"])
def test_patterns_that_cannot_be_any_are_refused(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(UsageError, match="isn't a pattern"):
        discover([str(tree(tmp_path, "a.txt"))], exclude=[pattern])


def test_a_pattern_may_begin_with_a_number_sign(tmp_path: Path) -> None:
    assert uris(tree(tmp_path, "#a.txt", "b.txt"), exclude=["#a.txt"]) == ["b.txt"]


def test_codecs_of_no_text_are_no_encodings(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no encoding 'base64'"):
        discover([str(tree(tmp_path, "a.txt"))], encoding="base64")


def test_long_paths_give_names_that_fit_into_ids(tmp_path: Path) -> None:
    name = "/".join(["Порядок возврата денежных средств покупателям при отказе"] * 6) + ".txt"
    short = shortened(name)
    assert len(short.encode()) <= 460 and short == shortened(name) and short.endswith("при отказе.txt")
    assert shortened("short.txt") == "short.txt" and shortened(name.replace("П", "п", 1)) != short


def test_an_unlistable_folder_is_unseen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    root = tree(tmp_path, "a/x.txt", "b.txt")
    scandir = os.scandir

    def refuse(path: object) -> object:
        if str(path).endswith("/a"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "scandir", refuse)
    (skip,) = discover([str(root)]).skipped
    assert skip.unseen and skip.path == root / "a"


def test_every_format_has_endings_and_a_reader() -> None:
    assert set(endings().values()) == set(formats())
    for form in formats().values():
        assert callable(form.load())
