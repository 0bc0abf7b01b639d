"""tests/guide, or a test that is named here, must run each block of shell in README.md and docs/install.md. Names of
missing blocks are faults, too."""

import pathlib
import re
import sys

PAGES = ("README.md", "docs/install.md")
ELSEWHERE = {  # (page, how the block begins): the file that runs it, and its words for that
    ("README.md", "contrib/quickstart"): ("tests/fresh", "contrib/quickstart"),
    ("README.md", "helm install"): ("tests/e2e/test_cluster_contrib.py", 'newcomer(block("helm install"))'),
    ("README.md", "(umask 077"): ("tests/e2e/test_cluster_contrib.py", 'newcomer(block("(umask"))'),
    ("docs/install.md", "contrib/install-deps --architecture arm64"): ("tests/cross", '--architecture "$architecture"'),
}
BLOCK = re.compile(r"^```(?:sh|bash|shell|console)\n(.*?)^```", re.M | re.S)
TYPED = re.compile(r"(?:\btyped \w+|\bline_by_line \w+|\bblock sh) (\S+) '([^'\n]+)'")


def faults(pages, script, elsewhere):
    """`pages`: {name: text}; `script`: the text of tests/guide."""
    named = set(TYPED.findall(script)) | set(elsewhere)
    for page, text in pages.items():
        for block in BLOCK.findall(text):
            if not any(page == of and block.startswith(begin) for of, begin in named):
                yield f"{page}: no test runs the block that begins with: {block.splitlines()[0]}"
    for page, begin in sorted(named):
        count = sum(block.startswith(begin) for block in BLOCK.findall(pages.get(page, "")))
        if count != 1:
            yield f"{page}: {count} blocks begin with: {begin}"


def self_test():
    """The rule must be able to fail."""
    pages = {"A.md": "```sh\none a\n```\n\n```sh\ntwo\n```\n```yaml\nno: shell\n```\n"}
    good = "typed root A.md 'one'\nblock sh A.md 'two'\n"
    assert not list(faults(pages, good, {}))
    assert not list(faults(pages, "line_by_line brian A.md 'one a'\n", {("A.md", "two"): None}))
    for script, elsewhere in (("typed root A.md 'one'\n", {}), (good + "typed root A.md 'three'\n", {}),
                              (good, {("B.md", "one"): None}), ("", {})):
        assert list(faults(pages, script, elsewhere)), (script, elsewhere)


def main():
    self_test()
    pages = {name: pathlib.Path(name).read_text(encoding="utf-8") for name in PAGES}
    found = list(faults(pages, pathlib.Path("tests/guide").read_text(encoding="utf-8"), ELSEWHERE))
    for (page, begin), (file, words) in ELSEWHERE.items():
        if words not in pathlib.Path(file).read_text(encoding="utf-8"):
            found.append(f"{page}: {file} does not run the block that begins with: {begin}")
    print(*found, sep="\n")
    print(f"{sum(len(BLOCK.findall(text)) for text in pages.values())} blocks, {len(found)} faults")
    return 1 if found else 0


sys.exit(main())
