"""Runs each file of contrib/ci as its CI system does, against a real agent and engine; the CI system's token endpoint is a
local issuer. Runs `landwaiter push` in the same environments, too."""

import http.server
import json
import os
import pty
import re
import subprocess
import threading

import pytest

from lib.agent import BINARY, SECRET
from lib.ci import CONTRIB, SHA, Job, load
from lib.issuer import REQUEST_TOKEN, Issuer
from lib.proxy import Proxy, Server
from lib.wait import wait_until

AUDIENCE = "127.0.0.1"  # the host of the agent's URL

# The claims of each system about its jobs, and those that the sender pins, as docs/senders/ advises.
GITHUB = ("https://token.actions.githubusercontent.com",
          {"repository": "brian/site", "repository_id": "100", "repository_owner_id": "1234", "ref": "refs/heads/main",
           "event_name": "push"},
          {"repository_owner_id": "1234", "repository_id": "100", "ref": "refs/heads/main"})
SYSTEMS = {
    "github": GITHUB,
    "forgejo": ("https://git.example.org/api/actions", {**GITHUB[1], "jti": None}, GITHUB[2]),
    "gitlab": ("https://gitlab.com",
               {"project_id": "612", "project_path": "brian/site", "namespace_id": "9", "ref": "main", "ref_type": "branch",
                "ref_protected": "true", "pipeline_source": "push"},
               {"project_id": "612", "namespace_id": "9", "ref": "main", "ref_type": "branch", "ref_protected": "true"}),
    "circleci": ("https://oidc.circleci.com/org/7f0a",
                 {"oidc.circleci.com/project-id": "b2c1", "oidc.circleci.com/vcs-ref": "refs/heads/main",
                  "oidc.circleci.com/ssh-rerun": False, "nbf": None},
                 {"oidc.circleci.com/project-id": "b2c1", "oidc.circleci.com/vcs-ref": "refs/heads/main"}),
    "buildkite": ("https://agent.buildkite.com",
                  {"organization_slug": "brian", "organization_id": "0184", "pipeline_slug": "site", "build_branch": "main"},
                  {"organization_id": "0184", "pipeline_slug": "site", "build_branch": "main"}),
}


@pytest.fixture
def job_of(tmp_path):
    """job_of("github"): a Job of that system, with its issuer."""
    made = []

    def make(system):
        name, claims, _ = SYSTEMS[system]
        made.append(Issuer(str(tmp_path / "issuer"), name, claims))
        return Job(tmp_path / "job", made[-1])
    yield make
    for one in made:
        one.stop()


@pytest.fixture
def agent_for(agent_of, registry):
    """agent_for(job, "github"): an agent that trusts that system's jobs."""
    def make(job, system, **settings):
        senders = [{"name": sender, "images": ["127.0.0.1:*/test/**"], "auth": job.issuer.auth(AUDIENCE, SYSTEMS[system][2])}
                   for sender in ("github-actions", "forgejo-actions", "gitlab", "circleci", "buildkite")]
        agent = agent_of([registry], settings={"senders": senders, **settings})
        if "not supported by this version yet" in agent.run("check", "-c", agent.config_path).stdout:
            pytest.skip("this version cannot check OIDC tokens yet")
        return agent.start()
    return make


@pytest.fixture
def app(engine, images, repository):
    """v1 runs; its image's name."""
    images.make(repository, "stable", "v1")
    engine.run("app", images.name(repository, "stable"))
    wait_until(lambda: engine.serves("app") == "v1", 10, "v1 answers")
    return images.name(repository, "stable")


def secrets_of(job):
    return [REQUEST_TOKEN, *job.issuer.minted, *(token.split(".")[2] for token in job.issuer.minted)]


def tells_nothing(job, *texts):
    for secret in secrets_of(job):
        for text in texts:
            assert secret not in text


# Each system's file.

@pytest.mark.parametrize("system", SYSTEMS)
def test_a_job_of(system, job_of, agent_for, engine, images, repository, app):
    job = job_of(system)
    agent = agent_for(job, system)
    images.make(repository, "stable", "v2")
    job.watch("curl", "sed", "od", "date", "tr", "sleep", "grep")

    done = getattr(job, system)(agent.url, app)

    assert done.returncode == 0, (done.stdout, done.stderr, agent.log[-3000:])
    wait_until(lambda: engine.serves("app") == "v2", 10, "v2 answers")
    assert re.search(r"^psh_\w+\ndocker/app  updated  running after", done.stdout, re.M), done.stdout
    push, = agent.json("pushes")
    assert agent.json("show", push["id"])["meta"]["commit"] == SHA
    assert len(job.issuer.minted) == 1, "one token for one statement and its status"
    started = job.arguments()
    assert agent.url in started, "the wrappers were used"
    tells_nothing(job, started, done.stdout, done.stderr, agent.log)


@pytest.mark.parametrize("system", ["woodpecker", "drone", "jenkins"])
def test_a_job_with_a_secret_of(system, agent_of, registry, engine, images, repository, app, tmp_path):
    agent = agent_of([registry])
    agent.settings["senders"][0]["name"] = system
    agent.configure()
    agent.start()
    job = Job(tmp_path / "job")
    images.make(repository, "stable", "v2")

    run = job.jenkins if system == "jenkins" else lambda *rest: job.steps(system, *rest)
    done = run(agent.url, app, SECRET)

    assert done.returncode == 0, (done.stdout, done.stderr)
    assert '"result":"updated"' in done.stdout
    wait_until(lambda: engine.serves("app") == "v2", 10, "v2 answers")
    assert SECRET.removeprefix("whsec_") not in done.stdout + done.stderr


@pytest.mark.parametrize("shell", [("sh", "-e"), ("busybox", "sh", "-e"), ("bash", "-eo", "pipefail")], ids=lambda row: row[0])
def test_the_template_in_each_shell_that_a_runner_has(shell, job_of, agent_for, engine, images, repository, app):
    job = job_of("gitlab")
    agent = agent_for(job, "gitlab")
    images.make(repository, "stable", "v2", kind="crash")
    done = job.gitlab(agent.url, app, shell=shell)
    assert done.returncode == 1 and "docker/app  rolled-back" in done.stdout, (done.stdout, done.stderr)
    wait_until(lambda: engine.serves("app") == "v1", 10, "v1 answers again")


def test_the_template_holds_the_script_word_for_word():
    with open(os.path.join(CONTRIB, "notify-oidc.sh"), encoding="utf-8") as file:
        assert load("gitlab", "landwaiter.gitlab-ci.yml")[".landwaiter"]["script"] == [file.read()]


# How the script ends.

def test_a_job_of_another_repository_is_refused(job_of, agent_for, app):
    job = job_of("github")
    agent = agent_for(job, "github")
    for claims in ({"repository_id": "101"}, {"repository_owner_id": "9"}, {"ref": "refs/heads/evil"}):
        job.issuer.claims.update({**GITHUB[1], **claims})
        done = job.github(agent.url, app)
        assert done.returncode == 5 and "not authenticated" in done.stderr, (done.stdout, done.stderr)
    job.issuer.claims.update(GITHUB[1])
    done = job.github(agent.url, app, audience="other.example.net")
    assert done.returncode == 5, (done.stdout, done.stderr)
    done = job.github(agent.url, "127.0.0.1:5/other/site:1")
    assert done.returncode == 5 and "not allowed" in done.stderr, (done.stdout, done.stderr)
    assert agent.json("pushes") == []


def test_usage_and_nobody_there(job_of, tmp_path):
    job = job_of("github")
    nobody = "http://127.0.0.1:9"
    for given in ({"image": ""}, {"digest": "latest"}, {"sender": "No One"}, {"wait": "soon"}, {"url": "deploy.example.net"}):
        done = job.github(**{"url": nobody, "image": "ghcr.io/brian/site:1", **given})
        assert done.returncode == 2 and done.stdout == "" and done.stderr, (given, done)
    missing = job.shell("exec sh ci/notify-oidc.sh ghcr.io/brian/site:1", LANDWAITER_URL=nobody, GITHUB_ACTIONS="true")
    assert missing.returncode == 2 and "id-token: write" in missing.stderr, missing
    job.issuer.faults = [403]
    done = job.github(nobody, "ghcr.io/brian/site:1")
    assert done.returncode == 5 and "gave no OIDC token" in done.stderr, done


@pytest.mark.parametrize("image", ['x:1"; touch pwned; "', "$(touch pwned)", "`touch pwned`", 'x:1","digest":"y', "x:1\n\ny"])
def test_an_input_is_never_more_than_text(job_of, agent_for, image):
    job = job_of("github")
    agent = agent_for(job, "github", platforms={})
    for run in (job.github, job.circleci):
        done = run(agent.url, image)
        assert done.returncode == 2, (done.stdout, done.stderr)
    assert not os.path.exists(os.path.join(job.directory, "pwned"))
    assert agent.json("pushes") == []


def test_a_lost_answer_finds_the_same_push(job_of, agent_for):
    """The same token with the same body: the agent recognises the push."""
    job = job_of("github")
    agent = agent_for(job, "github", platforms={})
    proxy = Proxy(agent.port)
    try:
        lost = proxy.fault(method="POST", times=1, agent="curl", cut=0)
        done = job.github(f"http://127.0.0.1:{proxy.port}", "127.0.0.1:5000/test/site:1", wait="no")
        assert done.returncode == 0 and lost.hits == 1, (done.stdout, done.stderr)
        assert "again in" in done.stderr
        lost = proxy.fault(method="POST", times=1, agent="^landwaiter/", cut=0)
        pushed = push(job, agent, "127.0.0.1:5000/test/site:2", "--url", f"http://127.0.0.1:{proxy.port}")
        assert pushed.returncode == 0 and lost.hits == 1, pushed
    finally:
        proxy.stop()
    assert [one["id"] for one in agent.json("pushes")] == [pushed.stdout.strip(), done.stdout.strip()]
    assert len(job.issuer.minted) == 2


@pytest.fixture
def waiting(registry, app):
    """An app whose update waits for its registry."""
    registry.proxy.fault(agent="^landwaiter/", status=503, headers={"Retry-After": "600"})
    return app


def test_a_bearer_token_finds_the_same_push_too(agent_of, tmp_path):
    token = tmp_path / "token"
    token.write_text("a-token-that-nobody-can-guess\n")
    agent = agent_of(start=True, settings={"platforms": {}, "senders": [
        {"name": "ci", "images": ["**"], "auth": {"bearer": {"secret": {"file": str(token)}}}}]})
    proxy = Proxy(agent.port)
    try:
        lost = proxy.fault(method="POST", times=1, cut=0)
        done = agent.run("push", "ghcr.io/brian/site:1", "--url", f"http://127.0.0.1:{proxy.port}", "--sender", "ci",
                         "--token-file", str(token))
    finally:
        proxy.stop()
    assert done.returncode == 0 and lost.hits == 1 and "again in" in done.stderr, done
    assert [one["id"] for one in agent.json("pushes")] == [done.stdout.strip()]


def test_what_stays_open_is_3(waiting, job_of, agent_for):
    job = job_of("gitlab")
    agent = agent_for(job, "gitlab")
    done = job.gitlab(agent.url, waiting, LANDWAITER_WAIT="5")
    assert done.returncode == 3 and "still open" in done.stderr and "docker/app  open" in done.stdout, done


def test_an_expired_token_is_renewed_or_said(waiting, job_of, agent_for):
    """The agent's answer to an expired token that asks for the status."""
    for system, renews in (("github", True), ("gitlab", False)):
        job = job_of(system)
        agent = agent_for(job, system)
        proxy = Proxy(agent.port)
        url = f"http://127.0.0.1:{proxy.port}"
        try:
            expired = proxy.fault(method="GET", path="/v1/pushes/", times=1, status=401, body=b'{"error": "unauthorized"}')
            options = {"wait": "4s"} if renews else {"LANDWAITER_WAIT": "4s"}
            done = getattr(job, system)(url, waiting, **options)
            assert done.returncode == 3 and expired.hits == 1, (done.stdout, done.stderr)
            assert ("still open" if renews else "has expired") in done.stderr, done.stderr
            assert len(job.issuer.minted) == (2 if renews else 1)
            assert ("docker/app  open" in done.stdout) == renews, "the new token reads the status"
        finally:
            proxy.stop()


# The program in the same environments.

def push(job, agent, image, *arguments, environment=None):
    sender = ["--sender", "github-actions"] if "--sender" not in arguments else []
    url = ["--url", agent.url] if "--url" not in arguments else []
    return agent.run("push", image, *sender, *url, *arguments,
                     environment=job.actions() if environment is None else environment)


def test_push_fetches_its_token(job_of, agent_for, engine, images, repository, app):
    job = job_of("github")
    agent = agent_for(job, "github")
    images.make(repository, "stable", "v2")
    job.issuer.faults = [503, 500]  # it is tried again
    done = push(job, agent, app, "--wait")
    assert done.returncode == 0 and re.search("docker/app +updated", done.stdout), done
    wait_until(lambda: engine.serves("app") == "v2", 10, "v2 answers")
    assert len(job.issuer.minted) == 1
    assert job.issuer.requests == ["/idtoken?api-version=2.0&audience=127.0.0.1"] * 3
    tells_nothing(job, done.stdout, done.stderr, agent.log)


def test_push_takes_a_token_from_a_file_or_a_variable(job_of, agent_for, tmp_path):
    job = job_of("github")
    agent = agent_for(job, "github", platforms={})
    file = tmp_path / "token"

    def token(name):
        file.write_text(job.issuer.mint(AUDIENCE) + "\n")
        return {"LANDWAITER_OIDC_TOKEN_FILE": str(file), "LANDWAITER_OIDC_TOKEN": job.issuer.mint(AUDIENCE), "": ""}[name]
    nowhere = {"ACTIONS_ID_TOKEN_REQUEST_URL": "http://127.0.0.1:9/", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "x"}
    for i, name in enumerate(["LANDWAITER_OIDC_TOKEN_FILE", "LANDWAITER_OIDC_TOKEN"]):
        done = push(job, agent, f"127.0.0.1:5000/test/site:{i}", environment={**nowhere, name: token(name)})
        assert done.returncode == 0 and done.stdout.startswith("psh_"), done
    token("")
    done = push(job, agent, "127.0.0.1:5000/test/site:9", "--oidc-token-file", str(file),
                environment={**nowhere, "LANDWAITER_SECRET_FILE": "/nonexistent"})
    assert done.returncode == 0 and len(agent.json("pushes")) == 3, done
    again = push(job, agent, "127.0.0.1:5000/test/site:10", "--oidc-token-file", str(file), environment={})
    assert again.returncode == 5, "a token is good for one statement"
    tells_nothing(job, done.stdout, done.stderr, again.stderr, agent.log)


def test_push_without_a_token_says_what_is_missing(job_of, agent_for):
    job = job_of("github")
    agent = agent_for(job, "github", platforms={})
    none = push(job, agent, "127.0.0.1:5000/test/site:1", environment={"GITHUB_ACTIONS": "true"})
    assert none.returncode == 2 and "id-token: write" in none.stderr, none
    job.issuer.faults = [403]
    refused = push(job, agent, "127.0.0.1:5000/test/site:1")
    assert refused.returncode == 5 and "gave no OIDC token: HTTP status 403" in refused.stderr, refused
    other = push(job, agent, "127.0.0.1:5000/test/site:1", "--audience", "other.example.net")
    assert other.returncode == 5 and "audience=other.example.net" in job.issuer.requests[-1], other
    assert agent.json("pushes") == []
    tells_nothing(job, none.stderr, refused.stderr, other.stderr)


def test_push_waits_on_with_a_new_token_or_says_so(waiting, job_of, agent_for):
    job = job_of("github")
    agent = agent_for(job, "github")
    proxy = Proxy(agent.port)
    url = ["--url", f"http://127.0.0.1:{proxy.port}"]
    try:
        def expire():
            return proxy.fault(method="GET", path="/v1/pushes/", times=1, status=401, body=b"{}")
        expired = expire()
        done = push(job, agent, waiting, "--wait=3s", *url)
        assert done.returncode == 3 and expired.hits == 1 and len(job.issuer.minted) == 2, done
        assert "docker/app" in done.stdout and "still open" in done.stderr
        expired = expire()
        done = push(job, agent, waiting, "--wait=3s", *url,
                    environment={"LANDWAITER_OIDC_TOKEN": job.issuer.mint(AUDIENCE)})
        assert done.returncode == 3 and expired.hits == 1 and "has expired" in done.stderr, done
        assert "the update goes on" in done.stderr
    finally:
        proxy.stop()


class Elsewhere(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.heard.append(self.path)
        self.send_response(404)
        self.end_headers()

    do_POST = do_GET


def test_a_token_follows_no_redirect(job_of, agent_for):
    job = job_of("github")
    agent = agent_for(job, "github", platforms={})
    elsewhere = Server(("127.0.0.1", 0), Elsewhere)
    elsewhere.heard = []
    threading.Thread(target=elsewhere.serve_forever, args=(0.05,), daemon=True).start()
    proxy = Proxy(agent.port)
    url = f"http://127.0.0.1:{proxy.port}"
    try:
        for status in (301, 302, 307, 308):
            proxy.fault(times=2, status=status,
                        headers={"Location": f"http://localhost:{elsewhere.server_address[1]}/hooks/github-actions"})
            program = push(job, agent, "127.0.0.1:5000/test/site:1", "--url", url)
            script = job.github(url, "127.0.0.1:5000/test/site:1")
            assert program.returncode == 1 and script.returncode == 1, (program, script)
            assert str(status) in program.stderr and str(status) in script.stderr
        assert elsewhere.heard == [] and agent.json("pushes") == []
    finally:
        proxy.stop()
        elsewhere.shutdown()
        elsewhere.server_close()


def on_a_terminal(arguments, environment):
    """Run it with a terminal for stderr; (exit status, stdout, the terminal's output)."""
    ours, theirs = pty.openpty()
    got = []
    process = subprocess.Popen([BINARY, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs,
                               env={"PATH": os.environ["PATH"], "TERM": "xterm", **environment})
    os.close(theirs)

    def read():
        try:
            while part := os.read(ours, 4096):
                got.append(part)
        except OSError:
            pass  # the other end is closed
    reader = threading.Thread(target=read)
    reader.start()
    out = process.communicate(timeout=60)[0].decode()
    reader.join(10)
    os.close(ours)
    return process.returncode, out, b"".join(got).decode()


def test_a_progress_line_for_who_looks(waiting, agent):
    command = ["push", waiting, "--url", agent.url, "--sender", "ci", "--secret-file", agent.secret_path, "--wait=3s"]
    status, out, terminal = on_a_terminal(command[:-1] + ["--wait=6s"], {})  # an answer comes every two seconds
    assert status == 3 and "0 of 1 done; docker/app: " in terminal and "\r\x1b[K" in terminal, terminal
    lines = [line for line in terminal.split("\n") if line.strip()]
    assert len(lines) == 2 and "landwaiter: " in lines[0], "one line, rewritten, then the end's two"
    assert "\x1b" not in out
    for more, environment in (([], {"CI": "true"}), ([], {"TERM": "dumb"}), (["--json"], {})):
        status, out, terminal = on_a_terminal(command + more, environment)
        assert status == 3 and "\x1b" not in terminal and "of 1 done" not in terminal, terminal
    assert json.loads(out)["open"] == 1
