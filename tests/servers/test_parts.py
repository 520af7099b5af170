"""The pieces of the test servers that need no server: finding Java, the cache, the guard."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import cache, java
from tests.servers.catalogue import DISTRIBUTIONS, distribution
from tests.servers.errors import ServerError

GUARD = Path(__file__).with_name("guard.py")


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cache, "CACHE", tmp_path)
    monkeypatch.setattr(cache, "_check_readable", lambda: None)
    return tmp_path


def test_what_was_made_is_not_made_again(empty_cache: Path) -> None:
    made: list[Path] = []
    first = cache.cached("server", made.append)
    assert (cache.cached("server", made.append), len(made)) == (first, 1)
    assert first == empty_cache / "server"


def test_a_broken_off_assembly_leaves_no_home_and_is_cleared_away(empty_cache: Path) -> None:
    def interrupted(home: Path) -> None:
        (home / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.cached("server", interrupted)
    assert not (empty_cache / "server").exists()
    cache.cached("server", lambda home: (home / "whole").touch())
    assert sorted(path.name for path in empty_cache.rglob("*")) == ["lock", "server", "whole"]


def jdk(folder: Path, version: str) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "java").touch()
    (folder / "release").write_text(f'IMPLEMENTOR="test"\nJAVA_VERSION="{version}"\n')
    return folder


def test_the_oldest_java_that_fits_is_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, version in enumerate(["1.8.0_402", "25.0.3", "21.0.1", "17.0.15"]):
        jdk(tmp_path / str(number), version)
    monkeypatch.setattr(java, "_homes", lambda: (tmp_path / str(number) for number in range(5)))
    assert java.find_java(17, 23) == tmp_path / "3"
    assert java.find_java(18, 25) == tmp_path / "2"
    with pytest.raises(ServerError, match=r"needs a JDK from 11 to 16, found 17, 21, 25, 8; install one"):
        java.find_java(11, 16)


@pytest.mark.parametrize("variable", ["JAVA_HOME", "JAVA21_HOME", "JAVA_21_HOME", "JAVA_HOME_21_X64"])
def test_java_is_looked_for_in_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setattr(java, "_SYSTEM", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv(variable, str(jdk(tmp_path / "jdk", "97.0.1")))
    assert java.find_java(97, 97) == tmp_path / "jdk"


def test_a_server_is_named_in_full_or_by_its_product() -> None:
    assert [distribution(one.name) for one in DISTRIBUTIONS] == list(DISTRIBUTIONS)
    assert distribution("opensearch").name == "opensearch-2"
    with pytest.raises(ServerError, match="no server 'solr'; there are: opensearch-2, "):
        distribution("solr")


# Tells of its start and, by the end of the pipe, of its death. A shell, since the guarded process may be another user.
SERVER = ["sh", "-c", "echo running; exec 3>alive; echo up >&3; exec sleep 1000"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "run"
    path.mkdir()
    os.mkfifo(path / "alive")
    for one in (path, path / "alive"):
        one.chmod(0o777)
    return path


@contextmanager
def guarded(folder: Path, *owner: str) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[], bytes]]]:
    """Start the guard; give it, and a function that returns what the server tells next: "up", or nothing when it's dead."""
    with open(os.open(folder / "alive", os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as alive:

        def tells() -> bytes:
            assert select.select([alive], [], [], 60)[0], "the server told nothing for a minute"
            return alive.read(100)

        with subprocess.Popen(
            [*owner, sys.executable, str(GUARD), str(folder), *SERVER], stdin=subprocess.PIPE
        ) as process:
            yield process, tells


@pytest.mark.parametrize(
    ("order", "code"), [(b"stop\n", -signal.SIGTERM), (b"kill\n", -signal.SIGKILL)], ids=["stop", "kill"]
)
def test_the_guard_ends_the_server_and_leaves_its_data(folder: Path, order: bytes, code: int) -> None:
    with guarded(folder) as (guard, tells):
        assert tells() == b"up\n"
        guard.communicate(order)
        assert tells() == b""
    assert guard.returncode == code % 256
    assert (folder / "log").read_text() == "running\n"


def test_the_server_ends_when_its_owner_is_killed(folder: Path) -> None:
    owner = "import subprocess, sys; subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE).wait()"
    with guarded(folder, sys.executable, "-c", owner) as (process, tells):
        assert tells() == b"up\n"
        process.kill()
        assert tells() == b""
