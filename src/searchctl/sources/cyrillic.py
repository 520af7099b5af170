"""Which single-byte encoding Russian text is in, by the pairs of letters that Russian words are made of."""

from __future__ import annotations

from collections.abc import Sequence

# The most used first: it wins where a text is too short to tell.
ENCODINGS = ("cp1251", "koi8-r", "cp866", "iso8859-5")
_LETTERS = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
_KIN = {"ё": "е", "і": "и", "ї": "и", "є": "е", "ґ": "г", "ў": "у"}
_MARKS = frozenset("«»—–−…№“”„’‘°§•·\u00a0")

# Row: a letter (the first row: a word's border), column: the letter after it. round(log2(32 * p)) + 6, held to 0..9, so 6 is
# no news; p from the Russian passages of DaNetQA (CC0). benchmarks/cleaning.py prints the table and tests it on other texts.
_PAIRS = """
066866546707567786865544530000524 905746556447768057772355534000156 572200810702826908516040026582114
980232803704636836645020050073004 671216700803724907216000100000000 791613842804637846627013230064014
934667545266778448770244433000023 584108920804008500405000400004000 894747731704578706306001000173014
954645736766677546771365633000057 901204101004336402840114250000000 880410651803624917577004000000000
781032840904514800536000000048067 983210800803546850407102000063105 680245801804107901665304301084015
816877555476777357771333542000134 470000800702604949346001200052003 693554840804356924657242130064025
761501700708745765696331430045017 881702800805326817726102200067014 946467665316766277770154756000272
680030903900602808556600000032031 970400401600435806534000000100110 780510902906210500106010000060010
690000910805518203175000030005000 480500900907726623265004000005000 380100900900005001006000000005000
700000900000000000000000000000069 904734824185785055660080551000001 904334606506069220760304261000076
613535103058767077692621020000000 915257056024545026590125728000030 904635646234566034570053305000053
""".split()
_NEWS = [[int(digit) - 6 for digit in row] for row in _PAIRS]
_PLACES = {letter: place for place, letter in enumerate(_LETTERS, 1)} | {
    kin: _LETTERS.index(letter) + 1 for kin, letter in _KIN.items()
}
_WRONG = -6  # for what no Russian text has: a small letter before a capital, two scripts in a word, odd signs
_LEAST = -0.5  # mean news of a pair below which this isn't Russian; English words in Greek letters have about -3
_SAMPLE = 4096


def best_encoding(data: bytes) -> str | None:
    """Return the encoding in which these bytes are most like Russian, None when they're like it in none."""
    start = next((place for place, byte in enumerate(data) if byte > 0x7F), 0)
    sample = data[max(0, start - 1) : start + _SAMPLE]
    scores = {encoding: likeness(sample.decode(encoding, "replace")) for encoding in ENCODINGS}
    best = max(ENCODINGS, key=lambda encoding: scores[encoding])
    return best if scores[best] > _LEAST else None


def likeness(text: str) -> float:
    """Return how much the text's non-ASCII part is like Russian: mean news of its pairs of characters, in bits."""
    total = pairs = 0
    before, was_lower, was_latin = 0, False, False
    for char in text:
        if char < "\x80":
            latin = char.isalpha()
            if before:
                total += _WRONG if latin else _NEWS[before][0]
                pairs += 1
            before, was_lower, was_latin = 0, False, latin
            continue
        lower = char.lower()
        row = _PLACES.get(lower, 0)
        if not row:
            total += 0 if char in _MARKS else _WRONG
        elif was_latin or (was_lower and lower != char):
            total += _WRONG
        else:
            total += _NEWS[before][row]
        pairs += 1
        before, was_lower, was_latin = row, lower == char and row > 0, False
    return total / pairs if pairs else float(_WRONG)


def table(words: Sequence[str]) -> list[str]:
    """Return the rows of the table of pairs, as counted in these words (small letters, е for ё)."""
    from collections import Counter
    from math import log2

    counts = Counter(pair for word in words for pair in zip(" " + word, word + " ", strict=True))
    alphabet = " " + _LETTERS
    rows = []
    for first in alphabet:
        total = sum(counts[first, second] for second in alphabet) + 0.05 * len(alphabet)
        news = (round(log2((counts[first, second] + 0.05) / total * 32)) + 6 for second in alphabet)
        rows.append("".join(str(min(9, max(0, one))) for one in news))
    return rows
