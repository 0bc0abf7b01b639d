"""A Docker engine of the tests' own: dockerd with its own data, in the tests' own namespaces.

tests/run puts the whole session into new network, mount and process namespaces, so that nothing here meets
an engine, a bridge or a firewall rule of the machine's user.
"""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import threading
import urllib.parse

from lib.wait import wait_until


class EngineError(Exception):
    def __init__(self, status, message):
        super().__init__(f"{status}: {message}")
        self.status = status


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path, timeout=120):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Engine:
    """`host` for a client, `api` for a call, and the most frequent questions of tests."""

    def __init__(self, directory):
        self.directory = directory
        self.socket = os.path.join(directory, "docker.sock")
        self.host = "unix://" + self.socket
        self.process = None

    def start(self):
        os.makedirs(self.directory, exist_ok=True)
        config = os.path.join(self.directory, "daemon.json")
        with open(config, "w", encoding="ascii") as out:
            out.write("{}")
        with open(os.path.join(self.directory, "dockerd.log"), "ab") as log:
            self.process = subprocess.Popen(
                ["dockerd", "--config-file", config, "--host", self.host,
                 "--data-root", os.path.join(self.directory, "data"),
                 "--exec-root", os.path.join(self.directory, "exec"),
                 "--pidfile", os.path.join(self.directory, "dockerd.pid")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_until(self.answers, 30, "dockerd answers")
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.log()[-4000:]}") from None
        return self

    def answers(self):
        assert self.process is None or self.process.poll() is None, "dockerd ended:\n" + self.log()[-4000:]
        try:
            return self.api("GET", "/_ping") is not None
        except OSError:
            return False

    def log(self):
        with open(os.path.join(self.directory, "dockerd.log"), encoding="utf-8", errors="replace") as log:
            return log.read()

    def stop(self):
        """Kills it by its process id, with a deadline, and everything that it runs."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)
        self.process = None

    def restart(self):
        self.stop()
        return self.start()

    def docker(self, *arguments, stdin=None, fails=False):
        """The docker command's output, as bytes. The command must succeed, or fail with `fails`."""
        done = subprocess.run(["docker", *arguments], stdin=stdin, capture_output=True, timeout=600, check=False,
                              env={**os.environ, "DOCKER_HOST": self.host, "DOCKER_BUILDKIT": "0"})
        assert (done.returncode != 0) == fails, (arguments, done.stdout[-4000:].decode(), done.stderr[-4000:].decode())
        return done.stdout + (done.stderr if arguments[0] == "logs" else b"")

    def request(self, method, path, body=None, timeout=120):
        """Status and raw body."""
        connection = UnixConnection(self.socket, timeout)
        try:
            payload = None if body is None else json.dumps(body)
            headers = {"Content-Type": "application/json"} if payload else {}
            connection.request(method, path, payload, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def api(self, method, path, body=None, timeout=120):
        """The decoded answer of one call; EngineError for a 4xx or 5xx."""
        status, raw = self.request(method, path, body, timeout)
        try:
            value = json.loads(raw) if raw else {}
        except ValueError:
            value = raw.decode("utf-8", "replace")
        if status >= 400:
            raise EngineError(status, value.get("message", value) if isinstance(value, dict) else value)
        return value

    def pull(self, image):
        repository, tag = split(image)
        query = urllib.parse.urlencode({"fromImage": repository, "tag": tag})
        raw = self.request("POST", "/images/create?" + query)[1]
        for line in raw.splitlines():
            said = json.loads(line)
            if "errorDetail" in said or "message" in said:
                raise EngineError(500, said)

    def run(self, name, image, pull=True, start=True, labels=None, config=None, host=None, **more):
        """A container that opted in, with a free published port for 8080 unless `host` says otherwise."""
        if pull:
            self.pull(image)
        body = {"Image": image, "Labels": {"landwaiter.enable": "true", **(labels or {})},
                "HostConfig": {"PortBindings": {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}},
                **more}
        if host is not None:
            body["HostConfig"] = host
        if "PortBindings" in body["HostConfig"]:
            body["ExposedPorts"] = {port: {} for port in body["HostConfig"]["PortBindings"]}
        body.update(config or {})
        made = self.api("POST", "/containers/create?name=" + name, body)["Id"]
        if start:
            self.api("POST", f"/containers/{made}/start")
        return made

    def inspect(self, name):
        """The container's raw JSON, or None when there is none."""
        try:
            return self.api("GET", f"/containers/{name}/json")
        except EngineError as error:
            if error.status == 404:
                return None
            raise

    def containers(self):
        """Every container's name, running or not; a link's name for it has two slashes."""
        return sorted(name.lstrip("/") for one in self.api("GET", "/containers/json?all=1")
                      for name in one["Names"] if name.count("/") == 1)

    def port(self, name, port="8080/tcp"):
        """The published port, or None while there is none."""
        found = self.inspect(name)
        ports = found and (found["NetworkSettings"]["Ports"] or {}).get(port)
        return int(ports[0]["HostPort"]) if ports else None

    def serves(self, name, path="/"):
        """The answer of the app behind the published port now, or None."""
        port = self.port(name)
        if not port:
            return None
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.read().decode().strip() if answer.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def remove(self, name):
        try:
            self.api("DELETE", f"/containers/{name}?force=1&v=1")
        except EngineError as error:
            if error.status not in (404, 409):
                raise

    def clear(self):
        """Removes all containers, and all images that nothing keeps."""
        def empty():
            for name in self.containers():
                with contextlib.suppress(EngineError):  # it has just started, and is busy with something else
                    self.remove(name)
            return not self.containers()
        wait_until(empty, 20, "the engine is empty")

    def forget_images(self):
        for image in self.api("GET", "/images/json?all=0"):
            try:
                self.api("DELETE", f"/images/{image['Id']}?force=1")
            except EngineError:
                pass

    def events(self):
        return Events(self)


class Events:
    """The engine's event stream, read by a thread of its own: `with engine.events() as events: …`."""

    def __init__(self, engine):
        self.connection = UnixConnection(engine.socket, timeout=None)
        self.seen = []
        self.thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self):
        self.connection.request("GET", "/events")
        self.answer = self.connection.getresponse()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.connection.sock.shutdown(socket.SHUT_RDWR)
        self.thread.join(5)
        self.connection.close()

    def _read(self):
        try:
            for line in self.answer:
                self.seen.append(json.loads(line))
        except (OSError, ValueError, http.client.HTTPException):
            pass

    def actions(self, kind="container"):
        """[(action, container name, time in nanoseconds)], in order."""
        return [(one["Action"], one["Actor"]["Attributes"].get("name"), one["timeNano"])
                for one in list(self.seen) if one["Type"] == kind]


def split(image):
    """Repository, and tag or digest."""
    if "@" in image:
        return tuple(image.split("@", 1))
    repository, colon, tag = image.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (image, "latest")
