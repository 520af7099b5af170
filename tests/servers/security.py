"""What a node with security switched on needs: a certificate authority, a certificate, a user with a password."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path

_ROUNDS = 10_000
ROLES = {
    "index-reader": ("rights-*", "searchctl-vectors-rights-*"),
    "alias-reader": ("shown-*", "searchctl-vectors-shown-*"),  # of indexes that are called otherwise
    "words-reader": ("rights-*", "shown-*"),  # not of the vectors beside them
}
READERS = {"ann": "North", "bob": "Acme"}  # who may read documents of one brand only, in OWNED indexes
OWNED = "owned-*"


@dataclass(frozen=True, slots=True)
class Security:
    """The user that a secured node knows, and the authority to verify it by (a PEM file).

    Each of `ROLES` and `READERS` is a user as well, with the same password, who may read what is called so and nothing else.
    """

    user: str
    password: str
    authority: Path


def secure(config: Path) -> tuple[Security, dict[str, str]]:
    """Write certificates and a superuser into an Elasticsearch configuration folder; return them and the settings to add."""
    import trustme

    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(str(config / "authority.pem"))
    certificate.private_key_pem.write_to_path(str(config / "server.key"))
    certificate.cert_chain_pems[0].write_to_path(str(config / "server.pem"))
    security = Security("searchctl", secrets.token_urlsafe(16), config / "authority.pem")
    users = {security.user: "superuser", **{role: role for role in (*ROLES, *READERS)}}
    hashed = _hash(security.password)
    (config / "users").write_text("".join(f"{user}:{hashed}\n" for user in users))
    (config / "users_roles").write_text("".join(f"{role}:{user}\n" for user, role in users.items()))
    (config / "roles.yml").write_text("".join([*map(_role, ROLES), *map(_reader, READERS)]))
    return security, {
        "xpack.security.enabled": "true",
        "xpack.security.enrollment.enabled": "false",
        "xpack.security.http.ssl.enabled": "true",
        "xpack.security.http.ssl.key": "server.key",
        "xpack.security.http.ssl.certificate": "server.pem",
        "xpack.security.http.ssl.certificate_authorities": "authority.pem",
        "xpack.security.http.ssl.client_authentication": "optional",
    }


def _role(name: str) -> str:
    """Return a role that may read and describe some indexes: no right on the cluster, as security teams hand them out."""
    names = ", ".join(f"'{pattern}'" for pattern in ROLES[name])
    return f"{name}:\n  indices:\n    - names: [{names}]\n      privileges: [read, view_index_metadata]\n"


def _reader(name: str) -> str:
    """Return a role with document-level rights, which count under a node's trial licence."""
    query = f'{{"term": {{"brand.keyword": "{READERS[name]}"}}}}'
    rights = f"names: ['{OWNED}'], privileges: [read, view_index_metadata], query: '{query}'"
    return f"{name}:\n  indices:\n    - {{{rights}}}\n"


def _hash(password: str) -> str:
    """Return the password in the form that Elasticsearch's file realm reads: PBKDF2 with SHA-512."""
    salt = secrets.token_bytes(32)
    derived = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS, 32)
    return f"{{PBKDF2}}{_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(derived).decode()}"
