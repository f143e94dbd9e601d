import socket
from contextlib import ExitStack, closing

import pytest

from deepmed.app.serving import _listen, loopback_addresses
from deepmed.kit.errors import ConfigurationError


@pytest.mark.req("S-1.2")
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])  # noqa: S104 - refused
def test_an_address_that_others_reach_is_refused(host: str) -> None:
    with pytest.raises(ConfigurationError, match="accounts") as refusal:
        loopback_addresses(host)
    assert "ssh -L" in refusal.value.message


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("127.0.0.1", ["127.0.0.1", "::1"]),
        ("localhost", ["127.0.0.1", "::1"]),
        ("::1", ["::1"]),
        ("127.0.0.2", ["127.0.0.2"]),
    ],
)
def test_this_machines_own_addresses_are_taken(host: str, addresses: list[str]) -> None:
    assert loopback_addresses(host) == addresses


def test_a_taken_port_is_told_with_the_option_that_changes_it() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other, ExitStack() as stack:
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"Port {port} of 127.0.0.1.*--ws-port"):
            _listen(stack, ["127.0.0.1"], port, "--ws-port")


def test_both_families_have_the_same_port_and_send_without_delay() -> None:
    with ExitStack() as stack:
        found = _listen(stack, ["127.0.0.1", "::1"], 0, "--port")
        assert len({listener.getsockname()[1] for listener in found}) == 1
        assert {listener.proto for listener in found} == {socket.IPPROTO_TCP}
