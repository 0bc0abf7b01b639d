"""Hostile input at the listener: answered as documented, others served meanwhile, memory bounded."""

import os
import select
import socket
import threading
import time

import pytest

from lib.agent import SECRET
from lib.sign import standard_webhooks
from lib.wait import wait_until

MIB = 1024 * 1024
BODY = b'{"image": "ghcr.io/brian/site:1"}'
HEAD = b"POST /hooks/ci HTTP/1.1\r\nHost: agent\r\nContent-Type: application/json\r\n"
# The sanitizer keeps freed memory, by default 256 MiB: that would hide the agent's own use.
FRUGAL = {"ASAN_OPTIONS": "exitcode=97:detect_stack_use_after_return=0:quarantine_size_mb=1"}


@pytest.fixture
def hooks(agent_of):
    return agent_of(engine=None, start=True, settings={"platforms": {}}, environment=FRUGAL)


def still_serves(agent):
    """The agent still accepts a push, and soon."""
    begun = time.monotonic()
    agent.accepted("ghcr.io/brian/site:1")
    assert time.monotonic() - begun < 5


def connect(agent):
    return socket.create_connection(("127.0.0.1", agent.port), timeout=20)


def status_of(data):
    """The statuses of all answers in these bytes."""
    return [int(part[:3]) for part in data.split(b"HTTP/1.1 ")[1:]]


# Requests that two programs could read in two ways, and bytes that are no HTTP at all.
SIGNED = "".join(f"{name}: {value}\r\n" for name, value in standard_webhooks(SECRET, BODY).items()).encode()
SMUGGLED = BODY + b"GET /healthz HTTP/1.1\r\nHost: agent\r\n\r\n"
FAULTS = {
    "two equal lengths": HEAD + SIGNED + b"Content-Length: 33\r\nContent-Length: 33\r\n\r\n" + SMUGGLED,
    "two lengths": HEAD + SIGNED + b"Content-Length: 33\r\nContent-Length: 5\r\n\r\n" + SMUGGLED,
    "a list of lengths": HEAD + SIGNED + b"Content-Length: 33, 33\r\n\r\n" + SMUGGLED,
    "length and chunked": HEAD + SIGNED + b"Content-Length: 33\r\nTransfer-Encoding: chunked\r\n\r\n"
                          b"21\r\n" + BODY + b"\r\n0\r\n\r\n",
    "chunked and length": HEAD + SIGNED + b"Transfer-Encoding: chunked\r\nContent-Length: 33\r\n\r\n"
                          b"21\r\n" + BODY + b"\r\n0\r\n\r\n",
    "chunked twice": HEAD + SIGNED + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "another coding": HEAD + SIGNED + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a coding with a tab": HEAD + SIGNED + b"Transfer-Encoding:\tchunked, identity\r\n\r\n0\r\n\r\n",
    "a negative length": HEAD + SIGNED + b"Content-Length: -1\r\n\r\n" + SMUGGLED,
    "a length with a sign": HEAD + SIGNED + b"Content-Length: +33\r\n\r\n" + SMUGGLED,
    "a length in hexadecimal": HEAD + SIGNED + b"Content-Length: 0x21\r\n\r\n" + SMUGGLED,
    "an endless length": HEAD + SIGNED + b"Content-Length: 99999999999999999999999\r\n\r\n" + SMUGGLED,
    "a space before the colon": HEAD + SIGNED + b"Content-Length : 33\r\n\r\n" + SMUGGLED,
    "a folded header": HEAD + SIGNED + b"X-A: b\r\n c\r\nContent-Length: 33\r\n\r\n" + SMUGGLED,
    "two hosts": HEAD + SIGNED + b"Host: other\r\nContent-Length: 33\r\n\r\n" + SMUGGLED,
    "two signatures": HEAD + SIGNED + SIGNED + b"Content-Length: 33\r\n\r\n" + SMUGGLED,
    "no host": b"POST /hooks/ci HTTP/1.1\r\n" + SIGNED + b"Content-Length: 33\r\n\r\n" + SMUGGLED,
    "a zero byte": HEAD + SIGNED + b"X-A: b\0c\r\nContent-Length: 33\r\n\r\n" + SMUGGLED,
    "a bad chunk size": HEAD + SIGNED + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + BODY + b"\r\n0\r\n\r\n",
    "an endless chunk size": HEAD + SIGNED + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n" + BODY,
    "a body for a GET": b"GET /healthz HTTP/1.1\r\nHost: agent\r\nContent-Length: 5\r\n\r\nhello",
    "another protocol": b"SSH-2.0-OpenSSH_9.2p1\r\n",
    "an endless request line": b"GET /" + b"a" * 100_000,
}
# Bytes that never become a request: the sender leaves first.
GARBAGE = [b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(range(160)), bytes(4096), bytes(range(256)) * 16,
           b"\r\n" * 20_000, b"", b"P", b"POST /hooks/ci HTTP/1.1\r\nHo",
           HEAD + b"Content-Length: 33\r\n\r\n" + BODY[:9]]


@pytest.mark.parametrize("what", FAULTS)
def test_what_is_no_clear_http_is_refused_and_the_connection_closed(hooks, what):
    with connect(hooks) as connection:
        try:
            connection.sendall(FAULTS[what])
        except OSError:
            pass  # it was refused before its end
        said = received(connection)
    # A libmicrohttpd that refuses a length by itself, such as Debian's, writes its header twice.
    statuses = set(status_of(said))
    assert len(statuses) <= 1 and all(400 <= status < 500 for status in statuses), said
    assert b'"ok"' not in said, "what came after it was not read"
    assert hooks.json("pushes") == []
    still_serves(hooks)


def received(connection):
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def test_garbage_on_the_socket_holds_up_nobody(hooks):
    before = hooks.memory()
    for i in range(200):
        with connect(hooks) as connection:
            try:
                connection.sendall(GARBAGE[i % len(GARBAGE)])
            except OSError:
                pass
    still_serves(hooks)
    assert hooks.json("pushes")[1:] == []
    assert hooks.memory() - before < 8 * MIB


def test_two_gibibytes_announced_are_refused_at_once(hooks):
    before = hooks.memory()
    begun = time.monotonic()
    for _ in range(50):
        with connect(hooks) as connection:
            connection.sendall(HEAD + SIGNED + b"Content-Length: 2147483648\r\n\r\n")
            said = received(connection)
            assert said.startswith(b"HTTP/1.1 413 ") and b"1 MiB" in said, said
    with connect(hooks) as connection:
        connection.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 2147483648\r\n\r\n")
        assert status_of(received(connection)) == [413], "nobody is asked to go on"
    assert time.monotonic() - begun < 10
    assert hooks.memory() - before < 8 * MIB


def test_an_endless_chunked_body_is_cut_off_at_the_limit(hooks):
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with connect(hooks) as connection:
        connection.sendall(HEAD + SIGNED + b"Transfer-Encoding: chunked\r\n\r\n")
        sent = 0
        try:
            while sent < 64 * MIB:
                connection.sendall(chunk)
                sent += 65536
        except OSError:
            pass
        assert sent < 16 * MIB, "the connection was closed soon"
    still_serves(hooks)


def test_bodies_that_are_never_finished_take_a_bounded_memory(hooks):
    """100 senders that each hold back nearly a MiB: more than the agent lends to all of them together."""
    before = hooks.memory()
    body = b"x" * (MIB - 1)
    held = [connect(hooks) for _ in range(100)]
    refused = 0
    for connection in held:
        try:
            connection.sendall(HEAD + SIGNED + b"Content-Length: %d\r\n\r\n" % MIB + body)
        except OSError:
            refused += 1
    assert hooks.get("/healthz").status == 200
    wait_until(lambda: sum(1 for one in held if readable(one)) >= 50, 15, "the rest is refused")
    assert hooks.memory() - before < 80 * MIB
    still_serves(hooks)
    said = [received(one) for one in held if readable(one)]
    assert any(one.startswith(b"HTTP/1.1 503 ") and b"Retry-After" in one for one in said), said[:3]
    for connection in held:
        connection.close()
    still_serves(hooks)


def readable(connection):
    return bool(select.select([connection], [], [], 0)[0])


class Drip(threading.Thread):
    """Many connections, each sending one byte a second until it is closed."""

    def __init__(self, agent, count):
        super().__init__(daemon=True)
        self.poll, self.over = select.poll(), False
        self.open, self.began, self.ended, self.answers = {}, {}, [], []
        for i in range(2 * count):
            connection = connect(agent)
            # Half of them are slow with the header, half with the body.
            head = HEAD + (SIGNED + b"Content-Length: 1000\r\n\r\n" if i % 2 else b"X-Slow: ")
            connection.sendall(head)
            self.open[connection.fileno()] = connection
            self.began[connection.fileno()] = time.monotonic()
            self.poll.register(connection, select.POLLIN)
        self.begun = time.monotonic()

    def run(self):
        due = self.begun
        while self.open and not self.over:
            for fd, _ in self.poll.poll(200):
                self.read(fd)
            if time.monotonic() >= due:
                due += 1
                self.drip()

    def drip(self):
        for connection in list(self.open.values()):
            try:
                connection.send(b"a")
            except OSError:
                self.close(connection.fileno())

    def read(self, fd):
        try:
            data = self.open[fd].recv(4096)
        except OSError:
            data = b""
        if data:
            self.answers.append(data)
        else:
            self.close(fd)

    def close(self, fd):
        self.poll.unregister(fd)
        self.open.pop(fd).close()
        self.ended.append(time.monotonic() - self.began[fd])


def test_slow_senders_hold_up_nobody_and_are_closed(hooks):
    before = hooks.memory()
    slow = Drip(hooks, 200)
    slow.start()
    try:
        took = []
        most = 0
        while len(slow.open) == 400 and time.monotonic() - slow.begun < 3.5:
            begun = time.monotonic()
            hooks.accepted("ghcr.io/brian/site:1")
            took.append(time.monotonic() - begun)
            most = max(most, hooks.memory())
        assert len(slow.open) == 400, "nobody was closed before the limit"
        took.sort()
        print("served", len(took), "p99", took[len(took) * 99 // 100], "growth", (most - before) / MIB, "MiB")
        assert len(took) >= 20 and took[len(took) * 99 // 100] < 2
        assert most - before < 32 * MIB
        wait_until(lambda: not slow.open, 30, "all of them are closed", every=0.2)
        assert all(4 <= one <= 20 for one in slow.ended), (min(slow.ended), max(slow.ended))
    finally:
        slow.over = True
        slow.join(10)
    still_serves(hooks)
    assert len(os.listdir(f"/proc/{hooks.pid}/fd")) < 64


def test_more_connections_than_it_takes(hooks):
    """At most 512 from one address: the oldest make room, and new ones are served."""
    held = []
    try:
        for _ in range(600):
            try:
                held.append(connect(hooks))
            except OSError:
                break
        wait_until(lambda: sum(map(readable, held)) >= 50, 10, "the oldest are closed")
        still_serves(hooks)
    finally:
        for one in held:
            one.close()
    wait_until(lambda: try_health(hooks) == 200, 10, "it serves again")
    still_serves(hooks)


def exchange(agent, data):
    """Everything that it answers to these bytes until it closes the connection, or for three seconds."""
    with connect(agent) as one:
        one.settimeout(3)
        one.sendall(data)
        answer = b""
        try:
            while part := one.recv(65536):
                answer += part
        except TimeoutError:
            pass
        return answer


# Answers that were others once: bytes, and the status.
SMALL = {
    "a zero byte behind the path": (b"POST /hooks/ci%00 HTTP/1.1\r\nHost: a\r\n" + SIGNED +
                                    b"Content-Length: 33\r\n\r\n" + BODY, 401),
    "a body of 10^18 bytes": (HEAD + SIGNED + b"Content-Length: 1000000000000000000\r\n\r\n{", 413),
    "a header of 16 kB": (HEAD + SIGNED + b"X: " + b"x" * 16384 + b"\r\n\r\n", 431),
    "a bare LF behind a chunk's size": (HEAD + SIGNED + b"Transfer-Encoding: chunked\r\n\r\n21\n" + BODY +
                                        b"\r\n0\r\n\r\n", 400),
    "a whole address": (b"POST http://agent/hooks/ci HTTP/1.1\r\nHost: a\r\n" + SIGNED + b"Content-Length: 33\r\n\r\n" +
                        BODY, 202),
}


@pytest.mark.parametrize("name", SMALL)
def test_small_faults(hooks, name):
    data, status = SMALL[name]
    head = exchange(hooks, data).partition(b"\r\n\r\n")[0]
    assert status_of(head) == [status], head
    names = [line.partition(b":")[0].lower() for line in head.split(b"\r\n")[1:]]
    assert len(names) == len(set(names)), head


def try_health(agent):
    try:
        return agent.get("/healthz", timeout=3).status
    except OSError:
        return None
