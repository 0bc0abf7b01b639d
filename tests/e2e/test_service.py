"""The agent as a service: its messages to a service manager (systemd, Type=notify), and their end when it hangs."""

import os
import signal

import pytest

from lib.agent import SECRET
from lib.manager import Manager, hanging, threads_named


@pytest.fixture
def manager_of(tmp_path):
    """manager_of(abstract=False, watchdog=None): a Manager that listens."""
    made = []

    def make(abstract=False, watchdog=None):
        address = str(tmp_path / f"notify{len(made)}")
        made.append(Manager("@" + address if abstract else address, watchdog))
        return made[-1]
    yield make
    for one in made:
        one.close()


def started(agent_of, manager, **more):
    return agent_of(environment=manager.environment, **more).start(ready=False)


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_a_service_manager_learns_when_hooks_are_answered(agent_of, manager_of, abstract):
    manager = manager_of(abstract)
    agent = started(agent_of, manager)

    first = manager.next(20)
    assert first["READY"] == "1"
    assert first["STATUS"] == f"Answers hooks on 127.0.0.1:{agent.port}, port {agent.port}"
    assert first["pid"] == agent.pid
    # Without waiting: READY was sent.
    assert agent.push("ghcr.io/a/b:1").status == 202

    agent.signal(signal.SIGTERM)
    assert manager.until("STOPPING")["STATUS"] == "Stopping"
    assert agent.ended() == 0
    assert not any("WATCHDOG" in message for message in manager.messages), "nobody asked for signs of life"


def test_a_service_manager_learns_of_a_reload(agent_of, manager_of):
    manager = manager_of()
    agent = started(agent_of, manager)
    manager.until("READY")

    agent.reload()
    begun, done = manager.next(10), manager.next(10)
    assert begun["RELOADING"] == "1" and int(begun["MONOTONIC_USEC"]) > 0
    assert done["READY"] == "1" and "faulty" not in done["STATUS"]

    agent.configure("senders: 3\n")
    agent.reload()
    begun, done = manager.next(10), manager.next(10)
    assert begun["RELOADING"] == "1"
    assert done["READY"] == "1" and "the new configuration is faulty" in done["STATUS"]
    assert agent.push("ghcr.io/a/b:1").status == 202  # by the previous configuration


def test_a_faulty_configuration_is_never_ready(agent_of, manager_of):
    manager = manager_of()
    agent = started(agent_of, manager, text="senders: 3\n")
    assert "landwaiter check" in manager.next(20)["STATUS"]
    assert agent.ended() == 2
    assert not any("READY" in message for message in manager.messages)


@pytest.mark.parametrize("thread", ["main", "intake", "worker"])
def test_signs_of_life_end_when_a_thread_hangs(agent_of, manager_of, thread):
    """The service manager notices when any of them hangs. A worker that waits for an engine or a registry does not
    count as hanging; a worker that does not wake up for work does."""
    manager = manager_of(watchdog=1)
    agent = started(agent_of, manager)
    manager.until("READY")
    agent.wait_ready()  # which started a worker
    for _ in range(3):
        manager.until("WATCHDOG")

    with hanging([agent.pid] if thread == "main" else threads_named(agent.pid, thread)):
        if thread == "worker":
            for _ in range(3):  # there is no work that they should wake up for
                manager.until("WATCHDOG")
            assert agent.push("ghcr.io/a/b:1").status == 202
        silence(manager)
    manager.until("WATCHDOG")  # it continues
    agent.stop()


def silence(manager):
    """After the messages under way nothing comes for three times the interval."""
    manager.next(1.5)
    manager.next(1.5)
    assert manager.next(1.5) is None, manager.messages[-1]


def test_children_cannot_speak_for_it(agent_of, manager_of, registry, images, repository, engine, tmp_path):
    """A credential helper gets neither the socket's name nor the watchdog's."""
    images.make(repository, "stable", "v1", kind="healthy")
    engine.run("app", images.name(repository, "stable"))
    seen = tmp_path / "seen"
    helper = tmp_path / "bin" / "docker-credential-curious"
    helper.parent.mkdir()
    helper.write_text(f"#!/bin/sh\nenv >{seen}.new\nls -l /proc/$$/fd >>{seen}.new\nmv {seen}.new {seen}\n"
                      'echo \'{"Username": "a", "Secret": "b"}\'\n', encoding="ascii")
    helper.chmod(0o755)
    manager = manager_of(watchdog=60)
    configured = {**registry.configuration(), "credentials": {"helper": "curious"}}
    agent = agent_of(settings={"registries": [configured]},
                     environment={**manager.environment, "PATH": f"{helper.parent}:{os.environ['PATH']}"}).start()
    agent.deploy(images.name(repository, "stable"))
    environment = seen.read_text(encoding="utf-8")
    assert "PATH=" in environment
    assert "NOTIFY_SOCKET" not in environment and "WATCHDOG" not in environment
    assert "socket:" not in environment, environment


def test_watching_costs_an_idle_agent_nothing(agent_of, manager_of):
    """A sign of life wakes two threads, once each, and no memory is given back for it."""
    manager = manager_of(watchdog=2)
    agent = started(agent_of, manager)
    manager.until("READY")
    for _ in range(3):
        manager.until("WATCHDOG")
    before = agent.switches()
    for _ in range(4):
        manager.until("WATCHDOG")
    assert agent.switches() - before <= 2 * 4 + 2  # and the work under way at the count
    assert SECRET not in str(manager.messages)
