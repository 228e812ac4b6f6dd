"""What the pages of the repository say: commands, links and Python, taken out of their Markdown."""

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from string import Template
from textwrap import dedent
from types import ModuleType

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/*.md", "*/README.md", "in_vivo_analysis/*/README.md")
    for path in ROOT.glob(pattern)
)


def _site_hooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("site_hooks", ROOT / "docs/hooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOOKS = _site_hooks()
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", flags=re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def text_of(page: str) -> str:
    return (ROOT / page).read_text()


def blocks(text: str, *languages: str) -> list[str]:
    """The fenced blocks of `text` in one of `languages`."""
    return [dedent(body) for language, body in FENCE.findall(text) if language in languages]


def commands(text: str) -> Iterator[list[str]]:
    """The words after `python` of each command, the page's own shell variables put in."""
    known: dict[str, str] = {}
    for block in blocks(text, "bash", ""):
        for line in block.replace("\\\n", " ").splitlines():
            for name, value in re.findall(r'^(\w+)="([^"]*)"', line):
                known[name] = Template(value).safe_substitute(known)
            for name, value in re.findall(r"^for (\w+) in (\S+)", line):
                known[name] = value
            yield from _python(Template(line).safe_substitute(known))
    for code in re.findall(r"`(python [^`]+)`", FENCE.sub("", text)):
        yield from _python(code)


def _python(line: str) -> Iterator[list[str]]:
    words = shlex.split(line, comments=True)
    while "python" in words:
        words = words[words.index("python") + 1 :]
        ends = [words.index(end) for end in ("&&", ";", "|", "done") if end in words]
        command = words[: min(ends, default=len(words))]
        if command:
            yield command


def links(text: str) -> list[str]:
    """Targets of links and pictures outside of code."""
    return LINK.findall(re.sub(r"`[^`]*`", "", FENCE.sub("", text)))


def anchors(text: str) -> set[str]:
    """What `#` links to headings of `text` are called."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", text), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", h.lower()).strip().replace(" ", "-") for h in headings}
