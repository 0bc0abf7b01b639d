"""A sender of one team can do nothing to another team's images, with any request of every format that carries a name."""

import json
import re

import pytest

from lib.agent import SECRET
from lib.samples import CLOCK, samples

NAMED = [one for one in samples() if one.row["actionable"] and one.row["expected_images"][0]["name"]]
BUILDS = [one for one in samples() if one.row["actionable"] and not one.row["expected_images"][0]["name"]]
TEAM_B = "ghcr.io/team-b/*"


@pytest.fixture
def agent(agent_of, tmp_path):
    """Everybody may speak for team B's images only; the samples are about others."""
    senders = [{**one.sender(str(tmp_path)), "images": [TEAM_B]} for one in NAMED]
    for one in senders:
        one.pop("implies", None)
    return agent_of(clock=CLOCK, settings={"senders": senders}, start=True)


def test_every_format_that_carries_a_name(agent):
    seen = set()
    for one in NAMED:
        agent.set_clock(CLOCK)
        answer = agent.request("POST", one.path, one.body, one.headers)
        assert answer.status == 403, (one.id, answer)
        seen.add(one.format)
    assert agent.json("pushes") == [], "nothing of it is stored"
    assert seen >= {"native", "github", "gitea", "dockerhub", "quay", "harbor", "distribution", "zot", "acr", "ecr", "sns", "gar",
                    "nexus", "artifactory", "cdevents"}


def test_a_build_implies_only_what_its_sender_may_speak_for(agent_of, tmp_path):
    for one in BUILDS:
        agent = agent_of(settings={"senders": [{**one.sender(str(tmp_path)), "images": [TEAM_B]}]})
        done = agent.run("check", "-c", agent.config_path)
        assert done.returncode == 2 and "is not within the sender's `images`" in done.stdout + done.stderr, (one.id, done)


@pytest.fixture
def teams(agent_of, tmp_path):
    senders = []
    for team in ("a", "b"):
        path = tmp_path / f"{team}.secret"
        path.write_text(f"the-token-of-team-{team}-which-is-long\n")
        senders.append({"name": f"team-{team}", "format": "native", "auth": {"bearer": {"secret": {"file": str(path)}}},
                        "images": [f"ghcr.io/team-{team}/*"]})
    return agent_of(settings={"senders": senders}, start=True)


def ask(agent, method, path, team, document=None):
    headers = {"Authorization": f"Bearer the-token-of-team-{team}-which-is-long"}
    body = None if document is None else json.dumps(document).encode()
    return agent.request(method, path, body, {**headers, **({"Content-Type": "application/json"} if body else {})})


def test_none_of_the_ways_around(teams):
    mine, theirs = {"image": "ghcr.io/team-a/x:1"}, {"image": "ghcr.io/team-b/x:1"}
    assert ask(teams, "POST", "/hooks/team-a", "a", mine).status == 202
    push = ask(teams, "POST", "/hooks/team-b", "b", theirs).json["id"]
    assert ask(teams, "POST", "/hooks/team-b", "a", theirs).status == 401
    for path in ("/hooks/team-b/", "/hooks/team-a/../team-b", "/hooks/team%2Db", "/hooks/team-b?sender=team-a", "//hooks/team-b",
                 "/hooks/TEAM-B", "/hooks/team-b%00team-a"):
        assert ask(teams, "POST", path, "a", theirs).status in (400, 401, 404), path
    for document in (theirs, {"images": [mine, theirs]}, {"images": [theirs, mine]}, {"image": "GHCR.IO/team-b/x:1"},
                     {"image": "ghcr.io:443/team-b/x:1"}, {"image": "ghcr.io/team-a/../team-b/x:1"},
                     {"image": "ghcr.io/team-a/x:1@" + "sha256:" + "0" * 64 + "/../../team-b/x"},
                     {"image": "ghcr.io/team-b/x", "tag": "1"}, {"image": "ghcr.io/team-b/x@sha256:" + "0" * 64}):
        answer = ask(teams, "POST", "/hooks/team-a", "a", document)
        assert answer.status in (400, 403), (document, answer)
    assert len(teams.json("pushes")) == 2
    assert ask(teams, "GET", "/v1/pushes/" + push, "b").status == 200
    foreign, missing = (ask(teams, "GET", "/v1/pushes/" + one, "a") for one in (push, push[:-1] + ("0" if push[-1] != "0" else "1")))
    assert (foreign.status, foreign.body) == (missing.status, missing.body) == (404, missing.body)
    assert ask(teams, "GET", "/v1/pushes/" + push + "/the-token-of-team-b-which-is-long", "a").status == 404
    assert not re.search(r"the-token-of-team", teams.log)
    assert SECRET not in teams.log
