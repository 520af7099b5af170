"""`searchctl route evaluate`: how well labels are told apart with few examples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.failures import say, say_error
from searchctl.cli.output import (
    count_of,
    print_json,
    print_table,
    printable,
    refuse_overwriting,
    refuse_unwritable,
)
from searchctl.cli.progress import Meter
from searchctl.cli.route.context import columns_of, file_options, say_guessed, say_skipped
from searchctl.errors import StorageError, UsageError
from searchctl.files import replacing
from searchctl.translation import _

if TYPE_CHECKING:
    from searchctl.routing.beside import ClassifierTrial
    from searchctl.routing.classifier import TrainedClassifier
    from searchctl.routing.evaluation import RoutingTrial, TrialSettings
    from searchctl.routing.examples import Example
    from searchctl.routing.rows import Columns
    from searchctl.sources import Format

GATE_MISSED = 5
_SHOWN = 10  # labels


@click.command(
    "evaluate",
    cls=Command,
    examples=(
        "searchctl route evaluate train.jsonl test.jsonl",
        "searchctl route evaluate tickets.csv --test-share 0.2",
        "searchctl route evaluate train.jsonl test.jsonl --oos oos.jsonl --shots 1,5,10 --seeds 10 --json",
        "searchctl route evaluate tickets.csv new.csv --text message --label queue --shots all -o report.html",
        "searchctl route evaluate train.jsonl test.jsonl --shots 10 --fail-under 0.80",
        "searchctl route evaluate train.jsonl test.jsonl --shots 10 --with ./my-classifier",
    ),
)
@click.argument("train", metavar="TRAIN")
@click.argument("test", metavar="[TEST]", required=False)
@click.option(
    "--test-share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="P",
    help="Without TEST, keep this share of TRAIN's texts apart as the test, the same at every run.",
)
@click.option("--oos", metavar="FILE", help="Texts that belong to no label.")
@click.option("--shots", default="1,5,10", show_default=True, help="Examples of each label, as 1,5,10; all takes all.")
@click.option(
    "--seeds",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="How often examples are drawn, for each size.",
)
@click.option(
    "--target-precision", type=float, default=0.95, show_default=True, help="Precision for which coverage is measured."
)
@click.option(
    "--with",
    "folders",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FOLDER",
    help="A trained classifier, on the same texts. Repeatable.",
)
@click.option(
    "-o",
    "--output",
    "html",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a report with plots, an HTML page.",
)
@click.option(
    "--fail-under",
    type=click.FloatRange(0, 1),
    metavar="ACCURACY",
    help="Exit with 5 if accuracy with the most shots is lower.",
)
@file_options
@framed
def evaluate_command(
    frame: Frame,
    train: str,
    test: str | None,
    test_share: float | None,
    oos: str | None,
    shots: str,
    seeds: int,
    target_precision: float,
    folders: tuple[Path, ...],
    html: Path | None,
    fail_under: float | None,
    text_columns: str | None,
    label_column: str | None,
    separator: str | None,
    outside_label: str | None,
    format_name: str | None,
) -> None:
    """Draw few examples of each label from TRAIN, route the texts of TEST, and score that, many times.

    Nothing of the index is touched. Reports accuracy, macro-F1, what share of texts gets a label at the target precision
    (and whether that was promised), AUROC of texts of no label, calibration error, and the time to add a label.

    With --with, a classifier of `searchctl train classifier` or `train setfit` answers the same test texts. Those that had a
    part in its making are left out for all, and counted.
    """
    refuse_overwriting([html], [train, test, oos])
    refuse_unwritable([html])
    from searchctl.routing.evaluation import TrialSettings
    from searchctl.routing.rows import as_format, read_rows

    settings = TrialSettings(_shots(shots), seeds, target_precision)
    columns, format = columns_of(text_columns, label_column, separator, outside_label), as_format(format_name)
    first, second = _train_and_test(train, test, test_share, columns, format)
    strange = [row.text for row in read_rows(oos, columns, format) if row.text] if oos else []
    strange += [one.text for one in second if not one.labels]
    labelled = [one for one in second if one.labels]
    _say_doubtful(first, labelled)
    classifiers = _opened(folders)
    left_out: dict[str, int] = {}
    if classifiers:
        labelled, strange, left_out = _unseen(classifiers, labelled, strange)
    trial = _run(frame, [one for one in first if one.labels], labelled, strange, settings)
    trials = _asked(trial, classifiers, left_out)
    _print(frame, trial, trials)
    if html is not None:
        _write_html(
            trial, f"{Path(train).name} → {Path(test).name if test else f'{test_share:.0%} of it'}", html, trials
        )
    accuracy = _mean(trial, list(trial.draws)[-1], "accuracy")
    if fail_under is not None and accuracy < fail_under:
        say_error(
            _("accuracy is {accuracy:.4f}, below {fail_under:g}").format(accuracy=accuracy, fail_under=fail_under)
        )
        click.get_current_context().exit(GATE_MISSED)


def _train_and_test(
    train: str, test: str | None, share: float | None, columns: Columns, format: Format | None
) -> tuple[Sequence[Example], Sequence[Example]]:
    """Return the examples to draw from and those to test with: of two files, or of one that is split."""
    from searchctl.routing.evaluation import split
    from searchctl.routing.rows import read_examples

    if (test is None) == (share is None):
        raise UsageError(_("say what to test with: a second file, or --test-share 0.2 for a fifth of the first"))
    read = [(path, read_examples(path, columns, format)) for path in (train, test) if path is not None]
    for path, one in read:
        say_skipped(path, one.skipped)
        say_guessed(path, one.guessed)
    if share is not None:
        return split(read[0][1].examples, share)
    return read[0][1].examples, read[1][1].examples


def _say_doubtful(train: Sequence[Example], test: Sequence[Example]) -> None:
    """Say what makes the figures better or worse than they are: test texts that TRAIN has, and labels that it lacks."""
    from searchctl.routing.evaluation import seen_before
    from searchctl.routing.labels import doubts_about

    seen = seen_before(train, test)
    if seen:
        text = _("searchctl: {seen} of {texts} stand in TRAIN too, so the figures flatter the router")
        say(text.format(seen=seen, texts=count_of(len(test), "test text")))
    known = {label for one in train for label in one.labels}
    unknown = sorted({label for one in test if known.isdisjoint(one.labels) for label in one.labels})
    if not unknown:
        return
    lost = sum(known.isdisjoint(one.labels) for one in test)
    alike = {name: same for same in doubts_about((*known, *unknown)).alike for name in same}
    template = _("{name!r} ({other!r} in TRAIN)")
    named = [
        next((template.format(name=name, other=other) for other in alike.get(name, ()) if other in known), repr(name))
        for name in unknown
    ]
    more = _(" and {count} more").format(count=len(named) - _SHOWN) if len(named) > _SHOWN else ""
    text = _("searchctl: {texts} of labels that TRAIN doesn't have, counted as wrong: {labels}{more}")
    say(printable(text.format(texts=count_of(lost, "test text"), labels=", ".join(named[:_SHOWN]), more=more)))


def _shots(text: str) -> tuple[int, ...]:
    names = [name.strip() for name in text.split(",")]
    if not all(name == "all" or (name.isdigit() and int(name) > 0) for name in names):
        raise UsageError(_("can't read --shots {text!r}; write numbers, as in 1,5,10, or all").format(text=text))
    return tuple(dict.fromkeys(0 if name == "all" else int(name) for name in names))


def _run(
    frame: Frame, train: list[Example], test: list[Example], strange: list[str], settings: TrialSettings
) -> RoutingTrial:
    from searchctl.encoders import DEFAULT_ENCODER, open_encoder
    from searchctl.routing.evaluation import prepare, run

    encoder = open_encoder(frame.settings.encoder or DEFAULT_ENCODER)
    with Meter(frame, _("texts"), _("encoding")) as meter:
        material = prepare(encoder, train, test, strange, settings, meter.update)
        meter.phase(_("trying"), _("drawings"))
        return run(material, settings, meter.update)


def _opened(folders: tuple[Path, ...]) -> list[TrainedClassifier]:
    if not folders:
        return []
    from searchctl.routing.classifier import TrainedClassifier
    from searchctl.settings.paths import user_path

    return [TrainedClassifier(user_path(folder)) for folder in dict.fromkeys(folders)]


def _unseen(
    classifiers: list[TrainedClassifier], test: list[Example], strange: list[str]
) -> tuple[list[Example], list[str], dict[str, int]]:
    """Leave out the texts of the test that a classifier saw in its making, and say how many."""
    from searchctl.routing.beside import unseen

    kept = unseen(classifiers, test, strange)
    for name, count in kept.left_out.items():
        if count:
            say(
                _("searchctl: {texts} of the test had a part in making {name}: left out for all").format(
                    texts=count_of(count, "text"), name=name
                )
            )
    return list(kept.test), list(kept.outside), kept.left_out


def _asked(
    trial: RoutingTrial, classifiers: list[TrainedClassifier], left_out: dict[str, int]
) -> list[ClassifierTrial]:
    from searchctl.routing.beside import beside

    return [beside(trial, classifier, left_out[classifier.name]) for classifier in classifiers]


def _mean(trial: RoutingTrial, shots: int, metric: str) -> float:
    values = trial.values(shots, metric)
    return sum(values) / len(values) if values else float("nan")


def _print(frame: Frame, trial: RoutingTrial, classifiers: list[ClassifierTrial]) -> None:
    from searchctl.routing.evaluation_report import confusions, shots_name, summary, to_json

    if frame.for_programs:
        print_json("routing-evaluation", to_json(trial, classifiers))
        return
    columns = ("accuracy", "macro_f1", "coverage", "precision", "promised", "auroc_oos", "ece", "add_class_ms")
    rows = []
    for shots in trial.draws:
        spreads = summary(trial, shots)
        cells = [f"{one['mean']:.4f}" if (one := spreads[name]) else "-" for name in columns]
        rows.append([shots_name(shots), *cells])
    for classifier in classifiers:
        values = [classifier.run.values[name] for name in columns]
        rows.append([printable(classifier.name), *("-" if value != value else f"{value:.4f}" for value in values)])
    print_table([_("examples"), *(name.replace("_", " ") for name in columns)], rows)
    if frame.quiet:
        return
    material = trial.material
    say(
        _(
            "\n{labels}, {texts}, {seeds} drawings each; coverage and precision where {target_precision:g} is asked for"
        ).format(
            labels=count_of(len(material.labels), "label"),
            texts=count_of(len(material.test.texts), "test text"),
            seeds=trial.settings.seeds,
            target_precision=trial.settings.target_precision,
        )
    )
    for classifier in classifiers:
        _say_ahead(classifier, shots_name(list(trial.draws)[-1]))
    for mistake in confusions(trial, list(trial.draws)[-1], 5):
        say(
            _("confused: {share:.0%} of {label} went to {given}").format(
                share=mistake.share, label=mistake.label, given=mistake.given
            )
        )


def _say_ahead(classifier: ClassifierTrial, shots: str) -> None:
    ahead = classifier.ahead
    surely = "" if ahead.low > 0 or ahead.high < 0 else _(", which may be chance")
    say(
        printable(
            _(
                "{name}, which learnt from {texts}: accuracy {value:+.4f} beside the router with {shots} "
                "examples a label (95 %: {low:+.4f} to {high:+.4f}){surely}"
            ).format(
                name=classifier.name,
                texts=count_of(classifier.trained_on, "text"),
                value=ahead.value,
                shots=shots,
                low=ahead.low,
                high=ahead.high,
                surely=surely,
            )
        )
    )
    if classifier.strange_labels:
        say(
            printable(
                _("{name} has {labels} that TRAIN doesn't: counted as wrong").format(
                    name=classifier.name, labels=count_of(classifier.strange_labels, "label")
                )
            )
        )


def _write_html(trial: RoutingTrial, title: str, path: Path, classifiers: list[ClassifierTrial]) -> None:
    from searchctl.routing.evaluation_html import render

    try:
        with replacing(path) as draft:
            draft.write_text(render(trial, title, classifiers), encoding="utf-8")
    except OSError as error:
        raise StorageError(
            _("can't write {path}: {strerror}; choose another file with --output").format(
                path=path, strerror=error.strerror
            )
        ) from error
