"""What a trained model says of itself: `searchctl.json` for programs, `README.md` for people."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from searchctl.training.reading import TrainingFile
from searchctl.types import Json

FORMAT = 1
SETTINGS_FILE = "searchctl.json"
_LIBRARIES = ("searchctl", "torch", "transformers", "sentence-transformers", "onnxruntime")


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What an encoder's `searchctl.json` says of how it's used: see `encoders.settings.ModelSettings`."""

    pooling: str
    query_prefix: str
    document_prefix: str
    max_tokens: int
    pad_id: int
    dim: int
    revision: str


@dataclass(frozen=True, slots=True)
class Card:
    """How a model came to be: the `command`, what it began `base` with, the data, the settings, and what was measured.

    `notes` are sentences that whoever uses the model should know. `fingerprint` is a hash of what decided the training.
    """

    command: str
    base: str
    files: tuple[TrainingFile, ...]
    settings: Mapping[str, Any]
    measured: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    fingerprint: str = ""

    def to_json(self) -> Json:
        """Return it as JSON values."""
        return {
            "command": self.command,
            "base": self.base,
            "data": [asdict(file) for file in self.files],
            "settings": dict(self.settings),
            "measured": dict(self.measured),
            "notes": list(self.notes),
            "fingerprint": self.fingerprint,
            "versions": versions(),
        }


def write_card(folder: Path, card: Card, facts: Mapping[str, Any] | ModelFacts, name: str) -> None:
    """Write `searchctl.json`, with the facts on top that a reader of the model needs, and `README.md` under the model's `name`."""
    top = asdict(facts) if isinstance(facts, ModelFacts) else dict(facts)
    content = {"format": FORMAT, **top, "training": card.to_json()}
    (folder / SETTINGS_FILE).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(_readme(name, card, top), encoding="utf-8")


def read_card(folder: Path) -> Json | None:
    """Return what a trained folder's `searchctl.json` says of its training; None if it has none."""
    try:
        content = json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    training = content.get("training") if isinstance(content, dict) else None
    return training if isinstance(training, dict) else None


def hash_files(paths: Sequence[Path]) -> str:
    """Return 12 hex digits of the files' content."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:12]


def versions() -> dict[str, str]:
    """Return the versions of the libraries that decide what comes out."""
    known = {}
    for name in _LIBRARIES:
        try:
            known[name] = version(name)
        except PackageNotFoundError:
            continue
    return known


def _readme(name: str, card: Card, facts: Mapping[str, Any]) -> str:
    lines = [f"# {name}", "", f"Made by `{card.command}` from `{card.base}`.", "", "## What was measured", ""]
    lines += [f"- {key}: {_shown(value)}" for key, value in card.measured.items()] or ["Nothing was held out."]
    lines += ["", "## Data", ""]
    lines += [f"- {file.name}: {file.lines:,} lines, sha256 `{file.sha256}`" for file in card.files]
    lines += ["", "## Settings", ""]
    lines += [f"- {key}: {_shown(value)}" for key, value in card.settings.items()]
    if facts.get("query_prefix") or facts.get("document_prefix"):
        lines += ["", f"Queries begin with `{facts['query_prefix']}`, documents with `{facts['document_prefix']}`."]
    if card.notes:
        lines += ["", "## Mind", "", *(f"- {note}" for note in card.notes)]
    lines += ["", "Versions: " + ", ".join(f"{key} {value}" for key, value in versions().items()) + "."]
    return "\n".join(lines) + "\n"


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(inner)}" for key, inner in value.items())
    return str(value)
