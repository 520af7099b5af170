"""A Django site in one file whose articles can be searched: python django_app.py migrate, then runserver.

Saving or deleting an article brings the index up to date when the transaction is committed.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import Any

import django
from django.conf import settings
from django.core.management import execute_from_command_line
from django.db import models, transaction
from django.db.models.signals import post_delete, post_save
from django.http import HttpRequest, JsonResponse
from django.urls import path

from searchctl import Index

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["localhost", "127.0.0.1", "testserver"],
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("DATABASE", "site.sqlite")}
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        ROOT_URLCONF=__name__,
        SECRET_KEY=os.environ.get("DJANGO_SECRET_KEY", "for trying out only"),
    )
    django.setup()


@cache
def index() -> Index:
    """Return the index, opened once in each process."""
    return Index.open(os.environ.get("SEARCHCTL_ENGINE", ".searchctl"), "articles")


class Article(models.Model):
    """What the site is about."""

    title = models.CharField(max_length=200)
    text = models.TextField()
    language = models.CharField(max_length=2, default="en")

    class Meta:
        """Where Django puts the table."""

        app_label = "articles"


def store(sender: Any, instance: Article, **_: Any) -> None:
    """Encode an article when it is surely saved."""
    document = {"id": str(instance.pk), "title": instance.title, "text": instance.text, "lang": instance.language}
    transaction.on_commit(lambda: index().ingest(document))


def forget(sender: Any, instance: Article, **_: Any) -> None:
    """Take an article out of the index."""
    key = str(instance.pk)
    transaction.on_commit(lambda: index().delete(key))


post_save.connect(store, Article)
post_delete.connect(forget, Article)


def search(request: HttpRequest) -> JsonResponse:
    """Answer /search?q=…&lang=…."""
    question, language = request.GET.get("q", "")[:500], request.GET.get("lang")
    if not question:
        return JsonResponse({"error": "type a question: ?q=…"}, status=400)
    results = index().search(question, where={"lang": language} if language else None)
    return JsonResponse({"answered": results.answered, "ids": [hit.id for hit in results.hits]})


urlpatterns = [path("search", search)]

if __name__ == "__main__":
    if sys.argv[1:] == ["migrate"]:
        from django.db import connection

        with connection.schema_editor() as editor:
            editor.create_model(Article)
    else:
        execute_from_command_line(sys.argv)
