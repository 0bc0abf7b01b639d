"""Bounds for one caller: of the log, and of the store."""

import fcntl
import http.client
import json
import os
import signal
import subprocess
import threading
import time

from lib.agent import SECRET
from lib.sign import standard_webhooks
from lib.wait import wait_until

PIPE_SIZE = 4096


def refuse(agent, count, threads=4):
    """So many requests that must be refused, over kept connections."""
    def run(share):
        connection = http.client.HTTPConnection("127.0.0.1", agent.port, timeout=30)
        for _ in range(share):
            connection.request("POST", "/hooks/ci", b"{}", {"Content-Type": "application/json", "Authorization": "Bearer no"})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 401, answer.status
        connection.close()
    running = [threading.Thread(target=run, args=(count // threads,)) for _ in range(threads)]
    for one in running:
        one.start()
    for one in running:
        one.join(60)
        assert not one.is_alive()


def told(agent):
    """The number of refusals that the log tells of."""
    return len(agent.events("hook.refused")) + sum(int(one["count"]) for one in agent.events("hook.refusals"))


def test_refusals_are_told_in_sum(agent_of):
    agent = agent_of(start=True)
    refuse(agent, 4000)
    wait_until(lambda: told(agent) == 4000, 10, "all are told")
    assert len(agent.log) < 10000
    first = agent.events("hook.refused")[0]
    assert (first["what"], first["peer"]) == ("unauthorized", "127.0.0.1")
    # Another reason is shown at once.
    agent.raw(b"POST /hooks/ci HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\nContent-Length: 0\r\n\r\n")
    wait_until(lambda: agent.events("hook.refused")[-1]["what"] == "framing", 5, "the other reason is told")


def unread(agent):
    """Starts it with a log that nobody reads."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
    agent.process = subprocess.Popen([agent.binary, "serve", "-c", agent.config_path], stdin=subprocess.DEVNULL,
                                     stdout=writing, stderr=writing, env=agent._environment())
    os.close(writing)
    agent.wait_ready()
    return reading


def test_a_log_that_nobody_reads_stops_nobody(agent_of):
    agent = agent_of()
    reading = unread(agent)
    for number in range(200):  # a line each
        assert agent.push("registry.lan/a/b:1", identifier=f"msg_{number}").status == 202
    refuse(agent, 1000)
    began = time.monotonic()
    assert agent.get("/healthz").status == 200 and agent.ready()
    agent.signal(signal.SIGTERM)
    assert agent.ended(10) == 0
    print(f"ended {time.monotonic() - began:.1f} s after the last request")
    os.close(reading)


def test_the_log_tells_what_it_dropped(agent_of):
    agent = agent_of()
    reading = unread(agent)
    for number in range(2000):
        assert agent.push("registry.lan/a/b:1", identifier=f"msg_{number}").status == 202
    with os.fdopen(reading, encoding="utf-8") as log:
        said = []
        for line in log:
            said.append(json.loads(line))
            if said[-1]["event"] == "log.dropped":
                break
    lost = int(said[-1]["lines"])
    assert lost > 0 and sum(one["event"] == "push.accepted" for one in said) + lost <= 2010
    agent.stop()


def test_the_default_rate(agent_of):
    agent = agent_of()
    second = {**agent.settings["senders"][0], "name": "other"}
    del agent.settings["senders"][0]["rate"]
    agent.settings["senders"].append(second)
    agent.configure()
    agent.start()
    answers = [agent.push("registry.lan/a/b:1", identifier=f"msg_{number}") for number in range(700)]
    refused = [one for one in answers if one.status == 429]
    assert 50 < len(refused) <= 100 and all(one.status == 202 for one in answers[:600])
    assert int(refused[-1].headers["retry-after"]) > 0
    assert agent.push("registry.lan/a/b:1", sender="other").status == 202


def database_bytes(agent):
    return sum(os.path.getsize(os.path.join(agent.state, name)) for name in os.listdir(agent.state))


def big(agent, number, sender="ci"):
    images = [{"image": f"registry.lan/a/b{one}:{number}", "meta": {"note": "x" * 3900}} for one in range(14)]
    body = json.dumps({"images": images}).encode()
    return agent.push("", body=body, identifier=f"msg_{sender}_{number}", sender=sender)


def test_a_sender_cannot_fill_the_store(agent_of):
    """Not even while the platform is away, so that nothing is done with."""
    agent = agent_of(settings={"platforms": {"docker": {"host": "unix:///nowhere/docker.sock"}}})
    other = {**agent.settings["senders"][0], "name": "other"}
    agent.settings["senders"][0]["quota"] = "2MiB"
    agent.settings["senders"].append(other)
    agent.configure()
    agent.start(ready=False)
    wait_until(lambda: '"agent.started"' in agent.log and agent.get("/healthz").status == 200, 20, "it serves")
    answers = [big(agent, number) for number in range(100)]
    stored = [one.status for one in answers].count(202)
    assert 30 <= stored <= 40 and all(one.status == 503 for one in answers[stored:])
    assert int(answers[-1].headers["retry-after"]) > 0 and "share of the store" in answers[-1].json["error"]
    assert big(agent, 1, "other").status == 202
    assert database_bytes(agent) < 20 << 20
    again = big(agent, 0)
    assert again.status == 200 and again.json["duplicate"], again


def test_what_is_done_with_makes_room(agent_of, tmp_path):
    """A sender's quota is for what is young or open: older pushes that are done with give way."""
    agent = agent_of(clock="2026-11-20T12:00:00Z")
    agent.settings["senders"][0]["quota"] = "2MiB"
    agent.configure()
    agent.start()
    answers = [big(agent, number).status for number in range(45)]
    assert answers[0] == 202 and answers[-1] == 503
    agent.set_clock("2026-11-20T15:00:00Z")

    def taken():
        answer = big(agent, int(time.monotonic() * 1000))
        return answer.status == 202
    wait_until(taken, 30, "there is room again")


def test_a_disk_that_is_almost_full(agent_of, tmp_path):
    state = tmp_path / "small"
    state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m,mode=700", "tmpfs", state], check=True)
    try:
        agent = agent_of(settings={"state": str(state)}, start=True)
        assert agent.push("registry.lan/a/b:1").status == 202
        (state / "filler").write_bytes(b"\0" * (92 << 20))

        def refused():
            answer = agent.push("registry.lan/a/b:1")
            return answer.status == 503 and int(answer.headers["retry-after"]) > 0
        wait_until(refused, 10, "no push is taken")
        answer = agent.get("/readyz")
        assert answer.status == 503 and b"room" in answer.body, answer
        assert agent.events("store.full")
        (state / "filler").unlink()
        wait_until(lambda: agent.push("registry.lan/a/b:1").status == 202, 10, "pushes are taken again")
        wait_until(agent.ready, 10, "it is ready again")
        agent.stop()
    finally:
        subprocess.run(["umount", "-l", state], check=True)


def test_the_store_shrinks_to_its_size(agent_of):
    """`history` by size: what is done with goes, the oldest first."""
    agent = agent_of(clock="2026-11-20T12:00:00Z", settings={"history": {"age": "90d", "size": "16MiB"}}, start=True)
    first = big(agent, 0)
    for number in range(1, 400):
        assert big(agent, number).status == 202
    agent.set_clock("2026-11-21T12:00:00Z")
    later = iter(range(400, 2000))
    headers = standard_webhooks(SECRET, b"", timestamp=agent.now())
    kept = []

    def gone():
        answer = big(agent, next(later))
        kept.extend([answer.json["id"]] if answer.status == 202 else [])  # 503: pushes come faster than the oldest go
        return agent.get(f"/v1/pushes/{first.json['id']}", headers=headers).status == 404
    wait_until(gone, 60, "the oldest is gone")
    assert agent.get(f"/v1/pushes/{kept[-1]}", headers=headers).status == 200
