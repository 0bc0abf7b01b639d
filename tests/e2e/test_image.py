"""The container image, as its user builds and runs it. The base is a Debian root that tests/run makes with debootstrap, with
the packages already in it: the tests' network namespace has no way out."""

import gzip
import os
import subprocess

import pytest

from lib.agent import Agent
from lib.wait import wait_until

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROOT = os.environ.get("LANDWAITER_DEBIAN_ROOT", "")
GROUP, USER = 4242, 9077
LIMIT = 12 * 1024 * 1024


def docker(engine, *arguments, stdin=None, fails=False):
    """The command's output. It must succeed, or fail if it `fails`."""
    done = subprocess.run(["docker", *arguments], stdin=stdin, capture_output=True, timeout=600, check=False,
                          env={**os.environ, "DOCKER_HOST": engine.host, "DOCKER_BUILDKIT": "0"})
    assert (done.returncode != 0) == fails, (arguments, done.stdout[-4000:].decode(), done.stderr[-4000:].decode())
    return done.stdout + (done.stderr if arguments[0] == "logs" else b"")


@pytest.fixture(scope="module")
def image(engine_session):
    if not os.path.exists(ROOT):
        pytest.skip("no Debian root to build on: run it by `tests/run e2e`")
    with open(ROOT, "rb") as tar:
        docker(engine_session, "import", "-", "debian-base:test", stdin=tar)
    docker(engine_session, "build", "--network", "none", "--build-arg", "BASE=debian-base:test", "-t", "landwaiter:test",
           TOP)
    return "landwaiter:test"


def test_image_is_small(engine, image):
    packed = len(gzip.compress(docker(engine, "save", image), 6))
    print(f"compressed: {packed / 1024 / 1024:.1f} MiB")
    assert packed <= LIMIT


def test_image_runs_without_root_and_without_a_shell(engine, image):
    assert engine.api("GET", f"/images/{image}/json")["Config"]["User"] == f"{USER}:{USER}"
    assert docker(engine, "run", "--rm", "--network", "none", image, "--version").startswith(b"landwaiter ")
    docker(engine, "run", "--rm", "--network", "none", "--entrypoint", "/bin/sh", image, "-c", "true", fails=True)


def test_image_updates_a_container(engine, image, images, registry, repository, tmp_path):
    agent = Agent(str(tmp_path / "agent"), engine, [registry])
    del agent.settings["control"]  # the default, on a tmpfs as in contrib/compose
    agent.configure()
    for path in (agent.directory, agent.state, agent.secret_path):
        os.chown(path, USER, USER)
    os.chown(engine.socket, 0, GROUP)
    docker(engine, "run", "-d", "--name", "agent", "--network", "host", "--group-add", str(GROUP), "--cap-drop", "ALL",
           "--read-only", "--tmpfs", f"/run/landwaiter:uid={USER},gid={USER},mode=0750", "-v", f"{engine.socket}:{engine.socket}", "-v", f"{agent.directory}:{agent.directory}",
           image, "serve", "-c", agent.config_path)
    try:
        wait_until(agent.ready, 20, "the agent in its container is ready")
    except AssertionError:
        print(docker(engine, "logs", "agent").decode())
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
    said = docker(engine, "exec", "agent", "landwaiter", "targets", "-c", agent.config_path)
    assert b"docker/app" in said
    docker(engine, "stop", "agent")
    assert engine.inspect("agent")["State"]["ExitCode"] == 0
