"""Encoders: models that turn texts into vectors, opened by name so that they swap by one word."""

from __future__ import annotations

from pathlib import Path

from searchctl.encoders.base import Encoder
from searchctl.errors import EncoderUnavailable
from searchctl.models.files import onnx_file
from searchctl.settings.paths import user_path

DEFAULT_ENCODER = "multilingual-e5-small-enru"
_SHIPPED = Path(__file__).parent / "models"


def open_encoder(name: str = DEFAULT_ENCODER, *, threads: int | None = None) -> Encoder:
    """Open an encoder: the shipped one, `hashing` (or `hashing:DIM`), a folder, `openai:MODEL@URL`, or a name on the Hugging Face hub.

    A folder holds an ONNX model, a static one (model2vec, StaticEmbedding), or a sentence-transformers or Hugging Face model
    (which takes the `torch` extra, as the hub does). `threads` limits the processor cores used. Raises EncoderUnavailable, MissingExtra.
    """
    family, _, option = name.partition(":")
    folder = user_path(name)
    if family == "hashing":
        return _hashing(name, option)
    if family == "fasttext":
        return _fasttext(name)
    if family == "openai":
        return _endpoint(name)
    if name in ("default", DEFAULT_ENCODER):
        return _onnx(_SHIPPED / DEFAULT_ENCODER, DEFAULT_ENCODER, threads)
    if folder.is_dir() and onnx_file(folder) is not None:
        return _onnx(folder, str(folder), threads)
    if folder.is_dir() and (static := _static(folder)) is not None:
        return static
    if not folder.is_dir() and _looks_like_path(name):
        known = f"{DEFAULT_ENCODER}, hashing, a folder with an ONNX or sentence-transformers model, or a hub name"
        raise EncoderUnavailable(f"no folder '{name}'; give {known}")
    return _torch(name, threads)


def _hashing(name: str, option: str) -> Encoder:
    from searchctl.encoders.hashing import HashingEncoder

    if option and not (option.isdigit() and 8 <= int(option) <= 4096):
        raise EncoderUnavailable(
            f"'{name}' isn't an encoder; write hashing or hashing:DIM with 8 to 4096, as in hashing:128"
        )
    return HashingEncoder(int(option or 256))


def _fasttext(name: str) -> Encoder:
    from searchctl.encoders.fasttext import FastTextEncoder

    return FastTextEncoder(name)


def _endpoint(name: str) -> Encoder:
    from searchctl.encoders.endpoint import EndpointEncoder

    return EndpointEncoder(name)


def _onnx(folder: Path, name: str, threads: int | None) -> Encoder:
    from searchctl.encoders.onnx import OnnxEncoder

    return OnnxEncoder(folder, name=name, threads=threads)


def _static(folder: Path) -> Encoder | None:
    """Open a folder's static model; None if it's another kind of model."""
    from searchctl.encoders.static import StaticEncoder, static_files

    return None if static_files(folder) is None else StaticEncoder(folder)


def _torch(name: str, threads: int | None) -> Encoder:
    from searchctl.encoders.torch import TorchEncoder

    return TorchEncoder(name, threads=threads)


def _looks_like_path(name: str) -> bool:
    return name.startswith((".", "/", "~")) or name.count("/") > 1 or "\\" in name
