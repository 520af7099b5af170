"""Puts a server's home together from the parts on Maven Central, once, in the cache."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
from pathlib import Path

from tests.servers.cache import cached
from tests.servers.catalogue import Distribution
from tests.servers.maven import fetch
from tests.servers.opensearch import RECIPE, make_opensearch


def assemble(distribution: Distribution) -> Path:
    """Return the server's home in the cache, made first if need be (a minute or two). Nothing may be written into it."""
    recipe = hashlib.sha256(repr((distribution, RECIPE)).encode()).hexdigest()[:8]
    make = make_opensearch if distribution.product == "opensearch" else _make_elasticsearch
    return cached(f"{distribution.product}-{distribution.version}-{recipe}", lambda home: make(distribution, home))


def _make_elasticsearch(distribution: Distribution, home: Path) -> None:
    """Unpack the distribution that Elastic publishes for integration tests: no painless, no stemmers, no `GET /`."""
    artifact = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{distribution.version}:zip"
    with tempfile.TemporaryDirectory() as folder:
        ((archive,),) = fetch(Path(folder), {"server": [artifact]}).values()
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(home / "unpacked")
    (inner,) = (home / "unpacked").iterdir()
    for part in inner.iterdir():
        part.rename(home / part.name)
    shutil.rmtree(home / "unpacked")
    for script in (home / "bin").iterdir():
        script.chmod(0o755)
