"""Holds the floors and rooms: a file includes its own one and lower ones, never a sibling or a higher one, from the root;
only agent/ uses the log; the unit tests and fuzz targets of a floor or room stay below it too."""

import pathlib
import re
import sys

# As in CMakeLists.txt: a library's folder, and those that it may use.
MODEL = ("agent/model", "base", "policies")
BELOW = {
    "base": (),
    "policies": ("base",),
    "registry": ("base", "policies"),
    "webhook": ("base", "policies"),
    "agent/model": ("base", "policies"),
    "agent/listener": ("base", "policies", "webhook"),
    "agent/config": (*MODEL, "registry", "webhook"),
    "agent/platforms": (*MODEL, "registry", "agent/config"),
    "agent/store": (*MODEL, "webhook"),
    "agent/pipeline": (*MODEL, "registry", "agent/config", "agent/platforms", "agent/store"),
    "agent/views": (*MODEL, "registry", "agent/config", "agent/platforms", "agent/store", "agent/pipeline"),
    "agent/replicas": (*MODEL, "agent/config", "agent/platforms", "agent/store"),
    "agent/work": (*MODEL, "registry", "webhook", "agent/listener", "agent/config", "agent/platforms", "agent/store", "agent/pipeline", "agent/views",
                   "agent/replicas"),
    "agent/control": (*MODEL, "registry", "webhook", "agent/config", "agent/platforms", "agent/store", "agent/pipeline",
                      "agent/views", "agent/replicas", "agent/work"),
    "agent/cli": (*MODEL, "registry", "webhook", "agent/listener", "agent/config", "agent/platforms", "agent/store", "agent/pipeline", "agent/views",
                  "agent/replicas", "agent/work", "agent/control", "agent"),
    # agent/serve.c, which only wires.
    "agent": (*MODEL, "registry", "webhook", "agent/listener", "agent/config", "agent/platforms", "agent/store", "agent/pipeline", "agent/views",
              "agent/replicas", "agent/work", "agent/control", "agent/cli"),
}
TOPS = ("base", "policies", "registry", "webhook", "agent")
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def room_of(parts):
    """The library that a file of those path parts belongs to, or None."""
    if parts[0] == "agent" and len(parts) > 2:
        return "/".join(parts[:2])
    return parts[0] if parts[0] in TOPS else None


def rules_of(path):
    """The library whose rules hold for a file, or None."""
    parts = path.parts
    if parts[0] in TOPS:
        return room_of(parts)
    if parts[:2] == ("tests", "unit"):
        return room_of(parts[2:])
    if parts[:2] == ("tests", "fuzz") and "_" in path.stem:
        floor = path.stem.split("_")[0]
        return "agent/cli" if floor == "agent" else floor
    return None


def faults(path, text):
    room = rules_of(path)
    for included in INCLUDE.findall(text):
        target = room_of(pathlib.PurePath(included).parts)
        if target is None:
            # Data and helpers beside a test are its own business.
            if path.parts[0] in TOPS:
                yield f'{path}: "{included}" is not written from the root'
        elif room and target != room and target not in BELOW[room]:
            yield f'{path}: {room}/ may not include "{included}"'
        elif included == "base/log.h" and path.parts[0] in TOPS and path.parts[0] not in ("agent", "base"):
            yield f"{path}: only agent/ logs"
        elif included == "base/log.h" and path.parts[0] == "base" and path.name != "log.c":
            yield f"{path}: only agent/ logs"


def self_test():
    """The rule must be able to fail."""
    bad = [("base/a.c", "policies/window.h"), ("registry/a.c", "webhook/server.h"), ("webhook/a.c", "registry/client.h"),
           ("policies/a.c", "agent/store/store.h"), ("registry/a.c", "base/log.h"), ("agent/work/a.c", "store.h"),
           ("agent/store/a.c", "agent/pipeline/gate.h"), ("agent/model/a.c", "agent/config/config.h"),
           ("tests/unit/base/a_test.c", "agent/store/store.h"), ("tests/fuzz/registry_a.c", "agent/store/store.h")]
    good = [("agent/work/a.c", "webhook/server.h"), ("agent/pipeline/a.c", "agent/store/store.h"), ("base/log.c", "base/log.h"), ("registry/a.c", "policies/policy.h")]
    for path, included in bad:
        assert list(faults(pathlib.PurePath(path), f'#include "{included}"\n')), (path, included)
    for path, included in good:
        assert not list(faults(pathlib.PurePath(path), f'#include "{included}"\n')), (path, included)


def main():
    self_test()
    found = []
    count = 0
    for top in (*TOPS, "tests"):
        for path in sorted(pathlib.Path(top).rglob("*.[ch]")):
            count += 1
            found += faults(path, path.read_text(encoding="utf-8"))
    print(*found, sep="\n")
    print(f"{count} files, {len(found)} faults")
    return 1 if found or not count else 0


sys.exit(main())
