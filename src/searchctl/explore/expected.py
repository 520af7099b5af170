"""What a question asks for, where its words tell: a number, a sum of money, a time, a person; and whether a sentence names one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

Fits: TypeAlias = Callable[[str], float]

_AMOUNT = re.compile(
    r"""\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|ninety|hundred|
    thousand|half|twice|tenths?|thirds?|fifths?|
    дв(?:а|е|ух|ум|умя|ое|аж\w+)|тр(?:и|[её]х|[её]м|емя|ое|иж\w+)|четыр(?:е|[её]х|[её]м)|пят(?:ь|и|ью)|шест(?:ь|и|ью)|сем(?:ь|и|ью)|
    вос(?:емь|ьми)|девят(?:ь|и|ью)|десят(?:ь|и|ью)|\w+надцат(?:ь|и|ью)|двадцат(?:ь|и)|тридцат(?:ь|и)|сорок\w?|\w+десят\w*|сто|ста|
    полтор\w+|половин\w+|вдвое|втрое)\b""",
    re.VERBOSE | re.IGNORECASE,
)
_MONEY = re.compile(
    r"[£$€₽]|\b(?:pounds?|pence|euros?|dollars?|free|nothing|no charge|рубл\w*|копе[ей]\w+|тенге|евро|доллар\w*|бесплатн\w+|даром)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"""\b(?:seconds?|minutes?|hours?|days?|nights?|weeks?|months?|years?|am|pm|noon|midnight|once|immediately|today|tomorrow|
    january|february|march|april|june|july|august|september|october|november|december|
    monday|tuesday|wednesday|thursday|friday|saturday|sunday|
    секунд\w*|минут\w*|час(?:а|ов|ы|у|ам)?|д(?:ень|ня|ней|ни|ням|нём)|ноч(?:ь|ей|и)|сут(?:ки|ок)|недел\w+|месяц\w*|год(?:а|у|ы)?|лет|
    полдень|полноч\w+|сразу|сегодня|завтра|январ\w+|феврал\w+|март\w*|апрел\w+|мая|июн\w+|июл\w+|август\w*|сентябр\w+|октябр\w+|
    ноябр\w+|декабр\w+|понедельник\w*|вторник\w*|сред[ауы]|четверг\w*|пятниц\w+|суббот\w+|воскресень\w+)\b""",
    re.VERBOSE | re.IGNORECASE,
)
_WORD = re.compile(r"[\w’'-]+")
_ASKS_MONEY = re.compile(
    r"""\b(?:(?:how\ much|what)\b.*\b(?:cost|costs|charge|pay|price)|price\ of|
    (?:what|which|how\ (?:big|large|much|high))\b.*\b(?:fee|deposit|
    price|fine)|сколько\ (?:\w+\ )?сто[ия]\w+|сколько\ (?:надо\ |нужно\ )?(?:за)?плат\w+|как\w+\ .*\b(?:цен|стоимост|залог|плат|штраф)\w*|
    во\ сколько\ обойд[её]тся)""",
    re.VERBOSE | re.IGNORECASE,
)
_ASKS_TIME = re.compile(
    r"""\bhow\ (?:long|soon|quick|quickly|often|old)\b|^\W*(?:(?:until|by|since|from)\ )?when\b|\bwhat\ (?:time|date|day|hours)\b|
    \b(?:which|how\ many|how\ much)\ (?:days|time|hours|minutes|nights|weeks|months|years)\b|
    ^\W*(?:до\ |с\ )?когда\b|\bкак\ (?:быстро|скоро|часто|долго)\b|\bкак\w+\ (?:числ\w+|срок\w*|час\w*|дат\w+|дни|время)|
    \bсколько\ (?:времени|дней|часов|минут|секунд|недель|месяцев|лет|суток|ночей)\b""",
    re.VERBOSE | re.IGNORECASE,
)
_ASKS_AMOUNT = re.compile(
    r"""\bhow\ (?:many|much|big|large|small|heavy|tall|high|wide|deep|thick|far|fast|loud|accurate|warm|hot|cold|strong)\b|
    \b(?:what|which)\b.{0,30}\b(?:size|weight|limit|number|age|temperature|pressure|discount|percentage|length|width|height|share)\b|
    \bсколько\b|\bнасколько\b|\bна\ какую\ сумму\b|
    \bкак(?:ой|ая|ое|ие|ую|ого|ому|им|их|ом)\b.{0,30}\b(?:вес|размер|лимит|возраст|температур|давлени|скидк|процент|сумм|длин|ширин|
    высот|площад|объ[её]м|мощност|дол)\w*""",
    re.VERBOSE | re.IGNORECASE,
)


_ASKS_PERSON = re.compile(
    r"""^\W*who\ (?:is|was|are|were|founded|wrote|invented|discovered|created|built|painted|directed|directs|led|leads|won|runs|owns)\b|
    ^\W*кто\ (?:основал\w*|написал\w*|создал\w*|изобр[её]л\w*|построил\w*|руковод\w+|возглав\w+|директор\w*|автор\w*|начальник\w*|
    тако[йв]\w*|ведёт|ведет|владе\w+|явля\w+)\b""",
    re.VERBOSE | re.IGNORECASE,
)
_ASKS_AGE = re.compile(r"\bhow\ old\b|\bсколько\ лет\b(?=.*\b(?:ему|ей|им)\b)", re.IGNORECASE)
_AGE = re.compile(r"\b(?:years?|months?|aged?|born|лет|год\w*|возраст\w*|родил\w+)\b", re.IGNORECASE)
_NAME = re.compile(r"(?<![.!?]\ )(?<!^)\b[A-ZА-ЯЁ][\w’'-]+|\b[A-ZА-ЯЁ][\w’'-]+(?=\ [A-ZА-ЯЁ])", re.MULTILINE)


def expectation(question: str) -> Fits | None:
    """Return what tells how well a sentence, in [0, 1], names the kind of thing the question asks for.

    None where the question's words don't tell, as with "how do I" and "what is". A number without its unit counts half.
    """
    if _ASKS_PERSON.search(question):
        own = {word.lower() for word in _WORD.findall(question)}
        return lambda sentence: float(any(name.lower() not in own for name in _NAME.findall(sentence)))
    if _ASKS_AGE.search(question):
        return lambda sentence: float(bool(_AMOUNT.search(sentence)) and bool(_AGE.search(sentence)))
    if _ASKS_MONEY.search(question):
        return lambda sentence: _measured(sentence, _MONEY)
    if _ASKS_TIME.search(question):
        return lambda sentence: _measured(sentence, _TIME)
    if _ASKS_AMOUNT.search(question):
        return lambda sentence: float(bool(_AMOUNT.search(sentence)))
    return None


def _measured(sentence: str, unit: re.Pattern[str]) -> float:
    return (bool(_AMOUNT.search(sentence)) + bool(unit.search(sentence))) / 2
