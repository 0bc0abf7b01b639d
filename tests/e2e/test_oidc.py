"""Tokens of an identity provider: its keys by discovery, kept, rotated and missed; each token is good for one statement."""

import json
import os
import threading
import time

import pytest

from lib.issuer import Issuer, base64url, openssl
from lib.wait import wait_until

IMAGE = "ghcr.io/brian/site:1"
AUDIENCE = "deploy.example.net"


class Keys(Issuer):
    """An issuer whose answers can be changed: `answer(path)` gives (status, bytes), or None for the right one."""

    def __init__(self, directory):
        super().__init__(directory, claims={"repository": "brian/site"})
        self.answer = lambda path: None
        handler = self.server.RequestHandlerClass

        class Changed(handler):
            def do_GET(self):
                wrong = self.server.issuer.answer(self.path)
                if wrong is None:
                    super().do_GET()
                    return
                self.server.issuer.requests.append(self.path)
                self.send_response(wrong[0])
                self.send_header("Content-Length", str(len(wrong[1])))
                for line in wrong[2:]:
                    self.send_header(*line)
                self.end_headers()
                self.wfile.write(wrong[1])
        self.server.RequestHandlerClass = Changed

    def rotate(self):
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self.key_path)
        self.kid += "x"

    def asked(self):
        return self.requests.count("/jwks")


@pytest.fixture
def issuer(tmp_path):
    one = Keys(str(tmp_path / "issuer"))
    yield one
    one.stop()


def sender(issuer, **more):
    return {"name": "oidc", "format": "native", "images": ["ghcr.io/brian/*"],
            "auth": {"oidc": {"issuer": issuer.url, "audience": AUDIENCE, "claims": {"repository": "brian/site"}, **more}}}


@pytest.fixture
def agent(agent_of, issuer):
    return agent_of(settings={"senders": [sender(issuer)]}, start=True)


def push(agent, token, image=IMAGE):
    return agent.request("POST", "/hooks/oidc", json.dumps({"image": image}).encode(),
                         {"Content-Type": "application/json", "Authorization": "Bearer " + token}, timeout=30)


def test_keys_are_asked_for_once_and_rotated(agent, issuer):
    assert issuer.requests == [], "nobody is asked before there is a token"
    assert push(agent, issuer.mint(AUDIENCE)).status == 202
    assert push(agent, issuer.mint(AUDIENCE)).status == 202
    assert issuer.requests == ["/.well-known/openid-configuration", "/jwks"]
    issuer.rotate()
    agent.restart()  # the pause between two questions begins anew
    assert push(agent, issuer.mint(AUDIENCE)).status == 202
    assert issuer.asked() == 2


def test_a_token_is_good_for_one_statement_across_a_restart(agent, issuer):
    token = issuer.mint(AUDIENCE)
    first = push(agent, token)
    assert first.status == 202
    again = push(agent, token)
    assert (again.status, again.json["duplicate"], again.json["id"]) == (200, True, first.json["id"])
    agent.restart()
    assert push(agent, token).json.get("duplicate") is True
    other = push(agent, token, "ghcr.io/brian/site:2")
    assert (other.status, other.json) == (401, {"error": "unauthorized"})
    status = agent.get("/v1/pushes/" + first.json["id"], {"Authorization": "Bearer " + token})
    assert status.status == 200 and status.json["id"] == first.json["id"], status


@pytest.mark.parametrize("wrong", [{"repository": "eve/site"}, {"aud": "another"}, {"aud": [AUDIENCE, "b"]}, {"iss": "https://eve.example"},
                                   {"exp": 1}, {"exp": None}, {"iat": None}, {"repository": None}, {"repository": ["brian/site"]}],
                         ids=lambda wrong: "-".join(f"{key}={value}" for key, value in wrong.items()))
def test_a_wrong_token_is_nobodys_and_asks_nobody(agent, issuer, wrong):
    answer = push(agent, issuer.mint(AUDIENCE, **wrong))
    assert (answer.status, answer.json) == (401, {"error": "unauthorized"})
    assert issuer.requests == []


def forged(issuer, number):
    """All its claims are right, but it is unsigned."""
    now = int(time.time())
    head = {"typ": "JWT", "alg": "RS256", "kid": f"made-up-{number}"}
    body = {"iss": issuer.url, "aud": AUDIENCE, "iat": now, "exp": now + 300, "repository": "brian/site"}
    return ".".join(base64url(part) for part in (json.dumps(head).encode(), json.dumps(body).encode(), b"x" * 256))


def test_a_flood_of_unknown_keys_asks_once(agent, issuer):
    statuses = []

    def some(first):
        statuses.extend(push(agent, forged(issuer, number)).status for number in range(first, 1000, 8))
    threads = [threading.Thread(target=some, args=(first,)) for first in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert len(statuses) == 1000 and set(statuses) == {401}
    assert issuer.asked() == 1
    assert push(agent, issuer.mint(AUDIENCE)).status == 202


WRONG = {"an error": (500, b"{}"), "html": (200, b"<html></html>"), "too much": (200, b"[" + b" " * 10_000_000 + b"]"),
         "no keys": (200, b'{"keys": []}'), "elsewhere": (302, b"", ("Location", "http://127.0.0.1:1/jwks")),
         "symmetric": (200, b'{"keys": [{"kty": "oct", "kid": "a", "k": "AAAA"}]}')}


@pytest.mark.parametrize("what", WRONG)
def test_without_keys_it_says_so_and_asks_again_later(agent, issuer, what):
    issuer.answer = lambda path: WRONG[what] if path == "/jwks" else None
    token = issuer.mint(AUDIENCE)
    answer = push(agent, token)
    assert answer.status == 503 and answer.headers.get("retry-after"), answer
    assert push(agent, token).status == 503, "the issuer was asked a moment ago"
    assert issuer.asked() == 1
    issuer.answer = lambda path: None
    agent.restart()
    assert push(agent, token).status == 202


def test_an_issuer_that_describes_another_is_not_believed(agent, issuer):
    issuer.answer = lambda path: (200, json.dumps({"issuer": "https://eve.example", "jwks_uri": issuer.url + "/jwks"}).encode()) \
        if path.startswith("/.well-known") else None
    assert push(agent, issuer.mint(AUDIENCE)).status == 503
    assert issuer.asked() == 0


def test_one_that_never_answers_holds_up_nobody_else(agent_of, issuer):
    agent = agent_of(settings={"senders": [sender(issuer), {"name": "ci", "format": "native", "images": ["**"],
                                                            "auth": {"standard_webhooks": {"secret": {"file": "SECRET"}}}}]})
    agent.settings["senders"][1]["auth"]["standard_webhooks"]["secret"]["file"] = agent.secret_path
    agent.configure()
    agent.start()
    released = threading.Event()
    issuer.answer = lambda path: released.wait(30) and None
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(push(agent, issuer.mint(AUDIENCE))))
    waiting.start()
    wait_until(lambda: '"hook.refused"' in agent.log or waiting.is_alive(), 5, "it waits")
    begun = time.monotonic()
    assert agent.push("ghcr.io/brian/other:1").status == 202
    assert time.monotonic() - begun < 3, "others are served meanwhile"
    waiting.join(20)
    released.set()
    assert [answer.status for answer in answers] == [503], answers


def test_it_stops_in_the_middle_of_asking(agent, issuer):
    asked, released = threading.Event(), threading.Event()
    issuer.answer = lambda path: asked.set() or released.wait(30) and None
    answers = []
    token = issuer.mint(AUDIENCE)

    def ask():
        try:
            answers.append(push(agent, token).status)
        except OSError:
            answers.append(None)
    waiting = threading.Thread(target=ask)
    waiting.start()
    assert asked.wait(20), "the issuer is asked"
    agent.stop(deadline=10)
    released.set()
    waiting.join(10)
    assert answers == [503], answers


def test_keys_from_a_file_are_read_again(agent_of, issuer):
    agent = agent_of(settings={"senders": [sender(issuer, jwks={"file": issuer.jwks_path})]}, start=True)
    assert push(agent, issuer.mint(AUDIENCE)).status == 202
    issuer.rotate()
    assert push(agent, issuer.mint(AUDIENCE)).status == 401 or issuer.requests == []
    with open(issuer.jwks_path, "w", encoding="ascii") as out:
        json.dump(issuer.jwks(), out)
    assert push(agent, issuer.mint(AUDIENCE)).status == 202
    assert issuer.requests == [], "nobody was asked"


DATA = os.path.join(os.path.dirname(__file__), "..", "data", "jwt")


def test_every_vector_through_the_listener(agent_of):
    """As tests/unit/webhook/oidc/token_test.c, with all that is in front of it."""
    with open(os.path.join(DATA, "vectors.json"), encoding="utf-8") as file:
        vectors = json.load(file)
    policy = vectors["policy"]
    clock = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(policy["now"]))
    senders = [{"name": f"issuer-{number}", "images": ["**"],
                "auth": {"oidc": {"issuer": one["issuer"], "audience": one["audience"], "algorithms": one["algorithms"],
                                  "claims": one["bound_claims"], "leeway": f"{policy['leeway_s']}s",
                                  "jwks": {"file": os.path.join(DATA, one["jwks"])}}}}
               for number, one in enumerate(policy["issuers"])]
    agent = agent_of(clock=clock, settings={"senders": senders}, start=True)
    for vector in vectors["vectors"]:
        taken = []
        for sender_of in senders:
            agent.set_clock(clock)
            body = json.dumps({"image": IMAGE, "meta": {"vector": vector["id"]}}).encode()
            if "\n" in vector["token"] or "\0" in vector["token"]:
                continue  # no header can carry it
            answer = agent.request("POST", "/hooks/" + sender_of["name"], body,
                                   {"Content-Type": "application/json", "Authorization": "Bearer " + vector["token"]})
            # A token that is too large for a header is refused unread.
            assert answer.status in ((202, 401) if len(vector["token"]) < 12000 else (401, 431)), (vector["id"], answer)
            taken.append(answer.status == 202)
        right = vector["expect"].startswith("accept")  # the token to refuse at its second use is the first one again
        assert any(taken) == right, (vector["id"], vector["why"])
