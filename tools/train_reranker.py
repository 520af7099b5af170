"""Train a small English and Russian cross-encoder from the shipped encoder, for `--rerank OUT`.

    python tools/train_reranker.py OUT --data DIR --work FOLDER --model MODEL_FOLDER [--without danetqa-ru]

The encoder's lower layers stay as they are shipped, quantised: they read query and text as one, and what they make of the pairs
is computed once. Copies of its upper layers are trained to put the text that answers above hard negatives (softmax over one and
three that BM25 and vectors put highest). OUT is a folder with one quantised ONNX model, which the base install runs.

None ships: from the some two thousand questions there are, it learns to do worse than the fused order on questions it hasn't
seen (benchmarks/results.md), where `maxsim` does better. With more questions of your own it may be another matter.

What is learnt from, and kept apart, says tools/training_data.py. DIR and FOLDER as for benchmarks/fusion.py; MODEL_FOLDER is the
unquantised encoder. `--without` leaves sets out, to see what is learnt about others.

Needs torch, transformers, onnx and safetensors.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import build_encoder
import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper
from safetensors.numpy import load_file
from tokenizers import Tokenizer
from training_data import Example, mine, names_without
from transformers import BertConfig
from transformers.models.bert.modeling_bert import BertLayer

from searchctl.encoders import DEFAULT_ENCODER

SHIPPED = Path(__file__).parents[1] / "src/searchctl/encoders/models" / DEFAULT_ENCODER
NEGATIVES = 3
LONGEST = 192  # tokens of query and text together
BATCH_TOKENS = 4096
WEIGHT = 0.5  # against the fused score
GROUPS = 8  # questions a step

States = NDArray[np.float16]
Pair = tuple[str, str]


def group(example: Example, rng: random.Random) -> list[Pair]:
    """Return a question with a text that answers, and with some that don't, out of the best."""
    right = [text for text, answers in zip(example.texts, example.answers, strict=True) if answers]
    wrong = [text for text, answers in zip(example.texts, example.answers, strict=True) if not answers]
    return [(example.query, text) for text in (rng.choice(right), *rng.sample(wrong, NEGATIVES))]


class Lower:
    """The shipped encoder up to a layer, reading pairs."""

    def __init__(self, folder: Path, layers: int) -> None:
        self._output = f"encoder.layer.{layers - 1}.output.normed"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 3
        model = onnx.load(folder / "model.onnx")
        del model.graph.output[:]
        model.graph.output.append(helper.make_tensor_value_info(self._output, TensorProto.FLOAT, None))
        self._session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        self._run_options = onnxruntime.RunOptions()
        self._run_options.only_execute_path_to_fetches = True
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(LONGEST, strategy="only_second")
        self._pad = json.loads((folder / "searchctl.json").read_text(encoding="utf-8"))["pad_id"]

    def states(self, pairs: Sequence[Pair]) -> list[States]:
        """Return for each pair its tokens' states: (tokens, dim)."""
        tokens = [one.ids for one in self._tokenizer.encode_batch(list(pairs))]
        found: list[Any] = [None] * len(pairs)

        def work(rows: list[int]) -> None:
            ids = np.full((len(rows), max(len(tokens[row]) for row in rows)), self._pad, np.int64)
            mask = np.zeros_like(ids)
            for place, row in enumerate(rows):
                ids[place, : len(tokens[row])], mask[place, : len(tokens[row])] = tokens[row], 1
            inputs = {"input_ids": ids, "attention_mask": mask}
            (states,) = self._session.run([self._output], inputs, self._run_options)
            for place, row in enumerate(rows):
                found[row] = states[place, : len(tokens[row])].astype(np.float16)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(work, batches([len(one) for one in tokens])))
        return found


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield row numbers in batches of like length."""
    rows: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if rows and (len(rows) + 1) * lengths[row] > BATCH_TOKENS:
            yield rows
            rows = []
        rows.append(row)
    if rows:
        yield rows


class Upper(torch.nn.Module):
    """Copies of the encoder's upper layers, and a score from the mean of the last states."""

    def __init__(self, folder: Path, lower: int) -> None:
        super().__init__()
        config = BertConfig.from_pretrained(folder)
        config._attn_implementation = "sdpa"
        weights = {
            name: torch.from_numpy(value.astype(np.float32))
            for name, value in load_file(folder / "model.safetensors").items()
        }
        self.lower = lower
        self.layers = torch.nn.ModuleList([BertLayer(config) for _ in range(lower, config.num_hidden_layers)])
        for number, layer in enumerate(self.layers, lower):
            start = f"encoder.layer.{number}."
            layer.load_state_dict(
                {name.removeprefix(start): value for name, value in weights.items() if name.startswith(start)}
            )
        self.score = torch.nn.Linear(config.hidden_size, 1)

    def forward(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return the logits of padded pairs (n, longest, dim)."""
        for layer in self.layers:
            states = layer(states, mask[:, None, None, :])
            states = states[0] if isinstance(states, tuple) else states
        rows = mask[:, :, None].to(states.dtype)
        return self.score((states * rows).sum(1).float() / rows.sum(1).float())[:, 0]

    def exported(self) -> dict[str, NDArray[np.float32]]:
        """Return the trained weights under the encoder's names."""
        found = {}
        for number, layer in enumerate(self.layers, self.lower):
            found |= {f"encoder.layer.{number}.{name}": value for name, value in layer.state_dict().items()}
        found |= {f"score.{name}": value for name, value in self.score.state_dict().items()}
        return {name: value.detach().float().numpy() for name, value in found.items()}


def padded(states: Sequence[States]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return states of pairs as one tensor, and where there are tokens."""
    longest = max(len(one) for one in states)
    block = np.zeros((len(states), longest, states[0].shape[1]), np.float32)
    mask = np.zeros((len(states), longest), np.bool_)
    for row, one in enumerate(states):
        block[row, : len(one)], mask[row, : len(one)] = one, True
    return torch.from_numpy(block), torch.from_numpy(mask)


def train(upper: Upper, groups: Sequence[Sequence[States]], epochs: int, rate: float, rng: random.Random) -> None:
    """Learn to put each group's first pair above its others; groups are of one size."""
    head = list(upper.score.parameters())
    optimizer = torch.optim.AdamW(
        [{"params": list(upper.layers.parameters()), "lr": rate}, {"params": head, "lr": 20 * rate}], weight_decay=0.01
    )
    steps = epochs * -(-len(groups) // GROUPS)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, [rate, 20 * rate], total_steps=steps, pct_start=0.1)
    upper.train()
    for epoch in range(epochs):
        losses = []
        for rows in shuffled([max(map(len, group)) for group in groups], rng):
            states, mask = padded([one for row in rows for one in groups[row]])
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = upper(states, mask).float().view(len(rows), -1)
            first = torch.zeros(len(rows), dtype=torch.long)
            apart = torch.nn.functional.cross_entropy(logits, first)
            # the softmax doesn't care where 0 is; this term does, so that the sigmoid is a share
            target = torch.zeros_like(logits)
            target[:, 0] = 1
            loss = apart + 0.3 * torch.nn.functional.binary_cross_entropy_with_logits(logits, target)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(upper.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(float(apart.detach()))
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}, last 50 steps {np.mean(losses[-50:]):.4f}", flush=True)
    upper.eval()


def shuffled(lengths: Sequence[int], rng: random.Random) -> Iterator[list[int]]:
    """Yield numbers of groups in random batches, each of like length."""
    order = list(range(len(lengths)))
    rng.shuffle(order)
    cut = []
    for at in range(0, len(order), 8 * GROUPS):
        pool = sorted(order[at : at + 8 * GROUPS], key=lengths.__getitem__)
        cut += [pool[start : start + GROUPS] for start in range(0, len(pool), GROUPS)]
    rng.shuffle(cut)
    yield from cut


def build(folder: Path, trained: Mapping[str, NDArray[np.float32]]) -> onnx.ModelProto:
    """Build the quantised model: the encoder's graph with trained layers, and a score instead of a vector."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    weights = {name: value.astype(np.float32) for name, value in load_file(folder / "model.safetensors").items()}
    graph = build_encoder.Graph({**weights, **trained}, "mixed", {})
    states = graph.encode(config)
    graph.sum(states)
    graph.node("ReduceSum", ["mask_float", "number1"], "count", keepdims=1)
    graph.node("Div", ["sum", "count"], "mean")
    graph.node("MatMul", ["mean", graph.constant("score.matrix", trained["score.weight"].T)], "scored")
    graph.node("Add", ["scored", graph.constant("score.shift", trained["score.bias"])], "logits")
    return graph.model("reranker", [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 1])])


def write(
    out: Path, encoder: Path, folder: Path, trained: Mapping[str, NDArray[np.float32]], learnt: Mapping[str, Any]
) -> None:
    """Write model, tokenizer and settings into `out`; `folder` is the unquantised model of the encoder."""
    out.mkdir(parents=True, exist_ok=True)
    onnx.save(build(folder, trained), out / "model.onnx")
    shutil.copy(encoder / "tokenizer.json", out / "tokenizer.json")
    pad = json.loads((folder / "config.json").read_text(encoding="utf-8"))["pad_token_id"]
    settings = {"pad_token_id": pad, "max_position_embeddings": LONGEST, "rerank_weight": WEIGHT, "trained": learnt}
    (out / "config.json").write_text(json.dumps(settings, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    """Read the arguments, mine, train and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument(
        "--model", type=Path, required=True, help="the unquantised encoder, a sentence-transformers folder"
    )
    parser.add_argument(
        "--encoder", type=Path, default=SHIPPED, help="the encoder as it ships [the one of the package]"
    )
    parser.add_argument("--without", nargs="*", default=[], help="sets to leave out; xquad leaves out all four")
    parser.add_argument("--lower", type=int, default=9, help="layers that stay as they are [9]")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rate", type=float, default=1e-4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    torch.manual_seed(options.seed)
    names = names_without(options.without)
    examples = [one for name in names for one in mine(name, options.data, options.work, options.seed)]
    pairs = [group(one, rng) for one in examples if one.answers.count(False) >= NEGATIVES]
    print(f"{len(pairs)} questions of {', '.join(names)}", flush=True)
    states = Lower(options.encoder, options.lower).states([pair for one in pairs for pair in one])
    groups = [states[at : at + 1 + NEGATIVES] for at in range(0, len(states), 1 + NEGATIVES)]
    upper = Upper(options.model, options.lower)
    train(upper, groups, options.epochs, options.rate, rng)
    learnt = {
        "sets": names,
        "questions": len(pairs),
        "epochs": options.epochs,
        "rate": options.rate,
        "seed": options.seed,
    }
    write(options.out, options.encoder, options.model, upper.exported(), learnt)
    size = sum(path.stat().st_size for path in options.out.iterdir())
    print(f"{options.out}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
