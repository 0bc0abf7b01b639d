"""CI systems, as far as their jobs see them. Reads the file of contrib/ci that users copy, and runs its steps with a
shell, in the environment that the system gives its jobs, with a local issuer behind it."""

import os
import re
import shutil
import subprocess

import yaml

from lib.issuer import REQUEST_TOKEN

CONTRIB = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", "..", "contrib", "ci"))
SHA = "4f2a1be0c0ffee00000000000000000000000000"


def load(*path):
    with open(os.path.join(CONTRIB, *path), encoding="utf-8") as file:
        return yaml.safe_load(file)


class Job:
    """A working directory, with a bin/ first on PATH, and the files of a user's repository."""

    def __init__(self, directory, issuer=None):
        self.directory, self.issuer = str(directory), issuer
        self.bin = os.path.join(self.directory, "bin")
        self.started = os.path.join(self.directory, "started")
        os.makedirs(self.bin, exist_ok=True)
        os.makedirs(os.path.join(self.directory, "ci"), exist_ok=True)
        for name in ("notify-oidc.sh", "landwaiter-notify"):
            shutil.copy(os.path.join(CONTRIB, name), os.path.join(self.directory, "ci", name))
        self.environment = {"PATH": f"{self.bin}:/usr/bin:/bin", "CI": "true"}

    def program(self, name, text):
        """A program of the CI system's own."""
        path = os.path.join(self.bin, name)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(path, 0o755)

    def watch(self, *names):
        """Logs every start of these programs with its arguments."""
        for name in names:
            self.program(name, f'#!/bin/sh\nfor one; do printf "%s\\n" "$one" >>{self.started}; done\n'
                               f'exec {shutil.which(name, path="/usr/bin:/bin")} "$@"\n')

    def arguments(self):
        with open(self.started, encoding="utf-8") as file:
            return file.read()

    def shell(self, text, *shell, **environment):
        """Run a step: a script in a file, as CI systems do."""
        path = os.path.join(self.directory, "step.sh")
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return subprocess.run([*(shell or ("sh", "-e")), path], cwd=self.directory, stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=120, check=False,
                              env={**self.environment, **environment})

    # Jobs of one system each; a user writes `image` and the agent's `url`.

    def actions(self):
        """The environment of a job of GitHub's or Forgejo's that may have a token."""
        return {"GITHUB_ACTIONS": "true", "GITHUB_SHA": SHA, "GITHUB_RUN_ID": "77", "GITHUB_REPOSITORY": "brian/site",
                "GITHUB_SERVER_URL": "https://github.com",
                "ACTIONS_ID_TOKEN_REQUEST_URL": self.issuer.url + "/idtoken?api-version=2.0",
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN}

    def github(self, url, image, folder="github", **given):
        action = load(folder, "action.yml")
        inputs = {name: one.get("default") for name, one in action["inputs"].items()}
        inputs.update({"url": url, "image": image, **given})
        assert set(inputs) == set(action["inputs"]) and None not in inputs.values(), inputs
        step, = action["runs"]["steps"]
        assert action["runs"]["using"] == "composite" and "${{" not in step["run"]
        environment = {name: re.sub(r"\$\{\{ inputs\.([a-z]+) \}\}", lambda found: inputs[found[1]], value)
                       for name, value in step["env"].items()}
        return self.shell(step["run"], "sh", "-e", **{**self.actions(), **environment},
                          GITHUB_ACTION_PATH=os.path.join(CONTRIB, folder))

    def forgejo(self, url, image, **given):
        return self.github(url, image, folder="forgejo", **given)

    def gitlab(self, url, image, shell=("bash", "-eo", "pipefail"), token=None, **variables):
        job = load("gitlab", "landwaiter.gitlab-ci.yml")[".landwaiter"]
        values = {**job["variables"], "LANDWAITER_URL": url, "LANDWAITER_IMAGE": image, "LANDWAITER_AUDIENCE": "127.0.0.1",
                  **variables}
        (name, made), = job["id_tokens"].items()
        audience = re.sub(r"\$(\w+)", lambda found: values[found[1]], made["aud"])
        return self.shell("\n".join(job["script"]), *shell, **values,
                          **{name: token or self.issuer.mint(audience)}, CI_COMMIT_SHA=SHA, GITLAB_CI="true",
                          CI_JOB_URL="https://gitlab.com/brian/site/-/jobs/1")

    def asks(self, name, audience):
        """A program that prints a token for the audience that the shell text `audience` finds in its arguments."""
        self.program(name, f'#!/bin/sh\naudience=$({audience})\n'
                           f"printf 'Authorization: Bearer %s\\n' \"$JOB_TOKEN\" | /usr/bin/curl -sSfG -H @- --data-urlencode "
                           f'"audience=$audience" {self.issuer.url}/idtoken | /usr/bin/sed -n \'s/.*"value": "\\([^"]*\\)".*/\\1/p\'\n')
        return {"JOB_TOKEN": REQUEST_TOKEN}

    def circleci(self, url, image, **given):
        command = load("circleci", "config.yml")["commands"]["landwaiter"]
        parameters = {**{name: one.get("default") for name, one in command["parameters"].items()}, "url": url,
                      "image": image, **given}
        run = command["steps"][0]["run"]
        assert "<<" not in run["command"]
        environment = {name: re.sub(r"<< parameters\.([a-z]+) >>", lambda found: parameters[found[1]], value)
                       for name, value in run["environment"].items()}
        program = self.asks("circleci", '[ "$1 $2 $3 $4" = "run oidc get --claims" ] && printf %s "$5" | '
                                        'sed -n \'s/^{"aud":"\\([^"]*\\)"}$/\\1/p\'')
        return self.shell(run["command"], "bash", "-eo", "pipefail", **program, **environment, CIRCLECI="true",
                          CIRCLE_SHA1=SHA, CIRCLE_BUILD_URL="https://circleci.com/gh/brian/site/9",
                          CIRCLE_OIDC_TOKEN_V2="a-token-for-another-audience")

    def buildkite(self, url, image, **given):
        step, = load("buildkite", "pipeline.yml")["steps"]
        program = self.asks("buildkite-agent", '[ "$1 $2 $3" = "oidc request-token --audience" ] && printf %s "$4"')
        environment = {**step["env"], "LANDWAITER_URL": url, "LANDWAITER_IMAGE": image, **given}
        return self.shell(step["command"], "bash", "-eo", "pipefail", **program, **environment, BUILDKITE="true",
                          BUILDKITE_JOB_ID="01", BUILDKITE_COMMIT=SHA,
                          BUILDKITE_BUILD_URL="https://buildkite.com/brian/site/builds/3")

    def steps(self, system, url, image, secret):
        """Woodpecker's and Drone's: a list of commands with a secret in the environment."""
        step, = load(system, system + ".yml")["steps"]
        self.program("apk", "#!/bin/sh\nexit 0\n")
        environment = {name: {"landwaiter_secret": secret}[value["from_secret"]] if isinstance(value, dict) else value
                       for name, value in step["environment"].items()}
        return self.shell("\n".join(step["commands"]).replace("ghcr.io/brian/site:1", image), "sh", "-e",
                          **{**environment, "LANDWAITER_URL": url})

    def jenkins(self, url, image, secret):
        with open(os.path.join(CONTRIB, "jenkins", "Jenkinsfile"), encoding="utf-8") as file:
            text = file.read()
        environment = dict(re.findall(r"^ +(LANDWAITER_\w+) = '([^']*)'$", text, re.M))
        name, = re.findall(r"credentialsId: 'landwaiter-secret', variable: '(\w+)'", text)
        step, = re.findall(r"sh '''\n(.*?)'''", text, re.S)
        return self.shell(step.replace("ghcr.io/brian/site:1", image), "sh", "-xe",
                          **{**environment, "LANDWAITER_URL": url, name: secret})
