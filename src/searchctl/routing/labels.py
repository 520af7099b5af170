"""Labels as people write them: one spelling of blanks, slashes and accents, and which labels may be meant as one or as several."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from searchctl.errors import UsageError
from searchctl.translation import _

MAX_LABEL = 200
_WORDS = re.compile(r"(?<=[a-zа-яё])(?=[A-ZА-ЯЁ])|[_/.\-\s]+")
_INVISIBLE = re.compile("[\u200b\u2060\ufeff\u00ad]")
_SLASH = re.compile(r"\s*/\s*")
_BETWEEN_WORDS = re.compile(r"[\s_-]+")
_SEPARATORS = (";", ",", "|")


def check_label(label: str) -> str:
    """Return the label as it is stored; raises UsageError when it can't be one."""
    name = spelt(label)
    if not name or len(name) > MAX_LABEL or any(ord(sign) < 32 for sign in label.strip()):
        raise UsageError(
            _("the label {label!r} can't be used; give 1 to {MAX_LABEL} characters on one line").format(
                label=label[:40], MAX_LABEL=MAX_LABEL
            )
        )
    if any(not part for part in name.split("/")):
        raise UsageError(_("the label {name!r} has an empty level; write it like billing/refund").format(name=name))
    return name


def spelt(label: str) -> str:
    """Return a label with single blanks, none around slashes, composed accents, and no sign that can't be seen.

    So `Billing / refund` with any kind of blank is `Billing/refund`. Letters keep their case.
    """
    visible = _INVISIBLE.sub("", unicodedata.normalize("NFC", label))
    return _SLASH.sub("/", " ".join(visible.split()))


def name_text(label: str) -> str:
    """Return a label as words: `billing/cardRefund` is "billing card refund"."""
    return " ".join(filter(None, _WORDS.split(label))).lower() or label


def listed_labels(cell: str) -> list[str] | None:
    """Return the labels of a cell that holds a list as JSON or Python write it; None for any other cell.

    `["billing", "late"]` and `['billing', 'late']` are two labels each.
    """
    text = cell.strip()
    if not (text.startswith("[") and text.endswith("]")) or len(text) > 100 * MAX_LABEL:
        return None
    for written in (text, text.replace("'", '"')):
        try:
            values = json.loads(written)
        except (ValueError, RecursionError):
            continue
        return values if all(isinstance(value, str) for value in values) else None
    return None


@dataclass(frozen=True, slots=True)
class LabelDoubts:
    """Labels that may not be what was meant.

    `alike` are groups that differ in case, hyphens or underscores alone; `joined` are labels that look like several in one cell,
    by the sign between them.
    """

    alike: tuple[tuple[str, ...], ...]
    joined: tuple[tuple[str, str], ...]


def doubts_about(labels: Iterable[str]) -> LabelDoubts:
    """Look for labels that differ in spelling alone, and for several labels in one."""
    names = sorted(set(labels))
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(_sound(name), []).append(name)
    joined = [(name, sign) for name in names for sign in _SEPARATORS if _is_joined(name, sign, groups)]
    return LabelDoubts(tuple(tuple(same) for same in groups.values() if len(same) > 1), tuple(joined))


def _sound(label: str) -> str:
    """Return what spellings of one label have in common."""
    parts = _BETWEEN_WORDS.sub(" ", label).casefold().replace("ё", "е").split("/")
    return "/".join(part.strip() for part in parts)


def _is_joined(label: str, sign: str, known: dict[str, list[str]]) -> bool:
    """Tell whether a label is made of several, of which one at least is a label by itself."""
    parts = [part.strip() for part in label.split(sign)]
    return len(parts) > 1 and all(parts) and any(_sound(part) in known for part in parts)
