"""The data folders that come with searchctl: recipes and demo corpus, and index mappings of each server."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

from searchctl.errors import SearchctlError
from searchctl.translation import _

ResourceName: TypeAlias = Literal["ingest", "mappings"]
_IN_WHEEL: dict[ResourceName, str] = {"ingest": "ingest_recipes", "mappings": "mappings"}


def resource_folder(name: ResourceName) -> Path:
    """Return where a data folder lies: inside the installed package, or beside `src` in a checkout.

    Raises SearchctlError when the installation lacks it.
    """
    package = Path(__file__).parents[1]
    # An editable install has no copies of these folders in the package.
    for folder in (package / _IN_WHEEL[name], package.parents[1] / name):
        if folder.is_dir():
            return folder
    raise SearchctlError(
        _(
            "this installation of searchctl lacks its folder '{name}'; repair it with: pip install "
            "--force-reinstall searchctl"
        ).format(name=name)
    )
