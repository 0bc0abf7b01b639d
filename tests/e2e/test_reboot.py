"""Restarts the engine, as by a reboot, at the worst moments of a swap; and has its owner interfere in the middle of one.
A proxy in front of the engine holds the agent at the right moment."""

import signal

import pytest

from lib.engine import EngineError, UnixConnection
from lib.images import DEAD, SECOND
from lib.proxy import Proxy
from lib.wait import free_port, wait_until

HEALTH = {"health": {"timeout": "20s", "soak": "2s"}}


class EngineProxy(Proxy):
    def connect(self):
        return UnixConnection(self.backend)


@pytest.fixture
def proxied(engine, agent_of, registry):
    """An agent that is not started yet, and the proxy between it and the engine."""
    proxy = EngineProxy(engine.socket)
    settings = {"platforms": {"docker": {"host": f"tcp://127.0.0.1:{proxy.port}", "select": "opted-in"}},
                "defaults": HEALTH}
    yield agent_of([registry], settings=settings), proxy
    proxy.stop()


def policy(name, port=None):
    """A container's HostConfig, with a port of its own that two containers cannot have at once."""
    bound = [{"HostIp": "127.0.0.1", "HostPort": str(port or free_port())}]
    return {"PortBindings": {"8080/tcp": bound}, "RestartPolicy": {"Name": name}}


def begin(engine, images, repository, host, name="app"):
    images.make(repository, "stable", "v1")
    engine.run(name, images.name(repository, "stable"), host=host)
    wait_until(lambda: engine.serves(name) == "v1", 10, "v1 answers")
    return engine.inspect(name)


def stage(agent, push):
    return [update["stage"] for update in agent.status(push)["updates"]]


def running(engine, name):
    return engine.inspect(name)["State"]["Running"]


def removed(engine, name):
    """Right after a start the engine may remove it only in part: retry, as a person would."""
    try:
        engine.remove(name)
    except EngineError:
        return False
    return True


def reboot(engine, agent):
    agent.kill9()
    engine.restart()


@pytest.mark.parametrize("parked", [True, False], ids=["parked", "update-refused"])
@pytest.mark.parametrize("step", ["name=app.landwaiter-new-", "name=app$"], ids=["rename-new", "rename-old"])
def test_a_reboot_on_the_way_back(engine, images, proxied, repository, step, parked):
    """The bad new container must not come up again and keep the port for itself."""
    agent, proxy = proxied
    old = begin(engine, images, repository, policy("always"))
    agent.start()
    slowly = {"Healthcheck": {**DEAD, "Interval": 2 * SECOND}}
    digest = images.make(repository, "stable", "v2", config=slowly)
    # The way forwards has the same calls: they are held once the new one is up.
    push = agent.accepted(images.name(repository, "stable"), digest)
    wait_until(lambda: stage(agent, push) == ["observe"], 30, "it is observed")
    held = proxy.fault(method="POST", path="/rename." + step, drop=True)
    if not parked:
        proxy.fault(method="POST", path="/update", status=500, body=b'{"message": "no"}')
    wait_until(lambda: held.hits, 30, "it is on its way back")
    reboot(engine, agent)
    proxy.mend()
    agent.start()
    updates = agent.wait(push)["updates"]
    assert [update["result"] for update in updates] == ["rolled-back"], updates
    wait_until(lambda: engine.serves("app") == "v1", 10, "v1 answers again")
    assert engine.containers() == ["app"]
    now = engine.inspect("app")
    assert now["Id"] == old["Id"]
    assert now["HostConfig"]["RestartPolicy"] == old["HostConfig"]["RestartPolicy"]


def test_a_reboot_before_the_old_one_is_parked(engine, images, proxied, repository):
    """Old and new are started together, and one of them has the port."""
    agent, proxy = proxied
    begin(engine, images, repository, policy("always"))
    agent.start()
    held = proxy.fault(method="POST", path="/update", drop=True)
    push = agent.accepted(images.name(repository, "stable"), images.make(repository, "stable", "v2"))
    wait_until(lambda: held.hits, 30, "the new one is started")
    reboot(engine, agent)
    proxy.mend()
    agent.start()
    updates = agent.wait(push)["updates"]
    assert [update["result"] for update in updates] == ["updated"], updates
    wait_until(lambda: engine.serves("app") == "v2", 10, "v2 answers")
    assert engine.containers() == ["app"]
    assert engine.inspect("app")["HostConfig"]["RestartPolicy"]["Name"] == "always"


@pytest.mark.parametrize("kill", [False, True], ids=["engine", "host"])
def test_what_the_engine_took_down_is_no_crash(engine, images, agent_of, registry, repository, kill):
    """Without a restart policy the new one stays down after a reboot: it is started once more and watched anew."""
    agent = agent_of([registry], settings={"defaults": {"health": {"timeout": "30s", "soak": "6s"}}}, start=True)
    begin(engine, images, repository, policy("no"))
    push = agent.accepted(images.name(repository, "stable"), images.make(repository, "stable", "v2"))
    wait_until(lambda: stage(agent, push) == ["observe"], 30, "it is observed")
    new = engine.inspect("app")["Id"]
    if kill:
        agent.kill9()
    engine.restart()
    if kill:
        assert not running(engine, new)
        agent.start()
    updates = agent.wait(push)["updates"]
    assert [update["result"] for update in updates] == ["updated"], updates
    assert engine.inspect("app")["Id"] == new and running(engine, new)
    assert engine.containers() == ["app"]


@pytest.mark.parametrize("port", [False, True], ids=["volumes", "port"])
def test_the_owner_replaces_it_while_it_is_observed(engine, images, agent_of, registry, repository, port):
    """Replaces it like compose: a container under another name, the old one removed, the name given. The container is the owner's: nothing of
    ours may run beside it."""
    agent = agent_of([registry], settings={"defaults": {"health": {"timeout": "30s", "soak": "20s"}}}, start=True)
    host = policy("always") if port else {"RestartPolicy": {"Name": "always"}}
    images.make(repository, "stable", "v1")
    name = images.name(repository, "stable")
    old = engine.run("app", name, host=host)
    push = agent.accepted(name, images.make(repository, "stable", "v2"))
    wait_until(lambda: stage(agent, push) == ["observe"], 30, "it is observed")
    images.make(repository, "stable", "v3")
    theirs = engine.run("abc_app", name, host=host, start=False)
    new = engine.inspect("app")["Id"]
    agent.signal(signal.SIGSTOP)  # the owner is quick
    wait_until(lambda: removed(engine, new), 10, "the owner removed it")
    engine.api("POST", f"/containers/{theirs}/rename?name=app")
    engine.api("POST", f"/containers/{theirs}/start")
    agent.signal(signal.SIGCONT)
    update = agent.wait(push)["updates"][0]
    assert update["result"] == "failed", update
    assert "app was given to another container meanwhile; the old one was left stopped as app.landwaiter-old-" in \
        update["reason"], update
    engine.restart()
    wait_until(lambda: running(engine, "app"), 10, "the owner's is up again")
    assert engine.inspect("app")["Id"] == theirs
    assert not running(engine, old), "nor does it come up with the engine"


def test_a_tag_that_another_containers_way_back_moved(engine, images, proxied, repository):
    """Two containers of one image: one is put back, and its tag with it, just before the other one is created."""
    agent, proxy = proxied
    begin(engine, images, repository, policy("no"), name="bad")
    name = images.name(repository, "stable")
    engine.run("good", name, host=policy("no"), Healthcheck={"Test": ["NONE"]})
    digest = images.make(repository, "stable", "v2", kind="unhealthy")
    proxy.fault(method="POST", path="/containers/create.name=good", times=1, delay=8)
    agent.start()
    document = agent.wait(agent.accepted(name, digest))
    results = {update["target"]: update["result"] for update in document["updates"]}
    assert results == {"docker/bad": "rolled-back", "docker/good": "updated"}, document
    wait_until(lambda: engine.serves("good") == "v2", 10, "v2 answers")
    assert engine.serves("bad") == "v1"
