"""The commit in the program: from git, from a source archive, or unknown."""

import os
import re
import shutil
import subprocess

import pytest

TOP = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
NOBODY = {"PATH": os.environ["PATH"], "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.net", "GIT_COMMITTER_NAME": "a",
          "GIT_COMMITTER_EMAIL": "a@example.net", "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent"}


def run(*command, cwd=TOP, given=b""):
    done = subprocess.run(command, cwd=cwd, env=NOBODY, input=given, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


# --- the commit ------------------------------------------------------------------------------------------------------

def commit_in(source, output, given=""):
    """The commit that a build of that source puts into the program."""
    run("cmake", f"-DSOURCE={source}", f"-DOUTPUT={output}", f"-DGIVEN={given}", "-P", f"{TOP}/cmake/commit.cmake")
    return re.fullmatch(r'#include "base/commit.h"\n\nconst char commit_id\[\] = "(.*)";\n', output.read_text())[1]


@pytest.fixture
def checkout(tmp_path):
    """A clone with one commit: (folder, commit)."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("commit.txt", ".gitattributes"):
        shutil.copy(os.path.join(TOP, name), folder)
    (folder / "tracked").write_text("1\n")
    run("git", "init", "-q", cwd=folder)
    run("git", "add", ".", cwd=folder)
    run("git", "commit", "-q", "-m", "one", cwd=folder)
    return folder, run("git", "rev-parse", "HEAD", cwd=folder).decode().strip()


def test_a_checkout_tells_its_commit(checkout, tmp_path):
    folder, commit = checkout
    output = tmp_path / "commit.c"
    assert commit_in(folder, output) == commit[:12]
    (folder / "not tracked").write_text("")
    assert commit_in(folder, output) == commit[:12]
    (folder / "tracked").write_text("2\n")
    assert commit_in(folder, output) == commit[:12] + "+"


def test_the_same_commit_compiles_nothing_anew(checkout, tmp_path):
    output = tmp_path / "commit.c"
    commit_in(checkout[0], output)
    os.utime(output, (1, 1))
    commit_in(checkout[0], output)
    assert output.stat().st_mtime == 1
    commit_in(checkout[0], output, given="f" * 40)
    assert output.stat().st_mtime > 1


def test_a_source_archive_tells_its_commit(checkout, tmp_path):
    folder, commit = checkout
    unpacked = tmp_path / "somebody" / "unpacked"
    unpacked.mkdir(parents=True)
    run("git", "init", "-q", cwd=tmp_path / "somebody")  # of another repository, whose commits do not matter here
    run("tar", "-x", cwd=unpacked, given=run("git", "archive", "HEAD", cwd=folder))
    assert commit_in(unpacked, tmp_path / "commit.c") == commit[:12]


@pytest.mark.parametrize("given, told", [("a" * 40, "a" * 12), ("", "unknown"), ("main", "unknown"), ('";', "unknown")])
def test_a_build_that_knows_nothing_goes_on(tmp_path, given, told):
    folder = tmp_path / "copied"
    folder.mkdir()
    shutil.copy(os.path.join(TOP, "commit.txt"), folder)  # as it is in a checkout
    assert commit_in(folder, tmp_path / "commit.c", given) == told
