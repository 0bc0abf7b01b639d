"""One bad container or image on the engine, which anybody there may have made, concerns itself: every other one is
updated as ever, and the doctor tells."""

import json

import pytest

from lib.engine import UnixConnection
from lib.proxy import Proxy
from lib.wait import wait_until

MIB = 1024 * 1024


def neighbour(engine, image, name="neighbour", labels=None, **more):
    """A container beside the app that has not opted in."""
    return engine.run(name, image, pull=False, start=False, config={"Labels": labels or {}}, **more)


def labelled(engine, image, name, labels):
    """An image with these labels, made of another one."""
    made = neighbour(engine, image, "base")
    engine.api("POST", f"/commit?container={made}&repo={name}&tag=1", {"Image": image, "Labels": labels})
    engine.remove("base")
    return name + ":1"


@pytest.fixture
def app(engine, images, repository):
    """The app, opted in, at v1. app(…) pushes v2 and expects it to be updated at once."""
    name = images.name(repository, "stable")
    images.make(repository, "stable", "v1")
    engine.run("app", name)
    wait_until(lambda: engine.serves("app") == "v1", 10, "v1 answers")

    def updated(agent, version="v2"):
        assert agent.ready(), agent.get("/readyz")
        digest = images.make(repository, "stable", version)
        updates = agent.deploy(name, digest, deadline=20)
        assert updates["docker/app"]["result"] == "updated", updates
        wait_until(lambda: engine.serves("app") == version, 10, f"{version} answers")
        return updates
    updated.image = name
    return updated


def findings(agent):
    done = agent.run("doctor", "--json")
    return {one["about"]: one for one in json.loads(done.stdout)["findings"]}


NUL = {
    "value": {"neighbour.says": "a\0b"},
    "name": {"a\0b": "1"},
    "setting": {"landwaiter.policy": "never\0"},
    "rule": {"team": "shop\0"},
    "nothing else": {"\0": "\0"},
}


@pytest.mark.parametrize("labels", NUL.values(), ids=NUL)
def test_a_zero_character_in_a_label(engine, agent_of, registry, app, labels):
    neighbour(engine, app.image, labels=labels)
    rules = [{"match": {"labels": {"team": "shop"}}, "group": "shop"}]
    agent = agent_of([registry], settings={"rules": rules}, start=True)
    app(agent)
    agent.restart()
    app(agent, "v3")


def test_a_zero_character_in_a_label_of_an_image(engine, agent, app):
    image = labelled(engine, app.image, "labelled", {"says": "a\0b", "c\0d": "1"})
    neighbour(engine, image)
    app(agent)


def test_a_zero_character_outlives_the_update_of_its_container(engine, images, agent, app, repository):
    """The container is made anew with all of its labels, and nothing is cut short."""
    labels = {"says": "a\0b", "c\0d": "\0"}
    engine.run("other", app.image, labels=labels, config={"Env": ["A=1"]})
    app(agent)
    found = engine.inspect("other")["Config"]["Labels"]
    assert {key: found.get(key) for key in labels} == labels
    wait_until(lambda: engine.serves("other") == "v2", 10, "v2 answers")


def test_a_setting_with_a_zero_character_is_the_targets_problem(engine, agent, app):
    engine.run("other", app.image, labels={"landwaiter.policy": "never\0"})
    updates = app(agent)
    assert updates["docker/other"]["result"] == "failed" and "policy" in updates["docker/other"]["reason"], updates
    assert engine.serves("other") == "v1"
    problem = next(one["problem"] for one in agent.json("targets") if one["target"] == "docker/other")
    assert "landwaiter.policy" in problem, problem
    assert findings(agent)["docker/other"]["level"] == "warning"


def test_a_part_that_cannot_be_read_is_told(engine, agent, app):
    """Of one that has not opted in by the doctor; of another one as its problem, too."""
    neighbour(engine, app.image, labels={"landwaiter.group": "g" * 10000})
    engine.run("other", app.image, labels={"landwaiter.group": "g" * 10000})
    updates = app(agent)
    assert updates["docker/other"]["result"] == "failed" and "too large" in updates["docker/other"]["reason"], updates
    told = findings(agent)
    assert told["docker/neighbour"]["level"] == "note" and "landwaiter.group" in told["docker/neighbour"]["message"]
    assert told["docker/other"]["level"] == "warning"


def test_an_image_of_which_the_engine_says_too_much(engine, images, agent, app, repository):
    """Its description has more than 4 MiB."""
    image = labelled(engine, app.image, "large", {f"l{i}": "x" * MIB for i in range(6)})
    neighbour(engine, image)
    engine.run("other", image, pull=False)
    app(agent)
    assert engine.serves("other") == "v1"


def test_a_list_of_more_than_64_mib(engine, agent, app):
    for i in range(10):
        neighbour(engine, app.image, f"neighbour{i}", labels={f"l{k}": "x" * MIB for k in range(7)})
    app(agent)


class EngineProxy(Proxy):
    def connect(self):
        return UnixConnection(self.backend)


@pytest.fixture
def proxy(engine):
    one = EngineProxy(engine.socket)
    yield one
    one.stop()


def test_readiness_asks_what_updates_ask(agent_of, registry, app, proxy):
    """An engine whose list cannot be read is not ready, and the doctor says so."""
    settings = {"platforms": {"docker": {"host": f"tcp://127.0.0.1:{proxy.port}", "select": "opted-in"}}}
    agent = agent_of([registry], settings=settings, start=True)
    proxy.fault(path="/containers/json", change=lambda body: body[:len(body) // 2])
    assert agent.get("/readyz").status == 503
    done = agent.run("doctor", "--json")
    assert done.returncode == 1 and json.loads(done.stdout)["findings"][0]["about"] == "docker", done
    proxy.mend()
    agent.wait_ready()
    app(agent)


def test_a_container_that_the_engine_cannot_show(engine, images, agent_of, registry, app, proxy, repository):
    """Its inspection fails again and again; its image's tag has moved on, so that the list does not name it."""
    names = [images.name(repository, tag) for tag in ("one", "two")]
    images.make(repository, "one", "v1")
    made = [engine.run("neighbour", names[0], config={"Labels": {}}), engine.run("other", names[0])]
    images.make(repository, "one", "v2")
    engine.pull(names[0])
    settings = {"platforms": {"docker": {"host": f"tcp://127.0.0.1:{proxy.port}", "select": "opted-in"}}}
    for one in made:
        proxy.fault(path=f"/containers/{one}/json", status=500, body=b'{"message": "broken"}')
    app(agent_of([registry], settings=settings, start=True))


def test_pushes_that_reach_nobody_are_not_ready(images, agent_of, registry, app, proxy, repository):
    """The list can be read, and the connection breaks at each image: pushes wait, and readiness says so."""
    settings = {"platforms": {"docker": {"host": f"tcp://127.0.0.1:{proxy.port}", "select": "opted-in"}}}
    agent = agent_of([registry], settings=settings, start=True)
    proxy.fault(path="/images/sha256:.*/json", drop=True)
    push = agent.accepted(app.image, images.make(repository, "stable", "v2"))
    reason = wait_until(lambda: agent.get("/readyz").status == 503 and agent.get("/readyz").json["reason"], 20,
                        "it is not ready")
    assert "pushes do not reach its targets" in reason, reason
    proxy.mend()
    agent.wait_ready()
    [update] = agent.wait(push)["updates"]
    assert update["result"] == "updated", update
