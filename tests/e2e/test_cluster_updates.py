"""How updates end in a cluster: rolled out, or where they began. The real agent, outside of the cluster with a kubeconfig,
on the real node; every kind of workload, and every fault of a v2."""

import pytest

from lib.workloads import agent_in, app_of  # noqa: F401  (fixtures)

KINDS = ["Deployment", "StatefulSet", "DaemonSet"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_v2_is_rolled_out(app_of, agent_in, kind):
    app = app_of(kind)
    app.run()
    agent = agent_in()
    digest = app.make("v2")

    status, update = app.push(agent, digest)

    assert (status, update["result"]) == (0, "updated"), update
    assert app.image() == f"{app.name()}@{digest}"
    app.serves("v2")
    marks = app.marks()
    assert (marks["update"], marks["by"], marks["image"], marks["previous"]) == \
        (update["id"], "sender ci", app.image(), app.name())
    assert app.get()["metadata"]["annotations"]["kubernetes.io/change-cause"].startswith("landwaiter: ")
    assert [one["reason"] for one in app.events()] == ["ImageUpdated"]
    again, update = app.push(agent, digest)
    assert (again, update["result"]) == (0, "unchanged"), update


BAD = [("crash", "CrashLoopBackOff"), ("unready", "not"), ("unpullable", "pull")]


@pytest.mark.parametrize("bad, words", BAD, ids=[row[0] for row in BAD])
@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_v2_is_put_back(app_of, agent_in, kind, bad, words):
    app = app_of(kind)
    old = app.run(annotations={"landwaiter.dev/health-timeout": "20s"} if bad == "unready" else {})
    agent = agent_in(platform={"delete_pods": True})
    digest = app.make("v2", kind={"crash": "crash", "unready": "mute"}.get(bad, "good"), upload=bad != "unpullable")

    status, update = app.push(agent, digest)

    assert (status, update["result"]) == (1, "rolled-back"), update
    assert words in update["reason"], update
    assert app.image() == f"{app.name()}@{old}", "the digest that ran before, as the tag has moved on"
    app.serves("v1")
    assert app.marks()["failed-digest"] == digest
    assert app.marks()["reason"][:60] in update["reason"]
    assert sorted(one["reason"] for one in app.events()) == ["ImagePutBack", "ImageUpdated"]
    again, update = app.push(agent, digest)
    assert (again, update["result"]) == (1, "denied"), update


def test_a_cron_job_takes_it_at_its_next_run(app_of, agent_in):
    app = app_of("CronJob")
    app.run()
    agent = agent_in()
    digest = app.make("v2")
    status, update = app.push(agent, digest)
    assert (status, update["result"]) == (0, "updated"), update
    assert app.image() == f"{app.name()}@{digest}"


def test_what_is_not_opted_in_is_left_alone(app_of, agent_in):
    app = app_of()
    app.run(annotations={"landwaiter.dev/enable": "false"})
    agent = agent_in()
    digest = app.make("v2")
    done = agent.push_command(app.name(), "--digest", digest, "--wait=20s")
    assert done.returncode == 0, done.stderr
    assert agent.json("updates", "--all") == []
    [target] = agent.json("targets")
    assert (target["target"], target["enabled"]) == (app.target, False)
    assert app.image() == app.name()


def test_a_workload_that_runs_it_already_is_not_rolled(app_of, agent_in):
    app = app_of()
    digest = app.run()
    before = app.get()["metadata"]["generation"]
    status, update = app.push(agent_in(), digest)
    assert (status, update["result"], update["from"]) == (0, "unchanged", digest), update
    assert app.get()["metadata"]["generation"] == before


def test_another_tag_by_its_policy(app_of, agent_in):
    app = app_of()
    app.make("v1", tag="1.4.1")
    app.run(annotations={"landwaiter.dev/policy": "minor"}, image=app.name("1.4.1"))
    agent = agent_in()
    digest = app.make("v2", tag="1.5.0")
    status, update = app.push(agent, digest, tag="1.5.0")
    assert (status, update["result"]) == (0, "updated"), update
    assert app.image() == f"{app.name('1.5.0')}@{digest}"
    app.serves("v2")
    [target] = agent.json("plan", app.name("1.6.0"))["targets"]
    assert target["settings"]["policy"] == {"value": "minor", "source": "annotation"}, target
