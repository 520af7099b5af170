"""JSON values one after another, from a stream, in bounded memory: lines, pretty objects, the elements of arrays."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from searchctl.notation import without_halves
from searchctl.sources.model import EXCERPT, Limits, Unreadable, size_of
from searchctl.sources.streams import Stream, lines
from searchctl.translation import _

# NaN and infinity aren't JSON, but pandas writes them for what is missing.
_DECODER = json.JSONDecoder(parse_constant=lambda _ignored: None)
_SEPARATORS = re.compile(r"[\s,\ufeff]*")
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_NEXT_OBJECT = re.compile(r"\n(?=\{)")
_CHUNK = 1 << 16
_AT_THE_END = 12  # characters: an error so near the end of what was read may be that the rest is to come
_OBJECT, _ARRAY, _OTHER = 240, 72, 40  # bytes of memory for one, about: what Python 3.10 takes


@dataclass(frozen=True, slots=True)
class JsonValue:
    """A value, the text it was made of, and its place, from 1: a line, or with `inside` an element of an array.

    `error` says why there is none; `text` is then what is known of it.
    """

    position: int
    value: Any = None
    error: str = ""
    text: str = ""
    inside: bool = False


def parsed(text: str) -> Any:
    """Return a text's value; raises Unreadable."""
    try:
        return _DECODER.decode(text.lstrip("\ufeff"))
    except json.JSONDecodeError as error:
        start = max(0, error.pos - EXCERPT // 2)
        raise Unreadable(
            _("broken JSON: {msg} at character {pos}").format(msg=error.msg, pos=error.pos + 1),
            text[start : start + EXCERPT],
        ) from error
    except (ValueError, RecursionError) as error:
        raise Unreadable(_("JSON that can't be read: {error}").format(error=error), text[:EXCERPT]) from error


def with_whole_letters(value: dict[str, Any], text: str) -> dict[str, Any] | None:
    """Return an object with U+FFFD where its text has half of a surrogate pair; None where it has none."""
    if not _HALF.search(text):
        return None
    mended: dict[str, Any] = _mended(value)
    return mended if mended != value else None


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return without_halves(value)
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {without_halves(name): _mended(item) for name, item in value.items()}
    return value


def line_values(stream: Stream, encoding: str, limit: int) -> Iterator[JsonValue]:
    """Yield the value of each line that isn't blank; a broken line costs that line."""
    for number, text, error in lines(stream, encoding, limit):
        if error:
            yield JsonValue(number, error=error, text=text)
        elif text and not text.isspace():
            try:
                yield JsonValue(number, parsed(text.rstrip().removesuffix(",")), text=text)
            except Unreadable as failed:
                yield JsonValue(number, error=failed.reason, text=text)


def streamed_values(stream: Stream, encoding: str, limits: Limits) -> Iterator[JsonValue]:
    """Yield the values of a stream, and of arrays at the top their elements, however they're broken into lines.

    A broken object among others costs that object; in an array all that follows it is lost too, and that is an error.
    """
    return _Values(stream, encoding, limits).values()


class _Values:
    """A window on the stream's text: what has been read and not yet been taken."""

    def __init__(self, stream: Stream, encoding: str, limits: Limits) -> None:
        self._file = stream.file
        self._decode = codecs.getincrementaldecoder(encoding)("replace").decode
        self._limits = limits
        self._text = ""
        self._place = 0
        self._line = 1
        self._ended = False

    def values(self) -> Iterator[JsonValue]:
        element = 0
        while self._skip_separators():
            if self._text[self._place] == "[":
                self._move(self._place + 1)
                for value in self._elements(element):
                    element = value.position
                    yield value
                    if value.error:
                        return
                continue
            line = self._line
            try:
                value, text = self._next(self._limits.file)
            except Unreadable as failed:
                yield JsonValue(line, error=failed.reason, text=failed.excerpt)
                if not self._resume():
                    return
            else:
                yield JsonValue(line, value, text=text)

    def _elements(self, before: int) -> Iterator[JsonValue]:
        number = before
        while self._skip_separators():
            if self._text[self._place] == "]":
                self._move(self._place + 1)
                return
            number += 1
            try:
                value, text = self._next(self._limits.record)
            except Unreadable as failed:
                reason = (
                    _("{reason}; the elements after it aren't read").format(reason=failed.reason)
                    if number > 1
                    else failed.reason
                )
                yield JsonValue(number, error=reason, text=failed.excerpt, inside=True)
                return
            yield JsonValue(number, value, text=text, inside=True)
        yield JsonValue(number + 1, error="broken JSON: the array has no end; the file is cut off", inside=True)

    def _next(self, limit: int) -> tuple[Any, str]:
        """Return the value that begins here, and its first characters; raises Unreadable."""
        step = _CHUNK
        while True:
            if len(self._text) - self._place > limit and not self._ended:
                raise Unreadable(
                    _("a value goes on for more than {size}; split it").format(size=size_of(limit)),
                    self._excerpt(self._place),
                )
            try:
                check_memory(self._text, self._place, self._limits.memory)
                value, end = _DECODER.raw_decode(self._text, self._place)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated string") or error.pos >= len(self._text) - _AT_THE_END
                if self._ended or not cut:
                    raise Unreadable(
                        _("broken JSON: {msg} at character {pos} of the value").format(
                            msg=error.msg, pos=error.pos - self._place + 1
                        ),
                        self._excerpt(max(self._place, error.pos - EXCERPT // 2)),
                    ) from error
            except (ValueError, RecursionError) as error:
                raise Unreadable(
                    _("JSON that can't be read: {error}").format(error=error), self._excerpt(self._place)
                ) from error
            else:
                if end < len(self._text) or self._ended:
                    text = self._text[self._place : end]
                    self._move(end)
                    return value, text
            self._fill(step)
            step = max(_CHUNK, len(self._text) - self._place)  # twice as much each time: a long value isn't read often

    def _excerpt(self, start: int) -> str:
        return self._text[start : start + EXCERPT]

    def _skip_separators(self) -> bool:
        """Go to the next value; False at the end of the stream."""
        while True:
            blank = _SEPARATORS.match(self._text, self._place)
            self._move(blank.end() if blank else self._place)
            if self._place < len(self._text):
                return True
            if self._ended:
                return False
            self._fill(_CHUNK)

    def _resume(self) -> bool:
        """Go to the next line that begins with an object; False when there is none."""
        while True:
            brace = _NEXT_OBJECT.search(self._text, self._place + 1)
            if brace:
                self._move(brace.end())
                return True
            if self._ended:
                return False
            self._move(max(self._place, len(self._text) - 2))
            self._fill(_CHUNK)

    def _move(self, position: int) -> None:
        self._line += self._text.count("\n", self._place, position)
        self._place = position

    def _fill(self, size: int) -> None:
        data = self._file.read1(min(size, _CHUNK)) if size <= _CHUNK else self._file.read(size)
        self._ended = not data
        self._text = self._text[self._place :] + self._decode(data, final=self._ended)
        self._place = 0


def check_memory(text: str, start: int, most: int) -> None:
    """Raise Unreadable where the values from `start` on would take more than `most` bytes of memory."""
    if (len(text) - start) * _ARRAY <= most:
        return
    objects, arrays, others = (text.count(sign, start) for sign in "{[,")
    if objects * _OBJECT + arrays * _ARRAY + others * _OTHER + len(text) > most:
        raise Unreadable(
            _("reading it would take more than {size} of memory: it has {objects:,} objects").format(
                size=size_of(most), objects=objects + arrays
            )
        )
