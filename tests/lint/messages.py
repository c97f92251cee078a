#!/usr/bin/python3
"""Holds the chapter "When you see this message" of docs/OPERATIONS.md, and of its Portuguese version, against the program: each warning and
error that the daemon logs is quoted there, and nothing is quoted that it does not say. `messages.py --list` prints the messages.

Of a message that is put together at run time the longest literal counts; in the pages the parts that differ are "…". A message that is handed on
whole, such as the engine's words, has no literal: what may stand in it is told with the one it follows.
"""
import os
import re
import sys

PAGES = {"docs/OPERATIONS.md": "When you see this message", "docs/OPERATIONS.pt-BR.md": "Quando aparece esta mensagem"}
BEGINNINGS = re.compile(
    r"(?<!case )(?<![<>=] )\b(?:SayLevel|LogLevel)::(?:Warning|Error)\b|\bsay\(httpd\b|\*warning = |warnings->push_back\("
)
SHORTEST = 10  # of a literal that says something


def tokens(text):
    """Literals and what stands between them: ("text", "...") and ("code", "...")."""
    at = 0
    for found in re.finditer(r'//[^\n]*|"((?:[^"\\\n]|\\.)*)"|\'(?:[^\'\\\n]|\\.)+\'', text):
        yield "code", text[at : found.start()], at
        at = found.end()
        if found.group(1) is not None:
            yield "text", found.group(1).replace('\\"', '"').replace("\\\\", "\\"), found.start()
    yield "code", text[at:], at


def literals(text, start=0, whole=False):
    """Those of one statement, or of all; what only a line end or a + parts is one."""
    joined = []
    glued = False
    for kind, part, place in tokens(text[start:]):
        if kind == "text":
            if glued and joined:
                joined[-1] += part
            else:
                joined.append(part)
            glued = True
            continue
        if ";" in part and not whole:
            break
        glued = glued and part.strip() in ("", "+")
    return joined


def sources():
    for folder, _, files in sorted(os.walk("src")):
        for name in sorted(files):
            if name.endswith(".cc"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    yield os.path.join(folder, name), file.read()


def messages():
    for path, text in sources():
        for begin in BEGINNINGS.finditer(text):
            said = [one for one in literals(text, begin.start()) if not re.fullmatch(r"[A-Z -]*", one)]
            longest = max(said, key=len, default="").strip()
            if len(longest) >= SHORTEST:
                yield f"{path}:{text.count(chr(10), 0, begin.start()) + 1}", longest


def chapter(path, title):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    found = re.search(rf"^## {title}$(.*?)(?=^## |\Z)", text, re.M | re.S)
    return found.group(1) if found else ""


def quotes(text):
    """What the first column of its tables quotes, cut where something differs."""
    for cell in re.findall(r"^\| *`([^`]+)`", text, re.M):
        yield cell, [part.strip() for part in re.split("…", cell) if part.strip()]


def main():
    if sys.argv[1:] == ["--list"]:
        for place, message in messages():
            print(f"{place}: {message}")
        return
    all_said = "\n".join(one for _, text in sources() for one in literals(text, whole=True))
    number = 0

    def report(name, findings):
        nonlocal number
        number += 1
        print(f"{'not ok' if findings else 'ok'} {number} - {name}")
        for finding in findings:
            print(f"# {finding}")

    for path, title in PAGES.items():
        text = chapter(path, title)
        quoted = "\n".join(cell for cell, _ in quotes(text))
        found = list(messages())
        report(f"{path} quotes every warning and error", [f"{place}: {one}" for place, one in found if one not in quoted] or ([] if found else ["no message found"]))
        report(f"{path} quotes nothing else", [f"{cell}: nothing says '{part}'" for cell, parts in quotes(text) for part in parts if part not in all_said])
    print(f"1..{number}")


os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
main()
