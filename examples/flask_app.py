"""A search page in Flask: flask --app flask_app run."""

from __future__ import annotations

import os

from flask import Flask, render_template_string, request

from searchctl import Index

PAGE = """<!doctype html><title>Search</title>
<form><input name="q" value="{{ question }}" aria-label="Search" autofocus><button>Search</button></form>
{% if results and not results.answered %}<p>None of these is likely to answer.</p>{% endif %}
<ol>{% for hit in results.hits if results %}<li><b>{{ hit.title }}</b> {{ hit.passage.text if hit.passage }}</li>{% endfor %}</ol>
"""


def create_app() -> Flask:
    """Make the app with an index of its own."""
    app = Flask(__name__)
    index = Index.open(os.environ.get("SEARCHCTL_ENGINE", ".searchctl"), create=False)

    @app.get("/")
    def search() -> str:
        question = request.args.get("q", "")[:500]
        return render_template_string(PAGE, question=question, results=index.search(question) if question else None)

    return app
