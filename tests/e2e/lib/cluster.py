"""A whole Kubernetes cluster of one real node, of the tests' own: etcd, API server, controller manager, scheduler,
containerd, kubelet. Ready in about five seconds; needs root, and mount and process namespaces of its own, which
tests/run (and tests/cluster/up, for a cluster by hand) provide.

    cluster = Cluster(directory).start()        # node Ready; start(CONTROL_PLANE): no node; start(STORE): nothing acts
    images.make("shop/web", "v1")               # lib.images, in a lib.registry on loopback: pulled from there
    cluster.admin.apply(workload("Deployment", "web", images.name("shop/web", "v1")))       # lib.kubernetes
    wait_until(lambda: cluster.admin.serves("web") == ["v1"], 30, "v1 answers")
    cluster.kubeconfig("path", token=cluster.admin.account_token("account", "namespace"))  # or certificate=…
    cluster.client(token=…).api("GET", "/api/v1/pods")
    cluster.stop_part("api-server"), .kill_part(…), .start_part(…), .restart_part(…), .revive(), .compact()
    mark = cluster.audit_mark(); …; cluster.audit(mark, user="system:serviceaccount:landwaiter:landwaiter")
    proxy = cluster.proxy(); proxy.fault(path="deployments", status=429, times=3); proxy.cut_watches()
    cluster.kubeconfig("path", url=proxy.url)   # through the proxy
    cluster.stop()                              # nothing of it is left

`url` (https://ADDRESS:PORT) is reached from the tests, from pods with hostNetwork and from other pods alike: there is
no kube-proxy, so pods that speak to the API need `environment()` in place of the Service. Pods are reached by address.
With fixtures: `cluster` (one for the session, with a namespace of the test's own in `namespace`), see conftest.py.
"""

import base64
import hashlib
import http.client
import io
import ipaddress
import itertools
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tarfile

from lib.confine import FORWARDING, isolate, kill_cgroups, make_cgroups, mounts_below, processes_of
from lib.images import MANIFEST, base_layer, described, digest_of, machine
from lib.kubernetes import ApiProxy, Client
from lib.registry import openssl
from lib.wait import free_port, wait_until

CONTROL_PLANE = ("etcd", "api-server", "controller-manager", "scheduler")
NODE = ("containerd", "kubelet")
STORE = CONTROL_PLANE[:2]
CLIENTS = ("controller-manager", "scheduler", "kubelet")  # the controller manager ends when there is no API server
ORDER = ("etcd", "api-server", "containerd") + CLIENTS
PROGRAMS = os.environ.get("LANDWAITER_CLUSTER_PROGRAMS", "")
HELM = os.environ.get("LANDWAITER_HELM", "helm")
SANDBOX = "landwaiter.test/sandbox:1"
COMPONENTS = ["system:apiserver", "system:kube-controller-manager", "system:kube-scheduler", "system:node"]

NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

CONTAINERD = """version = 2
root = "{0}/containerd/root"
state = "{0}/containerd/state"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
                    "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[grpc]
address = "{0}/containerd/socket"
[plugins."io.containerd.internal.v1.opt"]
path = "{0}/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{1}"
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "{0}/cni"
[plugins."io.containerd.grpc.v1.cri".registry]
config_path = "{0}/registries"
"""


def sandbox_archive(path):
    """An image archive: busybox asleep, to hold a pod's namespaces."""
    raw, packed = base_layer()
    config = json.dumps({"architecture": machine(), "os": "linux", "created": "2026-11-20T12:00:00Z",
                         "config": {"Entrypoint": ["/bin/busybox", "sleep", "2147483647"]},
                         "rootfs": {"type": "layers", "diff_ids": [digest_of(raw)]}}).encode()
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST,
                           "config": described("application/vnd.oci.image.config.v1+json", config),
                           "layers": [described("application/vnd.oci.image.layer.v1.tar+gzip", packed)]}).encode()
    index = json.dumps({"schemaVersion": 2, "manifests": [
        {**described(MANIFEST, manifest), "annotations": {"io.containerd.image.name": SANDBOX}}]}).encode()
    files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": index}
    files.update({"blobs/sha256/" + digest_of(blob)[7:]: blob for blob in (config, packed, manifest)})
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o644
            tar.addfile(info, io.BytesIO(content))


class Cluster:
    """One cluster below `directory`, which only it uses."""

    def __init__(self, directory, name="node"):
        self.directory = os.path.realpath(directory)
        assert len(self.directory) <= 72, "the kubelet's sockets would have too long a name in " + self.directory
        self.node = name
        self.id = os.path.basename(os.environ["LANDWAITER_E2E_DIR"]) + "-" + \
            hashlib.sha256(self.directory.encode()).hexdigest()[:8]
        self.wanted = ()  # the parts that start() was to start, in order
        self.running = {}  # part: its process
        self.tokens = {user: secrets.token_hex(16) for user in
                       ("admin", "system:kube-controller-manager", "system:kube-scheduler", f"system:node:{name}")}
        self.ports = {}
        self.forwarding = None  # the former value
        self.bridge = self.network = self.address = self.url = None  # made by start()
        self._admin = None

    def at(self, *parts):
        return os.path.join(self.directory, *parts)

    # --- as a whole ----------------------------------------------------------------------------------------------

    def start(self, parts=CONTROL_PLANE + NODE):
        """Starts these parts and waits until each is ready. Leaves nothing behind after a failure."""
        isolate()
        os.makedirs(self.directory, exist_ok=True)
        os.chmod(self.directory, 0o755)
        try:
            self._make_network()
            self._write_files()
            self.wanted = tuple(sorted(parts, key=ORDER.index))
            for part in self.wanted:
                if part in CLIENTS and "api-server" in self.running:
                    self.wait_part("api-server")
                self.start_part(part)
            for part in self.wanted:
                self.wait_part(part)
            self._wait_usable("kubelet" in parts, "controller-manager" in parts)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self):
        """Stops the node first, then the control plane. Leaves nothing behind, in any state."""
        self.stop_part("kubelet")
        self._remove_containers()
        for part in ("containerd", "scheduler", "controller-manager", "api-server", "etcd"):
            self.stop_part(part)
        wait_until(self._nothing_runs, 20, f"every process of {self.directory} ends")
        for path in mounts_below(self.directory):
            subprocess.run(["umount", "-l", path], check=False, capture_output=True)
        if self.bridge:
            subprocess.run(["busybox", "ip", "link", "del", self.bridge], check=False, capture_output=True)
            with open(FORWARDING, "w", encoding="ascii") as out:
                out.write(self.forwarding)
            self.bridge = None
        shutil.rmtree(self.at("containerd"), ignore_errors=True)
        shutil.rmtree(self.at("kubelet"), ignore_errors=True)

    def _nothing_runs(self):
        for one in processes_of(self.directory):
            try:
                os.kill(one, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return kill_cgroups(self.id) and not [one for one in processes_of(self.directory)]

    def _wait_usable(self, node, controllers):
        wait_until(lambda: self.admin.get("Namespace", "default"), 30, "there is a default namespace")
        if controllers:
            wait_until(lambda: self.admin.get("ServiceAccount", "default") and
                       self.admin.get("ConfigMap", "kube-root-ca.crt"), 30, "the default namespace can be used")
        if node:
            wait_until(self.node_ready, 60, "the node is ready", every=0.1)

    def node_ready(self):
        found = self.admin.get("Node", self.node)
        return bool(found) and not found["spec"].get("taints") and any(
            one["type"] == "Ready" and one["status"] == "True" for one in found["status"].get("conditions", []))

    # --- its parts -----------------------------------------------------------------------------------------------

    def start_part(self, part):
        """etcd, api-server, controller-manager, scheduler, containerd or kubelet; wait_part() waits for it."""
        assert part not in self.running, part + " runs already"
        words = getattr(self, "_" + part.replace("-", "_"))()
        with open(self.at(part + ".log"), "ab") as log:
            # All are written in Go, and the machine has more memory than processor time.
            self.running[part] = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                  start_new_session=True, cwd=self.directory,
                                                  env={**os.environ, "GOGC": "300"})

    def wait_part(self, part, deadline=60):
        ready = {"etcd": self._etcd_ready, "api-server": lambda: self.admin.ready(),
                 "containerd": lambda: os.path.exists(self.at("containerd", "socket"))}.get(part)

        def is_ready():
            if self.running[part].poll() is not None:
                raise RuntimeError(f"{part} ended:\n{self.log(part)[-4000:]}")
            return ready is None or ready()
        try:
            wait_until(is_ready, deadline, part + " is ready")
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.log(part)[-4000:]}") from None
        if part == "containerd":
            sandbox_archive(self.at("sandbox.tar"))
            self.import_image(self.at("sandbox.tar"))

    def stop_part(self, part, how=signal.SIGTERM):
        """No error when it does not run."""
        process = self.running.pop(part, None)
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)

    def kill_part(self, part):
        self.stop_part(part, signal.SIGKILL)

    def restart_part(self, part):
        self.stop_part(part)
        self.start_part(part)
        self.wait_part(part)

    def revive(self):
        """Restarts the API server and its clients: elsewhere these end with the lease that they cannot renew;
        here they would notice by themselves, which takes up to minutes."""
        if "api-server" not in self.running:
            self.start_part("api-server")
        self.wait_part("api-server")
        for part in CLIENTS:
            if part in self.running:
                self.restart_part(part)

    def log(self, part):
        with open(self.at(part + ".log"), encoding="utf-8", errors="replace") as log:
            return log.read()

    def _etcd_ready(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self._port("etcd"), timeout=5)
            connection.request("GET", "/health")
            return b'"true"' in connection.getresponse().read()
        except OSError:
            return False

    def _port(self, what):
        """A port for `what` that stays the same."""
        if what not in self.ports:
            self.ports[what] = free_port()
        return self.ports[what]

    def _etcd(self):
        url, peer = (f"http://127.0.0.1:{self._port(name)}" for name in ("etcd", "etcd-peer"))
        return ["etcd", "--data-dir", self.at("etcd", "data"), "--listen-client-urls", url, "--advertise-client-urls", url,
                "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default=" + peer,
                "--logger", "zap", "--log-level", "warn"]

    def _api_server(self):
        return [os.path.join(PROGRAMS, "kube-apiserver"),
                f"--etcd-servers=http://127.0.0.1:{self._port('etcd')}", "--etcd-compaction-interval=0",
                "--bind-address=" + self.address, "--advertise-address=" + self.address,
                f"--secure-port={self._port('api-server')}", "--cert-dir=" + self.at("pki"),
                "--tls-cert-file=" + self.at("pki", "server.pem"), "--tls-private-key-file=" + self.at("pki", "server.key"),
                "--client-ca-file=" + self.ca, "--token-auth-file=" + self.at("tokens.csv"),
                "--service-account-key-file=" + self.at("pki", "accounts.key"),
                "--service-account-signing-key-file=" + self.at("pki", "accounts.key"),
                "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
                "--service-account-extend-token-expiration=false", "--authorization-mode=Node,RBAC",
                "--service-cluster-ip-range=10.96.0.0/16", "--allow-privileged=true",
                "--kubelet-preferred-address-types=InternalIP", "--audit-policy-file=" + self.at("audit-policy.json"),
                "--audit-log-path=" + self.at("audit.log"), "--profiling=false",
                "--shutdown-watch-termination-grace-period=1s"]  # 0 means to wait for up to a minute

    def _controller_manager(self):
        return [os.path.join(PROGRAMS, "kube-controller-manager"),
                "--kubeconfig=" + self.kubeconfig(self.at("controller-manager.conf"), "system:kube-controller-manager"),
                "--service-account-private-key-file=" + self.at("pki", "accounts.key"), "--root-ca-file=" + self.ca,
                "--leader-elect=false", "--secure-port=0", "--kube-api-qps=500", "--kube-api-burst=1000"]

    def _scheduler(self):
        return [os.path.join(PROGRAMS, "kube-scheduler"), "--leader-elect=false", "--secure-port=0",
                "--kubeconfig=" + self.kubeconfig(self.at("scheduler.conf"), "system:kube-scheduler")]

    def _containerd(self):
        if os.path.exists(self.at("containerd", "socket")):
            os.unlink(self.at("containerd", "socket"))  # left by a killed one
        return ["containerd", "--config", self.at("containerd.toml")]

    def _kubelet(self):
        make_cgroups(self.id)
        return [os.path.join(PROGRAMS, "kubelet"), "--config=" + self.at("kubelet.json"), "--root-dir=" + self.at("kubelet"),
                "--cert-dir=" + self.at("kubelet", "pki"), "--hostname-override=" + self.node, "--node-ip=" + self.address,
                "--kubeconfig=" + self.kubeconfig(self.at("kubelet.conf"), "system:node:" + self.node)]

    # --- their surroundings ------------------------------------------------------------------------------------------

    def _make_network(self):
        """A bridge for the pods, whose address is the node's and the API server's."""
        with open(FORWARDING, encoding="ascii") as setting:
            self.forwarding = setting.read()
        taken = {name for _, name in socket.if_nameindex()}
        number = next(one for one in itertools.count() if f"landw{one}" not in taken)
        self.bridge = f"landw{number}"
        self.network = ipaddress.ip_network(f"10.{130 + number}.0.0/22")
        self.address = str(self.network[1])
        self.url = f"https://{self.address}:{self._port('api-server')}"
        for words in (["link", "add", self.bridge, "type", "bridge"],
                      ["addr", "add", f"{self.address}/{self.network.prefixlen}", "dev", self.bridge],
                      ["link", "set", self.bridge, "up"]):
            subprocess.run(["busybox", "ip", *words], check=True, capture_output=True)

    def _write(self, name, content):
        os.makedirs(os.path.dirname(self.at(name)), exist_ok=True)
        with open(self.at(name), "w", encoding="utf-8") as out:
            out.write(content if isinstance(content, str) else json.dumps(content, indent=1))

    def _write_files(self):
        for part in ("etcd", "containerd", "kubelet", "cni", "registries", "pki"):
            os.makedirs(self.at(part), exist_ok=True)
        # In memory: nothing here outlives the cluster, and etcd waits for the disk at every write.
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=700", "tmpfs", self.at("etcd")], check=True)
        self._write_keys()
        self._write("tokens.csv", "".join(
            f'{token},{user},{user},"{"system:nodes" if user.startswith("system:node:") else "system:masters"}"\n'
            for user, token in self.tokens.items()))
        self._write("audit-policy.json", {
            "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": [
                {"level": "None", "users": COMPONENTS + [user for user in self.tokens if user != "admin"]},
                {"level": "Metadata", "resources": [{"group": "", "resources": ["secrets", "serviceaccounts/token"]}]},
                {"level": "Request", "verbs": ["create", "update", "patch", "delete"]},
                {"level": "Metadata"}]})
        self._write("containerd.toml", CONTAINERD.format(self.directory, SANDBOX))
        self._write("cni/10-pods.conflist", {"cniVersion": "0.4.0", "name": self.bridge, "plugins": [
            {"type": "bridge", "bridge": self.bridge, "isGateway": True, "ipMasq": False, "hairpinMode": True,
             "ipam": {"type": "host-local", "dataDir": self.at("cni", "addresses"),
                      "ranges": [[{"subnet": str(self.network), "gateway": self.address}]],
                      "routes": [{"dst": "0.0.0.0/0"}]}}]})
        self._write("kubelet.json", {
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            "cgroupDriver": "cgroupfs", "cgroupRoot": "/" + self.id, "failSwapOn": False, "failCgroupV1": False,
            "containerRuntimeEndpoint": "unix://" + self.at("containerd", "socket"),
            "localStorageCapacityIsolation": False, "makeIPTablesUtilChains": False, "resolvConf": "",
            "evictionHard": {"memory.available": "1Mi", "nodefs.available": "1Mi", "nodefs.inodesFree": "1",
                             "imagefs.available": "1Mi"},
            "imageGCHighThresholdPercent": 100, "healthzPort": 0, "readOnlyPort": 0, "address": self.address,
            "port": self._port("kubelet"), "podLogsDir": self.at("kubelet", "logs"),
            "volumePluginDir": self.at("kubelet", "volume-plugins"), "oomScoreAdj": 0, "maxPods": 500,
            "serializeImagePulls": False, "registryPullQPS": 0, "eventRecordQPS": 0, "kubeAPIQPS": 200, "kubeAPIBurst": 400,
            "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"}})

    @property
    def ca(self):
        return self.at("pki", "ca.pem")

    @property
    def admin(self):
        """A client with all permissions."""
        if self._admin is None:
            self._admin = self.client(self.tokens["admin"])
        return self._admin

    def client(self, token=None, certificate=None, url=None):
        """A client with a bearer token, or with a certificate (from certificate()); `url`: a proxy's."""
        return Client(url or self.url, self.ca, token, certificate)

    def proxy(self):
        """A new proxy before the API server, for faults; see lib.kubernetes. Its authority is the cluster's."""
        return ApiProxy(self.url, self.ca, (self.at("pki", "server.pem"), self.at("pki", "server.key")))

    def _write_keys(self):
        openssl("req", "-x509", *NEW_KEY, "-keyout", self.at("pki", "ca.key"), "-out", self.ca, "-days", "30",
                "-subj", "/CN=test cluster", "-addext", "keyUsage=critical,keyCertSign")
        openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self.at("pki", "accounts.key"))
        names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost"]
        self._sign("server", "/CN=kube-apiserver", "serverAuth", "subjectAltName=" + ",".join(
            ["DNS:" + name for name in names] + [f"IP:{one}" for one in (self.address, "127.0.0.1", "10.96.0.1")]))

    def _sign(self, name, subject, purpose, *extensions):
        certificate, key, request = (self.at("pki", name + end) for end in (".pem", ".key", ".csr"))
        openssl("req", *NEW_KEY, "-keyout", key, "-out", request, "-subj", subject)
        self._write(f"pki/{name}.ext", "\n".join([f"extendedKeyUsage={purpose}", *extensions]) + "\n")
        openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.at("pki", "ca.key"), "-CAcreateserial",
                "-days", "30", "-extfile", self.at("pki", name + ".ext"), "-out", certificate)
        return certificate, key

    def certificate(self, user, *groups):
        """A client certificate of that user: its PEM file and its key's."""
        return self._sign("client-" + user.replace(":", "-"),
                          "".join("/O=" + group for group in groups) + "/CN=" + user, "clientAuth")

    def kubeconfig(self, path, user="admin", token=None, certificate=None, namespace=None, url=None):
        """Writes a kubeconfig file (JSON, which is YAML), and returns its path. The user: `certificate` (from
        certificate()), `token`, or one of the cluster's own users. `url`: a proxy's."""
        who = {"token": token or self.tokens.get(user)}
        if certificate:
            who = {"client-certificate": certificate[0], "client-key": certificate[1]}
        with open(self.ca, "rb") as ca:
            authority = base64.b64encode(ca.read()).decode()
        context = {"cluster": "test", "user": user, **({"namespace": namespace} if namespace else {})}
        made = {"apiVersion": "v1", "kind": "Config", "current-context": "test",
                "clusters": [{"name": "test", "cluster": {"server": url or self.url, "certificate-authority-data": authority}}],
                "contexts": [{"name": "test", "context": context}], "users": [{"name": user, "user": who}]}
        with open(path, "w", encoding="ascii") as out:
            json.dump(made, out, indent=1)
        return path

    def environment(self):
        """The `env` with which a pod's container finds the API server."""
        return [{"name": "KUBERNETES_SERVICE_HOST", "value": self.address},
                {"name": "KUBERNETES_SERVICE_PORT", "value": str(self._port("api-server"))}]

    # --- for tests -----------------------------------------------------------------------------------

    def state(self, namespace):
        """For people: the node's status, the pods, and the latest events."""
        node = {one["type"]: one["status"] for one in self.admin.get("Node", self.node, None)["status"]["conditions"]}
        pods = {one["metadata"]["name"]: one["status"] for one in self.admin.list("Pod", namespace)}
        events = [f"{one['lastTimestamp']} {one['reason']}: {one['message']}" for one in self.admin.list("Event", namespace)]
        return "\n".join([json.dumps(node), json.dumps(pods), *events[-20:], self.log("kubelet")[-3000:]])

    def audit_mark(self):
        """The end of the audit log now."""
        try:
            return os.path.getsize(self.at("audit.log"))
        except FileNotFoundError:
            return 0

    def audit(self, mark=0, user=None, stage="ResponseComplete"):
        """The audit log's events since `mark`, as the API server wrote them: verb, objectRef, responseStatus, for
        writes requestObject. A watch is in it with stage="ResponseStarted" as soon as it has begun. The cluster's own
        components are not in it."""
        with open(self.at("audit.log"), "rb") as log:
            log.seek(mark)
            events = [json.loads(line) for line in log.read().splitlines(keepends=True) if line.endswith(b"\n")]
        return [one for one in events if (user is None or one["user"]["username"] == user) and
                (stage is None or one["stage"] == stage)]

    def compact(self):
        """Forgets every old revision in etcd. The API server's own cache still knows the latest ones: to have it
        answer 410 to an old resourceVersion, restart it afterwards."""
        revision = int(self._ask_etcd("/v3/kv/range", {"key": base64.b64encode(b"x").decode()})["header"]["revision"])
        self._ask_etcd("/v3/kv/compaction", {"revision": str(revision), "physical": True})
        return revision

    def _ask_etcd(self, path, body):
        connection = http.client.HTTPConnection("127.0.0.1", self._port("etcd"), timeout=30)
        try:
            connection.request("POST", path, json.dumps(body))
            answer = connection.getresponse()
            raw = answer.read()
            assert answer.status == 200, raw
            return json.loads(raw)
        finally:
            connection.close()

    # --- containers ----------------------------------------------------------------------------------------------

    def ctr(self, *words, check=True):
        """The output of containerd's own client."""
        return subprocess.run(["ctr", "-a", self.at("containerd", "socket"), "-n", "k8s.io", *words], check=check,
                              capture_output=True, text=True, timeout=60).stdout

    def containers(self):
        """The ids of the containers whose process runs, the pods' sandboxes among them."""
        return self.ctr("tasks", "list", "-q").split()

    def import_image(self, archive):
        """Takes the images of an archive (`docker save`, or an OCI layout) to the node, for imagePullPolicy Never."""
        self.ctr("images", "import", archive)

    def _remove_containers(self):
        if "containerd" not in self.running:
            return
        tasks, containers = self.containers(), self.ctr("containers", "list", "-q").split()
        if tasks:
            self.ctr("tasks", "delete", "--force", *tasks, check=False)
        if containers:
            self.ctr("containers", "delete", *containers, check=False)
