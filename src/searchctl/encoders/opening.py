"""Which encoder a name means: the shipped one, a kind with its file, a folder, a plugin, a name of the catalogue or the hub."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from pathlib import Path

from searchctl.encoders.base import Encoder
from searchctl.encoders.weighting import weighted
from searchctl.errors import EncoderUnavailable, MissingExtra, SearchctlError
from searchctl.models.catalogue import KnownModel, known_model
from searchctl.models.files import LASER_WEIGHTS, onnx_file
from searchctl.models.places import is_hub_name, model_folder
from searchctl.plugins import Plugin, plugin_named
from searchctl.schema import EncoderStamp
from searchctl.settings.paths import user_path
from searchctl.translation import _

DEFAULT_ENCODER = "multilingual-e5-small-enru"
_LOG = logging.getLogger("searchctl")
_SHIPPED = Path(__file__).parent / "models"

_FAMILIES = ("hashing", "fasttext", "navec", "openai", "default", DEFAULT_ENCODER)
_MEMBERS = ("name", "revision", "dim", "max_tokens", "encode_queries", "encode_documents", "count_tokens")
_DESCRIPTIONS = ("modules.json", "config.json")  # one of them is in each folder that torch can load


def open_encoder(name: str = DEFAULT_ENCODER, *, threads: int | None = None, device: str | None = None) -> Encoder:
    """Open an encoder: the shipped one, `hashing` (or `hashing:DIM`), a folder, `fasttext:FILE`, `openai:MODEL@URL`, or a name.

    A folder holds an ONNX model, a static one (model2vec, StaticEmbedding), or a sentence-transformers or Hugging Face model
    (which takes the `torch` extra). A name is a plugin's, perhaps with `:OPTION`, or one of the catalogue or the Hugging Face
    hub: its folder is looked for in `$SEARCHCTL_MODELS` and the caches, and fetched where it is in none, unless HF_HUB_OFFLINE
    is set. `threads` limits the processor cores used. `device` is where ONNX and torch models run, "cpu", "cuda", "auto" or another
    (see models/devices.py), by default what SEARCHCTL_DEVICE says. Raises EncoderUnavailable, MissingExtra, PluginError.
    """
    family, _ignored, option = name.partition(":")
    folder = user_path(name)
    if family == "hashing":
        return _hashing(name, option)
    if family in ("fasttext", "navec") and ":" in name:
        return _words(name)
    if family == "openai":
        return _endpoint(name)
    if name in ("default", DEFAULT_ENCODER):
        return _onnx(_SHIPPED / DEFAULT_ENCODER, DEFAULT_ENCODER, threads, None, device)
    if not _looks_like_path(name) and (plugin := plugin_named("encoders", family, is_own_encoder)) is not None:
        return _of_plugin(plugin, name, threads)
    if folder.is_dir():
        return _in_folder(folder, str(folder), known_model(folder.name), threads, device)
    if _looks_like_path(name):
        kinds = f"{DEFAULT_ENCODER}, hashing, a folder with an ONNX or sentence-transformers model, or a hub name"
        raise EncoderUnavailable(_("no folder '{name}'; give {kinds}").format(name=name, kinds=kinds))
    return _by_name(name, threads, device)


def is_own_encoder(name: str) -> bool:
    """Tell whether a name is one that searchctl itself opens, so that no plugin may have it."""
    return name in _FAMILIES or known_model(name) is not None


def _of_plugin(plugin: Plugin, name: str, threads: int | None) -> Encoder:
    try:
        encoder: Encoder = plugin.load()(name, threads=threads)
    except SearchctlError:
        raise
    except Exception as error:
        raise plugin.failure(f"{type(error).__name__}: {error}") from error
    missing = [member for member in _MEMBERS if not hasattr(encoder, member)]
    if missing:
        raise plugin.failure(f"its encoder has no {', '.join(missing)}")
    return encoder


def open_stamped(stamp: EncoderStamp) -> Encoder:
    """Open the encoder that a stamp names, with the weights that it carries; whether it is the same is for the caller to compare.

    Raises EncoderUnavailable, MissingExtra.
    """
    return weighted(open_encoder(stamp.name), stamp)


def _by_name(name: str, threads: int | None, device: str | None) -> Encoder:
    """Open a model of the catalogue or the hub."""
    known = known_model(name)
    if known is not None and known.family == "muse":
        return _muse(threads)
    folder = model_folder(name) or _fetch(name, known)
    if known is not None and known.family == "words":
        return _words(f"fasttext:{folder / known.files[0]}", known.name)
    return _in_folder(folder, known.name if known else name, known, threads, device)


def _fetch(name: str, known: KnownModel | None) -> Path:
    """Fetch a model, after saying so, unless it couldn't be run then."""
    from searchctl.models.fetch import fetch_model
    from searchctl.models.hub import is_offline

    if (known is not None or is_hub_name(name)) and not is_offline():
        if (known is None or known.family == "transformers") and find_spec("sentence_transformers") is None:
            raise MissingExtra(
                _("the encoder '{name}', which isn't on this machine as ONNX,").format(name=name), "torch"
            )
        _LOG.warning("'%s' isn't on this machine: fetching it (set HF_HUB_OFFLINE=1 to forbid that)", name)
    return fetch_model(name)


def _in_folder(folder: Path, name: str, known: KnownModel | None, threads: int | None, device: str | None) -> Encoder:
    if onnx_file(folder) is not None:
        return _onnx(folder, name, threads, known, device)
    if (folder / LASER_WEIGHTS).is_file():
        return _laser(folder, name, threads)
    static = _static(folder, name, known)
    if static is None and not any((folder / file).is_file() for file in _DESCRIPTIONS):
        message = _(
            "the folder '{folder}' holds no model; expected model.onnx and tokenizer.json (ONNX), or config.json with weights "
            "beside it (sentence-transformers, Hugging Face, model2vec); the encoders there are: searchctl models list"
        )
        raise EncoderUnavailable(message.format(folder=folder))
    return static or _torch(folder, name, threads, known, device)


def encoder_folder(name: str) -> Path:
    """Return the folder where an encoder of that name has its files, the shipped one too; it needn't be there."""
    return _SHIPPED / DEFAULT_ENCODER if name in ("default", DEFAULT_ENCODER) else user_path(name)


def _hashing(name: str, option: str) -> Encoder:
    from searchctl.encoders.hashing import HashingEncoder

    if option and not (option.isdigit() and 8 <= int(option) <= 4096):
        raise EncoderUnavailable(
            _("'{name}' isn't an encoder; write hashing or hashing:DIM with 8 to 4096, as in hashing:128").format(
                name=name
            )
        )
    return HashingEncoder(int(option or 256))


def _words(address: str, name: str | None = None) -> Encoder:
    from searchctl.encoders.fasttext import FastTextEncoder

    return FastTextEncoder(address, name=name)


def _muse(threads: int | None) -> Encoder:
    from searchctl.encoders.muse import MuseEncoder

    return MuseEncoder(threads=threads)


def _laser(folder: Path, name: str, threads: int | None) -> Encoder:
    from searchctl.encoders.laser import LaserEncoder

    return LaserEncoder(folder, name=name, threads=threads)


def _endpoint(name: str) -> Encoder:
    from searchctl.encoders.endpoint import EndpointEncoder

    return EndpointEncoder(name)


def _onnx(folder: Path, name: str, threads: int | None, known: KnownModel | None, device: str | None) -> Encoder:
    from searchctl.encoders.onnx import OnnxEncoder

    return OnnxEncoder(folder, name=name, threads=threads, known=known, device=device)


def _static(folder: Path, name: str, known: KnownModel | None) -> Encoder | None:
    """Open a folder's static model; None if it's another kind of model."""
    from searchctl.encoders.static import StaticEncoder, static_files

    return None if static_files(folder) is None else StaticEncoder(folder, name=name, known=known)


def _torch(folder: Path, name: str, threads: int | None, known: KnownModel | None, device: str | None) -> Encoder:
    from searchctl.encoders.torch import TorchEncoder

    return TorchEncoder(folder, name=name, threads=threads, known=known, device=device)


def _looks_like_path(name: str) -> bool:
    return name.startswith((".", "/", "~")) or name.count("/") > 1 or "\\" in name
