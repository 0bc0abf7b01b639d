"""The agent's requests to registries, their number, and its reactions to the answers."""

import base64
import json
import shutil
import threading
import time

import pytest

from lib.engine import UnixConnection, split
from lib.images import Images
from lib.registry import PASSWORD, USERNAME, Authority
from lib.wait import stays, wait_until

HEADS = {"method": "HEAD", "path": "/manifests/"}


def begin(engine, images, repository, names=("app",), pull=True):
    """Containers of REPOSITORY:stable at v1."""
    digest = images.make(repository, "stable", "v1")
    for name in names:
        engine.run(name, images.name(repository, "stable"), pull=pull)
        wait_until(lambda n=name: engine.serves(n) == "v1", 10, "v1 answers")
    return digest


def waiting_for(agent, push, words):
    """The push's only update, once it waits and gives the reason."""
    def told():
        updates = agent.status(push)["updates"]
        return updates[0] if updates and updates[0]["reason"] and words in updates[0]["reason"] else None
    update = wait_until(told, 15, f"it waits: {words}")
    assert update["result"] is None and update["stage"] == "resolve", update
    return update


def served(engine, name, version):
    wait_until(lambda: engine.serves(name) == version, 10, f"{name} serves {version}")


# The present digest of the tag.

def test_a_digest_that_is_not_served_yet_is_waited_for(engine, images, agent, registry, repository):
    begin(engine, images, repository)
    digest = images.make(repository, "later", "v2")  # not under the pushed tag, and hidden for now
    hidden = registry.proxy.fault(agent="^landwaiter/", path=digest, status=404)
    push = agent.accepted(images.name(repository, "stable"), digest)
    update = waiting_for(agent, push, "does not serve the pushed digest yet")
    assert update["not_before"] is not None
    wait_until(lambda: hidden.hits >= 2, 15, "it is asked again")
    assert engine.serves("app") == "v1"

    registry.tag(repository, "later", "stable")
    registry.proxy.mend()
    done = agent.wait(push)["updates"][0]
    assert done["result"] == "updated" and done["to"] == digest, done
    served(engine, "app", "v2")


def test_a_tag_that_lags_behind_is_waited_for(engine, images, agent, registry, repository):
    begin(engine, images, repository)
    digest = images.make(repository, "later", "v2")
    push = agent.accepted(images.name(repository, "stable"), digest)
    waiting_for(agent, push, "tag does not name the pushed digest yet")
    registry.tag(repository, "later", "stable")
    assert agent.wait(push)["updates"][0]["result"] == "updated"
    served(engine, "app", "v2")


def test_a_tag_that_has_moved_on_supersedes_the_push(engine, images, agent, repository):
    begin(engine, images, repository)
    pushed = images.make(repository, "stable", "v2")
    newer = images.make(repository, "stable", "v3")
    started = engine.inspect("app")["State"]["StartedAt"]
    update = agent.deploy(images.name(repository, "stable"), pushed)["docker/app"]
    assert update["result"] == "superseded" and newer in update["reason"], update
    assert engine.inspect("app")["State"]["StartedAt"] == started
    assert agent.deploy(images.name(repository, "stable"), newer)["docker/app"]["result"] == "updated"


def test_an_unchanged_digest_costs_one_request_and_no_restart(engine, images, agent, registry, repository):
    digest = begin(engine, images, repository)
    started = engine.inspect("app")["State"]["StartedAt"]
    for pushed in (digest, None):
        registry.proxy.clear()
        update = agent.deploy(images.name(repository, "stable"), pushed)["docker/app"]
        assert update["result"] == "unchanged" and update["from"] == update["to"] == digest, update
        assert registry.proxy.count() == registry.proxy.count(**HEADS) == 1, registry.proxy.requests
    assert engine.inspect("app")["State"]["StartedAt"] == started


def test_a_push_of_a_digest_without_a_tag(engine, images, agent, repository):
    begin(engine, images, repository)
    digest = images.make(repository, "stable", "v2")
    updates = agent.deploy(images.name(repository) + "@" + digest)
    assert updates["docker/app"]["result"] == "updated" and updates["docker/app"]["to"] == digest, updates
    served(engine, "app", "v2")
    pushed = agent.json("pushes")[0]
    assert pushed["image"] == images.name(repository) and pushed["digest"] == digest


def test_a_push_for_images_that_nobody_runs(engine, images, agent, registry, repository):
    begin(engine, images, repository)
    registry.proxy.clear()
    for image in (images.name(repository + "-other", "stable"), images.name(repository, "other"), "alpine:3"):
        document = agent.wait(agent.accepted(image))
        assert document["open"] == 0 and document["updates"] == [], document
    done = agent.push_command("alpine:3", "--wait=10s")
    assert done.returncode == 0 and "no opted-in target" in done.stdout, (done.stdout, done.stderr)
    assert registry.proxy.count() == 0, "nobody runs it: nobody is asked"


def test_several_images_in_one_delivery_update_the_containers_of_each(engine, images, agent, repository):
    names = ["app-a", "app-b", "app-c"]
    for name in names:
        images.make(f"{repository}/{name}", "stable", "v1")
        engine.run(name, images.name(f"{repository}/{name}", "stable"))
    digests = {name: images.make(f"{repository}/{name}", "stable", "v2") for name in names}
    body = {"images": [{"image": images.name(f"{repository}/{name}", "stable"), "digest": digests[name]}
                       for name in names]}
    answer = agent.push(None, body=json.dumps(body).encode())
    assert answer.status == 202, answer
    updates = {one["target"]: (one["result"], one["to"]) for one in agent.wait(answer.json["id"])["updates"]}
    assert updates == {f"docker/{name}": ("updated", digests[name]) for name in names}
    for name in names:
        served(engine, name, "v2")


# The number of requests.

def test_one_head_for_a_push_whatever_the_number_of_containers(engine, registry_of, agent_of, repository):
    registry = registry_of("token")
    images = Images(registry)
    names = [f"app{i}" for i in range(5)]
    digest = images.make(repository, "stable", "v1")
    # The engine has no credentials of its own: the agent's are handed to it with the first pull.
    settings = {"defaults": {"health": {"timeout": "20s", "soak": "1s"}, "concurrency": 5}}
    agent = agent_of([registry], settings=settings, start=True)
    make_containers(engine, registry, images.name(repository, "stable"), names)

    assert {u["result"] for u in agent.deploy(images.name(repository, "stable"), digest).values()} == {"unchanged"}
    assert registry.tokens.count() == 1 and registry.proxy.count(**HEADS) == 2, "one 401, and one with the token"

    registry.proxy.clear()
    digest = images.make(repository, "stable", "v2")
    updates = agent.deploy(images.name(repository, "stable"), digest)
    assert {name: one["result"] for name, one in updates.items()} == {"docker/" + name: "updated" for name in names}
    assert registry.proxy.count() == registry.proxy.count(**HEADS) == 1, registry.proxy.requests
    assert registry.tokens.count() == 1, "the token is still good"
    for name in names:
        served(engine, name, "v2")

    # Idle: nothing at all.
    asked = len(registry.tokens.requests)
    registry.proxy.clear()
    stays(lambda: registry.proxy.count(agent="") == 0 and len(registry.tokens.requests) == asked, 10,
          "nobody asks the registry", every=0.5)


def make_containers(engine, registry, image, names):
    """Pulled with the tests' own credentials, as a person does with `docker login`."""
    repository, tag = split(image)
    auth = {"username": USERNAME, "password": PASSWORD, "serveraddress": registry.host}
    connection = UnixConnection(engine.socket)
    header = base64.urlsafe_b64encode(json.dumps(auth).encode()).decode()
    connection.request("POST", f"/images/create?fromImage={repository}&tag={tag}", headers={"X-Registry-Auth": header})
    said = connection.getresponse().read().decode()
    connection.close()
    assert "errorDetail" not in said, said
    for name in names:
        engine.run(name, image, pull=False)


# Registries that misbehave.

def test_slow_down_is_obeyed(engine, images, agent, registry, repository):
    begin(engine, images, repository)
    digest = images.make(repository, "stable", "v2")
    refused = registry.proxy.fault(agent="^landwaiter/", times=1, status=429, headers={"Retry-After": "4"})
    begun = time.monotonic()
    push = agent.accepted(images.name(repository, "stable"), digest)
    wait_until(lambda: refused.hits == 1, 10, "it is refused")
    waiting_for(agent, push, "slow down")
    stays(lambda: registry.proxy.count() == 1 or time.monotonic() - begun >= 4, 2.5, "it does not ask again")
    assert agent.wait(push)["updates"][0]["result"] == "updated"
    assert time.monotonic() - begun >= 4 and registry.proxy.count() == 2, registry.proxy.requests


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 503}, {"drop": True}], ids=["500", "503", "closed"])
def test_a_registry_with_trouble_is_asked_again(engine, images, agent, registry, repository, fault):
    digest = begin(engine, images, repository)
    registry.proxy.fault(agent="^landwaiter/", times=1, **fault)
    update = agent.deploy(images.name(repository, "stable"), digest)["docker/app"]
    assert update["result"] == "unchanged" and registry.proxy.count() == 2, (update, registry.proxy.requests)


def test_a_registry_that_is_away_for_a_while(engine, images, agent, registry, repository):
    begin(engine, images, repository)
    digest = images.make(repository, "stable", "v2")
    away = registry.proxy.fault(agent="^(landwaiter|docker)/", drop=True)
    push = agent.accepted(images.name(repository, "stable"), digest)
    waiting_for(agent, push, registry.host)
    wait_until(lambda: away.hits >= 2, 20, "it is asked again, not at once")
    agent.kill9()  # and waiting updates are still there afterwards
    agent.start()
    registry.proxy.mend()
    assert agent.wait(push)["updates"][0]["result"] == "updated"
    served(engine, "app", "v2")


def test_a_redirect_to_another_host_is_refused(engine, images, agent, registry, registry_of, repository):
    begin(engine, images, repository)
    other = registry_of("password")
    digest = images.make(repository, "stable", "v2")
    registry.proxy.fault(agent="^landwaiter/", path="/manifests/", status=307,
                         headers={"Location": f"http://{other.host}/v2/{repository}/manifests/stable"})
    update = agent.deploy(images.name(repository, "stable"), digest)["docker/app"]
    assert update["result"] == "failed" and "redirects to another host" in update["reason"], update
    assert other.proxy.count(agent="") == 0, "nobody went there"
    assert engine.serves("app") == "v1"


def test_a_manifest_that_is_not_what_it_claims_is_refused(engine, images, agent, registry, repository):
    """After a HEAD without a digest the agent fetches the manifest and computes it."""
    begin(engine, images, repository)
    digest = images.make(repository, "stable", "v2")
    registry.proxy.fault(agent="^landwaiter/", method="HEAD", status=200,
                         headers={"Content-Type": "application/vnd.oci.image.manifest.v1+json"})
    registry.proxy.fault(agent="^landwaiter/", method="GET", change=lambda body: body + b" ")
    update = agent.deploy(images.name(repository, "stable"), digest)["docker/app"]
    assert update["result"] == "failed" and "manifest" in update["reason"], update
    assert engine.serves("app") == "v1"


# Credentials.

@pytest.mark.parametrize("kind", ["password", "token"])
def test_credentials_are_used_and_handed_to_the_engine(engine, registry_of, agent_of, repository, kind):
    registry = registry_of(kind)
    images = Images(registry)
    name = images.name(repository, "stable")
    images.make(repository, "stable", "v1")
    make_containers(engine, registry, name, ["app"])
    agent = agent_of([registry], start=True)
    digest = images.make(repository, "stable", "v2")
    update = agent.deploy(name, digest)["docker/app"]
    assert update["result"] == "updated", update
    served(engine, "app", "v2")
    assert registry.proxy.count(agent="^docker/", path="/manifests/") >= 1, "the engine pulled it with them"
    said = agent.log + json.dumps(agent.json("updates", "--all")) + json.dumps(agent.show(update["id"]))
    encoded = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
    assert PASSWORD not in said and encoded not in said


@pytest.mark.parametrize("kind", ["password", "token"])
def test_missing_and_wrong_credentials_are_told(engine, registry_of, agent_of, repository, kind):
    registry = registry_of(kind)
    images = Images(registry)
    name = images.name(repository, "stable")
    digest = images.make(repository, "stable", "v1")
    make_containers(engine, registry, name, ["app"])
    entry = registry.configuration()
    none = {key: value for key, value in entry.items() if key != "credentials"}
    wrong = {**entry, "credentials": {"username": USERNAME, "password": "wrong-password-of-the-tests"}}
    # The token server lets anybody pull, and nobody with a wrong password.
    anonymous = ("failed", "configure credentials") if kind == "password" else ("unchanged", "already runs")
    expected = [(none, *anonymous), (wrong, "failed", "do not allow")]
    for entry, result, words in expected:
        agent = agent_of(settings={"registries": [entry]}, start=True)
        update = agent.deploy(name, digest)["docker/app"]
        assert update["result"] == result and words in update["reason"], update
        assert result == "unchanged" or registry.host in update["reason"], update
        assert "wrong-password" not in agent.log
        agent.stop()


def test_a_token_that_expires_in_mid_way_is_renewed(engine, registry_of, agent_of, repository):
    registry = registry_of("token")
    images = Images(registry)
    name = images.name(repository, "stable")
    digest = images.make(repository, "stable", "v1")
    make_containers(engine, registry, name, ["app"])
    agent = agent_of([registry], start=True)
    assert agent.deploy(name, digest)["docker/app"]["result"] == "unchanged"
    assert registry.tokens.count() == 1
    # The registry no longer accepts the cached token.
    registry.proxy.fault(agent="^landwaiter/", times=1, status=401, headers={
        "WWW-Authenticate": f'Bearer realm="{registry.tokens.url}",service="test-registry",error="invalid_token"'})
    assert agent.deploy(name, digest)["docker/app"]["result"] == "unchanged"
    assert registry.tokens.count() == 2, "one new token"


def test_a_token_server_with_trouble_is_asked_again(engine, registry_of, agent_of, repository):
    registry = registry_of("token")
    images = Images(registry)
    name = images.name(repository, "stable")
    digest = images.make(repository, "stable", "v1")
    make_containers(engine, registry, name, ["app"])
    agent = agent_of([registry], start=True)
    registry.tokens.refuse = 503
    push = agent.accepted(name, digest)
    waiting_for(agent, push, "token server")
    registry.tokens.refuse = None
    assert agent.wait(push)["updates"][0]["result"] == "unchanged"


def test_credentials_from_dockers_own_configuration(engine, registry_of, agent_of, repository, tmp_path):
    registry = registry_of("password")
    images = Images(registry)
    name = images.name(repository, "stable")
    images.make(repository, "stable", "v1")
    make_containers(engine, registry, name, ["app"])
    login = tmp_path / "config.json"
    auth = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
    login.write_text(json.dumps({"auths": {registry.host: {"auth": auth}}}), encoding="ascii")
    entry = {**registry.configuration(credentials=False), "credentials": {"docker_config": str(login)}}
    agent = agent_of(settings={"registries": [entry]}, start=True)
    digest = images.make(repository, "stable", "v2")
    assert agent.deploy(name, digest)["docker/app"]["result"] == "updated"
    served(engine, "app", "v2")


# TLS.

def test_a_private_ca(engine, registry_of, agent_of, repository, tmp_path):
    registry = registry_of("tls")
    images = Images(registry)
    name = images.name(repository, "stable")
    digest = images.make(repository, "stable", "v1")
    engine.run("app", name)  # an engine takes any certificate on loopback
    served(engine, "app", "v1")
    other = Authority(str(tmp_path / "other"))
    system = {"host": registry.host}
    for entry in ({**system, "ca": other.ca}, system):
        agent = agent_of(settings={"registries": [entry]}, start=True)
        update = agent.deploy(name, digest)["docker/app"]
        assert update["result"] == "failed" and "certificate" in update["reason"], update
        assert registry.host in update["reason"], update
        agent.stop()
    assert registry.proxy.count() == 0

    agent = agent_of([registry], start=True)
    digest = images.make(repository, "stable", "v2")
    assert agent.deploy(name, digest)["docker/app"]["result"] == "updated"
    served(engine, "app", "v2")


def test_a_ca_file_that_is_exchanged(engine, registry_of, agent_of, repository, tmp_path):
    """Each worker uses the new file from its next connection on."""
    registry = registry_of("tls")
    images = Images(registry)
    name = images.name(repository, "stable")
    images.make(repository, "stable", "v1")
    engine.run("app", name)
    served(engine, "app", "v1")
    file = tmp_path / "ca.pem"
    shutil.copy(Authority(str(tmp_path / "other")).ca, file)
    agent = agent_of(settings={"registries": [{"host": registry.host, "ca": str(file)}]}, start=True)
    for version in range(2, 12):  # all workers have read the file
        digest = images.make(repository, "stable", f"v{version}")
        assert "certificate" in agent.deploy(name, digest)["docker/app"]["reason"]
    shutil.copy(registry.authority.ca, file)
    digest = images.make(repository, "stable", "v12")
    update = agent.deploy(name, digest)["docker/app"]
    assert update["result"] == "updated", update
    served(engine, "app", "v12")


def test_plain_http_is_spoken_only_where_it_is_configured(engine, images, registry, agent_of, repository):
    digest = begin(engine, images, repository)
    agent = agent_of(settings={"registries": []}, start=True)
    push = agent.accepted(images.name(repository, "stable"), digest)
    document = wait_until(lambda: [u for u in agent.status(push)["updates"] if u["reason"] and u["stage"] != "policy"
                                   and registry.host.split(":", 1)[0] in u["reason"]], 15, "it says so")[0]
    assert document["result"] in (None, "failed"), document
    assert registry.proxy.count() == 0


def test_many_pushes_at_once_of_a_lagging_registry(engine, images, agent, registry, repository):
    """Ten pushes while the registry is slow: one question at a time, and the newest wins."""
    begin(engine, images, repository)
    name = images.name(repository, "stable")
    registry.proxy.fault(agent="^landwaiter/", delay=2)
    digests = [images.make(repository, "stable", f"v{i}") for i in range(2, 12)]
    pushes = [None] * 10
    threads = [threading.Thread(target=lambda i=i: pushes.__setitem__(i, agent.accepted(name, digests[i])))
               for i in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    last = agent.accepted(name, digests[9])
    assert agent.wait(last)["updates"][0]["result"] == "updated"
    for push in pushes[:9]:
        assert [one["result"] for one in agent.wait(push)["updates"]] == ["superseded"]
    served(engine, "app", "v11")
