"""Fixtures of the end-to-end tests. `tests/run e2e [PYTEST ARGUMENTS]` runs them, in namespaces of their own."""

import os
import shutil
import tempfile

import pytest

from lib import pile, project
from lib.agent import BINARY, Agent
from lib.cluster import Cluster
from lib.engine import Engine
from lib.images import Images
from lib.pod import Pod
from lib.registry import Authority, Registry

# The tests in a Kubernetes cluster are an area of their own: tests/run cluster.
collect_ignore_glob = [] if os.environ.get("LANDWAITER_CLUSTER_PROGRAMS") else ["test_cluster_*.py"]


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes half a minute or more; is begun first")
    if os.environ.get("LANDWAITER_E2E") != "1" and not config.option.collectonly:
        pytest.exit("run them with: tests/run e2e [PYTEST ARGUMENTS]", 2)


def pytest_runtestloop(session):
    if not pile.PILE or session.config.option.collectonly:
        return None  # pytest's own
    return pile.run(session)


@pytest.fixture(scope="session")
def workspace():
    """A directory for everything that the session writes; removed by tests/run, even after a kill."""
    path = tempfile.mkdtemp(prefix="session.", dir=os.environ["LANDWAITER_E2E_DIR"])
    os.chmod(path, 0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def engine_session(workspace):
    engine = Engine(os.path.join(workspace, "engine")).start()
    yield engine
    engine.clear()
    engine.stop()


@pytest.fixture
def engine(engine_session):
    """A Docker engine of the tests' own, with no container in it before and after each test."""
    engine_session.clear()
    yield engine_session
    if engine_session.process is None:  # the test stopped it
        engine_session.start()
    engine_session.clear()


@pytest.fixture(scope="session")
def image(engine_session):
    """The name of the project's own image in the Docker engine. See lib/project.py."""
    root = os.environ.get("LANDWAITER_DEBIAN_ROOT", "")
    if not os.path.exists(root):
        pytest.skip("no Debian to build on: run it by `tests/run e2e` or `tests/run cluster`")
    return project.make(engine_session, root)


@pytest.fixture(scope="session")
def foreign_image(engine_session):
    """The same for arm64."""
    root = os.environ.get("LANDWAITER_FOREIGN_ROOT", "")
    if not os.path.exists(root):
        pytest.skip("no Debian to build on: run it by `tests/run e2e`")
    return project.make(engine_session, root, "arm64")


@pytest.fixture(scope="session")
def pod_image(cluster_session, engine_session, image, workspace):
    """The same image on the cluster's node."""
    archive = os.path.join(workspace, "landwaiter.tar")
    engine_session.docker("save", "-o", archive, image)
    cluster_session.import_image(archive)
    os.unlink(archive)
    return "docker.io/library/" + image


@pytest.fixture
def pod_of(tmp_path, cluster, pod_image):
    """pod_of(namespace, registries=[…], settings={…}, values={…}): Landwaiter as a pod. See lib/pod.py."""
    made = []

    def make(namespace, registries=(), start=True, **more):
        one = Pod(str(tmp_path / f"pod{len(made)}"), cluster, namespace, pod_image, registries, **more)
        made.append(one)
        return one.start() if start else one
    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="session")
def authority(workspace):
    return Authority(os.path.join(workspace, "ca"))


@pytest.fixture(scope="session")
def registries(workspace, authority):
    """registries("plain" | "password" | "tls" | "token"): one of each kind for the session."""
    made = {}

    def get(kind):
        if kind not in made:
            made[kind] = Registry(os.path.join(workspace, "registry-" + kind), kind, authority)
        return made[kind]
    yield get
    for one in made.values():
        one.stop()


@pytest.fixture
def registry_of(registries):
    """As `registries`, with no fault and an empty access log at the start of each test."""
    used = []

    def get(kind):
        one = registries(kind)
        if one not in used:
            one.proxy.mend()
            one.proxy.clear()
            if one.tokens:
                one.tokens.requests.clear()
                one.tokens.refuse = None
            used.append(one)
        return one
    yield get
    for one in used:
        one.proxy.mend()


@pytest.fixture
def registry(registry_of):
    """A plain registry."""
    return registry_of("plain")


@pytest.fixture
def images(registry):
    """Makes images in the plain registry."""
    return Images(registry)


@pytest.fixture
def agent_of(tmp_path, engine):
    """agent_of(registries=[…], settings={…}, …): an Agent that is not started yet. See lib/agent.py."""
    made = []

    def make(registries=(), start=False, **more):
        one = Agent(str(tmp_path / f"agent{len(made)}"), engine=more.pop("engine", engine), registries=registries,
                    **more)
        made.append(one)
        return one.start() if start else one
    yield make
    for one in made:
        one.close()


@pytest.fixture
def agent(agent_of, registry):
    """An agent on the engine and the plain registry, ready."""
    return agent_of([registry], start=True)


@pytest.fixture(scope="session")
def cluster_session(workspace):
    one = Cluster(os.path.join(workspace, "cluster")).start()
    yield one
    one.stop()


@pytest.fixture
def cluster(cluster_session):
    """A Kubernetes cluster with one node (lib/cluster.py); the parts that a test stopped are started again after it."""
    yield cluster_session
    if "api-server" not in cluster_session.running:
        cluster_session.revive()
    for part in cluster_session.wanted:
        if part not in cluster_session.running:
            cluster_session.start_part(part)
            cluster_session.wait_part(part)


@pytest.fixture
def namespace(cluster, repository):
    """A namespace of this test's own in the cluster."""
    name = cluster.admin.namespace(repository.partition("/")[2][:60].strip("-"))
    yield name
    cluster.admin.delete("Namespace", name)


@pytest.fixture(scope="session")
def binary():
    return BINARY


@pytest.fixture(autouse=True)
def repository(request):
    """A repository name of this test's own, so that tests share a registry and no tags."""
    name = request.node.name.replace("[", "-").replace("]", "")
    return "test/" + "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-")
