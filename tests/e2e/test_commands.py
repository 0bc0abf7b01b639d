"""The commands as people and scripts use them: documents, exit statuses, messages."""

import json
import os
import re
import socket
import subprocess

import pytest

from lib.agent import BINARY, SECRET
from lib.wait import stays, wait_until

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
RESULTS = {"updated", "unchanged", "rolled-back", "failed", "denied", "superseded", "cancelled"}


# Shapes of members. A pattern is a string that matches it.
def one_of(*values):
    return lambda value: value in values


def or_none(shape):
    return lambda value: value is None or fits(value, shape)


def fits(value, shape):
    if isinstance(shape, dict):
        return isinstance(value, dict) and all(name in value and fits(value[name], inner)
                                               for name, inner in shape.items())
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(one, shape[0]) for one in value)
    if isinstance(shape, re.Pattern):
        return isinstance(value, str) and bool(shape.fullmatch(value))
    if shape is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, shape) if isinstance(shape, type) else shape(value)


ENTRY = {"id": re.compile("upd_[0-9a-z]+"), "target": str, "stage": str, "result": or_none(one_of(*RESULTS)),
         "from": or_none(DIGEST), "to": or_none(DIGEST), "reason": or_none(str), "not_before": or_none(TIME),
         "finished": or_none(TIME)}
UPDATE = {**ENTRY, "push": re.compile("psh_[0-9a-z]+"), "created": TIME}
HISTORY = [{"at": TIME, "stage": str, "event": str, "detail": or_none(str)}]
PUSH = {"id": re.compile("psh_[0-9a-z]+"), "image": str, "digest": or_none(DIGEST), "received": TIME, "open": int,
        "updates": [ENTRY]}
TARGET = {"target": str, "image": str, "running": or_none(DIGEST), "enabled": bool, "policy": str, "windows": [str],
          "hold": or_none(dict), "problem": or_none(str)}
SETTING = {"value": lambda value: True, "source": one_of("default", "label")}
PLAN = {"image": str, "digest": or_none(DIGEST), "targets": [{
    "target": str, "verdict": one_of("update", "wait", "unchanged", "skip", "denied"), "reason": str,
    "from": or_none(DIGEST), "to": or_none(DIGEST),
    "settings": lambda all_of: isinstance(all_of, dict) and all(fits(one, SETTING) for one in all_of.values())}]}


def begin(engine, images, repository, **more):
    digest = images.make(repository, "stable", "v1")
    engine.run("app", images.name(repository, "stable"), **more)
    wait_until(lambda: engine.serves("app") == "v1", 10, "v1 answers")
    return digest


@pytest.fixture
def waiting(engine, images, agent, registry, repository):
    """An update that waits for its registry: (agent, image, its id)."""
    begin(engine, images, repository)
    registry.proxy.fault(agent="^landwaiter/", status=503, headers={"Retry-After": "600"})
    name = images.name(repository, "stable")
    push = agent.accepted(name)
    wait_until(lambda: any(one["not_before"] for one in agent.status(push)["updates"]), 15, "it waits")
    return agent, name, agent.status(push)["updates"][0]["id"]


# Documents.

def test_what_json_prints_of_an_update_that_happened(engine, images, agent, repository):
    first = begin(engine, images, repository, labels={"landwaiter.soak": "1s"})
    engine.run("left-alone", images.name(repository, "stable"), labels={"landwaiter.soak": "soon"})
    name = images.name(repository, "stable")
    digest = images.make(repository, "stable", "v2")

    targets = agent.json("targets")
    assert fits(targets, [TARGET]), targets
    by_name = {one["target"]: one for one in targets}
    assert by_name["docker/app"]["image"] == name and by_name["docker/app"]["running"] == first
    assert by_name["docker/app"]["enabled"] is True and by_name["docker/app"]["problem"] is None
    assert "landwaiter.soak" in by_name["docker/left-alone"]["problem"]

    plan = agent.json("plan", name)
    assert fits(plan, PLAN) and plan["image"] == name and plan["digest"] == digest, plan
    verdicts = {one["target"]: one for one in plan["targets"]}
    assert verdicts["docker/app"]["verdict"] == "update"
    assert (verdicts["docker/app"]["from"], verdicts["docker/app"]["to"]) == (first, digest)
    assert verdicts["docker/left-alone"]["verdict"] == "skip"
    settings = verdicts["docker/app"]["settings"]
    assert settings["soak"] == {"value": 1, "source": "label"} and settings["policy"]["source"] == "default", settings
    assert agent.json("updates", "--all") == [] and agent.json("pushes") == [], "a plan changes nothing"
    assert engine.serves("app") == "v1"

    done = agent.push_command(name, "--digest", digest, "--meta", "commit=c0ffee", "--wait=60s", "--json")
    waited = json.loads(done.stdout)
    assert done.returncode == 1 and fits(waited, PUSH), "one of the two is left alone: that is no success"
    assert {one["target"]: one["result"] for one in waited["updates"]} == {"docker/app": "updated",
                                                                           "docker/left-alone": "failed"}
    pushes = agent.json("pushes")
    assert fits(pushes, [PUSH]) and [one["id"] for one in pushes] == [waited["id"]]

    shown = agent.json("show", waited["id"])
    assert fits(shown, {**PUSH, "history": HISTORY, "sender": str, "meta": dict}), shown
    assert shown["sender"] == "ci" and shown["meta"] == {"commit": "c0ffee"} and shown["history"]

    updates = agent.json("updates", "--all")
    assert fits(updates, [UPDATE]) and len(updates) == 2 and agent.json("updates") == [], updates
    update = next(one for one in updates if one["target"] == "docker/app")
    assert update["push"] == waited["id"] and update["from"] == first and update["to"] == digest
    shown = agent.json("show", update["id"])
    assert fits(shown, {**UPDATE, "history": HISTORY})
    stages = [line["stage"] for line in shown["history"]]
    assert [stage for i, stage in enumerate(stages) if stage not in stages[:i] and stage in (
        "policy", "resolve", "fetch", "apply", "observe", "settle")] == [
            "policy", "resolve", "fetch", "apply", "observe", "settle"], stages
    assert [line["at"] for line in shown["history"]] == sorted(line["at"] for line in shown["history"])
    plan = agent.json("plan", name)
    assert {one["target"]: one["verdict"] for one in plan["targets"]}["docker/app"] == "unchanged"


def test_what_people_see(engine, images, agent, repository):
    begin(engine, images, repository)
    name = images.name(repository, "stable")
    digest = images.make(repository, "stable", "v2")
    done = agent.push_command(name, "--digest", digest, "--wait")
    assert done.returncode == 0 and re.search(r"docker/app.*updated", done.stdout), (done.stdout, done.stderr)
    identity = agent.json("updates", "--all")[0]["id"]
    for arguments, words in ((["targets"], "docker/app"), (["pushes"], name), (["updates", "--all"], "updated"),
                             (["show", identity], "History"), (["plan", name], "unchanged")):
        done = agent.run(*arguments)
        assert done.returncode == 0 and words in done.stdout and "\x1b" not in done.stdout, done
    listed = [json.loads(agent.run("pushes", "--limit", limit, "--json").stdout) for limit in ("1", "1000")]
    assert [len(one) for one in listed] == [1, 1]


def test_empty_lists_are_empty_lists(agent):
    for command in (["targets"], ["updates"], ["updates", "--all"], ["pushes"]):
        assert agent.json(*command) == []
    plan = agent.json("plan", "ghcr.io/brian/site:1")
    assert plan["targets"] == [] and plan["image"] == "ghcr.io/brian/site:1"


def test_the_newest_come_first_and_no_more_than_asked_for(agent):
    identities = [agent.accepted(f"ghcr.io/brian/site:{i}") for i in range(5)]
    assert [one["id"] for one in agent.json("pushes")] == identities[::-1]
    assert [one["id"] for one in agent.json("pushes", "--limit", "2")] == identities[:2:-1]


# Decisions.

def test_wait_runs_out_and_the_update_goes_on(waiting):
    agent, name, _ = waiting
    done = agent.push_command(name, "--wait=4s")  # the longest time until it is matched
    assert done.returncode == 3 and "still open" in done.stderr and "docker/app" in done.stdout, done
    document = agent.push_command(name, "--wait=1s", "--json")
    assert document.returncode == 3 and fits(json.loads(document.stdout), PUSH)
    assert json.loads(document.stdout)["open"] >= 1


def test_cancel_ends_what_waits(waiting, engine):
    agent, name, identity = waiting
    done = agent.run("cancel", identity, "--json")
    assert done.returncode == 0 and fits(json.loads(done.stdout), UPDATE), done
    assert json.loads(done.stdout)["result"] == "cancelled" and json.loads(done.stdout)["finished"]
    assert agent.json("updates") == []
    again = agent.run("cancel", identity)
    assert again.returncode == 1 and "finished already" in again.stderr, again
    assert engine.serves("app") == "v1"


def test_retry_does_not_wait_any_longer(waiting, images, registry, repository):
    agent, name, identity = waiting
    digest = images.make(repository, "stable", "v2")
    stays(lambda: agent.show(identity)["result"] is None, 1, "it waits ten minutes")
    registry.proxy.mend()
    done = agent.run("retry", identity, "--json")
    assert done.returncode == 0 and fits(json.loads(done.stdout), UPDATE), done
    wait_until(lambda: agent.show(identity)["result"], 30, "it goes on")
    shown = agent.show(identity)
    assert shown["result"] == "updated" and shown["to"] == digest, shown
    assert any(line["event"] == "retried" and line["detail"] == "by hand" for line in shown["history"])
    again = agent.run("retry", identity)
    assert again.returncode == 1 and "nothing to try again" in again.stderr, again


def test_the_decisions_of_a_push_that_never_was(agent):
    for arguments in (["show", "upd_0000000000000"], ["show", "psh_0000000000000"], ["cancel", "upd_0000000000000"],
                      ["retry", "upd_0000000000000"]):
        done = agent.run(*arguments)
        assert done.returncode == 1 and "no such" in done.stderr and done.stdout == "", done


# Exit statuses.

def test_usage(agent):
    wrong = [[], ["nonsense"], ["--nonsense"], ["targets", "--nonsense"], ["targets", "extra"], ["show"],
             ["show", "app"], ["cancel", "psh_0000000000000"], ["plan"], ["plan", "No/Such:Image"],
             ["plan", "ghcr.io/brian/site"], ["pushes", "--limit", "0"], ["pushes", "--limit", "x"],
             ["push", "ghcr.io/brian/site:1"], ["push", "--wait", "ghcr.io/brian/site:1"],
             ["push", "ghcr.io/brian/site:1", "--url", agent.url],
             ["push", "ghcr.io/brian/site:1", "--url", "ftp://x", "--secret-file", agent.secret_path],
             ["push", "ghcr.io/brian/site:1", "--url", agent.url, "--secret-file", "/nonexistent"],
             ["push", "ghcr.io/brian/site:1", "--url", agent.url, "--secret-file", agent.secret_path, "--digest", "x"],
             ["push", "ghcr.io/brian/site:1", "--url", agent.url, "--secret-file", agent.secret_path, "--wait=soon"],
             ["push", "ghcr.io/brian/site", "--url", agent.url, "--secret-file", agent.secret_path],
             ["targets", "--control", "nowhere"], ["serve", "--nonsense"], ["check", "extra"]]
    for arguments in wrong:
        done = agent.run(*arguments)
        assert done.returncode == 2 and done.stdout == "" and done.stderr, (arguments, done)
        assert "Sanitizer" not in done.stderr
    assert agent.json("pushes") == []


def test_help_and_version(agent):
    for command in ("serve", "check", "push", "targets", "updates", "pushes", "show", "plan", "retry", "cancel"):
        done = agent.run(command, "--help")
        assert done.returncode == 0 and f"landwaiter {command}" in done.stdout and done.stderr == "", done
        assert command in agent.run("--help").stdout
    version = agent.run("--version").stdout
    assert re.fullmatch(r"landwaiter \d+\.\d+\.\d+\S* \(([0-9a-f]{12}\+?|unknown)\)\n([A-Za-z0-9]+ \d\S+\n){9}", version)
    assert agent.run("serve", "--version").stdout == version


def test_nobody_is_there(agent_of):
    agent = agent_of(engine=None)  # not started
    for arguments in (["targets"], ["updates"], ["pushes", "--json"], ["plan", "alpine:3"],
                      ["show", "psh_0000000000000"], ["cancel", "upd_0000000000000"], ["retry", "upd_0000000000000"]):
        done = agent.run(*arguments)
        assert done.returncode == 4 and done.stdout == "" and "cannot reach the agent" in done.stderr, done
    left = socket.socket(socket.AF_UNIX)
    left.bind(agent.control_path)  # a socket that a killed agent left
    left.close()
    assert agent.run("targets").returncode == 4


def test_push_to_an_agent_that_comes_back(agent_of):
    """A CI job meets a restart: it repeats its notice, which is accepted once."""
    agent = agent_of(engine=None, settings={"platforms": {}})
    job = subprocess.Popen([BINARY, "push", "alpine:3", "--url", agent.url, "--sender", "ci", "--secret-file",
                            agent.secret_path, "--wait=20s"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True)
    try:
        told = job.stderr.readline() + job.stderr.readline()
        assert "cannot reach the agent" in told and "again in" in told, told
        agent.start()
        assert job.wait(30) == 0, job.stderr.read()
    finally:
        job.kill()
        job.communicate()
    assert len(agent.json("pushes")) == 1


def test_not_authenticated_or_not_allowed(agent_of, tmp_path):
    agent = agent_of(engine=None, settings={"platforms": {}})
    agent.settings["senders"][0]["images"] = ["ghcr.io/brian/*"]
    agent.configure()
    agent.start()
    wrong = tmp_path / "wrong"
    wrong.write_text("whsec_" + "AAAA" * 8 + "\n", encoding="ascii")
    common = ["--url", agent.url, "--sender", "ci"]
    done = agent.run("push", "ghcr.io/brian/site:1", *common, "--secret-file", str(wrong))
    assert done.returncode == 5 and "401" in done.stderr, done
    done = agent.run("push", "ghcr.io/brian/site:1", "--url", agent.url, "--sender", "other", "--secret-file",
                     agent.secret_path)
    assert done.returncode == 5, done
    done = agent.run("push", "quay.io/brian/site:1", *common, "--secret-file", agent.secret_path)
    assert done.returncode == 5 and "quay.io/brian/site" in done.stderr, done
    by_variables = agent.run("push", "ghcr.io/brian/site:1", environment={
        "LANDWAITER_URL": agent.url + "/", "LANDWAITER_SENDER": "ci", "LANDWAITER_SECRET_FILE": agent.secret_path})
    assert by_variables.returncode == 0 and by_variables.stdout.startswith("psh_"), by_variables
    assert [one["image"] for one in agent.json("pushes")] == ["ghcr.io/brian/site:1"]
    for done in (done, by_variables):
        assert SECRET not in done.stdout + done.stderr


def test_the_control_socket_is_not_for_everybody(agent):
    assert os.stat(agent.control_path).st_mode & 0o777 == 0o660
    done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", BINARY, "targets",
                           "--control", "unix:" + agent.control_path], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=20, check=False)
    assert done.returncode == 4 and done.stdout == "" and "cannot reach" in done.stderr, done


def test_the_answer_of_a_full_disk_is_no_success(agent):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([BINARY, "pushes", "--json", "--control", "unix:" + agent.control_path],
                              stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, timeout=20, check=False)
    assert done.returncode == 1 and b"cannot write" in done.stderr
