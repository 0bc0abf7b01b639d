"""Other events of workloads: they are paused, scaled, deleted and made anew, kept by other tools, changed by others in
the middle of a rollout, refused by a quota; and the agent or the API server goes away."""

import pytest

from lib.kubernetes import JSON_PATCH, container, workload
from lib.wait import stays, wait_until
from lib.workloads import agent_in, app_of  # noqa: F401  (fixtures)

SLOW = {"landwaiter.dev/soak": "60s"}  # so that there is time to do something during the rollout


def rolling(app, agent, **more):
    """Pushes a good v2 and waits until its rollout has begun; returns its digest."""
    digest = app.make("v2", **more)
    agent.accepted(app.name(), digest)
    app.reaches(agent, lambda update: update["stage"] == "observe", "it is rolled out")
    return digest


def set_image(app, image):
    app.patch([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}],
              content_type=JSON_PATCH)


def test_paused_it_is_left_alone(app_of, agent_in):
    app = app_of()
    app.run(spec={"paused": True}, replicas=0)
    agent = agent_in()
    status, update = app.push(agent, app.make("v2"))
    assert (status, update["result"]) == (1, "failed") and "paused" in update["reason"], update
    assert app.image() == app.name()
    [target] = agent.json("targets")
    assert "paused" in target["problem"], target


def test_scaled_to_zero_it_is_changed_and_says_so(app_of, agent_in):
    app = app_of()
    app.run(replicas=0)
    digest = app.make("v2")
    status, update = app.push(agent_in(), digest)
    assert (status, update["result"]) == (0, "updated") and "zero" in update["reason"], update
    assert app.image() == f"{app.name()}@{digest}"


def test_deleted_during_the_rollout(app_of, agent_in):
    app = app_of()
    app.run(annotations=SLOW)
    agent = agent_in()
    rolling(app, agent)
    app.admin.delete(app.kind, "web", app.namespace)
    assert "deleted" in app.ends(agent, "cancelled")["reason"]


def test_made_anew_during_the_rollout(app_of, agent_in):
    """The new one is another workload: it never gets the first one's image back."""
    app = app_of()
    app.run(annotations=SLOW)
    agent = agent_in()
    rolling(app, agent)
    app.admin.delete(app.kind, "web", app.namespace)
    wait_until(lambda: app.get() is None, 20, "it is gone")
    other = app.make("v3", tag="other")
    app.admin.apply(workload(app.kind, "web", app.name("other"), app.namespace))
    app.ends(agent, "cancelled")
    assert app.image() == app.name("other") and other
    assert "status.landwaiter.dev/update" not in app.get()["metadata"].get("annotations", {})


@pytest.mark.parametrize("back", [False, True], ids=["forward", "back"])
def test_somebody_else_changes_the_image_in_between(app_of, agent_in, back):
    app = app_of()
    app.run(annotations=SLOW)
    agent = agent_in()
    rolling(app, agent)
    app.make("v3", tag="other")
    theirs = app.name() if back else app.name("other")
    set_image(app, theirs)
    update = app.ends(agent, "failed" if back else "superseded")
    assert ("put the old image back" if back else theirs) in update["reason"], update
    stays(lambda: app.image() == theirs, 2, "what somebody else set")


def test_scaled_by_somebody_else_during_the_rollout(app_of, agent_in):
    """Scales like an autoscaler: the rollout continues, and the number of replicas stays."""
    app = app_of()
    app.run(annotations={"landwaiter.dev/soak": "4s"})
    agent = agent_in()
    digest = rolling(app, agent)
    app.patch({"spec": {"replicas": 3}})
    app.ends(agent, "updated")
    assert app.image() == f"{app.name()}@{digest}"
    assert app.get()["spec"]["replicas"] == 3
    app.serves("v2", 3)


def test_a_quota_is_used_up(app_of, agent_in, cluster, namespace):
    app = app_of()
    app.run()
    cluster.admin.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full", "namespace": namespace},
                         "spec": {"hard": {"pods": "1"}}})
    wait_until(lambda: cluster.admin.get("ResourceQuota", "full", namespace)["status"].get("used", {}).get("pods") == "1", 20,
               "the quota is known")
    agent = agent_in()
    status, update = app.push(agent, app.make("v2"))
    assert (status, update["result"]) == (1, "rolled-back") and "quota" in update["reason"], (update, app.get()["status"])
    assert app.image() == app.name(), "pinned, it would need a new pod, too"
    app.serves("v1")


def test_its_own_progress_deadline(app_of, agent_in):
    app = app_of()
    app.run(spec={"progressDeadlineSeconds": 4})
    agent = agent_in(defaults={"health": {"soak": "1s"}})
    status, update = app.push(agent, app.make("v2", kind="mute"))
    assert (status, update["result"]) == (1, "rolled-back"), update
    app.serves("v1")


def test_another_rollout_is_waited_for(app_of, agent_in):
    app = app_of()
    app.run()
    agent = agent_in()
    digest = app.make("v2")
    # New pods of the same image, which count only after five seconds.
    app.patch({"spec": {"minReadySeconds": 5, "template": {"metadata": {"annotations": {"example.net/restarted": "now"}}}}})
    agent.accepted(app.name(), digest)
    update = app.ends(agent, "updated")
    waits = [line["detail"] for line in update["history"] if line["event"] == "wait"]
    assert any("another rollout" in line for line in waits), update
    app.serves("v2")


@pytest.mark.parametrize("labels, annotations, word", [
    ({"app.kubernetes.io/managed-by": "Helm"}, {"meta.helm.sh/release-name": "web"}, "Helm"),
    ({"kustomize.toolkit.fluxcd.io/name": "apps"}, {}, "Flux"),
    ({}, {"argocd.argoproj.io/tracking-id": "web:apps/Deployment:x/web"}, "Argo"),
], ids=["helm", "flux", "argo"])
def test_what_another_tool_keeps_is_refused_until_allowed(app_of, agent_in, labels, annotations, word):
    app = app_of()
    app.run(labels=labels, annotations=annotations)
    agent = agent_in()
    digest = app.make("v2")
    status, update = app.push(agent, digest)
    assert (status, update["result"]) == (1, "failed"), update
    assert word in update["reason"] and "landwaiter.dev/managed" in update["reason"], update
    assert app.image() == app.name()
    app.patch({"metadata": {"annotations": {"landwaiter.dev/managed": "true"}}})
    wait_until(lambda: agent.json("targets")[0]["problem"] is None, 10, "it may be updated")
    status, update = app.push(agent, app.make("v3"))
    assert (status, update["result"]) == (0, "updated"), update


def test_without_pin_the_tag_stays_and_the_pods_are_new(app_of, agent_in):
    app = app_of()
    app.run(pod={"containers": [container(app.name(), imagePullPolicy="Always")]})
    agent = agent_in(platform={"pin": False})
    digest = app.make("v2")
    status, update = app.push(agent, digest)
    assert (status, update["result"]) == (0, "updated"), update
    assert app.image() == app.name()
    assert app.template()["metadata"]["annotations"]["status.landwaiter.dev/digest"] == digest
    app.serves("v2")
    status, update = app.push(agent, app.make("v3", kind="crash"))
    assert (status, update["result"]) == (1, "rolled-back"), update
    assert app.image() == f"{app.name()}@{digest}"
    app.serves("v2")


def test_an_edit_of_somebody_else_survives(app_of, agent_in):
    app = app_of()
    app.run(annotations=SLOW)
    agent = agent_in(defaults={"health": {"timeout": "20s", "soak": "3s"}})
    app.patch({"metadata": {"annotations": {"landwaiter.dev/soak": "3s"}}})
    rolling(app, agent, kind="crash")
    app.patch({"metadata": {"annotations": {"theirs": "yes"}}, "spec": {"revisionHistoryLimit": 3}})
    app.ends(agent, "rolled-back")
    assert app.get()["metadata"]["annotations"]["theirs"] == "yes"
    assert app.get()["spec"]["revisionHistoryLimit"] == 3


def test_the_api_server_is_away_for_a_while(app_of, agent_in, cluster):
    app = app_of()
    app.run(annotations={"landwaiter.dev/health-timeout": "90s"})  # the kubelet takes its time, too
    agent = agent_in()
    cluster.kill_part("api-server")
    digest = app.make("v2")
    agent.accepted(app.name(), digest)
    stays(lambda: app.newest(agent) is None or app.newest(agent)["result"] is None, 4, "it is open")
    cluster.revive()
    app.ends(agent, "updated", 150)
    app.serves("v2")


def test_init_containers_only_by_name(app_of, agent_in):
    app = app_of()
    app.make("v1", tag="setup")
    init = [{"name": "setup", "image": app.name("setup"), "command": ["/bin/busybox", "true"]}]
    app.run(pod={"initContainers": init}, annotations={"landwaiter.dev/enable.setup": "true"})
    agent = agent_in()
    digest = app.make("v2", tag="setup")
    done = agent.push_command(app.name("setup"), "--digest", digest, "--wait=60s")
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert app.template()["spec"]["initContainers"][0]["image"] == f"{app.name('setup')}@{digest}"
    assert app.image() == app.name()


def test_it_waits_for_memory_on_the_nodes(app_of, agent_in):
    app = app_of()
    app.run(replicas=0, annotations={"landwaiter.dev/min-free-memory": "900GiB"})
    agent = agent_in()
    digest = app.make("v2")
    agent.accepted(app.name(), digest)
    update = app.reaches(agent, lambda one: "memory" in (one["reason"] or ""), "it waits for memory")
    assert update["not_before"] and app.image() == app.name(), update
    app.patch({"metadata": {"annotations": {"landwaiter.dev/min-free-memory": "1MiB"}}})
    app.ends(agent, "updated", 60)
    assert app.image() == f"{app.name()}@{digest}"


def test_other_namespaces_take_effect_at_the_next_start(app_of, agent_in, namespace):
    app = app_of()
    app.run(replicas=0)
    agent = agent_in()
    agent.settings["platforms"]["kubernetes"]["namespaces"] = [namespace, "elsewhere"]
    agent.configure()
    agent.reload()
    wait_until(lambda: agent.events("config.reloaded"), 10, "it has read it")
    assert "namespaces" in agent.events("config.restart-needed")[0]["reason"]
    assert app.push(agent, app.make("v2"))[1]["result"] == "updated"


@pytest.mark.parametrize("before, after", [(False, True), (True, False)], ids=["into an index", "out of an index"])
def test_the_same_content_under_another_digest(app_of, agent_in, before, after):
    """A tag that becomes an index of its former manifest (another build of provenance does that) is another digest of
    an image that the node already has, and the node may keep the first one as its name."""
    app = app_of()
    app.make("v1", index=before)
    app.admin.apply(workload("Deployment", "web", app.name(), app.namespace, annotations={"landwaiter.dev/enable": "true"}))
    app.serves("v1")
    agent = agent_in()
    digest = app.make("v1", index=after)
    status, update = app.push(agent, digest)
    if update["result"] == "unchanged":  # its name is already the second one
        assert app.image() == app.name()
    else:
        assert (status, update["result"]) == (0, "updated"), update
        assert app.image() == f"{app.name()}@{digest}"
