"""Addresses as people write them, and what a server engine makes of them before it asks anything."""

from __future__ import annotations

import hashlib
import hmac
import sys
from base64 import b64encode
from contextlib import closing
from pathlib import Path

import pytest

from searchctl.engines import open_engine
from searchctl.engines.rest.client import reason_of
from searchctl.engines.rest.credentials import Signer
from searchctl.engines.rest.elasticsearch import Elasticsearch
from searchctl.engines.rest.opensearch import OpenSearch
from searchctl.engines.rest.options import IndexOptions
from searchctl.engines.rest.server import Server
from searchctl.engines.rest.template import index_body, is_mappable
from searchctl.engines.rest.words import sent_words
from searchctl.errors import ConfigError, EngineUnreachable, MissingExtra, UsageError
from searchctl.schema import EncoderStamp, Schema
from searchctl.settings.config import load_settings
from searchctl.settings.connection import Connection, server_connection
from searchctl.settings.paths import user_path
from searchctl.settings.secrets import passwords_in

OS2 = Server("opensearch", "2.19.1", frozenset({"opensearch-knn"}))
ES9 = Server("elasticsearch", "9.2.0", frozenset())
STAMPED = Schema(EncoderStamp("test", "0", 8), fields={"lang": "keyword", " ": "keyword", "a..b": "number"})


@pytest.mark.parametrize(
    ("typed", "addresses"),
    [
        ("opensearch://books", ("http://books:9200",)),
        ("opensearchs://books", ("https://books:9200",)),
        ("elasticsearchs://one,two:9201", ("https://one:9200", "https://two:9201")),
        ("https://books", ("https://books:443",)),
        ("http://books/search/", ("http://books:80/search",)),
        ("http://ann:p%40ss@[::1]:9200", ("http://[::1]:9200",)),
    ],
)
def test_addresses(typed: str, addresses: tuple[str, ...]) -> None:
    assert server_connection(typed, None).addresses() == addresses


def test_amazons_services_listen_where_https_does() -> None:
    assert server_connection("opensearchs://x", Connection(aws_service="es")).addresses() == ("https://x:443",)


def test_credentials_in_the_address_win_over_those_given_beside_it() -> None:
    found = server_connection(
        "opensearch://ann:p%40ss@books", Connection(username="bob", password="other", insecure=True)
    )
    assert (found.username, found.password, found.insecure) == ("ann", "p@ss", True)
    assert server_connection("opensearch://books", found).password == "p@ss"


def test_a_cloud_id_leads_to_elasticsearch() -> None:
    cloud = "name:" + b64encode(b"eu.example.com:9243$abc$def").decode()
    assert Connection(cloud_id=cloud).addresses() == ("https://abc.eu.example.com:9243",)
    with pytest.raises(ConfigError, match="cloud id"):
        Connection(cloud_id="name:%%%").addresses()


@pytest.mark.parametrize("typed", ["ftp://books", "opensearch://", "opensearch://books:port"])
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises((ConfigError, UsageError)):
        open_engine(typed)


def test_nobody_there_is_one_sentence_that_names_the_address() -> None:
    with closing(open_engine("opensearch://127.0.0.1:9")) as engine, pytest.raises(EngineUnreachable) as refused:
        engine.indexes()
    assert str(refused.value) == (
        "no server answers at http://127.0.0.1:9 (Connection refused); start it, or correct the address in --engine"
    )


def test_the_missing_extra_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opensearchpy", None)
    with pytest.raises(MissingExtra, match=r"pip install .*\[server\]"):
        open_engine("opensearch://127.0.0.1:9")


def test_index_options_are_checked() -> None:
    with pytest.raises(ConfigError, match="'shards' is 0"):
        IndexOptions(shards=0)
    with pytest.raises(ConfigError, match="choose one of: lucene, faiss"):
        IndexOptions(vector_engine="nmslib")  # type: ignore[arg-type]


def test_index_options_reach_the_index() -> None:
    options = IndexOptions(shards=3, replicas=0, hnsw_m=24, vector_engine="faiss", quantisation="fp16")
    body = index_body(OpenSearch(OS2), STAMPED, options, send_words=False)
    vector = body["mappings"]["properties"]["passages"]["properties"]["vector"]
    assert (body["settings"]["index"]["number_of_shards"], body["settings"]["index"]["number_of_replicas"]) == (3, 0)
    assert (vector["dimension"], vector["method"]["engine"]) == (8, "faiss")
    assert vector["method"]["parameters"] == {
        "m": 24,
        "ef_construction": 100,
        "encoder": {"name": "sq", "parameters": {"type": "fp16"}},
    }
    body = index_body(Elasticsearch(ES9), STAMPED, IndexOptions(quantisation="bbq"), send_words=False)
    vector = body["mappings"]["properties"]["passages"]["properties"]["vector"]
    assert (vector["dims"], vector["index_options"]["type"]) == (8, "bbq_hnsw")
    with pytest.raises(UsageError, match="no fp16 vectors; choose one of: none, int8, bbq"):
        index_body(Elasticsearch(ES9), STAMPED, IndexOptions(quantisation="fp16"), send_words=False)


def test_names_that_no_server_takes_are_left_out_of_the_mapping() -> None:
    assert [is_mappable(name) for name in ("lang", "a.b", " ", "a..b", "", ".a")] == [True, True, *[False] * 4]
    body = index_body(OpenSearch(OS2), STAMPED, IndexOptions(), send_words=False)
    assert list(body["mappings"]["properties"]["fields"]["properties"]) == ["lang"]


def test_an_index_without_an_encoder_has_no_vectors() -> None:
    body = index_body(OpenSearch(OS2), Schema(None), IndexOptions(), send_words=False)
    assert "vector" not in body["mappings"]["properties"]["passages"]["properties"]
    assert "knn" not in body["settings"]["index"]


def test_words_sent_keep_the_places_of_stop_words() -> None:
    assert sent_words("How to brew the tea", "auto") == "how STOP brew STOP tea"
    assert sent_words("Свёкла и капуста", "auto") == "свекл STOP капуст"


def test_reasons_go_to_the_root() -> None:
    nested = {"error": {"reason": "failed to parse", "caused_by": {"type": "x", "reason": 'For input string: "a\nb"'}}}
    assert reason_of(nested) == 'failed to parse: For input string: "a b"'
    assert reason_of("<html>\nno</html>") == "<html> no</html>"
    assert reason_of({"error": {"root_cause": [{"reason": "why"}], "type": "y"}}) == "why"


def test_capabilities_are_those_of_the_version_and_its_plugins() -> None:
    assert OS2.has_vectors and not Server("opensearch", "2.19.1", frozenset()).has_vectors
    assert Server("opensearch", "", None).has_vectors, "a managed service that doesn't tell is asked"
    assert [Server("elasticsearch", one, None).hides_vectors for one in ("8.19.0", "9.1.3", "9.2.0")] == [
        False,
        False,
        True,
    ]
    assert not OS2.has_native_hybrid
    assert Server("opensearch", "2.19.1", frozenset({"opensearch-neural-search"})).has_native_hybrid


def test_requests_are_signed_as_amazon_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The signature is worked out once more from the description: docs.aws.amazon.com, "Create a signed AWS API request"."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    signer = Signer(Connection(aws_service="es", aws_region="eu-central-1"))
    found = signer.sign("POST", "https://books.example.com/_search?size=1", b"{}", {"content-type": "application/json"})
    time, digest = found["X-Amz-Date"], hashlib.sha256(b"{}").hexdigest()
    signed = "content-type;host;x-amz-content-sha256;x-amz-date"
    lines = [
        "POST", "/_search", "size=1", "content-type:application/json", "host:books.example.com",
        f"x-amz-content-sha256:{digest}", f"x-amz-date:{time}", "", signed, digest,
    ]  # fmt: skip
    scope = f"{time[:8]}/eu-central-1/es/aws4_request"
    asked = "\n".join(["AWS4-HMAC-SHA256", time, scope, hashlib.sha256("\n".join(lines).encode()).hexdigest()])
    key = b"AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    for part in (*scope.split("/"), asked):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    credential = f"Credential=AKIDEXAMPLE/{scope}, SignedHeaders={signed}, Signature={key.hex()}"
    assert found["Authorization"] == f"AWS4-HMAC-SHA256 {credential}"


def test_signing_without_credentials_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(ConfigError, match="AWS_REGION"):
        Signer(Connection(aws_service="es"))
    with pytest.raises(EngineUnreachable, match="AWS_ACCESS_KEY_ID"):
        Signer(Connection(aws_service="es", aws_region="eu-central-1"))


def test_settings_reach_the_connection(tmp_path: Path) -> None:
    (tmp_path / "searchctl.toml").write_text(
        'engine = "opensearchs://books"\n[connection]\nshards = 3\nquantisation = "int8"\nca_certs = "ours.pem"\n'
    )
    flags = {"connection.insecure": True, "connection.ca_certs": None}
    found = load_settings(flags, {"OPENSEARCH_USERNAME": "ann"}, tmp_path)
    assert found.connection.options == {"shards": 3, "quantisation": "int8"}
    assert (found.connection.username, found.connection.insecure) == ("ann", True)
    assert found.connection.ca_certs == str(tmp_path / "ours.pem")
    assert {one.origin for one in found.shown if one.key == "connection.insecure"} == {"--insecure"}
    typed = load_settings({"connection.ca_certs": "theirs.pem"}, {}, tmp_path)
    assert typed.connection.ca_certs == "theirs.pem"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('shards = "3"', "must be a whole number, found str"),
        ("shards = true", "must be a whole number, found bool"),
        ("replicas = -1", "'replicas' is -1"),
        ('quantisation = "int4"', "choose one of: none, fp16, int8, bbq"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "searchctl.toml").write_text(f"[connection]\n{line}\n")
    with pytest.raises(ConfigError, match=said):  # what an option may be, the server's engine knows
        open_engine("opensearch://books", load_settings({}, {}, tmp_path).connection)


MALFORMED = [
    "opensearch:/ann:planted@host",
    "opensearch//ann:planted@host",
    "https:ann:planted@host:9200",
    "ann:planted@host:9200",
    "opensearch://ann:planted",
    "opensearch://ann:planted@host:99999",
    "opensearch://ann:planted@ho st",
    "opensearch://ann:planted@[::1",
    "opensearch://ann:planted@",
]


@pytest.mark.parametrize("address", MALFORMED)
def test_a_malformed_address_is_refused_without_its_password(address: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load_settings({"engine": address}, {}, Path("/"))
    assert "planted" not in str(raised.value)
    assert "opensearch://HOST:9200" in str(raised.value)


@pytest.mark.parametrize("word", ["pl,anted", "pl anted", "pl#anted", "pl/anted", "pl:anted", "pl@nted"])
def test_a_password_may_have_any_sign(word: str) -> None:
    settings = load_settings({"engine": f"opensearch://ann:{word}@host:9200"}, {}, Path("/"))
    assert (settings.connection.hosts, settings.connection.password) == (("opensearch://host:9200",), word)
    assert word in settings.secrets


def test_what_may_be_a_password_is_known_before_an_address_is_understood() -> None:
    assert [passwords_in(address) for address in MALFORMED[:4]] == [
        ("ann:planted",),
        ("planted",),
        ("ann:planted",),
        ("planted",),
    ]
    assert passwords_in("folder") == ()


def test_paths_of_nobody_are_refused() -> None:
    with pytest.raises(UsageError, match="no user 'nosuchuser'"):
        user_path("~nosuchuser/index")
    with pytest.raises(UsageError, match="null character"):
        user_path("a\0b")
    assert user_path("a/b") == Path("a/b")
