"""The listener with TLS of its own, and behind proxies."""

import contextlib
import json
import os
import select
import shutil
import socket
import ssl
import subprocess

import pytest

from lib.agent import SECRET, standard_webhooks
from lib.registry import Authority
from lib.wait import wait_until

IMAGE = "ghcr.io/brian/site:1"


class Pair:
    """A certificate and its key at the agent's paths."""

    def __init__(self, directory):
        self.directory = str(directory)
        self.certificate, self.key = (os.path.join(self.directory, name) for name in ("tls.crt", "tls.key"))

    def put(self, authority):
        """Replaces the files like a tool: written beside, then renamed, one after the other."""
        for source, target in ((authority.certificate, self.certificate), (authority.key, self.key)):
            shutil.copy(source, target + ".new")
            os.rename(target + ".new", target)

    def settings(self):
        return {"certificate": self.certificate, "key": self.key}


@pytest.fixture
def pair(tmp_path):
    os.makedirs(tmp_path / "tls")
    return Pair(tmp_path / "tls")


@pytest.fixture
def other(tmp_path):
    return Authority(str(tmp_path / "other-ca"))


def over_tls(agent, ca):
    return TlsAgent(agent, ca)


class TlsAgent:
    """Requests to an agent over TLS, verified by one authority."""

    def __init__(self, agent, ca):
        self.port, self.context = agent.port, ssl.create_default_context(cafile=ca)

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        return self.context.wrap_socket(plain, server_hostname="127.0.0.1")

    def ask(self, data, connection=None):
        connection = connection or self.connect()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may be refused before its end
            connection.sendall(data)
        answer = b""
        while b"\r\n\r\n" not in answer or len(answer.split(b"\r\n\r\n", 1)[1]) < length_of(answer):
            part = connection.recv(65536)
            if not part:
                break
            answer += part
        return int(answer.split()[1]), answer

    def accepted(self):
        try:
            return self.ask(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")[0] == 200
        except ssl.SSLError:
            return False


def length_of(answer):
    for line in answer.split(b"\r\n\r\n", 1)[0].split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


def push(body=None, headers=b"", length=None):
    data = body if body is not None else json.dumps({"image": IMAGE}).encode()
    signed = "".join(f"{name}: {value}\r\n" for name, value in standard_webhooks(SECRET, data).items()).encode()
    return (b"POST /hooks/ci HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n" + signed + headers +
            b"Content-Length: %d\r\n\r\n" % (len(data) if length is None else length)) + data


@pytest.fixture
def agent(agent_of, authority, pair):
    pair.put(authority)
    agent = agent_of(settings={"tls": pair.settings()})
    agent.start(ready=False)
    wait_until(lambda: agent.alive() and '"agent.started"' in agent.log, 20, "it is started")
    return agent


def test_it_speaks_tls_and_nothing_else(agent, authority, other, tmp_path):
    secure = over_tls(agent, authority.ca)
    assert secure.ask(push())[0] == 202
    assert not over_tls(agent, other.ca).accepted()
    assert agent.raw(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", timeout=3).find(b"HTTP/1.1 200") < 0
    agent.raw(os.urandom(4000), timeout=2)
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(authority.ca)
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", agent.port), timeout=5) as plain:
        old.wrap_socket(plain, server_hostname="127.0.0.1")
    done = agent.run("push", IMAGE, "--url", agent.url.replace("http:", "https:"), "--sender", "ci", "--secret-file",
                     agent.secret_path, "--ca", authority.ca)
    assert done.returncode == 0, done
    done = subprocess.run(["curl", "-sS", "--cacert", authority.ca, agent.url.replace("http:", "https:") + "/healthz"],
                          capture_output=True, text=True, check=False)
    assert json.loads(done.stdout) == {"status": "ok"}, done


def test_what_is_refused_in_the_middle_of_a_body_is_seen_over_tls(agent, authority):
    secure = over_tls(agent, authority.ca)
    status, answer = secure.ask(push(body=b"x", length=2 * 1024 * 1024))
    assert status == 413, answer
    chunk = b"%x\r\n" % 65536 + b"x" * 65536 + b"\r\n"
    head = b"POST /hooks/ci HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    status, answer = secure.ask(head + chunk * 17)
    assert status == 413, answer
    status, answer = secure.ask(b"POST /hooks/ci HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nX: a\r\n b\r\n\r\n")
    assert status == 400, answer


def test_slow_handshakes_hold_up_nobody(agent, authority):
    slow = [socket.create_connection(("127.0.0.1", agent.port), timeout=5) for _ in range(200)]
    for one in slow:
        one.sendall(b"\x16\x03\x01")
    assert over_tls(agent, authority.ca).ask(push())[0] == 202
    for one in slow:
        one.close()


def test_mozillas_intermediate_profile(agent, authority):
    """Forward secrecy and authenticated encryption alone; X25519, P-256 and P-384."""
    check = os.path.join(os.path.dirname(__file__), "..", "check", "sslyze")
    if subprocess.run([check], stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False).returncode == 3:
        pytest.skip("sslyze is fetched once, from what the network has, and there is none")
    done = subprocess.run([check, authority.ca, f"127.0.0.1:{agent.port}"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_new_files_are_shown_to_new_connections(agent, authority, other, pair):
    first = over_tls(agent, authority.ca)
    kept = first.connect()
    assert first.ask(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", kept)[0] == 200
    pair.put(other)
    wait_until(over_tls(agent, other.ca).accepted, 5, "the new certificate is shown")
    assert first.ask(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", kept)[0] == 200, "who was connected goes on"
    assert not first.accepted()

    with open(pair.certificate, "w", encoding="ascii") as out:
        out.write("nonsense\n")
    wait_until(lambda: '"tls.refused"' in agent.log, 5, "it says that the new file is no certificate")
    assert over_tls(agent, other.ca).accepted(), "the one before is shown on"
    pair.put(authority)
    wait_until(first.accepted, 5, "the right pair is shown again")
    wait_until(lambda: agent.log.count('"tls.reloaded"') == 2, 5, "both times it says so")


def test_files_behind_links_as_kubernetes_exchanges_them(agent_of, authority, other, tmp_path):
    folder = tmp_path / "mounted"
    for number, one in ((1, authority), (2, other)):
        os.makedirs(folder / f"..{number}")
        shutil.copy(one.certificate, folder / f"..{number}" / "tls.crt")
        shutil.copy(one.key, folder / f"..{number}" / "tls.key")
    os.symlink("..1", folder / "..data")
    for name in ("tls.crt", "tls.key"):
        os.symlink("..data/" + name, folder / name)
    agent = agent_of(settings={"tls": {"certificate": str(folder / "tls.crt"), "key": str(folder / "tls.key")}})
    agent.start(ready=False)
    wait_until(lambda: over_tls(agent, authority.ca).accepted() if '"agent.started"' in agent.log else False, 20, "it serves")
    os.symlink("..2", folder / "..data_tmp")
    os.rename(folder / "..data_tmp", folder / "..data")
    wait_until(over_tls(agent, other.ca).accepted, 5, "the new certificate is shown")


def test_faulty_files_are_named(agent_of, authority, other, pair):
    pair.put(authority)
    agent = agent_of(settings={"tls": pair.settings()})
    shutil.copy(other.key, pair.key)
    done = agent.run("check", "-c", agent.config_path)
    assert done.returncode == 2 and "is not the key of" in done.stdout + done.stderr, done
    os.remove(pair.key)
    done = agent.run("check", "-c", agent.config_path)
    assert done.returncode == 2 and pair.key in done.stdout + done.stderr, done


def refused_peer(agent, forwarded):
    """Of a fresh agent: it tells a reason and address once a minute."""
    agent.start()
    lines = "".join(f"X-Forwarded-For: {one}\r\n" for one in forwarded)
    agent.raw(f"POST /hooks/ci HTTP/1.1\r\nHost: a\r\n{lines}Content-Length: 2\r\nConnection: close\r\n\r\n{{}}".encode())
    wait_until(lambda: agent.events("hook.refused"), 5, "the refusal is logged")
    peer = agent.events("hook.refused")[-1]["peer"]
    agent.stop()
    os.remove(agent.log_path)
    return peer


def test_whom_a_proxy_names(agent_of):
    agent = agent_of(settings={"trusted_proxies": ["127.0.0.1", "10.0.0.0/8", "fd00::/8"]})
    for forwarded, peer in [([], "127.0.0.1"),
                            (["192.0.2.7"], "192.0.2.7"),
                            (["198.51.100.9, 192.0.2.7"], "192.0.2.7"),
                            (["198.51.100.9, 10.1.2.3"], "198.51.100.9"),
                            (["2001:db8::1, fd00::5"], "2001:db8::1"),
                            (["198.51.100.9", "192.0.2.7"], "192.0.2.7"),
                            (["evil\"}, 192.0.2.7"], "192.0.2.7"),
                            (["192.0.2.7, not-an-address"], "127.0.0.1"),
                            ([", ,"], "127.0.0.1")]:
        assert refused_peer(agent, forwarded) == peer, forwarded


def test_nobody_else_is_believed(agent_of):
    agent = agent_of(settings={"trusted_proxies": ["10.0.0.0/8"]})
    assert refused_peer(agent, ["192.0.2.7"]) == "127.0.0.1"


def test_one_address_cannot_take_all_connections(agent_of):
    """Beyond its share its oldest connections make room; a proxy's connections are of many."""
    def held(agent, count):
        return [socket.create_connection(("127.0.0.1", agent.port), timeout=5) for _ in range(count)]

    def closed(connections):
        return sum(1 for one in connections if select.select([one], [], [], 0)[0])
    agent = agent_of(start=True)
    taken = held(agent, 600)
    wait_until(lambda: closed(taken) >= 600 - 512, 10, "the oldest have made room")
    assert closed(taken[:60]) == 60 and closed(taken[-60:]) == 0
    assert agent.get("/healthz", timeout=3).status == 200
    for one in taken:
        one.close()
    agent = agent_of(settings={"trusted_proxies": ["127.0.0.1"]}, start=True)
    taken = held(agent, 600)
    assert agent.get("/healthz", timeout=3).status == 200
    assert closed(taken) == 0
    for one in taken:
        one.close()
