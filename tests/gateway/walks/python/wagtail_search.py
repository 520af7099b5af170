"""Wagtail's search (`modelsearch`) over a Django model, with its backend for OpenSearch 2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import django
from django.conf import settings
from doors import PARAPHRASE, WORDS, documents, main, note

settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "modelsearch"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    MODELSEARCH_BACKENDS={
        "default": {"BACKEND": "modelsearch.backends.opensearch2", "URLS": ["http://127.0.0.1:1"], "AUTO_UPDATE": False}
    },
    USE_TZ=True,
)
django.setup()

from django.db import connection, models  # noqa: E402 - after the settings
from modelsearch import index as searchable  # noqa: E402
from modelsearch.backends.opensearch2 import SearchBackend  # noqa: E402


class Goods(searchable.Indexed, models.Model):
    """What is searched for."""

    name = models.CharField(max_length=200)
    description = models.TextField()
    brand = models.CharField(max_length=50)
    category = models.CharField(max_length=50)
    price = models.IntegerField()
    search_fields = [
        searchable.SearchField("name", boost=3),
        searchable.AutocompleteField("name"),
        searchable.SearchField("description"),
        searchable.FilterField("brand"),
        searchable.FilterField("category"),
        searchable.FilterField("price"),
    ]

    class Meta:
        app_label = "goods"


def backend(url: str, index: str) -> Any:
    return SearchBackend({"URLS": [url], "INDEX_PREFIX": index, "ATOMIC_REBUILD": False})


def prepare() -> None:
    """Make the model's table and its rows, as a process of the app would have them."""
    with connection.schema_editor() as editor:
        editor.create_model(Goods)
    Goods.objects.bulk_create(Goods(id=place + 1, **one) for place, one in enumerate(documents()))


def fill(url: str, index: str) -> list[str]:
    """Have the backend make the index and put the rows in."""
    prepare()
    search = backend(url, index)
    made = search.get_index_for_model(Goods)
    made.delete()
    made.put()
    made.add_model(Goods)
    made.add_items(Goods, list(Goods.objects.all()))
    made.refresh()
    mapping = search.mapping_class(Goods)
    columns = {field.field_name: mapping.get_field_column_name(field) for field in Goods.get_searchable_search_fields()}
    return [made.name, *columns.values()]


def walk(url: str, index: str, door: Callable[[Any], Any]) -> dict[str, Any]:
    if Goods._meta.db_table not in connection.introspection.table_names():
        prepare()
    search = backend(url, index)
    search.es = door(search.es)
    made = search.get_index_for_model(Goods)
    written = Goods.objects.create(id=100, **note())
    made.add_item(written)
    made.refresh()
    goods = Goods.objects.all()

    def names(found: Any) -> list[str]:
        return [one.name for one in found]

    seen = {
        "paraphrase": names(search.search(PARAPHRASE, goods)[:4]),
        "filtered": names(search.search("warm", goods.filter(brand="North"))[:5]),
        "facets": sorted(search.search(WORDS, goods, operator="or").facet("category").items()),
        "sorted": names(search.search("gloves", goods.order_by("price"), order_by_relevance=False)[:5]),
        "pages": [names(search.search("light rain", goods, operator="or")[start : start + 2]) for start in (0, 2)],
        "fields": names(search.search("gloves", goods, fields=["name"])[:5]),
        "scored": [one.score > 0 for one in search.search("gloves", goods)[:3].annotate_score("score")],
        "beginning": sorted(names(search.autocomplete("esp", goods)[:5])),
        "all": sorted(names(search.search("gloves", goods))),
        "count": search.search("gloves", goods).count(),
    }
    made.delete_item(written)
    made.refresh()
    written.delete()
    return seen


main(fill, walk)
