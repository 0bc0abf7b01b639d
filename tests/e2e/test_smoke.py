"""A signed push becomes a healthy container: the shortest way through everything."""

from lib.wait import wait_until


def test_the_tests_own_servers(engine, registry, images, repository):
    """The base of every other test: an engine and a registry that work without the agent."""
    digest = images.make(repository, "stable", "v1")
    name = images.name(repository, "stable")
    engine.run("app", name)
    wait_until(lambda: engine.serves("app") == "v1", 10, "v1 answers")
    assert f"{images.name(repository)}@{digest}" in engine.api("GET", f"/images/{name}/json")["RepoDigests"]
    assert registry.proxy.count(agent="^docker/", method="HEAD", path="/manifests/stable") == 1
    assert registry.proxy.count() == 0


def test_push_becomes_a_healthy_container(engine, images, agent, repository):
    images.make(repository, "stable", "v1", kind="healthy")
    engine.run("app", images.name(repository, "stable"))
    wait_until(lambda: engine.serves("app") == "v1", 10, "v1 answers")
    old = engine.inspect("app")["Id"]

    digest = images.make(repository, "stable", "v2", kind="healthy")
    updates = agent.deploy(images.name(repository, "stable"), digest)

    assert updates["docker/app"]["result"] == "updated", updates
    assert updates["docker/app"]["to"] == digest
    wait_until(lambda: engine.serves("app") == "v2", 10, "v2 answers")
    assert engine.inspect("app")["Id"] != old
    assert engine.containers() == ["app"]
