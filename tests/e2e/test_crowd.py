"""Many hostile connections beside good senders: at the listener itself, and behind real reverse proxies."""

import contextlib
import http.client
import json
import os
import re
import select
import shutil
import socket
import time

import pytest

from lib.agent import SECRET
from lib.crowd import Crowd, Front
from lib.sign import standard_webhooks
from lib.wait import free_port, stays, wait_until

IMAGE = "ghcr.io/brian/site:1"
ATTACKERS = ["127.0.0.2", "127.0.0.3"]
SIGNED = "".join(f"{name}: {value}\r\n" for name, value in standard_webhooks(SECRET, b"{}").items())
SLOW = (f"POST /hooks/ci HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{SIGNED}"
        "Content-Length: 1000000\r\n\r\n{").encode()
FRUGAL = {"ASAN_OPTIONS": "exitcode=97:detect_stack_use_after_return=0:quarantine_size_mb=1"}
INSTALL = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "install.md")


@pytest.fixture
def hooks_of(agent_of):
    """hooks_of(member=…): an agent that only accepts pushes, begun with a soft limit of 1,024 open files."""
    def make(**settings):
        agent = agent_of(engine=None, settings={"platforms": {}, **settings}, environment=FRUGAL)
        agent.wrapper = ["sh", "-c", 'ulimit -Sn 1024; exec "$@"', "-"]
        return agent.start()
    return make


def deliver(port, size=0):
    """Sends one good hook on a connection of its own; returns status and seconds. None: no answer."""
    body = json.dumps({"image": IMAGE, "meta": {"run": time.monotonic_ns()}}).encode() + b" " * size
    begun = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", "/hooks/ci", body, {"Content-Type": "application/json",
                                                       **standard_webhooks(SECRET, body)})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        status = repr(error)
    finally:
        connection.close()
    return status, time.monotonic() - begun


def good_within_a_second(port, count=100, size=0):
    """How many of so many good hooks, one after the other; ends early when more than one in 20 fails."""
    results, good = [], 0
    while len(results) < count and len(results) - good <= count // 20:
        results.append(deliver(port, size))
        good += 1 if results[-1][0] == 202 and results[-1][1] <= 1 else 0
    print("good", good, "of", count, "slowest", max(took for _, took in results),
          "others", [one for one in results if one[0] != 202][:5])
    return good


def block(language, first):
    """The block of docs/install.md that begins with that line."""
    with open(INSTALL, encoding="utf-8") as text:
        found = re.search(rf"```{language}\n({re.escape(first)}.*?)```", text.read(), re.DOTALL)
    assert found, first
    return found.group(1)


def caddy(agent, directory):
    port = free_port()
    site = block("caddyfile", "deploy.example.net").replace("deploy.example.net", f"http://127.0.0.1:{port}")
    path = os.path.join(directory, "Caddyfile")
    with open(path, "w", encoding="utf-8") as out:
        out.write("{\n\tadmin off\n\tauto_https off\n}\n" + site.replace("127.0.0.1:9077", f"127.0.0.1:{agent.port}"))
    return Front(["env", f"HOME={directory}", f"XDG_DATA_HOME={directory}", f"XDG_CONFIG_HOME={directory}", "caddy", "run",
                  "--adapter", "caddyfile", "--config", path], port, os.path.join(directory, "caddy.log"))


def nginx(agent, directory):
    port = free_port()
    server = block("nginx", "server {").replace("listen 443 ssl", f"listen 127.0.0.1:{port}")
    server = re.sub(r"^ *ssl_.*\n", "", server, flags=re.MULTILINE)
    places = "".join(f"{one}_temp_path {directory}/{one};\n" for one in
                     ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    path = os.path.join(directory, "nginx.conf")
    with open(path, "w", encoding="utf-8") as out:
        out.write(f"daemon off;\nmaster_process off;\npid {directory}/nginx.pid;\nerror_log stderr;\n"
                  "worker_rlimit_nofile 8192;\nevents { worker_connections 8000; }\nhttp {\naccess_log off;\n"
                  + places + server.replace("127.0.0.1:9077", f"127.0.0.1:{agent.port}") + "}\n")
    command = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    return Front([command, "-c", path, "-e", "stderr"], port, os.path.join(directory, "nginx.log"))


FRONTS = {"caddy": caddy, "nginx": nginx}


@contextlib.contextmanager
def front(name, hooks_of, directory):
    """The agent, and the port at which its callers arrive."""
    if name == "none":
        agent = hooks_of()
        yield agent, agent.port
        return
    agent = hooks_of(trusted_proxies=["127.0.0.1"])
    with FRONTS[name](agent, str(directory)) as proxy:
        yield agent, proxy.port
        agent.alive()


@pytest.mark.parametrize("name", ["none", "caddy", "nginx"])
def test_silent_and_slow_connections_hold_up_nobody(name, hooks_of, tmp_path):
    with front(name, hooks_of, tmp_path) as (agent, port):
        assert deliver(port)[0] == 202
        with Crowd(port, {"silent": 2300, "slow": 200}, ATTACKERS, SLOW):
            assert good_within_a_second(port) >= 95
        agent.alive()
        assert len(os.listdir(f"/proc/{agent.pid}/fd")) < 1500


@pytest.mark.parametrize("name", ["none", "caddy"])
def test_slow_bodies_alone_hold_up_nobody(name, hooks_of, tmp_path):
    """At a pace that leaves the proxy some of the processors, which the crowd has as well."""
    with front(name, hooks_of, tmp_path) as (_, port), \
            Crowd(port, {"slow": 2200}, ATTACKERS[:1], SLOW, 2200, pace=300):
        assert good_within_a_second(port) >= 95


@pytest.mark.parametrize("name", ["none", "caddy"])
def test_large_bodies_take_nobody_elses_memory(name, hooks_of, tmp_path):
    """40 connections at 0.9 MB/s in all."""
    with front(name, hooks_of, tmp_path) as (agent, port), Crowd(port, {"slow": 40}, ATTACKERS[:1], SLOW, 900_000):
        assert good_within_a_second(port, 60, 3000) >= 57
        wait_until(lambda: agent.events("hook.refused"), 60, "bodies had to go")
        assert good_within_a_second(port, 60, 3000) >= 57
        assert good_within_a_second(port, 20, 100_000) >= 19


def test_a_good_sender_at_the_same_address_comes_through_as_well(hooks_of):
    agent = hooks_of()
    with Crowd(agent.port, {"silent": 1000, "slow": 100}, ["127.0.0.1"], SLOW, 2_000_000):
        assert good_within_a_second(agent.port, 100, 3000) >= 95


def closed_after(agent, data, drip=b""):
    """Seconds until the agent closes a connection that sent this, and `drip` again and again; and its answer."""
    with socket.create_connection(("127.0.0.1", agent.port), timeout=60) as one:
        begun, answer = time.monotonic(), b""
        one.sendall(data)
        one.settimeout(0.5)
        while time.monotonic() - begun < 60:
            try:
                part = one.recv(4096)
                if not part:
                    break
                answer += part
            except TimeoutError:
                with contextlib.suppress(OSError):
                    one.send(drip)
            except OSError:
                break
        return time.monotonic() - begun, answer


def test_deadlines_are_short_for_those_who_proved_nothing(hooks_of):
    agent = hooks_of()
    assert 9 <= closed_after(agent, b"")[0] <= 14
    assert 9 <= closed_after(agent, b"GET /healthz HTTP/1.1\r\nX: ", b"a")[0] <= 14
    took, answer = closed_after(agent, SLOW, b" ")
    assert 4.5 <= took <= 9 and answer.startswith(b"HTTP/1.1 408 "), (took, answer)
    # A body at 4 KiB/s is taken, although it comes for longer than the header may.
    body = json.dumps({"image": IMAGE}).encode() + b" " * 50_000
    head = "".join(f"{name}: {value}\r\n" for name, value in standard_webhooks(SECRET, body).items())
    with socket.create_connection(("127.0.0.1", agent.port), timeout=20) as one:
        one.sendall(f"POST /hooks/ci HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{head}"
                    f"Content-Length: {len(body)}\r\n\r\n".encode())
        parts = [body[i:i + 2048] for i in range(0, len(body), 2048)]
        one.settimeout(0.5)
        for part in parts:
            one.sendall(part)
            with contextlib.suppress(TimeoutError):
                assert part is parts[-1], one.recv(4096)
        one.settimeout(20)
        assert one.recv(4096).startswith(b"HTTP/1.1 202 ")


TOKENS = {"ci": "a-bearer-token-of-ci-0123456789abcdef", "other": "a-bearer-token-of-other-0123456789ab"}


def ask(agent, sender, push, wait):
    """A connection that asks for a push of that sender, and waits for its end."""
    one = socket.create_connection(("127.0.0.1", agent.port), timeout=20)
    one.sendall(f"GET /v1/pushes/{push}?wait={wait} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKENS[sender]}\r\n\r\n"
                .encode())
    return one


def answered(connections):
    return sum(1 for one in connections if select.select([one], [], [], 0)[0])


def test_one_senders_waits_leave_room_for_anothers(engine, agent_of, registry, images, repository, tmp_path):
    senders = []
    for name, token in TOKENS.items():
        (tmp_path / name).write_text(token + "\n")
        os.chmod(tmp_path / name, 0o600)
        senders.append({"name": name, "images": ["**"], "auth": {"bearer": {"secret": {"file": str(tmp_path / name)}}}})
    agent = agent_of([registry], environment=FRUGAL,
                     settings={"senders": senders, "defaults": {"approval": "required"}})
    pushes, tags = {}, {}
    for name in TOKENS:
        tags[name] = images.name(repository, name)
        images.make(repository, name, "old")
        engine.run("app-" + name, tags[name], labels={"landwaiter.enable": "true"})
        images.make(repository, name, "new")
    agent.start()
    for name, token in TOKENS.items():
        answer = agent.request("POST", "/hooks/" + name, json.dumps({"image": tags[name]}).encode(),
                               {"Content-Type": "application/json", "Authorization": "Bearer " + token})
        assert answer.status == 202, answer
        pushes[name] = answer.json["id"]
    greedy = [ask(agent, "ci", pushes["ci"], 60) for _ in range(256)]
    stays(lambda: answered(greedy) == 0, 1, "all of them wait")
    others = [ask(agent, "other", pushes["other"], 4) for _ in range(20)]
    stays(lambda: answered(others) == 0, 2, "the others wait as well")
    assert answered(greedy) == 20, "the oldest of the greedy sender have made room"
    wait_until(lambda: answered(others) == 20, 10, "the others are answered in time")
    for one in greedy + others:
        one.close()
