"""All formats at once: 64 connections of right and hostile requests, side by side. LOAD_SECONDS: for how long (10):

    LOAD_SECONDS=60 tests/run e2e tests/e2e/test_load.py
    LOAD_SECONDS=60 LANDWAITER_BIN=$PWD/build-tsan/landwaiter tests/run e2e tests/e2e/test_load.py
"""

import http.client
import json
import os
import random
import socket
import sqlite3
import threading
import time

from lib.agent import SECRET, standard_webhooks
from lib.samples import CLOCK, samples

SECONDS = float(os.environ.get("LOAD_SECONDS", "10"))
CONNECTIONS = 64
SEED = int(os.environ.get("LOAD_SEED", "1"))
MEMORY_MAX = 300 << 20  # more than it may ever need, a sanitizer's own included
NATIVE = {"name": "ci", "format": "native", "images": ["ghcr.io/brian/*"], "rate": "1000000/s", "quota": "1TiB"}


class Client(threading.Thread):
    """One connection after the other; `accepted` has the ids that were answered 202, `wrong` the forbidden answers."""

    def __init__(self, agent, number, until, ready):
        super().__init__(daemon=True)
        self.agent, self.number, self.until, self.ready = agent, number, until, ready
        self.random = random.Random(SEED * 1000 + number)
        self.accepted, self.wrong, self.asked, self.serial = [], [], 0, 0
        self.connection = None

    def run(self):
        kinds = [self.native] * 4 + [self.sample, self.changed, self.garbage, self.announced, self.malformed, self.slow]
        while time.monotonic() < self.until:
            self.random.choice(kinds)()

    def ask(self, method, path, body, headers):
        self.asked += 1
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.agent.port, timeout=60)
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
            data = answer.read()
            if answer.will_close:
                self.connection = None
            return answer.status, data
        except (OSError, http.client.HTTPException):
            self.connection = None
            return None, b""

    def native(self):
        self.serial += 1
        body = json.dumps({"image": f"ghcr.io/brian/site:{self.serial}", "meta": {"client": self.number}}).encode()
        signed = standard_webhooks(SECRET, body, f"msg_{self.number}_{self.serial}", self.agent.now())
        status, data = self.ask("POST", "/hooks/ci", body, {"Content-Type": "application/json", **signed})
        if status == 202:
            self.accepted.append(json.loads(data)["id"])
        elif status is not None and status != 503:
            self.wrong.append((status, data))

    def sample(self):
        one = self.random.choice(self.ready)
        status, data = self.ask("POST", one.path, one.body, one.headers)
        right = {400} if one.expect == "reject" else {200, 202, 503}
        if status == 202:
            self.accepted.append(json.loads(data)["id"])
        if status is not None and status not in right:
            self.wrong.append((one.id, status, data))

    def changed(self):
        """Changes one byte: the request is refused somehow, or is another right one. (A token is good for one
        statement: after another one it could not make the right one.)"""
        one = self.random.choice([one for one in self.ready if one.kind != "oidc-bearer"])
        body = bytearray(one.body)
        body[self.random.randrange(len(body))] ^= 1 << self.random.randrange(8)
        status, data = self.ask("POST", one.path, bytes(body), one.headers)
        if status == 202:
            self.accepted.append(json.loads(data)["id"])
        elif status is not None and status not in (200, 400, 401, 403, 503):
            self.wrong.append((one.id, status, data))

    def raw(self, data):
        try:
            with socket.create_connection(("127.0.0.1", self.agent.port), timeout=5) as plain:
                plain.sendall(data)
                plain.settimeout(1)
                return plain.recv(4096)
        except OSError:
            return b""

    def garbage(self):
        answer = self.raw(self.random.randbytes(self.random.randrange(1, 3000)))
        if b" 200 " in answer[:20] or b" 202 " in answer[:20]:
            self.wrong.append(("garbage", answer))

    def announced(self):
        answer = self.raw(b"POST /hooks/ci HTTP/1.1\r\nHost: a\r\nContent-Length: 2147483648\r\n\r\n{")
        if answer and b" 413 " not in answer[:20]:
            self.wrong.append(("announced", answer))

    def malformed(self):
        body = self.random.choice((b"[" * 5000, b'{"image":1}', b"\xff\xfe", b'{"image":"' + b"a" * 9000 + b'"}', b""))
        signed = standard_webhooks(SECRET, body, f"bad_{self.number}_{self.asked}", self.agent.now())
        status, data = self.ask("POST", "/hooks/ci", body, {"Content-Type": "application/json", **signed})
        if status is not None and status not in (400, 411, 503):
            self.wrong.append(("malformed", body[:20], status, data))

    def slow(self):
        self.raw(b"POST /hooks/ci HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")


def test_all_formats_at_once(agent_of, tmp_path):
    ready = samples()
    agent = agent_of(clock=CLOCK, settings={"log": {"level": "warning", "format": "json"}})
    agent.environment["ASAN_OPTIONS"] = "exitcode=97:detect_stack_use_after_return=0:quarantine_size_mb=16"
    agent.settings["senders"] = [one.sender(str(tmp_path)) for one in ready] + [
        {**NATIVE, "auth": {"standard_webhooks": {"secret": {"file": agent.secret_path}}}}]
    agent.configure()
    agent.start()
    until = time.monotonic() + SECONDS
    clients = [Client(agent, number, until, ready) for number in range(CONNECTIONS)]
    for one in clients:
        one.start()
    most = 0
    while any(one.is_alive() for one in clients):
        agent.alive()
        most = max(most, agent.memory())
        clients[0].join(0.5)
        assert time.monotonic() < until + 90, "a client hangs"
    wrong = [answer for one in clients for answer in one.wrong]
    accepted = [push for one in clients for push in one.accepted]
    print(f"{sum(one.asked for one in clients)} requests, {len(accepted)} accepted, at most {most >> 20} MiB")
    assert not wrong, wrong[:5]
    assert agent.get("/healthz").status == 200
    agent.stop(deadline=30)
    with sqlite3.connect(f"file:{agent.state}/landwaiter.db?mode=ro", uri=True) as database:
        stored = database.execute("SELECT count(*) FROM pushes WHERE lead = id").fetchone()[0]
        keyed = database.execute("SELECT count(*), count(DISTINCT key) FROM pushes WHERE key IS NOT NULL").fetchone()
    assert len(set(accepted)) == len(accepted) > 100, "each answer names a push of its own"
    # Pushes whose answer was lost with their connection may be stored, too; no answered one is missing.
    assert stored >= len(accepted)
    assert keyed[0] == keyed[1]
    with sqlite3.connect(f"file:{agent.state}/landwaiter.db?mode=ro", uri=True) as database:
        numbers = {row[0] for row in database.execute("SELECT id FROM pushes")}
    assert not [push for push in accepted if number_of(push) not in numbers]
    assert most < MEMORY_MAX


def number_of(push):
    """The number in an id: Crockford's base 32."""
    value = 0
    for character in push.removeprefix("psh_"):
        value = value * 32 + "0123456789abcdefghjkmnpqrstvwxyz".index(character)
    return value
