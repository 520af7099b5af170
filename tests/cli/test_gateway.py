"""`searchctl gateway`: what is refused before it starts, and what a report says. Serving is tested in tests/gateway."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from searchctl.cli.gateway import print_report
from searchctl.gateway.reasons import SENTENCES, WhyLexical
from searchctl.gateway.steps import SearchOutcome, lexical
from searchctl.gateway.tally import ShadowPair, Tally
from tests.cli.conftest import Run


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "is a folder; name one"),
        (["--engine", "opensearch://127.0.0.1:1", "--listen", "9201"], "--listen"),
        (["--engine", "opensearch://127.0.0.1:1", "--shadow", "2"], "isn't a share"),
        (["--engine", "opensearch://127.0.0.1:1", "--budget-ms", "0"], "leaves no time"),
        (["--engine", "opensearch://127.0.0.1:1", "--tls-cert", "a"], "give both"),
        (["--engine", "opensearch://127.0.0.1:1", "--mode", "fast"], "'fast'"),
        (["report", "--address", "localhost"], "isn't an address"),
        (["replay", "none.jsonl"], "is a folder; name one"),
    ],
)
def test_what_is_refused(options: list[str], said: str, run: Run) -> None:
    result = run("gateway", *options)
    assert result.exit_code == 2 and said in result.stderr and result.stdout == ""


def test_a_gateway_that_does_not_answer(run: Run) -> None:
    result = run("gateway", "report", "--address", "http://127.0.0.1:1")
    assert result.exit_code == 4 and "start it with: searchctl gateway" in result.stderr


def test_settings_of_the_gateway_are_checked(run: Run, here: Path) -> None:
    (here / "searchctl.toml").write_text('[gateway]\nmode = "fast"\n')
    result = run("gateway", "--engine", "opensearch://127.0.0.1:1")
    assert result.exit_code == 2 and "no mode 'fast'" in result.stderr


def test_a_report_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally()
    tally.searched(SearchOutcome("reorder", answer={}), 0.012)
    tally.searched(lexical(WhyLexical("sort_not_score")), 0.003)
    tally.shadowed(SearchOutcome("reorder", answer={}), ShadowPair("warm gloves", ("a", "b"), ("b", "a")), 0.02)
    report = {**tally.report(), "sentences": dict(SENTENCES)}
    assert json.loads(json.dumps(report)) == report
    print_report(report)
    shown = capsys.readouterr().out
    for text in ("sort_not_score", "sorted by something else", "overlap@10", "1.00", "changed firsts", "warm gloves"):
        assert text in shown
