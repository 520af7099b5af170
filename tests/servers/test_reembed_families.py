"""From the shipped encoder to another family and back on real servers: a family each, one of them with weights in its stamp."""

from __future__ import annotations

import uuid
from contextlib import closing
from pathlib import Path

import pytest

from searchctl.engines import open_engine
from tests.encoders.families import make_encoder
from tests.lifecycle.there_and_back import check_there_and_back
from tests.servers.parameters import SERVERS, server_param, server_url

FAMILY = dict(zip(SERVERS, ("fasttext", "static", "navec", "fasttext"), strict=True))


@pytest.mark.parametrize("server", [server_param(name) for name in SERVERS])
def test_an_index_goes_to_a_family_and_back(server: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url, index = server_url(request, server), f"families-{uuid.uuid4().hex[:8]}"
    name = make_encoder(FAMILY[server], tmp_path / "family")
    try:
        check_there_and_back(url, index, f"{name}?weights=index" if FAMILY[server] == "fasttext" else name)
    finally:
        with closing(open_engine(url)) as engine:
            for one in engine.indexes():
                if one.name.startswith(index):
                    engine.drop(one.name)
