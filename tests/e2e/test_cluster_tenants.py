"""A namespace whose owner writes the worst annotations and objects holds up nobody else's updates."""

import re
import subprocess
import time

import pytest

from lib.agent import BINARY
from lib.kubernetes import container, workload
from lib.wait import wait_until
from lib.workloads import ENABLED, App, agent_in  # noqa: F401  (fixtures)

LIMIT = 5.0  # seconds that a tenant may cost another


@pytest.fixture
def evil(cluster, namespace):
    """A second namespace beside this test's own."""
    name = cluster.admin.namespace(namespace[:55].strip("-") + "-evil")
    yield name
    cluster.admin.delete("Namespace", name)


def worst_values():
    """The program's own table of labels: {key: its worst values, right and wrong ones}."""
    said = subprocess.run([BINARY, "reference", "configuration"], check=True, capture_output=True, text=True).stdout
    table = said.split("## Labels", 1)[1].split("\n## ", 1)[0]
    by_type = [("a duration", lambda text: [re.search(r"to (\w+)", text)[1], "0s", "99999999999999d", "-1s"]),
               ("true or false", lambda _: ["true", "false", "TRUE"]),
               ("none or required", lambda _: ["required", "none", "perhaps"]),
               ("a size", lambda _: ["8EiB", "1GiB", "-5"]),
               ("names", lambda _: ["web,db,cache", "db", ",".join(f"w{i}" for i in range(16)), ","]),
               ("a name", lambda _: ["web", "db", "../web"]),
               ("digest, major", lambda _: ["force", "regex:(a*)*b", "glob:" + "*a" * 40, "semver:>=0"])]
    worst = {}
    for key, text in re.findall(r"^\| `landwaiter\.([a-z-]+)` \| ([^|]*) \|", table, re.MULTILINE):
        values = next((values for kind, values in by_type if text.startswith(kind)), None)
        assert values, f"this test has no worst values for {key}: {text}"
        if key != "enable":
            worst[key] = [*values(text), "", "x" * 5000, "\u202e\u0007"]
    assert len(worst) >= 11, worst
    return worst


def hostile(evil, image):
    """A page of workloads, one for each worst value; and some in circles, with many containers, and never ready."""
    def one(number, annotations, **more):
        return workload("Deployment", f"w{number}", image, evil, annotations={**ENABLED, **annotations}, **more)
    never_ready = {"landwaiter.dev/group": "web", "landwaiter.dev/health-timeout": "24h", "landwaiter.dev/rollback": "false"}
    made = [workload("Deployment", "a-never-ready", image, evil, annotations={**ENABLED, **never_ready})]
    for key, values in worst_values().items():
        for value in values:
            made.append(one(len(made), {"landwaiter.dev/" + key: value, "landwaiter.dev/health-timeout": "24h",
                                        "landwaiter.dev/group": "web", **{"landwaiter.dev/" + key: value}}, replicas=0))
    for i in range(16):
        made.append(one(len(made), {"landwaiter.dev/group": f"g{i}", "landwaiter.dev/depends-on": f"g{(i + 1) % 16},web,db"},
                        replicas=0))
    crowd = {"containers": [container(image, name=f"c{i}", ready=False) for i in range(20)]}
    made.append(one(len(made), {"landwaiter.dev/soak": "24h"}, replicas=0, pod=crowd))
    for name in ("web", "db"):  # as in the other namespace
        made.append(workload("Deployment", name, image, evil, replicas=0, annotations={
            **ENABLED, "landwaiter.dev/approval": "required", "landwaiter.dev/group": "web",
            "landwaiter.dev/depends-on": "db" if name == "web" else "web"}))
    return made


def seconds(app, agent, version):
    """The time that an update to a new version takes."""
    digest = app.make(version)
    begun = time.monotonic()
    status, update = app.push(agent, digest)
    assert (status, update["result"]) == (0, "updated"), update
    return time.monotonic() - begun


@pytest.mark.long
def test_a_page_of_hostile_workloads_delays_nobody_else(cluster, namespace, evil, images, repository, agent_in):  # noqa: F811
    admin = cluster.admin
    prod = App(cluster, namespace, images, repository)
    prod.run(annotations={"landwaiter.dev/group": "web", "landwaiter.dev/depends-on": "db"})
    agent = agent_in(platform={"namespaces": [namespace, evil]},
                     defaults={"health": {"timeout": "40s", "soak": "1s"}, "concurrency": 1})
    alone = max(seconds(prod, agent, f"alone{i}") for i in range(2))

    bad = repository + "-evil"
    images.make(bad, "stable", "v1")
    page = hostile(evil, images.name(bad, "stable"))
    for one in page:
        admin.apply(one)
    wait_until(lambda: len(agent.json("targets")) >= len(page), 60, "the agent knows them")
    images.make(bad, "stable", "v2", kind="mute")  # runs, and is never ready
    agent.accepted(images.name(bad, "stable"))

    def held():
        found = [one for one in agent.control("GET", "/v1/updates?limit=1000").json if evil in one["target"]]
        return len(found) > 20 and [one for one in found if one["stage"] == "observe" and "never-ready" in one["target"]]
    wait_until(held, 60, "the one that is never ready is watched and holds the only place, and others wait")
    beside = [seconds(prod, agent, f"beside{i}") for i in range(3)]
    print(f"alone {alone:.1f} s, beside {len(page)} workloads {[round(one, 1) for one in beside]} s")
    assert max(beside) <= alone + LIMIT, (alone, beside)

    notices = {one["target"]: one["notice"] for one in agent.json("targets") if one.get("notice")}
    assert any("health-timeout" in notice and "over the limit" in notice for notice in notices.values()), notices
    assert not any(f"/{namespace}/" in target for target in notices), notices
