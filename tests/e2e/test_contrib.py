"""The program accepts the example configuration of contrib/."""

import os

from lib.agent import SECRET

CONTRIB = os.path.join(os.path.dirname(__file__), "..", "..", "contrib")


def test_the_example_configuration_is_good(agent_of, tmp_path):
    secret = tmp_path / "ci.secret"
    secret.write_text(SECRET + "\n", encoding="ascii")
    with open(os.path.join(CONTRIB, "compose", "landwaiter.yaml"), encoding="utf-8") as example:
        text = example.read()
    assert "/etc/landwaiter/ci.secret" in text
    agent = agent_of(text=text.replace("/etc/landwaiter/ci.secret", str(secret)))

    said = agent.json("check", "-c", agent.config_path)
    assert (said["ok"], said["faults"]) == (True, [])
