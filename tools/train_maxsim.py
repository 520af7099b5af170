"""Learn how much each token of a query counts for `--rerank maxsim`, from its state: softplus of a linear function.

    python tools/train_maxsim.py OUT --data DIR --work FOLDER

OUT gets token_importance.npy, which goes beside the encoder's model, and what is learnt without scifact, danetqa or xquad, for
benchmarks/rerank.py to see what that is worth on a set never seen. Learnt is, over the first ten of the fused list, to put
texts that answer above the others (softmax of fused score and weighted mean of highest cosines), every set counting alike.
What is learnt from, and kept apart, says tools/training_data.py. DIR and FOLDER as for benchmarks/fusion.py; the token states are
kept in FOLDER, so that a second run takes some minutes.

Needs torch.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from training_data import SETS, Example, memory_of, mine, names_without

from searchctl.encoders import open_encoder

LEFT_OUT = ("scifact", "danetqa", "xquad")  # one by one
BATCH = 64
FUSED, NEAREST = 10.0, 20.0  # the softmax's scales at the beginning; both are learnt
STEEP = 4.0


@dataclass(frozen=True)
class Question:
    """An example as numbers: the query's token states, each one's highest cosine with each text's tokens, fused scores."""

    set: str
    tokens: torch.Tensor
    nearest: torch.Tensor
    fused: torch.Tensor
    answers: torch.Tensor


def questions(examples: Sequence[Example], work: Path) -> Iterator[Question]:
    """Compare the tokens of one set's queries and texts."""
    memory = memory_of(SETS[examples[0].set][0], open_encoder(), work)
    for one in examples:
        (tokens,) = memory.query_tokens([one.query])
        tokens = tokens / np.linalg.norm(tokens, axis=1, keepdims=True)
        nearest = [(tokens @ words.T).max(axis=1) for words in memory.document_tokens(one.texts)]
        numbers = tokens, np.stack(nearest), np.array(one.scores, np.float32), np.array(one.answers, np.float32)
        yield Question(one.set, *map(torch.from_numpy, numbers))
    memory.save()


def learn(learnt: Sequence[Question], epochs: int, decay: float, seed: int) -> np.ndarray:
    """Return the weights of the linear function, and its shift last."""
    shares = {name: 1 / count for name, count in Counter(one.set for one in learnt).items()}
    weights = torch.zeros(learnt[0].tokens.shape[1], requires_grad=True)
    scalars = torch.tensor([0.54, 1.0, 1.0], requires_grad=True)  # shift, and the scales of fused and nearest
    optimizer = torch.optim.Adam([{"params": [weights], "lr": 0.02}, {"params": [scalars], "lr": 0.005}])
    order, rng = list(learnt), random.Random(seed)
    for epoch in range(epochs):
        rng.shuffle(order)
        total = 0.0
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            losses = torch.stack([shares[one.set] * _loss(one, weights, scalars) for one in batch])
            loss = losses.sum() / sum(shares[one.set] for one in batch)
            total += float(loss.detach()) * len(batch)
            optimizer.zero_grad()
            (loss + decay * (weights**2).sum()).backward()
            optimizer.step()
        print(f"epoch {epoch + 1}: loss {total / len(order):.4f}", flush=True)
    return np.append(weights.detach().numpy() * STEEP, scalars[0].item()).astype(np.float32)


def _loss(one: Question, weights: torch.Tensor, scalars: torch.Tensor) -> torch.Tensor:
    counts = torch.nn.functional.softplus(one.tokens @ weights * STEEP + scalars[0])
    scores = FUSED * scalars[1] * one.fused + NEAREST * scalars[2] * (one.nearest @ (counts / counts.sum()))
    return -(torch.log_softmax(scores, 0) * one.answers).sum() / one.answers.sum()


def main() -> None:
    """Read the arguments, mine, learn and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder to write to")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--decay", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    learnt: list[Question] = []
    for name in SETS:
        examples = list(mine(name, options.data, options.work, options.seed))
        print(f"{name}: {len(examples)} questions", flush=True)
        learnt += questions(examples, options.work)
    for file, left in (("token_importance", ()), *((f"importance-without-{one}", (one,)) for one in LEFT_OUT)):
        some = [one for one in learnt if one.set in names_without(left)]
        print(f"{file}: {len(some)} questions", flush=True)
        np.save(options.out / f"{file}.npy", learn(some, options.epochs, options.decay, options.seed))


if __name__ == "__main__":
    main()
