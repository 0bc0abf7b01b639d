"""How updates end: healthy, or where they began. Every fault of a v2, on the real engine, as its owner sees it."""

import pytest

from lib.wait import wait_until

# kind of v2, result, words of the reason that a person understands
BAD = [
    ("crash", "rolled-back", "exited with code 3"),
    ("crash-later", "rolled-back", "exited with code 4"),
    ("unhealthy", "rolled-back", "health check"),
    ("starting", "rolled-back", "not healthy"),
    ("unstartable", "rolled-back", "/no/such/program"),
    ("uncreatable", "failed", "could not create"),
]


def begin(engine, images, repository, **more):
    images.make(repository, "stable", "v1")
    engine.run("app", images.name(repository, "stable"), **more)
    wait_until(lambda: engine.serves("app") == "v1", 10, "v1 answers")
    return engine.inspect("app")


def same_as_before(engine, old):
    """The old container itself: its id, its name, running, its restart policy; and nothing beside it."""
    wait_until(lambda: engine.serves("app") == "v1", 10, "v1 answers again")
    new = engine.inspect("app")
    assert new["Id"] == old["Id"]
    assert new["Name"] == old["Name"]
    assert new["HostConfig"] == old["HostConfig"]
    assert engine.containers() == ["app"]


@pytest.mark.parametrize("kind, result, words", BAD, ids=[row[0] for row in BAD])
def test_a_bad_v2_is_put_back(engine, images, agent_of, registry, repository, kind, result, words):
    labels = {"landwaiter.soak": "3s"}  # time to go wrong, even on a busy machine
    if kind == "starting":
        labels["landwaiter.health-timeout"] = "3s"
    old = begin(engine, images, repository, labels=labels)
    name = images.name(repository, "stable")
    tag_before = engine.api("GET", f"/images/{name}/json")["Id"]
    agent = agent_of([registry], start=True)
    digest = images.make(repository, "stable", "v2", kind=kind)

    done = agent.push_command(name, "--digest", digest, "--wait=60s")

    assert done.returncode == 1, (done.stdout, done.stderr)
    assert "docker/app" in done.stdout and result in done.stdout, done.stdout
    update = agent.json("updates", "--all")[0]
    assert update["result"] == result and words in update["reason"], update
    assert update["to"] == digest
    same_as_before(engine, old)
    assert engine.api("GET", f"/images/{name}/json")["Id"] == tag_before, "the local tag is back too"


def test_a_v2_that_cannot_be_pulled_stops_nothing(engine, images, agent, repository):
    old = begin(engine, images, repository)
    started = old["State"]["StartedAt"]
    digest = images.make(repository, "stable", "v2", upload=False)

    done = agent.push_command(images.name(repository, "stable"), "--digest", digest, "--wait=60s")

    assert done.returncode == 1, (done.stdout, done.stderr)
    update = agent.json("updates", "--all")[0]
    assert update["result"] == "failed", update
    assert "nothing was touched" in update["reason"], update
    same_as_before(engine, old)
    assert engine.inspect("app")["State"]["StartedAt"] == started


def test_an_unchanged_digest_restarts_nothing(engine, images, agent, repository):
    old = begin(engine, images, repository)
    update = agent.deploy(images.name(repository, "stable"))["docker/app"]
    assert update["result"] == "unchanged", update
    assert engine.inspect("app")["State"]["StartedAt"] == old["State"]["StartedAt"]


def test_a_rolled_back_digest_is_tried_again_only_when_told(engine, images, agent, repository):
    old = begin(engine, images, repository, labels={"landwaiter.soak": "3s"})
    name = images.name(repository, "stable")
    digest = images.make(repository, "stable", "v2", kind="crash")
    first = agent.deploy(name, digest)["docker/app"]
    assert first["result"] == "rolled-back", first
    stops = engine.inspect("app")["State"]["StartedAt"]

    again = agent.deploy(name, digest)["docker/app"]
    assert again["result"] == "denied" and first["id"] in again["reason"], again
    assert engine.inspect("app")["State"]["StartedAt"] == stops, "it was not touched"

    retried = agent.run("retry", first["id"], "--json")
    assert retried.returncode == 0, retried.stderr
    wait_until(lambda: agent.show(first["id"])["result"] == "rolled-back", 30, "it was tried again")
    assert engine.inspect("app")["State"]["StartedAt"] != stops, "it was tried"
    same_as_before(engine, old)

    fixed = images.make(repository, "stable", "v3")
    assert agent.deploy(name, fixed)["docker/app"]["result"] == "updated"


def test_rollback_can_be_switched_off(engine, images, agent, repository):
    begin(engine, images, repository, labels={"landwaiter.rollback": "false"})
    digest = images.make(repository, "stable", "v2", kind="unhealthy")
    update = agent.deploy(images.name(repository, "stable"), digest)["docker/app"]
    assert update["result"] == "failed" and "rollback is off" in update["reason"], update
    wait_until(lambda: engine.serves("app") == "v2", 10, "the new one was left")
    assert engine.containers() == ["app"]


def test_every_container_of_the_image_is_updated_and_no_other(engine, images, agent, repository):
    images.make(repository, "stable", "v1")
    images.make(repository, "beta", "v1")
    name = images.name(repository, "stable")
    for container in ("one", "two", "three"):
        engine.run(container, name)
    engine.run("not-opted-in", name, labels={"landwaiter.enable": "false"})
    engine.run("never", name, labels={"landwaiter.policy": "never"})
    engine.run("other-tag", images.name(repository, "beta"))
    engine.run("stopped", name, start=False)
    engine.run("misspelt", name, labels={"landwaiter.soak": "soon"})
    digest = images.make(repository, "stable", "v2")

    updates = agent.deploy(name, digest)

    results = {target: update["result"] for target, update in updates.items()}
    assert results == {"docker/one": "updated", "docker/two": "updated", "docker/three": "updated",
                       "docker/never": "unchanged", "docker/stopped": "unchanged", "docker/misspelt": "failed"}
    assert "landwaiter.soak" in updates["docker/misspelt"]["reason"]
    for container in ("one", "two", "three"):
        wait_until(lambda c=container: engine.serves(c) == "v2", 10, f"{container} serves v2")
    for container in ("not-opted-in", "never", "other-tag", "misspelt"):
        assert engine.serves(container) == "v1", container


def test_a_newer_push_supersedes_what_still_waits(engine, images, agent, registry, repository):
    begin(engine, images, repository)
    name = images.name(repository, "stable")
    missing = "sha256:" + "0" * 64
    waiting = agent.accepted(name, missing)
    wait_until(lambda: agent.status(waiting)["updates"], 10, "it was matched")
    digest = images.make(repository, "stable", "v3")
    assert agent.deploy(name, digest)["docker/app"]["result"] == "updated"
    document = agent.wait(waiting)
    assert [update["result"] for update in document["updates"]] == ["superseded"], document


def test_refused_before_anything_is_stopped(engine, images, agent, repository):
    images.make(repository, "stable", "v1")
    name = images.name(repository, "stable")
    engine.run("vanishing", name, host={"AutoRemove": True})
    engine.run("provider", name)
    provider = engine.inspect("provider")["Id"]
    engine.run("consumer", name, host={"NetworkMode": "container:provider"}, labels={"landwaiter.enable": "false"})
    started = {c: engine.inspect(c)["State"]["StartedAt"] for c in ("vanishing", "provider")}
    digest = images.make(repository, "stable", "v2")

    updates = agent.deploy(name, digest)

    assert updates["docker/vanishing"]["result"] == "failed", updates
    assert "--rm" in updates["docker/vanishing"]["reason"]
    assert updates["docker/provider"]["result"] == "failed", updates
    assert "consumer" in updates["docker/provider"]["reason"]
    assert {c: engine.inspect(c)["State"]["StartedAt"] for c in started} == started
    assert engine.inspect("provider")["Id"] == provider
