"""The command line: see the package's description."""

from __future__ import annotations

import argparse
import sys
import threading
import time

import tests.servers
from tests.servers.assemble import assemble
from tests.servers.catalogue import DISTRIBUTIONS, distribution
from tests.servers.errors import ServerError
from tests.servers.node import Node


def main() -> None:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.servers",
        description=tests.servers.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("server", help=f"{', '.join(one.name for one in DISTRIBUTIONS)}; or `assemble`")
    parser.add_argument("which", nargs="?", default="all", help="what to assemble: a server's name or `all`")
    parser.add_argument("--port", type=int, help="default: a free one")
    parser.add_argument("--heap", default="1g", help="memory of the server (default: 1g)")
    parser.add_argument("--secured", action="store_true", help="with TLS and a password (Elasticsearch only)")
    options = parser.parse_args()
    try:
        if options.server == "assemble":
            for one in DISTRIBUTIONS if options.which == "all" else [distribution(options.which)]:
                started = time.monotonic()
                print(f"{one.name}: {assemble(one)} ({time.monotonic() - started:.0f} s)", flush=True)
        else:
            _run(Node(distribution(options.server), port=options.port, heap=options.heap, secured=options.secured))
    except ServerError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _run(node: Node) -> None:
    started = time.monotonic()
    try:
        with node:
            print(
                f"{node.url}  ({node.distribution.version}, started in {time.monotonic() - started:.0f} s; Ctrl-C ends it)",
                flush=True,
            )
            if node.security:
                print(
                    f"--username {node.security.user} --password {node.security.password} --ca-certs {node.security.authority}",
                    flush=True,
                )
            threading.Event().wait()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
