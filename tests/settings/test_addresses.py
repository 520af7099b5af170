"""Addresses to listen on, and which of them other machines can reach."""

from __future__ import annotations

import pytest

from searchctl.errors import UsageError
from searchctl.settings.addresses import address, is_loopback, loopback_address


def test_hosts_and_ports_are_read() -> None:
    assert address("127.0.0.1:9201") == ("127.0.0.1", 9201)
    assert address(":9201") == ("127.0.0.1", 9201)
    assert address("[::1]:80") == ("::1", 80)
    assert address("0.0.0.0:65535") == ("0.0.0.0", 65535)
    assert address("localhost:0", any_port=True) == ("localhost", 0)


@pytest.mark.parametrize("listen", ["9201", "localhost", "a:b", "::1:80", "h:99999", "h:0", "h:-1", "h:²", ""])
def test_what_is_no_address_is_refused(listen: str) -> None:
    with pytest.raises(UsageError, match="--listen"):
        address(listen)


def test_only_this_machine_reaches_a_loopback_address() -> None:
    assert is_loopback("127.8.0.1") and is_loopback("localhost") and is_loopback("[::1]")
    assert loopback_address("localhost:1") == ("localhost", 1)
    with pytest.raises(UsageError, match="no tokens; listen on 127.0.0.1:80"):
        loopback_address("0.0.0.0:80")
