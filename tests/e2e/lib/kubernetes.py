"""A plain client of a Kubernetes API server, and the objects that the tests make: no kubectl is needed.

Kinds are named as in KINDS ("Deployment"), or "GROUP/VERSION/Kind" for anything else, custom resources included.
"""

import http.client
import json
import re
import select
import socket
import ssl
import threading
import urllib.parse

from lib.proxy import Handler, Proxy
from lib.wait import wait_until

APPLY, MERGE, STRATEGIC, JSON_PATCH = ("application/apply-patch+yaml", "application/merge-patch+json",
                                       "application/strategic-merge-patch+json", "application/json-patch+json")
KINDS = {
    "v1": ["Namespace", "Node", "Pod", "Service", "ServiceAccount", "Secret", "ConfigMap", "Event", "ResourceQuota",
           "PersistentVolumeClaim", "LimitRange"],
    "apps/v1": ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ControllerRevision"],
    "batch/v1": ["CronJob", "Job"],
    "coordination.k8s.io/v1": ["Lease"],
    "policy/v1": ["PodDisruptionBudget"],
    "rbac.authorization.k8s.io/v1": ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"],
    "networking.k8s.io/v1": ["NetworkPolicy", "Ingress"],
    "admissionregistration.k8s.io/v1": ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"],
    "apiextensions.k8s.io/v1": ["CustomResourceDefinition"],
    "authorization.k8s.io/v1": ["SelfSubjectAccessReview"],
}
VERSIONS = {kind: version for version, kinds in KINDS.items() for kind in kinds}


class ApiError(Exception):
    """A 4xx or 5xx: `status` is HTTP's, `reason` is the API's."""

    def __init__(self, status, answer):
        self.status = status
        self.answer = answer if isinstance(answer, dict) else {"message": answer}
        self.reason = self.answer.get("reason")
        super().__init__(f"{status}: {self.answer.get('message')}")


class Client:
    """Speaks to the server as the owner of the bearer token or of the client certificate (its PEM file, its key's).
    Many threads may use it: each has a connection of its own, which is kept open."""

    def __init__(self, url, ca, token=None, certificate=None):
        self.url, self.token = url, token
        self.context = ssl.create_default_context(cafile=ca)
        if certificate:
            self.context.load_cert_chain(*certificate)
        self.here = threading.local()
        self.known = {}

    # --- calls ---------------------------------------------------------------------------------------------------

    def request(self, method, path, body=None, content_type="application/json", timeout=60):
        """Status, headers and raw body of one request. OSError or HTTPException while the server is away."""
        payload = body if body is None or isinstance(body, (bytes, str)) else json.dumps(body)
        headers = {"Accept": "application/json", "User-Agent": "tests"}
        if payload is not None:
            headers["Content-Type"] = content_type
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        kept = getattr(self.here, "connection", None)
        self.here.connection = None
        if kept and select.select([kept.sock], [], [], 0)[0]:  # the server has closed it
            kept.close()
            kept = None
        if kept:
            kept.sock.settimeout(timeout)
        return self._exchange(kept or self.connect(timeout), method, path, payload, headers)

    def connect(self, timeout=60):
        return http.client.HTTPSConnection(urllib.parse.urlsplit(self.url).netloc, timeout=timeout,
                                           context=self.context)

    def _exchange(self, connection, method, path, payload, headers):
        try:
            connection.request(method, path, payload, headers)
            answer = connection.getresponse()
            got = answer.status, dict(answer.getheaders()), answer.read()
        except BaseException:
            connection.close()
            raise
        if answer.will_close:
            connection.close()
        else:
            self.here.connection = connection
        return got

    def api(self, method, path, body=None, **more):
        """The decoded answer of one call; ApiError for a 4xx or 5xx."""
        status, _, raw = self.request(method, path, body, **more)
        try:
            value = json.loads(raw) if raw else {}
        except ValueError:
            value = raw.decode("utf-8", "replace")
        if status >= 400:
            raise ApiError(status, value)
        return value

    def ready(self):
        """Does the server say that it is? False also while it is away."""
        try:
            return self.request("GET", "/readyz", timeout=5)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    # --- objects -------------------------------------------------------------------------------------------------

    def path(self, kind, name=None, namespace="default", sub=None):
        """The path of an object, or of a collection (namespace None: of all of them)."""
        if "/" in kind:
            version, kind = kind.rsplit("/", 1)
        else:
            version = VERSIONS[kind]
        if version not in self.known:
            found = self.api("GET", ("/apis/" if "/" in version else "/api/") + version)["resources"]
            self.known[version] = {one["kind"]: one for one in found if "/" not in one["name"]}
        resource = self.known[version].get(kind)
        if resource is None:
            del self.known[version]
            raise KeyError(f"the server knows no {kind} in {version}")
        parts = ["", "apis" if "/" in version else "api", version]
        if resource["namespaced"] and namespace:
            parts += ["namespaces", namespace]
        return "/".join(parts + [part for part in (resource["name"], name, sub) if part])

    def _path_of(self, thing, named=True):
        meta = thing["metadata"]
        return self.path(f"{thing['apiVersion']}/{thing['kind']}", meta["name"] if named else None,
                         meta.get("namespace", "default"))

    def create(self, thing):
        return self.api("POST", self._path_of(thing, named=False), thing)

    def apply(self, *things, manager="tests"):
        """Server-side apply of each; the last one's new state."""
        answer = None
        for thing in things:
            answer = self.api("PATCH", f"{self._path_of(thing)}?fieldManager={manager}&force=true", thing,
                              content_type=APPLY)
        return answer

    def get(self, kind, name, namespace="default"):
        """The object, or None when there is none."""
        try:
            return self.api("GET", self.path(kind, name, namespace))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def list(self, kind, namespace="default", selector=""):
        """The objects (namespace None: everywhere), e.g. selector="app=web"."""
        query = urllib.parse.urlencode({"labelSelector": selector})
        return self.api("GET", f"{self.path(kind, None, namespace)}?{query}")["items"]

    def patch(self, kind, name, body, namespace="default", content_type=MERGE, sub=None):
        """content_type: MERGE, STRATEGIC, JSON_PATCH or APPLY."""
        return self.api("PATCH", self.path(kind, name, namespace, sub), body, content_type=content_type)

    def delete(self, kind, name, namespace="default", grace=0):
        """Deletes it and everything that it owns; no error when it is already gone."""
        try:
            self.api("DELETE", self.path(kind, name, namespace),
                     {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background",
                      "gracePeriodSeconds": grace})
        except ApiError as error:
            if error.status != 404:
                raise

    # --- frequent questions of tests ---------------------------------------------------------------------------------------

    def namespace(self, name, labels=None):
        """Makes a namespace that is ready for pods: it has its service account. Returns the name."""
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels or {}}})
        wait_until(lambda: self.get("ServiceAccount", "default", name) and
                   self.get("ConfigMap", "kube-root-ca.crt", name), 90, f"namespace {name} can be used")  # after a restart of
        # the API server the controllers come back after up to half a minute
        return name

    def pods(self, app, namespace="default"):
        """The pods of workload(…, app), the newest last, without those that are being deleted."""
        found = self.list("Pod", namespace, "app=" + app)
        return sorted((one for one in found if "deletionTimestamp" not in one["metadata"]),
                      key=lambda one: (one["metadata"]["creationTimestamp"], one["metadata"]["name"]))

    def reason(self, app, namespace="default"):
        """Why a container of the newest pod waits ("CrashLoopBackOff"), or None."""
        for pod in reversed(self.pods(app, namespace)):
            for one in pod["status"].get("containerStatuses", []):
                if one["state"].get("waiting"):
                    return one["state"]["waiting"].get("reason")
        return None

    def rolled_out(self, kind, name, namespace="default"):
        """Does the object's present state run everywhere, and nothing else?"""
        thing = self.get(kind, name, namespace)
        status, spec = thing.get("status", {}), thing["spec"]
        if status.get("observedGeneration", 0) < thing["metadata"]["generation"]:
            return False
        if kind == "DaemonSet":
            wanted = status["desiredNumberScheduled"]
            return wanted > 0 and wanted == status.get("updatedNumberScheduled") == status.get("numberAvailable")
        wanted = spec.get("replicas", 1)
        return wanted == status.get("updatedReplicas", 0) == status.get("availableReplicas", 0) == \
            status.get("replicas", 0)

    def serves(self, app, namespace="default", path="/"):
        """The answers of all ready pods of workload(…, app) on port 8080 now: a sorted list of texts."""
        said = []
        for pod in self.pods(app, namespace):
            address = pod["status"].get("podIP")
            ready = any(one["type"] == "Ready" and one["status"] == "True"
                        for one in pod["status"].get("conditions", []))
            if not address or not ready:
                continue
            connection = http.client.HTTPConnection(address, 8080, timeout=5)
            try:
                connection.request("GET", path)
                said.append(connection.getresponse().read().decode().strip())
            except (OSError, http.client.HTTPException):
                pass
            finally:
                connection.close()
        return sorted(said)

    def log(self, pod, namespace="default", previous=False):
        """The output of the pod's only container."""
        query = "?previous=true" if previous else ""
        return self.request("GET", self.path("Pod", pod, namespace, "log") + query)[2].decode("utf-8", "replace")

    def account_token(self, account, namespace="default", seconds=3600):
        """A service account's token, as a pod of it would get."""
        answer = self.api("POST", self.path("ServiceAccount", account, namespace, "token"),
                          {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                           "spec": {"expirationSeconds": seconds}})
        return answer["status"]["token"]


class ApiHandler(Handler):
    """As every proxy's, but a watch is passed on as it comes."""

    def forward(self, proxy, request, body, fault):
        if not re.search(r"[?&]watch=(1|true)", self.path) or (fault and (fault.change or fault.cut is not None)):
            super().forward(proxy, request, body, fault)
            return
        backend = proxy.connect()
        try:
            answer = self.ask(backend, proxy, body)
            request.status = answer.status
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.getheader("Content-Type"))
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            with proxy.lock:
                proxy.watches.append(self.connection)
            while part := answer.read1(65536):
                self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
        except (OSError, http.client.HTTPException):
            self.close_connection = True
        finally:
            with proxy.lock:
                proxy.watches = [one for one in proxy.watches if one is not self.connection]
            backend.close()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = lambda self: self.serve()


class ApiProxy(Proxy):
    """Before an API server: counts requests, misbehaves on demand (429 and 500, delays, silence; see lib.proxy), cuts
    watches. Clients need a bearer token: a client's certificate does not get through."""

    handler = ApiHandler

    def __init__(self, url, ca, tls):
        self.watches = []
        self.context = ssl.create_default_context(cafile=ca)
        super().__init__(urllib.parse.urlsplit(url).netloc, tls)
        self.url = f"https://127.0.0.1:{self.port}"

    def connect(self):
        return http.client.HTTPSConnection(self.backend, timeout=600, context=self.context)

    def cut_watches(self):
        """Cuts every open watch in the middle, as a network does. Returns their number."""
        with self.lock:
            cut = list(self.watches)
        for one in cut:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        return len(cut)


def container(image, name="app", ready=True, **more):
    """A container of lib.images' images; `ready` gives it a readiness probe on its own answer."""
    made = {"name": name, "image": image, "imagePullPolicy": "IfNotPresent"}
    if ready:
        made["readinessProbe"] = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1}
    return {**made, **more}


def workload(kind, name, image, namespace="default", replicas=1, spec=None, pod=None, ready=True, annotations=None,
             labels=None):
    """A Deployment, StatefulSet, DaemonSet or CronJob of one container "app", whose pods are labelled app=NAME.

    `spec` and `pod` are more members of the workload's and of the pod's specification."""
    template = {"metadata": {"labels": {"app": name}},
                "spec": {"containers": [container(image, ready=ready and kind != "CronJob")],
                         "terminationGracePeriodSeconds": 1, **(pod or {})}}
    made = {"selector": {"matchLabels": {"app": name}}, "template": template}
    if kind in ("Deployment", "StatefulSet", "ReplicaSet"):
        made["replicas"] = replicas
    if kind == "StatefulSet":
        made["serviceName"] = name
    if kind == "CronJob":
        template["spec"]["restartPolicy"] = "Never"
        made = {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": template}}}
    return {"apiVersion": VERSIONS[kind], "kind": kind,
            "metadata": {"name": name, "namespace": namespace, "labels": {"app": name, **(labels or {})},
                         "annotations": annotations or {}},
            "spec": {**made, **(spec or {})}}
