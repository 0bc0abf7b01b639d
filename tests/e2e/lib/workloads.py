"""A workload in the tests' cluster and the agent that updates it, shared by the tests of the Kubernetes platform."""

import pytest

from lib.agent import Agent
from lib.kubernetes import workload
from lib.wait import wait_until

ENABLED = {"landwaiter.dev/enable": "true"}


@pytest.fixture
def agent_in(cluster, namespace, registry, tmp_path):
    """agent_in(platform={…}, url=…, settings…): an agent outside of the cluster that watches this test's namespace,
    started and with a filled index. url: a proxy's."""
    made = []

    def make(platform=None, start=True, url=None, environment=None, clock=None, **settings):
        kubeconfig = cluster.kubeconfig(str(tmp_path / f"kubeconfig{len(made)}"), url=url)
        one = Agent(str(tmp_path / f"agent{len(made)}"), registries=[registry], environment=environment, clock=clock, settings={
            "platforms": {"kubernetes": {"kubeconfig": kubeconfig, "namespaces": [namespace], **(platform or {})}},
            "defaults": {"health": {"timeout": "40s", "soak": "1s"}},  # a pod takes longer to start than a container
            **settings})
        made.append(one)
        return one.start() if start else one
    yield make
    for one in made:
        one.close()


class App:
    """One workload NAME of the image REPOSITORY:stable, v1 at first."""

    def __init__(self, cluster, namespace, images, repository, kind="Deployment", name="web"):
        self.cluster, self.admin, self.namespace, self.kind, self.called = cluster, cluster.admin, namespace, kind, name
        self.images, self.repository = images, repository
        self.target = f"kubernetes/{namespace}/{kind.lower()}/{name}/app"

    def name(self, tag="stable"):
        return self.images.name(self.repository, tag)

    def make(self, version, tag="stable", **more):
        return self.images.make(self.repository, tag, version, **more)

    def run(self, annotations=None, image=None, replicas=1, **more):
        """Pushes v1 and runs it; returns its digest."""
        digest = self.make("v1")
        self.admin.apply(workload(self.kind, self.called, image or self.name(), self.namespace, replicas=replicas,
                                  annotations={**ENABLED, **(annotations or {})}, **more))
        if self.kind != "CronJob" and replicas:
            self.serves("v1", replicas)
        return digest

    def get(self):
        return self.admin.get(self.kind, self.called, self.namespace)

    def patch(self, body, **more):
        return self.admin.patch(self.kind, self.called, body, self.namespace, **more)

    def template(self):
        spec = self.get()["spec"]
        return spec["jobTemplate"]["spec"]["template"] if self.kind == "CronJob" else spec["template"]

    def image(self):
        return self.template()["spec"]["containers"][0]["image"]

    def marks(self):
        """Landwaiter's own annotations, without their prefix."""
        prefix = "status.landwaiter.dev/"
        return {key[len(prefix):]: value for key, value in self.get()["metadata"]["annotations"].items()
                if key.startswith(prefix)}

    def serves(self, version, replicas=1):
        try:
            wait_until(lambda: self.admin.serves(self.called, self.namespace) == [version] * replicas, 40, f"{version} answers")
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.cluster.state(self.namespace)}") from None

    def events(self):
        return [one for one in self.admin.list("Event", self.namespace) if one["source"].get("component") == "landwaiter"]

    # --- the agent's view -------------------------------------------------------------------------------------------

    def newest(self, agent):
        """The newest update of it with its history, or None."""
        return agent.newest(self.target)

    def push(self, agent, digest, tag="stable", wait="100s"):
        """Announces the push and waits; returns the command's exit status and the update."""
        done = agent.push_command(self.name(tag), "--digest", digest, "--wait=" + wait, timeout=150)
        update = self.newest(agent)
        assert update, (done.stdout, done.stderr, agent.log[-3000:])
        return done.returncode, update

    def reaches(self, agent, holds, what, deadline=60):
        """Waits until the newest update is so; returns it."""
        def look():
            agent.alive()
            update = self.newest(agent)
            return update if update and holds(update) else None
        try:
            return wait_until(look, deadline, what, every=0.1)
        except AssertionError as late:
            raise AssertionError(f"{late}\n{self.newest(agent)}\n{agent.log[-4000:]}") from None

    def ends(self, agent, result, deadline=100):
        update = self.reaches(agent, lambda one: one["result"], "it has ended", deadline)
        assert update["result"] == result, update
        return update


@pytest.fixture
def app_of(cluster, namespace, images, repository):
    """app_of(kind, name): see App."""
    return lambda kind="Deployment", name="web": App(cluster, namespace, images, repository, kind, name)
