"""Landwaiter inside the cluster: its own image as a pod, with the rights of the chart's roles and under the chart's admission
policy. Other tests check its work; this one checks that these rights suffice, and that it uses no others."""

import pytest

from lib.kubernetes import ApiError, container
from lib.wait import wait_until
from lib.workloads import app_of  # noqa: F401  (fixture)

KINDS = ["Deployment", "StatefulSet", "DaemonSet"]
READ = {"get", "list", "watch"}
ROLE = {  # the rights of contrib/kubernetes, and of every service account
    **{resource: READ | {"patch"} for resource in ("deployments", "statefulsets", "daemonsets", "cronjobs")},
    "pods": {"list", "delete"}, "events": {"create"}, "nodes": {"list"}, "leases": {"get", "create", "update"},
    "selfsubjectaccessreviews": {"create"},
}


@pytest.fixture
def within(cluster, namespace, registry, pod_of):
    """within(values…): the agent as a pod, in a namespace of its own, that may touch this test's namespace alone; and
    after the test the audit log has no refused call, and none beyond the role."""
    home = cluster.admin.namespace(namespace[:55].strip("-") + "-home")
    mark, made = cluster.audit_mark(), []

    def make(settings=None, **values):
        made.append(pod_of(home, [registry], settings=settings, values={"namespaces": [namespace], **values}))
        wait_until(lambda: policy_in_force(cluster, made[0], namespace), 20, "the policy is in force")
        return made[0]
    yield make
    for one in made:
        calls = [event for event in cluster.audit(mark, one.user) if "objectRef" in event and
                 not event.get("userAgent", "").startswith("tests")]
        assert calls, "it asked the API server something"
        for event in calls:
            asked, code = event["objectRef"], event["responseStatus"]["code"]
            assert event["verb"] in ROLE.get(asked["resource"], ()) and "subresource" not in asked, event
            # The agent asks for resources that the role leaves out, and does without them: nodes, and pods of every namespace.
            assert code not in (401, 403) or (asked["resource"] in ("nodes", "pods") and "namespace" not in asked), event
    cluster.admin.delete("Namespace", home)


def policy_in_force(cluster, pod, namespace):
    """Its token cannot label a workload, although the role lets it patch one."""
    client = cluster.client(cluster.admin.account_token("landwaiter", pod.namespace))
    for kind in ("Deployment", "StatefulSet", "DaemonSet", "CronJob"):
        for one in cluster.admin.list(kind, namespace):
            try:
                client.api("PATCH", cluster.admin.path(kind, one["metadata"]["name"], namespace) + "?dryRun=All",
                           {"metadata": {"labels": {"probe": "x"}}}, content_type="application/merge-patch+json")
            except ApiError as error:
                return "ValidatingAdmissionPolicy" in str(error)
    return False


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_v2_and_a_bad_v3(app_of, within, kind):
    app = app_of(kind)
    app.run()
    pod = within(deletePods=True)
    digest = app.make("v2")

    status, update = app.push(pod, digest)

    assert (status, update["result"]) == (0, "updated"), (update, pod.log[-3000:])
    assert app.image() == f"{app.name()}@{digest}"
    app.serves("v2")
    assert [one["reason"] for one in app.events()] == ["ImageUpdated"]

    bad = app.make("v3", kind="crash")
    status, update = app.push(pod, bad)
    assert (status, update["result"]) == (1, "rolled-back"), (update, pod.log[-3000:])
    assert app.image() == f"{app.name()}@{digest}" and app.marks()["failed-digest"] == bad
    app.serves("v2")


@pytest.mark.parametrize("kind", [*KINDS, "CronJob"])
def test_without_pinning(app_of, within, kind):
    """The digest is in the pod template's annotation instead, there and back."""
    app = app_of(kind)
    app.run(pod={"containers": [container(app.name(), ready=kind != "CronJob", imagePullPolicy="Always")]})
    pod = within(settings={"platforms": {"kubernetes": {"pin": False}}})
    digest = app.make("v2")
    status, update = app.push(pod, digest)
    assert (status, update["result"]) == (0, "updated"), (update, pod.log[-3000:])
    assert app.image() == app.name()


def test_an_update_survives_the_pod(app_of, within):
    """Kills the pod during a rollout, and moves it during the next one."""
    app = app_of()
    app.run()
    pod = within()
    for version, end in (("v2", pod.kill9), ("v3", pod.replace)):
        digest = app.make(version)
        push = pod.accepted(app.name(), digest)
        wait_until(lambda wanted=digest: app.image().endswith(wanted), 30, "it is patched")
        end()
        pod.wait_ready(60)
        [update] = pod.wait(push)["updates"]
        assert update["result"] == "updated", (update, pod.log[-3000:])
        app.serves(version)


def test_the_doctor_misses_no_permission(app_of, within):
    app_of().run()
    said = within().run("doctor", "--json")
    assert said.returncode == 0 and '"level": "error"' not in said.stdout, (said.stdout, said.stderr)


def test_commands_in_the_pod(app_of, within):
    """As `kubectl exec` runs them: the program in the container finds its agent without options."""
    app = app_of()
    app.run()
    assert app.target in within().execute("targets")
