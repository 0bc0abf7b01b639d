"""One bad object in the cluster, which anybody in any namespace may have made, concerns itself: every other workload is
updated as ever, and the doctor tells."""

import json
import os

import pytest

from lib.custom import definition
from lib.kubernetes import container, workload
from lib.wait import wait_until
from lib.workloads import ENABLED, agent_in, app_of  # noqa: F401  (fixtures)

KIB = 1024
DELIVERED = os.path.join(os.path.dirname(__file__), "..", "..", "build", "landwaiter")
KINDS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob")


def idle(kind, name, image, namespace, **more):
    """One that makes no pod."""
    spec = {"replicas": 0} if kind in ("Deployment", "StatefulSet") else {"suspend": True} if kind == "CronJob" else {}
    pod = {"nodeSelector": {"none": "such"}} if kind == "DaemonSet" else {}
    made = workload(kind, name, image, namespace, spec=spec, **more)
    template = made["spec"]["jobTemplate"]["spec"]["template"] if kind == "CronJob" else made["spec"]["template"]
    template["spec"].update(pod)
    return made, template


def updated(app, agent, version="v2"):
    """A push of it becomes an update at once."""
    assert agent.ready(), agent.get("/readyz")
    digest = app.make(version)
    status, update = app.push(agent, digest)
    assert (status, update["result"]) == (0, "updated"), update
    assert app.image() == f"{app.name()}@{digest}"


def findings(agent):
    done = agent.run("doctor", "--json")
    return {one["about"]: one for one in json.loads(done.stdout)["findings"]}


def peak(agent):
    """The most memory that it ever had, in bytes."""
    with open(f"/proc/{agent.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * KIB for line in status if line.startswith("VmHWM:"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_zero_character_in_an_object(app_of, agent_in, cluster, namespace, kind):
    """In an annotation and in an env value, there before the start, and made while it is watched."""
    app = app_of()
    app.run()
    for name, enabled in (("one", {}), ("two", ENABLED)):
        made, template = idle(kind, name, "example.com/none:1", namespace, annotations={"says": "a\0b", **enabled})
        template["spec"]["containers"][0]["env"] = [{"name": "A", "value": "a\0b"}]
        template["metadata"]["annotations"] = {"says": "\0"}
        cluster.admin.create(made)
    agent = agent_in()
    updated(app, agent)
    made, _ = idle(kind, "three", "example.com/none:1", namespace, annotations={"says": "a\0b"})
    cluster.admin.create(made)
    updated(app, agent, "v3")
    cluster.admin.patch(kind, "one", {"metadata": {"annotations": {"says": "\0\0"}}}, namespace)
    agent.restart()
    updated(app, agent, "v4")
    targets = {one["target"]: one for one in agent.json("targets")}
    assert targets[f"kubernetes/{namespace}/{kind.lower()}/two/app"]["enabled"], targets


def test_one_with_zero_characters_is_updated_itself(app_of, agent_in, cluster, namespace):
    """Where they are in no setting: everything else of it stays as it was."""
    app = app_of()
    app.run(annotations={"says": "a\0b"})
    updated(app, agent_in())
    assert app.get()["metadata"]["annotations"]["says"] == "a\0b"


def test_a_setting_with_a_zero_character_is_the_targets_problem(app_of, agent_in, images, repository, namespace, cluster):
    app = app_of()
    app.run()
    other = app_of(name="other")
    made, _ = idle("Deployment", "other", app.name(), namespace, annotations={**ENABLED, "landwaiter.dev/policy": "never\0"})
    cluster.admin.create(made)
    agent = agent_in()
    digest = app.make("v2")
    app.push(agent, digest)
    app.ends(agent, "updated")
    assert other.image() == app.name()
    problem = next(one["problem"] for one in agent.json("targets") if one["target"] == other.target)
    assert "landwaiter.dev/policy" in problem, problem
    assert findings(agent)[other.target]["level"] == "warning"


def test_a_part_that_cannot_be_read_is_told(app_of, agent_in, namespace, cluster):
    """Of one that has not opted in by the doctor alone; of another one as its problem."""
    app = app_of()
    app.run()
    for name, enabled in (("one", {}), ("two", ENABLED)):
        made, _ = idle("Deployment", name, app.name(), namespace,
                       annotations={**enabled, "landwaiter.dev/group": "g" * 10000})
        cluster.admin.create(made)
    agent = agent_in()
    app.push(agent, app.make("v2"))
    app.ends(agent, "updated")
    told = findings(agent)
    one = told[f"kubernetes/{namespace}/deployment/one"]
    assert one["level"] == "note" and "landwaiter.dev/group" in one["message"], told
    assert told[f"kubernetes/{namespace}/deployment/two/app"]["level"] == "warning", told
    cluster.admin.delete("Deployment", "one", namespace)
    wait_until(lambda: f"kubernetes/{namespace}/deployment/one" not in findings(agent), 10, "it is no longer told")


def test_a_custom_resource_of_any_shape(app_of, agent_in, namespace, cluster):
    """Deep, with zero characters in names and values, with an image that is none, and with very many members."""
    group = "neighbours.example"
    kind = definition(group, "v1", "Thing", "things")
    cluster.admin.apply(kind)
    wait_until(lambda: cluster.admin.request("GET", f"/apis/{group}/v1/things")[0] == 200, 20, "the kind is known")
    app = app_of()
    app.run()
    deep = {}
    for _ in range(100):
        deep = {"a": deep}
    specs = {"deep": {"x": deep}, "name": {"a\0b": 1, "image": "x:1"}, "value": {"image": "x:1\0"},
             "number": {"image": 7}, "many": {"image": "x:1", "x": [{}] * 100000}, "list": {"image": [[["x"]]]}}
    for name, spec in specs.items():
        cluster.admin.create({"apiVersion": group + "/v1", "kind": "Thing", "spec": spec, "metadata": {
            "name": name, "namespace": namespace, "annotations": ENABLED if name == "many" else {}}})
    agent = agent_in(platform={"resources": [{"apiVersion": group + "/v1", "kind": "Thing", "plural": "things",
                                              "image": ".spec.image"}]})
    updated(app, agent)
    told = findings(agent)
    assert "too many" in told[f"kubernetes/{namespace}/thing/many"]["message"], told
    cluster.admin.patch(group + "/v1/Thing", "deep", {"spec": {"y": deep}}, namespace)
    updated(app, agent, "v3")
    cluster.admin.delete("CustomResourceDefinition", f"things.{group}")


def large(cluster, namespace, image, count, size):
    """Many workloads with annotations of that many bytes."""
    for i in range(count):
        made, _ = idle("Deployment", f"large-{i}", image, namespace)
        made["metadata"]["annotations"] = {"says": "x" * size}
        cluster.admin.create(made)


def test_three_hundred_workloads_with_large_annotations(app_of, agent_in, cluster, namespace):
    """A page of them has 75 MB."""
    app = app_of()
    app.run()
    large(cluster, namespace, app.name(), 300, 255 * KIB)
    agent = agent_in()
    updated(app, agent)


def test_memory_with_sixty_workloads_of_a_megabyte(app_of, agent_in, cluster, namespace):
    """Their environment makes them so large; the chart allows 128 Mi. Of the program as delivered: the sanitizers' memory
    says nothing."""
    app = app_of()
    app.run()
    for i in range(60):
        made, template = idle("Deployment", f"large-{i}", app.name(), namespace)
        template["spec"]["containers"] = [
            container(app.name(), env=[{"name": f"A{k}", "value": "x" * 10000} for k in range(100)])]
        cluster.admin.create(made)
    agent = agent_in(start=False)
    agent.binary = DELIVERED
    agent.start()
    updated(app, agent)
    agent.run("doctor")
    assert peak(agent) < 40 * 1024 * KIB, peak(agent)


def test_a_page_that_is_too_large_for_the_server(app_of, agent_in, cluster, namespace):
    """It answers 504 for more than ten objects at once."""
    app = app_of()
    app.run()
    large(cluster, namespace, app.name(), 30, 10)
    proxy = cluster.proxy()
    proxy.fault(method="GET", path=r"/deployments\?limit=(\d{3}|[2-9]\d|1[1-9])(&|$)", status=504, body=b"{}")
    agent = agent_in(url=proxy.url)
    updated(app, agent)
    assert proxy.count(path=r"/deployments\?limit=7&continue=") >= 3
