"""The agent opens a state directory of each former version: tests/data/upgrade has the database of each, named by its commit."""

import gzip
import os
import shutil

import pytest

DATA = os.path.join(os.path.dirname(__file__), "..", "data", "upgrade")


@pytest.mark.parametrize("name", sorted(os.listdir(DATA)))
def test_the_history_of_a_version_before_is_there(agent_of, name):
    agent = agent_of(settings={"history": "3650d"})
    with gzip.open(os.path.join(DATA, name)) as before, open(os.path.join(agent.state, "landwaiter.db"), "wb") as out:
        shutil.copyfileobj(before, out)
    agent.start()

    updates = agent.json("updates", "--all")
    assert sorted(update["result"] for update in updates) == ["rolled-back", "updated"]
    shown = agent.json("show", updates[0]["id"])
    assert [entry["stage"] for entry in shown["history"]].count("apply") >= 1
    assert len(agent.json("pushes")) == 2
    assert agent.run("audit", "--verify").returncode == 0
    assert agent.push("ghcr.io/a/b:1").status == 202
    assert len(agent.json("pushes")) == 3
