"""`landwaiter window` against every vector of tests/data/windows.json, through a configuration as people write it."""

import json
import os
import pathlib
import subprocess

import pytest

from lib.agent import BINARY

VECTORS = json.loads((pathlib.Path(__file__).parent.parent / "data" / "windows.json").read_text())


def member(window):
    """A window of the vectors in the words of the configuration."""
    out = {key: window[key] for key in ("days", "start", "end", "tz") if key in window}
    if "nth" in window:
        out["nth"] = "last" if window["nth"] == -1 else window["nth"]
    if "duration_min" in window:
        out["duration"] = f"{window['duration_min']}m"
    for ours, theirs in (("from", "from_date"), ("to", "to_date")):
        if theirs in window:
            out[ours] = window[theirs]
    return out | {key: value for key, value in window.items() if key == "timezone"}


def configuration(windows):
    """The file and the names to ask for. JSON is YAML, and its strings are quoted."""
    allowed = {f"w{i}": member(w) for i, w in enumerate(windows) if w.get("kind", "allow") == "allow"}
    frozen = [{"name": f"f{i}"} | member(w) for i, w in enumerate(windows) if w.get("kind") == "deny"]
    return json.dumps({"windows": allowed, "freezes": frozen}), ",".join(allowed) or "always"


def landwaiter(*arguments, **variables):
    environment = {"PATH": os.environ["PATH"]} | variables
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=20, env=environment, check=False)


def same(ours, theirs):
    return ours == (theirs and theirs.replace("Z", ".000Z"))


def test_every_vector(tmp_path):
    path, wrong = tmp_path / "landwaiter.yaml", []
    for vector in VECTORS["vectors"]:
        text, names = configuration(vector["windows"])
        path.write_text(text)
        done = landwaiter("window", names, "--at", vector["instant_utc"], "-c", str(path), "--json")
        assert done.returncode == 0 and not done.stderr, (vector["id"], done.stderr)
        answer = json.loads(done.stdout)
        assert list(answer) == ["open", "opens", "closes", "because"] and answer["because"]
        if (
            answer["open"] is not vector["open"]
            or not same(answer["opens"], vector["next_open_utc"])
            or not same(answer["closes"], vector["closes_utc"])
        ):
            wrong.append((vector["id"], answer))
    assert not wrong
    assert len(VECTORS["vectors"]) >= 83


@pytest.mark.parametrize("case", VECTORS["invalid"], ids=lambda case: case["why"])
def test_every_invalid_window_is_refused_at_its_place(tmp_path, case):
    path = tmp_path / "landwaiter.yaml"
    text, names = configuration([case["window"]])
    path.write_text(text)
    done = landwaiter("window", names, "-c", str(path), "--json")
    assert done.returncode == 2 and not done.stdout
    lines = done.stderr.splitlines()
    assert lines[0].startswith(f"{path}:1:"), lines
    assert lines[-1].strip() == "`landwaiter check` shows every fault"


CONFIGURATION = """
senders:
  - {name: ci, auth: {bearer: {secret: {file: /nonexistent/secret}}}, images: ["**"]}
windows:
  night: {days: [mon, tue, wed, thu, fri], start: "02:00", end: "05:00", tz: Australia/Melbourne}
freezes:
  - {name: year-end, from: "2026-12-20", to: "2027-01-06", tz: Europe/Berlin}
"""


def ask(tmp_path, *arguments):
    path = tmp_path / "landwaiter.yaml"
    path.write_text(CONFIGURATION)
    return landwaiter("window", *arguments, LANDWAITER_CONFIG=str(path))


def test_for_people(tmp_path):
    done = ask(tmp_path, "night", "--at", "2026-11-20T13:00:00+11:00")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0].startswith("closed: ")
    assert done.stdout.splitlines()[1] == "  opens   2026-11-22T15:00:00.000Z"
    done = ask(tmp_path, "night", "--at", "2026-11-19T15:30:00Z")
    assert done.stdout.splitlines()[0].startswith("open: ")
    assert done.stdout.splitlines()[1] == "  closes  2026-11-19T18:00:00.000Z"


def test_a_freeze_closes_even_always(tmp_path):
    answer = json.loads(ask(tmp_path, "always,night", "--at", "2026-12-24T00:00:00Z", "--json").stdout)
    assert answer["open"] is False and answer["closes"] is None
    assert answer["opens"] == "2027-01-06T23:00:00.000Z"
    assert "year-end" in answer["because"]


def test_always_is_open_beyond_the_horizon(tmp_path):
    answer = json.loads(ask(tmp_path, "always", "--at", "2030-01-01T00:00:00Z", "--json").stdout)
    assert (answer["open"], answer["opens"], answer["closes"]) == (True, None, None)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["nihgt"], 'there is no window "nihgt"; did you mean night?'),
        (["night,weekend"], 'there is no window "weekend"; known are: night, always'),
        (["year-end"], 'there is no window "year-end"; known are: night, always'),
        (["night,"], '"" is not a name'),
        ([""], '"" is not a name'),
        (["night", "--at", "tomorrow"], '--at: "tomorrow" is not a time'),
        (["night", "--at", "2026-11-20T02:30:00"], "is not a time; write it with its offset from UTC"),
        ([], "missing"),
        (["night", "-c", "/nonexistent/landwaiter.yaml"], "No such file"),
    ],
)
def test_what_cannot_be_answered_is_a_usage_error(tmp_path, arguments, message):
    done = ask(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
