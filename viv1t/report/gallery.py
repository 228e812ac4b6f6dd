"""A page on which all stimuli of a neuron stand side by side, with what they do to it."""

import io
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

import viv1t
from viv1t.errors import MissingResultError
from viv1t.most_exciting_stimulus.exhibits import Exhibit, ExhibitSet
from viv1t.most_exciting_stimulus.export import grey_bytes
from viv1t.plot.stimulus_movies import brief
from viv1t.plot.style import TRUTH, model_styles
from viv1t.report.page import embedded, grid, size_text, whole_page
from viv1t.results.stimulus_score_tables import RANKS, SCORES
from viv1t.results.store import read_result
from viv1t.utils.files import write_text

logger = logging.getLogger(__name__)

NAME: Final = "gallery.html"
AS_MADE: Final = "as made"
# Of the drawing of responses, in its own units.
WIDTH: Final = 220
HEIGHT: Final = 80
_STYLE: Final = """
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(220px,1fr));gap:.8em}
.cards figure{margin:0;padding:.6em}.cards img{width:100%;image-rendering:pixelated}
.cards svg{width:100%;height:auto;display:block;margin-top:.3em}
.cards figcaption{font-size:13px;line-height:1.4;overflow-wrap:anywhere}
.good{color:#006d51}.bad{color:#b04a00}
.key span{margin-right:1.2em}td{white-space:normal;text-align:left;vertical-align:top}
th{text-align:left}
"""


def write_gallery(output_dir: Path, sets: Iterable[ExhibitSet]) -> Path:
    """The page that was written, `<output_dir>/gallery.html`; nothing outside of it is needed.

    Controls and ranks stand on it where `evaluate_stimuli.py` has made their tables.

    Args:
        output_dir: the folder of results.
        sets: as `exhibits.read_sets` gives them.
    """
    scores, ranks = (_table(output_dir, name) for name in (SCORES, RANKS))
    chapters: dict[str, list[str]] = {}
    summaries: list[tuple[list[str], dict[str, str]]] = []
    num_stimuli = 0
    for shown in sets:
        who = list(dict.fromkeys(w for e in shown.exhibits for w in e.traces))
        styles = model_styles(who)
        colours = {w: TRUTH if w == "truth" else styles[w].colour for w in who}
        cards = "".join(_card(e, colours, shown.limits) for e in shown.exhibits)
        parts = [_key(colours), f'<div class="cards">{cards}</div>']
        parts += [_controls(shown, scores), _ranks(shown, ranks)]
        chapters[shown.name] = parts
        summaries.append(_summary(shown))
        num_stimuli += len(shown.exhibits)
    asked = list(dict.fromkeys(who for _, best in summaries for who in best))
    first = grid(
        ["Whom", "stimuli", "generated converged", *(f"strongest for {who}" for who in asked)],
        [[*cells, *(best.get(who, "–") for who in asked)] for cells, best in summaries],
    )
    facts = {
        "Folder": str(output_dir),
        "Made": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC by viv1t {viv1t.__version__}",
        "Asked": ", ".join(asked),
        "Numbers": "sum of the response over the stimulus (maximum), in recorded units; the "
        "population: mean over neurons. Responses of one neuron share their axis.",
    }
    path = Path(output_dir) / NAME
    title = f"Most exciting stimuli of {path.parent.resolve().name}"
    write_text(path, whole_page(chapters, title=title, facts=facts, first=first, style=_STYLE))
    logger.info("wrote %s (%s): %d stimuli", path, size_text(path), num_stimuli)
    return path


def _table(output_dir: Path, name: str) -> pd.DataFrame | None:
    """The table, if it was made."""
    try:
        return read_result(output_dir, name)
    except MissingResultError:
        logger.info("no table %s: evaluate_stimuli.py makes it; the page goes without", name)
        return None


def _summary(shown: ExhibitSet) -> tuple[list[str], dict[str, str]]:
    """Who, how many stimuli, and converged; and the strongest by who was asked."""
    best: dict[str, tuple[float, str]] = {}
    for exhibit in shown.exhibits:
        for who, (total, _) in exhibit.values.items():
            if who not in best or total > best[who][0]:
                best[who] = (total, exhibit.words)
    made = [exhibit for exhibit in shown.exhibits if exhibit.is_generated]
    converged = sum(bool(exhibit.row["converged"]) for exhibit in made)
    cells = [shown.name, str(len(shown.exhibits)), f"{converged} of {len(made)}"]
    return cells, {who: words for who, (_, words) in best.items()}


def _key(colours: Mapping[str, str]) -> str:
    names = (f'<span style="color:{c}">&#9644; {escape(who)}</span>' for who, c in colours.items())
    return f'<p class="key note">{"".join(names)}</p>'


def _card(exhibit: Exhibit, colours: Mapping[str, str], limits: tuple[float, float]) -> str:
    row = exhibit.row
    values = "<br>".join(
        f"{escape(who)}: <b>{brief(total)}</b> ({brief(peak)})"
        for who, (total, peak) in exhibit.values.items()
    )
    made = f"{brief(row['value'])} when made{_verdict(exhibit)}"
    contrast = f"RMS {row['rms']:.3g}, mean {row['mean']:.4g} grey values"
    origin = [str(row["source"])] if row["source"] else []
    origin += [f"seed {row['seed']}"] if int(row["seed"]) >= 0 else []
    origin.append(f"{row['library']}/{row['stimulus']}")
    return (
        f"<figure>{embedded(*moving_picture(exhibit.frames, exhibit.fps), exhibit.words)}"
        f"{_drawing(exhibit, colours, limits)}<figcaption><b>{escape(exhibit.words)}</b><br>"
        f'{values}<br>{made}<br>{contrast}<br><span class="path">{escape(", ".join(origin))}'
        "</span></figcaption></figure>"
    )


def _verdict(exhibit: Exhibit) -> str:
    """Whether the ascent came to rest; of stimuli that were searched nothing."""
    if not exhibit.is_generated:
        return ""
    if exhibit.row["converged"]:
        return ', <span class="good">converged</span>'
    return ', <span class="bad">not converged</span>'


def moving_picture(frames: NDArray[np.floating], fps: float) -> tuple[bytes, str]:
    """A movie of grey values, without loss, and its suffix: GIF, or PNG if nothing moves."""
    pictures = [Image.fromarray(frame) for frame in grey_bytes(frames)]
    file = io.BytesIO()
    if (frames == frames[0]).all():
        pictures[0].save(file, format="PNG")
        return file.getvalue(), ".png"
    ends_ms = 10 * np.rint(100 * np.arange(len(frames) + 1) / fps).astype(int)
    pictures[0].save(
        file,
        format="GIF",
        save_all=True,
        append_images=pictures[1:],
        duration=np.diff(ends_ms).tolist(),
        loop=0,
    )
    return file.getvalue(), ".gif"


def _drawing(exhibit: Exhibit, colours: Mapping[str, str], limits: tuple[float, float]) -> str:
    """The responses, and when the stimulus was on, as SVG."""
    low, high = limits
    length = len(next(iter(exhibit.traces.values())))

    def x(frame: float) -> float:
        return WIDTH * frame / length

    def y(value: float) -> float:
        return HEIGHT * (1 - (value - low) / (high - low))

    start, stop = exhibit.window.start, exhibit.window.stop
    lines = "".join(
        f'<polyline fill="none" stroke="{colours[who]}" stroke-width="1.5" points="'
        + " ".join(f"{x(k + 0.5):.1f},{y(v):.1f}" for k, v in enumerate(trace.tolist()))
        + '"/>'
        for who, trace in exhibit.traces.items()
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="responses">'
        f'<rect x="{x(start):.1f}" width="{x(stop - start):.1f}" height="{HEIGHT}" fill="#e4e4e4"/>'
        f'<line x2="{WIDTH}" y1="{y(0):.1f}" y2="{y(0):.1f}" stroke="#999"/>{lines}'
        f'<text x="2" y="9" font-size="9" fill="#555">{high:.3g}</text></svg>'
    )


def _controls(shown: ExhibitSet, scores: pd.DataFrame | None) -> str:
    """What is left of the response to changed stimuli, in per cent."""
    if scores is None:
        return ""
    rows = _of(shown, scores)
    rows = rows[rows["version"] != "contrast"]
    changes = zip(rows["version"], rows["amount"], strict=True)
    rows = rows.assign(change=[_change(version, amount) for version, amount in changes])
    key = ["stimulus", "responder", "change"]
    means = rows.groupby(key, sort=False)["response"].mean().unstack()
    if AS_MADE not in means or means.shape[1] < 2:
        return ""
    means = means.dropna(thresh=2)
    shares = means.drop(columns=AS_MADE).div(means[AS_MADE], axis=0) * 100
    header = ["Controls: stimulus", "asked", AS_MADE, *map(str, shares.columns)]
    cells = [
        [*map(str, name), brief(whole), *("–" if np.isnan(s) else f"{s:.0f} %" for s in left)]
        for name, whole, left in zip(
            means.index, means[AS_MADE], shares.to_numpy(float), strict=True
        )
    ]
    return grid(header, cells) if cells else ""


def _change(version: str, amount: float) -> str:
    return version if version == AS_MADE or not amount else f"{version} {amount:g}°"


def _ranks(shown: ExhibitSet, ranks: pd.DataFrame | None) -> str:
    """How specific stimuli are for their neuron."""
    if ranks is None:
        return ""
    rows = _of(shown, ranks)
    cells: Sequence[Any] = [
        [
            *(str(row["stimulus"]), str(row["responder"])),
            "on each receptive field" if row["matched"] else "as made",
            f"{row['rank']:g} of {row['num_neurons']:g}",
            f"{row['rank_of_stimulus']:g} of {row['num_stimuli']:g}",
        ]
        for row in rows.to_dict("records")
    ]
    header = ["Ranks: stimulus", "asked", "shown", "of this neuron", "of the stimulus"]
    return grid(header, cells) if cells else ""


def _of(shown: ExhibitSet, table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the stimuli of a set."""
    names = {(e.row["library"], e.row["stimulus"]) for e in shown.exhibits}
    named = zip(table["library"], table["stimulus"], strict=True)
    is_shown = np.array([name in names for name in named], bool)
    chosen = (table["mouse"] == shown.mouse) & (table["made_for"] == shown.neuron)
    return table[chosen & is_shown]
