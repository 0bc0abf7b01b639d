"""The container image, as its user builds and runs it (the fixture `image`)."""

import gzip
import io
import json
import os
import re
import subprocess
import tarfile

import pytest

from lib import project
from lib.agent import Agent
from lib.wait import wait_until

GROUP, USER = 4242, 9077
LIMIT = 9_000_000  # bytes, on Debian 13; tests/release has the same
LIBRARIES = {"libc.so.6", "libm.so.6", "libp11-kit.so.0", "libffi.so.8"}  # beside the loader


def exported(engine, image):
    """Its files, as a tar."""
    container = engine.api("POST", "/containers/create", {"Image": image})["Id"]
    try:
        return engine.docker("export", container)
    finally:
        engine.api("DELETE", f"/containers/{container}")


def unpack(data, folder):
    """Without the files that the engine puts into every container."""
    subprocess.run(["tar", "-C", folder, "--exclude=.dockerenv", "--exclude=dev", "--exclude=proc", "--exclude=sys", "-x"], input=data,
                   check=True, timeout=60)


def is_small_and_whole(engine, image, loader):
    """The image has only programs of its architecture, no unused library, and the licences of all its parts."""
    packed = len(gzip.compress(engine.docker("save", image), 6))
    print(f"compressed: {packed / 1e6:.2f} MB")
    assert packed <= LIMIT
    with tarfile.open(fileobj=io.BytesIO(exported(engine, image))) as tar:
        names = tar.getnames()
        libraries = [os.path.basename(name) for name in names if re.search(r"\.so(\.|$)", name)]
        assert sorted(libraries) == sorted({*LIBRARIES, loader}), libraries
        assert [name for name in names if name.startswith(("usr/bin/", "usr/sbin/"))] == ["usr/bin/landwaiter"]
        bill = json.load(tar.extractfile("usr/share/doc/landwaiter.spdx.json"))
        for package in bill["packages"]:
            assert f"usr/share/doc/{package['name']}/copyright" in names, package
        assert {"usr/share/common-licenses/LGPL-2.1", "usr/share/zoneinfo/Europe/Berlin"} <= set(names)
    linked = {one["relatedSpdxElement"]: one["relationshipType"] for one in bill["relationships"]}
    assert linked["SPDXRef-libssl-dev"] == linked["SPDXRef-libgnutls28-dev"] == linked["SPDXRef-libcurl"] == "STATIC_LINK"
    assert linked["SPDXRef-libc6"] == "DYNAMIC_LINK" and linked["SPDXRef-tzdata"] == "CONTAINS"
    assert bill["packages"][0]["sourceInfo"] == f"commit {project.COMMIT[:12]}"


def test_image_is_small_and_whole(engine, image):
    machine = os.uname().machine
    loader = {"x86_64": "ld-linux-x86-64.so.2", "aarch64": "ld-linux-aarch64.so.1"}.get(machine)
    if not loader:
        pytest.skip(f"nobody has looked at the image on {machine} yet")
    is_small_and_whole(engine, image, loader)


def test_image_of_another_architecture(engine, foreign_image, tmp_path):
    """Cross compiled, as the engine's machine has no emulation; run here by qemu. This builder, older than BuildKit, can
    only note the engine's own architecture in it."""
    is_small_and_whole(engine, foreign_image, "ld-linux-aarch64.so.1")
    unpack(exported(engine, foreign_image), tmp_path)
    done = subprocess.run(["qemu-aarch64-static", "-L", tmp_path, tmp_path / "usr/bin/landwaiter", "--version"], check=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert re.match(rb"landwaiter [0-9.]+ \(" + project.COMMIT[:12].encode() + rb"\)\n", done.stdout), done.stdout


def test_image_runs_without_root_and_without_a_shell(engine, image):
    assert engine.api("GET", f"/images/{image}/json")["Config"]["User"] == f"{USER}:{USER}"
    said = engine.docker("run", "--rm", "--network", "none", image, "--version").decode()
    assert re.match(rf"landwaiter [0-9.]+ \({project.COMMIT[:12]}\)\n", said), said
    engine.docker("run", "--rm", "--network", "none", "--entrypoint", "/bin/sh", image, "-c", "true", fails=True)


@pytest.fixture
def network(engine):
    """One in which containers find each other by name."""
    engine.api("POST", "/networks/create", {"Name": "names"})
    yield "names"
    engine.clear()
    engine.api("DELETE", "/networks/names")


def test_image_finds_names(engine, image, images, repository, tmp_path, network):
    """Resolves by DNS, from the engine's own server: the C library does that without a module in the image."""
    images.make(repository, "stable", "v1")
    engine.run("app", images.name(repository, "stable"), host={"NetworkMode": network})
    secret = tmp_path / "secret"
    secret.write_text("whsec_" + "QUJD" * 11 + "\n")
    secret.chmod(0o444)
    tmp_path.chmod(0o755)

    def push(host):
        container = engine.api("POST", "/containers/create", {
            "Image": image, "Cmd": ["push", "a.lan/b:1", "--url", f"http://{host}:8080", "--sender", "ci", "--secret-file", "/secret"],
            "HostConfig": {"NetworkMode": network, "Binds": [f"{secret}:/secret:ro"]}})["Id"]
        engine.api("POST", f"/containers/{container}/start")
        engine.api("POST", f"/containers/{container}/wait")
        return engine.docker("logs", container).decode()
    assert "HTTP status" in push("app"), "no answer of a web server, which knows no hooks"


# --- the same as an archive --------------------------------------------------------------------------------------------

def skopeo(*arguments):
    return subprocess.run(["skopeo", *arguments], check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
                          env={**os.environ, "HOME": "/nonexistent"}).stdout


@pytest.fixture(scope="module")
def unpacked(engine_session, image, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    unpack(exported(engine_session, image), folder)
    return folder


def archive(folder, *roots, **environment):
    subprocess.run([os.path.join(project.TOP, "contrib", "oci-archive"), folder / "image.tar", "landwaiter:1", "0.1.0", *roots],
                   check=True, stdin=subprocess.DEVNULL, timeout=600,
                   env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000", "COMMIT": project.COMMIT, **environment})
    return (folder / "image.tar").read_bytes()


def test_archive_is_the_same_bytes(unpacked, tmp_path):
    """The files' times, and the order in which they were made, do not matter."""
    first = archive(tmp_path, f"amd64={unpacked}", f"arm64={unpacked}")
    copied = tmp_path / "copied"
    subprocess.run(["cp", "-a", "--no-preserve=timestamps", unpacked, copied], check=True, timeout=60)
    assert archive(tmp_path, f"amd64={copied}", f"arm64={copied}", TZ="Asia/Kathmandu") == first
    (copied / "etc" / "group").write_text("other\n")
    assert archive(tmp_path, f"amd64={copied}", f"arm64={copied}") != first


def test_archive_is_the_image(engine, image, unpacked, tmp_path):
    """Other tools read it and choose their architecture in it, and it equals the Dockerfile's image."""
    archive(tmp_path, f"amd64={unpacked}", f"arm64={unpacked}", f"arm={unpacked}")
    name = f"oci-archive:{tmp_path}/image.tar:landwaiter:1"
    index = json.loads(skopeo("inspect", "--raw", name))
    assert [one["platform"].get("variant") or one["platform"]["architecture"] for one in index["manifests"]] == ["amd64", "arm64", "v7"]
    for architecture in ("amd64", "arm64", "arm"):
        about = json.loads(skopeo("--override-arch", architecture, "inspect", name))
        assert about["Architecture"] == architecture and about["Created"] == "2023-11-14T22:13:20Z", about
        assert about["Labels"]["org.opencontainers.image.revision"] == project.COMMIT
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, "amd64")
    skopeo("--override-arch", machine, "copy", "--insecure-policy", name, f"docker-archive:{tmp_path}/docker.tar:landwaiter:archived")
    engine.docker("load", "-i", str(tmp_path / "docker.tar"))
    try:
        made, archived = (engine.api("GET", f"/images/{one}/json")["Config"] for one in (image, "landwaiter:archived"))
        for key in ("User", "Env", "Entrypoint", "Cmd", "ExposedPorts", "Volumes", "WorkingDir"):
            assert (made.get(key) or None) == (archived.get(key) or None), key
        run = [engine.docker("run", "--rm", "--network", "none", one, "--version") for one in (image, "landwaiter:archived")]
        assert run[0] == run[1]
    finally:
        engine.docker("rmi", "landwaiter:archived")


def test_bill_is_valid(unpacked):
    """Checks with the validator of the format's authors."""
    check = os.path.join(project.TOP, "tests", "check", "spdx")
    if subprocess.run([check], stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False).returncode == 3:
        pytest.skip("the SPDX validator is fetched once, from what the network has, and there is none")
    bill = unpacked / "usr/share/doc/landwaiter.spdx.json"
    subprocess.run([check, bill], stdin=subprocess.DEVNULL, check=True, timeout=120)
    faulty = json.loads(bill.read_text())
    faulty["packages"][1]["licenseDeclared"] = "LicenseRef-nobody"
    (unpacked / "faulty.spdx.json").write_text(json.dumps(faulty))
    assert subprocess.run([check, unpacked / "faulty.spdx.json"], stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
                          check=False).returncode != 0


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
