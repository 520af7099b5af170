"""`searchctl serve`: the page and the HTTP API."""

from __future__ import annotations

from pathlib import Path

import click

from searchctl.cli.context import Command, Frame, framed
from searchctl.cli.failures import say
from searchctl.errors import MissingExtra, UsageError
from searchctl.settings.addresses import address, is_loopback
from searchctl.translation import _

_LISTEN = "127.0.0.1:8765"


@click.command(
    "serve",
    cls=Command,
    examples=(
        "searchctl serve",
        "searchctl serve --engine ./my-index --listen 127.0.0.1:9000",
        "searchctl serve --listen 0.0.0.0:8765 --tokens tokens.toml --writable",
    ),
)
@click.option("--listen", metavar="HOST:PORT", default=_LISTEN, show_default=True, help="Where to listen.")
@click.option(
    "--tokens", type=click.Path(path_type=Path), metavar="FILE", help="TOML file of tokens, and what each allows."
)
@click.option("--writable", is_flag=True, help="Allow changes: documents, and examples of labels.")
@click.option(
    "--origin",
    "origins",
    multiple=True,
    metavar="URL",
    help="Web page that may call the API from a browser; repeatable.",
)
@click.option(
    "--rate", type=click.FloatRange(0, min_open=True), metavar="N", help="Most requests a second from one caller."
)
@click.option("--all-indexes/--one-index", default=True, help="Offer all of the engine's indexes, or only --index.")
@framed
def command(
    frame: Frame,
    listen: str,
    tokens: Path | None,
    writable: bool,
    origins: tuple[str, ...],
    rate: float | None,
    all_indexes: bool,
) -> None:
    """Serve a search page and an HTTP API (described at /openapi.json).

    Without --tokens everyone who reaches the address may search, so other addresses than localhost need --tokens. A token file
    has tables like: [[token]] token = "…" indexes = ["shop-*"] rights = ["read", "write"].
    """
    try:
        import uvicorn

        from searchctl.service.access import Gatekeeper, read_tokens
        from searchctl.service.app import ServiceSettings, make_app
        from searchctl.service.indexes import Offer
        from searchctl.service.limits import RequestLimits
    except ImportError as error:
        raise MissingExtra("searchctl serve", "serve") from error
    host, port = address(listen)
    grants = read_tokens(tokens) if tokens is not None else []
    if not grants and not is_loopback(host):
        raise UsageError(
            _(
                "{host} can be reached from other machines, and there are no tokens; give --tokens FILE, or "
                "listen on {LISTEN}"
            ).format(host=host, LISTEN=_LISTEN)
        )
    names = None if all_indexes else (frame.settings.index,)
    settings = ServiceSettings(
        Offer(frame.settings.engine, frame.settings.connection, names),
        Gatekeeper(grants, writable=writable),
        host,
        origins,
        RequestLimits(rate),
    )
    app = make_app(settings)
    if not frame.quiet:
        say(
            _("searchctl: serving {public} at http://{listen} (Ctrl-C ends it)").format(
                public=frame.public(frame.settings.engine), listen=listen
            )
        )
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False, server_header=False)
