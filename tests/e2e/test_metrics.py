"""The metrics for Prometheus: pushes, their results, and nothing that a stranger could make grow."""

import http.client
import re

from lib.wait import free_port, wait_until


def samples(text):
    """{name with labels: value}; every line must fit the format."""
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            assert re.match(r"# (HELP|TYPE) landwaiter_\w+ .+", line), line
            continue
        match = re.fullmatch(r'(landwaiter_\w+(?:\{(?:\w+="(?:[^"\\]|\\.)*",?)+\})?) (\S+)', line)
        assert match, line
        found[match[1]] = float(match[2])
    return found


def scrape(port, path="/metrics", method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type"), answer.read().decode()
    finally:
        connection.close()


def test_what_was_pushed_is_counted(engine, images, agent_of, registry, repository):
    name, port = images.name(repository, "stable"), free_port()
    images.make(repository, "stable", "v1")
    engine.run("app", name)
    agent = agent_of([registry], start=True, settings={
        "metrics": f"127.0.0.1:{port}",
        "windows": {"never": {"days": ["sun"], "start": "02:00", "end": "02:01", "tz": "UTC"}}})
    assert agent.deploy(name, images.make(repository, "stable", "v2"))["docker/app"]["result"] == "updated"
    bad = images.make(repository, "stable", "v3", kind="crash")
    assert agent.deploy(name, bad)["docker/app"]["result"] == "rolled-back"
    assert agent.push(name, secret="d3Jvbmcgc2VjcmV0IG9mIHRoZSB0ZXN0cw==").status == 401
    assert agent.push(name, sender="stranger").status == 401

    status, kind, text = scrape(port)
    assert status == 200 and kind.startswith("text/plain"), (status, kind)
    found = samples(text)
    assert found['landwaiter_pushes_total{sender="ci",result="accepted"}'] == 2
    assert found['landwaiter_pushes_total{sender="",result="unauthorized"}'] == 2
    assert found['landwaiter_updates_total{platform="docker",result="updated"}'] == 1
    assert found['landwaiter_updates_total{platform="docker",result="rolled-back"}'] == 1
    assert found[f'landwaiter_registry_requests_total{{host="{registry.host}",code="200"}}'] >= 2
    assert found['landwaiter_stage_seconds_count{stage="apply"}'] == 2
    assert found['landwaiter_downtime_seconds_count{platform="docker"}'] == 2
    assert 0 < found['landwaiter_downtime_seconds_sum{platform="docker"}'] < 60
    assert 'landwaiter_window_open{window="never"}' in found
    assert found['landwaiter_window_next_open_timestamp_seconds{window="never"}'] > 1.7e9
    assert any(re.match(r'landwaiter_build_info\{version="[^"]+",commit="([0-9a-f]{12}\+?|unknown)"\}$', one) for one in found)
    assert "stranger" not in text
    # On the control socket the same, and at this address nothing else.
    assert samples(agent.control_text("/metrics")).keys() == found.keys()
    assert scrape(port, "/v1/updates")[0] == 404
    assert scrape(port, "/v1/targets/all/hold", "POST")[0] == 404
    assert scrape(port, method="POST")[0] == 405


def test_what_waits_is_counted_by_its_stage(engine, images, agent, repository):
    name = images.name(repository, "stable")
    images.make(repository, "stable", "v1")
    engine.run("app", name, labels={"landwaiter.approval": "required"})
    push = agent.accepted(name, images.make(repository, "stable", "v2"))
    wait_until(lambda: samples(agent.control_text("/metrics")).get('landwaiter_updates_open{stage="gate"}') == 1, 30,
               "it waits at the gate")
    [update] = agent.status(push)["updates"]
    assert agent.run("cancel", update["id"]).returncode == 0
    found = samples(agent.control_text("/metrics"))
    assert 'landwaiter_updates_open{stage="gate"}' not in found
    assert found['landwaiter_updates_total{platform="docker",result="cancelled"}'] == 1
