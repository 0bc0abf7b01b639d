"""Owners and their CI interfere while an update is under way: it must never touch anything else, nor lose a push."""

import pytest

from lib.wait import wait_until

LONG_SOAK = {"defaults": {"health": {"timeout": "30s", "soak": "10s"}}}


def begin(engine, images, repository, **more):
    images.make(repository, "stable", "v1")
    engine.run("app", images.name(repository, "stable"), **more)
    wait_until(lambda: engine.serves("app") == "v1", 10, "v1 answers")


def waiting(agent, name):
    """A push of a digest that the registry does not have: it waits in `resolve`."""
    push = agent.accepted(name, "sha256:" + "1" * 64)
    wait_until(lambda: [u["stage"] for u in agent.status(push)["updates"]] == ["resolve"], 10, "it waits")
    return push


def test_a_container_recreated_from_another_image_is_left_alone(engine, images, agent, registry, repository):
    begin(engine, images, repository)
    name = images.name(repository, "stable")
    images.make(repository + "/other", "stable", "other")
    registry.proxy.fault(path="/manifests/", agent="^landwaiter/", status=503)
    push = agent.accepted(name)
    wait_until(lambda: [u["stage"] for u in agent.status(push)["updates"]] == ["resolve"], 10, "it waits")
    engine.remove("app")
    engine.run("app", images.name(repository + "/other", "stable"))
    images.make(repository, "stable", "v2")
    registry.proxy.mend()
    update = agent.wait(push)["updates"][0]
    assert update["result"] == "cancelled" and "another image" in update["reason"], update
    assert engine.serves("app") == "other"


def test_a_container_recreated_as_it_was_is_updated_all_the_same(engine, images, agent, registry, repository):
    begin(engine, images, repository)
    name = images.name(repository, "stable")
    registry.proxy.fault(path="/manifests/", agent="^landwaiter/", status=503)
    push = agent.accepted(name)
    wait_until(lambda: [u["stage"] for u in agent.status(push)["updates"]] == ["resolve"], 10, "it waits")
    engine.remove("app")
    engine.run("app", name)
    images.make(repository, "stable", "v2")
    registry.proxy.mend()
    assert agent.wait(push)["updates"][0]["result"] == "updated"
    wait_until(lambda: engine.serves("app") == "v2", 10, "v2 answers")


def test_notices_out_of_order_lose_nothing(engine, images, agent, repository):
    """The notice of the older image comes last: the newer one, announced before it, wins."""
    begin(engine, images, repository)
    name = images.name(repository, "stable")
    one = images.make(repository, "stable", "v2")
    two = images.make(repository, "stable", "v3")
    first, second = agent.accepted(name, two), agent.accepted(name, one)
    agent.wait(first)
    agent.wait(second)
    wait_until(lambda: engine.serves("app") == "v3", 10, "the newest answers")


@pytest.mark.parametrize("decision", ["cancel", "retry"])
def test_decisions_on_an_update_that_waits(engine, images, agent, repository, decision):
    begin(engine, images, repository)
    push = waiting(agent, images.name(repository, "stable"))
    update = agent.status(push)["updates"][0]["id"]
    done = agent.run(decision, update)
    assert done.returncode == 0, done.stderr
    if decision == "cancel":
        assert agent.wait(push)["updates"][0]["result"] == "cancelled"
    else:
        assert agent.status(push)["open"] == 1
        agent.run("cancel", update)
    assert engine.serves("app") == "v1"


def test_an_update_that_is_being_applied_cannot_be_cancelled(engine, images, agent_of, registry, repository):
    begin(engine, images, repository)
    agent = agent_of([registry], settings=LONG_SOAK, start=True)
    digest = images.make(repository, "stable", "v2")
    push = agent.accepted(images.name(repository, "stable"), digest)
    wait_until(lambda: [u["stage"] for u in agent.status(push)["updates"]] == ["observe"], 20, "it is watched")
    done = agent.run("cancel", agent.status(push)["updates"][0]["id"])
    assert done.returncode == 1 and "being applied" in done.stderr, done
    assert agent.wait(push)["updates"][0]["result"] == "updated"
