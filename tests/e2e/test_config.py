"""The configuration as its writer meets it: `check`, the start, SIGHUP, and the agent without any file."""

import glob
import json
import os
import sqlite3
import subprocess

import pytest

from lib.agent import BINARY, SECRET, Agent
from lib.wait import free_port, wait_until

FAULTY = sorted(glob.glob(os.path.join(os.path.dirname(__file__), "../data/config/faulty/*.yaml")))
TOKEN = "a-token-from-the-environment-0123456789"
MARKER = "the-secret-that-must-not-be-shown-0123456789"
KNOWN = {"CONFIG_TEST_SECRET": MARKER, "CONFIG_TEST_EMPTY": "", "HOME": "/nonexistent"}


@pytest.fixture
def idle(tmp_path):
    """An agent that is configured only for commands and its start; closed at the end."""
    made = []

    def make(**more):
        one = Agent(str(tmp_path / f"agent{len(made)}"), **{"settings": {"platforms": {}}, **more})
        made.append(one)
        return one
    yield make
    for one in made:
        one.close()


def test_a_zone_whose_package_is_missing_is_told_with_its_name(idle):
    """As after an upgrade to Debian 13 or Ubuntu 24.04, which have older names in a separate package."""
    agent = idle(settings={"windows": {"night": {"start": "02:00", "duration": "3h", "tz": "US/Eastern"}}})
    hidden = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /usr/share/zoneinfo/US && exec "$@"', "-"]
    assert agent.run("check", "-c", agent.config_path).returncode == 0
    done = subprocess.run([*hidden, BINARY, "check", "-c", agent.config_path], capture_output=True, text=True, timeout=30,
                          check=False)
    assert done.returncode == 2 and '"US/Eastern" is not a known time zone' in done.stdout, (done.stdout, done.stderr)
    assert "install the package with the older names (tzdata-legacy)" in done.stdout, done.stdout


def test_there_are_enough_faulty_files():
    assert len(FAULTY) >= 30


@pytest.mark.parametrize("path", FAULTY, ids=[os.path.basename(path)[:-5] for path in FAULTY])
def test_check_names_each_fault_at_its_place(idle, path):
    with open(path[:-5] + ".expected", encoding="utf-8") as text:
        expected = [f"{path}:{line}" for line in text.read().splitlines()]
    agent = idle(environment=KNOWN)

    done = agent.run("check", "-c", path)
    assert done.returncode == 2 and done.stdout.splitlines() == expected, (done.stdout, done.stderr)

    done = agent.run("check", "-c", path, "--json")
    document = json.loads(done.stdout)
    assert done.returncode == 2 and document["ok"] is False
    told = [f"{one['file']}:{one['line']}:{one['column']}: {one['message']}" for one in document["faults"]]
    warned = [f"{one['file']}:{one['line']}:{one['column']}: warning: {one['message']}"
              for one in document["warnings"]]
    assert told and sorted(told + warned) == sorted(expected)

    refused = agent.run("serve", "-c", path, timeout=20)
    assert refused.returncode == 2 and refused.stderr.splitlines() == expected, refused
    assert MARKER not in done.stdout + refused.stderr


def test_check_of_a_good_file(idle):
    agent = idle(settings={"platforms": {"docker": {}}})
    done = agent.run("check", "-c", agent.config_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{agent.config_path}: ok\n", "")
    document = json.loads(agent.run("check", "-c", agent.config_path, "--json").stdout)
    assert document["ok"] is True and document["faults"] == []
    by_variable = agent.run("check", environment={"LANDWAITER_CONFIG": agent.config_path})
    assert by_variable.returncode == 0 and agent.config_path in by_variable.stdout


def test_warnings_alone_are_no_fault(idle):
    agent = idle()
    agent.settings["senders"][0]["auth"] = {"standard_webhooks": {"secret": SECRET}}
    agent.configure()
    done = agent.run("check", "-c", agent.config_path)
    assert done.returncode == 0 and "warning" in done.stdout and SECRET not in done.stdout, done.stdout


def test_a_file_that_is_named_must_be_there(idle):
    agent = idle()
    for command in ("check", "serve"):
        done = agent.run(command, "-c", "/nonexistent.yaml")
        assert done.returncode == 2 and "/nonexistent.yaml" in done.stdout + done.stderr, done


def test_sighup_takes_a_good_file_and_refuses_a_faulty_one(idle):
    agent = idle().start()
    assert agent.push("ghcr.io/brian/a:1").status == 202
    sender = dict(agent.settings["senders"][0])

    agent.settings["senders"] = [{**sender, "images": ["ghcr.io/brian/*"]}, {**sender, "name": "second"}]
    agent.configure()
    agent.reload()
    wait_until(lambda: agent.events("config.reloaded"), 10, "it is reloaded")
    wait_until(lambda: agent.push("quay.io/x/a:1").status == 403, 10, "the new rule is in force")
    assert agent.push("quay.io/x/a:1", sender="second").status == 202

    text = json.dumps({**agent.settings, "senders": [{**sender, "imags": ["**"]}]}, indent=1)
    agent.configure(text)
    agent.reload()
    wait_until(lambda: agent.events("config.refused"), 10, "it is refused")
    fault = next(one for one in agent.events("config.fault") if "imags" in one["message"])
    line = next(i for i, one in enumerate(text.splitlines(), 1) if "imags" in one)
    assert fault["place"].startswith(f"{line}:") and "images" in fault["message"], fault
    assert agent.push("quay.io/x/a:1").status == 403, "the old one stays in force"
    assert agent.push("ghcr.io/brian/a:2", sender="second").status == 202
    assert len(agent.events("config.reloaded")) == 1


def test_a_rotated_secret_counts_after_sighup(idle):
    agent = idle().start()
    new = "whsec_" + "bmV3IHNlY3JldCBvZiB0aGUgdGVzdHMsIGxvbmcgZW5vdWdo"
    assert agent.push("ghcr.io/brian/a:1", secret=new).status == 401
    with open(agent.secret_path, "w", encoding="ascii") as out:
        out.write(new + "\n")
    assert agent.push("ghcr.io/brian/a:1").status == 202, "not before it is told"
    agent.reload()
    wait_until(lambda: agent.push("ghcr.io/brian/a:1", secret=new).status == 202, 10, "the new one counts")
    assert agent.push("ghcr.io/brian/a:1").status == 401


def test_without_a_file(engine, tmp_path, images, repository):
    """Docker's socket, opt-in by label, one sender named default with a token from the environment."""
    assert not os.path.exists("/etc/landwaiter/landwaiter.yaml"), "a machine that has it installed cannot tell"
    images.make(repository, "stable", "v1")
    engine.run("app", images.name(repository, "stable"))
    engine.run("other", images.name(repository, "stable"), labels={"landwaiter.enable": ""})
    agent = Agent(str(tmp_path / "agent"))
    os.unlink(agent.config_path)
    agent.environment = {"LANDWAITER_TOKEN": TOKEN, "LANDWAITER_STATE": agent.state,
                         "LANDWAITER_LISTEN": f"127.0.0.1:{agent.port}", "DOCKER_HOST": engine.host,
                         "LANDWAITER_CONTROL": "unix:" + agent.control_path, "HOME": str(tmp_path)}
    checked = agent.run("check")
    assert checked.returncode == 0 and "no such file" in checked.stdout, checked
    none = agent.run("check", environment={"LANDWAITER_TOKEN": "", "LANDWAITER_TOKEN_FILE": ""})
    assert none.returncode == 2 and "LANDWAITER_TOKEN" in none.stdout, none
    agent.wrapper = ["sh", "-c", 'exec "$1" serve', "-"]  # without -c
    try:
        agent.start()
        targets = {one["target"]: one["enabled"] for one in agent.json("targets")}
        assert targets == {"docker/app": True, "docker/other": False}
        token = tmp_path / "token"
        token.write_text(TOKEN + "\n", encoding="ascii")
        done = agent.run("push", "ghcr.io/brian/site:1", "--url", agent.url, "--token-file", str(token), "--wait=20s")
        assert done.returncode == 0, (done.stdout, done.stderr)
        assert [push["image"] for push in agent.json("pushes")] == ["ghcr.io/brian/site:1"]
        token.write_text(TOKEN[:-1] + "\n", encoding="ascii")
        done = agent.run("push", "ghcr.io/brian/site:1", "--url", agent.url, "--token-file", str(token))
        assert done.returncode == 5, (done.stdout, done.stderr)
    finally:
        agent.close()


# The state directory.

def test_a_second_agent_on_the_same_state_is_refused(idle):
    first = idle().start()
    second = idle()
    second.settings.update(state=first.state)
    second.configure()
    second.start(ready=False)
    assert second.ended() != 0
    assert "another landwaiter uses this state directory" in second.log, second.log
    assert first.accepted("ghcr.io/brian/a:1")
    first.kill9()
    second.start()
    assert [push["image"] for push in second.json("pushes")] == ["ghcr.io/brian/a:1"], "a killed one holds nothing"


def test_the_state_of_a_newer_version_is_refused_and_left_alone(idle):
    agent = idle().start()
    identity = agent.accepted("ghcr.io/brian/a:1")
    agent.stop()
    path = os.path.join(agent.state, "landwaiter.db")
    with sqlite3.connect(path) as database:
        known = database.execute("PRAGMA user_version").fetchone()[0]
        database.execute(f"PRAGMA user_version = {known + 1}")
    agent.start(ready=False)
    assert agent.ended() != 0
    assert "newer" in agent.log.splitlines()[-1], agent.log
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA user_version").fetchone()[0] == known + 1
        database.execute(f"PRAGMA user_version = {known}")
    agent.start()
    assert [push["id"] for push in agent.json("pushes")] == [identity]


def test_a_state_directory_that_cannot_be_written_is_told(idle):
    agent = idle()
    agent.settings["state"] = "/proc/nonexistent/state"
    agent.configure()
    agent.start(ready=False)
    assert agent.ended() != 0
    assert "/proc/nonexistent/state" in agent.log and "No such file" in agent.log, agent.log


def test_a_port_that_is_taken_is_told(idle):
    first = idle().start()
    second = idle()
    second.settings["listen"] = first.settings["listen"]
    second.configure()
    second.start(ready=False)
    assert second.ended() != 0
    assert first.settings["listen"] in second.log and "Address already in use" in second.log, second.log


def test_listening_on_ipv6_and_control_over_tcp(idle, tmp_path):
    agent = idle()
    port, control = free_port(), free_port()
    token = tmp_path / "control-token"
    token.write_text(TOKEN + "\n", encoding="ascii")
    agent.settings.update(listen=f"[::]:{port}", control=f"127.0.0.1:{control}", control_token={"file": str(token)})
    agent.configure()
    agent.port, agent.url = port, f"http://127.0.0.1:{port}"
    agent.start()
    assert agent.push("ghcr.io/brian/a:1").status == 202, "IPv4 reaches it too"
    there = {"LANDWAITER_CONTROL": f"127.0.0.1:{control}"}
    refused = agent.run("pushes", environment={**there, "LANDWAITER_CONTROL_TOKEN_FILE": agent.secret_path})
    assert refused.returncode == 5, refused
    done = agent.run("pushes", "--json", environment={**there, "LANDWAITER_CONTROL_TOKEN_FILE": str(token)})
    assert done.returncode == 0 and len(json.loads(done.stdout)) == 1, done
