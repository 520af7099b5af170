"""Where the files of a model are on this machine: `$SEARCHCTL_MODELS`, the cache of searchctl, the cache of the hub's own tools."""

from __future__ import annotations

import os
import re
from pathlib import Path

from searchctl.errors import EncoderUnavailable
from searchctl.models.catalogue import KnownModel, known_model, known_models
from searchctl.settings.paths import user_path
from searchctl.suggest import did_you_mean
from searchctl.translation import _

MODELS = "SEARCHCTL_MODELS"
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def models_folders() -> list[Path]:
    """Return the folders that models lie in; new ones are put into the first."""
    own = os.environ.get(MODELS)
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return [*([user_path(own)] if own else []), user_path(cache) / "searchctl" / "models"]


def folder_name(name: str) -> str:
    """Return what a model's folder is called: the catalogue's name, or the last part of the hub's."""
    known = known_model(name)
    return known.name if known else name.rpartition("/")[2]


def model_folder(name: str) -> Path | None:
    """Return the folder of a model by its name in the catalogue or on the hub; None if it isn't on this machine."""
    known = known_model(name)
    hub = known.hub if known else name
    names = [folder_name(name), *([hub] if _HUB_NAME.fullmatch(hub) else [])]
    for folder in models_folders():
        for own in names:
            if own not in ("", ".", "..") and (folder / own).is_dir():
                return folder / own
    return _hub_cache(hub) if _HUB_NAME.fullmatch(hub) else None


def _hub_cache(hub: str) -> Path | None:
    """Return the folder in which the hub's own tools keep a model; None if they have none."""
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(huggingface_hub.snapshot_download(hub, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError, HfHubHTTPError, OSError):
        return None


def is_hub_name(name: str) -> bool:
    """Tell whether a name could be one of the hub: `organisation/model`."""
    return _HUB_NAME.fullmatch(name) is not None


def missing_model(name: str, reason: str = "", cure: str = "fetch it with") -> EncoderUnavailable:
    """Return the error for a model that isn't here: why it wasn't fetched, which files it needs, and where to put them."""
    known = known_model(name)
    if known is None and not is_hub_name(name):
        hint = did_you_mean(name, known_models(), "see: searchctl models list")
        return EncoderUnavailable(
            _("no encoder '{name}', and no folder of that name; {hint}").format(name=name, hint=hint)
        )
    folder = models_folders()[0] / folder_name(name)
    because = f", {reason}" if reason else ""
    return EncoderUnavailable(
        _(
            "the model '{name}' isn't on this machine{because}; {cure}: searchctl models fetch {name}, or "
            "put {files} into {folder}{origin}"
        ).format(name=name, because=because, cure=cure, files=_files(known), folder=folder, origin=_origin(known))
    )


def _files(known: KnownModel | None) -> str:
    if known is None or not known.files:
        return "its files"
    *first, last = known.files
    return f"{', '.join(first)} and {last}" if first else last


def _origin(known: KnownModel | None) -> str:
    if known is None:
        return ""
    if known.hub:
        return f"; they are at https://huggingface.co/{known.hub}"
    return f"; they are at {' and '.join(known.urls)}" if known.urls else ""
