"""Landwaiter as a pod of the tests' cluster: the project's own image, installed by Helm from the project's own chart, with
the chart's roles, admission policy and security context. Driven like any other agent of the tests (lib/agent.py).

    pod = Pod(directory, cluster, namespace, image, [registry], settings={…}, values={…}).start()
    pod.url, .get("/healthz"), .accepted(image, digest), .wait(push), .json("targets"), .log, .pid
    pod.kill9(), then .wait_ready()       # its process dies, the kubelet starts it again; its state stays
    pod.replace()                         # the pod is deleted as by a node's drain, or with grace 0, and made anew
    pod.execute("targets")                # in its container
    pod.stop(), .start()                  # no replicas, one again; settings and values may be changed in between
    pod.files["name"] = "…"               # before start(): is the file /run/secrets/landwaiter/name
    pod.object()                          # the pod as the API server has it
    pod.user                              # its service account, as the audit log names it
    pod.close()                           # uninstalled; the tests remove the namespace

The pod is in the node's network, which is the tests' own: it listens on 127.0.0.1, and reaches registries there and the API
server without Service addresses. Its volume is a directory of this machine, `state`. `settings` are the configuration's
members as of lib.agent; `values` are more of the chart's. The log of a pod is kept until the pod itself is gone.
"""

import glob
import os
import signal
import urllib.parse

from lib.agent import SECRET, Agent
from lib.chart import CHART, helm
from lib.wait import wait_until

RELEASE = "landwaiter"
USER = 9077


class Pod(Agent):
    def __init__(self, directory, cluster, namespace, image, registries=(), settings=None, values=None):
        self.cluster, self.namespace = cluster, namespace
        self.files = {"ci": SECRET + "\n"}  # the files in /run/secrets/landwaiter
        self.image, self.values = image, values or {}
        self.user = f"system:serviceaccount:{namespace}:{RELEASE}"
        self.installed = False
        super().__init__(directory, registries=registries, settings={
            "platforms": {}, "defaults": {"health": {"timeout": "40s", "soak": "1s"}}, **(settings or {})})
        del self.settings["control"], self.settings["state"]  # the image's own
        self.settings["senders"][0]["auth"]["standard_webhooks"]["secret"]["file"] = "/run/secrets/landwaiter/ci"
        os.chown(self.state, USER, USER)
        self.kubeconfig = cluster.kubeconfig(os.path.join(directory, "admin.conf"))

    # Its life.

    def start(self, ready=True):
        if not self.installed:
            self._prepare()
        repository, _, tag = self.image.rpartition(":")
        values = {"image": {"repository": repository, "tag": tag, "pullPolicy": "Never"}, "hostNetwork": True,
                  "port": self.port, "env": self.cluster.environment(), "config": self.settings,
                  "resources": {"requests": {"cpu": "1m"}}, **self.values}
        helm(self.directory, "upgrade", "--install", RELEASE, CHART, "--namespace", self.namespace, values=values,
             kubeconfig=self.kubeconfig)
        self.installed = True
        if ready:
            self.wait_ready(60)
        return self

    def _prepare(self):
        """Makes the objects of a user, and of the cluster's storage."""
        name = f"{self.namespace}-{RELEASE}"
        self.cluster.admin.apply(
            {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
             "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"],
                      "persistentVolumeReclaimPolicy": "Retain", "hostPath": {"path": self.state},
                      "claimRef": {"namespace": self.namespace, "name": RELEASE}}},
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": RELEASE, "namespace": self.namespace},
             "stringData": self.files})

    def object(self):
        """The newest pod that is not being deleted, or None."""
        found = [one for one in self.cluster.admin.list("Pod", self.namespace, "app.kubernetes.io/name=landwaiter")
                 if "deletionTimestamp" not in one["metadata"]]
        return max(found, key=lambda one: one["metadata"]["creationTimestamp"], default=None)

    def _container(self):
        """The id of the container that runs, or None."""
        for status in ((self.object() or {}).get("status") or {}).get("containerStatuses", []):
            if "running" in status["state"]:
                return status["containerID"].rpartition("/")[2]
        return None

    def _process(self):
        container = self._container()
        for line in self.cluster.ctr("tasks", "list").splitlines():
            words = line.split()
            if words[0] == container and words[2] == "RUNNING":
                return int(words[1])
        return None

    @property
    def pid(self):
        """Its process, as the tests see it. The API server learns of it a moment after its start."""
        return wait_until(self._process, 60, "its process runs")

    @property
    def control_path(self):
        inside = "/run/landwaiter/control.sock"
        return f"/proc/{self.pid}/root{inside}" if self.installed else inside

    @control_path.setter
    def control_path(self, _):
        """Nothing: the image has its own."""

    def alive(self):
        return True  # the kubelet restarts it

    def signal(self, number):
        os.kill(self.pid, number)

    def kill9(self):
        before = self._container()
        self.signal(signal.SIGKILL)
        wait_until(lambda: self._container() != before, 20, "the kubelet has seen its end")

    def replace(self, grace=30):
        """Deletes the pod; waits until it is gone and another one is there."""
        before = self.object()["metadata"]
        self.cluster.admin.delete("Pod", before["name"], self.namespace, grace)
        wait_until(lambda: not self.cluster.admin.get("Pod", before["name"], self.namespace), 60, "the old pod is gone")
        wait_until(self.object, 60, "another pod is there")

    def execute(self, *words):
        """The output of the program in the container, as with `kubectl exec`."""
        assert self.pid
        return self.cluster.ctr("tasks", "exec", "--exec-id", "tests", "--user", f"{USER}:{USER}", self._container(),
                                "/usr/bin/landwaiter", *words)

    def stop(self, deadline=60):
        self._scale(0)
        wait_until(lambda: not self.cluster.admin.list("Pod", self.namespace, "app.kubernetes.io/name=landwaiter"),
                   deadline, "no pod of it is left")

    def _scale(self, replicas):
        self.cluster.admin.patch("Deployment", RELEASE, {"spec": {"replicas": replicas}}, self.namespace)

    def close(self):
        if self.installed:
            helm(self.directory, "uninstall", RELEASE, "--namespace", self.namespace, "--wait",
                 kubeconfig=self.kubeconfig)
            self.cluster.admin.delete("v1/PersistentVolume", f"{self.namespace}-{RELEASE}", None)
            self.installed = False

    # Its output.

    @property
    def log(self):
        """The logs of its present pods, the oldest container first."""
        text = ""
        for path in sorted(glob.glob(self.cluster.at("kubelet", "logs", f"{self.namespace}_{RELEASE}-*", RELEASE, "*.log")),
                           key=os.path.getmtime):
            with open(path, encoding="utf-8", errors="replace") as log:  # "TIME stderr F message"
                text += "".join(line.split(" ", 3)[3] for line in log if line.count(" ") >= 3)
        return text

    def events_of(self, kind, name, namespace):
        """The events of an object: (reason, message)."""
        selector = urllib.parse.urlencode({"fieldSelector": f"involvedObject.kind={kind},involvedObject.name={name}"})
        found = self.cluster.admin.api("GET", f"/api/v1/namespaces/{namespace}/events?{selector}")["items"]
        return [(one["reason"], one["message"]) for one in found]
