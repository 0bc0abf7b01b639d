"""Several replicas of an agent, each with its own state, and its own proxy before the API server, so that a test
can cut off a single one."""

import os
import shutil
import socket
import threading

import yaml

from lib.agent import Agent
from lib.wait import wait_until

TOP = os.path.join(os.path.dirname(__file__), "..", "..", "..")
LEASE, ACCOUNT = "landwaiter", "landwaiter"
RULES = [  # as in contrib/kubernetes
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": [LEASE], "verbs": ["get", "update"]},
    {"apiGroups": ["landwaiter.dev"], "resources": ["records"],
     "verbs": ["get", "list", "watch", "create", "update", "delete"]},
    {"apiGroups": ["apps"], "resources": ["deployments", "statefulsets", "daemonsets"],
     "verbs": ["get", "list", "watch", "patch"]},
    {"apiGroups": ["batch"], "resources": ["cronjobs"], "verbs": ["get", "list", "watch", "patch"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]},
]


def install(admin, namespace):
    """Makes the kind, and an account with the shipped role in that namespace."""
    with open(os.path.join(TOP, "contrib", "kubernetes", "records.yaml"), encoding="utf-8") as kind:
        admin.apply(yaml.safe_load(kind))
    subject = {"kind": "ServiceAccount", "name": ACCOUNT, "namespace": namespace}
    group = "rbac.authorization.k8s.io"
    admin.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": namespace}},
        {"apiVersion": group + "/v1", "kind": "Role", "metadata": {"name": ACCOUNT, "namespace": namespace}, "rules": RULES},
        {"apiVersion": group + "/v1", "kind": "RoleBinding", "metadata": {"name": ACCOUNT, "namespace": namespace},
         "subjects": [subject], "roleRef": {"apiGroup": group, "kind": "Role", "name": ACCOUNT}})
    wait_until(lambda: established(admin), 20, "records are served")


def established(admin):
    made = admin.get("CustomResourceDefinition", "records.landwaiter.dev", None)
    return made and any(one["type"] == "Established" and one["status"] == "True"
                        for one in made.get("status", {}).get("conditions", []))


class Replica(Agent):
    """An agent of a set (Replicas)."""

    def __init__(self, directory, cluster, namespace, **more):
        self.proxy, self.lives = cluster.proxy(), 0
        settings = {**more.pop("settings", {})}
        lease = settings.pop("lease", "3s")
        os.makedirs(directory, exist_ok=True)
        config = cluster.kubeconfig(os.path.join(directory, "kubeconfig"), namespace=namespace, url=self.proxy.url,
                                    token=cluster.admin.account_token(ACCOUNT, namespace))
        settings["platforms"] = {"kubernetes": {"kubeconfig": config, "namespaces": [namespace], "select": "all",
                                                "replicas": {"lease": LEASE, "duration": lease}}}
        super().__init__(directory, settings=settings, **more)

    def start(self, ready=True):
        self.lives = len(self.events("agent.started")) + 1
        return super().start(ready)

    def roles(self):
        """The times at which it began and ceased to lead since its start."""
        told = [one for one in self.events() if one["event"] in ("agent.started", "replica.leads", "replica.follows")]
        starts = [place for place, one in enumerate(told) if one["event"] == "agent.started"]
        if len(starts) < self.lives:
            return []
        return [(one["event"], one["time"]) for one in told[starts[-1] + 1:]]

    def leads(self):
        """Does its log say so?"""
        roles = self.roles()
        return bool(self.process) and bool(roles) and roles[-1][0] == "replica.leads"

    def cut(self, silent=False):
        """Cuts it off from the API server: connections break, or (silent) its requests arrive much later."""
        if silent:
            self.proxy.fault(delay=12)
        else:
            self.proxy.fault(drop=True)
        self.proxy.cut_watches()

    def mend(self, **but):
        return self.proxy.mend(**but)

    def back(self, deadline=60):
        """Waits until it is ready again."""
        try:
            wait_until(self.ready, deadline, "it is ready again")
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.get('/readyz')}\n{self.log[-4000:]}") from None

    def lose(self):
        """Kills it (-9) and removes its volume."""
        self.kill9()
        self.lose_state()

    def lose_state(self):
        shutil.rmtree(self.state)
        os.makedirs(self.state)

    def close(self):
        try:
            self.mend()
            super().close()
        finally:
            self.proxy.stop()


class Replicas:
    """`count` replicas in a namespace, none of them started."""

    def __init__(self, directory, cluster, namespace, count=2, **more):
        self.cluster, self.namespace = cluster, namespace
        install(cluster.admin, namespace)
        self.all = [Replica(f"{directory}/replica{number}", cluster, namespace, **more) for number in range(count)]

    def start(self):
        for one in self.all:
            one.start()
        self.leader()
        return self

    def leader(self, among=None, deadline=30):
        """The leader; waits for it."""
        found = wait_until(lambda: [one for one in among or self.all if one.leads()], deadline, "somebody leads")
        assert len(found) == 1, "two lead"
        return found[0]

    def others(self, one):
        return [other for other in self.all if other is not one and other.process]

    def records(self):
        return self.cluster.admin.list("landwaiter.dev/v1/Record", self.namespace)

    def inbox(self):
        return [one for one in self.records() if one["metadata"]["name"].startswith("inbox-")]

    def close(self):
        for one in self.all:
            one.close()


class Service:
    """Like a Service for callers outside: each new connection goes to the next replica that answers."""

    def __init__(self, replicas):
        self.replicas, self.turn = replicas, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def connect(self):
        for _ in self.replicas.all:
            self.turn += 1
            try:
                return socket.create_connection(("127.0.0.1", self.replicas.all[self.turn % len(self.replicas.all)].port))
            except OSError:
                continue
        return None

    def serve(self, client):
        backend = self.connect()
        if backend is None:
            client.close()
            return
        back = threading.Thread(target=self.pass_on, args=(backend, client), daemon=True)
        back.start()
        self.pass_on(client, backend)
        back.join()
        client.close()
        backend.close()

    @staticmethod
    def pass_on(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            for one in (source, target):
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
