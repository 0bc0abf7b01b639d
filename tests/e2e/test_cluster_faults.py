"""Faults between the agent and the API server: nothing is missed, and nothing is done twice."""

import base64
import json
import time

import pytest

from lib.kubernetes import workload
from lib.wait import hold, stays, wait_until
from lib.workloads import ENABLED, agent_in, app_of  # noqa: F401  (fixtures)


@pytest.fixture
def proxy(cluster, request):
    one = cluster.proxy()
    request.addfinalizer(one.stop)
    return one


def known(agent):
    return sorted(one["target"].split("/")[3] for one in agent.json("targets"))


def make(app, name):
    app.admin.apply(workload("Deployment", name, app.name(), app.namespace, replicas=0, annotations=ENABLED))


def patches(app, mark):
    """Successful patches of the workload by the agent."""
    return [one for one in app.cluster.audit(mark) if one["verb"] == "patch" and one["responseStatus"]["code"] == 200 and
            one["objectRef"].get("name") == app.called and one["userAgent"].startswith("landwaiter/")]


def kubeconfig_as(agent, user):
    """Writes the agent's kubeconfig for that user."""
    path = agent.settings["platforms"]["kubernetes"]["kubeconfig"]
    with open(path, encoding="ascii") as file:
        config = json.load(file)
    config["users"][0]["user"] = user
    with open(path, "w", encoding="ascii") as file:
        json.dump(config, file)


def test_a_watch_that_is_cut_misses_nothing(app_of, agent_in, proxy):
    app = app_of()
    app.run(replicas=0)
    make(app, "gone")
    agent = agent_in(url=proxy.url)
    assert known(agent) == ["gone", "web"]
    lists = proxy.count(path=r"\?limit=500")
    wait_until(lambda: len(proxy.watches) == 4, 20, "every kind is watched")
    proxy.fault(path="watch=1", status=503)
    assert proxy.cut_watches() == 4
    wait_until(lambda: not agent.ready(), 10, "it says that it does not see the cluster")
    make(app, "fresh")
    app.admin.delete("Deployment", "gone", app.namespace)
    proxy.mend()
    wait_until(lambda: known(agent) == ["fresh", "web"], 60, "what happened meanwhile is known")
    wait_until(agent.ready, 60, "it is ready again")
    assert proxy.count(path=r"\?limit=500") == lists, "no list was read anew"
    digest = app.make("v2")
    assert app.push(agent, digest)[1]["result"] == "updated"


def test_a_version_that_is_gone_is_listed_anew(app_of, agent_in, proxy, cluster):
    app = app_of()
    app.run(replicas=0)
    make(app, "gone")
    agent = agent_in(url=proxy.url)
    proxy.fault(path="watch=1", status=503)
    proxy.cut_watches()
    make(app, "fresh")
    app.admin.delete("Deployment", "gone", app.namespace)
    cluster.compact()
    cluster.stop_part("api-server")
    cluster.revive()
    proxy.mend()
    wait_until(lambda: known(agent) == ["fresh", "web"], 60, "all is known again")


def test_the_api_server_is_restarted_in_the_middle_of_a_rollout(app_of, agent_in, cluster):
    app = app_of()
    # The controllers, which end with the API server or wait for long, take time, too.
    app.run(annotations={"landwaiter.dev/soak": "4s", "landwaiter.dev/health-timeout": "90s"})
    agent = agent_in()
    mark = cluster.audit_mark()
    digest = app.make("v2")
    agent.accepted(app.name(), digest)
    app.reaches(agent, lambda update: update["stage"] == "observe", "it is rolled out")
    cluster.kill_part("api-server")
    stays(lambda: app.newest(agent)["result"] is None, 3, "it is open")
    cluster.revive()
    app.ends(agent, "updated", 150)
    app.serves("v2")
    assert len(patches(app, mark)) == 1


@pytest.mark.parametrize("status", [429, 500])
def test_a_storm_of_errors(app_of, agent_in, proxy, cluster, status):
    app = app_of()
    app.run(replicas=0)
    agent = agent_in(url=proxy.url)
    mark = cluster.audit_mark()
    proxy.fault(agent="^landwaiter/", method="PATCH", status=status, headers={"Retry-After": "1"}, times=4)
    proxy.fault(agent="^landwaiter/", method="GET", path="/deployments/web", status=status, times=3)
    digest = app.make("v2")
    app_status, update = app.push(agent, digest)
    assert (app_status, update["result"]) == (0, "updated"), update
    assert app.image() == f"{app.name()}@{digest}"
    assert len(patches(app, mark)) == 1


def test_an_answer_that_is_lost(app_of, agent_in, proxy, cluster):
    """The patch was done but its answer was lost: it is not done again."""
    app = app_of()
    app.run(replicas=0)
    agent = agent_in(url=proxy.url)
    mark = cluster.audit_mark()
    proxy.fault(agent="^landwaiter/", method="PATCH", cut=0, times=1)
    digest = app.make("v2")
    status, update = app.push(agent, digest)
    assert (status, update["result"]) == (0, "updated"), update
    assert len(patches(app, mark)) == 1


def test_a_token_that_is_rotated(app_of, agent_in, cluster, tmp_path):
    """Rotates the token like a pod's: the file changes, and the old token becomes invalid."""
    app = app_of()
    app.run(replicas=0)
    token = tmp_path / "token"
    token.write_text(cluster.tokens["admin"])
    agent = agent_in(start=False)
    kubeconfig_as(agent, {"tokenFile": str(token)})
    token.write_text("wrong")
    agent.start(ready=False)
    wait_until(lambda: "Unauthorized" in agent.log, 20, "it is refused")
    assert not agent.ready() and "wrong" not in agent.log
    token.write_text(cluster.tokens["admin"])
    wait_until(agent.ready, 40, "the new token is taken")
    digest = app.make("v2")
    assert app.push(agent, digest)[1]["result"] == "updated"


@pytest.mark.parametrize("how", ["certificate files", "certificate data", "plugin"])
def test_who_it_says_that_it_is(app_of, agent_in, cluster, tmp_path, how):
    app = app_of()
    app.run(replicas=0)
    agent = agent_in(start=False)
    files = cluster.certificate("somebody", "system:masters")
    if how == "certificate files":
        user = {"client-certificate": files[0], "client-key": files[1]}
    elif how == "certificate data":
        data = []
        for path in files:
            with open(path, "rb") as file:
                data.append(base64.b64encode(file.read()).decode())
        user = {"client-certificate-data": data[0], "client-key-data": data[1]}
    else:
        plugin = tmp_path / "plugin"
        plugin.write_text("#!/bin/sh\necho '" + json.dumps({
            "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
            "status": {"token": cluster.tokens["admin"]}}) + "'\n")
        plugin.chmod(0o700)
        user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin)}}
    kubeconfig_as(agent, user)
    mark = cluster.audit_mark()
    agent.start()
    digest = app.make("v2")
    assert app.push(agent, digest)[1]["result"] == "updated"
    assert {one["user"]["username"] for one in patches(app, mark)} == {"admin" if how == "plugin" else "somebody"}


def test_the_clock_is_set_during_a_rollout(app_of, agent_in):
    app = app_of()
    app.run(annotations={"landwaiter.dev/soak": "4s"})
    agent = agent_in(clock="2026-11-27T12:00:00Z")
    digest = app.make("v2")
    agent.accepted(app.name(), digest)
    app.reaches(agent, lambda update: update["stage"] == "observe", "it is rolled out")
    agent.set_clock("2026-11-28T12:00:00Z")
    app.ends(agent, "updated")
    agent.set_clock("2026-11-26T12:00:00Z")
    assert app.image() == f"{app.name()}@{digest}"


def settled(agent):
    """The number of its wake-ups until it slept for three seconds."""
    woken, since = agent.switches(), time.monotonic()

    def sleeps():
        nonlocal woken, since
        if agent.switches() != woken:
            woken, since = agent.switches(), time.monotonic()
        return time.monotonic() - since > 3
    wait_until(sleeps, 60, "it sleeps")
    return woken


def test_nothing_is_asked_while_nothing_happens(app_of, agent_in, proxy):
    app = app_of()
    app.run(replicas=0)
    agent = agent_in(url=proxy.url)
    wait_until(lambda: agent.ready() and proxy.count(path="watch=1") == 4, 20, "every kind is watched")
    woken = settled(agent)
    before = proxy.count()
    hold(20)
    assert proxy.count() == before, proxy.requests[before:]
    # Bookmarks of the watches come about once a minute; nothing else wakes it.
    assert agent.switches() - woken <= 12, agent.switches() - woken


NIGHT = {"windows": {"night": {"days": ["mon", "tue", "wed", "thu", "fri"], "start": "02:00", "end": "03:00", "tz": "UTC"}}}


def test_a_window_that_closes_while_the_api_server_is_away(app_of, agent_in, proxy):
    """An update that could not begin in the night does not begin in the morning."""
    app = app_of()
    app.run(replicas=0, annotations={"landwaiter.dev/windows": "night"})
    agent = agent_in(url=proxy.url, clock="2026-11-23T12:00:00Z", **NIGHT)
    digest = app.make("v2")
    agent.accepted(app.name(), digest)
    app.reaches(agent, lambda one: "window" in one["reason"], "it waits for its window")
    proxy.fault(agent="^landwaiter/", method="PATCH", status=503)
    agent.set_clock("2026-11-24T02:10:00Z")
    app.reaches(agent, lambda one: one["stage"] == "apply" and any(
        line["stage"] == "apply" and line["event"] == "wait" for line in one["history"]), "it is tried")
    agent.set_clock("2026-11-24T06:54:55Z")
    app.reaches(agent, lambda one: one["stage"] == "gate" and "window" in one["reason"], "it waits for the next night")
    proxy.mend()
    stays(lambda: app.image() == app.name(), 3, "the image")
    agent.set_clock("2026-11-25T02:00:00Z")
    app.ends(agent, "updated")
    assert app.image() == f"{app.name()}@{digest}"
