"""TLS and credentials: each fault is one sentence and exit code 4, and no secret is written anywhere."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from searchctl.cli import main
from searchctl.engines import open_engine
from searchctl.engines.rest.credentials import authorization
from searchctl.engines.rest.engine import ServerEngine
from searchctl.errors import ConfigError, EngineUnreachable
from searchctl.settings.connection import Connection
from tests.servers.node import Node
from tests.servers.proxy import Proxy, Refuse


def engine_of(node: Node, **changes: Any) -> ServerEngine:
    assert node.security is not None
    usual = {
        "username": node.security.user,
        "password": node.security.password,
        "ca_certs": str(node.security.authority),
    }
    engine = open_engine(node.url, Connection(**{**usual, **changes}))
    assert isinstance(engine, ServerEngine)
    return engine


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), prog_name="searchctl")


@pytest.fixture
def secret(secured_elasticsearch: Node, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Node:
    """The node, its credentials in the environment, and an empty current folder."""
    security = secured_elasticsearch.security
    assert security is not None
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ELASTICSEARCH_URL", secured_elasticsearch.url)
    monkeypatch.setenv("ELASTICSEARCH_USERNAME", security.user)
    monkeypatch.setenv("ELASTICSEARCH_PASSWORD", security.password)
    monkeypatch.setenv("ELASTICSEARCH_CA_CERTS", str(security.authority))
    return secured_elasticsearch


def test_credentials_and_authority_open_the_door(secured_elasticsearch: Node) -> None:
    with closing(engine_of(secured_elasticsearch)) as engine:
        assert engine.name == "elasticsearch-9.2.0"
        assert engine.indexes() == []


def test_a_certificate_of_an_unknown_authority_is_refused(secured_elasticsearch: Node) -> None:
    said = "can't be trusted.*--ca-certs FILE, or --insecure"
    with (
        closing(engine_of(secured_elasticsearch, ca_certs=None)) as engine,
        pytest.raises(EngineUnreachable, match=said),
    ):
        engine.indexes()
    with closing(engine_of(secured_elasticsearch, ca_certs=None, insecure=True)) as engine:
        assert engine.indexes() == []


def test_a_wrong_scheme_is_named(secured_elasticsearch: Node) -> None:
    plain = secured_elasticsearch.url.replace("https:", "http:")
    with closing(open_engine(plain)) as engine, pytest.raises(EngineUnreachable, match="elasticsearchs://"):
        engine.indexes()


@pytest.mark.parametrize(
    "credentials",
    [
        {"password": "wrong-word-1"},
        {"username": None, "password": None},
        {"api_key": "bm8tc3VjaDprZXkta2V5LWtleQ=="},
        {"bearer_token": "no-such-token"},
    ],
    ids=["wrong password", "nothing", "wrong key", "wrong token"],
)
def test_wrong_credentials_are_refused_in_one_sentence(
    secured_elasticsearch: Node, credentials: dict[str, str | None]
) -> None:
    engine = engine_of(secured_elasticsearch, **credentials)
    with closing(engine), pytest.raises(EngineUnreachable, match="refuses the credentials") as refused:
        engine.indexes()
    assert "\n" not in str(refused.value)
    for word in filter(None, credentials.values()):
        assert word not in str(refused.value)


def test_an_expired_key_is_named_so() -> None:
    """The servers here can't make keys (they lack a filter of their security index), so this is what a whole one answers."""
    said = (
        '{"root_cause":[{"type":"security_exception","reason":"unable to authenticate with provided credentials",'
        '"additional_unsuccessful_credentials":"API key: api key is expired"}],'
        '"type":"security_exception","reason":"unable to authenticate with provided credentials",'
        '"additional_unsuccessful_credentials":"API key: api key is expired"}'
    )
    server = Proxy("http://127.0.0.1:9", lambda request: Refuse(401, said))
    expired = Connection(api_key="planted-key", api_key_id="planted")
    with server, closing(open_engine(server.url, expired)) as engine, pytest.raises(EngineUnreachable) as refused:
        engine.indexes()
    assert "refuses the credentials (HTTP 401: unable to authenticate" in str(refused.value)
    assert "api key is expired" in str(refused.value)
    assert "planted" not in str(refused.value)


@pytest.mark.parametrize(
    ("connection", "header"),
    [
        (Connection(username="ann", password="päss"), "Basic YW5uOnDDpHNz"),  # printf 'ann:päss' | base64
        (Connection(api_key="word", api_key_id="name"), "ApiKey bmFtZTp3b3Jk"),  # printf 'name:word' | base64
        (Connection(api_key="name:word"), "ApiKey bmFtZTp3b3Jk"),
        (Connection(api_key="bmFtZTp3b3Jk", username="ann"), "ApiKey bmFtZTp3b3Jk"),
        (Connection(bearer_token="word", username="ann"), "Bearer word"),
    ],
)
def test_credentials_as_the_servers_read_them(connection: Connection, header: str) -> None:
    assert authorization(connection) == {"authorization": header}


def test_a_certificate_file_that_cannot_be_read_is_a_setting_to_correct(tmp_path: Path) -> None:
    for connection in (Connection(ca_certs=str(tmp_path / "no.pem")), Connection(client_cert=str(tmp_path / "no.pem"))):
        with pytest.raises(ConfigError, match=r"can't read the.*no\.pem"):
            open_engine("elasticsearchs://127.0.0.1:9200", connection)


@pytest.mark.parametrize(
    ("options", "variables"),
    [
        (("--engine", "elasticsearch"), {"ELASTICSEARCH_CA_CERTS": ""}),
        (("--engine", "elasticsearch"), {"ELASTICSEARCH_PASSWORD": "planted-password"}),
        (("--engine", "elasticsearch"), {"ELASTICSEARCH_API_KEY": "cGxhbnRlZDprZXk="}),
        (("--engine", "elasticsearch"), {"ELASTICSEARCH_URL": "http://127.0.0.1:9"}),
    ],
    ids=["unknown authority", "wrong password", "wrong key", "nobody there"],
)
def test_exit_code_4_and_one_line(
    secret: Node, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    result = run("info", *options)
    assert result.exit_code == 4
    assert result.stderr.startswith("searchctl: error: ")
    assert result.stderr.count("\n") == 1
    assert not [value for name, value in variables.items() if value and "URL" not in name and value in result.output]


def test_secrets_are_written_nowhere(secret: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert secret.security is not None
    password = secret.security.password
    (tmp_path / "tea.md").write_text("# Tea\n\nGreen tea is brewed at 80 degrees.", encoding="utf-8")
    (tmp_path / "empty.txt").write_text("", encoding="utf-8")
    typed = f"elasticsearchs://{secret.security.user}:{password}@{secret.url.removeprefix('https://')}"
    said = ""
    for engine in ("elasticsearch", typed):
        shared = ("--engine", engine, "--index", "secrets", "-vv")
        for command in (
            ("ingest", "tea.md", "empty.txt", "--encoder", "hashing"),
            ("search", "tea"),
            ("info", "--json"),
            ("doctor",),
            ("config", "show"),
            ("get", "nothing"),
        ):
            result = run(*command, *shared)
            said += result.stdout + result.stderr
    with closing(engine_of(secret)) as opened:
        opened.drop("secrets")
    monkeypatch.setenv("ELASTICSEARCH_PASSWORD", f"{password}x")
    said += run("search", "tea", "--engine", "elasticsearch", "-vv").output
    assert "Green tea is brewed" in said
    assert "refuses the credentials" in said
    assert password not in said
    files = [path for folder in (tmp_path, Path.home()) for path in folder.rglob("*") if path.is_file()]
    assert any(path.name == "journal.sqlite" for path in files)
    assert not [path for path in files if password.encode() in path.read_bytes()]
