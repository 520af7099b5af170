"""The README's commands for a server, typed as they stand there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from searchctl.cli import main

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
(BLOCK,) = re.findall(r"```console\n(.*?)```", README.partition("## OpenSearch and Elasticsearch")[2], re.DOTALL)[:1]


def test_the_commands_for_a_server_work(opensearch_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from searchctl.engines import open_engine

    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("# Passwords\n\nReset it under Account.", encoding="utf-8")
    engine = open_engine(opensearch_url)
    assert "default" not in {one.name for one in engine.indexes()}
    said = ""
    try:
        for line in BLOCK.replace("localhost:9200", opensearch_url.removeprefix("http://")).splitlines():
            program, *arguments = shlex.split(line)
            if program == "searchctl":
                result = CliRunner().invoke(main, arguments, prog_name="searchctl")
                assert result.exit_code == 0, f"{line}\n{result.output}"
                said += result.stdout
    finally:
        engine.drop("default")
        engine.close()
    assert "Reset it under Account" in said
    assert "opensearch" in said
