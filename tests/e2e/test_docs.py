"""The examples of docs/ work: the shell of docs/ci.md against a real agent, with a search for leaked secrets, and the
configuration on each page of docs/senders."""

import os
import re
import subprocess
import textwrap

import pytest
import yaml

from lib.agent import BINARY, SECRET
from lib.wait import wait_until

CI = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "ci.md")
SENDERS = os.path.join(os.path.dirname(CI), "senders")
CONTRIB = os.path.join(os.path.dirname(CI), "..", "contrib")
PAGES = sorted(name for name in os.listdir(SENDERS) if name != "README.md")


def blocks(path=CI):
    with open(path, encoding="utf-8") as page:
        return re.findall(r"^```sh\n(.*?)^```", page.read(), re.M | re.S)


def block(begin):
    found = [one for one in blocks() if one.startswith(begin)]
    assert len(found) == 1, (begin, len(found))
    return found[0]


def shell(script, agent, *arguments, shells=("sh",), **environment):
    variables = {"PATH": os.environ["PATH"], "LANDWAITER_URL": agent.url, "LANDWAITER_SENDER": "ci",
                 "LANDWAITER_SECRET": SECRET, **environment}
    return subprocess.run([*shells, "-c", script, "landwaiter-notify", *arguments], env=variables, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=90, check=False)


def page(name):
    with open(os.path.join(SENDERS, name), encoding="utf-8") as file:
        return file.read()


@pytest.mark.parametrize("name", PAGES)
def test_the_configuration_of_a_page_is_accepted(name, tmp_path):
    """With a secret in each file that it names, `landwaiter check` finds nothing, not even a warning."""
    block, = re.findall(r"^```yaml\n(.*?)^```", page(name), re.M | re.S)
    secrets = re.findall(r"\{file: /etc/landwaiter/([a-z.-]+)\}", block)
    for secret in secrets:
        (tmp_path / secret).write_text("whsec_" + "QUJD" * 11 + "\n")
    assert block.startswith("senders:\n") and secrets or "oidc:" in block or "sns:" in block
    config = tmp_path / "landwaiter.yaml"
    config.write_text(block.replace("/etc/landwaiter", str(tmp_path)))

    done = subprocess.run([BINARY, "check", "-c", str(config)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=20, check=False)

    faults = done.stdout.splitlines()
    if faults and all("not supported by this version yet" in fault for fault in faults):
        pytest.skip("a format or a proof of this page is not supported by this version yet")
    assert done.returncode == 0 and not re.search(r":\d+:\d+: ", done.stdout + done.stderr), (done.stdout, done.stderr)


def uses(node):
    """The steps of a workflow that use something of contrib/ci: (its folder, its inputs)."""
    if isinstance(node, list):
        return [found for one in node for found in uses(one)]
    if not isinstance(node, dict):
        return []
    found = re.search(r"/contrib/ci/([a-z]+)@", str(node.get("uses", "")))
    return [(found[1], node["with"])] if found else uses(list(node.values()))


def test_what_is_pasted_on_the_other_side_fits():
    """The texts are YAML, and give our actions only inputs that they have."""
    used = []
    for name in PAGES:
        for text in re.findall(r"^```yml\n(.*?)^```", page(name), re.M | re.S):
            used += uses(yaml.safe_load(textwrap.dedent(text)))
    assert {folder for folder, _ in used} == {"github", "forgejo"}
    for folder, given in used:
        with open(os.path.join(CONTRIB, "ci", folder, "action.yml"), encoding="utf-8") as file:
            inputs = yaml.safe_load(file)["inputs"]
        assert set(given) <= set(inputs) and {name for name in inputs if inputs[name].get("required")} <= set(given)


def test_every_page_says_all_and_is_found():
    """The pages have the same headings in the same order; each linked page, file and heading exists."""
    index = page("README.md")
    for name in PAGES:
        assert f"({name}" in index, name
        heads = re.findall(r"^## (.*)", page(name), re.M)
        assert heads[0] == "The agent's side" and heads[-2:] == ["Try it", "Proof"] and len(heads) >= 4, name
    for name in [*PAGES, "README.md", "../ci.md", "../kubernetes.md", "../../README.md"]:
        text = page(name)
        for link, place in re.findall(r"\]\(([^)#:]*)(#[^)]*)?\)", text):
            path = os.path.join(SENDERS, os.path.dirname(name), link) if link else os.path.join(SENDERS, name)
            assert os.path.exists(path), (name, link)
            if place:
                with open(path, encoding="utf-8") as file:
                    places = {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-")
                              for head in re.findall(r"^#+ (.*)", file.read(), re.M)}
                assert place[1:] in places, (name, link, place)


def test_the_shell_is_the_file_that_is_copied():
    with open(os.path.join(CONTRIB, "ci", "landwaiter-notify"), encoding="utf-8") as file:
        assert block("#!/bin/sh") == file.read()


@pytest.fixture
def app(engine, images, repository):
    """v1 runs; its image's name."""
    images.make(repository, "stable", "v1")
    engine.run("app", images.name(repository, "stable"))
    wait_until(lambda: engine.serves("app") == "v1", 10, "v1 answers")
    return images.name(repository, "stable")


@pytest.mark.parametrize("shells", [("dash",), ("bash",), ("busybox", "sh")], ids=lambda row: row[0])
def test_the_shell_signs_and_waits(engine, images, agent, repository, app, shells):
    digest = images.make(repository, "stable", "v2")

    done = shell(block("#!/bin/sh"), agent, app, digest, shells=shells)

    assert done.returncode == 0, (done.stdout, done.stderr)
    assert '"result":"updated"' in done.stdout
    wait_until(lambda: engine.serves("app") == "v2", 10, "v2 answers")


def test_the_shell_fails_when_the_update_does(engine, images, agent, repository, app):
    images.make(repository, "stable", "v2", kind="crash")

    done = shell(block("#!/bin/sh"), agent, app)

    assert done.returncode != 0, (done.stdout, done.stderr)
    assert '"result":"rolled-back"' in done.stdout
    wait_until(lambda: engine.serves("app") == "v1", 10, "v1 answers again")


def test_the_shell_fails_with_a_wrong_secret(agent, app):
    done = shell(block("#!/bin/sh"), agent, app, LANDWAITER_SECRET="whsec_" + "A" * 44)

    assert done.returncode != 0
    assert "401" in done.stderr, done.stderr


def test_the_shell_shows_the_key_to_no_program(agent, app, tmp_path):
    """Every program that it starts first logs its arguments and its environment."""
    folder = tmp_path / "bin"
    folder.mkdir()
    log = tmp_path / "started"
    for name in ("openssl", "curl", "od", "sed", "grep", "date", "cat", "printf"):
        real = subprocess.run(["sh", "-c", f"PATH=/usr/bin:/bin; which {name}"], capture_output=True, text=True,
                              check=True).stdout.strip()
        wrapper = folder / name
        wrapper.write_text(f'#!/bin/sh\n/usr/bin/env >>{log}\nfor one; do echo "$one" >>{log}; done\nexec {real} "$@"\n')
        wrapper.chmod(0o755)

    done = shell(block("#!/bin/sh"), agent, app, PATH=f"{folder}:/usr/bin:/bin")

    assert done.returncode == 0, (done.stdout, done.stderr)
    started = log.read_text()
    assert "webhook-signature: v1," in started, "the wrappers were used"
    after_unset = started.split("webhook-id", 1)[1]
    assert SECRET.removeprefix("whsec_") not in after_unset
    assert not [line for line in started.splitlines()
                if SECRET.removeprefix("whsec_") in line and not line.startswith("LANDWAITER_SECRET=")], \
        "the key is in nobody's arguments"


REFUSED = {  # the words of docs/docker.md, and the containers that meet them
    "it was started with --rm": lambda engine, image: engine.run("site", image, host={"AutoRemove": True}),
    "uses its network": lambda engine, image: (
        engine.run("site", image), engine.run("other", image, host={"NetworkMode": "container:site"})),
    "is linked to it (--link)": lambda engine, image: (
        engine.run("site", image), engine.run("other", image, host={"Links": ["site:site"]})),
    "is paused": lambda engine, image: (
        engine.run("site", image), engine.api("POST", "/containers/site/pause")),
}


@pytest.mark.parametrize("words", REFUSED, ids=lambda words: words.split()[-1].strip("()-"))
def test_a_plan_says_what_is_refused(engine, images, agent, repository, words):
    images.make(repository, "stable", "v1")
    REFUSED[words](engine, images.name(repository, "stable"))
    images.make(repository, "stable", "v2")
    with open(os.path.join(os.path.dirname(CI), "docker.md"), encoding="utf-8") as page:
        assert words in page.read()

    plan = agent.json("plan", images.name(repository, "stable"))

    site = next(target for target in plan["targets"] if target["target"] == "docker/site")
    assert site["verdict"] == "skip" and words in site["reason"], site


def test_the_bearer_lines(agent_of, registry, app, tmp_path):
    token = tmp_path / "token"
    token.write_text("a token that nobody can guess\n".replace(" ", "-"))
    agent = agent_of([registry], start=True, settings={
        "senders": [{"name": "gitea", "images": ["**"], "auth": {"bearer": {"secret": {"file": str(token)}}}}]})
    script = block("printf 'Authorization").replace("registry.lan:5000/home/site:1", app)

    done = shell(script, agent, LANDWAITER_TOKEN=token.read_text().strip())

    assert done.returncode == 0, (done.stdout, done.stderr)
    assert '"id":"psh_' in done.stdout
