"""Compose projects on one host: the labels of one hold up no update of another."""

import pytest

from lib.wait import stays, wait_until


@pytest.fixture
def run(engine, images, repository):
    """run(name, project, labels): a container of an image of its own at v1; returns the image's name."""
    def make(name, project=None, **labels):
        images.make(f"{repository}/{name}", "stable", "v1")
        image = images.name(f"{repository}/{name}", "stable")
        more = {"landwaiter." + key.replace("_", "-"): value for key, value in labels.items()}
        if project:
            more["com.docker.compose.project"] = project
        engine.run(name, image, labels=more)
        return image
    return make


@pytest.fixture
def tenants(agent_of, registry):
    def make(**settings):
        return agent_of([registry], settings=settings, start=True)
    return make


def make_new(images, repository, name, kind="good"):
    return images.make(f"{repository}/{name}", "stable", "v2", kind=kind)


def update_of(agent, push):
    updates = agent.status(push)["updates"]
    return updates[0] if updates else None


def is_watched(agent, push):
    wait_until(lambda: (update_of(agent, push) or {}).get("stage") == "observe", 20, "it is watched")


def test_a_group_of_another_project_is_another_group(run, images, repository, tenants):
    agent = tenants()
    evil = run("evil", "evil", group="web", health_timeout="24h")
    prod, twin = run("prod", "prod", group="web"), run("twin", "prod", group="web")
    make_new(images, repository, "evil", "starting")
    held = agent.accepted(evil)
    is_watched(agent, held)
    make_new(images, repository, "prod")
    assert agent.deploy(prod, deadline=15)["docker/prod"]["result"] == "updated"
    # Within the project it is one at a time.
    make_new(images, repository, "prod", "starting")
    busy = agent.accepted(prod)
    is_watched(agent, busy)
    make_new(images, repository, "twin")
    waits = agent.accepted(twin)
    wait_until(lambda: "same group web" in ((update_of(agent, waits) or {}).get("reason") or ""), 20, "the twin waits")


def test_a_dependency_of_another_project_is_no_dependency(run, images, repository, tenants):
    agent = tenants()
    db, cache = run("db", "evil", approval="required"), run("cache", "prod", approval="required")
    web, site = run("web", "prod", depends_on="db"), run("site", "prod", depends_on="cache")
    for name in ("db", "cache", "web", "site"):
        make_new(images, repository, name)
    asked = [agent.accepted(image) for image in (db, cache)]
    for push in asked:
        wait_until(lambda p=push: "approval" in ((update_of(agent, p) or {}).get("reason") or ""), 20, "it asks")
    assert agent.deploy(web, deadline=15)["docker/web"]["result"] == "updated"
    waits = agent.accepted(site)
    wait_until(lambda: "which it depends on" in ((update_of(agent, waits) or {}).get("reason") or ""), 20, "its own is one")


def test_names_of_the_configuration_are_everybodys(run, images, repository, tenants):
    agent = tenants(rules=[{"match": {"name": "*"}, "group": "one"}])
    evil, prod = run("evil", "evil"), run("prod", "prod")
    make_new(images, repository, "evil", "starting")
    is_watched(agent, agent.accepted(evil))
    make_new(images, repository, "prod")
    waits = agent.accepted(prod)
    wait_until(lambda: "same group one" in ((update_of(agent, waits) or {}).get("reason") or ""), 20, "one at a time")
    stays(lambda: update_of(agent, waits)["stage"] == "gate", 1, "it waits")


def test_a_label_over_its_limit_is_cut_and_named(run, images, repository, tenants):
    agent = tenants(limits={"health_timeout": "2s"}, defaults={"health": {"timeout": "1s", "soak": "1s"}})
    evil = run("evil", "evil", health_timeout="24h")
    target, = agent.json("targets")
    assert "label health-timeout" in target["notice"] and target["problem"] is None, target
    found = agent.json("doctor")["findings"]
    assert any(one["about"] == "docker/evil" and "over the limit" in one["message"] for one in found), found
    assert "over the limit" in agent.run("targets").stdout
    make_new(images, repository, "evil", "starting")
    assert agent.deploy(evil, deadline=20)["docker/evil"]["result"] == "rolled-back"
