"""Secrets never show: sends marked secrets and control bytes through every way that fails, and searches all outputs."""

import json
import os
import re
import sqlite3

import pytest

MARK = "Mark3dS3cret"
SECRETS = {kind: f"{MARK}-{kind}-0123456789abcdef" for kind in
           ("hmac", "plain", "bearer", "basic", "header", "url", "old", "standard")}
EVIL = "\x1b[31mred\x1b[0m\r\nevent=forged \x00\x07 \u202e \x9b31m"
IMAGE = "ghcr.io/brian/site:1"


@pytest.fixture
def agent(agent_of, tmp_path):
    def secret(kind, text=None):
        path = tmp_path / kind
        path.write_text((text or SECRETS[kind]) + "\n")
        os.chmod(path, 0o600)
        return {"file": str(path)}
    kinds = {"hmac": {"hmac": {"secret": secret("hmac")}},
             "plain": {"hmac": {"secret": secret("plain"), "header": "X-Signature-256", "prefix": "sha256="}},
             "bearer": {"bearer": {"secret": [secret("bearer"), secret("old")]}},
             "basic": {"basic": {"username": "ci", "secret": secret("basic")}},
             "header": {"header": {"name": "X-Token", "secret": secret("header")}},
             "url": {"url_token": {"secret": secret("url")}}}
    senders = [{"name": name, "format": "native", "auth": auth, "images": ["ghcr.io/brian/*"]} for name, auth in kinds.items()]
    return agent_of(settings={"senders": senders, "log": {"level": "debug", "format": "json"}}, start=True)


def outputs(agent):
    """All outputs of the agent."""
    said = [agent.log]
    for words in (["targets"], ["updates", "--all"], ["pushes"], ["windows"], ["audit"], ["audit", "--json"], ["pushes", "--json"],
                  ["plan", IMAGE], ["check", "-c", agent.config_path]):
        done = agent.run(*words)
        said += [done.stdout, done.stderr]
    for push in agent.json("pushes"):
        said.append(agent.run("show", push["id"]).stdout)
    said.append(agent.get("/readyz").body.decode())
    with sqlite3.connect(f"file:{agent.state}/landwaiter.db?mode=ro", uri=True) as database:
        said += list(database.iterdump())
    return said


def deliveries():
    """(path, headers, body) with a secret at each place where it does not belong, or where it is refused after all."""
    body = json.dumps({"image": IMAGE}).encode()
    for kind, text in SECRETS.items():
        for path in (f"/hooks/{text}", f"/hooks/bearer/{text}", f"/hooks/url/{text}x", f"/hooks/url/x{text}", f"/hooks/url/{text}/more",
                     f"/hooks/bearer?token={text}", f"/{text}", f"/v1/pushes/{text}", f"/v1/pushes/psh_0/{text}"):
            yield path, {}, body
        for name in ("Authorization", "X-Token", "X-Signature-256", "webhook-id", "webhook-signature", "X-Forwarded-For", "Cookie",
                     "User-Agent", "Content-Type", text):
            for value in (text, "Bearer " + text + "x", "Basic " + text, "sha256=" + text):
                yield "/hooks/" + kind.replace("old", "bearer").replace("standard", "hmac"), {name: value}, body
    good = {"Authorization": "Bearer " + SECRETS["bearer"]}
    for text in SECRETS.values():
        for document in ({"image": text}, {"image": IMAGE, "tag": text}, {"image": IMAGE, "digest": text}, {text: 1},
                         {"image": "ghcr.io/" + text.lower() + "/x:1"}, {"images": text}, [text], text):
            yield "/hooks/bearer", good, json.dumps(document).encode()
        yield "/hooks/bearer", {**good, "Content-Type": text}, body
        yield "/hooks/bearer", good, text.encode() * 100


def test_no_secret_is_ever_said(agent):
    answers = [agent.request("POST", path, body, {"Content-Type": "application/json", **headers})
               for path, headers, body in deliveries()]
    # The right ones, too: by each kind that sends the secret itself.
    body = json.dumps({"image": IMAGE}).encode()
    kind = {"Content-Type": "application/json"}
    token = "/hooks/url/" + SECRETS["url"]
    for path, headers in (("/hooks/bearer", {"Authorization": "Bearer " + SECRETS["old"]}), ("/hooks/header", {"X-Token": SECRETS["header"]}),
                          (token, {})):
        answer = agent.request("POST", path, body, {**kind, **headers})
        assert answer.status == 202, answer
        answers.append(answer)
    status = agent.get("/v1/pushes/" + answers[-1].json["id"] + "/" + SECRETS["url"])
    assert status.status == 200, status
    # Only the sender itself sees its own words again: an image, an unknown member.
    for answer in answers:
        assert MARK not in answer.body.decode() or answer.status in (400, 403), answer
    for text in outputs(agent):
        found = re.search(rf".{{0,60}}{MARK}.{{0,60}}", text, re.IGNORECASE)
        assert not found or is_image(found.group(0)), found.group(0)


def is_image(text):
    """An image's name, which its sender chose, may be anything that is a name."""
    return re.search(rf"ghcr\.io/{MARK.lower()}", text) is not None


def test_no_control_byte_is_ever_said(agent):
    good = {"Authorization": "Bearer " + SECRETS["bearer"], "Content-Type": "application/json"}
    for document in ({"image": EVIL}, {"image": IMAGE, "tag": EVIL}, {EVIL: 1}, {"image": IMAGE, "meta": {"commit": EVIL, EVIL: "x"}}):
        agent.request("POST", "/hooks/bearer", json.dumps(document).encode(), good)
    agent.raw(b"POST /hooks/" + EVIL.encode() + b" HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", timeout=2)
    agent.raw(b"POST /hooks/bearer HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: \x1b[31m\r\nContent-Length: 0\r\n\r\n", timeout=2)
    agent.run("hold", "docker/x", "--reason", EVIL.replace("\x00", ""))
    agent.run("hold", EVIL.replace("\x00", ""))
    assert agent.request("POST", "/hooks/bearer", json.dumps({"image": IMAGE, "meta": {"commit": EVIL.replace("\x00", "")}}).encode(), good).status == 202
    for line in agent.log.splitlines():
        assert json.loads(line), "each line is one event"
    for text in outputs(agent):
        if text.startswith("INSERT INTO"):
            continue  # the database's own form of a text
        found = re.search(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]", text)
        assert not found, (found, text[max(0, found.start() - 200):found.start() + 50])


def test_a_faulty_configuration_says_no_secret(agent, tmp_path):
    for number, auth in enumerate(({"hmac": {"secret": f"whsec_{MARK}!"}}, {"standard_webhooks": {"secret": MARK}},
                                   {"bearer": {"secret": f"{MARK} {MARK}"}}, {"url_token": {"secret": f"{MARK}/x"}},
                                   {"bearer": {"secret": {"file": str(tmp_path / "none"), "env": MARK + "\n"}}},
                                   {"header": {"name": "X", "secret": f"{MARK}\t"}}, {"bearer": {"secret": {MARK: 1}}})):
        path = tmp_path / f"{number}.yaml"
        path.write_text(json.dumps({"senders": [{"name": "a", "auth": auth, "images": ["**"]}]}))
        for words in (["check", "-c", str(path)], ["check", "-c", str(path), "--json"], ["serve", "-c", str(path)]):
            done = agent.run(*words)
            assert done.returncode == 2, (auth, done)
            if not (isinstance(auth.get("bearer", {}).get("secret"), dict)):
                assert MARK not in done.stdout + done.stderr, (auth, done)
