"""Networks of torch as ONNX files, checked against what torch makes of the same texts before they count."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from searchctl.errors import MissingExtra, SearchctlError
from searchctl.translation import _
from searchctl.types import Json

SERVED = "model.onnx"  # what searchctl runs: int8, or fp32 where int8 strays too far
PLAIN = "onnx/model.onnx"  # fp32, where sentence-transformers and others look for it
LEAST_PLAIN = 0.999  # mean cosine with torch's outputs, below which a file is refused
LEAST_INT8 = 0.98
_OPSET = 17
_PROBES = 32
_TOKENS = ("input_ids", "attention_mask", "token_type_ids")
_DYNAMIC = {0: "batch", 1: "tokens"}

Features = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a network's ONNX files agree with torch: mean and least likeness of their outputs, of `texts` texts, by `measure`.

    `served` is which of them `model.onnx` is: int8, or fp32 where `int8` strayed below `LEAST_INT8`.
    """

    texts: int
    plain: float
    plain_least: float
    int8: float
    int8_least: float
    served: str
    measure: str = "cosine"

    def to_json(self) -> Json:
        """Return it as JSON values."""
        return {
            "texts": self.texts,
            "measure": self.measure,
            "fp32": {"mean": self.plain, "least": self.plain_least},
            "int8": {"mean": self.int8, "least": self.int8_least},
            "served": self.served,
        }

    def sentence(self) -> str:
        """Return it as people read it."""
        served = "served" if self.served == "int8" else f"refused below {LEAST_INT8}; fp32 is served"
        return f"mean {self.measure} with torch over {self.texts} texts: fp32 {self.plain:.6f}, int8 {self.int8:.4f} ({served})"


def export(
    torch: Any,
    network: Any,
    features: Sequence[Features],
    folder: Path,
    outputs: Sequence[str],
    checked: int = 0,
    likeness: Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float64]] | None = None,
    measure: str = "cosine",
) -> Agreement:
    """Write a network as `PLAIN` and, quantised, as `SERVED`, after comparing both with torch.

    `network` takes the tensors of `features` by position, in the order input_ids, attention_mask, token_type_ids, and
    returns what `outputs` names. `features` are batches of several lengths; the output numbered `checked` is compared, by cosine or by
    `likeness`, which `measure` names. Raises SearchctlError when the plain file strays from torch.
    """
    network.eval()
    path = folder / PLAIN
    path.parent.mkdir(parents=True, exist_ok=True)
    names = [name for name in _TOKENS if name in features[0]]
    _write(torch, network, features[0], names, path, outputs)
    with torch.no_grad():
        expected = [_output(network(*(batch[name] for name in names)), checked) for batch in features]
    likeness = likeness or cosines
    plain = _compare(path, features, expected, outputs[checked], likeness)
    if float(plain.mean()) < LEAST_PLAIN:
        raise SearchctlError(
            _(
                "the ONNX file gives other outputs than torch: mean {measure} {mean:.4f}, expected at least "
                "{LEAST_PLAIN}; please report it with the model's config.json"
            ).format(measure=measure, mean=plain.mean(), LEAST_PLAIN=LEAST_PLAIN)
        )
    _quantise(path, folder / SERVED)
    int8 = _compare(folder / SERVED, features, expected, outputs[checked], likeness)
    served = "int8" if float(int8.mean()) >= LEAST_INT8 else "fp32"
    if served == "fp32":
        (folder / SERVED).write_bytes(path.read_bytes())
    count = sum(len(rows) for rows in expected)
    means = [round(float(cosine.mean()), 6) for cosine in (plain, int8)]
    leasts = [round(float(cosine.min()), 6) for cosine in (plain, int8)]
    return Agreement(count, means[0], leasts[0], means[1], leasts[1], served, measure)


def probe_texts(texts: Sequence[str]) -> list[str]:
    """Return some texts of very different lengths, for a comparison: the shortest, the longest, and what lies between."""
    ordered = sorted(dict.fromkeys(texts), key=len)
    places = np.linspace(0, len(ordered) - 1, min(_PROBES, len(ordered))).astype(int)
    return [ordered[place] for place in dict.fromkeys(places.tolist())]


def cosines(left: NDArray[np.float32], right: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the cosine of each row of one with that of the other: (n,)."""
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return np.asarray((left * right).sum(axis=1) / np.maximum(lengths, 1e-12), np.float64)


def _write(
    torch: Any, network: Any, features: Features, names: Sequence[str], path: Path, outputs: Sequence[str]
) -> None:
    """Write the file by torch's older exporter, which takes a tenth of the newer one's time and knows T5; else by that one."""
    inputs = tuple(features[name] for name in names)
    common: dict[str, Any] = {
        "input_names": list(names),
        "output_names": list(outputs),
        "opset_version": _OPSET,
    }
    axes = {name: _DYNAMIC for name in names} | {name: {0: "batch"} for name in outputs}
    onnx = torch.onnx
    with torch.no_grad():
        try:
            onnx.export(network, inputs, str(path), dynamic_axes=axes, dynamo=False, **common)
        except Exception as first:  # noqa: BLE001 - torch's exporter raises whatever it meets
            try:
                shapes = tuple(_DYNAMIC for _ignored in names)
                onnx.export(network, inputs, str(path), dynamic_shapes=shapes, dynamo=True, **common)
            except Exception as second:
                reason = (str(first).strip() or type(first).__name__).splitlines()[0]
                raise SearchctlError(
                    _(
                        "torch can't write this model as ONNX: {reason}; the safetensors beside it work with the torch "
                        "extra"
                    ).format(reason=reason)
                ) from second


def _quantise(path: Path, target: Path) -> None:
    """Write the file with weights in int8, by column; activations are quantised as they come."""
    try:
        library = importlib.import_module("onnxruntime.quantization")
    except ImportError as error:
        raise MissingExtra(_("writing int8 weights"), "train") from error
    library.quantize_dynamic(
        str(path),
        str(target),
        per_channel=True,
        weight_type=library.QuantType.QInt8,
        extra_options={"DefaultTensorType": 1},
    )


def _compare(
    path: Path,
    features: Sequence[Features],
    expected: Sequence[NDArray[np.float32]],
    output: str,
    likeness: Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    runtime = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    taken = [given.name for given in session.get_inputs()]
    parts = []
    for batch, rows in zip(features, expected, strict=True):
        (made,) = session.run([output], {name: batch[name].cpu().numpy().astype(np.int64) for name in taken})
        parts.append(likeness(made, rows))
    return np.concatenate(parts)


def _output(made: Any, place: int) -> NDArray[np.float32]:
    chosen = made[place] if isinstance(made, (tuple, list)) else made
    return np.asarray(chosen.float().cpu().numpy(), np.float32)
