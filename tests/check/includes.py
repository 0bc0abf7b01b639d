"""Holds the floors: a file includes its own floor and lower ones, never a sibling or a higher one, from the root; only
agent/ uses the log; the unit tests and fuzz targets of a floor stay below it too."""

import pathlib
import re
import sys

BELOW = {
    "base": set(),
    "policies": {"base"},
    "registry": {"base", "policies"},
    "webhook": {"base", "policies"},
    "agent": {"base", "policies", "registry", "webhook"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def floor_of(path):
    """The floor whose rules hold for a file, or None."""
    parts = path.parts
    if parts[0] in BELOW:
        return parts[0]
    if parts[:2] == ("tests", "unit"):
        return parts[2]
    if parts[:2] == ("tests", "fuzz") and "_" in path.stem:
        return path.stem.split("_")[0]
    return None


def faults(path, text):
    floor = floor_of(path)
    for included in INCLUDE.findall(text):
        target = included.split("/")[0]
        if target not in BELOW:
            # Data and helpers beside a test are its own business.
            if path.parts[0] in BELOW:
                yield f'{path}: "{included}" is not written from the root'
        elif floor and target != floor and target not in BELOW[floor]:
            yield f'{path}: {floor}/ may not include "{included}"'
        elif included == "base/log.h" and path.parts[0] in BELOW and path.parts[0] not in ("agent", "base"):
            yield f"{path}: only agent/ logs"
        elif included == "base/log.h" and path.parts[0] == "base" and path.name != "log.c":
            yield f"{path}: only agent/ logs"


def self_test():
    """The rule must be able to fail."""
    bad = [("base/a.c", "policies/window.h"), ("registry/a.c", "webhook/server.h"), ("webhook/a.c", "registry/client.h"),
           ("policies/a.c", "agent/store/store.h"), ("registry/a.c", "base/log.h"), ("agent/a.c", "store.h"),
           ("tests/unit/base/a_test.c", "agent/store/store.h"), ("tests/fuzz/registry_a.c", "agent/store/store.h")]
    good = [("agent/docker/a.c", "webhook/server.h"), ("base/log.c", "base/log.h"), ("registry/a.c", "policies/policy.h")]
    for path, included in bad:
        assert list(faults(pathlib.PurePath(path), f'#include "{included}"\n')), (path, included)
    for path, included in good:
        assert not list(faults(pathlib.PurePath(path), f'#include "{included}"\n')), (path, included)


def main():
    self_test()
    found = []
    count = 0
    for top in (*BELOW, "tests"):
        for path in sorted(pathlib.Path(top).rglob("*.[ch]")):
            count += 1
            found += faults(path, path.read_text(encoding="utf-8"))
    print(*found, sep="\n")
    print(f"{count} files, {len(found)} faults")
    return 1 if found or not count else 0


sys.exit(main())
