"""A counting reverse proxy in front of a real server, which can also misbehave on demand."""

import http.client
import http.server
import re
import ssl
import threading

from lib.wait import hold

HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", "proxy-connection"}


class Fault:
    """A misbehaviour of the proxy instead of, or before, passing a request on; for `times` requests (None: until
    removed). status, headers, body: the answer. delay: hold it that long. drop: close without an answer.
    cut: pass on that many bytes of the body, then close. change: a function from body to body.
    drip: "header" or "body", which then arrives byte by byte and without an end."""

    def __init__(self, method=".*", path=".*", agent=".*", times=None, status=None, headers=None, body=b"{}",
                 delay=0.0, drop=False, cut=None, change=None, drip=None):
        self.method, self.path, self.agent = (re.compile(pattern) for pattern in (method, path, agent))
        self.times, self.status, self.headers, self.body = times, status, headers or {}, body
        self.delay, self.drop, self.cut, self.change, self.drip = delay, drop, cut, change, drip
        self.hits = 0

    def matches(self, request):
        return (self.times is None or self.hits < self.times) and \
            self.method.fullmatch(request.method) and self.path.search(request.path) and \
            self.agent.search(request.agent)


class Request:
    """One line of the access log."""

    def __init__(self, handler):
        self.method, self.path = handler.command, handler.path
        self.agent = handler.headers.get("User-Agent", "")
        self.headers = handler.headers
        self.status = None

    def __repr__(self):
        return f"{self.method} {self.path} -> {self.status} ({self.agent})"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Newer engines try TLS first, and retry without it only after an answer that begins with "HTTP/".
    default_request_version = "HTTP/1.0"
    # Head and body leave in two writes: with Nagle's algorithm the second would wait for a delayed ACK.
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def serve(self):
        proxy = self.server.proxy
        request = Request(self)
        fault = proxy.begin(request)
        body = self.read_body()
        if fault and fault.delay:
            hold(fault.delay)
        if fault and fault.drop:
            self.close_connection = True
        elif fault and fault.drip:
            self.drip(fault.drip)
        elif fault and fault.status:
            request.status = fault.status
            self.reply(fault.status, fault.headers.items(), fault.body)
        else:
            self.forward(proxy, request, body, fault)

    def drip(self, what):
        """As if the answer went on for ever, at four bytes a second."""
        self.close_connection = True
        try:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"X-Slow: " if what == "header" else b"Content-Length: 1000000\r\n\r\n"))
            while not self.server.proxy.stopped.is_set():
                self.wfile.write(b"x")
                hold(0.25)
        except OSError:
            pass  # the client has had enough

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def forward(self, proxy, request, body, fault):
        backend = proxy.connect()
        try:
            answer = self.ask(backend, proxy, body)
            payload = answer.read()
            # A HEAD has the length of the missing body.
            headers = [(name, value) for name, value in answer.getheaders()
                       if name.lower() not in HOP and (self.command == "HEAD" or name.lower() != "content-length")]
        finally:
            backend.close()
        request.status = answer.status
        if fault and fault.change:
            payload = fault.change(payload)
        self.reply(answer.status, headers, payload, cut=fault.cut if fault else None)

    def ask(self, backend, proxy, body):
        """The real server's answer, its body still unread."""
        backend.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():  # one by one: a client may send several Accept lines
            if name.lower() not in HOP | {"content-length"}:
                backend.putheader(name, value)
        backend.putheader("Content-Length", str(len(body)))
        if proxy.tls:
            backend.putheader("X-Forwarded-Proto", "https")
        backend.endheaders(body)
        return backend.getresponse()

    def reply(self, status, headers, body, cut=None):
        try:
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in ("date", "server"):
                    self.send_header(name, value)
            if self.command != "HEAD" and status not in (204, 304):
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD" and status not in (204, 304):
                self.wfile.write(body if cut is None else body[:cut])
            if cut is not None:
                self.close_connection = True
        except OSError:
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = serve


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        pass  # a client may go away


class Proxy:
    """`requests` is the access log; tests use `count()` and `fault()`."""

    handler = Handler

    def __init__(self, backend, tls=None):
        """tls: (certificate file, key file)."""
        self.backend, self.tls = backend, tls
        self.requests, self.faults = [], []
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self.server = Server(("127.0.0.1", 0), self.handler)
        self.server.proxy = self
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def connect(self):
        """A connection to the real server."""
        return http.client.HTTPConnection("127.0.0.1", self.backend, timeout=60)

    def begin(self, request):
        with self.lock:
            self.requests.append(request)
            for fault in self.faults:
                if fault.matches(request):
                    fault.hits += 1
                    return fault
            return None

    def fault(self, **what):
        """Add a Fault (see there); the first one that matches a request applies."""
        made = Fault(**what)
        with self.lock:
            self.faults.append(made)
        return made

    def mend(self, **but):
        """Removes all faults, and adds one if it is given; returns that one."""
        made = Fault(**but) if but else None
        with self.lock:
            self.faults[:] = [made] if made else []
        return made

    def count(self, agent="^landwaiter/", method=".*", path=".*"):
        """The number of requests with that User-Agent."""
        with self.lock:
            return sum(bool(re.search(agent, one.agent) and re.fullmatch(method, one.method) and
                            re.search(path, one.path)) for one in self.requests)

    def clear(self):
        """Forget the access log."""
        with self.lock:
            self.requests.clear()

    def stop(self):
        self.stopped.set()
        self.server.shutdown()
        self.server.server_close()
