"""A few of the crash-point sweep's kills each time; `make crash-sweep` tries them all."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.faults.crash_sweep import SCENARIOS, preloaded

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("cc") is None, reason="takes Linux and a C compiler"
)
EVERY = {"ingest": 97, "update": 71, "delete": 31, "prune": 71, "vectorize": 61, "compact": 47, "migrate": 71}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_killed_command_leaves_an_index_that_is_whole(tmp_path: Path, scenario: str) -> None:
    done = preloaded(tmp_path, [scenario, "--every", str(EVERY[scenario]), "--seed", "11"])
    (line,) = done.stdout.splitlines()
    outcome = json.loads(line)
    assert outcome["tried"] >= 2 and outcome["faults"] == {}


@pytest.mark.parametrize("error", ["28", "5"])
def test_calls_that_fail_leave_an_index_that_is_whole(tmp_path: Path, error: str) -> None:
    sticky = ["--sticky"] if error == "28" else []
    done = preloaded(tmp_path, ["update", "--every", "71", "--seed", "13", "--errno", error, *sticky])
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["faults"] == {}
