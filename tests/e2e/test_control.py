"""The control API on TCP: as strict as the hooks' listener."""

import contextlib
import http.client
import socket

import pytest

from lib.wait import free_port, wait_until

TOKEN = "a-token-of-the-tests-of-32-bytes"


@pytest.fixture
def control(agent_of, tmp_path):
    """The port of an agent's control API on TCP."""
    path = tmp_path / "token"
    path.write_text(TOKEN)
    port = free_port()
    agent_of(settings={"control": f"127.0.0.1:{port}", "control_token": {"file": str(path)}}, start=True)
    return port


def ask(port, head, body=b"", timeout=10):
    """All bytes of the answer; the connection must be closed in time."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(head.encode() + body)
        parts = []
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def test_the_token_is_asked_before_the_body(control):
    answer = ask(control, "POST /v1/plan HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 60000\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 401 ")
    answer = ask(control, "POST /v1/plan HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer wrong\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 401 ")


def status(port, host, token=TOKEN):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", "/v1/updates", headers={"Host": host, "Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def served(port):
    try:
        return status(port, "127.0.0.1") == 200
    except (OSError, http.client.HTTPException):
        return False


def test_a_name_of_somebody_else_is_refused(control):
    for host in (f"127.0.0.1:{control}", "localhost", "landwaiter:9078", "[::1]:9078", "nas.lan", socket.gethostname()):
        assert status(control, host) == 200, host
    for host in ("evil.example", f"evil.example:{control}", "127.0.0.1.evil.example"):
        assert status(control, host) == 421, host


def test_framing_is_read_once(control):
    answer = ask(control, f"POST /v1/plan HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 4\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n", b"0\r\n\r\nGET /v1/updates HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ") and answer.count(b"HTTP/1.1 ") == 1


def test_strangers_cannot_hold_it(control):
    """More silent connections than there are places, and each drips a byte now and then."""
    held = []
    for _ in range(100):
        one = socket.create_connection(("127.0.0.1", control), timeout=10)
        with contextlib.suppress(OSError):  # it may have been let go of already
            one.sendall(b"G")
        held.append(one)
        if len(held) % 20 == 0:
            wait_until(lambda: served(control), 5, "a person is answered")
    for _ in range(3):
        for one in held:
            with contextlib.suppress(OSError):
                one.sendall(b"E")
        wait_until(lambda: served(control), 5, "a person is answered")
    for one in held:
        one.close()


def test_a_request_has_a_deadline(control):
    """However it drips."""
    def ended(one):
        try:
            one.sendall(b"a")
            return one.recv(1, socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True
    with socket.create_connection(("127.0.0.1", control), timeout=10) as one:
        one.sendall(b"GET /v1/updates HTTP/1.1\r\nHost: a\r\nX-Drip: ")
        wait_until(lambda: ended(one), 40, "it is closed")
