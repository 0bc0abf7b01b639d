"""Custom resources in the tests' cluster: their kinds as the API server learns them, and stand-ins for their
controllers. The real ones are whole platforms (Flux, k3s, Argo Rollouts, Knative); only their writes to the status count
here, in their own order: first the observed generation, then the outcome."""

import threading

from lib.kubernetes import JSON_PATCH, ApiError
from lib.wait import wait_until

ANY = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def definition(group, version, kind, plural):
    """A CustomResourceDefinition with any spec and any status, the status apart from the rest."""
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{group}"},
            "spec": {"group": group, "scope": "Namespaced",
                     "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": kind + "List"},
                     "versions": [{"name": version, "served": True, "storage": True, "subresources": {"status": {}},
                                   "schema": {"openAPIV3Schema": {"type": "object",
                                                                  "properties": {"spec": ANY, "status": ANY}}}}]}}


def condition(kind, status, reason, message, generation=None):
    made = {"type": kind, "status": status, "reason": reason, "message": message,
            "lastTransitionTime": "2026-11-20T12:00:00Z"}
    return {**made, **({"observedGeneration": generation} if generation else {})}


def flux(generation, bad):
    """helm-controller: working, then ready; or it restores the previous release, and is then out of retries."""
    yield {"observedGeneration": generation - 1, "conditions": [
        condition("Reconciling", "True", "Progressing", "running upgrade", generation),
        condition("Ready", "Unknown", "Progressing", "running upgrade", generation)]}
    if not bad:
        yield {"observedGeneration": generation, "conditions": [
            condition("Ready", "True", "UpgradeSucceeded", "Helm upgrade succeeded", generation),
            condition("Released", "True", "UpgradeSucceeded", "Helm upgrade succeeded", generation)]}
        return
    failed = [condition("Ready", "False", "RollbackSucceeded", "Helm rollback to previous release succeeded", generation),
              condition("Released", "False", "UpgradeFailed", "context deadline exceeded", generation),
              condition("Remediated", "True", "RollbackSucceeded", "Helm rollback to previous release succeeded", generation)]
    yield {"observedGeneration": generation - 1, "conditions": [
        condition("Reconciling", "True", "ProgressingWithRetry", "retrying", generation), *failed]}
    yield {"observedGeneration": generation, "conditions": [
        condition("Stalled", "True", "RetriesExceeded", "Failed to upgrade after 2 attempt(s)", generation), *failed]}


def k3s(generation, bad):
    """helm-controller of k3s: a job, and whether it failed; it does not say for which generation."""
    yield {"jobName": "helm-install-web", "conditions": [
        condition("JobCreated", "True", "Job created", f"job of {generation}"),
        {**condition("Failed", "True" if bad else "False", "", "helm-install failed" if bad else ""),
         "lastUpdateTime": f"2026-11-20T12:00:{generation % 60:02d}Z"}]}


def argo(generation, bad):
    yield {"observedGeneration": str(generation), "phase": "Progressing", "message": "more replicas need to be updated"}
    if bad:
        yield {"observedGeneration": str(generation), "phase": "Degraded",
               "message": "ProgressDeadlineExceeded: ReplicaSet has timed out progressing."}
    else:
        yield {"observedGeneration": str(generation), "phase": "Healthy"}


def knative(generation, bad):
    yield {"observedGeneration": generation, "conditions": [condition("Ready", "Unknown", "", "")]}
    if bad:
        yield {"observedGeneration": generation, "conditions": [
            condition("Ready", "False", "RevisionFailed", "container exited with code 1")]}
    else:
        yield {"observedGeneration": generation, "conditions": [condition("Ready", "True", "", "")]}


class Kind:
    """One of the documented kinds: the configured path of its image, and the statuses of its controller."""

    def __init__(self, group, version, kind, paths, spec, says):
        self.group, self.version, self.kind, self.paths, self.spec, self.says = group, version, kind, paths, spec, says
        self.plural = kind.lower() + "s"
        self.full = f"{group}/{version}/{kind}"

    @property
    def resource(self):
        return {"apiVersion": f"{self.group}/{self.version}", "kind": self.kind, **self.paths}

    @property
    def definition(self):
        return definition(self.group, self.version, self.kind, self.plural)


def pod_of(name, tag):
    return {"template": {"spec": {"containers": [{"name": "app", "image": f"{name}:{tag}"}]}}}


KINDS = {one.kind: one for one in [
    Kind("helm.toolkit.fluxcd.io", "v2", "HelmRelease",
         {"name": ".spec.values.image.repository", "tag": ".spec.values.image.tag"},
         lambda name, tag: {"interval": "1h", "chart": {"spec": {"chart": "web"}},
                            "values": {"image": {"repository": name, "tag": tag}, "other": {"tag": tag}}}, flux),
    Kind("helm.cattle.io", "v1", "HelmChart",
         {"name": ".spec.set['image.repository']", "tag": ".spec.set['image.tag']"},
         lambda name, tag: {"chart": "web", "set": {"image.repository": name, "image.tag": tag, "more": tag}}, k3s),
    Kind("argoproj.io", "v1alpha1", "Rollout", {"image": ".spec.template.spec.containers[*].image"}, pod_of, argo),
    Kind("serving.knative.dev", "v1", "Service", {"image": ".spec.template.spec.containers[*].image"}, pod_of, knative),
]}


class Controller:
    """Writes the status of one object after each change of its spec, as the kind's own controller does. A spec that
    holds one of `bad`'s texts fails."""

    def __init__(self, admin, kind, name, namespace, bad=()):
        self.admin, self.kind, self.name, self.namespace, self.bad = admin, kind, name, namespace, list(bad)
        self.ended = threading.Event()
        self.paused = False
        self.seen = 0
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while not self.ended.wait(0.1):
            one = None if self.paused else self.admin.get(self.kind.full, self.name, self.namespace)
            if one and one["metadata"]["generation"] != self.seen:
                self.seen = one["metadata"]["generation"]
                fails = any(text in str(one["spec"]) for text in self.bad)
                for status in self.kind.says(self.seen, fails):
                    self.write(status)
                    self.ended.wait(0.2)

    def write(self, status):
        try:
            self.admin.patch(self.kind.full, self.name, [{"op": "add", "path": "/status", "value": status}],
                             self.namespace, content_type=JSON_PATCH, sub="status")
        except ApiError as error:
            if error.status != 404:
                raise

    def reaches(self):
        """Waits until it has written the status of the present generation."""
        def settled():
            one = self.admin.get(self.kind.full, self.name, self.namespace)
            return self.seen == one["metadata"]["generation"] and one.get("status")
        wait_until(settled, 20, "its controller has seen it")

    def close(self):
        self.ended.set()
        self.thread.join(10)
