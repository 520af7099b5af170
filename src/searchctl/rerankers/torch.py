"""Cross-encoders that run on sentence-transformers, by folder or hub name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from searchctl.errors import EncoderUnavailable
from searchctl.models.hub import first_line, is_offline, needed, quiet
from searchctl.settings.paths import user_path
from searchctl.translation import _


class TorchCrossEncoder:
    """A sentence-transformers `CrossEncoder` with one output. A `Reranker`.

    A folder never touches the network; a hub name that isn't in the local cache does, unless HF_HUB_OFFLINE is set. Raises
    MissingExtra without the `torch` extra, EncoderUnavailable when the model can't be loaded.
    """

    weight = 1.0

    def __init__(self, name: str) -> None:
        library, torch = needed(f"the reranker '{name}'", "sentence_transformers", "torch")
        folder = user_path(name)
        try:
            with quiet():
                self._model: Any = library.CrossEncoder(
                    str(folder) if folder.is_dir() else name,
                    device="cpu",
                    num_labels=1,
                    local_files_only=folder.is_dir() or is_offline(),
                )
        except Exception as error:  # noqa: BLE001 - the hub's and the model's errors have no common base class
            raise EncoderUnavailable(
                _("can't load the reranker '{name}': {first_line}; check the name or give a folder").format(
                    name=name, first_line=first_line(error)
                )
            ) from error
        if any(one.endswith("Model") for one in self._model.config.architectures or ()):
            raise EncoderUnavailable(  # its last layer would be chance
                _(
                    "the reranker '{name}' is an encoder, not a cross-encoder; give it as --encoder, or another "
                    "folder or name here"
                ).format(name=name)
            )
        self.name = name
        self._probability = torch.nn.Sigmoid()

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return how well each text answers the query: (n,), in [0, 1]."""
        if not texts:
            return np.zeros(0)
        pairs = [(query, text) for text in texts]
        scores = self._model.predict(pairs, activation_fn=self._probability, show_progress_bar=False)
        return np.asarray(scores, np.float64).reshape(len(texts))
