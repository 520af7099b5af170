"""Build the encoder that ships with searchctl from a sentence-transformers folder of a BERT model.

    python tools/build_encoder.py MODEL_FOLDER src/searchctl/encoders/models/multilingual-e5-small-enru

The ONNX graph is written operator by operator, with attention, GELU and layer norms fused and pooling inside. How weights are
stored is chosen per place (`--scheme`), by measurement (benchmarks/encoder.py compares the schemes):

- the embedding table: 4 bits in blocks of 32, from which these weights were made, so nothing is lost;
- the matrix after GELU: the same, because its inputs have outliers that one int8 scale for all can't hold;
- the other matrices: int8, one scale a column, 7 bits used so that processors without VNNI don't saturate. What goes into them
  has outliers too, in one or two channels, so these are made smaller and their weights larger, as in SmoothQuant (Xiao et
  al., 2023, arXiv:2211.10438, equation 4 with alpha 0.5). How large channels get is measured with `--texts`, a JSON Lines
  file of documents; the shipped model is made with ingest/demo/corpus.jsonl.

Needs numpy, onnx, onnxruntime, safetensors and tokenizers.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file
from tokenizers import Tokenizer

MICROSOFT = "com.microsoft"  # the domain of onnxruntime's fused operators
BLOCK = 32
SCHEMES = {  # scheme -> storage of: the table, the matrices after GELU, the others
    "mixed": ("q4", "q4", "int8"),
    "int8": ("q4", "int8", "int8"),
    "q4": ("q4", "q4", "q4"),
    "fp32": ("fp32", "fp32", "fp32"),
}
LARGEST_INT8 = 63
DEMO = Path(__file__).resolve().parents[1] / "ingest/demo/corpus.jsonl"
ALPHA = 0.5  # how much of the outliers goes from the inputs to the weights
CALIBRATION_TEXTS = 64
LOSSLESS = 1e-3  # of a block's largest weight: the rounding of a half-precision scale

Array = NDArray[Any]


def to_4_bits(weights: Array) -> tuple[Array, Array]:
    """Return packed 4-bit numbers (rows, blocks, 16) and scales (rows, blocks) for float weights (rows, columns).

    The block's largest weight by size becomes -8, as in GGML's q4_0, so weights that came from there come back as they were.
    """
    rows, columns = weights.shape
    blocks = weights.reshape(rows, columns // BLOCK, BLOCK)
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(-1)[..., None], -1)[..., 0]
    scales = largest / -8
    numbers = np.rint(blocks / np.where(scales == 0, 1, scales)[..., None]) + 8
    numbers = np.clip(numbers, 0, 15).astype(np.uint8)
    return numbers[..., 0::2] | (numbers[..., 1::2] << 4), scales.astype(np.float32)


def loss_of_4_bits(weights: Array) -> float:
    """Return the largest error of `to_4_bits` as a share of the largest weight."""
    packed, scales = to_4_bits(weights)
    numbers = np.stack([packed & 15, packed >> 4], axis=-1).reshape(*packed.shape[:2], BLOCK).astype(np.float32) - 8
    return float(np.abs((numbers * scales[..., None]).reshape(weights.shape) - weights).max() / np.abs(weights).max())


class Graph:
    """Collects nodes and constants of an ONNX graph."""

    def __init__(self, weights: dict[str, Array], scheme: str, largest: dict[str, Array]) -> None:
        self.weights = weights
        self.largest = largest
        self.table, self.after_gelu, self.other = SCHEMES[scheme]
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, value: Array) -> str:
        """Add a constant and return its name."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operator: str, inputs: Sequence[str], output: str, domain: str = "", **attributes: Any) -> str:
        """Add a node and return its output's name."""
        self.nodes.append(helper.make_node(operator, list(inputs), [output], domain=domain, **attributes))
        return output

    def norm(self, name: str) -> list[str]:
        """Add the constants of a layer norm."""
        return [self.constant(f"{name}.{part}", self.weights[f"{name}.{part}"]) for part in ("weight", "bias")]

    def even_out(self, inputs: str, names: Sequence[str]) -> str:
        """Divide the channels that go into some int8 matrices, and multiply their weights, so that neither has outliers."""
        if self.other != "int8" or inputs not in self.largest:
            return inputs
        matrices = [self.weights[f"{name}.weight"] for name in names]
        weights = np.abs(np.concatenate(matrices)).max(axis=0)
        factors = (self.largest[inputs] / weights) ** ALPHA
        factors = (factors / np.median(factors)).astype(np.float32)
        for name, matrix in zip(names, matrices, strict=True):
            self.weights[f"{name}.weight"] = matrix * factors
        return self.node("Mul", [inputs, self.constant(f"{inputs}.factors", 1 / factors)], f"{inputs}.even")

    def linear(self, inputs: str, name: str, storage: str) -> str:
        """Multiply by a matrix; its bias is added by the fused operator that follows."""
        matrix, output = self.weights[f"{name}.weight"], f"{name}.out"
        if storage == "fp32":
            return self.node("MatMul", [inputs, self.constant(f"{name}.matrix", matrix.T)], output)
        if storage == "q4":
            packed, scales = to_4_bits(matrix)
            operands = [
                inputs,
                self.constant(f"{name}.matrix", packed),
                self.constant(f"{name}.scales", scales.reshape(-1)),
            ]
            sizes = {"K": matrix.shape[1], "N": matrix.shape[0], "bits": 4, "block_size": BLOCK, "accuracy_level": 4}
            return self.node("MatMulNBits", operands, output, MICROSOFT, **sizes)
        scales = np.abs(matrix).max(axis=1) / LARGEST_INT8
        numbers = np.rint(matrix / scales[:, None]).astype(np.int8).T
        operands = [
            inputs,
            self.constant(f"{name}.matrix", numbers),
            self.constant(f"{name}.scales", scales.astype(np.float32)),
            self.constant(f"{name}.zeros", np.zeros(len(scales), np.int8)),
        ]
        return self.node("DynamicQuantizeMatMul", operands, output, MICROSOFT)

    def embed(self) -> str:
        """Add the embedding of words and places."""
        weights = self.weights
        table = weights["embeddings.word_embeddings.weight"]
        if self.table == "q4":
            packed, scales = to_4_bits(table)
            operands = [
                self.constant("table", packed.reshape(len(table), -1)),
                "input_ids",
                self.constant("table.scales", scales),
            ]
            settings = {"bits": 4, "block_size": BLOCK, "quantize_axis": 1, "gather_axis": 0}
            self.node("GatherBlockQuantized", operands, "words", MICROSOFT, **settings)
        else:
            self.node("Gather", [self.constant("table", table), "input_ids"], "words")
        places = (
            weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
        )
        self.constant("places", places)
        for number in range(3):
            self.constant(f"number{number}", np.array([number], np.int64))
        self.node("Shape", ["input_ids"], "shape")
        self.node("Slice", ["shape", "number1", "number2", "number0"], "length")
        self.node("Slice", ["places", "number0", "length", "number0"], "places_used")
        self.node("Add", ["words", "places_used"], "embedded")
        return self.node(
            "LayerNormalization", ["embedded", *self.norm("embeddings.LayerNorm")], "layer_in", axis=-1, epsilon=1e-12
        )

    def layer(self, number: int, inputs: str, heads: int) -> str:
        """Add one transformer layer."""
        name, weights = f"encoder.layer.{number}", self.weights
        parts = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
        even = self.even_out(inputs, parts)
        projected = [self.linear(even, part, self.other) for part in parts]
        bias = self.constant(f"{name}.attention.bias", np.concatenate([weights[f"{part}.bias"] for part in parts]))
        attended = self.node(
            "MultiHeadAttention", [*projected, bias, "mask"], f"{name}.attended", MICROSOFT, num_heads=heads
        )
        middle = self.add_norm(
            f"{name}.attention.output", self.linear(attended, f"{name}.attention.output.dense", self.other), inputs
        )
        wide = f"{name}.intermediate.dense"
        widened = self.linear(self.even_out(middle, [wide]), wide, self.other)
        bias = self.constant(f"{name}.intermediate.bias", weights[f"{name}.intermediate.dense.bias"])
        active = self.node("BiasGelu", [widened, bias], f"{name}.active", MICROSOFT)
        return self.add_norm(f"{name}.output", self.linear(active, f"{name}.output.dense", self.after_gelu), middle)

    def add_norm(self, name: str, inputs: str, residual: str) -> str:
        """Add what is added to the layer's input, and norm the sum."""
        bias = self.constant(f"{name}.dense.bias", self.weights[f"{name}.dense.bias"])
        operands = [inputs, residual, *self.norm(f"{name}.LayerNorm"), bias]
        return self.node("SkipLayerNormalization", operands, f"{name}.normed", MICROSOFT, epsilon=1e-12)

    def sum(self, states: str) -> None:
        """Add up the text's tokens."""
        self.node("Cast", ["attention_mask"], "mask_float", to=TensorProto.FLOAT)
        self.node("Unsqueeze", ["mask_float", "number1"], "mask_row")
        self.node("MatMul", ["mask_row", states], "sum_row")
        self.node("Squeeze", ["sum_row", "number1"], "sum")

    def encode(self, config: dict[str, Any]) -> str:
        """Add the embedding and all layers."""
        self.node("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
        states = self.embed()
        for number in range(config["num_hidden_layers"]):
            states = self.layer(number, states, config["num_attention_heads"])
        return states

    def model(self, name: str, outputs: Sequence[Any]) -> onnx.ModelProto:
        """Return the model."""
        inputs = [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
            for name in ("input_ids", "attention_mask")
        ]
        made = helper.make_graph(self.nodes, name, inputs, outputs, self.constants)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT, 1)]
        producer = "searchctl tools/build_encoder.py"
        return helper.make_model(made, opset_imports=opsets, ir_version=8, producer_name=producer)


def build(folder: Path, scheme: str, largest: dict[str, Array]) -> onnx.ModelProto:
    """Build the model of a sentence-transformers folder; `largest` are the sizes that `largest_inputs` found.

    Its one output is the vector of each text; `add_token_states` adds others.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    weights = {name: value.astype(np.float32) for name, value in load_file(folder / "model.safetensors").items()}
    graph = Graph(weights, scheme, largest)
    graph.sum(graph.encode(config))  # the mean's length is normalised anyway, so the sum does
    graph.node("LpNormalization", ["sum"], "sentence_embedding", axis=1, p=2)
    output = helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, ["batch", config["hidden_size"]])
    return graph.model("encoder", [output])


def add_token_states(model: onnx.ModelProto, config: dict[str, Any]) -> list[str]:
    """Have the model give out its tokens' states of `token_layers` as well, and return those outputs' names.

    The vectors and the speed stay the same, to the last bit.
    """
    names = [f"encoder.layer.{number - 1}.output.normed" for number in token_layers(config)]
    shape = ["batch", "tokens", config["hidden_size"]]
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in names)
    return names


def token_layers(config: dict[str, Any]) -> tuple[int, int]:
    """Return the layers by whose states tokens are compared: the last, and one that knows the language less."""
    return config["num_hidden_layers"] * 3 // 4, config["num_hidden_layers"]


def largest_inputs(folder: Path, texts: Sequence[str]) -> dict[str, Array]:
    """Return how large each channel (hidden,) of what is normed gets, by name, in the unquantised model on these texts."""
    model = build(folder, "fp32", {})
    names = [name for node in model.graph.node for name in node.output if name.endswith(".normed")] + ["layer_in"]
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(config["max_position_embeddings"])
    largest = {name: np.zeros(config["hidden_size"]) for name in names}
    for encoded in tokenizer.encode_batch(list(texts)):
        ids = np.array([encoded.ids])
        found = session.run(names, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
        for name, states in zip(names, found, strict=True):
            largest[name] = np.maximum(largest[name], np.abs(states[0]).max(axis=0))
    return largest


def calibration_texts(path: Path, prefix: str) -> list[str]:
    """Return documents of a JSON Lines file, evenly taken from it, as the encoder gets them."""
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines[:: max(1, len(lines) // CALIBRATION_TEXTS)]]
    return [prefix + f"{row.get('title', '')}\n{row['text']}".strip() for row in rows]


def check_lossless(folder: Path) -> None:
    """Raise SystemExit when the embedding table isn't made of 4-bit blocks, so that storing it so would lose something."""
    table = load_file(folder / "model.safetensors")["embeddings.word_embeddings.weight"].astype(np.float32)
    if (loss := loss_of_4_bits(table)) > LOSSLESS:
        raise SystemExit(
            f"4-bit blocks would change the embedding table by {loss:.4f} of its largest weight; use another --scheme"
        )


def write(folder: Path, out: Path, scheme: str, texts: Path) -> None:
    """Write model, tokenizer and settings into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    prompts = json.loads((folder / "config_sentence_transformers.json").read_text(encoding="utf-8"))["prompts"]
    calibration = calibration_texts(texts, prompts["document"]) if SCHEMES[scheme][2] == "int8" else []
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    model = build(folder, scheme, largest_inputs(folder, calibration) if calibration else {})
    vectors_alone = hashlib.sha256(model.SerializeToString()).hexdigest()  # token states don't make them others
    token_states = add_token_states(model, config)
    onnx.save(model, out / "model.onnx")
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    (out / "tokenizer.json").write_text(
        json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")), encoding="utf-8"
    )
    hashes = {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in ("model.onnx", "tokenizer.json")}
    settings = {
        "format": 1,
        "pooling": "mean",
        "query_prefix": prompts["query"],
        "document_prefix": prompts["document"],
        "max_tokens": config["max_position_embeddings"],
        "pad_id": config["pad_token_id"],
        "dim": config["hidden_size"],
        "revision": hashlib.sha256((vectors_alone + hashes["tokenizer.json"]).encode()).hexdigest()[:12],
        "scheme": scheme,
        "token_states": token_states,
        "sha256": hashes,
    }
    (out / "searchctl.json").write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
    for name in ("LICENSE", "ORIGIN.md"):
        if (folder / name).is_file():
            shutil.copy(folder / name, out / name)


def main() -> None:
    """Read the arguments and build."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="sentence-transformers folder")
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("--scheme", choices=SCHEMES, default="mixed")
    parser.add_argument(
        "--texts", type=Path, default=DEMO, help="documents to measure channels with [default: the demo]"
    )
    options = parser.parse_args()
    if SCHEMES[options.scheme][0] == "q4":
        check_lossless(options.folder)
    write(options.folder, options.out, options.scheme, options.texts)
    size = sum(path.stat().st_size for path in options.out.iterdir())
    print(f"{options.out}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
