"""Models of the `torch` extra, by folder or hub name: what all of those that load them share."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from searchctl.errors import EncoderUnavailable, MissingExtra

_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A transformers model that is ready to be asked, its tokenizer, and torch."""

    tokenizer: Any
    model: Any
    torch: Any


def load_transformer(name: str, kind: str, *, what: str, advice: str) -> Loaded:
    """Return the model that transformers' class `kind` makes of a folder or a hub name.

    Raises MissingExtra without the `torch` extra, EncoderUnavailable when the model can't be loaded; `what` it is and the
    `advice` stand in their messages.
    """
    try:
        library = importlib.import_module("transformers")
        torch = importlib.import_module("torch")
    except ImportError as error:
        raise MissingExtra(f"{what} '{name}'", "torch") from error
    folder = Path(name).expanduser()
    place = str(folder) if folder.is_dir() else name
    try:
        tokenizer = library.AutoTokenizer.from_pretrained(place, use_fast=True)
        return Loaded(tokenizer, getattr(library, kind).from_pretrained(place).eval(), torch)
    except Exception as error:  # noqa: BLE001 - the hub's and the model's errors have no common base class
        raise EncoderUnavailable(f"can't load {what} '{name}': {first_line(error)}; {advice}") from error


def is_offline() -> bool:
    """Tell whether the user forbids downloads."""
    return any(os.environ.get(variable, "").upper() in ("1", "TRUE", "YES", "ON") for variable in _OFFLINE)


def first_line(error: Exception) -> str:
    """Return what an error says first, or its name where it says nothing: the libraries' messages go on for a page."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
