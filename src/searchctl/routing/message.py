"""What a person wrote, out of what a mail program sent: without quotes, greeting, signature and disclaimer, in usual letters.

English and Russian. Where nothing would be left, the text stays as it is. No library is used: by their sources, mail-parser-reply
has no Russian patterns and email-reply-parser English ones alone. That was read, not measured.
"""

from __future__ import annotations

import re

_HEADERS = (
    r"from|sent|to|subject|date|cc|reply-to|"
    r"от|от кого|отправлено|отправитель|кому|получатель|тема|дата|копия|дата отправки|отправлен"
)
_HEADER = re.compile(rf"^[>* ]*(?:{_HEADERS})\s*:\*?\s*\S", re.IGNORECASE)
_DIVIDER = re.compile(
    r"^[>* ]*(?:[-_=*]{2,}\s*(?:original message|forwarded message|begin forwarded message|исходное сообщение|"
    r"пересылаемое (?:сообщение|письмо)|пересланное (?:сообщение|письмо)|конец пересылаемого сообщения)\s*[-_=*]*|"
    r"begin forwarded message:|начало переадресованного сообщения:)\s*$",
    re.IGNORECASE,
)
_WROTE = re.compile(
    r"^[>* ]*(?=.*\d)(?=.{8,400}$)(?:.*\b(?:wrote|writes|schrieb|(?:на)?писала?|(?:на)?писал\(а\)|пишет)\s*:|"
    r".*(?:\d{1,2}:\d\d|\d{4}).*<[^<>\s]+@[^<>\s]+>\s*:)\s*$",
    re.IGNORECASE,
)
_WROTE_BEGINS = re.compile(r"^[>* ]*(?:on\s.{4,}|.{0,12}\d.{4,})", re.IGNORECASE)
_OF_MAIL = re.compile(r"^[>* ]*(?:sent|subject|reply-to|отправлено|тема|дата отправки)\s*:|@", re.IGNORECASE)
_QUOTED = re.compile(r"^\s*(?:>|\|\s(?!.*\|))")  # a line with more strokes is a table's
_SIGNATURE_MARK = re.compile(r"^\s*--\s*$")
_RULE = re.compile(
    r"^\s*(?:—|–|_{2,}|-{3,}|={3,})\s*$"
)  # parts a signature from a letter, or a form's title from what is filled in
_SENT_FROM = re.compile(
    r"^\W*(?:sent (?:from|via|with)\b.{0,60}|get outlook for\b.{0,40}|отправлено (?:с|со|из|через)\b.{0,60}|"
    r"скачать outlook\b.{0,40})$",
    re.IGNORECASE,
)
_FAREWELL = (
    r"(?:with )?(?:best|kind|kindest|warm|warmest|many)? ?(?:regards|wishes)|best|yours (?:sincerely|faithfully|truly)|"
    r"sincerely(?: yours)?|respectfully|cheers|all the best|"
    r"с (?:большим |глубоким )?уважением|с наилучшими(?: пожеланиями)?|с пожеланиями\b.{0,20}|всего (?:доброго|хорошего|наилучшего)|"
    r"хорошего дня|до свидания"
)
_THANKS = (
    r"many thanks|thanks(?: a lot| in advance| again)?|thank you(?: very much| so much| in advance)?|thx|"
    r"заранее (?:спасибо|благодарю|благодарен|благодарна)|(?:большое )?спасибо(?: большое| заранее)?|благодарю(?: вас)?"
)
_ENDS_LETTER = r"\b\s*[,.!]*\s*(?:[-–—]?\s*\S+(?:\s+\S+){0,3})?\s*$"
_FAREWELL_LINE = re.compile(rf"^\s*(?:{_FAREWELL}|{_THANKS}){_ENDS_LETTER}", re.IGNORECASE)
_FAREWELL_END = re.compile(
    r"(?<=[.!?…])\s+(?:(?:best|kind|kindest|warm) regards|regards|sincerely(?: yours)?|yours (?:sincerely|faithfully|truly)|"
    r"с (?:большим |глубоким )?уважением|с наилучшими пожеланиями)\s*[,.!]*\s*(?:[^\s.!?]+\.?(?:\s+[^\s.!?]+\.?){0,4})?\s*$",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"^\W*(?:(?:hi|hello|hey|dear|greetings|good (?:morning|afternoon|evening|day))\b(?:[ ,]+(?!i\b)[\w.'-]+){0,3}?|"
    r"(?:здравствуйте|здравствуй|добрый (?:день|вечер)|доброе утро|доброго (?:дня|времени суток)|привет(?:ствую)?|уважаем\w+)"
    r"(?:[ ,]+[\w.«»\"-]+){0,3}?)\s*(?:[,!.:]+\s*|\n+)",
    re.IGNORECASE,
)
_DISCLAIMER = re.compile(
    r"^\W*(?:confidential(?:ity)?(?: notice)?\s*:|disclaimer\s*:|"
    r"th(?:is|e) (?:e-?mail|message|communication|information)\b.{0,200}\b(?:confidential|intended|privileged)|"
    r"(?:данное|это|настоящее) (?:электронное )?(?:письмо|сообщение)\b.{0,200}(?:конфиденциальн|предназначен)|"
    r"please consider the environment)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SHOUTED = re.compile(r"(?:\b[A-ZА-ЯЁ]{2,}\b[\s,!?]*){3,}")
_MOST_CAPITALS = 0.6  # of the letters
_FEWEST_LETTERS = 6  # a shorter text in capitals may be an abbreviation
_LAST_LINES = 8  # in which a farewell is looked for
_SENTENCE = 4  # words of a line that may say something
_SAYS = re.compile(
    r"[.?!…)]\s*$|\b(?:i|my|me|we|our|you|your|please|is|are|was|were|not|but|can|could|will|has|have|didn't|doesn't|it|"
    r"я|мне|меня|мой|моя|мою|мы|нам|вы|вас|вам|ваш\w*|не|но|что|как|когда|пожалуйста|прошу|был[аои]?|это|хочу|можно|нужно)\b",
    re.IGNORECASE,
)
_LONGEST = 200_000  # code points that are looked at


def message_of(text: str) -> str:
    """Return what the sender of a text wrote anew, with capitals as in usual writing."""
    return _lowered(_without_mail(text[:_LONGEST])) + text[_LONGEST:]


def _without_mail(text: str) -> str:
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ")
    kept = _without_signature(_without_quotes(plain.split("\n")))
    message = _FAREWELL_END.sub("", "\n".join(kept).strip())
    while (greeting := _GREETING.match(message)) and len(_WORD.findall(message[greeting.end() :])) >= 2:
        message = message[greeting.end() :].lstrip()
    if message == plain.strip() or not _WORD.search(message):
        return text
    return message


def _without_quotes(lines: list[str]) -> list[str]:
    """Drop quoted lines, and what follows the header of an older message unless that is quoted line by line."""
    kept: list[str] = []
    at = 0
    while at < len(lines):
        length = _older_begins(lines, at)
        if not length:
            if not _QUOTED.match(lines[at]):
                kept.append(lines[at])
            at += 1
            continue
        rest = lines[at + length :]
        marked = any(_QUOTED.match(line) for line in rest[:3])
        if marked:
            at += length
        elif _has_words(kept):
            break
        else:  # the whole text is a forwarded message
            at += length
    return kept


def _older_begins(lines: list[str], at: int) -> int:
    """Return how many lines the header of an older message takes that begins here; 0 for none."""
    line = lines[at]
    if _DIVIDER.match(line):
        return 1 + _header_lines(lines, at + 1)
    headers = _header_lines(lines, at)
    if headers >= 2:
        return headers
    for length in (1, 2, 3):
        joined = " ".join(lines[at : at + length])
        if _WROTE.match(joined) and (length == 1 or _WROTE_BEGINS.match(line)):
            return length
        if not line.strip():
            break
    return 0


def _header_lines(lines: list[str], at: int) -> int:
    count = 0
    while at + count < len(lines) and _HEADER.match(lines[at + count]):
        count += 1
    return count if any(_OF_MAIL.search(line) for line in lines[at : at + count]) else 0


def _without_signature(lines: list[str]) -> list[str]:
    for at, line in enumerate(lines):
        if not _has_words(lines[:at]):
            continue
        if (
            _SIGNATURE_MARK.match(line)
            or _DISCLAIMER.match(line)
            or (_RULE.match(line) and _is_signed(lines[at + 1 :]))
        ):
            lines = lines[:at]
            break
    lines = [line for line in lines if not _SENT_FROM.match(line)]
    while lines and not lines[-1].strip():
        lines.pop()
    for at in range(max(1, len(lines) - _LAST_LINES), len(lines)):
        if _FAREWELL_LINE.match(lines[at]) and _has_words(lines[:at]) and _is_signed(lines[at + 1 :]):
            return lines[:at]
    return lines


def _is_signed(lines: list[str]) -> bool:
    """Tell whether lines are a name, a company, addresses: whether none of them says anything as a sentence does."""
    return not any(len(_WORD.findall(line)) >= _SENTENCE and _SAYS.search(line) for line in lines)


def _has_words(lines: list[str]) -> bool:
    return any(_WORD.search(line) for line in lines)


def _lowered(text: str) -> str:
    """Return a text that is shouted, or the part of it that is, in small letters."""
    letters = sum(map(str.isalpha, text))
    capitals = sum(map(str.isupper, text))
    if letters >= _FEWEST_LETTERS and capitals >= _MOST_CAPITALS * letters and len(_WORD.findall(text)) > 1:
        return text.lower()
    return _SHOUTED.sub(lambda shouted: shouted.group().lower(), text)
