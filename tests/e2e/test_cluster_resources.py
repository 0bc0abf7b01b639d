"""Custom resources by the path of their image: Flux HelmRelease, k3s HelmChart, Argo Rollouts and Knative Service, updated
and put back by their controllers' status."""

import copy
import json

import pytest

from lib.chart import Installed, guarded
from lib.custom import KINDS, Controller, Kind, definition, flux
from lib.kubernetes import JSON_PATCH, MERGE, ApiError
from lib.wait import wait_until
from lib.workloads import ENABLED, agent_in, app_of  # noqa: F401  (fixtures)


class Custom:
    """One custom resource NAME of the image REPOSITORY, at 1.0.0, and its controller."""

    def __init__(self, cluster, namespace, images, repository, kind, name="web"):
        self.admin, self.namespace, self.images, self.repository, self.kind, self.name = \
            cluster.admin, namespace, images, repository, kind, name
        container = "app" if "image" in kind.paths else "image"
        self.target = f"kubernetes/{namespace}/{kind.kind.lower()}/{name}/{container}"
        self.controller = None

    def image(self, tag=None):
        return self.images.name(self.repository, tag)

    def run(self, annotations=None, labels=None, spec=None, bad=()):
        self.images.make(self.repository, "1.0.0", "v1")
        made = {"apiVersion": f"{self.kind.group}/{self.kind.version}", "kind": self.kind.kind,
                "metadata": {"name": self.name, "namespace": self.namespace, "labels": labels or {}, "annotations": {
                    **ENABLED, "landwaiter.dev/policy": "minor", "landwaiter.dev/soak": "1s", **(annotations or {})}},
                "spec": {**self.kind.spec(self.image(), "1.0.0"), **(spec or {})}}
        self.admin.apply(made)
        self.controller = Controller(self.admin, self.kind, self.name, self.namespace, bad)
        self.controller.reaches()

    def get(self):
        return self.admin.get(self.kind.full, self.name, self.namespace)

    def patch(self, *operations):
        self.admin.patch(self.kind.full, self.name, list(operations), self.namespace, content_type=JSON_PATCH)

    def newest(self, agent):
        return agent.newest(self.target)

    def push(self, agent, tag, digest=None, wait="60s"):
        """Announces the push and waits; returns the command's exit status and the update."""
        digest = digest or self.images.make(self.repository, tag, "v" + tag)
        done = agent.push_command(self.image(tag), "--digest", digest, "--wait=" + wait)
        update = self.newest(agent)
        assert update, (done.stdout, done.stderr, agent.log[-3000:])
        return done.returncode, update, digest


@pytest.fixture
def custom_of(cluster, namespace, images, repository):
    """custom_of(kind, name): see Custom; the kind is known to the API server."""
    made = []

    def make(kind, name="web"):
        one = KINDS[kind] if isinstance(kind, str) else kind
        cluster.admin.apply(one.definition)
        wait_until(lambda: served(cluster.admin, one), 20, f"{kind} is served")
        made.append(Custom(cluster, namespace, images, repository, one, name))
        return made[-1]
    yield make
    for one in made:
        if one.controller:
            one.controller.close()


def served(admin, kind):
    try:
        return admin.list(kind.full, "default") is not None
    except (KeyError, ApiError):  # not yet
        return False


def platform(*kinds, **more):
    return {"resources": [KINDS[one].resource if isinstance(one, str) else one for one in kinds], **more}


def held(custom, spec, tag, digest=None):
    """The object's spec with its image at that tag and nothing else changed."""
    wanted = copy.deepcopy(spec)
    if "image" in custom.kind.paths:
        wanted["template"]["spec"]["containers"][0]["image"] = custom.image(tag) + (f"@{digest}" if digest else "")
    elif custom.kind.kind == "HelmChart":
        wanted["set"]["image.tag"] = tag
    else:
        wanted["values"]["image"]["tag"] = tag
    return wanted


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_good_tag_is_taken_and_a_bad_one_put_back(custom_of, agent_in, kind):
    custom = custom_of(kind)
    custom.run(bad=["1.2.0"])
    agent = agent_in(platform(kind))
    before = custom.get()["spec"]

    status, update, digest = custom.push(agent, "1.1.0")

    assert (status, update["result"]) == (0, "updated"), update
    good = held(custom, before, "1.1.0", digest)
    assert custom.get()["spec"] == good
    marks = custom.get()["metadata"]["annotations"]
    assert marks["status.landwaiter.dev/by"] == "sender ci" and "1.1.0" in marks["kubernetes.io/change-cause"]

    status, update, digest = custom.push(agent, "1.2.0")

    assert (status, update["result"]) == (1, "rolled-back"), update
    assert custom.get()["spec"] == good
    assert custom.get()["metadata"]["annotations"]["status.landwaiter.dev/failed-digest"] == digest
    wait_until(lambda: [one["reason"] for one in custom.admin.list("Event", custom.namespace)
                        if one["involvedObject"]["kind"] == kind].count("ImagePutBack") == 1, 10, "an event tells of it")
    again, update, _ = custom.push(agent, "1.2.0", digest)
    assert (again, update["result"]) == (1, "denied"), update


def test_a_tag_with_a_digest_follows_a_tag_that_moves(custom_of, agent_in):
    custom = custom_of("HelmRelease")
    digest = custom.images.make(custom.repository, "1.0.0", "v1")
    custom.run(annotations={"landwaiter.dev/policy": "digest"},
               spec={"values": {"image": {"repository": custom.image(), "tag": f"1.0.0@{digest}"}}})
    agent = agent_in(platform("HelmRelease"))
    status, update, moved = custom.push(agent, "1.0.0", custom.images.make(custom.repository, "1.0.0", "v2"))
    assert (status, update["result"], update["from"]) == (0, "updated", digest), update
    assert custom.get()["spec"]["values"]["image"] == {"repository": custom.image(), "tag": f"1.0.0@{moved}"}


def test_a_digest_of_its_own_is_written_beside_the_tag(custom_of, agent_in):
    custom = custom_of("HelmRelease")
    custom.run(bad=["1.2.0"], spec={"values": {"image": {"repository": custom.image(), "tag": "1.0.0", "digest": ""}}})
    resource = {**KINDS["HelmRelease"].resource, "digest": ".spec.values.image.digest"}
    agent = agent_in(platform(resource))
    status, update, digest = custom.push(agent, "1.1.0")
    assert (status, update["result"]) == (0, "updated"), update
    good = {"repository": custom.image(), "tag": "1.1.0", "digest": digest}
    assert custom.get()["spec"]["values"]["image"] == good
    status, update, _ = custom.push(agent, "1.2.0")
    assert (status, update["result"]) == (1, "rolled-back"), update
    assert custom.get()["spec"]["values"]["image"] == good


def test_a_tag_without_a_digest_cannot_follow_a_tag_that_moves(custom_of, agent_in):
    custom = custom_of("HelmRelease")
    custom.run(annotations={"landwaiter.dev/policy": "digest"})
    agent = agent_in(platform("HelmRelease"))
    [target] = agent.json("targets")
    assert target["target"] == custom.target and "it has no place for a digest" in target["problem"], target


@pytest.mark.parametrize("spec, words", [({"suspend": True}, "suspended"), (None, "quotes")], ids=["suspended", "number"])
def test_what_cannot_be_changed_says_why(custom_of, agent_in, spec, words):
    custom = custom_of("HelmRelease")
    custom.run(spec=spec or {"values": {"image": {"repository": custom.image(), "tag": 1.5}}})
    agent = agent_in(platform("HelmRelease"))
    [target] = agent.json("targets")
    assert target["target"] == custom.target and words in target["problem"], target


def test_what_flux_keeps_is_refused_unless_it_is_allowed(custom_of, agent_in):
    custom = custom_of("HelmRelease")
    custom.run(labels={"kustomize.toolkit.fluxcd.io/name": "apps"})
    agent = agent_in(platform("HelmRelease"))
    [target] = agent.json("targets")
    assert "Flux (Kustomization apps)" in target["problem"], target
    custom.patch({"op": "add", "path": "/metadata/annotations/landwaiter.dev~1managed", "value": "true"})
    wait_until(lambda: not agent.json("targets")[0]["problem"], 10, "it is seen")
    status, update, _ = custom.push(agent, "1.1.0")
    assert (status, update["result"]) == (0, "updated"), update


def test_a_kind_that_comes_later(custom_of, agent_in, app_of, cluster):
    """A kind that the API server does not know holds nothing up, is reported, and is followed once it exists."""
    kind = Kind("later.example.org", "v1", "Widget", KINDS["HelmRelease"].paths, KINDS["HelmRelease"].spec, flux)
    app = app_of()
    app.run()
    agent = agent_in(platform(kind.resource))
    status, update = app.push(agent, app.make("v2"))
    assert (status, update["result"]) == (0, "updated"), update
    [event] = agent.events("cluster.kind-unknown")
    assert event["kind"] == "Widget", event
    findings = json.loads(agent.run("doctor", "--json").stdout)["findings"]
    assert any("has no widgets of later.example.org/v1" in one["message"] for one in findings), findings
    custom = custom_of(kind)
    try:
        custom.run()
        wait_until(lambda: [one for one in agent.json("targets") if one["target"] == custom.target], 90, "it is followed")
        status, update, _ = custom.push(agent, "1.1.0")
        assert (status, update["result"]) == (0, "updated"), update
    finally:
        cluster.admin.delete("CustomResourceDefinition", kind.definition["metadata"]["name"])


def test_somebody_else_sets_its_tag_meanwhile(custom_of, agent_in):
    custom = custom_of("HelmRelease")
    custom.run(annotations={"landwaiter.dev/soak": "60s"})
    agent = agent_in(platform("HelmRelease"))
    digest = custom.images.make(custom.repository, "1.1.0", "v2")
    agent.accepted(custom.image("1.1.0"), digest)
    wait_until(lambda: (custom.newest(agent) or {}).get("stage") == "observe", 30, "it is being watched")
    custom.patch({"op": "replace", "path": "/spec/values/image/tag", "value": "9.9.9"})
    update = wait_until(lambda: (one := custom.newest(agent)) and one["result"] and one, 30, "it ends")
    assert update["result"] == "superseded" and "tests" in update["reason"] and "9.9.9" in update["reason"], update
    assert custom.get()["spec"]["values"]["image"]["tag"] == "9.9.9"


def test_killed_between_change_and_verdict(custom_of, agent_in):
    custom = custom_of("HelmRelease")
    custom.run(bad=["1.1.0"])
    agent = agent_in(platform("HelmRelease"))
    custom.controller.paused = True
    agent.accepted(custom.image("1.1.0"), custom.images.make(custom.repository, "1.1.0", "v2"))
    wait_until(lambda: custom.get()["spec"]["values"]["image"]["tag"] == "1.1.0", 30, "it is changed")
    agent.kill9()
    custom.controller.paused = False
    agent.start()
    update = wait_until(lambda: (one := custom.newest(agent)) and one["result"] and one, 60, "it ends")
    assert update["result"] == "rolled-back", update
    assert custom.get()["spec"]["values"]["image"]["tag"] == "1.0.0"


def test_two_images_of_one_kind(custom_of, agent_in, images, repository):
    custom = custom_of("HelmRelease")
    side = repository + "-side"
    images.make(side, "2.0.0", "side")
    custom.run(spec={"values": {"image": {"repository": custom.image(), "tag": "1.0.0"},
                                "side": {"image": {"repository": images.name(side), "tag": "2.0.0"}}}})
    more = {**KINDS["HelmRelease"].resource, "name": ".spec.values.side.image.repository",
            "tag": ".spec.values.side.image.tag", "container": "side"}
    agent = agent_in(platform("HelmRelease", more))
    names = sorted(one["target"] for one in agent.json("targets"))
    assert names == [custom.target, custom.target.replace("/image", "/side")]
    done = agent.push_command(images.name(side, "2.1.0"), "--digest", images.make(side, "2.1.0", "side"), "--wait=60s")
    assert done.returncode == 0, (done.stdout, done.stderr)
    values = custom.get()["spec"]["values"]
    assert (values["image"]["tag"], values["side"]["image"]["tag"]) == ("1.0.0", "2.1.0")


def test_the_doctor_asks_for_their_permissions(custom_of, cluster, namespace, agent_in, tmp_path):
    custom_of("HelmRelease")
    admin = cluster.admin
    admin.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "some", "namespace": namespace}},
                {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
                 "metadata": {"name": "some", "namespace": namespace},
                 "rules": [{"apiGroups": ["apps", "batch", "helm.toolkit.fluxcd.io"],
                            "resources": ["deployments", "statefulsets", "daemonsets", "cronjobs", "helmreleases"],
                            "verbs": ["list", "watch", "get"]}]},
                {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
                 "metadata": {"name": "some", "namespace": namespace},
                 "subjects": [{"kind": "ServiceAccount", "name": "some", "namespace": namespace}],
                 "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "some"}})
    token = admin.account_token("some", namespace)
    path = cluster.kubeconfig(str(tmp_path / "some"), token=token)
    agent = agent_in(platform("HelmRelease", kubeconfig=path))
    findings = json.loads(agent.run("doctor", "--json").stdout)["findings"]
    said = [one["message"] for one in findings]
    assert f"it may not patch helmreleases in namespace {namespace}" in said, said
    assert f"it may not watch helmreleases in namespace {namespace}" not in said, said


# --- with the chart's roles and policies -------------------------------------------------------------------------------

@pytest.fixture
def installed(cluster, namespace, tmp_path):
    """The roles and policies that the chart makes of these kinds' resources."""
    made = []

    def make(*resources):
        values = {"config": {"platforms": {"kubernetes": {"resources": list(resources)}}}}
        made.append(Installed(cluster, tmp_path, namespace, values))
        return made[0]
    yield make
    for one in made:
        one.remove()


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_chart_s_roles_and_policies_let_it_work(custom_of, installed, cluster, agent_in, tmp_path, kind):
    custom = custom_of(kind)
    custom.run(bad=["1.2.0"])
    one = installed(KINDS[kind].resource)
    wait_until(lambda: one.may("patch", KINDS[kind].plural, custom.namespace, group=KINDS[kind].group), 20, "the role is there")
    guarded(one.client, custom.get())
    token = cluster.admin.account_token("landwaiter", custom.namespace)
    agent = agent_in(platform(kind, kubeconfig=cluster.kubeconfig(str(tmp_path / "own"), token=token)))
    status, update, _ = custom.push(agent, "1.1.0")
    assert (status, update["result"]) == (0, "updated"), update
    status, update, _ = custom.push(agent, "1.2.0")
    assert (status, update["result"]) == (1, "rolled-back"), update


IN_ITS_SPEC = "nothing in its spec but images"
HELD = {
    "HelmRelease": {
        "another value": ({"values": {"other": {"tag": "x"}}}, IN_ITS_SPEC),
        "a new value": ({"values": {"image": {"pullPolicy": "Always"}}}, IN_ITS_SPEC),
        "the name": ({"values": {"image": {"repository": "evil"}}}, IN_ITS_SPEC),
        "no tag": ({"values": {"image": {"tag": None}}}, IN_ITS_SPEC),
        "a tag that breaks out": ({"values": {"image": {"tag": '1"\ncommand: ["sh"]\nx: "'}}}, IN_ITS_SPEC),
        "a tag that is another path": ({"values": {"image": {"tag": "5000/evil:1"}}}, IN_ITS_SPEC),
        "a tag that is no text": ({"values": {"image": {"tag": {"a": 1}}}}, IN_ITS_SPEC),
        "no image": ({"values": {"image": None}}, IN_ITS_SPEC),
        "the values as a text": ({"values": "x"}, IN_ITS_SPEC),
        "the chart": ({"chart": {"spec": {"chart": "evil"}}}, IN_ITS_SPEC),
        "suspend": ({"suspend": True}, IN_ITS_SPEC),
        "tag and digest": ({"values": {"image": {"tag": "2.0.0@sha256:" + "a" * 64}}}, None),
        "tag": ({"values": {"image": {"tag": "2.0.0"}}}, None)},
    "HelmChart": {
        "another": ({"set": {"more": "x"}}, IN_ITS_SPEC), "a new one": ({"set": {"x": "y"}}, IN_ITS_SPEC),
        "the name": ({"set": {"image.repository": "evil"}}, IN_ITS_SPEC), "the chart": ({"chart": "evil"}, IN_ITS_SPEC),
        "tag": ({"set": {"image.tag": "2.0.0"}}, None)},
    "Rollout": {
        "command": (lambda one: one["template"]["spec"]["containers"][0].update(command=["x"]), IN_ITS_SPEC),
        "another repository": (lambda one: one["template"]["spec"]["containers"][0].update(image="evil:1"), IN_ITS_SPEC),
        "a name": (lambda one: one["template"]["spec"]["containers"][0].update(name="x"), IN_ITS_SPEC),
        "one more": (lambda one: one["template"]["spec"]["containers"].append({"name": "x", "image": "a"}), IN_ITS_SPEC),
        "none": (lambda one: one["template"]["spec"]["containers"].clear(), IN_ITS_SPEC),
        "no list": (lambda one: one["template"]["spec"].update(containers="x"), IN_ITS_SPEC),
        "its service account": (lambda one: one["template"]["spec"].update(serviceAccountName="x"), IN_ITS_SPEC),
        "replicas": ({"replicas": 3}, IN_ITS_SPEC),
        "tag": (lambda one: one["template"]["spec"]["containers"][0].update(
            image=one["template"]["spec"]["containers"][0]["image"] + "-next"), None)},
}
OF_METADATA = {
    "labels": ({"labels": {"x": "y"}}, "metadata"), "owner": ({"annotations": {"owner": "x"}}, "no annotation but"),
    "settings": ({"annotations": {"landwaiter.dev/enable": "false"}}, "no annotation but"),
    "finalizers": ({"finalizers": ["x.test/y"]}, "metadata"),
    "status": ({"annotations": {"status.landwaiter.dev/by": "x"}}, None),
}


@pytest.mark.parametrize("kind", list(HELD))
def test_the_policy_lets_nothing_else_be_changed(custom_of, installed, cluster, kind):
    custom = custom_of(kind)
    custom.run(spec={"template": {"spec": {"containers": [
        {"name": "app", "image": custom.image("1.0.0"), "command": ["a"]}, {"name": "side", "image": "nginx:1"}]}}}
               if kind == "Rollout" else None)
    one = installed(KINDS[kind].resource)
    wait_until(lambda: one.may("patch", KINDS[kind].plural, custom.namespace, group=KINDS[kind].group), 20, "the role is there")
    guarded(one.client, custom.get())
    path = cluster.admin.path(custom.kind.full, "web", custom.namespace) + "?dryRun=All"

    def change(client, body):
        client.api("PATCH", path, body, content_type=MERGE)

    cases = [({"spec": alter}, name, said) for name, (alter, said) in HELD[kind].items()] + \
        [({"metadata": alter}, name, said) for name, (alter, said) in OF_METADATA.items()] + \
        [({"more": "x"}, "beside its spec", None)]
    for body, name, said in cases:
        if callable(body.get("spec")):
            spec = copy.deepcopy(custom.get()["spec"])
            body["spec"](spec)
            body = {"spec": spec}
        change(cluster.admin, body)
        if said is None:
            change(one.client, body)
            continue
        with pytest.raises(ApiError) as error:
            change(one.client, body)
        text = str(error.value)
        assert "denied request: Landwaiter " in text and said in text, (name, text)
        assert "evaluat" not in text and "exceed" not in text, (name, text)
    with pytest.raises(ApiError) as error:
        one.client.delete(custom.kind.full, "web", custom.namespace)
    assert error.value.status == 403


def test_the_api_server_finds_no_fault_in_these_policies(custom_of, installed, cluster):
    custom_of("HelmRelease")
    custom_of("Rollout")
    one = installed(KINDS["HelmRelease"].resource, KINDS["Rollout"].resource)
    names = [thing["metadata"]["name"] for thing in one.made if thing["kind"] == "ValidatingAdmissionPolicy"]
    assert len(names) == 3
    for name in names:
        found = wait_until(lambda called=name: (policy := cluster.admin.get("ValidatingAdmissionPolicy", called)) and
                           policy.get("status", {}).get("observedGeneration") and policy, 20, "it was checked")
        assert found["status"].get("typeChecking") in (None, {}), json.dumps(found["status"], indent=1)
