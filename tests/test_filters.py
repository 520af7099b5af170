"""The language of filters, and that it means the same wherever it is decided."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from searchctl.engines import open_engine
from searchctl.errors import UsageError
from searchctl.filters import as_filter, check_filter, parse_filter, parse_where, written
from searchctl.index import Index
from searchctl.schema import Schema
from searchctl.types import (
    AllOf,
    And,
    Clause,
    Document,
    Entry,
    Exists,
    Filter,
    Not,
    OneOf,
    Or,
    Passage,
    Prefix,
    Range,
    Scope,
    Value,
)


def one(field: str, *values: str) -> Clause:
    return Clause(field, OneOf(values))


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("lang=ru", one("lang", "ru")),
        ("lang==ru", one("lang", "ru")),
        ("lang=ru,en", one("lang", "ru", "en")),
        ('city="Washington, DC"', one("city", "Washington, DC")),
        ("city='Washington, DC'", one("city", "Washington, DC")),
        ("place=Home Appliances", one("place", "Home Appliances")),
        ("name=O'Brien", one("name", "O'Brien")),
        (r'say="a \\"b\\" \\\\ c"'.replace("\\\\", "\\"), one("say", 'a "b" \\ c')),
        ('"Цена, руб.">=10', Clause("Цена, руб.", Range(gte="10"))),
        ("Order date<2026-01-01", Clause("Order date", Range(lt="2026-01-01"))),
        ("price>=10 AND price<20", Clause("price", Range(gte="10", lt="20"))),
        ("rating=*", Clause("rating", Exists())),
        ("rating!=*", Not(Clause("rating", Exists()))),
        ("rating IS NULL", Not(Clause("rating", Exists()))),
        ("rating IS NOT NULL", Clause("rating", Exists())),
        ("lang!=ru", Not(one("lang", "ru"))),
        ("lang<>ru", Not(one("lang", "ru"))),
        ("id=manual/*", Clause("id", Prefix("manual/"))),
        ('title="Rock *"', one("title", "Rock *")),
        ('title="Rock "*', Clause("title", Prefix("Rock "))),
        ("n IN (9, 5)", one("n", "9", "5")),
        ("n NOT IN (9, 5)", Not(one("n", "9", "5"))),
        ("tags ALL (red, blue)", And((one("tags", "red"), one("tags", "blue")))),
        ("a=1 OR b=2 AND c=3", Or((one("a", "1"), And((one("b", "2"), one("c", "3")))))),
        ("(a=1 OR b=2) AND NOT c=3", And((Or((one("a", "1"), one("b", "2"))), Not(one("c", "3"))))),
        ('"NOT"=x', one("NOT", "x")),
        ("tag=a*,b", Or((one("tag", "b"), Clause("tag", Prefix("a"))))),
        ('empty=""', one("empty", "")),
        ("temperature>=-5", Clause("temperature", Range(gte="-5"))),
    ],
)
def test_reads_what_is_typed(text: str, meaning: Filter) -> None:
    assert parse_filter(text) == meaning


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("lang", 1, "no operator"),
        ("=x", 1, "expected a field"),
        ("lang=", 6, "expected a value"),
        ("lang=a,,b", 8, "expected a value"),
        ("city=Washington, DC", 16, "in quotes"),
        ("url=a=b", 6, "in quotes"),
        ("lang=en,year>=2020", 13, "in quotes"),
        ("lang=en and year>2020", 17, "in quotes"),
        ("not lang=en", 1, "NOT in capitals"),
        ("lang=>en", 5, "isn't an operator"),
        ("lang=!en", 5, "isn't an operator"),
        ("lang~en", 5, "expected an operator"),
        ("lang:en", 1, "no operator"),
        ("price=9,5", 7, "9.5"),
        ("price>=9,5", 9, "9.5"),
        ("size=1,000,000", 6, "one number or several"),
        ("name=*burg", 6, "at the end"),
        ("price>1*", 7, r"can't have a \*"),
        ("a=1 AND", 8, "expected a field"),
        ("a=1 AND b", 9, "no operator"),
        ("(a=1", 5, "expected AND, OR or"),
        ("a=1)", 4, "expected AND, OR or the end"),
        ("a=1 OR OR b=2", 8, "expected a field"),
        ('a="1', 3, "isn't closed"),
        ('a="1" b=2', 7, "expected AND"),
        ('a=5"', 4, "in quotes"),
        ("place=“Home”", 7, "straight quotes"),
        (r"city=Washington\, DC", 16, "in quotes"),
        ("a=1 && b=2", 5, "in quotes"),
        ("a=b|c", 4, "in quotes"),
        ("NOT", 4, "expected a field"),
        ("", 1, "expected a field"),
    ],
)
def test_refuses_the_rest_and_marks_the_column(text: str, column: int, says: str) -> None:
    with pytest.raises(UsageError, match=says) as refused:
        parse_filter(text)
    assert f"column {column}, where ^ stands: {text[: column - 1]}^{text[column - 1 :]}: " in str(refused.value)


def test_limits_what_is_read() -> None:
    for text in ("(" * 80 + "a=1" + ")" * 80, "NOT " * 80 + "a=1", " OR ".join(["a=1"] * 600), "a=" + "x" * 30_000):
        with pytest.raises(UsageError):
            parse_filter(text)


names = st.one_of(st.sampled_from(["a", "b", "NOT", "Цена, руб.", "x y", 'q"', "and"]), st.text(min_size=1, max_size=8))
texts = st.one_of(
    st.sampled_from(["a", "AND", "Washington, DC", '"', "\\", "*", "a*", "9,5", "", "x OR y"]), st.text(max_size=8)
)
clauses = st.builds(
    Clause,
    names,
    st.one_of(
        st.builds(lambda values: OneOf(tuple(values)), st.lists(texts, max_size=3)),
        st.builds(Prefix, texts),
        st.just(Exists()),
        st.builds(lambda bound: Range(gte=bound), texts),
        st.builds(lambda low, high: Range(gt=low, lte=high), texts, texts),
    ),
)
filters = st.recursive(
    clauses,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(lambda parts: And(tuple(parts)), st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: Or(tuple(parts)), st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=6,
)


@given(filters)
@settings(max_examples=300, deadline=None)
def test_what_is_printed_is_read_as_the_same(given_filter: Filter) -> None:
    canonical = as_filter(given_filter)
    assert canonical is not None
    assert parse_filter(written(canonical)) == canonical


@given(st.text(alphabet="ab1,.*\"'\\()=!<>~: ANDORTI", max_size=24))
@settings(max_examples=500, deadline=None)
def test_any_text_is_refused_or_means_what_its_printed_form_says(text: str) -> None:
    try:
        meaning = parse_filter(text)
    except UsageError:
        return
    assert parse_filter(written(meaning)) == meaning


def test_repeated_filters_narrow() -> None:
    assert parse_where(["tags=red", "tags=blue"]) == And((one("tags", "red"), one("tags", "blue")))
    assert parse_where(["price>=1", "price<2"]) == Clause("price", Range(gte="1", lt="2"))
    assert parse_where([]) is None


def test_python_values_mean_the_same() -> None:
    given_values = {"a": 1, "b": ["x", "y"], "c": Range(gt=2), "d": AllOf(("u", "v"))}
    assert as_filter(given_values) == And(  # type: ignore[arg-type]
        (
            Clause("a", OneOf((1,))),
            Clause("b", OneOf(("x", "y"))),
            Clause("c", Range(gt=2)),
            Clause("d", OneOf(("u",))),
            Clause("d", OneOf(("v",))),
        )
    )
    assert as_filter("lang=ru") == one("lang", "ru")
    assert as_filter({}) is None
    day = datetime.date(2026, 1, 31)
    assert as_filter({"day": day, "n": np.int64(5), "p": Decimal("4.5"), "s": {"x"}}) == And(  # type: ignore[dict-item]
        (one("day", "2026-01-31"), Clause("n", OneOf((5,))), one("p", "4.5"), one("s", "x"))
    )


@pytest.mark.parametrize(
    "where",
    [
        {"f": {"gte": 1}},
        {"f": None},
        {"f": [None]},
        {"f": b"x"},
        {"f": object()},
        {"f": Range()},
        {"f": AllOf(())},
        ["f=1"],
        5,
        And(()),
    ],
    ids=lambda where: str(where).partition(" object at")[0],  # the same in every process
)
def test_python_values_that_are_no_filter_are_refused(where: object) -> None:
    with pytest.raises(UsageError):
        as_filter(where)  # type: ignore[arg-type]


def test_a_wrong_filter_says_how_to_write_it() -> None:
    with pytest.raises(UsageError, match="'maybe' isn't one; write true or false"):
        check_filter(parse_filter("archived=maybe"), {"archived": "boolean"})
    with pytest.raises(UsageError, match="have no order"):
        check_filter(parse_filter("sku>=20"), {"sku": "keyword"})
    with pytest.raises(UsageError, match="is searched and not compared"):
        check_filter(parse_filter("note=steel"), {"note": "text"})
    with pytest.raises(UsageError, match="did you mean 'lang'"):
        check_filter(parse_filter("year=1 OR NOT (lagn=en)"), {"lang": "keyword", "year": "number"})


FIELDS: dict[str, dict[str, Value]] = {
    "a": {"lang": "en", "year": 2019, "day": "2019-05-01", "open": True, "tags": ["red", "blue"]},
    "b": {"lang": "ru", "year": 2020, "day": "2020-05-01T12:00:00Z", "open": False, "tags": ["blue"]},
    "c": {"lang": "en", "year": 2021.5, "tags": []},
    "d": {"year": 9007199254740993},
    "e": {"lang": ["ru", "en"], "year": [1999, 2022], "note": "prose " * 60},
    "f/1": {"lang": 'Wa"sh, DC', "year": 9007199254740992},
}
TYPES = {"lang": "keyword", "year": "number", "day": "date", "open": "boolean", "tags": "keyword", "note": "text"}
MEANT = {
    "lang=en": "ace",
    "lang=en,ru": "abce",
    "lang ALL (en, ru)": "e",
    "lang=*": "abcef",
    "lang!=*": "d",
    "lang!=en": "bdf",
    "note=*": "e",
    "note!=*": "abcdf",
    "tags=blue": "ab",
    "tags=red AND tags=blue": "a",
    "tags=*": "ab",
    "year>=2020 AND year<9999": "bce",
    "year>2020 AND year<=2021.5": "c",
    "year<2020": "ae",
    "year=9007199254740993": "d",
    "year>9007199254740992": "d",
    "year=2020.0": "b",
    "day<2020-05-01": "a",
    "day<=2020-05-01": "ab",
    "day=2020-05-01": "b",
    "day>2020-05-01": "",
    "day=2019": "a",
    "day=2020-05": "b",
    "day>=2020-05-01T12:00:00+00:00": "b",
    "day>2020-05-01T12:00:00Z": "",
    "open=true": "a",
    "open=false AND lang=ru": "b",
    "lang=de": "",
    "lang=e*": "ace",
    'lang="Wa\\"sh, DC"': "f",
    "id=f/*": "f",
    "id IN (a, b)": "ab",
    "title=Manual*": "cd",
    'title="Manual, part 2"': "d",
    "title!=*": "abef",
    "NOT (lang=en OR year>=2020)": "",
    "lang=en AND (year=2019 OR NOT open=*)": "ace",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    engine = open_engine(tmp_path_factory.mktemp("filters") / "engine")
    engine.create("default", Schema(None, fields=TYPES))  # type: ignore[arg-type]
    titles = {"c": "Manual", "d": "Manual, part 2"}
    engine.write(
        "default",
        [Entry(Document(id, "text", titles.get(id, ""), fields), (Passage(0, 4),)) for id, fields in FIELDS.items()],
    )
    return Index(engine, "default")


@pytest.mark.parametrize("text", MEANT)
def test_worked_by_hand_document_by_document_and_by_the_engine(text: str, index: Index) -> None:
    expected = {"f/1" if letter == "f" else letter for letter in MEANT[text]}
    assert set(index.matching_ids(text)) == expected
    assert index.engine.count("default", Scope(parse_filter(text))) == len(expected)


known = st.recursive(
    st.builds(parse_filter, st.sampled_from([text for text in MEANT if "AND" not in text])),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(lambda parts: And(tuple(parts)), st.lists(inner, min_size=2, max_size=3)),
        st.builds(lambda parts: Or(tuple(parts)), st.lists(inner, min_size=2, max_size=3)),
    ),
    max_leaves=5,
)


@given(where=known)
@settings(max_examples=150, deadline=None)
def test_the_engine_decides_as_is_decided_for_one_document(where: Filter, index: Index) -> None:
    assert index.count(where) == len(list(index.matching_ids(where)))


def test_many_values_are_one_condition(index: Index) -> None:
    assert index.count({"year": list(range(3000))}) == 3
    assert index.count({"lang": [f"x{n}" for n in range(600)] + ["en"]}) == 3
