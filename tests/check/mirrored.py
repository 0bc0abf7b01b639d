"""Each source file has a unit test in the mirrored place: agent/ROOM/FILE.c in tests/unit/agent/ROOM/FILE_test.c.

tests/check/untested.txt lists the exceptions, a line each: `PATH: TEST-FILE...: reason`. `FOLDER/*.c` is a whole folder, whose
files are rows of one table. The tests that are named must exist, and an exception that nobody needs is a fault too."""

import fnmatch
import pathlib
import re
import sys

FLOORS = ("base", "policies", "registry", "webhook", "agent")
LIST = pathlib.Path("tests/check/untested.txt")
# A pattern that is wider would except files that do not exist yet.
PATTERN = re.compile(r"[\w/]+\.c|[\w/]+/\*\.c")


def mirror(source):
    """The place of a source file's test."""
    return "tests/unit/" + source.removesuffix(".c") + "_test.c"


def exceptions(name, text):
    """(where, pattern, tests, reason) of each line of a list; a line that cannot be read has an empty reason."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            pattern, tests, reason = ([part.strip() for part in line.split(":", 2)] + ["", ""])[:3]
            yield f"{name}:{number}", pattern, tests.replace(",", " ").split(), reason


def faults(sources, tests, listed):
    """sources, tests: sets of paths; listed: exceptions."""
    bare = {source for source in sources if mirror(source) not in tests}
    excepted = set()
    for where, pattern, named, reason in listed:
        matched = {source for source in bare if fnmatch.fnmatchcase(source, pattern)}
        if not named or not reason or not PATTERN.fullmatch(pattern):
            yield f"{where}: write PATH: TEST-FILE...: reason"
        if not matched:
            yield f"{where}: nobody needs this exception: {pattern}"
        for test in named:
            if test not in tests:
                yield f"{where}: there is no {test}"
        excepted |= matched
    for source in sorted(bare - excepted):
        yield f"{source}: there is no {mirror(source)}"


def self_test():
    """The rule must be able to fail."""
    sources, tests = {"agent/a/b.c", "base/c.c"}, {"tests/unit/agent/a/b_test.c"}
    line = ("x:1", "base/*.c", ["tests/unit/agent/a/b_test.c"], "it reaches all of it")
    assert [*faults(sources, tests, [])] == ["base/c.c: there is no tests/unit/base/c_test.c"]
    assert not [*faults(sources, tests, [line])]
    for bad in (("x:1", "base/d.c", *line[2:]), ("x:1", "agent/a/b.c", *line[2:]), (*line[:2], ["tests/unit/z_test.c"], line[3]), (*line[:3], ""),
                (*line[:2], [], line[3]), ("x:1", "base/c*.c", *line[2:]), ("x:1", "base/[c].c", *line[2:])):
        assert [*faults(sources, tests, [bad])], bad
    assert [*exceptions("x", "# no\n\na/*.c: t.c, u.c: why: so\n")] == [("x:3", "a/*.c", ["t.c", "u.c"], "why: so")]
    assert [*exceptions("x", "a.c\n")] == [("x:1", "a.c", [], "")]


def main():
    self_test()
    sources = {str(path) for floor in FLOORS for path in pathlib.Path(floor).rglob("*.c")}
    tests = {str(path) for path in pathlib.Path("tests").rglob("*_test.c")}
    tests |= {str(path) for path in pathlib.Path("tests/e2e").glob("test_*.py")}
    listed = list(exceptions(LIST, LIST.read_text(encoding="utf-8")))
    found = list(faults(sources, tests, listed))
    print(*found, sep="\n")
    print(f"{len(sources)} files, {len(listed)} exceptions, {len(found)} faults")
    return 1 if found or not sources else 0


sys.exit(main())
