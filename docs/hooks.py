"""What MkDocs shows besides docs/: pages of the folders, and all flags of the real parsers.

Links are written as in the repository; here they become links of the site, and links to files
that the site does not show become the name of the file.
"""

import argparse
import json
import logging
import os
import posixpath
import re
import runpy
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

ROOT = Path(__file__).resolve().parent.parent
# Where the repository's pages outside docs/ stand in the site.
PAGES = {
    "README.md": "index.md",
    "data/README.md": "data_format.md",
    "tuning_retinotopy/README.md": "retinotopy.md",
    "tuning_direction/README.md": "direction.md",
    "tuning_contextual_modulation/README.md": "contextual_modulation.md",
    "tuning_feedbackRF/README.md": "feedback.md",
    "most_exciting_stimulus/README.md": "most_exciting_stimuli.md",
    "in_vivo_analysis/README.md": "in_vivo.md",
    "misc/README.md": "misc.md",
    "docs/notebooks/demo.ipynb": "notebook.md",
    "CHANGELOG.md": "changelog.md",
}
FOLDERS = ("", "data", "misc", "tuning_retinotopy", "tuning_direction")
FOLDERS += ("tuning_contextual_modulation", "tuning_feedbackRF", "most_exciting_stimulus")
FOLDERS += ("in_vivo_analysis", "in_vivo_analysis/*")
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


class _Parser(Exception):
    """Carries the parser of a script out of the script."""


def _leave(parser: argparse.ArgumentParser, *_: object, **__: object) -> NoReturn:
    raise _Parser(parser)


@contextmanager
def _quiet() -> Iterator[None]:
    """Scripts set up the package's log and the path; both are put back."""
    logger = logging.getLogger("viv1t")
    handlers, propagate, level = logger.handlers, logger.propagate, logger.level
    with mock.patch.object(sys, "path", [*sys.path]):
        yield
    logger.handlers, logger.propagate = handlers, propagate
    logger.setLevel(level)


def scripts() -> list[str]:
    """The scripts of the repository, as paths from its root, in the order of the site."""
    return [
        path.relative_to(ROOT).as_posix()
        for folder in FOLDERS
        for path in sorted(ROOT.glob(f"{folder}/*.py" if folder else "*.py"))
    ]


def parser_of(script: str, *argv: str) -> argparse.ArgumentParser:
    """The parser of `python <script> <argv>`; nothing of it runs but what comes before parsing.

    Args:
        script: a path from the root of the repository, or `-m` with the name of a module.
        argv: flags that decide which other flags there are (of train.py).

    Raises:
        RuntimeError: the script ends without having read a command line.
    """
    stop = mock.patch.object(argparse.ArgumentParser, "parse_args", _leave)
    name = script.removeprefix("-m ")
    try:
        with _quiet(), stop, mock.patch.object(sys, "argv", [name, *argv]):
            if name == script:
                runpy.run_path(str(ROOT / script), run_name="__main__")
            else:
                for loaded in (name, f"{name}.__main__"):  # runpy warns of a second copy
                    if loaded.count("."):
                        sys.modules.pop(loaded, None)
                runpy.run_module(name, run_name="__main__")
    except _Parser as found:
        parser: argparse.ArgumentParser = found.args[0]
        parser.prog = f"python {script}"
        return parser
    raise RuntimeError(f"{script} reads no command line")


def _cell(text: object) -> str:
    return re.sub(r"([|<>*_])", r"\\\1", " ".join(str(text).split()))


def _default(action: argparse.Action, said: str | None) -> str:
    """What a flag is when it is not given; `said`: what its help says of that."""
    value = said if action.default is argparse.SUPPRESS else action.default
    if action.required or value == "required":
        return "required"
    if value in (None, [], "", (), "none"):
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    many = isinstance(value, list | tuple)
    return f"`{' '.join(str(part) for part in value) if many else value}`"


def _rows(actions: Iterable[argparse.Action]) -> Iterator[str]:
    yield from ("", "| flag | default | what it does |", "| --- | --- | --- |")
    for action in actions:
        if isinstance(action, argparse._HelpAction):
            continue
        names = ", ".join(f"`{name}`" for name in action.option_strings or [action.dest])
        says, _, said = (action.help or "").replace("%%", "%").partition(" (default: ")
        choices = [f"`{choice}`" for choice in action.choices or () if choice != ""]
        one_of = f" (one of {', '.join(choices)})" if choices else ""
        what = _cell(says.removesuffix(" (required)")) + one_of
        yield f"| {names} | {_default(action, said.removesuffix(')') or None)} | {what} |"


def flag_page(script: str) -> str:
    """A heading and a table of all flags of `script`, in Markdown."""
    parser = parser_of(script)
    lines = [f"## `{script}`", "", _cell(parser.description or ""), *_rows(parser._actions)]
    if script == "train.py":
        lines += _other_parts()
    return "\n".join(lines) + "\n"


def _other_parts() -> Iterator[str]:
    """The flags of the cores and readouts that train.py does not take by default."""
    from viv1t.model.cores import CORES
    from viv1t.model.readouts import READOUTS

    for flag, names in (("--core", CORES.names()), ("--readout", READOUTS.names())):
        for name in names:
            groups = parser_of("train.py", flag, name)._action_groups
            (group,) = (g for g in groups if (g.title or "").startswith(f"{flag} {name} "))
            if group._group_actions:
                yield from ("", f"### `{flag} {name}`", *_rows(group._group_actions))


def flag_pages() -> dict[str, str]:
    """One Markdown page of flags for each folder with scripts, by its path in the site."""
    pages: dict[str, str] = {}
    for script in scripts():
        folder = script.split("/")[0] if "/" in script else "train and predict"
        name = f"flags/{folder.replace(' ', '_')}.md"
        pages.setdefault(name, f"# Flags: {folder}\n\n")
        pages[name] += flag_page(script) + "\n"
    return pages


def site_links(text: str, source: str, shown: set[str]) -> str:
    """`text` of the repository's page `source` with the links of the site.

    Args:
        text: Markdown, links as in the repository.
        source: where it stands in the repository.
        shown: what the site has, as paths in the site.
    """
    here = PAGES.get(source, source.removeprefix("docs/"))

    def moved(match: re.Match[str]) -> str:
        image, label, target = match.groups()
        if re.match(r"[a-z]+:|#|<", target):
            return match[0]
        path, _, anchor = target.partition("#")
        there = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        there = PAGES.get(there, there.removeprefix("docs/"))
        if there not in shown:
            return f"{label} (`{there}`)" if label.strip("`") != there else label
        link = os.path.relpath(there, posixpath.dirname(here) or ".")
        return f"{image}[{label}]({link}{'#' + anchor if anchor else ''})"

    return LINK.sub(moved, text)


def notebook_page(text: str) -> str:
    """A notebook (its JSON) as Markdown: cells, printed lines, and figures within the page."""
    parts: list[str] = []
    for cell in json.loads(text)["cells"]:
        source = "".join(cell["source"])
        parts.append(source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```")
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            said = "".join(output.get("text") or data.get("text/plain", ""))
            if "image/png" in data:
                parts.append(
                    f"![figure](data:image/png;base64,{''.join(data['image/png']).strip()})"
                )
            elif said.strip():
                parts.append(f"```text\n{said.rstrip()}\n```")
    return "\n\n".join(parts) + "\n"


def page_of(source: str) -> str:
    """The Markdown of one of `PAGES`, links as in the repository."""
    text = (ROOT / source).read_text()
    return notebook_page(text) if source.endswith(".ipynb") else text


def on_files(files: Any, config: Any) -> Any:  # noqa: ANN401
    """Called by MkDocs: the pages of the folders and the pages of flags join those of docs/."""
    from mkdocs.structure.files import File

    for source, place in PAGES.items():
        if (ROOT / source).is_file():
            files.append(File.generated(config, place, content=page_of(source)))
    for place, text in flag_pages().items():
        files.append(File.generated(config, place, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:  # noqa: ANN401
    """Called by MkDocs for each page: links as in the repository become links of the site."""
    place = page.file.src_uri
    source = {there: here for here, there in PAGES.items()}.get(place, f"docs/{place}")
    return site_links(markdown, source, {file.src_uri for file in files})
