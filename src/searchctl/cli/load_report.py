"""How a load looks: the plan before, the report after, each on one screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from searchctl.cli.context import Frame
from searchctl.cli.failures import say
from searchctl.cli.ingest_prune import named
from searchctl.cli.output import count_of, duration_of, echo, on_terminal, print_json, print_pairs, size_of
from searchctl.translation import _, number
from searchctl.types import Json

if TYPE_CHECKING:
    from searchctl.ingest.model import IngestReport
    from searchctl.ingest.plan import Plan
    from searchctl.types import Entry

_EXCERPT = 160  # characters of a document that a plan shows


def print_report(frame: Frame, report: IngestReport, *, deferred: bool = False) -> None:
    """Print what a load came to, and what to type next: with `deferred` the vectors are still to be made."""
    if frame.reports_json:
        print_json("load", _report_json(report))
    if frame.quiet or frame.json:
        return
    if on_terminal():
        print_pairs(_report_pairs(report))
    _say_remarks(report.replaced, report.first_misfit, report.unmet, report.remarks)
    if report.kept:
        say(
            _(
                "searchctl: {documents} kept, since nothing shows that they are gone: their source wasn't read "
                "to its end, can't be looked at, or wasn't asked for"
            ).format(documents=count_of(report.kept, "document"))
        )
    if report.first_failure:
        say(
            _("searchctl: {what} failed: {first_failure}").format(
                what=_("it") if report.dead == 1 else _("the first"), first_failure=report.first_failure
            )
        )
    if not report.interrupted:
        _say_next(frame, report, deferred)


def _report_pairs(report: IngestReport) -> list[tuple[str, str]]:
    pairs = [
        (_("read"), count_of(report.read, "document")),
        (_("written"), number(report.written)),
        (_("unchanged"), number(report.unchanged)),
    ]
    if report.dead:
        where = f", in {report.dead_letters}" if report.dead_letters else ""
        pairs.append((_("failed"), f"{report.dead:,}{where}"))
    if report.pruned:
        pairs.append((_("pruned"), f"{report.pruned:,}: {named(report.pruned_ids)}"))
    pairs += _remarkable(report.replaced, report.superseded, report.misfits)
    pairs.append((_("time"), _time(report)))
    return pairs


def _time(report: IngestReport) -> str:
    if not report.passages:
        return duration_of(report.seconds)
    rate = report.passages / max(report.seconds, 1e-9)
    speed = _("{rate}/s").format(rate=number(rate, ",.1f" if rate < 10 else ",.0f"))
    return f"{duration_of(report.seconds)}, {count_of(report.passages, 'passage')}, {speed}"


def _remarkable(replaced: Mapping[str, str], superseded: int, misfits: Mapping[str, int]) -> list[tuple[str, str]]:
    """Return lines about what a user may not expect."""
    pairs = []
    if replaced:
        pairs.append(
            (_("replaced"), _("{documents} of other sources").format(documents=count_of(len(replaced), "document")))
        )
    if superseded:
        pairs.append(
            (_("passed over"), _("{superseded:,}: a later file has the same id").format(superseded=superseded))
        )
    if misfits:
        names = ", ".join(f"{name} {count:,}" for name, count in misfits.items())
        pairs.append(
            (
                _("left out"),
                _("{values} of fields: {names}").format(values=count_of(sum(misfits.values()), "value"), names=names),
            )
        )
    return pairs


def _say_remarks(
    replaced: Mapping[str, str], first_misfit: str | None, unmet: Mapping[str, str], remarks: Sequence[str]
) -> None:
    for remark in remarks:
        say(f"searchctl: {remark}")
    for id, source in list(replaced.items())[:1]:
        say(
            _(
                "searchctl: the document '{id}' came from {value} before; documents that are to live side by "
                "side need different ids: --id FIELD, or another --index"
            ).format(id=id, value=source or "a program")
        )
    if first_misfit:
        say(
            _(
                "searchctl: {first_misfit}; the documents are stored, filters don't find such values. If the "
                "type is wrong, declare another in a recipe, under [fields.types]"
            ).format(first_misfit=first_misfit)
        )
    for name, near in unmet.items():
        say(
            _("searchctl: no record has a field '{name}'").format(name=name)
            + (_("; did you mean '{near}'?").format(near=near) if near else "")
        )


def _say_next(frame: Frame, report: IngestReport, deferred: bool) -> None:
    if report.dead and report.dead == report.dead_files:
        said = _("next: make these files readable and run the same command again")
        listed = _(" (they are listed in {path})").format(path=report.dead_letters) if report.dead_letters else ""
        say(said + listed)
    elif report.dead and report.dead_letters:
        say(_("next: correct what failed and run: {hint}").format(hint=frame.hint("ingest", str(report.dead_letters))))
    elif deferred and report.written:
        say(
            _("next: {hint}; until then these documents are found by their words only").format(
                hint=frame.hint("vectorize")
            )
        )
    elif report.written or report.unchanged:
        say(_("next: {hint}").format(hint=frame.hint("search", _("your question"))))


def _report_json(report: IngestReport) -> Json:
    counts = {name: getattr(report, name) for name in ("read", "written", "unchanged", "dead", "pruned")}
    return {
        **counts,
        "passages": report.passages,
        "seconds": round(report.seconds, 3),
        "interrupted": report.interrupted,
        "dead_letters": str(report.dead_letters) if report.dead_letters else None,
        "first_failure": report.first_failure,
        "misfits": dict(report.misfits),
        "first_misfit": report.first_misfit,
        "replaced": dict(report.replaced),
        "superseded": report.superseded,
        "pruned_ids": list(report.pruned_ids),
        "not_pruned": report.spared,
        "kept": report.kept,
        "unknown_fields": dict(report.unmet),
        "remarks": list(report.remarks),
    }


def print_plan(frame: Frame, plan: Plan) -> None:
    """Print what a load would do, and the first documents as they would be stored."""
    if frame.for_programs:
        print_json("load-plan", _plan_json(plan))
        return
    print_pairs(
        [
            (_("files"), number(plan.files)),
            (_("documents"), number(plan.documents)),
            *([(_("unchanged"), number(plan.unchanged))] if plan.unchanged else []),
            (_("passages"), number(plan.passages)),
            (_("failing"), number(plan.dead)),
            *(
                [
                    (
                        _("to prune"),
                        _("{count:,} of {held:,}: {named}").format(
                            count=len(plan.gone.ids), held=plan.gone.held, named=named(plan.gone.ids)
                        ),
                    )
                ]
                if plan.gone.held
                else []
            ),
            *_remarkable(plan.replaced, plan.superseded, plan.misfits),
            (_("time"), _("about {duration}").format(duration=duration_of(plan.seconds))),
            (_("disk"), _("about {size}").format(size=size_of(plan.disk))),
            (_("memory"), _("about {size}").format(size=size_of(plan.memory))),
        ]
    )
    for entry in plan.first:
        echo()
        _print_entry(entry)
    for failure in plan.failures:
        echo(
            _("\nwould fail: {source} at {position}: {reason}").format(
                source=failure.source, position=failure.position, reason=failure.reason
            )
        )
    if not frame.quiet:
        _say_remarks(plan.replaced, plan.first_misfit, plan.unmet, plan.remarks)
        if on_terminal():
            say(_("nothing was stored"))


def _print_entry(entry: Entry) -> None:
    document = entry.document
    text = document.text if len(document.text) <= _EXCERPT else document.text[:_EXCERPT] + "…"
    pairs = [(_("id"), document.id), (_("title"), document.title or "-"), (_("text"), text.replace("\n", " "))]
    pairs += [(_("passages"), number(len(entry.passages))), (_("fields"), ", ".join(map(str, document.fields)) or "-")]
    print_pairs(pairs)


def _plan_json(plan: Plan) -> Json:
    return {
        "files": plan.files,
        "documents": plan.documents,
        "unchanged": plan.unchanged,
        "passages": plan.passages,
        "dead": plan.dead,
        "seconds": round(plan.seconds, 3),
        "disk": plan.disk,
        "memory": plan.memory,
        "first": [
            {
                "id": entry.document.id,
                "title": entry.document.title,
                "text": entry.document.text,
                "fields": dict(entry.document.fields),
                "passages": [{"start": one.start, "end": one.end} for one in entry.passages],
            }
            for entry in plan.first
        ],
        "misfits": dict(plan.misfits),
        "first_misfit": plan.first_misfit,
        "replaced": dict(plan.replaced),
        "superseded": plan.superseded,
        "to_prune": list(plan.gone.ids),
        "unknown_fields": dict(plan.unmet),
        "remarks": list(plan.remarks),
        "failures": [
            {"source": failure.source, "position": failure.position, "id": failure.id, "reason": failure.reason}
            for failure in plan.failures
        ],
    }
