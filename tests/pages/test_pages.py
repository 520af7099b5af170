"""Pages: whatever a text holds, it stays text."""

from __future__ import annotations

import json
from pathlib import Path

import jinja2
import pytest

from searchctl.pages import Table, render

NASTY = "<script>alert('x')</script>&\"'"


def template(folder: Path, body: str) -> Path:
    path = folder / "some.html"
    path.write_text(
        '{% extends "page.html" %}{% from "parts.html" import table %}{% block body %}' + body + "{% endblock %}"
    )
    return path


def test_values_are_escaped_in_text_and_in_attributes(tmp_path: Path) -> None:
    page = render(
        template(tmp_path, '<p title="{{ value }}">{{ value }}</p>{{ table(shown) }}'),
        title=NASTY,
        value=NASTY,
        shown=Table([NASTY], [[NASTY]], 1),
    )
    assert "<script" not in page and page.count("&lt;script&gt;") == 6
    assert 'title="&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&#34;&#39;"' in page


def test_a_page_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    page = render(template(tmp_path, "<p>text</p>"), title="A page")
    assert page.startswith("<!doctype html>") and "<title>A page</title>" in page and "<p>text</p>" in page
    assert "http" not in page and "src=" not in page and "@import" not in page


def test_a_value_that_a_template_lacks_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(jinja2.UndefinedError):
        render(template(tmp_path, "{{ missing }}"), title="A page")


def test_the_last_columns_of_a_table_are_numbers(tmp_path: Path) -> None:
    html = render(
        template(tmp_path, "{{ table(shown) }}"), title="", shown=Table(["name", "share"], [[NASTY, "1.0"]], 1)
    )
    assert "<script" not in html and '<td class="n">1.0</td>' in html and '<th class="n">share</th>' in html


def test_json_inside_a_script_is_read_as_it_was(tmp_path: Path) -> None:
    value = {"text": f"{NASTY}</script>\u2028ё", "number": 0.25}
    html = render(template(tmp_path, '<script id="data">{{ value | tojson }}</script>'), title="", value=value)
    inside = html.split('<script id="data">')[1].split("</script>")[0]
    assert html.count("</script>") == 1 and json.loads(inside) == value and "ё" in inside
