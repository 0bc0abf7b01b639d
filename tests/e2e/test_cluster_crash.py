"""kill -9 of the agent at every single write and action while it rolls a workload out or back: after a
restart the update reaches one of its two right ends, without unnecessary patches."""

import pytest

from test_crash import LANES, SOAK, Lane

from lib.places import PLACES_MAX, assert_swept
from lib.workloads import agent_in, app_of  # noqa: F401  (fixtures)


EVERY = {"good": 1, "crash": 2}  # a rollback takes long: each second place of it,
FIRST = {"good": 1, "crash": 8}  # and only the places after the part that both ways share


class ClusterLane(Lane):
    """As with containers, but with a new Deployment for each place; on the way forwards it has a pod at each
    fourth place only, because the start of pods would take most of the time."""

    def __init__(self, number, make, app, kind):
        super().__init__(number, make, (None, app.images.registry, app.images, kind, app.repository))
        self.app, self.first = app, FIRST[kind] + EVERY[kind] * number
        app.repository = self.repository
        app.images = self.images

    def sweep(self):
        for place in range(self.first, PLACES_MAX, EVERY[self.kind] * LANES):
            pods = self.kind != "good" or place // LANES % 4 == 0
            old = self.app.run(replicas=1 if pods else 0)
            version = f"v2-{place}"
            mark = self.app.cluster.audit_mark()
            digest = self.images.make(self.repository, "stable", version, kind=self.kind)
            updates = self.crash(digest, place)
            if updates is None:
                return
            self.check(place, updates, (old, digest, mark), version)
            if pods:
                self.app.serves(version if self.kind == "good" else "v1")
            self.survived.append(place)
            self.app.admin.delete(self.app.kind, self.app.called, self.app.namespace)

    def patches(self, mark):
        return [one for one in self.app.cluster.audit(mark) if one["verb"] == "patch" and one["responseStatus"]["code"] == 200
                and one["objectRef"].get("name") == self.app.called and one["userAgent"].startswith("landwaiter/")]

    def check(self, place, updates, old, version):
        before, digest, mark = old
        right = "updated" if self.kind == "good" else "rolled-back"
        assert [update["result"] for update in updates] == [right], (place, updates)
        wanted = digest if self.kind == "good" else before
        assert self.app.image() == f"{self.app.name()}@{wanted}", place
        assert len(self.patches(mark)) == (1 if self.kind == "good" else 2), place


@pytest.mark.parametrize("kind", ["good", "crash"], ids=["success", "rollback"])
def test_killed_at_every_place(app_of, agent_in, kind):
    defaults = {"health": {"timeout": "40s", "soak": SOAK[kind]}, "concurrency": 4}
    lanes = [ClusterLane(number, lambda: agent_in(start=False, defaults=defaults), app_of("Deployment", f"web{number}"), kind)
             for number in range(LANES)]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join(900)
        assert not lane.is_alive(), "the sweep did not end"
    for lane in lanes:
        if lane.error:
            raise lane.error
    assert_swept({place for lane in lanes for place in lane.survived}, LANES, 15 if kind == "good" else 30,
                 FIRST[kind], EVERY[kind])
