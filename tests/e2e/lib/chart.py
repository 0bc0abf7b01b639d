"""The project's own chart, rendered and installed by the real Helm."""

import json
import os
import subprocess

import yaml

from lib.cluster import HELM
from lib.kubernetes import ApiError
from lib.wait import wait_until

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
KUBERNETES = os.path.join(TOP, "contrib", "kubernetes")
CHART = os.path.join(KUBERNETES, "chart")
IMAGES = ["registry.test/**"]
GROUPS = {"deployments": "apps", "statefulsets": "apps", "daemonsets": "apps", "replicasets": "apps",
          "controllerrevisions": "apps", "cronjobs": "batch", "jobs": "batch", "leases": "coordination.k8s.io",
          "roles": "rbac.authorization.k8s.io", "clusterroles": "rbac.authorization.k8s.io",
          "validatingadmissionpolicies": "admissionregistration.k8s.io"}


def helm(directory, *words, values=None, kubeconfig=None, fails=False):
    """Its output (on stderr when it must fail). `directory` is its home, and the place of the values."""
    path = os.path.join(directory, "values.json")
    with open(path, "w", encoding="utf-8") as out:
        json.dump(values or {}, out)
    done = subprocess.run([HELM, *words, *(["--values", path] if values else []),
                           *(["--kubeconfig", kubeconfig] if kubeconfig else [])],
                          capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL,
                          env={"PATH": os.environ["PATH"], "HOME": str(directory)})
    assert (done.returncode != 0) == fails, (words, done.stdout, done.stderr)
    return done.stderr if fails else done.stdout


def render(directory, values, namespace="landwaiter", release="landwaiter"):
    """The chart's objects."""
    text = helm(directory, "template", release, CHART, "--namespace", namespace, values=values)
    return [one for one in yaml.safe_load_all(text) if one]


def guarded(client, thing):
    """Waits until the admission policy is in force for `client`, which may patch `thing` otherwise: the API server learns
    of a policy a moment after it was made."""
    path = client.path(f"{thing['apiVersion']}/{thing['kind']}", thing["metadata"]["name"],
                       thing["metadata"]["namespace"])

    def refused():
        try:
            client.api("PATCH", path + "?dryRun=All", {"metadata": {"labels": {"probe": "x"}}},
                       content_type="application/merge-patch+json")
        except ApiError as error:
            return "ValidatingAdmissionPolicy" in str(error)
        return False
    wait_until(refused, 20, "the policy is in force")


class Installed:
    """The chart's roles (and policy) in a namespace, and a client of its service account."""

    def __init__(self, cluster, directory, namespace, values):
        self.made = [one for one in render(directory, {"images": IMAGES, **values}, namespace) if one["kind"] in (
            "ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding")]
        self.admin, self.namespace = cluster.admin, namespace
        self.admin.apply(*self.made)
        self.client = cluster.client(self.admin.account_token("landwaiter", namespace))

    def remove(self):
        for one in self.made:
            self.admin.delete(f"{one['apiVersion']}/{one['kind']}", one["metadata"]["name"],
                              one["metadata"].get("namespace"))

    def may(self, verb, resource, namespace, name="", group=None):
        resource, _, sub = resource.partition("/")
        group = GROUPS.get(resource, "") if group is None else group
        answer = self.client.api("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {"verb": verb, "resource": resource, "subresource": sub, "group": group,
                                            "namespace": namespace, "name": name}}})
        return answer["status"]["allowed"]
