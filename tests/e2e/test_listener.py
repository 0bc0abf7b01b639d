"""The process that reads strangers' bytes: it holds little, may do little, and loses nothing when it dies."""

import http.client
import os
import random
import signal
import threading

from lib.wait import wait_until

KILLS = int(os.environ.get("LISTENER_KILLS", "40"))  # docs/testing.md: 1,000
USER = 9078


def children(pid):
    found = []
    for one in os.listdir("/proc"):
        if one.isdigit():
            try:
                with open(f"/proc/{one}/stat", encoding="utf-8", errors="replace") as stat:
                    if int(stat.read().rpartition(")")[2].split()[1]) == pid:
                        found.append(int(one))
            except (OSError, ValueError):
                continue
    return found


def listener_of(agent):
    """Its process id; None: it has none at the moment."""
    for keeper in children(agent.pid):
        for one in children(keeper):
            return one
    return None


def status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as lines:
        return dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)


def ended(pid):
    """A namespace's first process may leave it as a zombie."""
    try:
        return status(pid)["State"].startswith("Z")
    except OSError:
        return True


def test_it_may_do_little(agent_of):
    agent = agent_of(start=True)
    told = agent.events("listener.started")
    assert told and told[-1]["user"] == told[-1]["seccomp"] == "yes", told
    pid = listener_of(agent)
    about = status(pid)
    assert about["Uid"].split() == [str(USER)] * 4 and about["Gid"].split() == [str(USER)] * 4
    assert about["NoNewPrivs"] == "1" and about["Seccomp"] == "2"
    assert int(about["CapEff"], 16) == int(about["CapPrm"], 16) == 0 and not about["Groups"].strip()
    assert status(agent.pid)["NoNewPrivs"] == "1"
    open_files = [os.readlink(f"/proc/{pid}/fd/{one}") for one in os.listdir(f"/proc/{pid}/fd")]
    assert not [one for one in open_files if one.startswith(agent.state) or "docker" in one], open_files


def test_it_knows_no_other_secret(agent_of):
    """The environment of the agent may hold a registry's password."""
    agent = agent_of(environment={"OTHER_PASSWORD": "a-password-of-a-registry-0123456789"}, start=True)
    pid = listener_of(agent)
    with open(f"/proc/{pid}/environ", "rb") as environment:
        assert b"a-password-of-a-registry" not in environment.read()


def test_all_ends_with_the_agent(agent_of):
    agent = agent_of(start=True)
    pid = listener_of(agent)
    agent.kill9()
    wait_until(lambda: ended(pid), 5, "the listener ends")
    agent.start()
    assert agent.push("registry.lan/a/b:1").status == 202
    pid = listener_of(agent)
    agent.stop()
    wait_until(lambda: ended(pid), 5, "the listener ends")


class Pusher(threading.Thread):
    """Pushes until it is told to stop, each delivery until it is answered, as a CI does."""

    def __init__(self, agent, number):
        super().__init__(daemon=True)
        self.agent, self.number, self.stopped = agent, number, threading.Event()
        self.acknowledged, self.wrong = [], []

    def run(self):
        count = 0
        while not self.stopped.is_set():
            count += 1
            self.deliver(f"msg_{self.number}_{count}")

    def deliver(self, identifier):
        while not self.stopped.is_set():
            try:
                answer = self.agent.push(f"registry.lan/a/b{self.number}:1", identifier=identifier)
            except (OSError, http.client.HTTPException):
                continue
            if answer.status in (200, 202):
                self.acknowledged.append(answer.json["id"])
            elif answer.status != 503:
                self.wrong.append(answer)
            return


def test_killed_at_random_instants(agent_of):
    agent = agent_of(start=True)
    pushers = [Pusher(agent, number) for number in range(4)]
    for one in pushers:
        one.start()
    dead = set()
    chance = random.Random(20261201)

    def fresh():
        pid = listener_of(agent)
        return pid if pid and pid not in dead else None
    for _ in range(KILLS):
        pid = wait_until(fresh, 20, "another listener is started")
        threading.Event().wait(chance.uniform(0, 0.3))  # until a random instant
        dead.add(pid)
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: agent.ready(), 20, "it serves again")
    before = [len(one.acknowledged) for one in pushers]
    wait_until(lambda: all(len(one.acknowledged) > count for one, count in zip(pushers, before)), 20, "pushes go on")
    for one in pushers:
        one.stopped.set()
    for one in pushers:
        one.join(70)
        assert not one.wrong, one.wrong[:3]
    ids = [push for one in pushers for push in one.acknowledged]
    assert len(set(ids)) == len(ids)
    lost = [push for push in ids if not agent.status(push)]
    assert not lost
    assert len(agent.events("listener.ended")) == KILLS
    print(f"{KILLS} kills, {len(ids)} acknowledged pushes, none lost")
