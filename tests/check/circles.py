"""No circles of files: reads from the object files of a build which file uses which one's symbols.

tests/check/circles.py BUILD-DIRECTORY"""

import collections
import pathlib
import re
import subprocess
import sys


def edges_of(symbols):
    """symbols: file -> (defined, used). Returns file -> files whose symbols it uses."""
    owner = {}
    for name, (defined, _) in symbols.items():
        for symbol in defined:
            owner.setdefault(symbol, name)
    return {name: {owner[s] for s in used if owner.get(s, name) != name} for name, (_, used) in symbols.items()}


def circles(edges):
    """Tarjan: the strongly connected components of more than one file, each sorted."""
    index, low, on, stack, found = {}, {}, set(), [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        on.add(node)
        for other in edges.get(node, ()):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in on:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            part = []
            while not part or part[-1] != node:
                part.append(stack.pop())
                on.discard(part[-1])
            if len(part) > 1:
                found.append(sorted(part))

    for node in sorted(edges):
        if node not in index:
            visit(node)
    return sorted(found)


def read(build):
    newest = {}  # an older one belongs to the file's former library
    for path in sorted(pathlib.Path(build, "CMakeFiles").rglob("*.c.o"), key=lambda path: path.stat().st_mtime):
        match = re.search(r"\.dir/(.+)\.c\.o$", str(path))
        if match and pathlib.Path(match[1] + ".c").exists():
            newest[match[1] + ".c"] = str(path)
    names = {path: name for name, path in newest.items()}
    symbols = {name: (set(), set()) for name in names.values()}
    listed = subprocess.run(["nm", "-A", *names], capture_output=True, text=True, check=True).stdout if names else ""
    for line in listed.splitlines():
        path, rest = line.split(":", 1)
        kind, symbol = rest.split()[-2:]
        defined, used = symbols[names[path]]
        (used if kind == "U" else defined if kind in "TDBRVW" else set()).add(symbol)
    return symbols


def self_test():
    """The rule must be able to fail."""
    round_trip = {"a.c": ({"a"}, {"b"}), "b.c": ({"b"}, {"c"}), "c.c": ({"c"}, {"a"})}
    assert circles(edges_of(round_trip)) == [["a.c", "b.c", "c.c"]]
    straight = {"a.c": ({"a"}, {"b"}), "b.c": ({"b"}, {"c"}), "c.c": ({"c"}, set())}
    assert circles(edges_of(straight)) == []


def main():
    self_test()
    sys.setrecursionlimit(10000)
    symbols = read(sys.argv[1])
    edges = edges_of(symbols)
    found = circles(edges)
    for circle in found:
        print("circle: " + " ".join(circle))
        uses = collections.defaultdict(list)
        for name in circle:
            for other in circle:
                shared = sorted(symbols[name][1] & symbols[other][0])
                if other != name and shared:
                    uses[name].append(f"{other} ({', '.join(shared[:4])})")
        for name, others in uses.items():
            print(f"  {name} uses {'; '.join(others)}")
    print(f"{len(symbols)} files, {len(found)} circles")
    return 1 if found or not symbols else 0


sys.exit(main())
