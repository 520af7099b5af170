"""`searchctl synonyms`, and synonyms and boosts in a recipe, as their user meets them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]
RECIPE = """
encoder = "hashing:64"
[source]
paths = ["goods.jsonl"]
[fields]
boosts = {title = 3}
[index]
synonyms = ["sofa, couch"]
"""


@pytest.fixture
def shop(run: Run, here: Path) -> Path:
    """Return the recipe of a small index."""
    rows = [
        {"id": "sofa", "text": "A sofa for two"},
        {"id": "oak", "title": "Oak", "text": "A table"},
        {"id": "ash", "title": "Ash", "text": "Like oak"},
    ]
    (here / "goods.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (here / "r.toml").write_text(RECIPE)
    assert run("ingest", "--recipe", "r.toml").exit_code == 0
    return here / "r.toml"


def hits(run: Run, query: str) -> list[str]:
    found = json.loads(run("search", query, "--mode", "lexical", "--no-repair", "--json").stdout)
    return [hit["id"] for hit in found["hits"]]


def test_a_recipes_synonyms_and_boosts_count(run: Run, shop: Path) -> None:
    assert hits(run, "couches") == ["sofa"]
    assert hits(run, "oak") == ["oak", "ash"]
    info = json.loads(run("info", "--json").stdout)
    assert (info["boosts"], info["synonyms"]) == ({"title": 3}, 1)


def test_changed_synonyms_of_a_recipe_store_nothing_anew(run: Run, shop: Path) -> None:
    shop.write_text(RECIPE.replace("couch", "settee"))
    report = json.loads(run("ingest", "--recipe", shop, "--json").stdout)
    assert (report["written"], report["unchanged"]) == (0, 3)
    assert (hits(run, "couch"), hits(run, "settee")) == ([], ["sofa"])


def test_other_boosts_need_another_index(run: Run, shop: Path) -> None:
    shop.write_text(RECIPE.replace("title = 3", "title = 2"))
    refused = run("ingest", "--recipe", shop)
    assert refused.exit_code == 2
    assert "boosts of title = 3" in refused.stderr


def test_rules_are_shown_replaced_and_cleared(run: Run, shown: Run, shop: Path, here: Path) -> None:
    assert shown("synonyms").stdout == "sofa, couch\n"
    (here / "s.txt").write_text("# ours\nsofa, divan\noak => ash\n")
    assert "2 rules" in shown("synonyms", "s.txt").stderr
    assert hits(run, "oak") == ["ash"]
    assert json.loads(shown("synonyms", "-", "--json", stdin="sofa, ottoman").stdout) == {
        "schema": "synonyms/1",
        "synonyms": ["sofa, ottoman"],
    }
    assert hits(run, "ottoman") == ["sofa"]
    assert shown("synonyms", "--clear").exit_code == 0
    assert hits(run, "ottoman") == []


def test_a_wrong_rule_changes_nothing(run: Run, shop: Path) -> None:
    wrong = run("synonyms", "-", stdin="sofa")
    assert wrong.exit_code == 2
    assert "line 1" in wrong.stderr
    assert hits(run, "couch") == ["sofa"]


@pytest.mark.parametrize("boost", ["title", "title=x", "title=99", "price=2"])
def test_wrong_boosts_are_refused(run: Run, shop: Path, boost: str) -> None:
    refused = run("ingest", "goods.jsonl", "--boost", boost, "--index", "new", "--encoder", "hashing:64")
    assert refused.exit_code == 2, refused.stderr
    assert boost.split("=")[0] in refused.stderr
