"""Rerankers: models that read a query and a text together, opened by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from searchctl.errors import EncoderUnavailable, SearchctlError
from searchctl.models.files import kind_of, onnx_file
from searchctl.plugins import Plugin, plugin_named
from searchctl.rerankers.base import Reranker, TokenEncoder
from searchctl.settings.paths import user_path
from searchctl.translation import _

if TYPE_CHECKING:
    from collections.abc import Callable

MAXSIM = "maxsim"


def open_reranker(name: str, encoder: Callable[[], object]) -> Reranker:
    """Open a reranker: `maxsim`, a plugin's name, a folder, or a name on the Hugging Face hub.

    `maxsim` compares the tokens' vectors of the index's own `encoder`, which is asked for only then. A folder holds an ONNX
    cross-encoder, or one for sentence-transformers (which takes the `torch` extra, as the hub does). Raises EncoderUnavailable,
    MissingExtra, PluginError.
    """
    if name == MAXSIM:
        return _maxsim(encoder())
    if (plugin := plugin_named("rerankers", name, is_own_reranker)) is not None:
        return _of_plugin(plugin)
    folder = user_path(name)
    if kind_of(folder) == "classifier":  # whose logits are of labels, and would pass for scores
        raise EncoderUnavailable(
            _(
                "'{name}' holds a classifier, not a reranker; give it to: searchctl route predict TEXT "
                "--classifier {name}"
            ).format(name=name)
        )
    if folder.is_dir() and onnx_file(folder) is not None:
        from searchctl.rerankers.onnx import OnnxCrossEncoder

        return OnnxCrossEncoder(folder)
    if not folder.is_dir() and (name.startswith((".", "/", "~")) or name.count("/") != 1):
        raise EncoderUnavailable(
            _(
                "no reranker '{name}'; give {MAXSIM}, a folder with a cross-encoder (ONNX or "
                "sentence-transformers), or a hub name"
            ).format(name=name, MAXSIM=MAXSIM)
        )
    from searchctl.rerankers.torch import TorchCrossEncoder

    return TorchCrossEncoder(name)


def is_own_reranker(name: str) -> bool:
    """Tell whether a name is searchctl's own, so that no plugin may have it."""
    return name == MAXSIM


def _of_plugin(plugin: Plugin) -> Reranker:
    try:
        reranker: Reranker = plugin.load()()
    except SearchctlError:
        raise
    except Exception as error:
        raise plugin.failure(f"{type(error).__name__}: {error}") from error
    missing = [member for member in ("name", "weight", "score") if not hasattr(reranker, member)]
    if missing:
        raise plugin.failure(f"its reranker has no {', '.join(missing)}")
    return reranker


def _maxsim(encoder: object) -> Reranker:
    from searchctl.rerankers.maxsim import MaxSim

    if not (hasattr(encoder, "query_tokens") and hasattr(encoder, "document_tokens")):
        name = getattr(encoder, "name", "none")
        raise EncoderUnavailable(
            _(
                "{MAXSIM} needs an encoder that gives out its tokens' vectors, and the index's ({name}) doesn't; "
                "name a cross-encoder instead"
            ).format(MAXSIM=MAXSIM, name=name)
        )
    tokens: TokenEncoder = encoder
    return MaxSim(tokens)
