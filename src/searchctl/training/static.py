"""Distilling an encoder into a static one: a vector a token, a hundred times as quick, weaker for search by meaning."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer

from searchctl.encoders import encoder_folder, open_encoder
from searchctl.encoders.base import Encoder
from searchctl.encoders.static import StaticEncoder
from searchctl.errors import UsageError
from searchctl.files import replacing
from searchctl.training.card import Card, write_card
from searchctl.training.output import fingerprint_of, finished_training, whole_folder, workspace
from searchctl.training.producing import TrainingReport
from searchctl.training.reading import read_texts
from searchctl.training.running import TrainingRun
from searchctl.training.settings import Watch
from searchctl.training.splitting import is_held_out
from searchctl.training.static_fit import MOST_TEXTS, StaticFit, fit_static
from searchctl.types import Json, Vectors

COMMAND = "searchctl train distil --to static"
_CHUNK = 1000  # texts encoded before they are saved
_LEAST = 100
_HELD_OUT = 0.1
_NEAREST = 10


@dataclass(frozen=True, slots=True)
class StaticSettings:
    """What decides a static model: numbers a vector, tokens of a text that are read, how many texts, and the seed."""

    dim: int = 256
    max_tokens: int = 128
    texts: int = MOST_TEXTS
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least, most in (("dim", 8, 4096), ("max_tokens", 8, 8192), ("texts", _LEAST, MOST_TEXTS)):
            if not least <= getattr(self, name) <= most:
                raise UsageError(f"{name.replace('_', '-')} is {getattr(self, name)}, expected {least} to {most}")


@dataclass(frozen=True, slots=True)
class _Texts:
    """Texts and their token ids, both cut to as many tokens."""

    texts: tuple[str, ...]
    tokens: tuple[tuple[int, ...], ...]


def distil_static(path: Path, teacher: str, out: Path, settings: StaticSettings, watch: Watch) -> TrainingReport:
    """Write a static model whose vectors come near the teacher's on one's own texts; goes on where it was interrupted.

    `teacher` is any encoder with a `tokenizer.json` in its folder, the shipped one too. Raises UsageError, SourceError,
    EncoderUnavailable.
    """
    began = time.monotonic()
    encoder = open_encoder(teacher)
    given, file = read_texts(path)
    fingerprint = fingerprint_of(
        {"command": COMMAND, "base": encoder.revision, "data": file.sha256, "settings": asdict(settings)}
    )
    if (card := finished_training(out, fingerprint)) is not None:
        return TrainingReport(out, card, done_before=True)
    tokenizer = _tokenizer(teacher)
    learnt, held_out = _parted(given, tokenizer, settings)
    out.parent.mkdir(parents=True, exist_ok=True)
    with workspace(out, fingerprint, {}) as (home, _):
        words = _words(tokenizer)
        work = [*words.values(), *learnt.texts, *held_out.texts]
        vectors = _encoded(encoder, work, home, watch)
        if vectors is None:
            done = len(list(home.glob("part-*.npy"))) * _CHUNK
            return TrainingReport(
                out, None, TrainingRun(done, len(work), time.monotonic() - began, (), interrupted=True)
            )
        tokens = np.zeros((tokenizer.get_vocab_size(with_added_tokens=True), vectors.shape[1]), np.float32)
        tokens[list(words)] = vectors[: len(words)]
        first, second = vectors[len(words) : len(words) + len(learnt.texts)], vectors[len(words) + len(learnt.texts) :]
        fit = fit_static(tokens, learnt.tokens, first, held_out.tokens, second, settings.dim)
        with whole_folder(out) as draft:
            _write(draft, tokenizer, fit, settings)
            measured = _measured(draft, encoder, fit, held_out.texts, second)
            made = Card(
                COMMAND,
                teacher,
                (file,),
                asdict(settings),
                {
                    "learnt": f"{len(learnt.texts):,} texts and {len(words):,} tokens",
                    "held out": f"{len(held_out.texts):,} other texts",
                    **measured,
                },
                (
                    "static vectors know no order of words: measure in hybrid before using them (searchctl evaluate --encoder FOLDER)",
                ),
                fingerprint,
            )
            facts = {"max_tokens": 512, "dim": int(fit.table.shape[1])}
            write_card(draft, made, facts, out.name)
    run = TrainingRun(len(work), len(work), time.monotonic() - began, ())
    return TrainingReport(out, made.to_json(), run)


def plan_static(path: Path, teacher: str, settings: StaticSettings) -> Json:
    """Return how many texts and tokens would be encoded, and an estimate of the seconds, by encoding some of them."""
    encoder = open_encoder(teacher)
    given, _ = read_texts(path)
    tokenizer = _tokenizer(teacher)
    learnt, held_out = _parted(given, tokenizer, settings)
    words = list(_words(tokenizer).values())
    seconds = sum(len(texts) * _seconds_each(encoder, texts) for texts in (words, [*learnt.texts, *held_out.texts]))
    return {
        "learnt": f"{len(learnt.texts):,} texts and {len(words):,} tokens",
        "held_out": f"{len(held_out.texts):,} other texts",
        "seconds": round(seconds, 1),
        "disk": (len(words) + len(given)) * encoder.dim * 4,
    }


def _seconds_each(encoder: Encoder, texts: Sequence[str]) -> float:
    sample = texts[:: max(1, len(texts) // 64)][:64]
    encoder.encode_documents(sample[:2])  # loads what is loaded once
    began = time.monotonic()
    encoder.encode_documents(sample)
    return (time.monotonic() - began) / len(sample)


def _tokenizer(teacher: str) -> Tokenizer:
    path = encoder_folder(teacher) / "tokenizer.json"
    if not path.is_file():
        raise UsageError(f"the encoder '{teacher}' has no tokenizer.json; name a folder that has one with --from")
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _words(tokenizer: Tokenizer) -> dict[int, str]:
    """Return the text of each token that means something, by its number."""
    special = {token.content for token in tokenizer.get_added_tokens_decoder().values() if token.special}
    words = {}
    for token, number in sorted(tokenizer.get_vocab(with_added_tokens=True).items(), key=lambda item: item[1]):
        text = token.replace("▁", " ").replace("Ġ", " ").removeprefix("##").strip()
        if text and token not in special:
            words[number] = text
    return words


def _parted(given: Sequence[str], tokenizer: Tokenizer, settings: StaticSettings) -> tuple[_Texts, _Texts]:
    """Return texts to learn from and held-out ones, cut, each once; drawn by the seed where there are more than wanted."""
    unique = list(dict.fromkeys(given))
    order = np.random.default_rng(settings.seed).permutation(len(unique))[: settings.texts]
    chosen = [unique[place] for place in sorted(order.tolist())]
    parts: tuple[list[tuple[str, tuple[int, ...]]], list[tuple[str, tuple[int, ...]]]] = ([], [])
    for text, encoding in zip(chosen, tokenizer.encode_batch(chosen, add_special_tokens=False), strict=True):
        ids = tuple(encoding.ids[: settings.max_tokens])
        if ids:
            cut = text[: encoding.offsets[len(ids) - 1][1]]
            parts[is_held_out(text, _HELD_OUT, settings.seed)].append((cut, ids))
    if len(parts[0]) + len(parts[1]) < _LEAST or len(parts[1]) < 2:
        raise UsageError(
            f"{len(unique):,} different texts are too few to distil from; give {_LEAST} at least, some thousands are better"
        )
    learnt, held_out = (_Texts(*map(tuple, zip(*part, strict=True))) for part in parts)
    return learnt, held_out


def _encoded(encoder: Encoder, texts: Sequence[str], home: Path, watch: Watch) -> Vectors | None:
    """Return the teacher's vectors, part by part and kept; None when told to stop."""
    parts = []
    for number, start in enumerate(range(0, len(texts), _CHUNK)):
        path = home / f"part-{number:05}.npy"
        if not path.is_file():
            if watch.stop.is_set():
                return None
            _save(path, encoder.encode_documents(texts[start : start + _CHUNK]))
        parts.append(np.load(path, allow_pickle=False))
        if watch.tell is not None:
            watch.tell(min(start + _CHUNK, len(texts)), len(texts))
    return np.concatenate(parts)


def _save(path: Path, vectors: Vectors) -> None:
    with replacing(path) as draft, draft.open("wb") as file:
        np.save(file, vectors, allow_pickle=False)


def _write(folder: Path, tokenizer: Tokenizer, fit: StaticFit, settings: StaticSettings) -> None:
    save_file({"embeddings": fit.table.astype(np.float16)}, folder / "model.safetensors")
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"normalize": True, "max_length": 512, "hidden_dim": int(fit.table.shape[1]), "model_type": "model2vec"}
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")


def _measured(
    folder: Path, teacher: Encoder, fit: StaticFit, texts: Sequence[str], vectors: Vectors
) -> dict[str, object]:
    """Return what is measured on the held-out texts: likeness with the teacher, and how much quicker it is."""
    student = StaticEncoder(folder)
    made = student.encode_documents(texts)
    speeds = [
        round(1 / max(_seconds_on(encode, texts), 1e-9))
        for encode in (teacher.encode_documents, student.encode_documents)
    ]
    return {
        "mean cosine with the teacher, in its space": {"before": round(fit.plain, 4), "after": round(fit.fitted, 4)},
        f"of the teacher's {_NEAREST} nearest, found": round(_overlap(vectors, made), 4),
        "texts/s, teacher and static, here and now": f"{speeds[0]:,} and {speeds[1]:,}",
        "penalty": fit.penalty,
    }


def _seconds_on(encode: Callable[[Sequence[str]], Vectors], texts: Sequence[str]) -> float:
    sample = texts[:128]
    began = time.perf_counter()
    encode(sample)
    return (time.perf_counter() - began) / len(sample)


def _overlap(first: Vectors, second: Vectors) -> float:
    """Return which share of each text's nearest others in one space are its nearest in the other."""
    k = min(_NEAREST, len(first) - 1)
    nearest = []
    for vectors in (first, second):
        cosines = vectors @ vectors.T
        np.fill_diagonal(cosines, -np.inf)
        nearest.append(np.argsort(-cosines, axis=1)[:, :k])
    return float(
        np.mean([len(set(one) & set(other)) / k for one, other in zip(*map(np.ndarray.tolist, nearest), strict=True)])
    )
