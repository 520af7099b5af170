"""django-haystack over a Django model, with its backend for Elasticsearch 7 and that library's client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import django
from django.conf import settings
from doors import PARAPHRASE, WORDS, documents, main, note

from searchctl import hybrid
from searchctl.errors import UsageError

settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "haystack"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    HAYSTACK_CONNECTIONS={
        "default": {
            "ENGINE": "haystack.backends.elasticsearch7_backend.Elasticsearch7SearchEngine",
            "URL": "http://127.0.0.1:1",
            "INDEX_NAME": "none",
        }
    },
    USE_TZ=True,
)
django.setup()

import haystack  # noqa: E402 - after the settings
from django.db import connection, models  # noqa: E402
from haystack import indexes  # noqa: E402
from haystack.query import SearchQuerySet  # noqa: E402


class Goods(models.Model):
    """What is searched for."""

    name = models.CharField(max_length=200)
    description = models.TextField()
    brand = models.CharField(max_length=50)
    category = models.CharField(max_length=50)
    price = models.IntegerField()

    class Meta:
        app_label = "haystack"  # an app that is installed


class GoodsIndex(indexes.SearchIndex, indexes.Indexable):
    """How it is indexed."""

    text = indexes.CharField(document=True)
    name = indexes.EdgeNgramField(model_attr="name")
    brand = indexes.CharField(model_attr="brand", faceted=True)
    category = indexes.CharField(model_attr="category", faceted=True)
    price = indexes.IntegerField(model_attr="price")

    def get_model(self) -> type[Goods]:
        return Goods

    def prepare_text(self, one: Goods) -> str:
        return f"{one.name}. {one.description}"


def opened(url: str, index: str) -> Any:
    """Return the backend behind this address."""
    connected = haystack.connections["default"]
    connected.options.update(URL=url, INDEX_NAME=index)
    backend = connected.get_backend()
    backend.__init__("default", **connected.options)
    unified = connected.get_unified_index()
    unified.build(indexes=[GoodsIndex()])
    return backend


def fill(url: str, index: str) -> list[str]:
    """Have the backend make the index."""
    prepare()
    backend = opened(url, index)
    backend.clear()
    backend.setup()
    backend.update(GoodsIndex(), Goods.objects.all())
    return ["text"]


def prepare() -> None:
    """Make the model's table and its rows."""
    with connection.schema_editor() as editor:
        editor.create_model(Goods)
    Goods.objects.bulk_create(Goods(id=place + 1, **one) for place, one in enumerate(documents()))


def walk(url: str, index: str, door: Callable[[Any], Any]) -> dict[str, Any]:
    if Goods._meta.db_table not in connection.introspection.table_names():
        prepare()
    backend = opened(url, index)
    try:
        hybrid(backend.conn)
        refused = ""
    except UsageError as error:
        refused = str(error)
    written = Goods.objects.create(id=100, **note())
    backend.update(GoodsIndex(), [written])

    def asked(text: str) -> Any:
        return SearchQuerySet().auto_query(text).models(Goods)

    def names(found: Any) -> list[str]:
        return [one.name for one in found]

    marked = asked(WORDS).highlight()[:3]
    seen = {
        "paraphrase": names(asked(PARAPHRASE)[:4]),
        "filtered": names(asked("gloves").narrow("brand_exact:North")[:5]),
        "facets": sorted(asked("gloves").facet("category").facet_counts()["fields"]["category"]),
        "marked": [bool(one.highlighted) for one in marked],
        "sorted": names(asked("gloves").order_by("-price")[:5]),
        "pages": [names(asked("light")[start : start + 2]) for start in (0, 2)],
        "exact": names(asked('"leather gloves"')[:3]),
        "like": names(SearchQuerySet().more_like_this(Goods.objects.get(id=1))[:3]),
        "beginning": sorted(names(SearchQuerySet().autocomplete(name="Esp")[:3])),
        "count": asked("gloves").count(),
        "refused": refused,
    }
    backend.remove(written)
    written.delete()
    return seen


main(fill, walk)
