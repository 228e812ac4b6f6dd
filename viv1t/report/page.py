"""The page itself: plain HTML in one file, nothing outside of it needed."""

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import pandas as pd
import yaml

from viv1t.report.chapters import CHAPTERS, OTHER
from viv1t.report.collect import (
    Contents,
    Picture,
    StoredTable,
    configuration_of,
    read_any,
)
from viv1t.results.run import RunDir
from viv1t.results.specs import TABLES

MIME: Final[Mapping[str, str]] = MappingProxyType(
    {
        ".png": "image/png",
        ".svg": "image/svg+xml",
        ".jpg": "image/jpeg",
        ".jpeg": "image/jpeg",
        ".gif": "image/gif",
        ".mp4": "video/mp4",
    }
)
# Larger files are named and not shown: a page should open in any browser.
MAX_BYTES: Final = 12 * 2**20
SHOWN_ROWS: Final = 6
SHOWN_COLUMNS: Final = 12
SHOWN_CHARACTERS: Final = 60
RECOVERY: Final = "Recovered against true"
CONFIGURATION: Final = "Configuration"

_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;color:#222;max-width:1100px;margin:2em auto;padding:0 1em}
h1{font-size:1.6em}h2{margin-top:2em;border-bottom:2px solid #0072B2;padding-bottom:.2em}
figure{margin:1.5em 0;padding:1em;border:1px solid #ddd;border-radius:6px}
figure img,figure video{max-width:100%;height:auto;display:block;margin:auto}
figcaption{margin-top:.7em}code,.path{font:13px ui-monospace,monospace;color:#555}
table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums;margin:.5em 0}
th,td{padding:.2em .6em;border-bottom:1px solid #ddd;text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}th{border-bottom:2px solid #999}
.scroll{overflow-x:auto}details{margin:.5em 0}summary{cursor:pointer}
pre{background:#f6f6f6;padding:.8em;overflow-x:auto;font-size:12px}nav a{margin-right:1em}
.missing{color:#888}.note{color:#555;font-size:13px}
"""


def render(
    contents: Contents,
    *,
    title: str,
    facts: Mapping[str, str],
    recovery: Mapping[str, tuple[pd.DataFrame, bytes]],
) -> str:
    """The page as text.

    Args:
        contents: what is shown.
        title: of the page.
        facts: name -> value, at the top: what made the page, and when.
        recovery: folder of results -> (summary of what was recovered of a known truth, figure as
            PNG); empty: no truth is known.
    """
    chapters: dict[str, list[str]] = {}
    if recovery:
        chapters[RECOVERY] = [_recovery(*item) for item in recovery.items()]
    for name in (*CHAPTERS, OTHER):
        pictures = [_picture(p) for p in contents.pictures if p.chapter == name]
        tables = [_stored_table(t) for t in contents.tables if t.chapter == name]
        if pictures or tables:
            chapters.setdefault(name, []).extend(pictures + tables)
    if contents.runs:
        chapters[CONFIGURATION] = [_configuration(*run) for run in contents.runs.items()]
    return whole_page(chapters, title=title, facts=facts, first=_overview(contents))


def whole_page(
    chapters: Mapping[str, Sequence[str]],
    *,
    title: str,
    facts: Mapping[str, str],
    first: str = "",
    style: str = "",
) -> str:
    """A page as text: title, facts, links, and chapters of HTML.

    Args:
        chapters: heading -> pieces of HTML.
        title: of the page.
        facts: name -> value, at the top.
        first: HTML before the chapters.
        style: CSS besides that of all pages.
    """
    links = "".join(f'<a href="#{_anchor(name)}">{escape(name)}</a>' for name in chapters)
    body = "".join(
        f'<h2 id="{_anchor(name)}">{escape(name)}</h2>{"".join(parts)}'
        for name, parts in chapters.items()
    )
    top = "".join(f"<li>{escape(key)}: {escape(value)}</li>" for key, value in facts.items())
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}{style}</style></head><body>"
        f'<h1>{escape(title)}</h1><ul class="note">{top}</ul><nav>{links}</nav>'
        f"{first}{body}</body></html>\n"
    )


def _anchor(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name.lower())


def _overview(contents: Contents) -> str:
    """Which table of which analysis is there, and which script makes it."""
    folders = contents.folders
    if not folders or not TABLES:
        return ""
    rows = []
    for name, spec in TABLES.items():
        marks = ["yes" if f.table(name).is_file() else "–" for f in folders.values()]
        rows.append([name, *marks, f"python {spec.made_by}"])
    header = ["Table", *folders, "made by"]
    return f"<h2>What there is</h2>{grid(header, rows)}"


def _recovery(folder: str, found: tuple[pd.DataFrame, bytes]) -> str:
    summary, picture = found
    image = embedded(picture, ".png", f"recovered against true, {folder}")
    return (
        f"<figure>{image}<figcaption>What the analyses of <b>{escape(folder)}</b> found, against "
        "the true parameters of the synthetic neurons.</figcaption>"
        f"{_frame(summary, rows=len(summary))}</figure>"
    )


def _picture(picture: Picture) -> str:
    size = picture.path.stat().st_size
    if size > MAX_BYTES:
        shown = f'<p class="missing">{size / 2**20:.0f} MiB, too large to be shown here</p>'
    else:
        shown = embedded(picture.path.read_bytes(), picture.path.suffix, picture.caption)
    read = {path.name: read_any(path) for path in picture.numbers if path.stat().st_size > 1}
    numbers = "".join(
        details(f"Numbers: {name}", _frame(table))
        for name, table in read.items()
        if table is not None
    )
    return (
        f"<figure>{shown}<figcaption>{escape(picture.caption)} "
        f'<span class="path">{escape(picture.name)}</span></figcaption>{numbers}</figure>'
    )


def embedded(content: bytes, suffix: str, text: str) -> str:
    """A picture or movie as HTML.

    Args:
        content: of its file.
        suffix: a key of `MIME`.
        text: what it shows.
    """
    source = f"data:{MIME[suffix]};base64,{base64.b64encode(content).decode('ascii')}"
    if suffix == ".mp4":
        return f'<video controls loop src="{source}"></video>'
    return f'<img loading="lazy" src="{source}" alt="{escape(text, quote=True)}">'


def _stored_table(stored: StoredTable) -> str:
    table = read_any(stored.path)
    if table is None:
        return f'<p class="missing">{escape(stored.name)} cannot be read</p>'
    about = {key: stored.about[key] for key in ("method", "as_published") if key in stored.about}
    how = f"<pre>{escape(_yaml(about))}</pre>" if about else ""
    title = f"Table {stored.name} ({len(table)} rows)"
    rows = len(table) if stored.chapter == RECOVERY else SHOWN_ROWS
    return details(title, _frame(table, rows=rows) + how)


def _configuration(name: str, run: RunDir) -> str:
    found = configuration_of(run)
    epochs = f", {found.num_epochs} epochs" if found.num_epochs else ""
    flags = f"<pre>{escape(_yaml(found.flags))}</pre>"
    parts = details(f"args.yaml ({len(found.flags)} flags)", flags)
    if found.start:
        parts += details("last start", f"<pre>{escape(_yaml(found.start))}</pre>")
    return f"<h3>{escape(name)}{epochs}</h3>{parts}"


def _yaml(values: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(values), sort_keys=True, allow_unicode=True, width=100)


def details(title: str, content: str) -> str:
    """HTML that unfolds when its title is clicked."""
    return f"<details><summary>{escape(title)}</summary>{content}</details>"


def _frame(table: pd.DataFrame, *, rows: int = SHOWN_ROWS) -> str:
    """The first rows and columns of `table`, and how many there are."""
    shown = table.iloc[:rows, :SHOWN_COLUMNS]
    cells = [[_cell(value) for value in row] for row in shown.to_numpy()]
    notes = [f"{len(shown)} of {len(table)} rows"] if len(shown) < len(table) else []
    hidden = [str(column) for column in table.columns[SHOWN_COLUMNS:]]
    if hidden:
        notes.append(f"further columns: {', '.join(hidden)}")
    note = f'<p class="note">{escape("; ".join(notes))}</p>' if notes else ""
    return grid([str(column) for column in shown.columns], cells) + note


def grid(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of texts as HTML."""
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:.4g}"
    text = str(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"


def size_text(path: Path) -> str:
    """The size of a file in MiB."""
    return f"{path.stat().st_size / 2**20:.1f} MiB"
