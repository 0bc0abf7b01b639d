"""The project's own image, made by its Dockerfile: once for each state of its sources. build/image keeps the last
one, so that the tests of a cluster need not compile it again."""

import hashlib
import os

TOP = os.path.join(os.path.dirname(__file__), "..", "..", "..")
KEPT = os.path.join(TOP, "build", "image")
LEFT_OUT = ("tests", "docs", ".git")  # as in .dockerignore, with build*
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def state(root):
    """A digest of everything that the Dockerfile sees, and of its base."""
    told = hashlib.sha256()
    for folder, folders, files in os.walk(TOP):
        if os.path.samefile(folder, TOP):
            folders[:] = [one for one in folders if one not in LEFT_OUT and not one.startswith("build")]
        folders.sort()
        for name in sorted(files):
            path = os.path.join(folder, name)
            told.update(os.path.relpath(path, TOP).encode() + b"\0")
            with open(path, "rb") as file:
                told.update(hashlib.sha256(file.read()).digest())
    with open(os.path.realpath(root) + ".made", "rb") as made:
        told.update(made.read())
    return told.hexdigest()


def make(engine, root, architecture=None):
    """Its name in that engine. `root`: a tar of a Debian with the packages in it (tests/image-base makes it), as the tests'
    network namespace has no way out. `architecture`: another one than this machine's, in Docker's words."""
    name = "landwaiter:" + (architecture or "test")
    kept = os.path.join(KEPT, f"{state(root)}-{architecture}.tar")
    if os.path.exists(kept):
        engine.docker("load", "-i", kept)
        return name
    with open(root, "rb") as tar:
        engine.docker("import", "-", "debian-base:test", stdin=tar)
    other = ["--build-arg", f"PLATFORM=linux/{architecture}"] if architecture else []
    engine.docker("build", "--network", "none", "--build-arg", "BASE=debian-base:test", "--build-arg", f"COMMIT={COMMIT}", *other,
                  "-t", name, TOP)
    os.makedirs(KEPT, exist_ok=True)
    engine.docker("save", "-o", kept + ".new", name)
    for old in os.listdir(KEPT):
        if old.endswith(f"-{architecture}.tar"):
            os.unlink(os.path.join(KEPT, old))
    os.rename(kept + ".new", kept)
    return name
