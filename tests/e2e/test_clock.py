"""The clock scenarios of tests/data/windows.json, each played to a real agent on the real engine whose wall clock the test sets;
and the machine's own clock being set."""

import contextlib
import json
import os
import signal
import time
from datetime import date, datetime, timedelta, timezone

import pytest

from test_night import DAY, Apps, ends, in_state, newest, night, waits  # noqa: F401  (night is a fixture)

from lib.wait import hold, stays, wait_until

with open(os.path.join(os.path.dirname(__file__), "..", "data", "windows.json"), encoding="utf-8") as file:
    CLOCK = json.load(file)["clock_scenarios"]


@pytest.fixture
def apps(engine, images, repository):
    return Apps(engine, images, repository)


class Scene:
    """One scenario: the expectation of each step, seen at the container and at its update."""

    def __init__(self, engine, apps, agent, registry):
        self.engine, self.apps, self.agent, self.registry = engine, apps, agent, registry

    def wait(self):
        self.registry.proxy.mend()  # the unfinished download is complete now
        waits(self.agent, "app", "waits")
        assert self.engine.serves("app") == "v1"

    def apply(self):
        ends(self.agent, "app", "updated")
        self.apps.serves("app", "v2")

    def prepare(self):
        in_state(self.agent, "app", lambda update: update["stage"] == "fetch", "is fetched")

    def nothing(self):
        mine = self.engine.inspect("app")["Id"]
        stays(lambda: self.engine.inspect("app")["Id"] == mine and newest(self.agent, "app")["result"] == "updated", 1,
              "it is not applied twice")

    def begin(self):
        in_state(self.agent, "app", lambda update: update["stage"] == "observe", "is watched")

    def rollback(self):
        ends(self.agent, "app", "rolled-back")
        self.apps.serves("app", "v1")


def window_settings():
    windows = {f"w{number}": window for number, window in enumerate(CLOCK["windows"])}
    return {"windows": windows, "min_remaining": "0s",
            "defaults": {"windows": list(windows), "health": {"timeout": "6s", "soak": "1s"}}}


def before(utc):
    """Starts a minute earlier, so that updates already wait when the scenario begins."""
    return (datetime.fromisoformat(utc.replace("Z", "+00:00")) - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("case", CLOCK["cases"], ids=[case["name"] for case in CLOCK["cases"]])
def test_scenario(engine, apps, night, registry, case):  # noqa: F811
    expected = [step["expect"] for step in case["steps"]]
    clocks = [step["utc"] for step in case["steps"]]
    apps.run("app")
    agent = night(clock=before(clocks[0]) if expected[0] == "wait" else clocks[0], **window_settings())
    scene = Scene(engine, apps, agent, registry)
    kind = "good"
    if "rollback" in expected:  # it never becomes healthy, and shows it after the end of the window
        kind, expected[0] = "starting", "begin"
    if "prepare" in expected:  # the engine gets nothing from the registry yet
        registry.proxy.fault(agent="^docker/", drop=True)
    apps.push(agent, "app", "v2", kind=kind)
    if expected[0] == "wait":
        scene.wait()
    for clock, expect in zip(clocks, expected):
        agent.set_clock(clock)
        getattr(scene, expect)()
    if expected[-1] == "wait":
        stays(lambda: engine.serves("app") == "v1", 1, "nothing moves")


def in_seconds(seconds):
    return datetime.fromtimestamp(time.time() + seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def test_the_machines_clock_is_set(engine, apps, agent_of, registry):
    """Sets the clock to its present time, which is harmless: the kernel reports it nevertheless."""
    apps.run("app")
    agent = agent_of([registry], start=True)
    assert agent.run("hold", "all", "--until", in_seconds(3600)).returncode == 0
    apps.push(agent, "app", "v2")
    waits(agent, "app", "on hold")
    try:
        time.clock_settime(time.CLOCK_REALTIME, time.clock_gettime(time.CLOCK_REALTIME))
    except PermissionError:
        pytest.skip("setting the clock is not allowed here")
    wait_until(lambda: '"clock.set"' in agent.log, 10, "it notices")


def test_it_sleeps_over_the_time_that_it_waits_for(engine, apps, agent_of, registry):
    """As in a suspend, the agent does not run when the time comes; afterwards it decides at once."""
    apps.run("app")
    agent = agent_of([registry], settings={"defaults": {"health": {"soak": "100ms"}}}, start=True)
    assert agent.run("hold", "all").returncode == 0
    apps.push(agent, "app", "v2")
    waits(agent, "app", "on hold")
    assert agent.run("hold", "all", "--until", in_seconds(4)).returncode == 0
    in_state(agent, "app", lambda update: update["not_before"], "waits for the time")
    agent.process.send_signal(signal.SIGSTOP)
    hold(5)
    assert engine.serves("app") == "v1"
    agent.process.send_signal(signal.SIGCONT)
    resumed = in_seconds(0)
    update = ends(agent, "app", "updated")
    passed = [line["at"] for line in update["history"] if line["stage"] == "gate" and line["event"] == "next"][-1]
    late = datetime.fromisoformat(passed.replace("Z", "+00:00")) - datetime.fromisoformat(resumed.replace("Z", "+00:00"))
    assert late < timedelta(seconds=5), update


def test_killed_before_the_stop_it_goes_on_only_in_the_window(engine, apps, night):  # noqa: F811
    """The new container is there and the old one still runs: out of the window, the first goes and the second stays."""
    apps.run("app", windows="night")
    agent = night(clock=DAY)
    apps.push(agent, "app", "v2")
    waits(agent, "app", "window")
    agent.stop()
    old = engine.inspect("app")["Id"]
    nights = [night for night in (date(2026, 11, 24) + timedelta(days) for days in range(60)) if night.weekday() < 4]
    beside = False
    for place, tonight in enumerate(nights[:28], 1):  # each from the gate again: the first with two is before the store of the stop
        next_night = tonight + timedelta(1)  # the window is open on weekdays
        agent.set_clock(f"{tonight}T02:10:00Z")
        agent.environment["LANDWAITER_CRASH_AT"] = str(place)
        with contextlib.suppress(AssertionError):  # it may die before it is ready
            agent.start()
        wait_until(lambda: agent.process.poll() is not None, 30, f"it dies at place {place}")
        agent.process = None
        beside = len(engine.containers()) == 2
        del agent.environment["LANDWAITER_CRASH_AT"]
        agent.set_clock(f"{tonight}T04:00:00Z")
        agent.start()
        waits(agent, "app", "window", until=f"{next_night}T02:00:00.000Z")
        assert engine.containers() == ["app"]
        assert engine.inspect("app")["Id"] == old and engine.serves("app") == "v1"
        if beside:
            break
        agent.stop()
    assert beside, "no place was between the create and the stop"
    agent.set_clock(f"{next_night}T02:00:00Z")
    ends(agent, "app", "updated")
    apps.serves("app", "v2")
    assert engine.containers() == ["app"]


def test_a_slow_pull_outlasts_what_the_registry_said(engine, apps, night, registry):  # noqa: F811
    """After the pull the agent asks the registry once more, and applies the update: it does not alternate between both forever."""
    apps.run("app")
    agent = night(clock=DAY)
    registry.proxy.fault(agent="^docker/", drop=True)
    apps.push(agent, "app", "v2")
    in_state(agent, "app", lambda update: update["stage"] == "fetch" and "wait" in update["history"][-1]["event"], "is fetched")
    agent.set_clock("2026-11-23T12:05:00Z")
    registry.proxy.mend()
    ends(agent, "app", "updated")
    apps.serves("app", "v2")
    assert registry.proxy.count(method="HEAD") <= 3, registry.proxy.requests
