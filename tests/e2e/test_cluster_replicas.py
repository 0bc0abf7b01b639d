"""Several replicas in a real cluster: any of them may die, be cut off or stand still at any time: one rollout for
each push, none without a push, and no accepted push is lost."""

import http.client
import signal
import threading

import pytest

from lib.agent import SECRET
from lib.kubernetes import ApiError, workload
from lib.places import PLACES_MAX, assert_swept
from lib.replicas import LEASE, RULES, Replicas, Service, install
from lib.sign import standard_webhooks
from lib.wait import stays, wait_until

LANES = 3
EVERY = {"good": 1, "crash": 3}  # a rollback takes long: each third place of it,
FIRST = {"good": 1, "crash": 16}  # and only the places after the part that both ways share


@pytest.fixture
def replicas_of(tmp_path, cluster, namespace, registry):
    """replicas_of(count, **settings): replicas in the test's namespace."""
    made = []

    def make(count, start=True, **settings):
        one = Replicas(str(tmp_path / f"set{len(made)}"), cluster, namespace, count, registries=[registry], settings={
            "defaults": {"health": {"timeout": "30s", "soak": "1s"}}, **settings})
        made.append(one)
        return one.start() if start else one
    yield make
    for one in made:
        one.close()


@pytest.fixture
def web(cluster, namespace, images, repository):
    """A Deployment "web" of version v1, and its image with the tag that is pushed."""
    images.make(repository, "stable", "v1")
    image = images.name(repository, "stable")
    cluster.admin.apply(workload("Deployment", "web", image, namespace))
    wait_until(lambda: cluster.admin.serves("web", namespace) == ["v1"], 40, "v1 answers")
    return image


def revision(cluster, namespace, name="web"):
    """The number of its pod templates, the first one included."""
    return int(cluster.admin.get("Deployment", name, namespace)["metadata"]["annotations"]
               ["deployment.kubernetes.io/revision"])


def results(document):
    return [update["result"] for update in document["updates"]]


def test_one_leads_and_all_answer(cluster, namespace, images, repository, replicas_of, web):
    replicas = replicas_of(3, lease="15s")
    leader = replicas.leader()
    follower, other = replicas.others(leader)
    digest = images.make(repository, "stable", "v2")
    push = follower.accepted(web, digest, identifier="msg_once")
    document = other.wait(push)
    assert results(document) == ["updated"], document
    wait_until(lambda: cluster.admin.serves("web", namespace) == ["v2"], 20, "v2 answers")
    assert revision(cluster, namespace) == 2
    for one in replicas.all:
        assert one.ready()
        assert results(one.wait(push)) == ["updated"]
        again = one.push(web, digest, identifier="msg_once")
        assert (again.status, again.json["id"]) == (200, push), again
    assert [one.leads() for one in replicas.all].count(True) == 1
    # Waits for one that may be on its way.
    unknown = push[:-1] + ("1" if push[-1] != "1" else "2")
    answer = follower.get(f"/v1/pushes/{unknown}", headers=standard_webhooks(SECRET, b"", timestamp=follower.now()))
    assert answer.status == 503 and "ask again" in str(answer), answer
    wait_until(lambda: replicas.inbox() == [], 10, "what was taken over leaves the inbox")
    lease = cluster.admin.get("Lease", LEASE, namespace)["spec"]
    assert lease["leaseDurationSeconds"] == 15 and lease["leaseTransitions"] == 0


def test_only_the_leader_decides(cluster, namespace, images, repository, replicas_of, web):
    replicas = replicas_of(2, lease="15s", defaults={"approval": "required", "health": {"timeout": "30s", "soak": "1s"}})
    leader = replicas.leader()
    [follower] = replicas.others(leader)
    push = leader.accepted(web, images.make(repository, "stable", "v2"))

    def waiting(one):
        updates = one.status(push)["updates"]
        return updates and "approv" in updates[0]["reason"] and updates[0]["id"]
    update = wait_until(lambda: waiting(follower), 20, "a follower knows what it waits for")
    refused = follower.run("approve", update)
    assert refused.returncode != 0 and "leads" in refused.stderr, refused
    held = leader.run("hold", "all", "--reason", "first things first")
    assert held.returncode == 0, held
    approved = leader.run("approve", update)
    assert approved.returncode == 0, approved
    # The next leader knows both decisions.
    leader.lose()
    assert replicas.leader([follower]) is follower
    wait_until(lambda: "first things first" in follower.status(push)["updates"][0]["reason"], 20, "the hold holds on")
    released = follower.run("release", "all")
    assert released.returncode == 0, released
    assert results(follower.wait(push)) == ["updated"]
    assert follower.show(update)["result"] == "updated", "the same update, approved once"
    assert revision(cluster, namespace) == 2


def test_what_was_rolled_back_stays_refused(cluster, namespace, images, repository, replicas_of, web):
    replicas = replicas_of(2)
    leader = replicas.leader()
    bad = images.make(repository, "stable", "v2", kind="crash")
    assert results(leader.wait(leader.accepted(web, bad), 90)) == ["rolled-back"]
    assert revision(cluster, namespace) == 3
    [follower] = replicas.others(leader)
    leader.lose()
    replicas.leader([follower])
    assert results(follower.wait(follower.accepted(web, bad))) == ["denied"]
    assert revision(cluster, namespace) == 3


def test_told_to_stop_it_hands_over_at_once(replicas_of):
    replicas = replicas_of(2, lease="60s")
    leader = replicas.leader()
    others = replicas.others(leader)
    leader.stop()
    replicas.leader(others, deadline=45)  # 60 s would be its time to die


def test_an_accepted_push_survives_its_replica(cluster, namespace, images, repository, replicas_of, web):
    """Nobody leads when the push is accepted; then the only replica that knows of it is gone with its disk."""
    replicas = replicas_of(2, start=False)
    keeper, other = replicas.all
    cluster.admin.apply(held_by_nobody(namespace, 30))
    keeper.start()
    push = keeper.accepted(web, images.make(repository, "stable", "v2"))
    assert keeper.status(push)["open"] > 0
    keeper.lose()
    cluster.admin.delete("Lease", LEASE, namespace)
    other.start()
    assert results(other.wait(push)) == ["updated"]
    assert revision(cluster, namespace) == 2


def held_by_nobody(namespace, seconds):
    """A Lease that somebody took and does not renew."""
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": LEASE, "namespace": namespace},
            "spec": {"holderIdentity": "nobody", "leaseDurationSeconds": seconds, "leaseTransitions": 7,
                     "acquireTime": "2026-11-20T12:00:00.000000Z", "renewTime": "2026-11-20T12:00:00.000000Z"}}


def test_a_full_inbox_refuses_and_loses_nothing(cluster, namespace, images, repository, replicas_of, web):
    replicas = replicas_of(1, start=False)
    [agent] = replicas.all
    cluster.admin.apply(held_by_nobody(namespace, 600))
    agent.start()
    digest = images.make(repository, "stable", "v2")
    accepted, refused = [], None
    for number in range(400):
        answer = agent.push(web, digest, identifier=f"msg_{number}")
        if answer.status == 503:
            refused = answer
            break
        assert answer.status == 202, answer
        accepted.append(answer.json["id"])
    assert refused is not None and "retry-after" in refused.headers
    assert len(replicas.inbox()) <= 260 and len(accepted) >= 256
    cluster.admin.delete("Lease", LEASE, namespace)
    for push in (accepted[0], accepted[-1]):
        assert agent.wait(push)["open"] == 0
    assert results(agent.wait(accepted[-1])) == ["updated"]
    wait_until(lambda: replicas.inbox() == [], 60, "the inbox is empty")
    assert agent.push(web, digest, identifier="msg_more").status == 202
    assert revision(cluster, namespace) == 2


@pytest.mark.parametrize("silent", [False, True], ids=["broken", "silent"])
def test_the_leader_alone_is_cut_off(cluster, namespace, images, repository, replicas_of, web, silent):
    replicas = replicas_of(2)
    leader = replicas.leader()
    [other] = replicas.others(leader)
    digest = images.make(repository, "stable", "v2")
    push = other.accepted(web, digest)
    wait_until(lambda: leader.status(push)["updates"] and leader.status(push)["updates"][0]["stage"] != "policy", 20,
               "the leader is at it")
    leader.cut(silent)
    # It answers, but accepts nothing.
    assert leader.get("/healthz", timeout=5).status == 200
    assert leader.push("registry.test/lost:1", digest, identifier="msg_lost").status == 503
    assert replicas.leader([other]) is other
    assert results(other.wait(push)) == ["updated"]
    wait_until(lambda: not leader.leads(), 20, "the one that is cut off knows it")
    ceased = [at for event, at in leader.roles() if event == "replica.follows"][-1]
    began = [at for event, at in other.roles() if event == "replica.leads"][-1]
    assert ceased < began, "two led at once"
    if silent:
        leader.mend()
    else:
        # Until it has read the records anew it does not know the push's result, and does not claim that there is none.
        slow = leader.mend(method="GET", path="/records.*limit=", delay=8, times=1)
        wait_until(lambda: slow.hits, 30, "it reads the records anew")
        assert leader.status(push)["open"] > 0
    leader.back()
    assert results(leader.wait(push)) == ["updated"]
    assert other.leads() and not leader.leads()
    assert revision(cluster, namespace) == 2


def test_a_leader_that_stood_still_touches_nothing(cluster, namespace, images, repository, replicas_of, web):
    """Stops a leader for longer than its Lease in the midst of a rollout: when it resumes, another one has led for long."""
    replicas = replicas_of(2, defaults={"health": {"timeout": "60s", "soak": "6s"}})
    leader = replicas.leader()
    [other] = replicas.others(leader)
    push = other.accepted(web, images.make(repository, "stable", "v2"))
    wait_until(lambda: leader.status(push)["updates"] and leader.status(push)["updates"][0]["stage"] == "observe", 30,
               "it watches the rollout")
    leader.signal(signal.SIGSTOP)
    try:
        assert replicas.leader([other]) is other
        assert results(other.wait(push)) == ["updated"]
    finally:
        leader.proxy.clear()
        leader.signal(signal.SIGCONT)
    wait_until(lambda: not leader.leads(), 20, "it knows that it leads no more")
    wait_until(lambda: results(leader.status(push)) == ["updated"], 20, "and what the other one did")
    assert leader.proxy.count(method="PATCH") == 0
    assert revision(cluster, namespace) == 2
    again = leader.accepted(web, images.make(repository, "stable", "v3"))
    assert results(leader.wait(again)) == ["updated"]
    assert revision(cluster, namespace) == 3


def test_push_waits_through_a_service_while_leaders_die(cluster, namespace, images, repository, replicas_of, web):
    replicas = replicas_of(3, defaults={"health": {"timeout": "60s", "soak": "5s"}})
    service = Service(replicas)
    digest = images.make(repository, "stable", "v2")
    waiting = {}
    ci = replicas.all[0]
    command = threading.Thread(target=lambda: waiting.update(done=ci.run(
        "push", web, "--url", service.url, "--sender", "ci", "--secret-file", ci.secret_path, "--digest", digest,
        "--wait")))
    command.start()
    try:
        for _ in range(2):
            leader = replicas.leader([one for one in replicas.all if one.process])
            wait_until(lambda: leader.control("GET", "/v1/updates").json, 30, "the leader has it in hand")
            leader.lose()
    finally:
        command.join(90)
        service.close()
    assert waiting["done"].returncode == 0, waiting["done"]
    assert revision(cluster, namespace) == 2


def test_three_replicas_and_a_load_while_leaders_die(cluster, namespace, images, repository, replicas_of, web):
    """Forty pushes of a growing version to all replicas in turn, while the leader is killed twice."""
    replicas = replicas_of(3)
    digest, accepted = None, []
    for number in range(40):
        digest = images.make(repository, "stable", f"v2-{number}")
        for one in replicas.all[number % 3:] + replicas.all[:number % 3]:  # as a CI retries through a Service
            answer = None
            if one.process:
                try:
                    answer = one.push(web, digest, identifier=f"msg_{number}")
                except (OSError, http.client.HTTPException):
                    continue
            if answer is not None and answer.status in (200, 202):
                accepted.append(answer.json["id"])
                break
        else:
            raise AssertionError("no replica accepted it")
        if number in (12, 25):
            victim = replicas.leader([one for one in replicas.all if one.process])
            victim.lose()
            if number == 12:
                victim.start()
    survivor = replicas.leader([one for one in replicas.all if one.process])
    for push in accepted:
        document = survivor.wait(push, 120)
        assert set(results(document)) <= {"updated", "superseded", "unchanged"}, document
    assert results(survivor.wait(accepted[-1])) == ["updated"]
    wait_until(lambda: cluster.admin.serves("web", namespace) == ["v2-39"], 30, "the last one runs")


def test_records_are_nobody_elses_to_read(cluster, namespace, replicas_of):
    replicas_of(1)
    admin = cluster.admin
    for role in ("view", "edit", "admin"):
        admin.apply(
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": role, "namespace": namespace}},
            {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
             "metadata": {"name": role, "namespace": namespace},
             "subjects": [{"kind": "ServiceAccount", "name": role, "namespace": namespace}],
             "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}})
        somebody = cluster.client(admin.account_token(role, namespace))
        wait_until(lambda: may_list(somebody, "ConfigMap", namespace), 10, f"{role} is in force")
        assert not may_list(somebody, "landwaiter.dev/v1/Record", namespace)


def test_the_doctor_knows_what_replicas_need(cluster, namespace, replicas_of):
    [agent] = replicas_of(1).all

    def missing():
        findings = agent.control("GET", "/v1/doctor").json["findings"]
        return [one["message"] for one in findings if "records" in one["message"] or "leases" in one["message"]]
    assert missing() == []
    cluster.admin.apply({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "rules": RULES[3:],
                         "metadata": {"name": "landwaiter", "namespace": namespace}})
    wait_until(lambda: len(missing()) == 9, 20, "it misses each of their permissions")
    install(cluster.admin, namespace)


def may_list(somebody, kind, namespace):
    try:
        somebody.list(kind, namespace)
        return True
    except ApiError as error:
        assert error.status == 403
        return False


def test_without_the_kind_it_says_so(cluster, namespace, replicas_of):
    replicas = replicas_of(1, start=False)
    cluster.admin.delete("CustomResourceDefinition", "records.landwaiter.dev", None)
    wait_until(lambda: cluster.admin.get("CustomResourceDefinition", "records.landwaiter.dev", None) is None, 20, "gone")
    try:
        [agent] = replicas.all
        agent.start(ready=False)
        wait_until(lambda: agent.events("records.away"), 20, "it tells")
        assert "custom resource definition" in agent.events("records.away")[0]["advice"]
        assert not agent.ready()
    finally:
        install(cluster.admin, namespace)
    agent.back()


class Lane(threading.Thread):
    """Kills the leader of a set of two at its share of the places, until there is no such place any more. Each second
    victim loses its volume too."""

    def __init__(self, number, directory, parts):
        super().__init__(daemon=True)
        self.cluster, self.images, self.registry, self.kind, repository = parts
        self.namespace = self.cluster.admin.namespace(f"{repository.partition('/')[2][:48].strip('-')}-{number}")
        self.repository, self.number = f"{repository}/lane{number}", number
        self.image = self.images.name(self.repository, "stable")
        self.replicas = Replicas(directory, self.cluster, self.namespace, 2, registries=[self.registry], settings={
            "defaults": {"health": {"timeout": "40s", "soak": "1s"}}})
        self.every = EVERY[self.kind]
        self.survived, self.error = [], None

    def run(self):
        try:
            self.sweep()
        except BaseException as error:  # the test's thread raises it
            self.error = error

    def sweep(self):
        for place in range(self.number * self.every + FIRST[self.kind], PLACES_MAX, LANES * self.every):
            name, pods = f"web{place}", self.kind != "good" or place % 4 == 0
            one = self.images.make(self.repository, "stable", "v1")
            self.registry.tag(self.repository, one, "stable")
            self.cluster.admin.apply(workload("Deployment", name, self.image, self.namespace, replicas=1 if pods else 0))
            wait_until(lambda: not pods or self.cluster.admin.serves(name, self.namespace) == ["v1"], 60, "v1 answers")
            if not self.crash(place, name):
                return
            now = f"v2-{place}" if self.kind == "good" else "v1"
            wait_until(lambda: not pods or self.cluster.admin.serves(name, self.namespace) == [now], 30,
                       f"{now} answers after {place}")
            self.survived.append(place)
            self.cluster.admin.delete("Deployment", name, self.namespace)
        raise AssertionError(f"more than {PLACES_MAX} places")

    def crash(self, place, name):
        """False: there is no such place any more."""
        victim, other = self.replicas.all
        version = f"v2-{place}"
        digest = self.images.make(self.repository, "stable", version, kind=self.kind)
        victim.environment["LANDWAITER_CRASH_AT"] = str(place)
        victim.start(ready=False)
        wait_until(lambda: victim.process.poll() is not None or victim.leads(), 40, "it leads, or has died of it")
        other.start()
        push = other.accepted(self.image, digest)
        died = wait_until(lambda: victim.process.poll() is not None or (other.status(push)["open"] == 0 and "done"), 90,
                          f"it dies at place {place}, or is done")
        document = other.wait(push, 90)
        self.check(place, document, name)
        if died == "done":
            victim.signal(signal.SIGTERM)
        survived = victim.ended(15) == 0  # the last places come after the visible end of all updates
        if not survived and place // self.every % 2:
            victim.lose_state()
        other.stop()
        # Not if another one leads meanwhile, which a long stall of the API server can cause.
        return not survived or [event for event, _ in victim.roles()] != ["replica.leads"]

    def check(self, place, document, name):
        right = "updated" if self.kind == "good" else "rolled-back"
        mine = [update for update in document["updates"] if f"/{name}/" in update["target"]]
        assert [update["result"] for update in mine] == [right], (place, document)
        wanted = 2 if self.kind == "good" else 3
        # Without pods an update may be over before the controller has counted it.
        wait_until(lambda: revision(self.cluster, self.namespace, name) >= wanted, 20, f"{name} is of revision {wanted}")
        assert revision(self.cluster, self.namespace, name) == wanted, place


@pytest.mark.parametrize("kind", ["good", "crash"], ids=["success", "rollback"])
def test_the_leader_is_killed_at_every_place(cluster, tmp_path, images, registry, repository, kind):
    lanes = [Lane(number, str(tmp_path / f"lane{number}"), (cluster, images, registry, kind, repository))
             for number in range(LANES)]
    try:
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join(1500)
            assert not lane.is_alive(), "the sweep did not end"
        for lane in lanes:
            if lane.error:
                raise lane.error
    finally:
        for lane in lanes:
            lane.replicas.close()
            cluster.admin.delete("Namespace", lane.namespace)
    assert_swept({place for lane in lanes for place in lane.survived}, LANES, 24 if kind == "good" else 45,
                 FIRST[kind], EVERY[kind])
