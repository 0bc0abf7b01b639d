"""The base of the tests of the Kubernetes platform: the tests' own cluster works like a real one, and leaves nothing behind.
Needs no agent."""

import http.client
import json
import os
import subprocess

import pytest

from lib.cluster import CONTROL_PLANE, HELM, Cluster
from lib.confine import cgroups, mounts_below, processes_of
from lib.kubernetes import JSON_PATCH, ApiError, workload
from lib.wait import stays, wait_until


def test_the_node_is_ready(cluster):
    node = cluster.admin.get("Node", cluster.node)
    assert cluster.node_ready()
    assert node["status"]["nodeInfo"]["kubeletVersion"] == cluster.admin.api("GET", "/version")["gitVersion"]
    assert not cluster.admin.api("GET", "/version")["gitVersion"].startswith("v0.")


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet"])
def test_a_workload_from_the_registry_answers(cluster, namespace, images, repository, kind):
    digest = images.make(repository, "v1")
    cluster.admin.apply(workload(kind, "web", images.name(repository, "v1"), namespace))
    wait_until(lambda: cluster.admin.rolled_out(kind, "web", namespace), 30, kind + " is available")
    wait_until(lambda: cluster.admin.serves("web", namespace) == ["v1"], 10, "v1 answers")
    status = cluster.admin.pods("web", namespace)[0]["status"]["containerStatuses"][0]
    assert status["imageID"].endswith(digest)


def test_a_new_image_is_rolled_out(cluster, namespace, images, repository):
    for version in ("v1", "v2"):
        images.make(repository, version)
    cluster.admin.apply(workload("Deployment", "web", images.name(repository, "v1"), namespace, replicas=2))
    wait_until(lambda: cluster.admin.serves("web", namespace) == ["v1"] * 2, 60, "v1 answers twice")
    cluster.admin.patch("Deployment", "web", [
        {"op": "test", "path": "/spec/template/spec/containers/0/name", "value": "app"},
        {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": images.name(repository, "v2")},
    ], namespace, JSON_PATCH)
    wait_until(lambda: cluster.admin.serves("web", namespace) == ["v2"] * 2, 90, "v2 answers twice")
    with pytest.raises(ApiError) as refused:
        cluster.admin.patch("Deployment", "web", [{"op": "test", "path": "/metadata/uid", "value": "x"}], namespace,
                            JSON_PATCH)
    assert refused.value.status == 422


@pytest.mark.parametrize("kind, reasons", [("crash", {"CrashLoopBackOff"}),
                                           ("missing", {"ErrImagePull", "ImagePullBackOff"})])
def test_a_bad_image_is_told(cluster, namespace, images, repository, kind, reasons):
    if kind != "missing":
        images.make(repository, "v1", kind=kind)
    cluster.admin.apply(workload("Deployment", "web", images.name(repository, "v1"), namespace))
    wait_until(lambda: cluster.admin.reason("web", namespace) in reasons, 40, str(reasons))


def test_a_log_and_a_cron_job(cluster, namespace, images, repository):
    images.make(repository, "v1", config={"Entrypoint": ["/bin/busybox", "echo", "done"]})
    cluster.admin.apply(workload("CronJob", "tick", images.name(repository, "v1"), namespace, spec={
        "schedule": "* * * * *", "suspend": True}))
    job = cluster.admin.get("CronJob", "tick", namespace)["spec"]["jobTemplate"]["spec"]
    cluster.admin.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "now", "namespace": namespace},
                          "spec": job})
    wait_until(lambda: cluster.admin.get("Job", "now", namespace)["status"].get("succeeded"), 30, "the job is done")
    assert cluster.admin.log(cluster.admin.pods("tick", namespace)[0]["metadata"]["name"], namespace) == "done\n"


def test_a_pod_speaks_to_the_api_with_its_own_account(cluster, namespace, images, repository):
    """With the token and the authority that the kubelet gives it, from the node's network and from the pods'."""
    images.make(repository, "v1", config={"Entrypoint": ["/bin/busybox", "sh", "-c", (
        "d=/var/run/secrets/kubernetes.io/serviceaccount; busybox test -s $d/token && busybox test -s $d/ca.crt && "
        "busybox nc -w 1 $KUBERNETES_SERVICE_HOST $KUBERNETES_SERVICE_PORT </dev/null && busybox echo reached")]})
    for name, own_network in (("host", True), ("pod", False)):
        job = workload("CronJob", name, images.name(repository, "v1"), namespace, pod={"hostNetwork": own_network})
        job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["env"] = cluster.environment()
        cluster.admin.create({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": namespace},
                              "spec": job["spec"]["jobTemplate"]["spec"]})
        wait_until(lambda: cluster.admin.get("Job", name, namespace)["status"].get("succeeded"), 30, name + " is done")


def test_the_audit_log_tells_what_an_account_did(cluster, namespace):
    admin = cluster.admin
    admin.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reader", "namespace": namespace}},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "read", "namespace": namespace},
         "rules": [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list"]}]},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
         "metadata": {"name": "read", "namespace": namespace},
         "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": namespace}],
         "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "read"}})
    mark, reader = cluster.audit_mark(), cluster.client(admin.account_token("reader", namespace))
    wait_until(lambda: allowed(reader, namespace), 10, "the role is in force")
    with pytest.raises(ApiError) as refused:
        reader.list("Pod", namespace)
    assert refused.value.status == 403
    user = f"system:serviceaccount:{namespace}:reader"
    wait_until(lambda: {("list", "deployments", 200), ("list", "pods", 403)} <=
               {(one["verb"], one["objectRef"]["resource"], one["responseStatus"]["code"])
                for one in cluster.audit(mark, user) if "objectRef" in one}, 10, "the audit log tells of both")


def allowed(reader, namespace):
    try:
        return reader.list("Deployment", namespace) == []
    except ApiError:
        return False


def test_a_client_certificate(cluster):
    somebody = cluster.client(certificate=cluster.certificate("somebody", "system:masters"))
    assert [one["metadata"]["name"] for one in somebody.list("Node")] == [cluster.node]


def test_the_api_server_goes_and_comes_back(cluster, namespace, images, repository):
    images.make(repository, "v1")
    cluster.admin.apply(workload("Deployment", "web", images.name(repository, "v1"), namespace))
    wait_until(lambda: cluster.admin.serves("web", namespace) == ["v1"], 30, "v1 answers")
    [pod] = cluster.admin.pods("web", namespace)
    cluster.kill_part("api-server")
    assert not cluster.admin.ready()
    cluster.revive()
    assert [one["metadata"]["uid"] for one in cluster.admin.pods("web", namespace)] == [pod["metadata"]["uid"]]
    cluster.admin.patch("Deployment", "web", {"spec": {"replicas": 2}}, namespace)
    wait_until(lambda: cluster.admin.serves("web", namespace) == ["v1"] * 2, 90, "the node works on")


def test_an_old_revision_is_gone_after_a_compaction(cluster, namespace):
    admin = cluster.admin
    old = admin.api("GET", admin.path("ConfigMap", None, namespace))["metadata"]["resourceVersion"]
    admin.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": namespace}})
    cluster.compact()
    cluster.stop_part("api-server")
    cluster.revive()
    watch = admin.path("ConfigMap", None, namespace) + "?watch=1&timeoutSeconds=1&resourceVersion=" + old
    status, _, raw = admin.request("GET", watch)
    assert status == 410 or b'"code":410' in raw, (status, raw)


def test_a_proxy_makes_faults(cluster, namespace, request):
    proxy = cluster.proxy()
    request.addfinalizer(proxy.stop)
    client = cluster.client(cluster.tokens["admin"], url=proxy.url)
    proxy.fault(path="/configmaps", status=429, headers={"Retry-After": "1"}, times=1)
    with pytest.raises(ApiError) as refused:
        client.list("ConfigMap", namespace)
    assert refused.value.status == 429
    found = client.api("GET", client.path("ConfigMap", None, namespace))
    version = found["metadata"]["resourceVersion"]
    connection = client.connect()
    connection.request("GET", f"{client.path('ConfigMap', None, namespace)}?watch=1&resourceVersion={version}",
                       headers={"Authorization": "Bearer " + client.token, "User-Agent": "tests"})
    watch = connection.getresponse()
    client.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": namespace}})
    event = json.loads(watch.readline())
    assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "x")
    assert proxy.cut_watches() == 1
    with pytest.raises((OSError, http.client.HTTPException)):
        watch.read()
    connection.close()
    assert proxy.count("^tests", "GET", "/configmaps") == 3


def test_helm_installs_a_chart(cluster, namespace, tmp_path):
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: probe\nversion: 1.0.0\nkubeVersion: '>=1.25.0'\n")
    (chart / "templates" / "map.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: probe}\ndata: {said: {{ .Values.said | quote }}}\n")
    made = subprocess.run([HELM, "install", "probe", str(chart), "--namespace", namespace, "--set", "said=hello",
                           "--kubeconfig", cluster.kubeconfig(str(tmp_path / "admin.conf"))],
                          capture_output=True, text=True, env={**os.environ, "HOME": str(tmp_path)}, check=False)
    assert made.returncode == 0, made.stderr
    assert cluster.admin.get("ConfigMap", "probe", namespace)["data"] == {"said": "hello"}


def test_a_second_cluster_disturbs_nothing_and_leaves_nothing(cluster, namespace, images, repository, workspace, request):
    """Its kubelet lets the first one's containers live; when it is stopped, no process, mount or cgroup of it is left."""
    images.make(repository, "v1")
    cluster.admin.apply(workload("Deployment", "web", images.name(repository, "v1"), namespace))
    wait_until(lambda: cluster.admin.serves("web", namespace) == ["v1"], 30, "v1 answers")
    [pod] = cluster.admin.pods("web", namespace)
    mine = pod["status"]["containerStatuses"][0]["containerID"].rpartition("/")[2]
    assert mine in cluster.containers()

    second = Cluster(os.path.join(workspace, "second"), "other").start()
    request.addfinalizer(second.stop)
    second.admin.apply(workload("Deployment", "web", images.name(repository, "v1")))
    wait_until(lambda: second.admin.serves("web") == ["v1"], 30, "v1 answers from the second")
    stays(lambda: mine in cluster.containers(), 3, "the first one's container")
    assert cgroups(second.id) and processes_of(second.directory) and mounts_below(second.directory)

    second.kill_part("containerd")  # the hard way: its containers keep running
    second.stop()
    assert (cgroups(second.id), processes_of(second.directory), mounts_below(second.directory)) == ([], [], [])
    assert mine in cluster.containers()
    wait_until(lambda: cluster.admin.serves("web", namespace) == ["v1"], 30, "the first one's serves on")


def test_a_control_plane_alone(workspace, request):
    one = Cluster(os.path.join(workspace, "alone")).start(CONTROL_PLANE)
    request.addfinalizer(one.stop)
    assert one.admin.list("Node") == []
