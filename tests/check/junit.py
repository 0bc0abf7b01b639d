"""Counts JUnit files: junit.py STATUS FILE... prints the numbers of passed, failed and skipped tests, a line each, then each
failure, and each skipped test with its reason. STATUS is the runner's exit status: a runner that died, or counted nothing, is a failure."""

import sys
import xml.etree.ElementTree


def outcome(case):
    """passed, failed or skipped, and the line to print."""
    name = ".".join(part for part in (case.get("classname"), case.get("name")) if part)
    for kind in ("failure", "error"):
        if case.find(kind) is not None:
            return "failed", name
    skip = case.find("skipped")
    if skip is not None or case.get("status") in ("disabled", "notrun"):
        why = (skip.get("message") if skip is not None else "") or case.get("status") or "no reason given"
        return "skipped", f"{name}: {why}"
    return "passed", name


def main(status, *paths):
    found = {"passed": [], "failed": [], "skipped": []}
    for path in paths:
        for case in xml.etree.ElementTree.parse(path).iter("testcase"):
            kind, text = outcome(case)
            found[kind].append(" ".join(text.split()))
    if not found["passed"] and not found["failed"]:
        found["failed"].append(f"nothing was run (exit status {status})")
    elif status != "0" and not found["failed"]:
        found["failed"].append(f"the runner ended with exit status {status}")
    print(len(found["passed"]), len(found["failed"]), len(found["skipped"]), sep="\n")
    for kind in ("failed", "skipped"):
        for text in found[kind]:
            print(kind, text)


main(*sys.argv[1:])
