"""The container image, as its user builds and runs it (the fixture `image`)."""

import gzip
import os

from lib.agent import Agent
from lib.wait import wait_until

GROUP, USER = 4242, 9077
LIMIT = 12 * 1024 * 1024


def test_image_is_small(engine, image):
    packed = len(gzip.compress(engine.docker("save", image), 6))
    print(f"compressed: {packed / 1024 / 1024:.1f} MiB")
    assert packed <= LIMIT


def test_image_runs_without_root_and_without_a_shell(engine, image):
    assert engine.api("GET", f"/images/{image}/json")["Config"]["User"] == f"{USER}:{USER}"
    assert engine.docker("run", "--rm", "--network", "none", image, "--version").startswith(b"landwaiter ")
    engine.docker("run", "--rm", "--network", "none", "--entrypoint", "/bin/sh", image, "-c", "true", fails=True)


def test_image_updates_a_container(engine, image, images, registry, repository, tmp_path):
    agent = Agent(str(tmp_path / "agent"), engine, [registry])
    del agent.settings["control"]  # the default, on a tmpfs as in contrib/compose
    agent.configure()
    for path in (agent.directory, agent.state, agent.secret_path):
        os.chown(path, USER, USER)
    os.chown(engine.socket, 0, GROUP)
    engine.docker("run", "-d", "--name", "agent", "--network", "host", "--group-add", str(GROUP), "--cap-drop", "ALL",
                  "--read-only", "--tmpfs", f"/run/landwaiter:uid={USER},gid={USER},mode=0750",
                  "-v", f"{engine.socket}:{engine.socket}", "-v", f"{agent.directory}:{agent.directory}",
                  image, "serve", "-c", agent.config_path)
    try:
        wait_until(agent.ready, 20, "the agent in its container is ready")
    except AssertionError:
        print(engine.docker("logs", "agent").decode())
        raise
    images.make(repository, "stable", "v1")
    engine.run("app", images.name(repository, "stable"))
    digest = images.make(repository, "stable", "v2")

    push = agent.accepted(images.name(repository, "stable"), digest)
    document = wait_until(lambda: next((one for one in [agent.status(push, wait=10)] if one["open"] == 0), None), 60,
                          "the push is settled")

    assert [update["result"] for update in document["updates"]] == ["updated"], document
    wait_until(lambda: engine.serves("app") == "v2", 10, "v2 answers")
    top = engine.api("GET", "/containers/agent/top?ps_args=-o%20pid,uid")
    assert {row[1] for row in top["Processes"]} == {str(USER)}
    said = engine.docker("exec", "agent", "landwaiter", "targets", "-c", agent.config_path)
    assert b"docker/app" in said
    engine.docker("stop", "agent")
    assert engine.inspect("agent")["State"]["ExitCode"] == 0
