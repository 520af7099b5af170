"""The examples do what they say: scripts are run, apps are asked over their own test clients, notebooks are executed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from searchctl import Index

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
pytestmark = pytest.mark.slow


@pytest.fixture
def help_centre(tmp_path: Path) -> Path:
    """A folder with an index of three documents, which is where the examples look."""
    with Index.open(tmp_path / ".searchctl") as index:
        index.ingest(
            [
                {"id": "returns", "title": "Returns", "text": "Send it back within thirty days."},
                {"id": "delivery", "title": "Delivery", "text": "Delivery takes two working days."},
                {"id": "cards", "title": "Gift cards", "text": "A gift card is valid for two years."},
            ]
        )
    return tmp_path


def run(folder: Path, *command: str, **environ: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def ask(folder: Path, code: str, **environ: str) -> list[str]:
    """Run code beside the examples, in a process of its own: each app has its framework's global state."""
    return run(folder, "-c", code, PYTHONPATH=os.pathsep.join([*sys.path, str(EXAMPLES)]), **environ).splitlines()


def test_a_folder_is_searched(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "returns.md").write_text("# Returns\n\nSend it back within thirty days.\n")
    printed = run(tmp_path, str(EXAMPLES / "search_folder.py"), "notes", "may I send it back")
    assert printed.startswith("1 written, 0 unchanged, 0 failed") and "Returns: Send it back" in printed


def test_tickets_are_routed(tmp_path: Path) -> None:
    lines = run(tmp_path, str(EXAMPLES / "route_tickets.py")).splitlines()
    assert [line.partition(" (")[0] for line in lines[:3]] == ["billing/refund", "delivery/late", "no label"]
    assert lines[3] == "gifts"


def test_fastapi(help_centre: Path) -> None:
    pytest.importorskip("fastapi", reason="needs the extra examples")
    code = """
from fastapi.testclient import TestClient
from fastapi_app import app
with TestClient(app) as client:
    print(client.get("/search", params={"q": "may I send it back"}).json()["hits"][0]["id"])
    print(client.get("/search").status_code, client.get("/search", params={"q": '"unclosed', "k": 99}).status_code)
"""
    assert ask(help_centre, code) == ["returns", "422 422"]


def test_flask(help_centre: Path) -> None:
    pytest.importorskip("flask", reason="needs the extra examples")
    code = """
from flask_app import create_app
client = create_app().test_client()
page = client.get("/", query_string={"q": "may I send it back <script>"}).text
print(page.index("Returns") < page.index("Delivery"), "<script>" in page)
"""
    assert ask(help_centre, code) == ["True False"]


def test_django(tmp_path: Path) -> None:
    pytest.importorskip("django", reason="needs the extra examples")
    code = """
from django_app import Article
from django.db import connection
from django.test import Client
with connection.schema_editor() as editor:
    editor.create_model(Article)
first = Article.objects.create(title="Returns", text="Send it back within thirty days.")
Article.objects.create(title="Доставка", text="Доставка занимает два дня.", language="ru")
client = Client()
print(client.get("/search", {"q": "may I send it back"}).json()["ids"][0], client.get("/search").status_code)
print(client.get("/search", {"q": "may I send it back", "lang": "ru"}).json()["ids"])
first.delete()
print(client.get("/search", {"q": "may I send it back"}).json()["ids"])
"""
    assert ask(tmp_path, code) == ["1 400", "['2']", "['2']"]


def test_streamlit(help_centre: Path) -> None:
    pytest.importorskip("streamlit", reason="needs the extra examples")
    code = f"""
from streamlit.testing.v1 import AppTest
page = AppTest.from_file({str(EXAMPLES / "streamlit_app.py")!r}, default_timeout=120).run()
page.text_input[0].set_value("may I send it back").run()
print(page.subheader[0].value, len(page.exception))
"""
    assert ask(help_centre, code)[-1] == "Returns 0"


@pytest.mark.parametrize("name", ["search", "routing", "topics"])
def test_a_notebook_runs(name: str, tmp_path: Path) -> None:
    nbformat: Any = pytest.importorskip("nbformat", reason="needs the extra examples")
    pytest.importorskip("nbclient", reason="needs the extra examples")
    pytest.importorskip("ipykernel", reason="needs the extra examples")
    notebook = EXAMPLES / "notebooks" / f"{name}.ipynb"
    code = f"""
import nbformat
from nbclient import NotebookClient
book = nbformat.read({str(notebook)!r}, 4)
NotebookClient(book, timeout=300, resources={{"metadata": {{"path": "."}}}}).execute()
outputs = [output for cell in book.cells for output in cell.get("outputs", ())]
print(sum(output.output_type == "error" for output in outputs), len(outputs) > 2)
"""
    tickets = str(ROOT / "ingest" / "demo" / "tickets" / "unlabelled.jsonl")
    assert ask(tmp_path, code, TICKETS=tickets)[-1] == "0 True"
    assert all("outputs" not in cell or not cell["outputs"] for cell in nbformat.read(notebook, 4).cells)
