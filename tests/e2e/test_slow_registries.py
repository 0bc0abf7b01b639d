"""Registries that hang, refuse or drip hold up nobody else's updates."""

import json
import time

import pytest

from lib.proxy import Proxy
from lib.wait import free_port, wait_until

ROUNDS = 3


class Neighbour:
    """A registry that misbehaves on a port of its own, with containers of its images."""

    def __init__(self, engine, name, proxy=None):
        self.engine, self.name, self.proxy = engine, name, proxy
        self.host = f"127.0.0.1:{proxy.port if proxy else free_port()}"
        self.images = []

    def configuration(self):
        return {"host": self.host, "plain_http": True}

    def run(self, count, like):
        """Starts `count` containers, each of an image of its own; the engine has them already."""
        for i in range(count):
            repository = f"{self.host}/test/{self.name}{i}"
            self.engine.api("POST", f"/images/{like}/tag?repo={repository}&tag=stable")
            self.engine.run(f"{self.name}{i}", f"{repository}:stable", pull=False, host={})
            self.images.append(f"{repository}:stable")

    def push(self, agent):
        return [agent.accepted(image) for image in self.images]


@pytest.fixture
def neighbour(engine, registry):
    """neighbour(name, fault…): one with that fault of lib/proxy.py in front of the plain registry; without: it refuses."""
    made = []

    def make(name, **fault):
        one = Neighbour(engine, name, Proxy(registry.proxy.backend) if fault else None)
        if fault:
            one.proxy.fault(**fault)
        made.append(one)
        return one
    yield make
    for one in made:
        if one.proxy:
            one.proxy.stop()


def stages(agent, pushes):
    return [one["stage"] for push in pushes for one in agent.status(push)["updates"]]


def in_stage(agent, pushes, stage, count):
    wait_until(lambda: stages(agent, pushes).count(stage) >= count, 20, f"{count} are at {stage}")


class Well:
    """Three containers of a registry that is well."""

    def __init__(self, engine, images, repository):
        self.engine, self.images, self.round = engine, images, 0
        self.names = [f"{repository}/well{i}" for i in range(3)]
        for i, name in enumerate(self.names):
            images.make(name, "stable", "v0")
            engine.run(f"well{i}", images.name(name, "stable"))
        self.like = images.name(self.names[0], "stable")

    def update(self, agent):
        """The seconds that an update of all three takes."""
        self.round += 1
        for name in self.names:
            self.images.make(name, "stable", f"v{self.round}")
        begun = time.monotonic()
        pushes = [agent.accepted(self.images.name(name, "stable")) for name in self.names]
        for push in pushes:
            update, = agent.wait(push)["updates"]
            assert update["result"] == "updated", update
        return time.monotonic() - begun


@pytest.mark.long
def test_three_bad_registries_cost_a_good_one_nothing(engine, registry, images, agent_of, neighbour, repository):
    well = Well(engine, images, repository)
    bad = [neighbour("hangs", delay=3600), neighbour("drips", drip="header"), neighbour("refuses")]
    agent = agent_of(settings={"registries": [registry.configuration(), *(one.configuration() for one in bad)]}, start=True)
    for one in bad:
        one.run(4, well.like)
    alone = [well.update(agent) for _ in range(ROUNDS)]
    beside = []
    for _ in range(ROUNDS):
        pushes = [push for one in bad for push in one.push(agent)]
        in_stage(agent, pushes, "resolve", 12)
        beside.append(well.update(agent))
        assert {one["result"] for push in pushes for one in agent.status(push)["updates"]} == {None}
    print(json.dumps({"alone": alone, "beside": beside}))
    # The least of each: other work on the machine only adds.
    assert min(beside) <= 1.2 * min(alone), (alone, beside)


@pytest.mark.long
def test_24_targets_at_a_registry_that_drips_a_header(engine, registry, images, agent_of, neighbour, repository):
    well = Well(engine, images, repository)
    drips = neighbour("drips", drip="header")
    agent = agent_of(settings={"registries": [registry.configuration(), drips.configuration()]}, start=True)
    drips.run(24, well.like)
    alone = well.update(agent)
    pushes = drips.push(agent)
    in_stage(agent, pushes, "resolve", 24)
    assert well.update(agent) <= 1.2 * alone + 0.5

    # A header that does not end ends all the same, and is asked for less and less often.
    def told():
        reasons = [one["reason"] or "" for push in pushes for one in agent.status(push)["updates"]]
        return sum(drips.host + " is asked less often until it answers in time" in reason for reason in reasons)
    wait_until(lambda: told() >= 20, 45, "its updates say so")
    assert drips.proxy.count() <= 4, "two at first, then one at a time"
    for i in range(24):
        images.make(f"test/drips{i}", "stable", "v1")
    drips.proxy.mend()
    wait_until(lambda: "resolve" not in stages(agent, pushes), 60, "the first answer lets all of them go on")
    for push in pushes[:2]:
        wait_until(lambda p=push: agent.status(p)["updates"][0]["stage"] != "fetch", 30, "it is fetched")


@pytest.mark.long
def test_eight_layers_that_drip(engine, registry, images, agent_of, neighbour, repository):
    well = Well(engine, images, repository)
    drips = neighbour("drips", path="/blobs/", agent="^docker/", drip="body")
    agent = agent_of(settings={"registries": [registry.configuration(), drips.configuration()]}, start=True)
    drips.run(8, well.like)
    alone = well.update(agent)
    for i in range(8):
        images.make(f"test/drips{i}", "stable", f"new{i}")
    pushes = drips.push(agent)
    in_stage(agent, pushes, "fetch", 8)
    wait_until(lambda: drips.proxy.count(agent="^docker/", path="/blobs/") >= 2, 20, "two are being pulled")
    assert well.update(agent) <= 1.2 * alone + 0.5
    assert stages(agent, pushes).count("fetch") == 8


def test_a_question_of_a_person_does_not_wait_for_another(engine, registry, images, agent_of, neighbour, repository):
    well = Well(engine, images, repository)
    hangs = neighbour("hangs", delay=3600)
    agent = agent_of(settings={"registries": [registry.configuration(), hangs.configuration()]}, start=True)
    hangs.run(3, well.like)
    pushes = hangs.push(agent)
    in_stage(agent, pushes, "resolve", 3)
    begun = time.monotonic()
    plan = agent.control("POST", "/v1/plan", {"image": well.like}).json
    assert plan["targets"][0]["verdict"] == "unchanged", plan
    assert time.monotonic() - begun < 2
