"""Recipes: those that come with searchctl load and do what they say; wrong ones name the key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from searchctl.errors import ConfigError
from searchctl.ingest.recipes import Recipe, load_recipe, recipe_names
from searchctl.schema import PassageSettings
from searchctl.settings.resources import resource_folder
from searchctl.sources import FieldMapping, Record, discover, read
from searchctl.types import Document


def made(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "r.toml"
    path.write_text(text, encoding="utf-8")
    return path


def read_with(recipe: Recipe, *paths: Path) -> list[Document]:
    files = discover(
        [str(path) for path in paths] or recipe.paths,
        include=recipe.include,
        exclude=recipe.exclude,
        format=recipe.format,
        encoding=recipe.encoding,
    )
    items = [item for file in files for item in read(file, recipe.mapping, boilerplate=recipe.boilerplate)]
    assert all(isinstance(item, Record) for item in items), items
    return [item.document for item in items if isinstance(item, Record)]


def test_synonyms_and_boosts(tmp_path: Path) -> None:
    inline = load_recipe(made(tmp_path, '[fields]\nboosts = {title = 3}\n[index]\nsynonyms = ["tv, television"]'))
    assert (inline.boosts, inline.synonyms) == ({"title": 3}, ("tv, television",))
    (tmp_path / "s.txt").write_text("# ours\ntv, television\n", encoding="utf-8")
    assert load_recipe(made(tmp_path, '[index]\nsynonyms_file = "s.txt"')).synonyms == ("# ours", "tv, television")
    assert load_recipe(made(tmp_path, "")).synonyms is None


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[fields]\nboosts = {title = "3"}', "fields.boosts.title"),
        ("[fields]\nboosts = 3", "fields.boosts"),
        ('[index]\nsynonyms = ["a, b"]\nsynonyms_file = "s.txt"', "index.synonyms_file"),
        ('[index]\nsynonyms_file = "none.txt"', "none.txt"),
    ],
)
def test_wrong_synonyms_and_boosts_name_the_key(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        load_recipe(made(tmp_path, text))


def test_all_keys(tmp_path: Path) -> None:
    path = made(
        tmp_path,
        """
        encoder = "shipped"
        [source]
        paths = ["docs", "/abs/x.csv", "-"]
        include = "*.md"
        exclude = ["old/", "*.tmp"]
        format = "txt"
        encoding = "cp1251"
        [fields]
        id = "sku"
        title = "name"
        text = ["a", "b.c"]
        keep = ["price"]
        types = {price = "number", "made on" = "date"}
        [passages]
        size = 128
        [index]
        name = "shop"
        analyzer = "ru"
        [cleaning]
        boilerplate = true
        """,
    )
    assert load_recipe(path) == Recipe(
        path=path,
        paths=(str(tmp_path / "docs"), "/abs/x.csv", "-"),
        include=("*.md",),
        exclude=("old/", "*.tmp"),
        format="txt",
        encoding="cp1251",
        mapping=FieldMapping("sku", "name", ("a", "b.c"), ("price",)),
        types={"price": "number", "made on": "date"},
        passages=PassageSettings(128, 32),
        index="shop",
        analyzer="ru",
        encoder="shipped",
        boilerplate=True,
    )


def test_an_empty_recipe_leaves_all_to_the_defaults(tmp_path: Path) -> None:
    path = made(tmp_path, "")
    assert load_recipe(str(path)) == Recipe(path=path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("encodr = 'x'", "unknown key 'encodr'; did you mean 'encoder'?"),
        ("[sources]\npaths = []", "unknown key 'sources'; did you mean 'source'?"),
        ("[source]\npath = 'x'", "unknown key 'source.path'; did you mean 'source.paths'?"),
        ("[fields]\ntxet = 'x'", "unknown key 'fields.txet'; did you mean 'fields.text'?"),
        ("[index]\nzzz = 1", "unknown key 'index.zzz'; known here: index.name, index.analyzer"),
        ("source = 1", "source is 1, expected a table"),
        ("encoder = 1", "encoder is 1, expected a string"),
        ("[source]\npaths = [1]", "source.paths is \\[1\\], expected a string or a list of strings"),
        ("[source]\nformat = 'xml'", "source.format is 'xml', expected one of txt, md, "),
        ("[fields.types]\na = 'int'", "fields.types.a is 'int', expected one of keyword, number, date, boolean, text"),
        ("[passages]\nsize = true", "passages.size is True, expected a number of tokens"),
        ("[passages]\nsize = 4", "passages.size is 4, expected at least 16 tokens"),
        ("[passages]\nsize = 64\noverlap = 64", "passages.overlap is 64, expected 0 to 63"),
        ("[index]\nanalyzer = 'de'", "index.analyzer is 'de', expected one of auto, en, ru, standard"),
        ("[cleaning]\nboilerplate = 'yes'", "cleaning.boilerplate is 'yes', expected true or false"),
        ("a = \nb = 1", "isn't TOML: .*line 1"),
    ],
)
def test_what_is_wrong_is_named_with_its_file(tmp_path: Path, text: str, message: str) -> None:
    path = made(tmp_path, text)
    with pytest.raises(ConfigError, match=f"{path}.*{message}"):
        load_recipe(path)


def test_a_name_that_is_neither_file_nor_shipped() -> None:
    with pytest.raises(ConfigError, match="no recipe 'dmo'.*did you mean 'demo'?"):
        load_recipe("dmo")
    with pytest.raises(ConfigError, match="no recipe 'qqqq'.*one of: .*demo"):
        load_recipe("qqqq")


def test_every_shipped_recipe_loads() -> None:
    assert {"beir", "demo", "docs-folder", "elastic-dump", "helpdesk-csv"} <= set(recipe_names())
    for name in recipe_names():
        recipe = load_recipe(name)
        assert recipe == load_recipe(resource_folder("ingest") / f"{name}.toml")
        assert f"--recipe {name}" in recipe.path.read_text(encoding="utf-8")


def test_demo() -> None:
    documents = read_with(load_recipe("demo"))
    assert len(documents) >= 240 and len({one.id for one in documents}) == len(documents)
    assert all(one.title and one.text and set(one.fields) >= set(load_recipe("demo").types) for one in documents)


def test_beir(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text(
        json.dumps({"_id": "d1", "title": "T", "text": "x", "metadata": {"url": "u"}})
    )
    (tmp_path / "queries.jsonl").write_text(json.dumps({"_id": "q1", "text": "y"}))
    assert read_with(load_recipe("beir"), tmp_path) == [Document("d1", "x", "T")]


def test_helpdesk_csv(tmp_path: Path) -> None:
    head = "id,subject,body,status,priority,label,language,created_at,internal"
    (tmp_path / "tickets.csv").write_text(
        f"{head}\n7,Возврат,Как вернуть?,open,2,returns,ru,2026-01-02,secret\n", encoding="cp1251"
    )
    (found,) = read_with(load_recipe("helpdesk-csv"), tmp_path / "tickets.csv")
    assert (found.id, found.title, found.text) == ("7", "Возврат", "Как вернуть?")
    assert found.fields == {
        "status": "open",
        "priority": 2,
        "label": "returns",
        "language": "ru",
        "created_at": "2026-01-02",
    }


def test_docs_folder(tmp_path: Path) -> None:
    for name in ("a.md", "sub/b.txt", "node_modules/x/readme.md", "LICENSE.txt", "data.csv", "CHANGELOG.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text")
    (tmp_path / "page.html").write_text("<body><header>Site</header><p>Article</body>")
    found = {one.id: one.text for one in read_with(load_recipe("docs-folder"), tmp_path)}
    assert found == {"a.md": "text", "sub/b.txt": "text", "page.html": "Article"}


def test_elastic_dump(tmp_path: Path) -> None:
    line = {
        "_index": "articles",
        "_type": "_doc",
        "_id": "9",
        "_score": 1,
        "_source": {"title": "T", "body": "x", "year": 2020},
    }
    (tmp_path / "dump").write_text(json.dumps(line))
    assert read_with(load_recipe("elastic-dump"), tmp_path / "dump") == [Document("9", "x", "T", {"year": 2020})]


def test_folders_that_come_with_searchctl() -> None:
    assert (resource_folder("ingest") / "demo" / "corpus.jsonl").is_file()
    assert resource_folder("mappings").is_dir()
