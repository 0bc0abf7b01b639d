"""contrib/kubernetes against a real API server: it accepts the rendered objects, the roles allow the agent's calls and nothing
else, and the admission policy lets its service account change only images and its own annotations."""

import copy
import http.client
import json
import os
import re
import shutil
import subprocess

import pytest
import yaml

from lib.agent import BINARY, SECRET
from lib.chart import CHART, GROUPS, IMAGES, KUBERNETES, TOP, Installed, guarded, helm, render
from lib.cluster import HELM
from lib.custom import KINDS as CUSTOM
from lib.kubernetes import APPLY, JSON_PATCH, MERGE, ApiError, workload
from lib.wait import wait_until

OLD, NEW = "registry.test:5000/shop/web:1", "registry.test:5000/shop/web:2@sha256:" + "a" * 64
KINDS = ["Deployment", "StatefulSet", "DaemonSet", "CronJob"]
EVERYTHING = {
    "images": IMAGES, "namespaces": ["shop", "blog"], "nodes": True, "deletePods": True, "existingSecret": "mine",
    "imagePullSecrets": ["pull"], "persistence": {"storageClass": "fast", "accessMode": "ReadWriteOncePod", "size": "2Gi"},
    "service": {"type": "LoadBalancer", "port": 8080, "annotations": {"a/b": "c"}},
    "ingress": {"enabled": True, "className": "nginx", "host": "deploy.example.net", "tlsSecret": "tls",
                "annotations": {"a/b": "c"}},
    "networkPolicy": {"from": [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}], "ports": [443]},
    "nodeSelector": {"kubernetes.io/os": "linux"}, "tolerations": [{"operator": "Exists"}],
    "priorityClassName": "system-cluster-critical", "hostNetwork": True, "env": [{"name": "TZ", "value": "UTC"}],
    "config": {"tls": {"certificate": "/run/secrets/landwaiter/tls.crt", "key": "/run/secrets/landwaiter/tls.key"}},
}
VALUES = {
    "least": {"images": IMAGES},
    "everything": EVERYTHING,
    "replicas": {"images": IMAGES, "replicas": 3},
    "bare": {"images": IMAGES, "policy": {"enabled": False}, "networkPolicy": {"enabled": False},
             "pdb": {"enabled": False}, "persistence": {"enabled": False}, "nodes": False},
    "claim": {"config": {"senders": [{"name": "x", "auth": "none", "images": ["**"]}], "listen": "127.0.0.1:9077"},
              "persistence": {"existingClaim": "there"}, "policy": {"sameRepository": False}},
    "given": {"existingConfigMap": "mine", "image": {"repository": "registry.test/landwaiter", "tag": "x"}},
}


# --- rendered objects ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", VALUES)
def test_the_api_server_takes_every_object(cluster, namespace, tmp_path, name):
    values = copy.deepcopy(VALUES[name])
    if "namespaces" in values:
        values["namespaces"] = [cluster.admin.namespace(f"{namespace}-{one}"[-60:].strip("-"))
                                for one in values["namespaces"]]
    made = render(tmp_path, values, namespace)
    assert len(made) >= 7 and {one["kind"] for one in made} >= {"Deployment", "ServiceAccount", "Service"}
    for one in made:
        in_namespace = one["metadata"].get("namespace")
        assert in_namespace in [None, namespace, *values.get("namespaces", [])]
        path = cluster.admin.path(f"{one['apiVersion']}/{one['kind']}", one["metadata"]["name"], in_namespace)
        # Other tests may have left cluster-wide objects.
        path += "?dryRun=All&fieldValidation=Strict&fieldManager=tests&force=true"
        status, headers, raw = cluster.admin.request("PATCH", path, one, content_type=APPLY)
        assert status in (200, 201) and headers.get("Warning") is None, (one["kind"], raw)
    for one in values.get("namespaces", []):
        if one != "*":
            cluster.admin.delete("Namespace", one)


@pytest.mark.parametrize("values, said", [
    ({}, "whose images?"),
    ({"images": IMAGES, "ingress": {"enabled": True}}, "ingress.host"),
    ({"images": IMAGES, "namespaces": ["*", "shop"]}, "namespaces"),
    ({"images": IMAGES, "namespaces": []}, "namespaces"),
    ({"images": IMAGES, "namspaces": ["shop"]}, "namspaces"),
    ({"images": "registry.test/**"}, "images"),
    ({"images": IMAGES, "replicas": "2"}, "replicas"),
])
def test_faulty_values_are_refused(tmp_path, values, said):
    text = helm(tmp_path, "template", "landwaiter", CHART, "--namespace", "landwaiter", values=values, fails=True)
    assert said in text


@pytest.mark.parametrize("name", VALUES)
def test_helm_lints_the_chart(tmp_path, name):
    helm(tmp_path, "lint", "--strict", CHART, values=VALUES[name])


def test_the_plain_manifests_are_the_chart_s(tmp_path):
    subprocess.run([os.path.join(KUBERNETES, "render"), str(tmp_path)], check=True, timeout=60,
                   env={**os.environ, "HELM": HELM, "HOME": str(tmp_path)})
    made = sorted(one for one in os.listdir(tmp_path) if one.endswith(".yaml"))
    assert made == ["agent.yaml", "cluster-role.yaml", "ingress.yaml", "namespace-role.yaml", "policy.yaml", "records.yaml",
                    "replicas.yaml"]
    for one in made:
        with open(os.path.join(KUBERNETES, one), encoding="utf-8") as file:
            assert file.read() == (tmp_path / one).read_text(), f"{one}: run contrib/kubernetes/render"


def test_the_pod_has_no_more_than_it_needs(tmp_path):
    """The pod gets no further right from its image or its namespace."""
    [deployment] = [one for one in render(tmp_path, VALUES["least"]) if one["kind"] == "Deployment"]
    pod = deployment["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                            "capabilities": {"drop": ["ALL"]}}
    assert pod["enableServiceLinks"] is False and "hostNetwork" not in pod
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}


# --- the roles -------------------------------------------------------------------------------------------------------

VERBS = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]
WORKLOADS = {(verb, resource) for verb in ("get", "list", "watch", "patch")
             for resource in ("deployments", "statefulsets", "daemonsets", "cronjobs")}
THERE = WORKLOADS | {("list", "pods"), ("create", "events")}
ASKED = [*GROUPS, "deployments/scale", "deployments/status", "pods", "pods/exec", "pods/log", "pods/ephemeralcontainers", "events",
         "secrets", "configmaps", "services", "serviceaccounts", "serviceaccounts/token", "nodes", "namespaces",
         "persistentvolumeclaims"]


@pytest.fixture
def installed(cluster, namespace, tmp_path):
    made = []

    def make(**values):
        made.append(Installed(cluster, tmp_path, namespace, values))
        return made[0]
    yield make
    for one in made:
        one.remove()


def allowed(installed, namespace):
    return {(verb, resource) for verb in VERBS for resource in ASKED if installed.may(verb, resource, namespace)}


def test_the_cluster_wide_role_allows_what_is_needed_and_nothing_else(cluster, namespace, installed):
    one = installed(policy={"enabled": False})
    other = cluster.admin.namespace(namespace[:50].strip("-") + "-other")
    wait_until(lambda: one.may("list", "deployments", other), 10, "the roles are in force")
    assert allowed(one, other) == THERE | {("list", "nodes")}
    assert allowed(one, namespace) == THERE | {("list", "nodes"), ("create", "leases")}
    assert [verb for verb in VERBS if one.may(verb, "leases", namespace, "landwaiter")] == ["get", "create", "update"]
    assert not one.may("get", "leases", namespace, "another")
    cluster.admin.delete("Namespace", other)


def test_the_namespaced_roles_end_at_their_namespaces(cluster, namespace, installed):
    shop, other = (cluster.admin.namespace(f"{namespace[:50].strip('-')}-{name}") for name in ("shop", "other"))
    one = installed(namespaces=[shop], policy={"enabled": False})
    wait_until(lambda: one.may("list", "deployments", shop), 10, "the roles are in force")
    assert allowed(one, shop) == THERE
    assert allowed(one, other) == set()
    assert allowed(one, namespace) == {("create", "leases")}
    assert allowed(one, "") == set()
    for made in (shop, other):
        cluster.admin.delete("Namespace", made)


def test_several_replicas_share_records(cluster, namespace, installed):
    one = installed(replicas=3, policy={"enabled": False})
    wait_until(lambda: one.may("list", "records", namespace, group="landwaiter.dev"), 10, "the roles are in force")
    assert [verb for verb in VERBS if one.may(verb, "records", namespace, group="landwaiter.dev")] == [
        "get", "list", "watch", "create", "update", "delete"]
    assert not one.may("list", "records", "default", group="landwaiter.dev")


def test_what_is_allowed_on_request(cluster, namespace, installed):
    shop = cluster.admin.namespace(namespace[:50].strip("-") + "-shop")
    one = installed(namespaces=[shop], nodes=True, deletePods=True, policy={"enabled": False})
    wait_until(lambda: one.may("list", "deployments", shop) and one.may("list", "nodes", ""), 10, "the roles are in force")
    assert allowed(one, shop) == THERE | {("delete", "pods"), ("list", "nodes")}
    assert allowed(one, "") == {("list", "nodes"), ("list", "pods")}
    cluster.admin.delete("Namespace", shop)


def test_the_api_server_answers_as_the_roles_say(cluster, namespace, installed):
    """Makes the calls themselves, not only their reviews."""
    one = installed(namespaces=[namespace], policy={"enabled": False})
    cluster.admin.apply(workload("Deployment", "web", OLD, namespace, replicas=0))
    wait_until(lambda: one.may("patch", "deployments", namespace), 10, "the roles are in force")
    assert one.client.get("Deployment", "web", namespace)
    one.client.patch("Deployment", "web", {"metadata": {"annotations": {"status.landwaiter.dev/by": "x"}}}, namespace)
    one.client.list("Pod", namespace)
    refused = [
        ("GET", f"/api/v1/namespaces/{namespace}/secrets", None),
        ("GET", f"/api/v1/namespaces/{namespace}/configmaps/kube-root-ca.crt", None),
        ("DELETE", f"/api/v1/namespaces/{namespace}/pods/x", None),
        ("DELETE", f"/apis/apps/v1/namespaces/{namespace}/deployments/web", None),
        ("POST", f"/apis/apps/v1/namespaces/{namespace}/deployments", workload("Deployment", "x", OLD, namespace)),
        ("PUT", f"/apis/apps/v1/namespaces/{namespace}/deployments/web",
         cluster.admin.get("Deployment", "web", namespace)),
        ("GET", "/apis/apps/v1/namespaces/default/deployments", None),
        ("GET", "/apis/apps/v1/deployments", None),
        ("PATCH", "/apis/apps/v1/namespaces/default/deployments/web", {}),
    ]
    for method, path, body in refused:
        with pytest.raises(ApiError) as error:
            one.client.api(method, path, body, content_type=MERGE if method == "PATCH" else "application/json")
        assert error.value.status == 403, (method, path, error.value)
    with pytest.raises(ApiError) as error:  # server-side apply creates missing objects, for users that may create
        one.client.apply(workload("Deployment", "y", OLD, namespace))
    assert error.value.status == 403


# --- the admission policy --------------------------------------------------------------------------------------------

CONTAINERS = [
    {"name": "app", "image": OLD, "command": ["/bin/app"], "env": [{"name": "A", "value": "1"}],
     "volumeMounts": [{"name": "data", "mountPath": "/data"}], "resources": {"limits": {"memory": "64Mi"}},
     "securityContext": {"runAsNonRoot": True}},
    {"name": "side", "image": "nginx"},
]
INIT = [{"name": "prepare", "image": "docker.io/library/busybox:1"}]


def rich(kind, namespace):
    """A workload of that kind with an example of every field that a patch might touch."""
    made = workload(kind, "web", OLD, namespace, replicas=0, pod={
        "containers": copy.deepcopy(CONTAINERS), "initContainers": copy.deepcopy(INIT), "volumes": [{"name": "data", "emptyDir": {}}],
        "serviceAccountName": "default", "nodeSelector": {"nowhere": "yes"}},
        annotations={"owner": "brian", "landwaiter.dev/enable": "true"})
    if kind == "CronJob":
        made["spec"]["suspend"] = True
    return made


def template_path(kind):
    return ["spec", "jobTemplate", "spec", "template"] if kind == "CronJob" else ["spec", "template"]


def inside(thing, path):
    for part in path:
        thing = thing[part]
    return thing


@pytest.fixture(scope="module", params=KINDS)
def guard(request, cluster_session, tmp_path_factory):
    """The roles, the policy, and one workload of the kind."""
    kind, admin = request.param, cluster_session.admin
    namespace = admin.namespace("policy-" + kind.lower())
    one = Installed(cluster_session, tmp_path_factory.mktemp("policy"), namespace, {})
    one.kind, one.cluster = kind, cluster_session
    one.thing = admin.apply(rich(kind, namespace))
    wait_until(lambda: one.may("patch", kind.lower() + "s", namespace), 10, "the roles are in force")
    guarded(one.client, one.thing)
    yield one
    one.remove()
    admin.delete("Namespace", namespace)


def change(guard, alter, client=None):
    """The JSON merge patch between the workload as it is and as `alter` leaves it, by the service account; a dry run, so that
    the next test finds it as it was. Lists are replaced as a whole."""
    before = guard.admin.get(guard.kind, "web", guard.namespace)
    after = copy.deepcopy(before)
    alter(after, inside(after, template_path(guard.kind)))
    assert after != before, "the test changes something"
    return (client or guard.client).api("PATCH", guard.admin.path(guard.kind, "web", guard.namespace) + "?dryRun=All",
                                        merge(before, after), content_type=MERGE)


def merge(before, after):
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after
    made = {key: merge(before.get(key), value) for key, value in after.items() if before.get(key) != value}
    return {**made, **{key: None for key in before if key not in after}}


def test_the_agent_s_own_patch_passes(guard):
    """Patches like the agent: with tests, for the containers and the initial ones, and back again."""
    pod = "/".join(["", *template_path(guard.kind), "spec"])
    for path, old, new in ((f"{pod}/containers/0", OLD, NEW), (f"{pod}/initContainers/0", INIT[0]["image"],
                                                               "docker.io/library/busybox:2")):
        uid = guard.thing["metadata"]["uid"]
        for before, after, by in ((old, new, "psh_1"), (new, old, "rollback")):
            guard.client.patch(guard.kind, "web", [
                {"op": "test", "path": "/metadata/uid", "value": uid},
                {"op": "test", "path": f"{path}/image", "value": before},
                {"op": "replace", "path": f"{path}/image", "value": after},
                {"op": "add", "path": "/metadata/annotations/status.landwaiter.dev~1by", "value": by},
                {"op": "add", "path": "/metadata/annotations/kubernetes.io~1change-cause", "value": by},
            ], guard.namespace, JSON_PATCH)
    found = guard.admin.get(guard.kind, "web", guard.namespace)
    assert found["metadata"]["annotations"]["status.landwaiter.dev/by"] == "rollback"
    assert inside(found, template_path(guard.kind))["spec"]["containers"][0]["image"] == OLD


def annotate(key, value="x"):
    def alter(thing, _template):
        annotations = thing["metadata"]["annotations"]
        annotations[key] = value
        if value is None:
            del annotations[key]
    return alter


def template_annotation(key):
    return lambda _, template: template["metadata"].setdefault("annotations", {}).update({key: "x"})


def image(name, container=0, of="containers"):
    return lambda _, template: template["spec"][of][container].update(image=name)


PASSES = {
    "tag": image(OLD + "-next"), "digest alone": image(OLD.removesuffix(":1") + "@sha256:" + "b" * 64),
    "tag and digest": image(NEW), "no tag": image(OLD.removesuffix(":1")),
    "docker hub's long name": image("docker.io/library/nginx:2", 1), "index.docker.io": image("index.docker.io/library/nginx:2", 1),
    "docker hub's short name": image("busybox:2", 0, "initContainers"),
    "status annotation": annotate("status.landwaiter.dev/reason"), "change-cause": annotate("kubernetes.io/change-cause"),
    "template's digest": template_annotation("status.landwaiter.dev/digest"),
}


@pytest.mark.parametrize("name", PASSES)
def test_what_the_agent_may_change_passes(guard, name):
    change(guard, PASSES[name])


def spec(thing, **values):
    thing["spec"].update(values)


ELSEWHERE = "another repository"
FORBIDDEN = {
    "another host": (image("evil.test:5000/shop/web:1"), ELSEWHERE), "another path": (image("registry.test:5000/shop/evil:1"), ELSEWHERE),
    "a longer path": (image("registry.test:5000/shop/web/evil:1"), ELSEWHERE),
    "another port": (image("registry.test:5001/shop/web:1"), ELSEWHERE),
    "no registry": (image("shop/web:1"), ELSEWHERE),
    "another of docker hub's": (image("evil/nginx", 1), ELSEWHERE),
    "another initial image": (image("evil", 0, "initContainers"), ELSEWHERE),
    "command": (lambda _, t: t["spec"]["containers"][0].update(command=["/bin/sh"]), "of a container"),
    "args": (lambda _, t: t["spec"]["containers"][1].update(args=["x"]), "of a container"),
    "env": (lambda _, t: t["spec"]["containers"][0]["env"].append({"name": "B", "value": "2"}), "of a container"),
    "env removed": (lambda _, t: t["spec"]["containers"][0].pop("env"), "of a container"),
    "envFrom": (lambda _, t: t["spec"]["containers"][0].update(envFrom=[{"secretRef": {"name": "x"}}]), "of a container"),
    "resources": (lambda _, t: t["spec"]["containers"][0]["resources"]["limits"].update(memory="1Gi"), "of a container"),
    "privileged": (lambda _, t: t["spec"]["containers"][0]["securityContext"].update(privileged=True), "of a container"),
    "volumeMounts": (lambda _, t: t["spec"]["containers"][0]["volumeMounts"][0].update(mountPath="/etc"), "of a container"),
    "pull policy": (lambda _, t: t["spec"]["containers"][0].update(imagePullPolicy="Never"), "of a container"),
    "lifecycle": (lambda _, t: t["spec"]["containers"][1].update(
        lifecycle={"preStop": {"exec": {"command": ["x"]}}}), "of a container"),
    "initial command": (lambda _, t: t["spec"]["initContainers"][0].update(command=["/bin/sh"]), "of a container"),
    "a container more": (lambda _, t: t["spec"]["containers"].append({"name": "new", "image": OLD}), "no containers"),
    "an initial container more": (lambda _, t: t["spec"]["initContainers"].append(
        {"name": "new", "image": OLD}), "no containers"),
    "a container less": (lambda _, t: t["spec"]["containers"].pop(), "no containers"),
    "no initial container": (lambda _, t: t["spec"].pop("initContainers"), "no containers"),
    "order": (lambda _, t: t["spec"]["containers"].reverse(), "no containers"),
    "renamed": (lambda _, t: t["spec"]["containers"][0].update(name="other"), "no containers"),
    "moved to the initial ones": (lambda _, t: t["spec"]["initContainers"].insert(
        0, t["spec"]["containers"].pop()), "no containers"),
    "a volume": (lambda _, t: t["spec"]["volumes"].append({"name": "x", "hostPath": {"path": "/"}}), "a pod's spec"),
    "a volume's kind": (lambda _, t: t["spec"].update(
        volumes=[{"name": "data", "hostPath": {"path": "/"}}]), "a pod's spec"),
    "service account": (lambda _, t: t["spec"].update(serviceAccountName="admin", serviceAccount="admin"), "a pod's spec"),
    "hostPID": (lambda _, t: t["spec"].update(hostPID=True), "a pod's spec"),
    "hostNetwork": (lambda _, t: t["spec"].update(hostNetwork=True), "a pod's spec"),
    "nodeSelector": (lambda _, t: t["spec"].pop("nodeSelector"), "a pod's spec"),
    "tolerations": (lambda _, t: t["spec"].update(tolerations=[{"operator": "Exists"}]), "a pod's spec"),
    "imagePullSecrets": (lambda _, t: t["spec"].update(imagePullSecrets=[{"name": "x"}]), "a pod's spec"),
    "pod security": (lambda _, t: t["spec"].update(securityContext={"runAsUser": 0}), "a pod's spec"),
    "runtime class": (lambda _, t: t["spec"].update(runtimeClassName="x"), "a pod's spec"),
    "grace": (lambda _, t: t["spec"].update(terminationGracePeriodSeconds=0), "a pod's spec"),
    "the pods' labels": (lambda _, t: t["metadata"]["labels"].update(more="x"), "a pod template's metadata"),
    "the pods' annotations": (template_annotation("sidecar.istio.io/inject"), "a pod template's metadata"),
    "the pods' status annotations": (template_annotation("status.landwaiter.dev/by"), "a pod template's metadata"),
    "restart": (template_annotation("kubectl.kubernetes.io/restartedAt"), "a pod template's metadata"),
    "finalizers": (lambda thing, _: thing["metadata"].update(finalizers=["x.test/y"]), "a workload's metadata"),
    "ownerReferences": (lambda thing, _: thing["metadata"].update(ownerReferences=[
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "y"}]), "a workload's metadata"),
    "labels": (lambda thing, _: thing["metadata"]["labels"].update(more="x"), "a workload's metadata"),
    "no labels": (lambda thing, _: thing["metadata"].pop("labels"), "a workload's metadata"),
    "annotation": (annotate("owner", "mallory"), "no annotation but"),
    "annotation removed": (annotate("owner", None), "no annotation but"),
    "its own settings": (annotate("landwaiter.dev/enable", "false"), "no annotation but"),
    "settings added": (annotate("landwaiter.dev/policy", "force"), "no annotation but"),
    "a prefix's prefix": (annotate("status.landwaiter.devious/x"), "no annotation but"),
    "no annotations": (lambda thing, _: thing["metadata"].pop("annotations"), "no annotation but"),
}
OF_A_KIND = {
    "Deployment": {
        "replicas": lambda thing, _: spec(thing, replicas=3),
        "paused": lambda thing, _: spec(thing, paused=True),
        "strategy": lambda thing, _: spec(thing, strategy={"type": "Recreate", "rollingUpdate": None}),
        "deadline": lambda thing, _: spec(thing, progressDeadlineSeconds=1000),
        "history": lambda thing, _: spec(thing, revisionHistoryLimit=0)},
    "StatefulSet": {
        "replicas": lambda thing, _: spec(thing, replicas=3),
        "partition": lambda thing, _: spec(thing, updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}),
        "ordinals": lambda thing, _: spec(thing, ordinals={"start": 1}),
        "retention": lambda thing, _: spec(thing, persistentVolumeClaimRetentionPolicy={"whenDeleted": "Delete"})},
    "DaemonSet": {
        "strategy": lambda thing, _: spec(thing, updateStrategy={"type": "OnDelete", "rollingUpdate": None}),
        "ready": lambda thing, _: spec(thing, minReadySeconds=9)},
    "CronJob": {
        "schedule": lambda thing, _: spec(thing, schedule="* * * * *"),
        "suspend": lambda thing, _: spec(thing, suspend=False),
        "the job's labels": lambda thing, _: thing["spec"]["jobTemplate"].update(metadata={"labels": {"x": "y"}}),
        "parallelism": lambda thing, _: thing["spec"]["jobTemplate"]["spec"].update(parallelism=9),
        "concurrency": lambda thing, _: spec(thing, concurrencyPolicy="Replace")},
}


def refused(guard, alter, said, client=None):
    with pytest.raises(ApiError) as error:
        change(guard, alter, client)
    text = str(error.value)
    policy = guard.namespace + "-landwaiter"
    assert f"ValidatingAdmissionPolicy '{policy}' with binding '{policy}' denied request: Landwaiter " in text, text
    assert said in text, text
    # An expression that fails would deny as well, and prove nothing.
    assert "evaluat" not in text and "exceed" not in text, text
    assert error.value.status in (403, 422)


@pytest.mark.parametrize("name", FORBIDDEN)
def test_nothing_else_may_be_changed(guard, name):
    alter, said = FORBIDDEN[name]
    change(guard, alter, guard.admin)  # others may make the change, and the API server accepts it
    refused(guard, alter, said)


def test_nothing_of_the_workload_s_own_spec_may_be_changed(guard):
    for name, alter in OF_A_KIND[guard.kind].items():
        change(guard, alter, guard.admin)
        refused(guard, alter, "a workload's spec"), name


def test_the_count_that_the_api_server_keeps_in_an_annotation(guard):
    """On a DaemonSet the annotation is the server's own; on the others it is like any other."""
    key = "deprecated.daemonset.template.generation"
    alter = annotate(key, "77")
    if guard.kind == "DaemonSet":
        before = guard.admin.get(guard.kind, "web", guard.namespace)["metadata"]["annotations"][key]
        assert change(guard, alter)["metadata"]["annotations"][key] == before != "77"
    else:
        refused(guard, alter, "no annotation but")


def test_a_change_that_is_allowed_hides_none_that_is_not(guard):
    def both(thing, template):
        image(NEW)(thing, template)
        template["spec"]["containers"][0]["command"] = ["/bin/sh"]
    refused(guard, both, "of a container")


def test_server_side_apply_is_held_to_the_same(guard):
    applied = {key: guard.thing[key] for key in ("apiVersion", "kind")}
    applied["metadata"] = {"name": "web", "namespace": guard.namespace, "labels": {"more": "x"}}
    with pytest.raises(ApiError) as error:
        guard.client.api("PATCH", guard.admin.path(guard.kind, "web", guard.namespace) + "?fieldManager=x&force=true&dryRun=All",
                         applied, content_type=APPLY)
    assert "ValidatingAdmissionPolicy" in str(error.value) and "a workload's metadata" in str(error.value)


def test_the_policy_holds_where_the_role_would_allow_more(guard):
    """Even a service account with all permissions may not scale, write the status, create or delete."""
    guard.admin.apply({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": guard.namespace + "-too-much"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "landwaiter", "namespace": guard.namespace}]})
    try:
        wait_until(lambda: guard.may("delete", guard.kind.lower() + "s", guard.namespace), 10, "it may do everything")
        path = guard.admin.path(guard.kind, None, guard.namespace)
        calls = [("DELETE", f"{path}/web?dryRun=All", None), ("POST", path + "?dryRun=All", {
            **rich(guard.kind, guard.namespace), "metadata": {"name": "other", "namespace": guard.namespace}}),
            ("PATCH", f"{path}/web/status?dryRun=All", {"status": {"observedGeneration": 1}})]
        if guard.kind in ("Deployment", "StatefulSet"):
            calls.append(("PATCH", f"{path}/web/scale?dryRun=All", {"spec": {"replicas": 5}}))
        for method, where, body in calls:
            with pytest.raises(ApiError) as error:
                guard.client.api(method, where, body, content_type=MERGE if method == "PATCH" else "application/json")
            assert "denied request: Landwaiter only changes workloads" in str(error.value), (method, where, str(error.value))
    finally:
        guard.admin.delete("ClusterRoleBinding", guard.namespace + "-too-much")


def test_a_large_workload_costs_not_too_much(guard):
    """The API server stops expressions that take too long: 60 containers with 60 variables each are far from it."""
    large = rich(guard.kind, guard.namespace)
    large["metadata"]["name"] = "large"
    inside(large, template_path(guard.kind))["spec"]["containers"] = [
        {"name": f"c{number}", "image": OLD, "env": [{"name": f"V{one}", "value": "x" * 100} for one in range(60)]}
        for number in range(60)]
    guard.admin.apply(large)
    path = "/".join(["", *template_path(guard.kind), "spec", "containers", "59", "image"])
    guard.client.patch(guard.kind, "large", [{"op": "replace", "path": path, "value": NEW}], guard.namespace, JSON_PATCH)
    with pytest.raises(ApiError) as error:
        guard.client.patch(guard.kind, "large", [{"op": "replace", "path": path.replace("image", "env/59/value"), "value": "y"}],
                           guard.namespace, JSON_PATCH)
    assert "of a container but its image" in str(error.value)
    guard.admin.delete(guard.kind, "large", guard.namespace)


def test_the_api_server_finds_no_fault_in_the_policy(cluster, namespace, tmp_path):
    [policy] = [one for one in render(tmp_path, VALUES["least"], namespace) if one["kind"] == "ValidatingAdmissionPolicy"]
    cluster.admin.apply(policy)
    name = policy["metadata"]["name"]
    found = wait_until(lambda: [one for one in [cluster.admin.get("ValidatingAdmissionPolicy", name)]
                                if one.get("status", {}).get("observedGeneration")], 20, "it was checked")[0]
    assert found["status"].get("typeChecking") in (None, {}), json.dumps(found["status"], indent=1)
    cluster.admin.delete("ValidatingAdmissionPolicy", name)


# --- the image as a pod ----------------------------------------------------------------------------------------------

def status_of(pid):
    """Its /proc/PID/status."""
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


def test_the_image_runs_as_a_pod(cluster, namespace, pod_of):
    """Without a platform, as this test is about the pod (test_cluster_pod.py has the platform): it has no rights, writes to its volume only, and keeps its
    accepted pushes there when it is killed or moved."""
    pod = pod_of(namespace, start=False, values={"existingConfigMap": "mine"})
    cluster.admin.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mine", "namespace": namespace},
                         "data": {"landwaiter.yaml": json.dumps(pod.settings)}})
    pod.start()
    assert pod.get("/healthz").status == 200

    said = status_of(pod.pid)
    assert (said["Uid"], said["Gid"]) == (["9077"] * 4, ["9077"] * 4)
    assert {int(said[name][0], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert (said["NoNewPrivs"], said["Seccomp"]) == (["1"], ["2"])
    with open(f"/proc/{pod.pid}/mounts", encoding="ascii") as lines:
        mounts = {words[1]: words[3].split(",")[0] for words in map(str.split, lines)}
    writable = {path for path, mode in mounts.items() if mode == "rw" and not path.startswith(("/dev", "/proc", "/sys"))}
    assert mounts["/"] == "ro" and writable - {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"} == {
        "/var/lib/landwaiter", "/run/landwaiter"}, mounts

    push = pod.accepted("registry.test/shop/web:1")
    assert pod.wait(push)["updates"] == []
    pod.kill9()
    pod.wait_ready(60)
    assert pod.status(push)["id"] == push
    pod.replace()
    pod.wait_ready(60)
    assert pod.status(push)["id"] == push
    assert [one["id"] for one in pod.json("pushes")] == [push]
    assert pod.object()["status"]["containerStatuses"][0]["restartCount"] == 0


def test_the_pod_restarts_when_its_settings_change(cluster, namespace, pod_of):
    pod = pod_of(namespace, start=False)
    pod.start(ready=False)
    first = wait_until(pod.object, 30, "there is a pod")["metadata"]["uid"]
    pod.settings["log"]["level"] = "info"
    pod.start(ready=False)
    wait_until(lambda: (pod.object() or {"metadata": {"uid": first}})["metadata"]["uid"] != first, 60, "a new pod")


# --- docs/kubernetes.md ------------------------------------------------------------------------------------

DOCS = os.path.join(TOP, "docs", "kubernetes.md")


def blocks(kind):
    with open(DOCS, encoding="utf-8") as page:
        return re.findall(rf"^```{kind}\n(.*?)^```", page.read(), re.M | re.S)


def block(begin):
    return next(one for one in blocks("sh") if one.startswith(begin))


def understood(config, directory):
    """The program accepts this landwaiter.yaml, with a secret in each file that it names, without even a warning."""
    path = os.path.join(directory, "landwaiter.yaml")
    os.makedirs(os.path.join(directory, "secrets"), mode=0o700, exist_ok=True)
    for name in re.findall(r"/run/secrets/landwaiter/(\w+)", config):
        with open(os.path.join(directory, "secrets", name), "w", encoding="ascii") as out:
            out.write(SECRET + "\n")
    with open(path, "w", encoding="utf-8") as out:
        out.write(config.replace("/run/secrets/landwaiter", os.path.join(directory, "secrets")))
    done = subprocess.run([BINARY, "check", "-c", path], capture_output=True, text=True, timeout=30, check=False,
                          stdin=subprocess.DEVNULL, env={"PATH": os.environ["PATH"]})
    assert done.returncode == 0 and not re.search(r":\d+:\d+: ", done.stdout + done.stderr), done.stdout + done.stderr


def rendered_config(directory, values):
    [one] = [one for one in render(directory, values) if one["kind"] == "ConfigMap"]
    return one["data"]["landwaiter.yaml"]


def test_the_configurations_are_understood(tmp_path):
    """The plain one, the chart's own, and those of the page."""
    with open(os.path.join(KUBERNETES, "landwaiter.yaml"), encoding="utf-8") as file:
        plain = file.read()
    understood(plain, str(tmp_path))
    assert yaml.safe_load(plain)["senders"][0].keys() == yaml.safe_load(
        rendered_config(tmp_path, VALUES["least"]))["senders"][0].keys()
    [values] = [yaml.safe_load(one) for one in blocks("yaml") if one.startswith("# values.yaml")]
    [microk8s] = re.findall(r"<<'END'\n(.*?)^END$", "".join(blocks("sh")), re.M | re.S)
    for one in (VALUES["least"], {**VALUES["least"], **values}, yaml.safe_load(microk8s), {**VALUES["least"], "deletePods": True}):
        understood(rendered_config(tmp_path, one), str(tmp_path))


def test_the_resources_of_their_page_are_understood(tmp_path):
    """test_cluster_resources.py tests the first one."""
    with open(os.path.join(TOP, "docs", "resources.md"), encoding="utf-8") as page:
        examples = [yaml.safe_load(one) for one in re.findall(r"^```yaml\n(.*?)^```", page.read(), re.M | re.S)]
    assert len(examples) == 2
    assert examples[0]["platforms"]["kubernetes"]["resources"] == [one.resource for one in CUSTOM.values()]
    for one in examples:
        understood(rendered_config(tmp_path, {**VALUES["least"], "config": one}), str(tmp_path))


def test_the_page_names_every_permission(tmp_path):
    """Its table equals the roles."""
    with open(DOCS, encoding="utf-8") as page:
        table = re.findall(r"^\| ([a-z, ]+) \| ([a-z, ]+) \| .*? \| .*? \|$",
                           page.read().partition("## Permissions")[2].partition("\n## ")[0], re.M)
    said = {(resource, verb) for resources, verbs in table[1:] for resource in resources.split(", ")
            for verb in verbs.split(", ")}
    made = render(tmp_path, {"images": IMAGES, "deletePods": True, "replicas": 3})
    assert said == {(resource, verb) for one in made if one["kind"] in ("Role", "ClusterRole") for rule in one["rules"]
                    for resource in rule["resources"] for verb in rule["verbs"]}


@pytest.fixture
def newcomer(cluster, pod_image, tmp_path, workspace):
    """A shell in the repository with helm and kubectl, in a cluster that has storage, an image to pull, and a workload."""
    (tmp_path / "bin").mkdir()
    os.symlink(HELM, tmp_path / "bin" / "helm")
    copy_of = tmp_path / "repository"
    shutil.copytree(KUBERNETES, copy_of / "contrib" / "kubernetes")
    volume = tmp_path / "volume"
    volume.mkdir()
    os.chown(volume, 9077, 9077)
    shop = cluster.admin.namespace("shop")
    cluster.ctr("images", "tag", "--force", pod_image, "registry.example.net/landwaiter:0.1.0")
    cluster.admin.apply(
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "newcomer"},
         "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": str(volume)},
                  "persistentVolumeReclaimPolicy": "Retain", "claimRef": {"namespace": "landwaiter", "name": "landwaiter"}}},
        workload("Deployment", "site", OLD, shop, replicas=0))
    environment = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "HOME": str(tmp_path),
                   "KUBECONFIG": cluster.kubeconfig(str(tmp_path / "kubeconfig"))}

    def run(script):
        done = subprocess.run(["sh", "-ec", script], cwd=copy_of, env=environment, text=True, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=120, check=False)
        assert done.returncode == 0, (script, done.stdout, done.stderr)
        return done.stdout
    run.repository = copy_of
    yield run
    for pod in cluster.admin.list("Pod", "landwaiter"):
        cluster.admin.delete("Deployment", "landwaiter", "landwaiter")
        cluster.admin.delete("Pod", pod["metadata"]["name"], "landwaiter")
    for kind, name, namespace in [
            ("Namespace", "landwaiter", None), ("Namespace", shop, None), ("v1/PersistentVolume", "newcomer", None),
            ("ClusterRole", "landwaiter", None), ("ClusterRoleBinding", "landwaiter", None),
            ("ValidatingAdmissionPolicy", "landwaiter", None), ("ValidatingAdmissionPolicyBinding", "landwaiter", None)]:
        cluster.admin.delete(kind, name, namespace)
    wait_until(lambda: not cluster.admin.get("Namespace", "landwaiter") and not cluster.admin.get("Namespace", shop)
               and not cluster.admin.get("v1/PersistentVolume", "newcomer", None), 90, "nothing is left")


def started(cluster):
    """The pod whose container runs: its image, its secret, its settings and its volume were all there."""
    return next((pod for pod in cluster.admin.list("Pod", "landwaiter")
                 for one in pod["status"].get("containerStatuses", []) if "running" in one["state"]), None)


def answers(cluster):
    """The agent is alive. It cannot be ready: there are no Service addresses here, so it does not find the API server."""
    wait_until(lambda: started(cluster), 60, "the pod has started")

    def healthy():
        connection = http.client.HTTPConnection(started(cluster)["status"]["podIP"], 9077, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()
    wait_until(healthy, 30, "it is alive")


def config_in(cluster):
    [one] = [one for one in cluster.admin.list("ConfigMap", "landwaiter") if "landwaiter.yaml" in one["data"]]
    return one["data"]["landwaiter.yaml"]


def test_the_readme_says_the_same():
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as page:
        text = page.read()
    assert block("helm install") in text and block("(umask") in text


def test_two_commands_with_helm(cluster, newcomer, tmp_path):
    said = newcomer(block("helm install"))
    assert block("(umask").split("&&")[0].split(";")[1].strip().split(" >")[0] in said, "the notes tell of the secret"
    newcomer(block("(umask"))
    understood(config_in(cluster), str(tmp_path))
    answers(cluster)
    secret = (newcomer.repository / "ci.secret").read_text()
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=\n", secret) and (newcomer.repository / "ci.secret").stat().st_mode & 0o77 == 0
    newcomer(block("kubectl -n shop annotate"))
    annotations = cluster.admin.get("Deployment", "site", "shop")["metadata"]["annotations"]
    assert annotations["landwaiter.dev/enable"] == "true"
    newcomer("helm uninstall landwaiter --namespace landwaiter")
    assert cluster.admin.get("PersistentVolumeClaim", "landwaiter", "landwaiter"), "what was promised stays"


def test_two_commands_with_kubectl(cluster, newcomer, tmp_path):
    path = newcomer.repository / "contrib" / "kubernetes" / "kustomization.yaml"
    path.write_text(path.read_text().replace("newName: landwaiter ", "newName: registry.example.net/landwaiter "))
    newcomer(block("kubectl apply -k"))
    newcomer(block("(umask"))
    understood(config_in(cluster), str(tmp_path))
    answers(cluster)
    role = cluster.admin.get("Role", "landwaiter", "landwaiter")
    assert role["rules"][1]["resourceNames"] == ["landwaiter"], "the Lease is not named like the generated ConfigMap"
    config = newcomer.repository / "contrib" / "kubernetes" / "landwaiter.yaml"
    before = cluster.admin.get("Deployment", "landwaiter", "landwaiter")["metadata"]["generation"]
    config.write_text(config.read_text() + "log: {level: debug}\n")
    newcomer(block("kubectl apply -k"))
    assert cluster.admin.get("Deployment", "landwaiter", "landwaiter")["metadata"]["generation"] == before + 1
    newcomer("kubectl apply -n shop -f contrib/kubernetes/namespace-role.yaml")
    subject, = cluster.admin.get("RoleBinding", "landwaiter-workloads", "shop")["subjects"]
    assert (subject["name"], subject["namespace"]) == ("landwaiter", "landwaiter")
