"""A function is a screen: at most 60 lines, complexity 12 and four parameters (besides the error it fills). A file has at most 500 lines. The lists of
exceptions are tests/check/exceptions.txt for functions and TABLES for files, each with its reason; an exception that nobody needs is a fault too."""

import pathlib
import re
import subprocess
import sys

LINES, COMPLEXITY, PARAMETERS = 60, 12, 4
FILE_LINES = 500
TABLES = {}  # a longer file that holds a table and nothing else: the reason why it is not divided
FLOORS = ("base", "policies", "registry", "webhook", "agent")
EXCEPTIONS = pathlib.Path("tests/check/exceptions.txt")
# A definition at the left margin, as clang-format leaves it: its parameter list ends with ") {".
DEFINITION = re.compile(r"^(?!#|typedef|struct \w+ \{|enum|union)[a-z][\w\s*]*?[\s*](\w+)\(([^;{}]*)\)\s*\{$", re.MULTILINE)


def measured(sources):
    """(file, function, size) of each function that is too big, by pmccabe."""
    out = subprocess.run(["pmccabe", *map(str, sources)], check=True, capture_output=True, text=True).stdout
    for line in out.splitlines():
        fields = re.match(r"(\d+)\s+\d+\s+\d+\s+\d+\s+(\d+)\s+(\S+?)\(\d+\): (\S+)", line)
        if not fields:
            raise SystemExit(f"pmccabe said something new: {line}")
        complexity, lines, path, name = int(fields[1]), int(fields[2]), fields[3], fields[4]
        if lines > LINES:
            yield path, name, f"{lines} lines"
        if complexity > COMPLEXITY:
            yield path, name, f"complexity {complexity}"


def parameters(text):
    """(function, parameters) of every definition. The error that a function fills is no argument, and nor is `...`."""
    for name, inside in DEFINITION.findall(text):
        inside = re.sub(r",\s*(struct err \*\w+|\.\.\.)(?=\s*(,|$))", "", inside)
        depth, count = 0, 0 if inside.strip() in ("", "void") else 1
        for character in inside:
            depth += {"(": 1, ")": -1}.get(character, 0)
            count += character == "," and depth == 0
        yield name, count


def long_files(lengths, tables):
    """lengths: {file: lines}. A fault for each file that is too long, and for each table that need not be listed."""
    for path, length in sorted(lengths.items()):
        if length > FILE_LINES and path not in tables:
            yield f"{path}: {length} lines"
    for path in tables:
        if lengths.get(path, 0) <= FILE_LINES:
            yield f"{path}: nobody needs this exception of TABLES"


def main():
    assert list(long_files({"a.c": 501, "b.c": 500, "t.c": 900}, {"t.c": "a table"})) == ["a.c: 501 lines"]
    assert list(long_files({"t.c": 500}, {"t.c": "a table"})) and list(long_files({}, {"t.c": "a table"}))
    assert list(parameters("static bool\nf(int a, void (*b)(int, int),\n  char *c) {\n")) == [("f", 3)]
    assert list(parameters("int f(int a, int b, struct err *err, const char *format, ...) {\n")) == [("f", 3)]
    sources = [path for floor in FLOORS for path in sorted(pathlib.Path(floor).rglob("*.c"))]
    found = list(measured(sources))
    for path in sources:
        found += [(str(path), name, f"{count} parameters") for name, count in
                  parameters(path.read_text(encoding="utf-8")) if count > PARAMETERS]
    allowed = {}
    for line in EXCEPTIONS.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            where, reason = line.split(None, 1)
            path, name = where.split(":")
            allowed[path, name] = reason
    faults = [f"{path}: {name}: {what}" for path, name, what in found if (path, name) not in allowed]
    needed = {(path, name) for path, name, _ in found}
    faults += [f"{EXCEPTIONS}: {path}:{name} is not needed any more" for path, name in allowed if (path, name) not in needed]
    faults += long_files({str(path): path.read_text(encoding="utf-8").count("\n") for floor in FLOORS
                          for path in pathlib.Path(floor).rglob("*.[ch]")}, TABLES)
    print(*faults, sep="\n")
    print(f"{len(sources)} files, {len(allowed) + len(TABLES)} exceptions, {len(faults)} faults")
    return 1 if faults or not sources else 0


sys.exit(main())
