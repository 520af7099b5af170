"""A small encoder of each family, made in a folder: name one, get what `open_encoder` takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.encoders.test_navec import save_navec
from tests.encoders.test_static import save_static

_VECTORS = {
    "the": "1 0 0",
    "cat": "0 1 0",
    "x": "0.5 0 1",
    "on": "1 1 0",
    "кошка": "0 1 1",
    "чай": "0 0 1",
    "tea": "0 1 2",
}


def make_encoder(family: str, folder: Path) -> str:
    """Make an encoder of a family of `FAMILIES` or `TORCH_FAMILIES` and return its name; the latter take the extra torch."""
    folder.mkdir(parents=True, exist_ok=True)
    return {**FAMILIES, **TORCH_FAMILIES}[family](folder)


def _static(folder: Path) -> str:
    save_static(folder)
    return str(folder)


def _word_vectors(folder: Path) -> str:
    lines = [f"{len(_VECTORS)} 3", *(f"{word} {row}" for word, row in _VECTORS.items())]
    (folder / "words.vec").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return f"fasttext:{folder / 'words.vec'}"


def _transformer(name: str) -> Callable[[Path], str]:
    def make(folder: Path) -> str:
        from tests.encoders.tiny_models import save_tiny

        save_tiny(folder / name, name)
        return str(folder / name)

    return make


def _sentence_transformer(folder: Path) -> str:
    from tests.encoders.tiny_models import save_sentence_folder, save_tiny

    save_tiny(folder / "whole", "rubert-tiny2")
    save_sentence_folder(folder / "whole", "mean_tokens", {"query": "query: "})
    return str(folder / "whole")


def _laser(folder: Path) -> str:
    from tests.encoders.laser_files import save_laser

    save_laser(folder / "LASER2")
    return str(folder / "LASER2")


FAMILIES: dict[str, Callable[[Path], str]] = {
    "hashing": lambda folder: "hashing:64",
    "static": _static,
    "fasttext": _word_vectors,
    "navec": lambda folder: f"navec:{save_navec(folder / 'words.tar')}",
}
TORCH_FAMILIES: dict[str, Callable[[Path], str]] = {
    "sentence-transformers": _sentence_transformer,
    "transformers, mean": _transformer("rubert-base-cased"),
    "transformers, pooler": _transformer("LaBSE"),
    "transformers, encoder of T5": _transformer("FRIDA"),
    "transformers, last token": _transformer("Qwen3-Embedding-0.6B"),
    "laser": _laser,
}
