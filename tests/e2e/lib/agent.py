"""The real binary, driven as its users drive it: a configuration file, signals, HTTP and commands."""

import base64
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.parse
from datetime import datetime

from lib.engine import UnixConnection
from lib.sign import standard_webhooks
from lib.wait import free_port, wait_until

BINARY = os.environ.get("LANDWAITER_BIN", "landwaiter")
SECRET = "whsec_" + base64.b64encode(b"the tests' own shared secret, 32+ bytes").decode()
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|runtime error:|WARNING: ThreadSanitizer|SUMMARY: \w+Sanitizer")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, {k.lower(): v for k, v in headers}, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:400]!r}"


class Agent:
    """One agent with a state directory of its own. `settings` are merged over a working configuration, member
    by member at the top level; `text` replaces the file as a whole; `clock` is the time of its wall clock now, from
    then on set_clock() sets it. Call start() to start it."""

    def __init__(self, directory, engine=None, registries=(), settings=None, text=None, environment=None,
                 clock=None):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.control_path = os.path.join(directory, "control.sock")
        self.config_path = os.path.join(directory, "landwaiter.yaml")
        self.secret_path = os.path.join(directory, "ci.secret")
        self.log_path = os.path.join(directory, "agent.log")
        self.state = os.path.join(directory, "state")
        self.clock_path = os.path.join(directory, "clock")
        self.clock_ahead = 0.0  # in seconds, of the machine's
        self.environment = dict(environment or {})
        if clock is not None:
            self.environment["LANDWAITER_TEST_CLOCK"] = self.clock_path
            self.set_clock(clock)
        self.wrapper, self.binary = [], BINARY  # e.g. ["strace", …]
        self.process = None
        os.makedirs(self.state, exist_ok=True)
        with open(self.secret_path, "w", encoding="ascii") as out:
            out.write(SECRET + "\n")
        os.chmod(self.secret_path, 0o600)
        self.settings = {
            "listen": f"127.0.0.1:{self.port}",
            "control": "unix:" + self.control_path,
            "state": self.state,
            "log": {"level": "debug", "format": "json"},
            # Tests push more in a second than a CI does; what the defaults hold is tested in test_flood.py.
            "senders": [{"name": "ci", "format": "native", "images": ["**"], "rate": "1000000/s", "quota": "1TiB",
                         "auth": {"standard_webhooks": {"secret": {"file": self.secret_path}}}}],
            "registries": [registry.configuration() for registry in registries],
            "defaults": {"health": {"timeout": "20s", "soak": "1s"}},
        }
        if engine is not None:
            self.settings["platforms"] = {"docker": {"host": engine.host, "select": "opted-in"}}
        self.settings.update(settings or {})
        self.configure(text)

    def configure(self, text=None):
        """Write the configuration; JSON is YAML too."""
        with open(self.config_path, "w", encoding="utf-8") as out:
            out.write(text if text is not None else json.dumps(self.settings, indent=1) + "\n")

    # Its clock.

    def set_clock(self, text):
        """Set its wall clock to an RFC 3339 instant; it runs on from there. Needs `clock` at the beginning."""
        assert "LANDWAITER_TEST_CLOCK" in self.environment, "it has the machine's clock"
        with open(self.clock_path + ".new", "w", encoding="ascii") as out:
            out.write(text + "\n")
        written = os.stat(self.clock_path + ".new").st_mtime
        os.rename(self.clock_path + ".new", self.clock_path)
        self.clock_ahead = datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() - written

    def now(self):
        """The time of its wall clock, in seconds since 1970."""
        return time.time() + self.clock_ahead

    # Its life.

    def _environment(self):
        return {**{name: value for name, value in os.environ.items() if not name.startswith("LANDWAITER_")},
                "ASAN_OPTIONS": "exitcode=97:detect_stack_use_after_return=0",
                "UBSAN_OPTIONS": "print_stacktrace=1", "TSAN_OPTIONS": "exitcode=97", **self.environment}

    def start(self, ready=True):
        assert self.process is None, "it runs already"
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.wrapper + [self.binary, "serve", "-c", self.config_path],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self._environment())
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self, deadline=20):
        wait_until(lambda: self.alive() and self.ready(), deadline,
                   "the agent is ready; its log ends\n" + self.log[-3000:])

    def alive(self):
        assert self.process is not None and self.process.poll() is None, \
            f"the agent ended ({self.process and self.process.returncode}):\n{self.log[-6000:]}"
        return True

    def ready(self):
        try:
            return self.get("/readyz").status == 200
        except (OSError, http.client.HTTPException):
            return False

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        self.process.send_signal(number)

    def reload(self):
        self.signal(signal.SIGHUP)

    def ended(self, deadline=15):
        """Wait until it has ended by itself; returns its exit status."""
        status = self.process.wait(deadline)
        self.process = None
        return status

    def kill9(self):
        self.process.kill()
        self.process.wait(10)
        self.process = None

    def stop(self, deadline=15):
        """SIGTERM; it must end with status 0 in time."""
        self.signal(signal.SIGTERM)
        try:
            status = self.ended(deadline)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise AssertionError(f"it did not end within {deadline} s of SIGTERM:\n{self.log[-6000:]}") from None
        assert status == 0, f"it ended with {status}:\n{self.log[-6000:]}"

    def restart(self):
        self.stop()
        return self.start()

    def close(self):
        """The end of the test: it must stop in order, and no sanitizer may have reported anything."""
        try:
            if self.process is not None and self.process.poll() is None:
                self.stop()
        finally:
            if self.process is not None and self.process.poll() is None:
                self.kill9()
            found = SANITIZER.search(self.log)
            assert not found, "a sanitizer reports:\n" + self.log[max(0, found.start() - 500):][:8000]

    # Its output.

    @property
    def log(self):
        if not os.path.exists(self.log_path):
            return ""
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def events(self, name=None):
        """The log's JSON lines, those of one event when it is named."""
        found = []
        for line in self.log.splitlines():
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and (name is None or event.get("event") == name):
                found.append(event)
        return found

    def memory(self):
        """Its private memory in bytes: pages of mapped files, shared with the agents of other tests, would count more once
        those agents end."""
        with open(f"/proc/{self.pid}/smaps_rollup", encoding="ascii") as rollup:
            return next(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Anonymous:"))

    def switches(self):
        """The number of its threads' voluntary sleeps, which equals that of their wake-ups."""
        total = 0
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{thread}/status", encoding="ascii") as status:
                total += next(int(line.split()[1]) for line in status if line.startswith("voluntary_ctxt_switches:"))
        return total

    # Its listener.

    def request(self, method, path, body=None, headers=None, timeout=60):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.connect()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may refuse before it has read everything
                connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def get(self, path, headers=None, timeout=60):
        return self.request("GET", path, headers=headers, timeout=timeout)

    def raw(self, data, timeout=15):
        """Sends bytes on a new connection; returns all bytes until it is closed or silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            connection.sendall(data)
            parts = []
            try:
                while part := connection.recv(65536):
                    parts.append(part)
            except (TimeoutError, ConnectionResetError):
                pass
            return b"".join(parts)

    def push(self, image, digest=None, sender="ci", secret=SECRET, body=None, headers=None, identifier=None,
             timestamp=None):
        """A signed notice; returns the Answer."""
        document = {"image": image, **({"digest": digest} if digest else {})}
        data = body if body is not None else json.dumps(document).encode()
        signed = standard_webhooks(secret, data, identifier, self.now() if timestamp is None else timestamp)
        return self.request("POST", f"/hooks/{sender}", data,
                            {"Content-Type": "application/json", **signed, **(headers or {})})

    def accepted(self, image, digest=None, **more):
        """As push, but it must be accepted; returns the push's id."""
        answer = self.push(image, digest, **more)
        assert answer.status == 202, answer
        return answer.json["id"]

    def status(self, push, wait=0, secret=SECRET):
        """Section 4's document of a push."""
        answer = self.get(f"/v1/pushes/{push}" + (f"?wait={wait}" if wait else ""), timeout=wait + 30,
                          headers=standard_webhooks(secret, b"", timestamp=self.now()))
        assert answer.status == 200, answer
        return answer.json

    def wait(self, push, deadline=60):
        """Waits until nothing of the push is open; returns its document."""
        def closed():
            self.alive()
            document = self.status(push, wait=10)
            return document if document["open"] == 0 else None
        try:
            return wait_until(closed, deadline, f"{push} is settled")
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.status(push)}\n{self.log[-6000:]}") from None

    def deploy(self, image, digest=None, deadline=60):
        """Push, wait, and return the updates as {target: update}."""
        document = self.wait(self.accepted(image, digest), deadline)
        return {update["target"]: update for update in document["updates"]}

    # Its control socket and its commands.

    def control(self, method, path, body=None, timeout=60):
        connection = UnixConnection(self.control_path, timeout)
        try:
            payload = None if body is None else json.dumps(body)
            connection.request(method, path, payload, {"Content-Type": "application/json"} if payload else {})
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def control_text(self, path):
        """Answers that are not JSON."""
        connection = UnixConnection(self.control_path, 30)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            assert answer.status == 200, answer.status
            return answer.read().decode()
        finally:
            connection.close()

    def run(self, *arguments, timeout=90, environment=None):
        """A command, with this agent's control socket: CompletedProcess with text."""
        return subprocess.run([BINARY, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout, check=False,
                              env={**self._environment(), "LANDWAITER_CONTROL": "unix:" + self.control_path,
                                   **(environment or {})})

    def json(self, *arguments):
        """A command's --json document."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, (arguments, done.returncode, done.stdout, done.stderr)
        return json.loads(done.stdout)

    def push_command(self, image, *arguments, **more):
        """`landwaiter push` as a CI job calls it."""
        return self.run("push", image, "--url", self.url, "--sender", "ci", "--secret-file", self.secret_path,
                        *arguments, **more)

    def show(self, identifier):
        return self.control("GET", f"/v1/updates/{urllib.parse.quote(identifier)}").json

    def newest(self, target):
        """The newest update of it with its history, or None. Runs no program, because tests call it again and again."""
        for one in self.control("GET", "/v1/updates?all=1&limit=1000").json:
            if one["target"] == target:
                return self.show(one["id"])
        return None
