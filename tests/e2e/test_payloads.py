"""Every recorded delivery, with its exact bytes and headers, posted to a real agent at the time when it was made."""

import pytest

from lib.samples import CLOCK, samples

ALL = samples()


@pytest.fixture
def agent(agent_of, tmp_path):
    return agent_of(clock=CLOCK, settings={"senders": [one.sender(str(tmp_path)) for one in ALL]}, start=True)


def stored(agent, push):
    document = agent.json("show", push)
    return document["images"], document["digest"]


def test_every_delivery_gets_its_answer(agent):
    for one in ALL:
        agent.set_clock(CLOCK)
        answer = agent.request("POST", one.path, one.body, one.headers)
        if one.expect == "reject":
            assert answer.status == 400, (one.id, answer)
        elif one.row["actionable"]:
            assert answer.status == 202, (one.id, answer)
            images, digest = stored(agent, answer.json["id"])
            assert [image + ("@" + digest if digest else "") for image in images] == one.images, (one.id, images, digest)
        else:
            assert answer.status in (200, 202), (one.id, answer)
            assert one.expect or answer.json.get("ignored"), (one.id, answer)


def test_no_other_secret_and_no_other_body_is_taken(agent):
    """A delivery with one changed byte of the credential or of the signed body belongs to nobody."""
    for one in ALL:
        agent.set_clock(CLOCK)
        name = "X-Gitea-Signature" if one.format == "gitea" else one.row["auth"].get("header")
        path, headers, body = one.path, dict(one.headers), one.body
        if one.kind == "secret-url-path":
            path = path[:-1] + ("0" if path[-1] != "0" else "1")
        elif one.kind == "sns-x509":
            body = body.replace(b"1.8.2", b"1.8.3").replace(b'"Token": "', b'"Token": "0')
        else:
            headers[name] = headers[name][:-8] + ("A" if headers[name][-8] != "A" else "B") + headers[name][-7:]
        answer = agent.request("POST", path, body, headers)
        assert (answer.status, answer.json) == (401, {"error": "unauthorized"}), (one.id, answer)
        if one.kind in ("hmac", "hmac-ts", "http-signature", "standard-webhooks"):
            answer = agent.request("POST", one.path, one.body + b" ", one.headers)
            assert answer.status == 401, (one.id, answer)
