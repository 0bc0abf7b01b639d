"""No test sleeps: it waits for a condition. Only the polling helpers listed here may call a sleeping function."""

import pathlib
import re
import sys

HELPERS = {
    "tests/e2e/lib/wait.py": "wait_until and stays poll; hold is a server's fault",
    "tests/fresh": "polls until an engine answers",
    "tests/machine.sh": "polls until a service is as it should be",
}
SLEEP = re.compile(r"\b(?:u|nano)?sleep\s*\(|\btime\.sleep\b|^\s*sleep\s+[\d.]", re.MULTILINE)
SKIPPED = {"tests/check/sleeps.py"}


def main():
    assert SLEEP.search("    usleep(3);") and SLEEP.search("time.sleep(1)") and not SLEEP.search("asleep(x)")
    found = []
    files = [path for path in sorted(pathlib.Path("tests").rglob("*")) if path.is_file() and
             "corpus" not in path.parts and "data" not in path.parts and path.suffix != ".pyc"]
    for path in files:
        if str(path) in HELPERS or str(path) in SKIPPED:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        for hit in SLEEP.finditer(text):
            found.append(f"{path}:{text.count(chr(10), 0, hit.start()) + 1}: sleeps")
    print(*found, sep="\n")
    print(f"{len(files)} files, {len(found)} faults")
    return 1 if found or not files else 0


sys.exit(main())
