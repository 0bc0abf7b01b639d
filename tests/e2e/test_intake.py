"""The intake as senders see it: an accepted push stays accepted over any crash, and nothing is accepted twice."""

import http.client
import json
import os
import random
import signal
import socket
import sqlite3
import stat
import subprocess
import threading
import time
import uuid

import pytest

from lib.agent import SECRET, Answer
from lib.engine import UnixConnection
from lib.sign import hmac_sha256, standard_webhooks
from lib.wait import stays, wait_until

PLAIN = "a plain secret of the tests"
TOKEN = "a-bearer-token-of-the-tests-0123456789"
IMAGE = "ghcr.io/brian/site:1.4"
JSON = {"Content-Type": "application/json"}


def secret_file(directory, name, text):
    path = os.path.join(directory, name)
    os.makedirs(directory, exist_ok=True)
    with open(path, "w", encoding="ascii") as out:
        out.write(text + "\n")
    os.chmod(path, 0o600)
    return {"file": path}


def all_kinds(directory):
    """One sender for each kind of proof, one with few images, one with a low rate."""
    signed = {"standard_webhooks": {"secret": secret_file(directory, "signed", SECRET)}}
    return [
        {"name": "ci", "images": ["**"], "auth": signed},
        {"name": "native", "images": ["**"], "auth": {"hmac": {"secret": secret_file(directory, "n", SECRET)}}},
        {"name": "plain", "images": ["**"], "auth": {"hmac": {
            "secret": secret_file(directory, "plain", PLAIN), "header": "X-Signature-256", "prefix": "sha256="}}},
        {"name": "robot", "images": ["**"], "auth": {"bearer": {"secret": secret_file(directory, "robot", TOKEN)}}},
        {"name": "narrow", "images": ["ghcr.io/brian/*"], "auth": signed},
        {"name": "slow", "images": ["**"], "rate": "2/h", "auth": signed},
    ]


@pytest.fixture
def hooks(agent_of, tmp_path):
    """An agent that only accepts pushes: it has no platform, so each is done as soon as it is stored."""
    return agent_of(engine=None, start=True,
                    settings={"platforms": {}, "senders": all_kinds(str(tmp_path / "secrets"))})


def notice(image=IMAGE, **more):
    return json.dumps({"image": image, **more}).encode()


def proof(sender, body, identifier=None):
    """The headers with which that sender proves itself."""
    if sender == "plain":
        return hmac_sha256(PLAIN, body)
    if sender == "robot":
        return {"Authorization": "Bearer " + TOKEN, **({"webhook-id": identifier} if identifier else {})}
    return standard_webhooks(SECRET, body, identifier)


def deliver(agent, sender="ci", body=None, identifier=None, **headers):
    body = notice() if body is None else body
    return agent.request("POST", "/hooks/" + sender, body, {**JSON, **proof(sender, body, identifier), **headers})


def stored(agent):
    """The database's rows, read like another program, while nobody has it open."""
    with sqlite3.connect(os.path.join(agent.state, "landwaiter.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return database.execute("SELECT count(*) FROM pushes").fetchone()[0]


# Crashes.

class Delivery:
    """One notice of a CI job, which repeats it with the same id until it is answered."""

    def __init__(self, image):
        self.image, self.body = image, notice(image)
        self.headers = {**JSON, **standard_webhooks(SECRET, self.body)}
        self.ids, self.statuses = set(), []

    def send(self, agent, connection):
        """True: the answer was final."""
        try:
            connection.request("POST", "/hooks/ci", self.body, self.headers)
            answer = connection.getresponse()
            got = Answer(answer.status, answer.getheaders(), answer.read())
        except (OSError, http.client.HTTPException):
            connection.close()
            return False
        if got.status == 503:
            return False
        assert got.status in (200, 202), got
        self.statuses.append(got.status)
        self.ids.add(got.json["id"])
        return True


class Senders:
    """Concurrent senders that share the deliveries among themselves, and survive the agent's crashes."""

    def __init__(self, agent, deliveries, count=8):
        self.agent, self.answered, self.errors, self.over = agent, 0, [], False
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self._run, args=(deliveries[i::count],)) for i in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, failed, *_):
        self.over = failed is not None
        for thread in self.threads:
            thread.join(120)
        assert failed or not self.errors, self.errors

    def _run(self, deliveries):
        connection = http.client.HTTPConnection("127.0.0.1", self.agent.port, timeout=15)
        try:
            for delivery in deliveries:
                wait_until(lambda d=delivery: self.over or d.send(self.agent, connection), 60, "an answer",
                           every=0.01)
                with self.lock:
                    self.answered += 1
        except Exception as error:  # a thread's failure is the test's
            self.errors.append(repr(error))
        finally:
            connection.close()

    def until(self, count):
        wait_until(lambda: self.answered >= count or self.errors, 60, f"{count} answers", every=0.002)


def hold_to_it(agent, deliveries):
    """Every delivery is there exactly once, under the id that its sender was told."""
    ids = [next(iter(one.ids)) for one in deliveries]
    assert all(len(one.ids) == 1 for one in deliveries), "a delivery was told two ids"
    assert len(set(ids)) == len(deliveries), "two deliveries were told one id"
    for one in deliveries:
        document = agent.status(next(iter(one.ids)))
        assert document["image"] == one.image, (document, one.image)
        again = agent.request("POST", "/hooks/ci", one.body, one.headers)
        assert again.status == 200 and again.json["duplicate"] is True and {again.json["id"]} == one.ids, again
    wait_until(lambda: all(push["open"] == 0 for push in agent.json("pushes")), 30, "all of them are looked at",
               every=0.5)
    listed = agent.json("pushes")
    assert sorted(push["id"] for push in listed) == sorted(ids)
    return listed


def test_kill_9_of_the_intake_loses_and_doubles_nothing(engine, images, agent_of, registry, repository):
    seed = int(os.environ.get("E2E_SEED", time.time_ns() % 1_000_000))
    print("seed", seed)  # E2E_SEED=… repeats it
    chance = random.Random(seed)
    images.make(repository, "stable", "v1")
    engine.run("app", images.name(repository, "stable"), labels={"landwaiter.policy": "never"})
    agent = agent_of([registry], start=True)
    deliveries = [Delivery(images.name(repository, "stable") if i % 10 == 0 else f"ghcr.io/brian/app{i}:{i}")
                  for i in range(1000)]
    kills = 0

    with Senders(agent, deliveries) as senders:
        answered = 0
        while answered < 960:
            senders.until(min(len(deliveries), answered + chance.randint(1, 60)))
            stays(lambda: True, chance.uniform(0, 0.02), every=0.001)
            agent.kill9()
            kills += 1
            answered = senders.answered
            agent.start(ready=False)
    agent.wait_ready()

    print("kills", kills, "duplicates", sum(200 in one.statuses for one in deliveries))
    assert kills >= 5
    for push in hold_to_it(agent, deliveries):
        ran = push["image"] == images.name(repository, "stable")
        assert [one["target"] for one in push["updates"]] == (["docker/app"] if ran else []), push
    agent.stop()
    assert stored(agent) == 1000


def test_sigterm_under_load_loses_and_doubles_nothing(agent_of, registry):
    agent = agent_of([registry], start=True)
    deliveries = [Delivery(f"ghcr.io/brian/app{i}:{i}") for i in range(300)]
    with Senders(agent, deliveries) as senders:
        for number, answered in enumerate(range(50, 300, 50)):
            senders.until(answered)
            # All answers may have arrived while the agent restarts, before it handles SIGTERM.
            wait_until(lambda number=number: len(agent.events("agent.started")) > number, 20, "it has begun")
            agent.stop(deadline=10)
            agent.start(ready=False)
    agent.wait_ready()
    hold_to_it(agent, deliveries)
    agent.stop()
    assert stored(agent) == 300


# Senders, images and rates.

@pytest.mark.parametrize("sender", ["ci", "native", "plain", "robot"])
def test_a_delivery_is_known_again_after_a_restart(hooks, sender):
    body = notice(meta={"commit": uuid.uuid4().hex})
    identifier = "build-" + uuid.uuid4().hex
    first = deliver(hooks, sender, body, identifier)
    assert first.status == 202, first
    identity = first.json["id"]
    assert first.json["status"] == f"/v1/pushes/{identity}" == first.headers["location"]

    for _ in range(2):
        again = deliver(hooks, sender, body, identifier)
        assert again.status == 200 and again.json["duplicate"] is True and again.json["id"] == identity, again
        other = deliver(hooks, sender, notice("ghcr.io/brian/other:2"), identifier)
        # A plain HMAC has no id: another body is another delivery.
        assert (other.status in (202, 200) if sender == "plain" else other.status == 400), other
        hooks.kill9()
        hooks.start()
    assert len(hooks.json("pushes")) == (2 if sender == "plain" else 1)
    assert hooks.json("pushes")[-1]["id"] == identity


def test_a_bearer_without_an_id_says_something_new_each_time(hooks):
    ids = {deliver(hooks, "robot").json["id"] for _ in range(3)}
    assert len(ids) == 3


def test_senders_do_not_share_ids(hooks):
    assert deliver(hooks, "ci", identifier="build-1").status == 202
    assert deliver(hooks, "native", identifier="build-1").status == 202


WRONG = {
    "another secret": lambda body: standard_webhooks("whsec_" + "AAAA" * 8, body),
    "another body": lambda body: standard_webhooks(SECRET, body + b" "),
    "too old": lambda body: standard_webhooks(SECRET, body, timestamp=time.time() - 400),
    "too new": lambda body: standard_webhooks(SECRET, body, timestamp=time.time() + 400),
    "no headers": lambda body: {},
    "no signature": lambda body: dict(list(standard_webhooks(SECRET, body).items())[:2]),
    "no id": lambda body: dict(list(standard_webhooks(SECRET, body).items())[1:]),
    "of another version": lambda body: {**standard_webhooks(SECRET, body), "webhook-signature": "v2,AAAA"},
    "not base64": lambda body: {**standard_webhooks(SECRET, body), "webhook-signature": "v1,*"},
    "another kind": lambda body: {"Authorization": "Bearer " + TOKEN},
    "plain": lambda body: hmac_sha256(PLAIN, body),
}


def raw_answer(agent, sender, body, headers):
    """The bytes on the wire, but for the time of day."""
    lines = [f"POST /hooks/{sender} HTTP/1.1", "Host: agent", f"Content-Length: {len(body)}",
             "Content-Type: application/json", *(f"{name}: {value}" for name, value in headers.items())]
    said = agent.raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    return b"\r\n".join(line for line in said.split(b"\r\n") if not line.startswith(b"Date:"))


def test_every_wrong_proof_is_answered_with_the_same_bytes(hooks):
    body = notice()
    said = {f"{sender}: {what}": raw_answer(hooks, sender, body, make(body)) for what, make in WRONG.items()
            for sender in ("ci", "native", "robot", "plain", "nobody-of-that-name")
            if (sender, what) not in (("robot", "another kind"), ("plain", "plain"))}
    said["malformed too"] = raw_answer(hooks, "ci", b"no JSON", WRONG["another secret"](b"no JSON"))
    said["not allowed either"] = raw_answer(hooks, "narrow", notice("quay.io/x/y:1"), {})
    said["robot: wrong token"] = raw_answer(hooks, "robot", body, {"Authorization": "Bearer " + TOKEN[:-1]})
    said["robot: no token"] = raw_answer(hooks, "robot", body, {"Authorization": "Bearer "})
    said["robot: basic"] = raw_answer(hooks, "robot", body, {"Authorization": "Basic " + TOKEN})
    said["plain: no prefix"] = raw_answer(hooks, "plain", body, {
        "X-Signature-256": hmac_sha256(PLAIN, body)["X-Signature-256"].removeprefix("sha256=")})
    assert len(set(said.values())) == 1, said
    one = next(iter(said.values()))
    assert one.startswith(b"HTTP/1.1 401 ") and one.endswith(b'\r\n\r\n{"error":"unauthorized"}'), one
    assert hooks.json("pushes") == []
    for secret in (SECRET, PLAIN, TOKEN):
        assert secret not in hooks.log


ANSWERS = {
    "an image that it may not speak for": (403, "narrow", notice("quay.io/brian/site:1"), {}),
    "one level too deep": (403, "narrow", notice("ghcr.io/brian/a/b:1"), {}),
    "one of two not allowed": (403, "narrow", b'{"images": [{"image": "ghcr.io/brian/a:1"}, {"image": "x/y:1"}]}', {}),
    "no JSON": (400, "ci", b"image=x", {}),
    "an empty body": (400, "ci", b"", {}),
    "no tag and no digest": (400, "ci", notice("ghcr.io/brian/site"), {}),
    "an upper-case name": (400, "ci", notice("ghcr.io/Brian/site:1"), {}),
    "an unknown member": (400, "ci", notice(tags="1"), {}),
    "a member twice": (400, "ci", b'{"image": "a/b:1", "image": "a/b:2"}', {}),
    "a digest that is none": (400, "ci", notice(digest="sha256:abc"), {}),
    "bytes after the JSON": (400, "ci", notice() + b"{}", {}),
    "no UTF-8": (400, "ci", b'{"image": "a/b:1\xff"}', {}),
    "an empty list": (400, "ci", b'{"images": []}', {}),
    "another content type": (415, "ci", notice(), {"Content-Type": "text/plain"}),
    "a form": (415, "robot", notice(), {"Content-Type": "application/x-www-form-urlencoded"}),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_authentic_and_refused(hooks, what):
    status, sender, body, headers = ANSWERS[what]
    answer = deliver(hooks, sender, body, **headers)
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/json" and answer.json["error"], answer
    assert hooks.json("pushes") == []


def test_what_http_says(hooks):
    assert deliver(hooks, "ci", **{"Content-Type": "application/json; charset=utf-8"}).status == 202
    for path in ("/", "/hooks", "/hooks/", "//hooks/ci", "/v1",
                 "/v1/pushes", "/v1/pushes/", "/metrics", "/Hooks/ci"):
        assert hooks.request("POST", path, b"{}").status == 404, path
    for path in ("/hooks/ci/", "/hooks/ci/x", "/hooks/../hooks/ci"):  # at the place of a url_token: a wrong one and none look alike
        assert hooks.request("POST", path, b"{}").status == 401, path
    for method, path, allow in (("GET", "/hooks/ci", "POST"), ("PUT", "/hooks/ci", "POST"),
                                ("POST", "/healthz", "GET, HEAD"), ("DELETE", "/v1/pushes/psh_1", "GET, HEAD")):
        answer = hooks.request(method, path)
        assert answer.status == 405 and answer.headers["allow"] == allow, (method, path, answer)
    assert hooks.raw(b"POST /hooks/ci HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 411 ")
    large = notice(meta={"a": "b" * 1024 * 1024})
    assert hooks.raw(b"POST /hooks/ci HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(large)).startswith(
        b"HTTP/1.1 413 ")
    many = "".join(f"X-{i}: y\r\n" for i in range(70)).encode()
    assert hooks.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + many + b"\r\n").startswith(b"HTTP/1.1 431 ")
    assert hooks.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 40000 + b"\r\n\r\n").startswith(
        b"HTTP/1.1 431 ")
    answer = hooks.get("/healthz")
    assert answer.status == 200 and answer.json == {"status": "ok"}
    assert hooks.request("HEAD", "/healthz").body == b""


def test_the_rate_of_a_sender(hooks):
    assert [deliver(hooks, "slow").status for _ in range(3)] == [202, 202, 429]
    refused = deliver(hooks, "slow")
    assert 1 <= int(refused.headers["retry-after"]) <= 3600 and refused.json["error"], refused
    assert deliver(hooks, "ci").status == 202, "the others have their own"
    wrong = hooks.push(IMAGE, sender="slow", secret="whsec_" + "AAAA" * 8)
    assert wrong.status == 401, "who is not the sender cannot use up its rate, nor learn of it"
    assert len(hooks.json("pushes")) == 3


def test_several_images_in_one_delivery(hooks):
    digest = "sha256:" + "a" * 64
    body = json.dumps({"images": [{"image": "ghcr.io/brian/a:1", "digest": digest, "meta": {"commit": "c0ffee"}},
                                  {"image": "nginx", "tag": "1.27"},
                                  {"image": "ghcr.io/brian/c", "digest": digest}]}).encode()
    first = deliver(hooks, "ci", body, "build-7")
    assert first.status == 202, first
    document = hooks.wait(first.json["id"])
    assert document["image"] == "ghcr.io/brian/a:1" and document["digest"] == digest
    assert document["images"] == ["ghcr.io/brian/a:1", "docker.io/library/nginx:1.27", "ghcr.io/brian/c"]
    assert len(hooks.json("pushes")) == 3
    again = deliver(hooks, "ci", body, "build-7")
    assert again.json == {"duplicate": True, "id": first.json["id"], "status": first.json["status"]}
    assert len(hooks.json("pushes")) == 3


def test_a_full_disk_is_told_and_nothing_is_accepted(agent_of):
    agent = agent_of(engine=None, settings={"platforms": {}})
    # In the mount namespace that tests/run made.
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", agent.state], check=True)
    try:
        agent.start()
        before = agent.accepted("ghcr.io/brian/before:1")
        filler = os.path.join(agent.state, "filler")
        with open(filler, "wb", buffering=0) as out:
            with pytest.raises(OSError):
                while True:
                    out.write(b"x" * 4096)
        body = notice(meta={"log": "y" * 3500})
        headers = {**JSON, **standard_webhooks(SECRET, body)}

        refused = agent.request("POST", "/hooks/ci", body, headers)
        assert refused.status == 503 and int(refused.headers["retry-after"]) > 0 and refused.json["error"], refused
        assert agent.get("/healthz").status == 200
        unready = agent.get("/readyz")
        assert unready.status == 503 and "full" in unready.json["reason"], unready
        assert [push["id"] for push in agent.json("pushes")] == [before]

        os.unlink(filler)
        wait_until(agent.ready, 10, "it is ready again")
        taken = agent.request("POST", "/hooks/ci", body, headers)
        assert taken.status == 202, taken
        agent.kill9()
        agent.start()
        assert [push["id"] for push in agent.json("pushes")] == [taken.json["id"], before]
        agent.stop()
        assert stored(agent) == 2
    finally:
        if agent.process:
            agent.kill9()
        subprocess.run(["umount", "--lazy", agent.state], check=True)


# The result of a push.

def test_who_may_read_a_push(hooks):
    identity = deliver(hooks, "ci").json["id"]
    robots = deliver(hooks, "robot").json["id"]
    path = "/v1/pushes/" + identity
    assert hooks.get(path, standard_webhooks(SECRET, b"")).json["id"] == identity
    assert hooks.get("/v1/pushes/" + robots, {"Authorization": "Bearer " + TOKEN}).json["id"] == robots
    # Another sender learns as little as of an unknown push.
    others = hooks.get(path, {"Authorization": "Bearer " + TOKEN})
    unknown = hooks.get("/v1/pushes/psh_0000000000000", {"Authorization": "Bearer " + TOKEN})
    assert others.status == unknown.status == 404 and others.body == unknown.body
    wrong = [hooks.get(path), hooks.get(path, standard_webhooks(SECRET, b"{}")),
             hooks.get(path, {"Authorization": "Bearer x"}), hooks.get("/v1/pushes/psh_0000000000000"),
             hooks.get("/v1/pushes/" + "x" * 2000), hooks.get("/v1/pushes/%00")]
    assert {(one.status, one.body) for one in wrong} == {(401, b'{"error":"unauthorized"}')}
    for wait in ("301", "-1", "1.5", "abc", "", "99999999999999999999"):
        assert hooks.get(f"{path}?wait={wait}", standard_webhooks(SECRET, b"")).status == 400, wait
    assert hooks.get(path + "?wait=1&wait=2", standard_webhooks(SECRET, b"")).status == 400
    assert hooks.status(identity, wait=300)["open"] == 0, "nothing is open: no wait"


def test_readiness_and_waiting_while_the_engine_is_away(engine, agent_of, tmp_path):
    path = str(tmp_path / "docker.sock")
    agent = agent_of(settings={"platforms": {"docker": {"host": "unix://" + path}}})
    agent.start(ready=False)
    wait_until(lambda: agent.alive() and os.path.exists(agent.control_path), 10, "it listens")
    unready = wait_until(lambda: agent.get("/readyz"), 10)
    assert unready.status == 503 and "docker" in unready.json["reason"], unready
    assert int(unready.headers["retry-after"]) > 0
    assert agent.get("/healthz").status == 200

    identity = agent.accepted(IMAGE)
    asked = time.monotonic()
    assert agent.status(identity, wait=1)["open"] == 1, "nobody has looked at it yet"
    assert time.monotonic() - asked >= 0.9
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(agent.status(identity, wait=60)))
    waiting.start()
    os.symlink(engine.socket, path)
    waiting.join(30)
    assert answers and answers[0]["open"] == 0 and answers[0]["updates"] == [], answers
    assert agent.get("/readyz").status == 200

    engine.stop()
    unready = agent.get("/readyz")
    assert unready.status == 503 and "docker" in unready.json["reason"], unready
    engine.start()
    wait_until(agent.ready, 10, "ready when the engine is back")


def test_waiting_callers_are_answered_when_it_stops(agent_of, tmp_path):
    agent = agent_of(settings={"platforms": {"docker": {"host": f"unix://{tmp_path}/nobody.sock"}}})
    agent.start(ready=False)
    identity = wait_until(lambda: try_push(agent), 10, "it takes a push")
    waiting = [http.client.HTTPConnection("127.0.0.1", agent.port, timeout=30) for _ in range(5)]
    for one in waiting:
        one.request("GET", f"/v1/pushes/{identity}?wait=60", headers=standard_webhooks(SECRET, b"", timestamp=agent.now()))
    assert agent.get("/healthz").status == 200, "what was sent before has been read"
    agent.stop(deadline=10)
    assert [json.loads(one.getresponse().read())["open"] for one in waiting] == [1] * 5


def try_push(agent):
    try:
        return agent.accepted(IMAGE)
    except OSError:
        return None


def test_it_listens_on_a_unix_socket(agent_of, tmp_path):
    path = str(tmp_path / "hooks.sock")
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(path)  # as left by a killed process
    stale.close()
    agent = agent_of(engine=None, settings={"platforms": {}, "listen": "unix:" + path})
    agent.start(ready=False)

    def ask(method, where, body=None, headers=None):
        connection = UnixConnection(path, 10)
        try:
            connection.request(method, where, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        finally:
            connection.close()
    wait_until(lambda: agent.alive() and ask("GET", "/readyz"), 10, "it listens")
    status = os.stat(path)
    assert stat.S_ISSOCK(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o660
    body = notice()
    taken = ask("POST", "/hooks/ci", body, {**JSON, **standard_webhooks(SECRET, body)})
    assert taken.status == 202, taken
    assert ask("GET", taken.json["status"], headers=standard_webhooks(SECRET, b"")).json["image"] == IMAGE
    agent.signal(signal.SIGTERM)
    assert agent.ended() == 0
    assert not os.path.exists(path), "the socket goes with it"
