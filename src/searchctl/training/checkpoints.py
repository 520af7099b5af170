"""Checkpoints that are whole or aren't there, of whatever a Trainer of transformers or sentence-transformers trains.

The libraries' own are written in place, leave out what a loss learns, and take the whole model where most of it is frozen.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from searchctl.errors import SearchctlError
from searchctl.files import sync_folder

WEIGHTS = "learnt.safetensors"
STATE = "trainer_state.json"
GOAL = "eval_goal"
_DRAFT = "draft"


class Resumable:
    """A mixin before a Trainer: what is learnt is saved under a temporary name, then renamed, and measured by `goal`."""

    args: Any
    state: Any
    model: Any
    control: Any
    callback_handler: Any
    log: Callable[..., None]
    goal: Callable[[], float] | None = None
    _writing = False

    def learnt(self) -> dict[str, Any]:
        """Return the parameters that learn, by name: the model's and the loss's, each once."""
        torch = importlib.import_module("torch")
        loss = getattr(self, "loss", None)
        parts = torch.nn.ModuleList([self.model, *([loss] if isinstance(loss, torch.nn.Module) else [])])
        return {name: value for name, value in parts.named_parameters() if value.requires_grad}

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Leave the library's own card out: there is ours."""

    def evaluate(self, *args: Any, **settings: Any) -> dict[str, float]:
        """Measure the goal on what is held out, and nothing else."""
        assert self.goal is not None
        metrics = {GOAL: float(self.goal())}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Write what is learnt; the rest is in the model that the training began with."""
        save = importlib.import_module("safetensors.torch").save_file
        folder = Path(output_dir or self.args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        save({name: value.detach().contiguous() for name, value in self.learnt().items()}, str(folder / WEIGHTS))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        load = importlib.import_module("safetensors.torch").load_file
        torch = importlib.import_module("torch")
        saved, own = load(str(Path(resume_from_checkpoint) / WEIGHTS)), self.learnt()
        if saved.keys() != own.keys():
            raise SearchctlError(
                f"the checkpoint {resume_from_checkpoint} is of another model; remove it to begin anew: "
                f"rm -r {Path(resume_from_checkpoint).parent}"
            )
        with torch.no_grad():
            for name, value in own.items():
                value.copy_(saved[name])

    def load_checkpoint(self, folder: Path) -> None:
        """Put what a checkpoint holds into the model."""
        self._load_from_checkpoint(str(folder))

    def _load_best_model(self) -> None:
        self._load_from_checkpoint(self.state.best_model_checkpoint)

    def _get_output_dir(self, trial: Any) -> str:
        return str(Path(self.args.output_dir) / _DRAFT) if self._writing else str(self.args.output_dir)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        home = Path(self.args.output_dir)
        shutil.rmtree(home / _DRAFT, ignore_errors=True)
        self._writing = True
        try:
            super()._save_checkpoint(model, trial)  # type: ignore[misc]
        finally:
            self._writing = False
        name = f"checkpoint-{self.state.global_step}"
        draft = home / _DRAFT / name
        self.state.best_model_checkpoint = _path_of(home, self.state.best_global_step)
        self.state.save_to_json(str(draft / STATE))
        for path in draft.iterdir():
            _sync(path)
        shutil.rmtree(home / name, ignore_errors=True)
        os.replace(draft, home / name)
        sync_folder(home)
        _tidy(home, {self.state.global_step, self.state.best_global_step})


def resumable(trainer: type) -> type:
    """Return a Trainer's class with `Resumable` before it."""
    return type(f"Resumable{trainer.__name__}", (Resumable, trainer), {})


def last_checkpoint(folder: Path) -> Path | None:
    """Return the newest whole checkpoint of a folder; None if there is none."""
    steps = [step for path in folder.glob("checkpoint-*") if (step := _step_of(path)) and (path / STATE).is_file()]
    return folder / f"checkpoint-{max(steps)}" if steps else None


def best_checkpoint(folder: Path, state: Mapping[str, Any]) -> Path | None:
    """Return the checkpoint that measured best by a trainer's state; None where nothing was measured."""
    path = _path_of(folder, state.get("best_global_step"))
    return Path(path) if path else None


def _path_of(folder: Path, step: int | None) -> str | None:
    return str(folder / f"checkpoint-{step}") if step else None


def _step_of(path: Path) -> int | None:
    found = re.fullmatch(r"checkpoint-(\d+)", path.name)
    return int(found[1]) if found else None


def _tidy(folder: Path, keep: set[int | None]) -> None:
    for path in folder.glob("checkpoint-*"):
        if (step := _step_of(path)) and step not in keep:
            shutil.rmtree(path, ignore_errors=True)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
