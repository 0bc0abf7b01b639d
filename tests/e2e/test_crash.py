"""kill -9 of the agent at every single write and act of an update, one after the other, on the real engine: after
a restart the update ends in one of its two right ends, with no container lost and none left over.

The agent's test build counts the places (base/crashpoint.h) and dies at the one that the environment names."""

import http.client
import signal
import threading

import pytest

from lib.places import PLACES_MAX, assert_swept
from lib.wait import wait_until

LANES = 4  # agents that are killed beside each other, each with a container, an image and a state of its own
# A crashing v2 needs time to crash, even on a busy machine; a good one is not worth the wait.
SOAK = {"good": "100ms", "crash": "3s"}


class Lane(threading.Thread):
    """Kills one agent at every LANES-th place, from `first` on, until there is no further place."""

    def __init__(self, number, make, parts):
        super().__init__(daemon=True)
        self.engine, self.registry, self.images, self.kind, repository = parts
        self.container, self.repository = f"app{number}", f"{repository}/lane{number}"
        self.image = self.images.name(self.repository, "stable")
        self.agent, self.first = make(), number + 1
        self.survived, self.error = [], None

    def run(self):
        try:
            self.sweep()
        except BaseException as error:  # the test's thread raises it
            self.error = error

    def sweep(self):
        one = self.images.make(self.repository, "stable", "v1")
        for place in range(self.first, PLACES_MAX, LANES):
            self.registry.tag(self.repository, one, "stable")
            self.engine.run(self.container, self.image)
            old = self.engine.inspect(self.container)
            version = f"v2-{place}"
            digest = self.images.make(self.repository, "stable", version, kind=self.kind)
            updates = self.crash(digest, place)
            if updates is None:
                return
            self.check(place, updates, old, version)
            self.survived.append(place)
            self.engine.remove(self.container)
        raise AssertionError(f"more than {PLACES_MAX} places")

    def attempt(self, digest, place):
        """Pushes like a CI: repeats the same delivery until it is answered. The push's id; None: the agent died."""
        try:
            answer = self.agent.push(self.image, digest, identifier=f"msg_place{place}")
        except (OSError, http.client.HTTPException):
            return None
        assert answer.status in (200, 202), answer
        return answer.json["id"]

    def closed(self, push):
        try:
            return self.agent.status(push)["open"] == 0
        except (OSError, http.client.HTTPException):
            return False

    def died(self):
        return self.agent.process.poll() is not None

    def crash(self, digest, place):
        """The updates after it died at that place, was started again and settled; None: there is no such place."""
        self.agent.environment["LANDWAITER_CRASH_AT"] = str(place)
        self.agent.start()
        push = self.attempt(digest, place)
        wait_until(lambda: self.died() or (push and self.closed(push)), 120, f"it dies at place {place}, or is done")
        if not self.died():
            self.agent.signal(signal.SIGTERM)
        # The last places come after the visible end of all updates.
        if self.agent.ended(15) == 0:
            return None
        del self.agent.environment["LANDWAITER_CRASH_AT"]
        self.agent.start()
        push = push or self.attempt(digest, place)
        updates = self.agent.wait(push, deadline=120)["updates"]
        self.agent.stop()
        return updates

    def check(self, place, updates, old, version):
        right = "updated" if self.kind == "good" else "rolled-back"
        assert [update["result"] for update in updates] == [right], (place, updates)
        mine = [name for name in self.engine.containers() if name.startswith(self.container)]
        assert mine == [self.container], (place, mine)
        now = self.engine.inspect(self.container)
        assert now["State"]["Running"], place
        if self.kind == "good":
            assert f"VERSION={version}" in now["Config"]["Env"], place
        else:
            assert now["Id"] == old["Id"], place
            assert now["HostConfig"] == old["HostConfig"], place


@pytest.mark.parametrize("kind", ["good", "crash"], ids=["success", "rollback"])
def test_killed_at_every_place(engine, images, agent_of, registry, repository, kind):
    settings = {"defaults": {"health": {"timeout": "20s", "soak": SOAK[kind]}}}
    lanes = [Lane(number, lambda: agent_of([registry], settings=settings), (engine, registry, images, kind, repository))
             for number in range(LANES)]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join(600)
        assert not lane.is_alive(), "the sweep did not end"
    for lane in lanes:
        if lane.error:
            raise lane.error
    assert_swept({place for lane in lanes for place in lane.survived}, LANES, 40 if kind == "good" else 55)


def test_sigterm_keeps_what_it_is_at(engine, images, agent_of, registry, repository):
    """A stop while the old container is slow to stop: the agent ends at once, and finishes the update after the restart."""
    stubborn = {"Entrypoint": ["/bin/busybox", "sh", "-c", "trap '' TERM; /bin/busybox httpd -f -p 8080 -h /www"]}
    name = images.name(repository, "stable")
    images.make(repository, "stable", "v1", config=stubborn)
    engine.run("app", name, StopTimeout=25)
    wait_until(lambda: engine.serves("app") == "v1", 10, "v1 answers")
    agent = agent_of([registry], start=True)
    digest = images.make(repository, "stable", "v2")
    push = agent.accepted(name, digest)
    wait_until(lambda: agent.show(agent.status(push)["updates"][0]["id"])["history"][-1]["detail"].startswith("stop")
               if agent.status(push)["updates"] else False, 20, "it is stopping the old one")
    agent.stop(deadline=10)
    agent.start()
    document = agent.wait(push, deadline=90)
    assert [update["result"] for update in document["updates"]] == ["updated"], document
    assert engine.containers() == ["app"]
    wait_until(lambda: engine.serves("app") == "v2", 10, "v2 answers")
