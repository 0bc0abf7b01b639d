"""Measured faults of Keel, as tests of ours: it forgets accepted pushes at a restart, undoes changes by
others, lets one image wait for another, and rolls the same push out three times."""

import concurrent.futures
import json
import os
import subprocess

import pytest

from lib import pile
from lib.agent import BINARY
from lib.kubernetes import JSON_PATCH, workload
from lib.wait import stays, wait_until
from lib.workloads import ENABLED, App, agent_in, app_of  # noqa: F401  (fixtures)

DELIVERED = os.path.join(os.path.dirname(__file__), "..", "..", "build", "landwaiter")  # no test build: made by tests/run
LOAD = os.path.join(os.path.dirname(BINARY), "tests", "bench_load")


def many(cluster, namespace, image_of, count):
    """Deployments web0 … without a pod: only their specification counts."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: cluster.admin.apply(workload(
            "Deployment", f"web{number}", image_of(number), namespace, replicas=0, annotations=ENABLED)), range(count)))


# The limit of steps that take a minute on an idle machine; this run may share one with three others and their clusters.
MINUTE = 180 if pile.PILE else 60


def images_of(cluster, namespace):
    return {one["metadata"]["name"]: one["spec"]["template"]["spec"]["containers"][0]["image"]
            for one in cluster.admin.list("Deployment", namespace)}


@pytest.mark.parametrize("how", ["kill -9", "SIGTERM"])
def test_accepted_pushes_survive_a_restart(cluster, namespace, images, repository, agent_in, how):
    """200 accepted pushes, v2 to v5 of 50 images: the agent ends at once; after its restart all 50 reach v5."""
    count = 50
    names = [f"{repository}/{number}" for number in range(count)]
    digests = {}
    for version in ("v1", "v2", "v3", "v4", "v5"):
        digests[version] = [images.make(name, version) for name in names]
    many(cluster, namespace, lambda number: images.name(names[number], "v1"), count)
    agent = agent_in(defaults={"policy": "force"})
    for version in ("v2", "v3", "v4", "v5"):
        for number, name in enumerate(names):
            agent.accepted(images.name(name, version), digests[version][number])
    if how == "kill -9":
        agent.kill9()
    else:
        agent.stop()
    agent.start()
    wanted = {f"web{number}": f"{images.name(name, 'v5')}@{digests['v5'][number]}" for number, name in enumerate(names)}
    wait_until(lambda: images_of(cluster, namespace) == wanted, MINUTE, "50 of 50 are at v5")
    wait_until(lambda: all(one["result"] for one in agent.json("updates")), 60, "nothing is open")


def test_what_others_change_meanwhile_survives(cluster, namespace, images, repository, agent_in):
    """20 edits by somebody else while 100 Deployments are being updated."""
    digest_one = images.make(repository, "stable", "v1")
    many(cluster, namespace, lambda number: images.name(repository, "stable"), 100)
    agent = agent_in()
    digest = images.make(repository, "stable", "v2")
    assert digest != digest_one
    agent.accepted(images.name(repository, "stable"), digest)
    for number in range(0, 100, 5):
        path = "/spec/template/spec/containers/0/env"
        cluster.admin.patch("Deployment", f"web{number}", [
            {"op": "add", "path": path, "value": [{"name": "THEIRS", "value": str(number)}]},
            {"op": "add", "path": "/metadata/annotations/theirs", "value": "yes"}], namespace, JSON_PATCH)
    pinned = f"{images.name(repository, 'stable')}@{digest}"
    wait_until(lambda: set(images_of(cluster, namespace).values()) == {pinned}, 180, "all are updated")
    for number in range(0, 100, 5):
        found = cluster.admin.get("Deployment", f"web{number}", namespace)
        assert found["metadata"]["annotations"]["theirs"] == "yes"
        assert found["spec"]["template"]["spec"]["containers"][0]["env"] == [{"name": "THEIRS", "value": str(number)}]


def test_the_same_push_three_times_is_one_rollout(app_of, agent_in):
    app = app_of()
    app.run()
    before = app.get()["metadata"]["generation"]
    agent = agent_in()
    digest = app.make("v2")
    pushes = [agent.accepted(app.name(), digest) for _ in range(3)]
    for push in pushes:
        agent.wait(push, deadline=90)
    app.serves("v2")
    assert app.get()["metadata"]["generation"] == before + 1
    assert len([one for one in app.events() if one["reason"] == "ImageUpdated"]) == 1


def test_a_missing_image_touches_nothing_and_blocks_no_later_tag(app_of, agent_in):
    app = app_of()
    app.make("v1", tag="1.0.0")
    app.run(annotations={"landwaiter.dev/policy": "major"}, image=app.name("1.0.0"))
    before = app.get()["metadata"]["generation"]
    agent = agent_in()
    agent.accepted(app.name("1.0.1"))  # nobody has pushed it
    app.reaches(agent, lambda update: "waiting for the registry" in (update["reason"] or ""), "it waits for the registry")
    stays(lambda: app.get()["metadata"]["generation"] == before, 1, "it is as it was")
    digest = app.make("v2", tag="1.0.2")
    status, update = app.push(agent, digest, tag="1.0.2")
    assert (status, update["result"]) == (0, "updated"), update
    assert app.image() == f"{app.name('1.0.2')}@{digest}"


def test_one_image_does_not_wait_behind_another(cluster, namespace, images, repository, agent_in):
    """100 Deployments of one image, one at a time, and a push for another: it is the next, not the last."""
    other = App(cluster, namespace, images, repository + "/other", name="other")
    other.run(replicas=0)
    images.make(repository, "stable", "v1")
    many(cluster, namespace, lambda number: images.name(repository, "stable"), 100)
    agent = agent_in(defaults={"concurrency": 1})
    digest = other.make("v2")
    pinned = images.name(repository, "stable") + "@" + images.make(repository, "stable", "v2")
    agent.accepted(images.name(repository, "stable"), pinned.partition("@")[2])

    def done():
        return sum(image == pinned for image in images_of(cluster, namespace).values())
    wait_until(lambda: done() >= 2, 30, "the first are updated", every=0.05)
    agent.accepted(other.name(), digest)
    update = other.ends(agent, "updated", 60)
    later = [one for one in agent.control("GET", "/v1/updates?all=1&limit=1000").json
             if one["target"] != other.target and (one["finished"] or "9") > update["finished"]]
    assert len(later) > 20, len(later)


def test_a_registry_that_hangs_holds_up_no_rollout(cluster, namespace, images, repository, registry, agent_in):
    """100 Deployments of an image whose tag resolves at once, to another digest than the pushed one: the agent asks for the pushed one, and the
    registry takes its time. Updates that queue for the registry hide no other: an update that has its digest is applied and watched."""
    other = App(cluster, namespace, images, repository + "/other", name="other")
    other.run(replicas=0)
    images.make(repository, "stable", "v1")
    many(cluster, namespace, lambda number: images.name(repository, "stable"), 100)
    agent = agent_in()
    assert agent.run("hold", other.target).returncode == 0
    push = agent.accepted(other.name(), other.make("v2"))
    wait_until(lambda: [one["stage"] for one in agent.status(push)["updates"]] == ["gate"], 20, "the other is on hold")
    late = images.make(repository, "elsewhere", "v2")
    slow = registry.proxy.fault(path=f"/manifests/{late}", agent="^landwaiter/", delay=90)
    agent.accepted(images.name(repository, "stable"), late)
    wait_until(lambda: slow.hits, 10, "what was pushed is asked for")

    def begun():
        return [one["stage"] for one in agent.control("GET", "/v1/updates?limit=1000").json if one["target"] != other.target]
    wait_until(lambda: begun() and "policy" not in begun(), 60, "all of them have come to the registry")
    assert agent.run("release", other.target).returncode == 0
    other.ends(agent, "updated", 60)


@pytest.mark.long
def test_names_that_nobody_runs_grow_nothing(app_of, agent_in):
    """200,000 distinct image names, each in an accepted and stored push: they cost disk, but no memory of the program
    as users get it."""
    app = app_of()
    app.run(replicas=0)
    agent = agent_in(start=False)
    agent.binary = DELIVERED
    agent.start()
    sizes, metrics = [], len(agent.control_text("/metrics").splitlines())
    for count in (20000, 180000):
        done = subprocess.run([LOAD, str(agent.port), "ci", agent.secret_path, "64", "400", f"registry.test/{count}/{{}}:1", "hmac",
                               str(count)], capture_output=True, text=True, timeout=420, check=True)
        assert json.loads(done.stdout)["refused"] == 0, done.stdout
        # The last of them is matched last.
        agent.wait(agent.accepted("registry.test/last:1"), 400)
        if not sizes:
            stays(agent.alive, 5, "the agent")  # it gives back the memory of busy times
            sizes.append(agent.memory())
    # Two MiB would be twelve bytes for each of 180,000 names, which are longer than that.
    wait_until(lambda: agent.memory() <= sizes[0] + 2 * 1048576, 60, f"it has given back what is more than {sizes[0]}", every=0.5)
    print(f"{sizes[0]} and {agent.memory()} bytes")
    assert len(agent.json("targets")) == 1
    # The sender's line; no stages and no requests of pushes for others.
    assert len(agent.control_text("/metrics").splitlines()) <= metrics + 2, agent.control_text("/metrics")
