"""The libraries of the extra `train`, imported when a training begins and not before."""

from __future__ import annotations

import importlib
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from searchctl.errors import MissingExtra, UsageError
from searchctl.models.hub import quiet

EXTRA = "train"
_CHATTY = ("datasets", "accelerate", "torch.onnx", "onnxruntime", "peft", "root")


@dataclass(frozen=True, slots=True)
class Libraries:
    """torch and what trains on it: transformers, sentence-transformers, datasets."""

    torch: Any
    transformers: Any
    sentence_transformers: Any
    datasets: Any


def import_libraries(what: str) -> Libraries:
    """Return the libraries that training takes; raises MissingExtra, for `what` takes them.

    Threads wait without spinning: two that spin on a busy machine of two cores are eight times slower than one.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is imported
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault(
        "TQDM_DISABLE", "1"
    )  # sentence-transformers' mining shows bars that can't be turned off otherwise
    names = ("torch", "transformers", "sentence_transformers", "datasets", "accelerate")
    try:
        torch, transformers, sentence_transformers, datasets, _ = map(importlib.import_module, names)
        importlib.import_module("sentence_transformers.sentence_transformer.losses")  # from version 6 on
    except ImportError as error:
        raise MissingExtra(what, EXTRA) from error
    return Libraries(torch, transformers, sentence_transformers, datasets)


@contextmanager
def calm(libraries: Libraries) -> Iterator[None]:
    """Keep the libraries' own bars, reports and deprecations from the user while training."""
    loggers = [logging.getLogger(None if name == "root" else name) for name in _CHATTY]
    levels = [logger.level for logger in loggers]
    showed_bars = not libraries.datasets.are_progress_bars_disabled()
    libraries.datasets.disable_progress_bars()
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if showed_bars:
            libraries.datasets.enable_progress_bars()


def has_bfloat16(torch: Any) -> bool:
    """Tell whether this machine calculates in bfloat16 itself; where it doesn't, autocasting to it only costs time."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    try:
        flags = open("/proc/cpuinfo", encoding="ascii", errors="replace").read(1 << 16)  # noqa: SIM115
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def free_threads(asked: int) -> int:
    """Return how many threads to use: those `asked` for, or for 0 as many as there are idle cores now, at least 1."""
    cores = os.cpu_count() or 1
    if asked:
        if asked > 4 * cores:
            raise UsageError(f"{asked} threads were asked for, and there are {cores} cores; leave --threads out")
        return asked
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return max(1, min(cores, round(cores - busy)))
