"""A service manager's end of sd_notify(3), and threads that hang."""

import contextlib
import ctypes
import os
import select
import socket

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000  # wait for threads too


class Manager:
    """Listens as systemd does. `environment` is that of a started service; `watchdog` is in seconds."""

    def __init__(self, address, watchdog=None):
        self.messages = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.environment = {"NOTIFY_SOCKET": address}
        if watchdog:
            self.environment["WATCHDOG_USEC"] = str(int(watchdog * 1e6))

    def next(self, deadline):
        """The next message as a dictionary, with the sender's `pid`; None when nothing comes within `deadline` seconds."""
        if not select.select([self._socket], [], [], deadline)[0]:
            return None
        data, more, _, _ = self._socket.recvmsg(4096, 1024)
        message = dict(line.split("=", 1) for line in data.decode().splitlines())
        message["pid"] = int.from_bytes(more[0][2][:4], "little")
        self.messages.append(message)
        return message

    def until(self, name, deadline=10):
        """The first message from now on that assigns `name`."""
        while message := self.next(deadline):
            if name in message:
                return message
        raise AssertionError(f"no {name} within {deadline} s; before: {self.messages}")

    def close(self):
        self._socket.close()


def threads_named(pid, name):
    """The process's threads of that name, at least one."""
    found = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/comm", encoding="ascii") as comm:
            if comm.read().strip() == name:
                found.append(int(thread))
    assert found, f"process {pid} has no thread {name}"
    return found


@contextlib.contextmanager
def hanging(threads):
    """Stops these threads of another process, while its others run."""
    trace = ctypes.CDLL(None, use_errno=True).ptrace
    trace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]

    def ask(request, thread):
        assert trace(request, thread, None, None) == 0, os.strerror(ctypes.get_errno())
    stopped = []
    try:
        for thread in threads:
            ask(SEIZE, thread)
            ask(INTERRUPT, thread)
            os.waitpid(thread, WALL)
            stopped.append(thread)
        yield
    finally:
        for thread in stopped:
            ask(DETACH, thread)
