"""From a recipe to a folder: what every `train` command does around the training itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from searchctl.training.card import Card, ModelFacts, write_card
from searchctl.training.libraries import Libraries, calm, free_threads, import_libraries
from searchctl.training.output import fingerprint_of, finished_training, whole_folder, workspace
from searchctl.training.reading import TrainingFile
from searchctl.training.running import TrainingPlan, TrainingRun, TrainingWork, plan, run
from searchctl.training.settings import NO_GAIN, Schedule, Watch
from searchctl.types import Json


@dataclass(frozen=True, slots=True)
class PreparedTraining:
    """What a recipe made ready: the `work`, what is `learnt` and what `held_out` as sentences, and `notes` for the report.

    `context` is the recipe's own, for `TrainingRecipe.write`.
    """

    work: TrainingWork
    learnt: str
    held_out: str
    notes: tuple[str, ...] = ()
    context: Any = None


@dataclass(frozen=True, slots=True)
class Written:
    """What a recipe wrote: the facts that readers of the model need, and what was measured of the files."""

    facts: Mapping[str, Any] | ModelFacts
    measured: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class TrainingRecipe(Protocol):
    """One kind of training. `settings` are all that decide what comes out, besides the schedule, the data and the base."""

    @property
    def command(self) -> str:
        """What to type for it, as `searchctl train siamese`."""

    @property
    def base(self) -> str:
        """The model it begins with."""

    @property
    def files(self) -> tuple[TrainingFile, ...]:
        """The files it learns from."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Its own settings, as JSON values."""

    def revision(self) -> str:
        """Return a hash of the model it begins with."""

    def prepare(self, libraries: Libraries, schedule: Schedule, home: Path) -> PreparedTraining:
        """Load the model and make the data ready; `home` keeps what shouldn't be computed twice. Random by the schedule's seed."""

    def write(self, libraries: Libraries, prepared: PreparedTraining, folder: Path) -> Written:
        """Write the trained model into an empty folder."""


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What came of it. `card` is what the folder's `searchctl.json` says of its training; None where it was interrupted.

    `done_before`: the folder was there already, made by this very training.
    """

    out: Path
    card: Json | None
    run: TrainingRun | None = None
    done_before: bool = False

    @property
    def interrupted(self) -> bool:
        """Whether the training was told to stop; it goes on when run again."""
        return self.card is None


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a training would do, without doing it."""

    plan: TrainingPlan
    learnt: str
    held_out: str
    notes: tuple[str, ...]


def produce(recipe: TrainingRecipe, schedule: Schedule, out: Path, watch: Watch) -> TrainingReport:
    """Train what the recipe says into the folder `out`, going on where an earlier call ended.

    Raises MissingExtra, UsageError, SourceError, and SearchctlError where learning went astray or the export isn't faithful.
    """
    libraries = import_libraries(recipe.command)
    fingerprint = _fingerprint(recipe, schedule)
    if (card := finished_training(out, fingerprint)) is not None:
        return TrainingReport(out, card, done_before=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    threads = {"threads": free_threads(schedule.threads)}  # sums differ in their last bits with the number of threads
    with workspace(out, fingerprint, threads) as (home, begun), calm(libraries):
        schedule = replace(schedule, threads=int(begun["threads"]))
        prepared = _prepare(recipe, libraries, schedule, home)
        done = run(prepared.work, schedule, home, watch)
        if done.interrupted:
            return TrainingReport(out, None, done)
        with whole_folder(out) as draft:
            written = recipe.write(libraries, prepared, draft)
            made = _card(recipe, schedule, prepared, done, written, fingerprint)
            write_card(draft, made, written.facts, out.name)
    return TrainingReport(out, made.to_json(), done)


def dry_run(recipe: TrainingRecipe, schedule: Schedule, home: Path) -> DryRun:
    """Say what `produce` would take, by some steps that are thrown away; `home` is an empty folder for what these leave."""
    libraries = import_libraries(recipe.command)
    schedule = replace(schedule, threads=free_threads(schedule.threads))
    with calm(libraries):
        prepared = _prepare(recipe, libraries, schedule, home)
        return DryRun(plan(prepared.work, schedule), prepared.learnt, prepared.held_out, prepared.notes)


def _prepare(recipe: TrainingRecipe, libraries: Libraries, schedule: Schedule, home: Path) -> PreparedTraining:
    libraries.transformers.set_seed(schedule.seed)
    libraries.torch.set_num_threads(schedule.threads)
    return recipe.prepare(libraries, schedule, home)


def _fingerprint(recipe: TrainingRecipe, schedule: Schedule) -> str:
    settings = asdict(schedule)
    del settings["threads"]
    return fingerprint_of(
        {
            "command": recipe.command,
            "base": recipe.revision(),
            "data": [file.sha256 for file in recipe.files],
            "settings": dict(recipe.settings),
            "schedule": settings,
        }
    )


def _card(
    recipe: TrainingRecipe,
    schedule: Schedule,
    prepared: PreparedTraining,
    done: TrainingRun,
    written: Written,
    fingerprint: str,
) -> Card:
    measured: dict[str, Any] = {"learnt": prepared.learnt, "held out": prepared.held_out}
    notes = [*prepared.notes, *written.notes]
    goal = prepared.work.goal
    if goal is not None and done.before is not None and done.after is not None:
        measured[goal.measured] = {"before": round(done.before, 4), "after": round(done.after, 4)}
        if not goal.is_better(done.after, done.before):
            notes.insert(0, NO_GAIN)
    measured["steps"] = {"taken": done.steps, "planned": done.planned, "kept": done.best_step or done.steps}
    if done.losses:
        measured["loss"] = {"first": round(done.losses[0], 4), "last": round(done.losses[-1], 4)}
    return Card(
        command=recipe.command,
        base=recipe.base,
        files=recipe.files,
        settings={**recipe.settings, **asdict(schedule)},
        measured={**measured, **written.measured},
        notes=tuple(notes),
        fingerprint=fingerprint,
    )
