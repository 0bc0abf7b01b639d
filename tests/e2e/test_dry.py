"""One push from the command in CI to the update's end, on the null platform: it needs no engine, so it can run
wherever the program runs; and the commands that need no agent. tests/cross runs this under emulators."""

import json

import pytest

from lib.agent import Agent

LATER = {"night": {"days": ["sun"], "start": "02:00", "duration": "3h", "tz": "Europe/Berlin"}}


@pytest.fixture
def dry(tmp_path, registry, images):
    """An agent whose null platform runs SITE:stable."""
    agent = Agent(str(tmp_path / "agent"), registries=[registry], settings={"windows": LATER, "platforms": {}},
                  environment={"LANDWAITER_TEST_DRY": images.name("site", "stable")})
    yield agent
    agent.close()


def test_one_push(dry, images):
    digest = images.make("site", "stable")
    dry.start()
    done = dry.push_command(images.name("site", "stable"), "--wait", "--json")
    assert done.returncode == 0, (done.stdout, done.stderr, dry.log[-3000:])
    update, = json.loads(done.stdout)["updates"]
    assert (update["target"], update["result"], update["to"]) == ("dry/site", "updated", digest)
    again = dry.deploy(images.name("site", "stable"))
    assert again["dry/site"]["result"] == "unchanged", again
    target, = dry.json("targets")
    assert target["running"] == digest
    assert dry.json("audit", "--verify")["ok"]


def test_a_check_tells_where_it_is_wrong(dry):
    assert dry.run("check", "-c", dry.config_path).returncode == 0
    dry.configure('listen: 127.0.0.1:9077\nlisten: no\n')
    done = dry.run("check", "-c", dry.config_path)
    assert done.returncode != 0 and ":2:1:" in done.stdout + done.stderr, (done.stdout, done.stderr)


@pytest.mark.parametrize("at, opens, closes", [
    ("2040-01-03T12:00:00Z", "2040-01-08T01:00:00.000Z", None),
    ("2040-01-08T01:00:00Z", "2040-01-15T01:00:00.000Z", "2040-01-08T04:00:00.000Z"),
    ("2100-07-01T12:00:00Z", "2100-07-04T00:00:00.000Z", None),
    ("2100-07-04T00:00:00Z", "2100-07-11T00:00:00.000Z", "2100-07-04T03:00:00.000Z"),
])
def test_windows_beyond_2038(dry, at, opens, closes):
    done = dry.run("window", "night", "--at", at, "-c", dry.config_path, "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["open"], answer["opens"], answer["closes"]) == (closes is not None, opens, closes)
