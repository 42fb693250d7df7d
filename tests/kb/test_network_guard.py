"""Tests meet no network but loopback."""

import socket
import warnings

import pytest
from pytest_socket import SocketConnectBlockedError


def test_only_loopback_is_reachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), timeout=5):
        pass
    with warnings.catch_warnings(), socket.socket() as client, pytest.raises(SocketConnectBlockedError):
        warnings.simplefilter("ignore")  # pytest-socket warns as well as raises
        client.connect(("192.0.2.1", 443))
