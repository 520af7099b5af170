"""Precedence, origins, errors and masking of the settings."""

from pathlib import Path

import pytest

from searchctl.errors import ConfigError
from searchctl.settings.config import load_settings
from searchctl.settings.connection import split_hosts
from searchctl.settings.dotenv import read_dotenv
from searchctl.settings.secrets import mask, mask_urls

NO_FLAGS: dict[str, str | None] = {}


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "home/.config/searchctl").mkdir(parents=True)
    return {"HOME": str(tmp_path / "home")}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project/deep/er").mkdir(parents=True)
    return tmp_path / "project"


def user_file(home: dict[str, str], text: str) -> Path:
    path = Path(home["HOME"]) / ".config/searchctl/config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def origin(settings, key: str) -> str:
    return next(one.origin for one in settings.shown if one.key == key)


def test_defaults(home, project):
    settings = load_settings(NO_FLAGS, home, project)
    assert (settings.engine, settings.index, settings.encoder) == (".searchctl", "default", None)
    assert {one.origin for one in settings.shown} == {"default"}


def test_each_place_beats_the_next(home, project):
    """Take the highest place away again and again: what is left is always the next one's value."""
    user = user_file(home, 'index = "user"\n')
    toml = project / "searchctl.toml"
    toml.write_text('index = "project"\n')
    dotenv = project / ".env"
    dotenv.write_text("SEARCHCTL_INDEX=dotenv\n")
    environ = {**home, "SEARCHCTL_INDEX": "environment"}
    found = [load_settings({"index": "flag"}, environ, project), load_settings(NO_FLAGS, environ, project)]
    found.append(load_settings(NO_FLAGS, home, project))
    dotenv.unlink()
    found.append(load_settings(NO_FLAGS, home, project))
    toml.unlink()
    found.append(load_settings(NO_FLAGS, home, project))
    user.unlink()
    found.append(load_settings(NO_FLAGS, home, project))
    assert [one.index for one in found] == ["flag", "environment", "dotenv", "project", "user", "default"]
    assert [origin(one, "index") for one in found] == [
        "--index",
        "SEARCHCTL_INDEX",
        f"{dotenv}: SEARCHCTL_INDEX",
        str(toml),
        str(user),
        "default",
    ]


def test_project_file_is_found_upwards_and_its_paths_belong_to_it(home, project):
    (project / "searchctl.toml").write_text(
        'engine = "my-index"\nencoder = "./model"\n[connection]\nca_certs = "certs/ca.pem"\n'
    )
    settings = load_settings(NO_FLAGS, home, project / "deep/er")
    assert settings.engine == str(project / "my-index")
    assert settings.encoder == str(project / "model")
    assert settings.connection.ca_certs == str(project / "certs/ca.pem")


def test_dotenv_beside_the_project_file(home, project):
    (project / "searchctl.toml").write_text("")
    (project / ".env").write_text("SEARCHCTL_ENGINE=idx\n")
    assert load_settings(NO_FLAGS, home, project / "deep").engine == str(project / "idx")


def test_empty_variables_are_unset(home, project):
    assert load_settings(NO_FLAGS, {**home, "SEARCHCTL_ENGINE": ""}, project).engine == ".searchctl"


PROFILES = 'index = "user"\n[profiles.prod]\nindex = "prod"\nencoder = "big"\n[profiles.test]\nindex = "test"\n'


def test_a_profile_counts_below_the_place_that_names_it(home, project):
    user_file(home, PROFILES)
    (project / "searchctl.toml").write_text('index = "project"\n')
    environ = {**home, "SEARCHCTL_INDEX": "environment"}
    by_flag = load_settings({"profile": "prod"}, environ, project)
    assert (by_flag.index, by_flag.encoder, by_flag.profile) == ("prod", "big", "prod")
    assert load_settings({"profile": "prod", "index": "flag"}, environ, project).index == "flag"
    assert load_settings(NO_FLAGS, {**environ, "SEARCHCTL_PROFILE": "prod"}, project).index == "environment"
    assert load_settings(NO_FLAGS, {**home, "SEARCHCTL_PROFILE": "prod"}, project).index == "prod"
    (project / "searchctl.toml").write_text('profile = "prod"\n')
    assert load_settings(NO_FLAGS, home, project).index == "prod"
    assert load_settings(NO_FLAGS, {**environ, "SEARCHCTL_PROFILE": "test"}, project).profile == "test"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('indx = "a"', "'indx', which searchctl doesn't know; did you mean 'index'"),
        ('[connection]\npasword = "a"', "did you mean 'connection.password'"),
        ("index = 3", "'index' must be a string, found int"),
        ('[connection]\ninsecure = "yes"', "must be true or false, found str"),
        ("index = ", "isn't valid TOML"),
        ('connection = "https://host"', "'connection' must be a table, written as [connection]"),
    ],
)
def test_mistakes_in_a_file_name_the_cure(home, project, text, expected):
    (project / "searchctl.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(NO_FLAGS, home, project)
    assert expected in str(caught.value)
    assert str(project / "searchctl.toml") in str(caught.value)


def test_unknown_profile_names_the_nearest(home, project):
    user_file(home, PROFILES)
    with pytest.raises(ConfigError, match="no profile 'prd'.*did you mean 'prod'"):
        load_settings({"profile": "prd"}, home, project)


def test_misspelt_variable_is_refused_and_strangers_are_let_be(home, project):
    with pytest.raises(ConfigError, match="SEARCHCTL_ENIGNE.*did you mean 'SEARCHCTL_ENGINE'"):
        load_settings(NO_FLAGS, {**home, "SEARCHCTL_ENIGNE": "x"}, project)
    for stranger in ("SEARCHCTL_TEST_OPENSEARCH_URL", "SEARCHCTL_WARN", "SEARCHCTL_DEVICE", "SEARCHCTL_MODELS"):
        load_settings(NO_FLAGS, {**home, stranger: "x"}, project)


def test_server_variables_follow_the_engine(home, project):
    environ = {
        **home,
        "OPENSEARCH_URL": "https://ann:s%40cret@one:9200,https://two:9200",
        "OPENSEARCH_CA_CERTS": "/ca.pem",
        "ES_URL": "https://es:9200",
        "ES_USER": "bob",
        "ES_PASS": "es-secret",
        "ES_API_KEY": "es-key",
        "ES_INSECURE": "true",
    }
    first = load_settings({"engine": "opensearch"}, environ, project).connection
    assert first.hosts == ("https://one:9200", "https://two:9200")
    assert (first.username, first.password, first.ca_certs) == ("ann", "s@cret", "/ca.pem")
    assert (first.api_key, first.insecure) == (None, False)
    second = load_settings({"engine": "elasticsearch"}, environ, project).connection
    assert (second.hosts, second.username, second.password) == (("https://es:9200",), "bob", "es-secret")
    assert (second.api_key, second.insecure, second.ca_certs) == ("es-key", True, None)


def test_address_of_the_engine_beats_the_variable_and_loses_its_credentials(home, project):
    environ = {
        **home,
        "OPENSEARCH_URL": "https://other:1",
        "OPENSEARCH_USERNAME": "bob",
        "OPENSEARCH_PASSWORD": "general",
    }
    settings = load_settings({"engine": "opensearchs://ann:own@one:9200,two:9201"}, environ, project)
    assert settings.engine == "opensearchs://one:9200,opensearchs://two:9201"
    assert settings.connection.hosts == ("opensearchs://one:9200", "opensearchs://two:9201")
    assert (settings.connection.username, settings.connection.password) == ("ann", "own")


def test_a_server_without_an_address_says_what_to_set(home, project):
    with pytest.raises(ConfigError, match="no address; set ELASTICSEARCH_URL"):
        load_settings({"engine": "elasticsearch"}, home, project)
    with pytest.raises(ConfigError, match="OPENSEARCH_INSECURE is 'maybe', expected true or false"):
        load_settings({"engine": "opensearch://h"}, {**home, "OPENSEARCH_INSECURE": "maybe"}, project)


def test_hosts_with_different_credentials_are_refused():
    with pytest.raises(ConfigError, match="different credentials") as caught:
        split_hosts("https://ann:first@one,https://bob:second@two")
    assert "first" not in str(caught.value)


SECRETS = {
    "OPENSEARCH_URL": "https://ann:planted-in-url@one:9200",
    "OPENSEARCH_PASSWORD": "planted-password",
    "OPENSEARCH_BEARER_TOKEN": "planted-token",
}


@pytest.mark.parametrize("engine", ["opensearch", "opensearch://ann:planted-in-engine@one:9200", ".searchctl"])
def test_no_secret_is_shown(home, project, engine):
    user_file(home, '[connection]\napi_key = "planted-key"\n')
    settings = load_settings({"engine": engine}, {**home, **SECRETS}, project)
    assert "planted" not in repr(settings)
    assert "planted-token" in settings.secrets
    assert "planted" not in mask(f"401 for planted-token, planted-key at {engine}", settings.secrets)


def test_masking():
    assert (
        mask_urls("see https://ann:p@ss:w/rd@host:9200/x and http://plain/y")
        == "see https://***@host:9200/x and http://plain/y"
    )
    assert mask_urls("https://u:p@a:1,https://u:p@b:2") == "https://***@a:1,https://***@b:2"
    assert mask("key=a b/c, quoted a%20b%2Fc", ["a b/c"]) == "key=***, quoted ***"


def test_dotenv(tmp_path):
    path = tmp_path / ".env"
    path.write_text(
        '# c\nA=1\nexport B = two words # c\nC=\'x # y\'\nD="q\\"z" # c\nE=\nnot a line\nF=a#b\nГ=1\n', encoding="utf-8"
    )
    assert read_dotenv(path) == {"A": "1", "B": "two words", "C": "x # y", "D": 'q"z', "E": "", "F": "a#b"}


def test_dotenv_reads_what_other_programs_read(tmp_path):
    path = tmp_path / ".env"
    path.write_text("A=\"two\nlines\"\nB=$HOME\nC='x' # why\nD\nbroken line here\nE=1\n", encoding="utf-8")
    assert read_dotenv(path) == {"A": "two\nlines", "B": "$HOME", "C": "x", "E": "1"}
