"""The one place of the end-to-end tests that sleeps: everything waits for a condition, with a deadline."""

import itertools
import itertools
import socket
import time


class Late(AssertionError):
    """The condition did not come true in time."""


def wait_until(condition, deadline=30.0, what="the condition", every=0.02):
    """Return condition()'s first true value; raise Late after `deadline` seconds, naming `what`. Polls less and
    less often: every `every` seconds at first, ten times a second at last."""
    end = time.monotonic() + deadline
    pause = every
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise Late(f"{what}: not within {deadline:g} s")
        time.sleep(pause)
        pause = max(every, min(pause * 1.2, 0.1))


def stays(condition, seconds, what="the condition", every=0.05):
    """Fail as soon as condition() is false within `seconds`: for things that must not happen."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert condition(), f"{what}: did not stay for {seconds:g} s"
        time.sleep(every)


def hold(seconds):
    """Keep a server of the tests silent for that long: a fault, not a way to wait for something."""
    time.sleep(seconds)


PORTS = itertools.cycle(range(10000, 30000))


def free_port():
    """A free loopback port that no outgoing connection gets (those have 32768 and up): a
    server that is killed and restarted finds it free."""
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
