"""The container files, held to what can be checked without a Docker engine: the schema of compose files, a linter, and their promises."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from searchctl.cli import main
from searchctl.service.access import read_tokens
from tests.servers.catalogue import DISTRIBUTIONS

DOCKER = Path(__file__).parents[1] / "docker"
COMPOSE = sorted(DOCKER.glob("compose.*.yaml"))
SERVE = DOCKER / "compose.serve.yaml"
NODES = [path for path in COMPOSE if path != SERVE]
DOCKERFILE = DOCKER / "Dockerfile"


def services(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text())["services"]


def test_compose_files_follow_the_schema() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", *map(str, COMPOSE)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dockerfile_passes_hadolint() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([str(hadolint), str(DOCKERFILE)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_is_a_compose_file_for_each_tested_server_in_its_version() -> None:
    for one in DISTRIBUTIONS:
        (service,) = services(DOCKER / f"compose.{one.name}.yaml").values()
        assert service["image"].endswith(f"{one.product}:{one.version}")


@pytest.mark.parametrize("path", NODES, ids=lambda path: path.name)
def test_every_service_is_pinned_checked_and_reached_from_this_machine_only(path: Path) -> None:
    found = services(path)
    assert len(found) == (3 if "three-nodes" in path.name else 1)
    for service in found.values():
        assert re.fullmatch(r"[\w./-]+:\d+\.\d+\.\d+", service["image"])
        assert "/_cluster/health" in " ".join(service["healthcheck"]["test"])
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    ports = [port.split(":")[1] for service in found.values() for port in service["ports"]]
    assert len(set(ports)) == len(ports)


def test_the_service_starts_beside_its_server_when_that_is_filled(tmp_path: Path) -> None:
    compose = yaml.safe_load(SERVE.read_text())
    found = compose["services"]
    newest = services(DOCKER / "compose.opensearch-3.yaml")["opensearch"]
    assert {**found["opensearch"], "ports": newest["ports"]} == newest, "the node is the one that is tested"
    assert found["load"]["depends_on"] == {"opensearch": {"condition": "service_healthy"}}
    assert found["serve"]["depends_on"] == {"load": {"condition": "service_completed_successfully"}}
    assert found["serve"]["ports"] == ["127.0.0.1:8765:8765"] and "ports" not in found["load"]
    tokens = tmp_path / "tokens.toml"
    tokens.write_text(compose["configs"]["tokens"]["content"].replace("${PAGE_TOKEN}", "page-0123456789-secret"))
    ((_, grant),) = read_tokens(tokens)
    assert grant.allows("default", "read") and not grant.allows("default", "write")


@pytest.mark.parametrize("name", ["load", "serve"])
def test_the_commands_of_the_service_are_ones_that_exist(name: str) -> None:
    words = [word.replace("${RECIPE:-demo}", "demo") for word in services(SERVE)[name]["command"]]
    command = main.get_command(click.Context(main), words[0])
    assert command is not None
    command.make_context(words[0], words[1:], resilient_parsing=True)
    assert {word for word in words[1:] if word.startswith("--")} <= {
        option for parameter in command.params for option in parameter.opts
    }


@pytest.mark.parametrize("path", NODES, ids=lambda path: path.name)
def test_no_password_is_written_down(path: Path) -> None:
    for service in services(path).values():
        for key, value in service["environment"].items():
            assert "PASSWORD" not in key or value.startswith(f"${{{key}:?")


def test_what_the_dockerfile_copies_exists_and_is_let_through() -> None:
    text = DOCKERFILE.read_text()
    copied = [name for line in re.findall(r"^COPY (?!--)(.+)$", text, re.MULTILINE) for name in line.split()[:-1]]
    let_through = re.findall(r"^!(.+)$", DOCKERFILE.with_name("Dockerfile.dockerignore").read_text(), re.MULTILINE)
    assert copied == let_through
    assert [name for name in copied if not (DOCKER.parent / name).exists()] == []


def test_the_container_runs_without_rights_on_a_pinned_base() -> None:
    text = DOCKERFILE.read_text()
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["10001"]
    assert text.index("USER 10001") < text.index("ENTRYPOINT")
    assert all(re.match(r"python:\d+\.\d+\.\d+-", base) for base in re.findall(r"^FROM (\S+)", text, re.MULTILINE))
