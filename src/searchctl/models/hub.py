"""Models of the `torch` extra, by folder or hub name: what all of those that load them share."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from searchctl.errors import EncoderUnavailable, MissingExtra
from searchctl.settings.paths import user_path
from searchctl.translation import _

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
    library, torch = needed(f"{what} '{name}'", "transformers", "torch")
    folder = user_path(name)
    source = str(folder) if folder.is_dir() else name
    try:
        with quiet():
            tokenizer = library.AutoTokenizer.from_pretrained(source, use_fast=True)
            model, report = getattr(library, kind).from_pretrained(source, output_loading_info=True)
    except Exception as error:  # noqa: BLE001 - the hub's and the model's errors have no common base class
        raise EncoderUnavailable(
            _("can't load {what} '{name}': {first_line}; {advice}").format(
                what=what, name=name, first_line=first_line(error), advice=advice
            )
        ) from error
    untrained = [key for key in sorted(report["missing_keys"]) if not key.startswith(f"{model.base_model_prefix}.")]
    if untrained:  # which the library fills with chance
        raise EncoderUnavailable(
            _("{what} '{name}' wasn't trained for this: it lacks {untrained}; {advice}").format(
                what=what, name=name, untrained=untrained[0], advice=advice
            )
        )
    return Loaded(tokenizer, model.eval(), torch)


def needed(what: str, *modules: str) -> list[Any]:
    """Return modules of the `torch` extra; raises MissingExtra, for `what` takes them."""
    try:
        return [importlib.import_module(module) for module in modules]
    except ImportError as error:
        raise MissingExtra(what, "torch") from error


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries' reports of each weight and each retry from the user; what fails is told by the exception."""
    bars = importlib.import_module("transformers.utils.logging")
    had_bars = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    loggers = [logging.getLogger(name) for name in ("transformers", "sentence_transformers", "huggingface_hub")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if had_bars:
            bars.enable_progress_bar()


def is_offline() -> bool:
    """Tell whether the user forbids downloads."""
    return any(os.environ.get(variable, "").upper() in ("1", "TRUE", "YES", "ON") for variable in _OFFLINE)


def first_line(error: Exception) -> str:
    """Return what an error says first, or its name where it says nothing: the libraries' messages go on for a page."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
