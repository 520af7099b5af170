"""`searchctl gateway`: an app's search made hybrid, without changing the app."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from searchctl.cli.context import Command, Frame, GroupWithExamples, framed, write_options
from searchctl.cli.failures import say
from searchctl.cli.output import print_json, print_pairs, print_table
from searchctl.errors import EngineUnreachable, MissingExtra, UsageError
from searchctl.settings.connection import is_server, named_family
from searchctl.translation import _, number

if TYPE_CHECKING:
    from searchctl.gateway.settings import GatewaySettings

_MODES = ("reorder", "expand", "off")


class GatewayGroup(GroupWithExamples):
    """A group that is a command itself."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options in two sections, then the commands."""
        write_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)


@click.group(
    "gateway",
    cls=GatewayGroup,
    invoke_without_command=True,
    examples=(
        "searchctl vectorize products --text name,description --engine opensearch://localhost:9200",
        "searchctl gateway --engine opensearch://localhost:9200 --listen 127.0.0.1:9201",
        "searchctl gateway --engine opensearch://localhost:9200 --shadow 0.1",
        "searchctl gateway report --address http://127.0.0.1:9201",
    ),
)
@click.option(
    "--listen", metavar="HOST:PORT", default="127.0.0.1:9201", show_default=True, help="Address that apps connect to."
)
@click.option(
    "--mode", type=click.Choice(_MODES), help="How searches are answered [default: reorder, or searchctl.toml]."
)
@click.option(
    "--budget-ms", metavar="N", type=int, default=1000, show_default=True, help="Longest a hybrid answer may take."
)
@click.option("--rerank", metavar="NAME", help="Let a slower model reorder the best, as in maxsim:10 or a folder.")
@click.option(
    "--shadow", metavar="SHARE", type=float, help="Answer by words; compute this share of searches both ways."
)
@click.option(
    "--share", metavar="SHARE", type=float, default=1.0, help="Share of sessions that get hybrid answers [default: 1]."
)
@click.option(
    "--embed-writes", is_flag=True, help="Give written documents their vectors on the way (see vectorize --follow)."
)
@click.option("--record", metavar="FILE", help="Append every search to a file, without credentials.")
@click.option("--tls-cert", metavar="FILE", help="Certificate for TLS towards the apps.")
@click.option("--tls-key", metavar="FILE", help="Private key of that certificate.")
@framed
def command(frame: Frame, /, **options: Any) -> None:
    """Stand between an app and OpenSearch or Elasticsearch, and answer its searches by words and by meaning.

    The app changes one address. Everything that isn't a search goes through byte for byte. Searches of indexes that have vectors
    (searchctl vectorize INDEX) keep their filters, facets, highlights and pages; a search that can't be hybrid, or whose hybrid
    answer fails or is late, gets the server's own answer, with the reason in the header X-Searchctl-Reason.

    reorder (the usual mode) changes the order of what the app's own query finds, and helps out where it finds nothing; expand adds
    what only its meaning finds.
    """
    if click.get_current_context().invoked_subcommand is not None:
        return
    settings = _settings(frame, options)
    _need_server(frame)
    serve = _library()

    def ready(address: str) -> None:
        if not frame.quiet:
            say(
                _("searchctl: {address} answers for {public} ({told}); Ctrl-C ends it").format(
                    address=address, public=frame.public(frame.settings.engine), told=_told(settings)
                )
            )

    serve(settings, frame.settings.connection, named_family(frame.settings.engine), ready)


def _settings(frame: Frame, options: dict[str, Any]) -> GatewaySettings:
    from searchctl.gateway.policies import read_policies
    from searchctl.gateway.settings import GatewaySettings
    from searchctl.settings.addresses import address

    host, port = address(options["listen"], any_port=True)
    policies = read_policies(frame.settings.gateway, frame.settings.gateway_origin)
    policies = policies.with_mode(options["mode"]).with_rerank(options["rerank"])
    return GatewaySettings(
        host=host,
        port=port,
        policies=policies,
        budget_ms=options["budget_ms"],
        shadow=options["shadow"],
        share=options["share"],
        record=options["record"],
        embed_writes=options["embed_writes"],
        certificate=options["tls_cert"],
        key=options["tls_key"],
        secrets=frame.settings.secrets,
    )


def _need_server(frame: Frame) -> None:
    if not is_server(frame.settings.engine):
        raise UsageError(
            _(
                "the gateway stands before a server, and {engine} is a folder; name one, as in: searchctl "
                "gateway --engine opensearch://localhost:9200"
            ).format(engine=frame.settings.engine)
        )


def _library() -> Callable[..., None]:
    try:
        from searchctl.gateway.serve import serve
    except ImportError as error:
        raise MissingExtra(_("the gateway"), "gateway") from error
    return serve


def _told(settings: GatewaySettings) -> str:
    if settings.shadow is not None:
        return _("by words; {shadow:.0%} of the searches are computed both ways").format(shadow=settings.shadow)
    share = _(", {share:.0%} of the sessions").format(share=settings.share) if settings.share < 1 else ""
    writes = _(", written documents get vectors") if settings.embed_writes else ""
    return f"{settings.policies.usual.mode}{share}{writes}"


@command.command(
    "report",
    cls=Command,
    examples=("searchctl gateway report", "searchctl gateway report --address http://127.0.0.1:9201 --json"),
)
@click.option("--address", metavar="URL", default="http://127.0.0.1:9201", show_default=True, help="A running gateway.")
@framed
def report_command(frame: Frame, address: str) -> None:
    """Show what a running gateway did: how many searches were or could be hybrid, why others weren't, and what changes."""
    found = _fetched(f"{address.rstrip('/')}/_searchctl/report", frame)
    if frame.for_programs:
        print_json("gateway-report", found)
        return
    print_report(found)


@command.command(
    "replay",
    cls=Command,
    examples=("searchctl gateway replay searches.jsonl --engine opensearch://localhost:9200",),
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--mode", type=click.Choice(_MODES[:2]), help="How searches are answered [default: reorder, or searchctl.toml]."
)
@framed
def replay_command(frame: Frame, file: Path, mode: Any) -> None:
    """Ask the searches of a recording again, by words and by both legs, and compare the answers."""
    from searchctl.gateway.policies import read_policies

    _need_server(frame)
    try:
        from searchctl.gateway.replay import replay
    except ImportError as error:
        raise MissingExtra(_("the gateway"), "gateway") from error
    policies = read_policies(frame.settings.gateway, frame.settings.gateway_origin).with_mode(mode)
    found = replay(file, frame.settings.connection, named_family(frame.settings.engine), policies)
    if frame.for_programs:
        print_json("gateway-report", found)
        return
    print_report(found)


def _fetched(url: str, frame: Frame) -> Any:
    import json
    import ssl
    from urllib.request import urlopen

    if not url.startswith(("http://", "https://")):
        raise UsageError(_("--address {url!r} isn't an address; write it like http://127.0.0.1:9201").format(url=url))
    connection = frame.settings.connection
    context = ssl.create_default_context(cafile=connection.ca_certs) if url.startswith("https:") else None
    if context is not None and connection.insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with urlopen(url, timeout=10, context=context) as answer:  # noqa: S310 - http and https only
            return json.load(answer)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise EngineUnreachable(
            _("no gateway answers at {url} ({reason}); start it with: searchctl gateway").format(url=url, reason=reason)
        ) from error


def print_report(found: dict[str, Any]) -> None:
    """Print a report for people."""
    modes = [(mode, number(count)) for mode, count in found["modes"].items()]
    print_pairs([(_("searches"), number(found["searches"])), *modes])
    sentences = found.get("sentences", {})
    rows = [(reason, number(count), sentences.get(reason, "")) for reason, count in found["reasons"].items()]
    if rows:
        print_table((_("reason"), _("searches"), _("because")), rows)
    times = [
        (name, f"{one['p50']:.1f}", f"{one['p99']:.1f}") for name, one in found["latency_ms"].items() if one["count"]
    ]
    if times:
        print_table((_("answers"), _("p50 ms"), _("p99 ms")), times)
    if any(found.get("written", {}).values()):
        print_pairs(
            [
                (_("written documents {name}").format(name=name), number(count))
                for name, count in found["written"].items()
            ]
        )
    _print_comparison(found["shadow"])


def _print_comparison(shadow: dict[str, Any]) -> None:
    if not shadow["searches"]:
        return
    pairs = [(_("computed both ways"), number(shadow["searches"])), (_("compared"), number(shadow["compared"]))]
    pairs += [(_("would be {name}").format(name=name), number(count)) for name, count in shadow["by_outcome"].items()]
    if shadow["compared"]:
        pairs += [
            ("overlap@10", f"{shadow['overlap@10']:.2f}"),
            (_("changed firsts"), number(shadow["changed_firsts"])),
        ]
    print_pairs(pairs)
    rows = [(one["text"], ", ".join(one["lexical"]), ", ".join(one["hybrid"])) for one in shadow["examples"]]
    if rows:
        print_table((_("search"), _("by words"), _("by both legs")), rows)
