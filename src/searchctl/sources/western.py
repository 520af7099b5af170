"""Whether a text's bytes are Windows-1252: what Notepad and Excel write for English, German, French and their neighbours.

Turkish is told from Icelandic, whose letters have the same bytes.
"""

from __future__ import annotations

import re

ENCODING = "cp1252"
_LANGUAGES = (
    "äöüßÄÖÜéèà",  # German
    "àâæçéèêëîïôœùûüÿÀÂÆÇÉÈÊËÎÏÔŒÙÛÜŸ",  # French
    "áéíñóúüçÁÉÍÑÓÚÜïòèà",  # Spanish, Catalan
    "áâãàçéêíóôõúüÁÂÃÀÇÉÊÍÓÔÕÚ",  # Portuguese
    "àèéìíîòóùÀÈÉÌÒÙ",  # Italian
    "åäöæøéüÅÄÖÆØÉ",  # Danish, Norwegian, Swedish, Finnish
    "ëïéèöüáíóúêâôŷË",  # Dutch
    "áéíóúýþæöðÁÉÍÓÚÝÞÆÖÐ",  # Icelandic
    "šžŠŽäöüõÕ",  # Estonian
)
_TURKISH = "çğıöşüâîûÇĞİÖŞÜ"
_WORD = re.compile(r"[^\W\d_½¼¾¹²³]+")
_ALONE = frozenset("€‚„…“”•–—™£¥§©®«»°±·¿¡½¼¾µ´¨¢‹›\u00a0\u00ad†‡¶")  # signs that stand beside words or numbers
_WITHIN = frozenset("’‘´\u00ad·")
_RAISED = frozenset("¹²³ªº")
_THORN = re.compile("[þðýÞÐÝ]")
_NOT_ICELANDIC, _ICELANDIC = re.compile("[çüÇÜ]"), re.compile("[áéíóúæÁÉÍÓÚÆ]")
_MOST_STRANGE = 0.1  # of the words with letters beyond ASCII
_MOST_BEYOND = 0.4  # of a text's letters are beyond ASCII; Greek or Japanese read so have nearly all of them there
_SAMPLE = 1 << 14


def western_encoding(data: bytes) -> str | None:
    """Return the encoding where bytes beyond ASCII are letters and signs where Western European texts have them, else None."""
    try:
        text = data[:_SAMPLE].decode(ENCODING)
    except UnicodeDecodeError:
        return None
    if not all(_is_sign_in_place(text, place) for place, char in enumerate(text) if char > "\x7f"):
        return None
    if _THORN.search(text) and (_NOT_ICELANDIC.search(text) or not _ICELANDIC.search(text)):
        turkish = data[:_SAMPLE].decode("cp1254", "replace")
        return "cp1254" if _has_words_of(turkish, (_TURKISH,)) else None
    return ENCODING if _has_words_of(text, _LANGUAGES) else None


def _has_words_of(text: str, languages: tuple[str, ...]) -> bool:
    words = _WORD.findall(text)
    letters = sum(map(len, words))
    beyond = sum(letter > "\x7f" for word in words for letter in word)
    if beyond > _MOST_BEYOND * letters:
        return False
    strange = [word for word in words if not word.isascii() and not _is_word(word, languages)]
    return len(strange) <= _MOST_STRANGE * sum(not word.isascii() for word in words)


def _is_sign_in_place(text: str, position: int) -> bool:
    char = text[position]
    if char.isalpha() and char not in _RAISED:
        return True
    before, after = text[position - 1 : position], text[position + 1 : position + 2]
    if char in _RAISED:
        return before.isalnum() and not after.isalpha()
    inside = before.isalpha() and after.isalpha()
    return char in _WITHIN or (char in _ALONE and (not inside or char in "–—…"))


def _is_word(word: str, languages: tuple[str, ...]) -> bool:
    beyond = [letter for letter in word if letter > "\x7f"]
    small = word[1:]
    if any(map(str.isupper, small)) and any(map(str.islower, small)):
        return False  # a capital within a word
    return len(beyond) * 2 <= len(word) + 1 and any(set(beyond) <= set(language) for language in languages)
