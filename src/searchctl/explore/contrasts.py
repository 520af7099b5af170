"""What makes two texts of like wording say different things: numbers, negation, opposites, directions. English and Russian."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

_NUMBER = re.compile(r"(?<![\w.,])[-−+]?\d+(?:[.,:/]\d+)*|(?<=\D)\d+(?:[.,:/]\d+)*|\d+")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nothing|nobody|neither|nor|without|cannot|\w+n['’]t|"
    r"не|нет|ни|без|никогда|ничего|никто|нельзя|невозможно|отсутствует)\b",
    re.IGNORECASE,
)
_ROUTE = re.compile(
    r"\b(?P<away>from|из|от|с|со)\s+(?P<first>[\w-]+)|\b(?P<there>to|into|towards|в|во|до|на|к)\s+(?P<second>[\w-]+)",
    re.IGNORECASE,
)
_OPPOSITES = tuple(
    pair.split(":")
    for pair in (
        "on:off in:out up:down left:right open:close open:shut opened:closed start:stop begin:end before:after above:below over:under "
        "more:less most:least many:few max:min increas:decreas rais:lower grow:shrink add:remov enabl:disabl allow:forbid "
        "accept:reject accept:declin approv:reject buy:sell send:receiv give:take win:los succe:fail pass:fail arriv:depart "
        "arriv:leav enter:exit import:export login:logout upload:download connect:disconnect lock:unlock instal:uninstal "
        "subscri:unsubscri true:false yes:no good:bad hot:cold high:low big:small large:small fast:slow first:last old:new "
        "day:night morning:evening north:south east:west cheap:expensiv credit:debit deposit:withdraw incoming:outgoing "
        "включ:выключ включ:отключ откры:закры нача:законч нача:конча начал:конец до:после вверх:вниз выше:ниже над:под "
        "больше:меньше много:мало максим:миним увелич:уменьш повыс:пониз рост:паден добав:удал разреш:запре принят:отклон "
        "принял:отклон одобр:отклон купи:прода отправ:получ дать:взять дал:взял выигр:проигр прибы:отправ прибы:отбы прие:уе "
        "вход:выход войти:выйти вошёл:вышел импорт:экспорт загруз:выгруз подключ:отключ заблокир:разблокир устан:удал да:нет "
        "хорош:плох горяч:холодн высок:низк больш:маленьк быстр:медлен перв:последн стар:нов день:ночь утро:вечер утром:вечером "
        "север:юг восток:запад левы:правы налево:направо слева:справа дешев:дорог дёшев:дорог кредит:дебет пополн:сня "
        "входящ:исходящ приход:уход приход:расход"
    ).split()
)
_ALIKE = 0.5  # share of the words in common from which negation, opposites and directions tell texts apart
_STEM = 4  # letters by which names in a direction are known: endings don't count


@dataclass(frozen=True, slots=True)
class Traits:
    """What a text says beside its wording: its numbers, whether it denies, its words, and where from and where to."""

    numbers: Counter[str]
    denies: bool
    words: frozenset[str]
    away: frozenset[str]
    there: frozenset[str]


def traits_of(text: str) -> Traits:
    """Return what a text says beside its wording."""
    directions = list(_ROUTE.finditer(text))
    return Traits(
        Counter(_number(found) for found in _NUMBER.findall(text)),
        bool(_NEGATION.search(text)),
        frozenset(word.lower().replace("ё", "е") for word in _WORD.findall(text)),
        frozenset(found["first"].lower()[:_STEM] for found in directions if found["first"]),
        frozenset(found["second"].lower()[:_STEM] for found in directions if found["second"]),
    )


def signs_of(text: str) -> str:
    """Return a text's numbers in order with their signs: what its letters and digits alone don't tell."""
    return " ".join(_number(found) for found in _NUMBER.findall(text))


def differ(traits: Traits, other: Traits, *, wording: bool) -> bool:
    """Tell whether two texts that look alike say different things.

    Of texts alike in `wording` every other number counts; of texts alike in meaning, only where each has more that the other
    lacks than they share. Negation, opposites and directions count where the texts share at least half of their words.
    """
    more, less = traits.numbers - other.numbers, other.numbers - traits.numbers
    same = (traits.numbers & other.numbers).total()
    if (more or less) if wording else (more and less and same < min(more.total(), less.total())):
        return True
    shared = len(traits.words & other.words) / max(len(traits.words | other.words), 1)
    if not wording and shared < _ALIKE:
        return False
    if traits.denies != other.denies:
        return True
    if traits.away & other.there - other.away and other.away & traits.there - traits.away:
        return True
    return _opposed(traits.words - other.words, other.words - traits.words)


def _opposed(mine: frozenset[str], theirs: frozenset[str]) -> bool:
    return any(
        (_begins(mine, first) and _begins(theirs, second)) or (_begins(mine, second) and _begins(theirs, first))
        for first, second in _OPPOSITES
    )


def _begins(words: frozenset[str], stem: str) -> bool:
    """Tell whether a word is this stem with a usual ending; short ones have none."""
    return any(word == stem or (len(stem) > 3 and word.startswith(stem)) for word in words)


def _number(digits: str) -> str:
    return digits.replace("−", "-").replace(",", ".").lstrip("+")
