"""Running a Trainer from its last checkpoint to its end, which is the same however often it was killed in between."""

from __future__ import annotations

import importlib
import inspect
import json
import math
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from searchctl.errors import SearchctlError, UsageError
from searchctl.files import replacing
from searchctl.training.checkpoints import GOAL, STATE, best_checkpoint, last_checkpoint, resumable
from searchctl.training.libraries import Libraries, has_bfloat16
from searchctl.training.settings import Goal, Schedule, Watch
from searchctl.types import Json

_BEFORE = "before.json"
_TIMED = 3  # steps for an estimate, after the first, which takes longer
_LOGGED = 50  # losses that are kept of a run, at most


@dataclass(frozen=True, slots=True)
class TrainingWork:
    """What is trained, by which of the libraries' Trainers.

    `inputs` are the Trainer's own (`train_dataset`, `loss`, `data_collator`); `arguments` its further TrainingArguments. Without
    a `goal` nothing is held out: all steps are taken, and the last model is kept.
    """

    libraries: Libraries
    trainer: type
    arguments_class: type
    model: Any
    inputs: Mapping[str, Any]
    goal: Goal | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """How a training went: `steps` taken of `planned`, the `losses` on the way, and the goal's values.

    `best_step` is the one whose model is kept. `interrupted`: it was told to stop, and goes on when run again.
    """

    steps: int
    planned: int
    seconds: float
    losses: tuple[float, ...]
    before: float | None = None
    after: float | None = None
    best_step: int | None = None
    interrupted: bool = False

    @property
    def stopped_early(self) -> bool:
        """Whether it ended before the planned steps, since it had stopped getting better."""
        return not self.interrupted and self.steps < self.planned


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """What a training would take: steps, seconds by a few timed steps, bytes of memory and of disk."""

    steps: int
    seconds: float
    step_seconds: float
    memory: int
    disk: int


def run(work: TrainingWork, schedule: Schedule, folder: Path, watch: Watch) -> TrainingRun:
    """Train the model, going on from the folder's last checkpoint; the best one measured is in the model afterwards.

    Raises SearchctlError when the loss stops being a number.
    """
    began = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    before = _before(work, folder)
    trainer = _trainer(work, schedule, folder, watch)
    checkpoint = last_checkpoint(folder)
    state = _read_state(checkpoint)
    if checkpoint is None or not _is_over(state, work.goal, schedule.patience):
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        if watch.stop.is_set() and not _is_over(_plain(trainer.state), work.goal, schedule.patience):
            return replace(
                _report(trainer.state, before, work.goal), seconds=time.monotonic() - began, interrupted=True
            )
        checkpoint = last_checkpoint(folder)
        state = _read_state(checkpoint)
    if (best := best_checkpoint(folder, state) or checkpoint) is not None:
        trainer.load_checkpoint(best)
    trainer.accelerator.unwrap_model(work.model, keep_fp32_wrapper=False)  # it casts to bfloat16 no more
    return replace(_report(_state_object(work, checkpoint), before, work.goal), seconds=time.monotonic() - began)


def plan(work: TrainingWork, schedule: Schedule) -> TrainingPlan:
    """Estimate what `run` would take from some steps that are taken for it. The model isn't the same afterwards."""
    with tempfile.TemporaryDirectory(prefix="searchctl-train-") as folder:
        ended: list[float] = []
        trainer = _trainer(replace(work, goal=None), schedule, Path(folder), Watch(), timed=ended)
        trainer.train()
        steps = int(trainer.state.max_steps)
        measured = time.monotonic()
        if work.goal is not None:
            work.goal.measure()
        measuring = (time.monotonic() - measured) * (schedule.evaluations + 1) if work.goal is not None else 0.0
        each = (ended[-1] - ended[0]) / max(len(ended) - 1, 1)
        learnt = sum(value.numel() * value.element_size() for value in trainer.learnt().values())
        return TrainingPlan(steps, steps * each + measuring, each, _peak_memory(work.libraries), 3 * 2 * learnt)


def _trainer(
    work: TrainingWork, schedule: Schedule, folder: Path, watch: Watch, *, timed: list[float] | None = None
) -> Any:
    """Return the Trainer; with `timed` it takes just some steps and notes there when each ended."""
    work.libraries.torch.set_num_threads(max(schedule.threads, 1))
    kind = resumable(work.trainer)
    trainer: Any = kind(
        model=work.model,
        args=_arguments(work, schedule, folder),
        callbacks=[_follower(work, schedule, watch, timed)],
        **work.inputs,
    )
    if work.goal is not None:
        trainer.goal = work.goal.measure  # and no data set to evaluate on, which the constructor would ask for
        trainer.args.eval_strategy, trainer.args.eval_steps = trainer.args.save_strategy, trainer.args.save_steps
    transformers = work.libraries.transformers
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.remove_callback(transformers.ProgressCallback)
    return trainer


def _arguments(work: TrainingWork, schedule: Schedule, folder: Path) -> Any:
    share = 1.0 / schedule.evaluations if schedule.evaluations > 1 else 0.999
    known = inspect.signature(work.arguments_class).parameters
    settings: dict[str, Any] = {
        "output_dir": str(folder),
        "num_train_epochs": schedule.epochs,
        "per_device_train_batch_size": schedule.batch,
        "per_device_eval_batch_size": schedule.batch,
        "learning_rate": schedule.rate,
        "warmup_steps": schedule.warmup,
        "seed": schedule.seed,
        "data_seed": schedule.seed,
        "bf16": has_bfloat16(work.libraries.torch),
        "use_cpu": not work.libraries.torch.cuda.is_available(),
        "disable_tqdm": True,
        "report_to": "none",
        "logging_strategy": "steps",
        "logging_steps": 1.0 / _LOGGED,
        "logging_nan_inf_filter": False,
        "save_strategy": "steps",
        "save_steps": share,
        "save_total_limit": None,
        "dataloader_pin_memory": False,
        "remove_unused_columns": False,
    }
    if work.goal:
        settings |= {"metric_for_best_model": GOAL, "greater_is_better": work.goal.higher_is_better}
    return work.arguments_class(
        **{name: value for name, value in (settings | dict(work.arguments)).items() if name in known}
    )


def _follower(work: TrainingWork, schedule: Schedule, watch: Watch, timed: list[float] | None) -> Any:
    """Return the callback that tells the progress, stops when told to or when there is no gain, and refuses NaN."""

    class Follower(work.libraries.transformers.TrainerCallback):  # type: ignore[misc, name-defined]
        def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            if watch.tell is not None:
                watch.tell(state.global_step, state.max_steps)
            if timed is not None:
                timed.append(time.monotonic())
                control.should_save = control.should_evaluate = False
                control.should_training_stop = len(timed) > _TIMED
            elif watch.stop.is_set():
                control.should_save = control.should_training_stop = True
            elif state.global_step >= state.max_steps:
                control.should_save = True
                control.should_evaluate = work.goal is not None

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **others: Any) -> None:
            loss = (logs or {}).get("loss")
            if loss is not None and not math.isfinite(loss):
                raise SearchctlError(
                    f"the loss is {loss} at step {state.global_step}: learning went astray; try a lower --rate "
                    f"than {schedule.rate:g}"
                )

        def on_evaluate(self, args: Any, state: Any, control: Any, **others: Any) -> None:
            if _is_over(_plain(state), work.goal, schedule.patience):
                control.should_save = control.should_training_stop = True

    return Follower()


def _is_over(state: Mapping[str, Any], goal: Goal | None, patience: int) -> bool:
    """Tell from a trainer's state whether all steps are taken, or the last `patience` measures brought no gain."""
    if state["max_steps"] and state["global_step"] >= state["max_steps"]:
        return True
    values = [entry[GOAL] for entry in state["log_history"] if GOAL in entry]
    if goal is None or not values:
        return False
    best = 0
    for place, value in enumerate(values):
        if goal.is_better(value, values[best]):
            best = place
    return len(values) - 1 - best >= patience


def _before(work: TrainingWork, folder: Path) -> float | None:
    """Return the goal's value before the first step, measured once."""
    if work.goal is None:
        return None
    path = folder / _BEFORE
    if path.is_file():
        return float(json.loads(path.read_text(encoding="utf-8"))["before"])
    value = float(work.goal.measure())
    with replacing(path) as draft:
        draft.write_text(json.dumps({"before": value}), encoding="utf-8")
    return value


def _read_state(checkpoint: Path | None) -> Json:
    if checkpoint is None:
        return {"max_steps": 0, "global_step": 0, "log_history": []}
    state: Json = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
    return state


def _state_object(work: TrainingWork, checkpoint: Path | None) -> Any:
    if checkpoint is None:
        raise UsageError("there is nothing to learn from: not one batch can be made of the data; give more of it")
    return work.libraries.transformers.TrainerState.load_from_json(str(checkpoint / STATE))


def _plain(state: Any) -> Json:
    return {"max_steps": state.max_steps, "global_step": state.global_step, "log_history": state.log_history}


def _report(state: Any, before: float | None, goal: Goal | None) -> TrainingRun:
    losses = tuple(entry["loss"] for entry in state.log_history if "loss" in entry)
    best: Sequence[float] = [state.best_metric] if goal is not None and state.best_metric is not None else []
    return TrainingRun(
        steps=state.global_step,
        planned=state.max_steps,
        seconds=0.0,
        losses=losses,
        before=before,
        after=best[0] if best else None,
        best_step=state.best_global_step if best else None,
    )


def _peak_memory(libraries: Libraries) -> int:
    """Return the most memory in bytes that was in use: the graphics card's where there is one, else the process's."""
    if libraries.torch.cuda.is_available():
        return int(libraries.torch.cuda.max_memory_allocated())
    if sys.platform == "win32":
        return int(importlib.import_module("psutil").Process().memory_info().peak_wset)
    resource = importlib.import_module("resource")
    peak = int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peak if sys.platform == "darwin" else peak * 1024
