"""From what a server sent to what was asked for: completions read, JSON found in them, and what is no answer told by kind."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from typing import Any

from searchctl.generation.model import Attempt, ChatCompletion, UnusableAnswer
from searchctl.types import Json

_THOUGHTS = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(r"```(?:json)?\s*(.*?)(?:```|\Z)", re.DOTALL | re.IGNORECASE)
_REFUSAL = re.compile(
    r"\W*(?:i(?:['’]| a)?m (?:really |very )?sorry|sorry,|i (?:can ?not|can['’]t|won['’]t|am (?:not able|unable))|"
    r"i['’]m (?:not able|unable)|as an ai|unfortunately,? i|извини(?:те)?|простите|к сожалению, я|я не могу|"
    r"не могу (?:выполнить|помочь|ответить)|как (?:языковая модель|ии)\b)",
    re.IGNORECASE,
)
_LONGEST = 1 << 20  # characters of an answer
_CUT = ("length", "max_tokens")  # a server's words for "no more room"
_WITHHELD = ("content_filter", "refusal")


def looks_refused(text: str) -> bool:
    """Tell whether a text begins as models do that won't do what they are asked."""
    return _REFUSAL.match(text[:200]) is not None


def read_completion(content: bytes, attempt: Attempt) -> ChatCompletion:
    """Read the body of a chat completion; raises ValueError where it is none."""
    try:
        data = json.loads(content)
        choice = data["choices"][0]
        message = choice["message"]
        text, refusal = message.get("content") or "", message.get("refusal") or ""
        usage: Json = data.get("usage") or {}
        prompt: Any = usage.get("prompt_tokens")
        answer: Any = usage.get("completion_tokens")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"it isn't a chat completion ({type(error).__name__}: {error})") from error
    if not isinstance(text, str) or not isinstance(refusal, str) or len(text) > _LONGEST:
        raise ValueError("its content isn't a text of a reasonable length")
    counted = _is_count(prompt) and _is_count(answer)
    estimated = attempt.request.prompt_tokens(), -(-len(text.encode("utf-8", "replace")) // 4)
    return ChatCompletion(
        text,
        str(choice.get("finish_reason") or ""),
        refusal,
        str(data.get("model") or attempt.model),
        prompt if counted else estimated[0],
        answer if counted else estimated[1],
        counted,
        datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and 0 <= value < 1 << 40


def read_answer(attempt: Attempt, completion: ChatCompletion) -> Any:
    """Return what the request makes of an answer; raises UnusableAnswer."""
    if completion.refusal or completion.finish in _WITHHELD:
        raise UnusableAnswer("refused", completion.refusal)
    try:
        return attempt.request.read(_found_json(completion.text))
    except UnusableAnswer as unusable:
        if unusable.misfit != "refused" and completion.finish in _CUT:
            raise UnusableAnswer("truncated") from unusable
        raise
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnusableAnswer("truncated" if completion.finish in _CUT else "wrong shape", str(error)) from error


def _found_json(text: str) -> Json | list[Any]:
    """Return the first JSON object or array in an answer: models put words and fences around it, and thoughts before it."""
    text = _THOUGHTS.sub("", text).strip()
    fenced = _FENCE.search(text)
    decoder = json.JSONDecoder()
    for part in (fenced[1] if fenced else "", text):
        for place in (found.start() for found in re.finditer(r"[{\[]", part)):
            try:
                value, _ = decoder.raw_decode(part, place)
            except (ValueError, RecursionError):
                continue
            if isinstance(value, (dict, list)):
                return value
            break
    if looks_refused(text):
        raise UnusableAnswer("refused", text[:200])
    raise UnusableAnswer("not JSON", text[:200])
