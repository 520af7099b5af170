"""How a request proves who it is from, and whom it trusts."""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from searchctl.errors import ConfigError, EngineUnreachable, MissingExtra
from searchctl.settings.connection import Connection
from searchctl.translation import _


def authorization(connection: Connection) -> dict[str, str]:
    """Return the Authorization header: an API key goes before a token, a token before user name and password."""
    if connection.aws_service:
        return {}
    if connection.api_key:
        key = connection.api_key
        pair = f"{connection.api_key_id}:{key}" if connection.api_key_id else key
        return {"authorization": f"ApiKey {_base64(pair) if ':' in pair else pair}"}
    if connection.bearer_token:
        return {"authorization": f"Bearer {connection.bearer_token}"}
    if connection.username is not None:
        return {"authorization": f"Basic {_base64(':'.join((connection.username, connection.password or '')))}"}
    return {}


def tls_context(connection: Connection) -> ssl.SSLContext:
    """Return what HTTPS is verified with: the given authorities, else the system's (SSL_CERT_FILE, SSL_CERT_DIR). Raises ConfigError."""
    try:
        authorities = connection.ca_certs
        folder = authorities if authorities and Path(authorities).is_dir() else None
        context = ssl.create_default_context(cafile=None if folder else authorities, capath=folder)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            _("can't read the certificates {ca_certs}: {value}").format(
                ca_certs=connection.ca_certs, value=error.strerror or error
            )
        ) from error
    if connection.client_cert:
        try:
            context.load_cert_chain(connection.client_cert, connection.client_key)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                _("can't read the client certificate {client_cert} and its key: {value}").format(
                    client_cert=connection.client_cert, value=error.strerror or error
                )
            ) from error
    if connection.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Signer:
    """Signs requests for AWS (Signature Version 4) with the credentials that AWS's own tools use."""

    def __init__(self, connection: Connection) -> None:
        try:
            from botocore.session import Session
        except ImportError as error:
            raise MissingExtra(_("signing for AWS"), "aws") from error
        session = Session()
        self._service = connection.aws_service
        self._region = connection.aws_region or session.get_config_variable("region")
        self._credentials: Any = session.get_credentials()
        if not self._region:
            raise ConfigError(_("no AWS region is set; set AWS_REGION, or aws_region under [connection]"))
        if self._credentials is None:
            raise EngineUnreachable(_("no AWS credentials are found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"))

    def sign(self, method: str, url: str, payload: bytes | None, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers with the signature added."""
        import hashlib

        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        digest = hashlib.sha256(payload or b"").hexdigest()
        request = AWSRequest(method, url, data=payload, headers={**headers, "X-Amz-Content-SHA256": digest})
        SigV4Auth(self._credentials.get_frozen_credentials(), self._service, self._region).add_auth(request)
        return dict(request.headers.items())


def _base64(text: str) -> str:
    return b64encode(text.encode("utf-8")).decode("ascii")
