r"""How people and programs write numbers, dates and "nothing": `1 290,50`, `05.03.2026 14:22`, `NULL`, `\N`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Literal, TypeAlias

DecimalSign: TypeAlias = Literal["point", "comma"]
ColumnKind: TypeAlias = Literal["number", "number with comma", "boolean"]

NO_VALUE = frozenset(
    r"null \n n/a #n/a nan nat <null> (null) н/д 0000-00-00 00.00.0000".split() + ["0000-00-00 00:00:00"]
)
"""What programs write where a value is missing, in small letters; no field's value says this in earnest."""
_NO_VALUE_BESIDE_TYPED = NO_VALUE | frozenset(["none", "nil", "na", "-", "--", "–", "—", "нет данных", "not available"])

_WORDS = {"true": True, "false": False}
_OTHER_WORDS = {"yes": True, "no": False, "да": True, "нет": False, "1": True, "0": False}

_GAP = " \u00a0\u202f\u2009'"  # between groups of three digits
_PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_WITH_POINT = re.compile(rf"[+-]?[1-9][0-9]{{0,2}}(?:(?P<gap>[{_GAP},])[0-9]{{3}}(?:(?P=gap)[0-9]{{3}})*)(?:\.[0-9]+)?")
_WITH_COMMA = re.compile(
    rf"[+-]?(?:[1-9][0-9]{{0,2}}(?:(?P<gap>[{_GAP}.])[0-9]{{3}}(?:(?P=gap)[0-9]{{3}})*)|[0-9]+)(?:,[0-9]+)?"
)
_HALVES = re.compile("[\ud800-\udfff]")
_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20") + ("\t", "\r")
_CODE = re.compile(r"[+-]?0[0-9]|\+|[0-9+-]{16}")  # leading zeros, phones, cards: names made of digits
_REMEMBERED = 4096  # dates
_LONGEST_DATE = 64  # characters of one that no pattern describes
_LARGEST = 2**63  # beyond, whole numbers are kept as the nearest fraction

_ISO = re.compile(
    r"(\d{4})[-/](\d{2})[-/](\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s?(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?)?"
)
_DAY_FIRST = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:,?[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?")
_MONTHS = tuple(
    names.split()
    for names in (
        *("january январь января", "february февраль февраля", "march март марта", "april апрель апреля"),
        *("may май мая", "june июнь июня", "july июль июля", "august август августа"),
        *("september сентябрь сентября", "october октябрь октября", "november ноябрь ноября"),
        "december декабрь декабря",
    )
)
_WEEKDAY = r"(?:[A-Za-zА-Яа-я]{2,12}\.?,?\s+)?"
_MONTH = r"(?P<month>[A-Za-zА-Яа-я]{3,9})\.?"
_CLOCK = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?(?:\s?(?P<half>[AaPp])\.?[Mm]\.?)?"
    r"(?:\s?(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2}))?(?:\s\([A-Z]{2,5}\))?"
)
_AT = rf"(?:,?\s+(?:at\s+|в\s+)?{_CLOCK})?"
_SPELLED = tuple(
    re.compile(_WEEKDAY + form)
    for form in (
        rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[\s./-]{{1,2}}{_MONTH},?[\s./-]{{1,2}}(?P<year>\d{{4}})(?:\s?(?:г\.?|года))?{_AT}",
        rf"(?P<day>\d{{1,2}})[/-]{_MONTH}[/-](?P<year>\d\d){_AT}",
        rf"{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}}){_AT}",
        rf"{_MONTH}\s+(?P<day>\d{{1,2}})\s+{_CLOCK}\s+(?P<year>\d{{4}})",
    )
)
_FRACTION = re.compile(r"(?<=:\d\d)\.(\d+)")
_OFFSET = re.compile(r"(?<=:\d\d)(\.\d+)?([+-]\d\d)(\d\d)$")


def without_halves(text: str) -> str:
    """Return the text with a replacement character for each half of a letter (a lone surrogate), which nothing can store."""
    return text if text.isascii() else _HALVES.sub("\ufffd", text)


def table_cell(text: str) -> str:
    """Return a cell for a table that others open: one that a spreadsheet program would run as a formula gets a quote before it."""
    if text.lstrip()[:1] in _FORMULA and text.strip() and parse_number(text) is None:
        return f"'{text}"
    return text


def is_nothing(text: str, *, typed: bool = False) -> bool:
    """Tell whether a value says that there is none; in a `typed` field (number, date, boolean) a dash says so, too."""
    words = text.strip().lower()
    return not words or words in (_NO_VALUE_BESIDE_TYPED if typed else NO_VALUE)


def parse_number(text: str, sign: DecimalSign | None = None) -> int | float | None:
    """Return the number that a text is, exact where it is whole and below 2**63; None when it's none.

    Without a `sign` both decimal signs are understood where only one reading is possible: `9,90`, `1 290,50`, `1,290.50`,
    but not `1,290`.
    """
    text = text.strip()
    if sign != "comma" and _PLAIN.fullmatch(text):
        return _number(text)
    with_point = _WITH_POINT.fullmatch(text) if sign != "comma" else None
    with_comma = _WITH_COMMA.fullmatch(text) if sign != "point" else None
    if with_point and with_comma and "," in text:
        return None  # `1,290` is one and a bit, or a thousand and more
    if with_point:
        return _number(re.sub(rf"[{_GAP},]", "", text))
    return _number(re.sub(rf"[{_GAP}.]", "", text).replace(",", ".")) if with_comma else None


def _number(text: str) -> int | float | None:
    if text.lstrip("+-").isdigit() and len(text) <= 20 and abs(whole := int(text)) < _LARGEST:
        return whole
    number = float(text)
    return number if number - number == 0 else None  # too large for a float


def parse_boolean(text: str) -> bool | None:
    """Return what a word for true or false says: also yes, no, да, нет, 1, 0."""
    word = text.strip().lower()
    return _WORDS.get(word, _OTHER_WORDS.get(word))


def parse_date(text: str, pattern: str | None = None) -> str | None:
    """Return a date in ISO 8601, with its time and offset where they are given; None when it's none.

    Understood are ISO's form, also with slashes or a blank for the T, `dd.mm.yyyy` with or without a time, and dates with
    the month's name, in English or Russian: `5 января 2026 г.`, `Jan 5, 2026 10:30 AM`, those of e-mails. A `pattern` is one
    of `strptime`, tried first.
    """
    text = text.strip()
    if len(text) <= _LONGEST_DATE:
        return _remembered_date(text, pattern)
    return None if pattern is None else _parsed_date(text, pattern)


def _parsed_date(text: str, pattern: str | None) -> str | None:
    if pattern is not None:
        try:
            moment = datetime.strptime(text, pattern)  # noqa: DTZ007 - a date without a zone stays one
        except ValueError:
            pass
        else:
            has_time = any(sign in pattern for sign in ("%H", "%I", "%c", "%X", "%T"))
            return moment.isoformat() if has_time else moment.date().isoformat()
    if iso := _ISO.fullmatch(text):
        return text if epoch(text) is not None else _iso(*iso.groups())
    if day_first := _DAY_FIRST.fullmatch(text):
        day, month, year, hour, minute, second, fraction = day_first.groups()
        return _iso(year, month.zfill(2), day.zfill(2), hour, minute, second, fraction, None)
    return _spelled_date(text)


def _spelled_date(text: str) -> str | None:
    """Return a date whose month is written as a word."""
    spelled = next((match for form in _SPELLED if (match := form.fullmatch(text))), None)
    if spelled is None:
        return None
    word = spelled["month"].lower()
    month = next((number for number, names in enumerate(_MONTHS, 1) if any(map(word.__eq__, _shortened(names)))), 0)
    hour = spelled["hour"]
    if spelled["half"]:
        hour = str(int(hour) % 12 + 12 * (spelled["half"] in "pP"))
    year = (
        spelled["year"]
        if len(spelled["year"]) == 4
        else f"{'19' if spelled['year'] >= '70' else '20'}{spelled['year']}"
    )
    return _iso(
        *(
            year,
            f"{month:02}",
            spelled["day"].zfill(2),
            hour,
            spelled["minute"],
            spelled["second"],
            None,
            spelled["zone"],
        )
    )


def _shortened(names: Iterable[str]) -> Iterable[str]:
    return (name[:letters] for name in names for letters in range(3, len(name) + 1))


_remembered_date = lru_cache(maxsize=_REMEMBERED)(_parsed_date)  # columns have the same dates again and again


def check_date_format(pattern: str, where: str, error: type[Exception]) -> None:
    """Raise `error` where a pattern isn't one of `strptime` that reads a whole date."""
    try:
        read = datetime.strptime(datetime(2026, 12, 31, 23, 58, 59).strftime(pattern), pattern)
    except (ValueError, re.error) as failed:
        raise error(f"{where} has a date format that can't be used: {failed}; write it like %d/%m/%Y %H:%M") from failed
    if (read.year, read.month, read.day) != (2026, 12, 31):
        raise error(f"{where} has a date format without day, month and year; write it like %d/%m/%Y %H:%M")


def _iso(
    year: str,
    month: str,
    day: str,
    hour: str | None,
    minute: str | None,
    second: str | None,
    fraction: str | None,
    zone: str | None,
) -> str | None:
    date = f"{year}-{month}-{day}"
    if hour is not None:
        date += f"T{hour.zfill(2)}:{minute}:{second or '00'}"
        date += f".{fraction[:6]:0<6}" if fraction else ""
        date += "" if not zone else "+00:00" if zone.isalpha() else f"{zone[:3]}:{zone[-2:] if len(zone) > 3 else '00'}"
    return date if epoch(date) is not None else None


def epoch(iso: str) -> float | None:
    """Return an ISO date as seconds since 1970 UTC; without an offset it's UTC. None when it's no date."""
    iso = iso.strip()
    return _epoch(iso) if len(iso) <= _LONGEST_DATE else None


@lru_cache(maxsize=_REMEMBERED)
def _epoch(iso: str) -> float | None:
    try:
        moment = datetime.fromisoformat(_as_python_3_10_reads_it(iso))
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
    except (ValueError, OverflowError):
        return None


def iso_of_milliseconds(moment: int) -> str:
    """Return milliseconds since 1970 UTC as an ISO date and time."""
    moment_utc = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=moment)
    return moment_utc.isoformat(timespec="milliseconds").replace("+00:00", "Z").replace(".000Z", "Z")


def _as_python_3_10_reads_it(iso: str) -> str:
    """Return an ISO date with six digits of a second's fraction, and a colon in its offset: later versions take others too."""
    iso = _FRACTION.sub(lambda fraction: f".{fraction[1][:6]:0<6}", iso.replace("Z", "+00:00"))
    return _OFFSET.sub(r"\1\2:\3", iso)


def column_kind(cells: Iterable[str]) -> ColumnKind | None:
    """Return what all cells of a table's column are, those apart that hold nothing; None for text."""
    values = [cell.strip() for cell in cells if not is_nothing(cell, typed=True)]
    if not values:
        return None
    if all(value.lower() in _WORDS for value in values):
        return "boolean"
    if any(map(_CODE.match, values)):
        return None
    if all(parse_number(value, "point") is not None for value in values):
        ambiguous = all(_PLAIN.fullmatch(value) is None and parse_number(value) is None for value in values)
        return None if ambiguous else "number"
    return "number with comma" if all(parse_number(value, "comma") is not None for value in values) else None


def read_cell(text: str, kind: ColumnKind | None) -> str | int | float | bool | None:
    """Return a cell as its column's kind, as it is when it isn't of that kind, None when it holds nothing."""
    if is_nothing(text, typed=True) if kind is not None else text.strip() == r"\N":
        return None
    if kind is None:
        return text
    if kind == "boolean":
        return _WORDS.get(text.strip().lower(), text)
    if _CODE.match(text.strip()):
        return text
    number = parse_number(text, "comma" if kind == "number with comma" else "point")
    return text if number is None else number
