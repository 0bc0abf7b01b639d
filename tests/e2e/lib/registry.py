"""Real registries (docker-registry) on free loopback ports, each behind a counting proxy: plain, with a
password, with TLS of a private CA, with tokens from a small authorisation server."""

import base64
import http.client
import http.server
import json
import os
import ssl
import subprocess
import threading
import time
import urllib.parse

from lib.images import digest_of
from lib.proxy import Proxy, Server
from lib.wait import free_port, wait_until

USERNAME, PASSWORD = "keeper", "s3cret:with colon"


def openssl(*arguments, data=None):
    return subprocess.run(["openssl", *arguments], input=data, check=True, capture_output=True).stdout


class Authority:
    """A private certificate authority and a certificate for 127.0.0.1 and localhost."""

    def __init__(self, directory):
        os.makedirs(directory, exist_ok=True)
        self.ca, self.certificate, self.key = (os.path.join(directory, name)
                                               for name in ("ca.pem", "server.pem", "server.key"))
        ca_key, request, extensions = (os.path.join(directory, name)
                                       for name in ("ca.key", "server.csr", "server.ext"))
        new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        openssl("req", "-x509", *new, "-keyout", ca_key, "-out", self.ca, "-days", "30", "-subj", "/CN=test CA",
                "-addext", "keyUsage=critical,keyCertSign")
        openssl("req", *new, "-keyout", self.key, "-out", request, "-subj", "/CN=localhost")
        with open(extensions, "w", encoding="ascii") as out:
            out.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", ca_key, "-CAcreateserial",
                "-days", "30", "-extfile", extensions, "-out", self.certificate)


class TokenServer:
    """The authorisation server of the token protocol: Basic in, a signed token out."""

    def __init__(self, directory, authority, expires=300):
        self.authority, self.expires = authority, expires
        self.requests = []  # (User-Agent, scopes, account or None)
        self.refuse = None  # the status of the answer to every request
        self.server = Server(("127.0.0.1", 0), TokenHandler)
        self.server.tokens = self
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/token"
        self.key, self.certificate = (os.path.join(directory, name) for name in ("token.key", "token.pem"))
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.key, "-out", self.certificate,
                "-days", "30", "-subj", "/CN=token signer")
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def issue(self, service, scopes, account):
        access = []
        for scope in scopes:
            kind, name, actions = scope.split(":", 2) if scope.count(":") == 2 else scope.rsplit(":", 2)
            granted = [action for action in actions.split(",") if account or action == "pull"]
            access.append({"type": kind, "name": name, "actions": granted})
        now = int(time.time())
        der = openssl("x509", "-in", self.certificate, "-outform", "DER")
        head = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
        body = {"iss": "test-tokens", "sub": account or "", "aud": service, "exp": now + self.expires,
                "nbf": now - 10, "iat": now, "jti": str(len(self.requests)), "access": access}
        signed = ".".join(encode(json.dumps(part).encode()) for part in (head, body))
        return signed + "." + encode(openssl("dgst", "-sha256", "-sign", self.key, data=signed.encode()))

    def count(self, agent="landwaiter/"):
        return sum(one[0].startswith(agent) for one in self.requests)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class TokenHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def do_GET(self):
        tokens = self.server.tokens
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        scopes = [scope for one in query.get("scope", []) for scope in one.split(" ")]
        account = self.account()
        tokens.requests.append((self.headers.get("User-Agent", ""), scopes, account))
        if tokens.refuse or account is False:
            return self.answer(tokens.refuse or 401, {"details": "no"})
        token = tokens.issue(query.get("service", [""])[0], scopes, account)
        return self.answer(200, {"token": token, "expires_in": tokens.expires})

    def account(self):
        """The account's name; None for anonymous, False for a wrong password."""
        kind, _, credentials = self.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "basic":
            return None
        return USERNAME if base64.b64decode(credentials).decode() == f"{USERNAME}:{PASSWORD}" else False

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Registry:
    """kind: plain, password, tls, token. `host` is the beginning of image names; `proxy` counts and misbehaves."""

    def __init__(self, directory, kind="plain", authority=None):
        self.kind, self.authority, self.directory = kind, authority, directory
        os.makedirs(directory, exist_ok=True)
        backend = free_port()
        self.tokens = TokenServer(directory, authority) if kind == "token" else None
        self.proxy = Proxy(backend, (authority.certificate, authority.key) if kind == "tls" else None)
        self.host = f"127.0.0.1:{self.proxy.port}"
        with open(os.path.join(directory, "registry.log"), "ab") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", self._configure(backend)],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.seen = set()
        wait_until(lambda: self._listens(backend), 20, "docker-registry answers")
        self.proxy.clear()

    def _configure(self, port):
        settings = {"version": "0.1", "log": {"level": "warn"},
                    "storage": {"filesystem": {"rootdirectory": os.path.join(self.directory, "data")},
                                "delete": {"enabled": True}, "maintenance": {"uploadpurging": {"enabled": False}}},
                    "http": {"addr": f"127.0.0.1:{port}", "secret": "test"}}
        if self.kind == "password":
            path = os.path.join(self.directory, "htpasswd")
            # -C 4: bcrypt's cheapest, as every request is checked anew.
            made = subprocess.run(["htpasswd", "-niBC", "4", USERNAME], input=PASSWORD.encode(), check=True,
                                  capture_output=True).stdout
            with open(path, "wb") as out:
                out.write(made)
            settings["auth"] = {"htpasswd": {"realm": "test", "path": path}}
        if self.tokens:
            settings["auth"] = {"token": {"realm": self.tokens.url, "service": "test-registry",
                                          "issuer": "test-tokens", "rootcertbundle": self.tokens.certificate}}
        path = os.path.join(self.directory, "registry.yml")
        with open(path, "w", encoding="ascii") as out:
            json.dump(settings, out)
        return path

    def _listens(self, port):
        assert self.process.poll() is None, "docker-registry ended; see " + self.directory
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/v2/")
            return connection.getresponse().status in (200, 401)
        except OSError:
            return False

    def configuration(self, credentials=True):
        """This registry's entry of the agent's `registries:`."""
        entry = {"host": self.host}
        if self.kind == "tls":
            entry["ca"] = self.authority.ca
        else:
            entry["plain_http"] = True
        if self.tokens:
            entry["token_hosts"] = [urllib.parse.urlsplit(self.tokens.url).netloc]
        if credentials and self.kind in ("password", "token"):
            path = os.path.join(self.directory, "password")
            with open(path, "w", encoding="ascii") as out:
                out.write(PASSWORD)
            entry["credentials"] = {"username": USERNAME, "password": {"file": path}}
        return entry

    def request(self, method, path, body=None, headers=None):
        """As the tests themselves (User-Agent: tests), with the right credentials."""
        if self.kind == "tls":
            context = ssl.create_default_context(cafile=self.authority.ca)
            connection = http.client.HTTPSConnection(self.host, timeout=30, context=context)
        else:
            connection = http.client.HTTPConnection(self.host, timeout=30)
        try:
            sent = {"User-Agent": "tests", **self._authorization(path), **(headers or {})}
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def _authorization(self, path):
        if self.kind == "password":
            return {"Authorization": "Basic " + base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()}
        if self.tokens:
            name = path.split("/v2/")[1].rsplit("/", 2)[0].removesuffix("/blobs")
            token = self.tokens.issue("test-registry", [f"repository:{name}:pull,push,delete"], USERNAME)
            return {"Authorization": "Bearer " + token}
        return {}

    def upload(self, repository, blob):
        digest = digest_of(blob)
        if (repository, digest) in self.seen:
            return digest
        status, headers, body = self.request("POST", f"/v2/{repository}/blobs/uploads/")
        assert status == 202, (status, body)
        where = urllib.parse.urlsplit(headers["Location"])
        status, _, body = self.request("PUT", f"{where.path}?{where.query}&digest={digest}", blob,
                                       {"Content-Type": "application/octet-stream"})
        assert status == 201, (status, body)
        self.seen.add((repository, digest))
        return digest

    def delete_blob(self, repository, digest):
        status, _, body = self.request("DELETE", f"/v2/{repository}/blobs/{digest}")
        assert status == 202, (status, body)
        self.seen.discard((repository, digest))

    def put(self, repository, reference, manifest, kind):
        """Store a manifest under a tag or its digest; returns its digest."""
        status, headers, body = self.request("PUT", f"/v2/{repository}/manifests/{reference}", manifest,
                                             {"Content-Type": kind})
        assert status == 201, (status, body)
        return headers["Docker-Content-Digest"]

    def tag(self, repository, reference, tag):
        """Point another tag at the manifest of `reference`."""
        accept = {"Accept": "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"}
        status, headers, manifest = self.request("GET", f"/v2/{repository}/manifests/{reference}", headers=accept)
        assert status == 200, (status, manifest)
        return self.put(repository, tag, manifest, headers["Content-Type"])

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.proxy.stop()
        if self.tokens:
            self.tokens.stop()
