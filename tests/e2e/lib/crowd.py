"""A crowd of hostile connections, in a process of its own: silent ones and slow bodies, reopened whenever they are closed."""

import contextlib
import errno
import json
import os
import resource
import select
import socket
import subprocess
import sys
import time

from lib.wait import wait_until

NO_PORT_YET = 24  # IP_BIND_ADDRESS_NO_PORT
WANTED = 1 << 14


class Crowd:
    """Crowd(port, {"silent": 2300, "slow": 200}, ["127.0.0.2", "127.0.0.3"]) as a context. `slow` opens with `head`
    and sends `rate` bytes a second, all of these connections together. `pace`: at most so many are reopened a second."""

    def __init__(self, port, counts, addresses, head=b"", rate=200, pace=None):
        self.order = {"port": port, "counts": counts, "addresses": addresses, "head": head.decode(), "rate": rate,
                      "pace": pace or 1_000_000}
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, "-m", "lib.crowd", json.dumps(self.order)],
                                        cwd=os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "there\n"
        return self

    def __exit__(self, *_):
        told, _ = self.process.communicate("", 30)
        print("crowd:", told.strip())


class Members:
    def __init__(self, order):
        self.order, self.poll = order, select.epoll()
        self.members, self.opened, self.next = {}, 0, 0
        self.head, self.due, self.closed, self.credit = order["head"].encode(), 0.0, [], 0.0

    def open(self, kind):
        one = socket.socket()
        one.setblocking(False)
        one.setsockopt(socket.IPPROTO_IP, NO_PORT_YET, 1)
        self.next += 1
        with contextlib.suppress(OSError):
            one.bind((self.order["addresses"][self.next % len(self.order["addresses"])], 0))
            if one.connect_ex(("127.0.0.1", self.order["port"])) in (0, errno.EINPROGRESS):
                self.members[one.fileno()] = (one, kind)
                self.poll.register(one, select.EPOLLOUT)
                self.opened += 1
                return
        one.close()
        self.closed.append(kind)

    def again(self, number):
        one, kind = self.members.pop(number)
        one.close()
        self.closed.append(kind)

    def reopen(self, seconds):
        """The members that may be reopened, when so much time has passed since the last call."""
        self.credit = min(self.credit + self.order["pace"] * seconds, self.order["pace"])
        count = min(len(self.closed), int(self.credit))
        self.credit -= count
        due, self.closed = self.closed[:count], self.closed[count:]
        for kind in due:
            self.open(kind)

    def look(self, number, events):
        one, kind = self.members[number]
        try:
            if events & select.EPOLLOUT:  # connected
                if kind == "slow":
                    one.send(self.head)
                self.poll.modify(number, select.EPOLLIN)
            elif events & (select.EPOLLERR | select.EPOLLHUP) or not one.recv(4096):
                self.again(number)
        except OSError:
            self.again(number)

    def drip(self):
        """Sends what is due by now to all slow connections, each its part."""
        slow = [number for number, (_, kind) in self.members.items() if kind == "slow"]
        part = max(1, self.order["rate"] // max(1, len(slow)))
        for number in slow:
            try:
                self.members[number][0].send(b" " * part)
            except BlockingIOError:
                pass
            except OSError:
                self.again(number)

    def run(self, until):
        for kind, count in self.order["counts"].items():
            for _ in range(count):
                self.open(kind)
        begun = last = time.monotonic()
        self.due = begun + 1
        said = False
        while not until():
            last, before = time.monotonic(), last
            self.reopen(last - before)
            for number, events in self.poll.poll(0.02):
                if number in self.members:
                    self.look(number, events)
            if time.monotonic() >= self.due:
                self.due += 1
                self.drip()
            if not said and time.monotonic() > begun + 2:
                said = True
                print("there", flush=True)
        print(f"{self.opened} connections in {time.monotonic() - begun:.1f} s")


def over():
    return bool(select.select([sys.stdin], [], [], 0)[0])


def room():
    """Raises this process's limit of open files."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(WANTED, hard), hard))


class Front:
    """A real reverse proxy, set up as docs/install.md says, but for addresses and TLS."""

    def __init__(self, command, port, log):
        self.port = port
        with open(log, "ab") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            preexec_fn=room)

    def __enter__(self):
        wait_until(self.answers, 20, "the proxy listens")
        return self

    def answers(self):
        assert self.process.poll() is None, "the proxy ended"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=2):
            return True
        return False

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)


if __name__ == "__main__":
    room()
    Members(json.loads(sys.argv[1])).run(over)
