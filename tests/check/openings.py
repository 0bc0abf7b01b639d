"""Plain English: no sentence of a comment, a message or a page begins with a relative clause, and sizeof is written one way.

CONTRIBUTING.md has the rule: name the thing; subject, verb, object; the condition last. A question may begin so where a page asks it in
a heading, and a quotation may: "What is lost …".
"""

import pathlib
import re
import subprocess
import sys

OPENING = r"(?:What(?:'s|ever)?|Who(?:'s|ever)?|That|It(?: i|')s)\b"
# At the start of a text, or after the sentence before it.
SENTENCE = re.compile(r"(?:^|(?<=[.!;:] )|(?<=[.!:]  ))(?:\(|\*\*|- |\d+\. )?(" + OPENING + r"[^.;:]{0,50})")
# A comment, or a literal, which may hold the beginning of one.
C_PIECE = re.compile(r"""/\*(?P<comment>.*?)\*/|"(?P<string>(?:[^"\\\n]|\\.)*)"|'(?:[^'\\\n]|\\.)+'""", re.DOTALL)
HASH_COMMENT = re.compile(r"(?:^[ \t]*#(?!!)[^\n]*\n?)+", re.MULTILINE)
TRAILING_COMMENT = re.compile(r"(?<=\S)[ \t]+# ([^\n\"']*)$", re.MULTILINE)
DOCSTRING = re.compile(r'"""(.*?)"""', re.DOTALL)
CODE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
# `sizeof value`, but `sizeof(type)` and a macro's `sizeof(parameter)`.
SIZEOF = re.compile(r"\bsizeof\s?\(([^()]*)\)")
TYPE = re.compile(r"^(?:const )?(?:struct|union|enum|unsigned|int|char|long|void|double|time_t|size_t|off_t|\w+_t)\b")
# A user's question: "What does an update wait for?"
HEADING = re.compile(r"^#+ .*\?$", re.MULTILINE)
# Copied from elsewhere, or a text that must stay as it is.
SKIPPED = ("docs/spec/", "tests/data/", "tests/fuzz/corpus/", "LICENSE", "tests/check/openings.py")
PROSE = (".c", ".h", ".md", ".py", ".cmake", ".yaml", ".yml", ".tpl", ".txt", ".service", ".sh", "Dockerfile")


def plain(text):
    """The words of a comment, without its stars and hashes; a blank line ends a sentence."""
    lines = [re.sub(r"^[ \t]*[*#|]*[ \t]?", "", line).rstrip() for line in text.strip().split("\n")]
    return re.sub(r"\n{2,}", ". ", "\n".join(lines)).replace("\n", " ").strip()


def blank(text, pattern):
    """The text with what matches replaced by as many lines."""
    return pattern.sub(lambda match: "\n" * match.group().count("\n"), text)


def pieces(path, text):
    """Each piece of prose in a file: its place and its words."""
    if path.endswith((".c", ".h")):
        for match in C_PIECE.finditer(text):
            if match.group("comment") is not None:
                yield match.start(), plain(match.group("comment"))
            elif match.group("string") is not None and not path.startswith("tests/"):
                yield match.start(), match.group("string")
    elif path.endswith(".md"):
        text = blank(blank(text, CODE), HEADING)
        for match in re.finditer(r"[^\n]+(?:\n(?![ \t]*(?:[-*|#\n]|\d+\. ))[^\n]+)*", text):
            for cell in plain(match.group()).split("|"):
                yield match.start(), cell.strip()
    else:
        for match in HASH_COMMENT.finditer(text):
            yield match.start(), plain(match.group())
        for match in TRAILING_COMMENT.finditer(text):
            yield match.start(), match.group(1)
        if path.endswith(".py"):
            for match in DOCSTRING.finditer(text):
                yield match.start(), plain(match.group(1))


def faults(path, text):
    for place, words in pieces(path, text):
        for match in SENTENCE.finditer(words):
            yield place, f"begins with a relative clause: {match.group(1)}"
    if path.endswith((".c", ".h")):
        lines = text.split("\n")
        for number, line in enumerate(lines):
            if line.lstrip().startswith("#define") or (number > 0 and lines[number - 1].endswith("\\")):
                continue  # of a macro
            for match in SIZEOF.finditer(line):
                if not TYPE.match(match.group(1).strip()):
                    yield len("\n".join(lines[:number])), f"write sizeof without parentheses: {match.group()}"


def self_test():
    """The rule must be able to fail."""
    assert [*faults("a.c", "/* What is lost\n * stays. */\nint a = sizeof(b);")] and not [*faults("a.c", "/* Says what it is. */\nsizeof(struct a)")]
    assert [*faults("a.md", "Fine. It is\nnot.\n")] and not [*faults("a.md", "## What is it?\n\n```\nWhat\n```\n| \"What is lost\" |\n")]
    assert [*faults("a.yaml", "a: 1 # Whoever asks\n")] and [*faults("a.py", '"""Who asks."""')] and not [*faults("a.c", 'f("%s: what is it");')]


def main():
    self_test()
    files = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True).stdout.split()
    count = found = 0
    for path in files:
        whole = pathlib.Path(path)
        if path.startswith(SKIPPED) or whole.is_symlink() or not whole.is_file() or path.endswith((".png", ".pem", ".key")):
            continue
        try:
            text = whole.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if not (path.endswith(PROSE) or text.startswith("#!")):
            continue
        count += 1
        for place, fault in faults(path, text):
            found += 1
            print(f"{path}:{text.count(chr(10), 0, place) + 1}: {fault}")
    print(f"{count} files, {found} faults")
    return 1 if found or not count else 0


sys.exit(main())
