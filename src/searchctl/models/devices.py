"""What a model runs on: `cpu`, `cuda` (or `cuda:1`), `mps`, `openvino`, `auto`; with torch also in bfloat16, as `cuda-bf16`.

Chosen by the variable SEARCHCTL_DEVICE or in Python by `open_encoder(name, device=…)`. Without either torch takes a GPU where one is,
and onnxruntime the processor.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from searchctl.errors import EncoderUnavailable

VARIABLE = "SEARCHCTL_DEVICE"
PROVIDERS = {  # onnxruntime's names
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
}
_PACKAGES = {"cuda": "onnxruntime-gpu", "openvino": "onnxruntime-openvino"}
_DEVICE = re.compile(r"(?P<kind>auto|cpu|cuda|mps|openvino)(?::(?P<number>\d{1,3}))?(?P<bf16>-bf16)?")
_RUNS = 3  # timed, after one that isn't
_LOG = logging.getLogger("searchctl")
_Made = TypeVar("_Made")


@dataclass(frozen=True, slots=True)
class Device:
    """Where to compute. `kind` is empty where nobody chose; `number` counts GPUs."""

    kind: str = ""
    number: int = 0
    bf16: bool = False

    def __str__(self) -> str:
        return f"{self.kind}{f':{self.number}' if self.number else ''}{'-bf16' if self.bf16 else ''}"


def chosen_device(given: str | None = None) -> Device:
    """Return the device that was given, else that of SEARCHCTL_DEVICE. Raises EncoderUnavailable for what isn't one."""
    text = given or os.environ.get(VARIABLE, "")
    match = _DEVICE.fullmatch(text)
    if not text:
        return Device()
    if match is None or (match["number"] and match["kind"] != "cuda"):
        raise EncoderUnavailable(
            f"no device '{text}' (from {'device=' if given else VARIABLE}); write auto, cpu, cuda, cuda:1, mps or openvino, and "
            "-bf16 behind one of torch's for half of the memory"
        )
    return Device(match["kind"], int(match["number"] or 0), bool(match["bf16"]))


def torch_device(torch: Any, device: Device, what: str) -> str:
    """Return torch's name of a device; a GPU where nobody chose and one is there. Raises EncoderUnavailable where it isn't."""
    has = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    kind = next(kind for kind in ("cuda", "mps", "cpu") if has[kind]) if device.kind in ("", "auto") else device.kind
    if not has.get(kind):
        raise EncoderUnavailable(
            f"{what} runs on torch, which finds no {kind} here; set {VARIABLE} to one of: {', '.join(k for k in has if has[k])}"
        )
    if device.kind == "auto":
        _LOG.info("%s runs on %s", what, kind)
    return f"{kind}:{device.number}" if device.number else kind


def onnx_providers(runtime: Any, device: Device, what: str) -> list[list[Any]]:
    """Return the lists of providers to try: one, but for `auto` each that is here. Raises EncoderUnavailable for one that isn't."""
    available = [kind for kind, provider in PROVIDERS.items() if provider in runtime.get_available_providers()]
    if device.bf16 or device.kind == "mps":
        raise EncoderUnavailable(
            f"{what} runs on onnxruntime, which has no {device}; set {VARIABLE} to: {', '.join(available)}"
        )
    if device.kind not in ("", "auto", *available):
        raise EncoderUnavailable(
            f"{what} runs on onnxruntime, which has no {device} here; set {VARIABLE} to one of: {', '.join(available)}, or: "
            f"pip install {_PACKAGES[device.kind]}"
        )
    kinds = available if device.kind == "auto" else [device.kind or "cpu"]
    return [[_with_options(kind, device)] for kind in kinds]


def quickest(candidates: Sequence[tuple[str, Callable[[], _Made]]], run: Callable[[_Made], object], what: str) -> _Made:
    """Make each candidate, time it on the same work, and return the quickest; say what it took.

    One that fails is left out, unless it is the only one.
    """
    timed: list[tuple[float, str, _Made]] = []
    for name, make in candidates:
        try:
            made = make()
            if len(candidates) == 1:
                return made
            run(made)
            began = time.perf_counter()
            for _ in range(_RUNS):
                run(made)
            timed.append((time.perf_counter() - began, name, made))
        except Exception as error:
            if len(candidates) == 1:
                raise
            _LOG.info("%s can't run on %s: %s", what, name, error)
    if not timed:
        raise EncoderUnavailable(f"{what} runs on none of: {', '.join(name for name, _ in candidates)}")
    seconds, name, best = min(timed, key=lambda entry: entry[0])
    times = ", ".join(f"{other} {1000 * took / _RUNS:.1f} ms" for took, other, _ in timed)
    _LOG.info("%s runs on %s, the quickest here (%s)", what, name, times)
    return best


def _with_options(kind: str, device: Device) -> Any:
    return (PROVIDERS[kind], {"device_id": device.number}) if kind == "cuda" else PROVIDERS[kind]
