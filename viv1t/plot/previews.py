"""Animations of attention over the movies that a twin watched."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from viv1t.analysis.rollout import fold, fold_as_published
from viv1t.plot.animate import animate
from viv1t.plot.figures.attention import mean_of, movie_name, repeats_of_movies
from viv1t.plot.figures.attention_size import (
    KINDS,
    presentations,
    shown_attention,
    shown_frames,
)
from viv1t.results.attention import AttentionFiles

# The quantile of attention that is drawn as the brightest colour.
BRIGHTEST: Final = 0.98


def attention_movies(
    files: AttentionFiles, folder: Path, *, num_samples: int, suffix: str, progress: bool = False
) -> list[Path]:
    """Paths of one animation a movie: frames, attention over them, attention over time below.

    Attention is the mean over repeats of the movie; it begins after the frames that are skipped.

    Args:
        files: of `misc/extract_attention.py`.
        folder: where they are written.
        num_samples: movies at most.
        suffix: "gif" or "mp4".
        progress: show a progress bar.
    """
    facts = files.facts
    paths = []
    for video_id, trials in repeats_of_movies(files).head(num_samples).itertuples(index=False):
        places = mean_of(files, "spatial_attentions", trials)
        traces = {
            "attention": mean_of(files, "temporal_attentions", trials),
            "mean response": _scaled(mean_of(files, "responses", trials)),
        }
        name = movie_name(video_id)
        paths.append(
            animate(
                files.read("videos", trials[0]),
                fps=facts["fps"],
                path=folder / f"attention_mouse{facts['mouse']}_{name.replace(' ', '')}.{suffix}",
                trace=traces,
                overlay=overlay_of(files, places),
                quantity=("Over its mean", "ratio"),
                title=f"Mouse {facts['mouse']}, {name}, mean of {len(trials)} trials",
                progress=progress,
            )
        )
    return paths


def attention_grid(
    files: AttentionFiles, folder: Path, *, suffix: str, progress: bool = False
) -> Path:
    """The path of an animation of all sizes of discs (above) and holes (below) with attention.

    Attention is the mean over presentations; one of them is shown below it.

    Args:
        files: of `tuning_feedbackRF/extract_attention.py`.
        folder: where it is written.
        suffix: "gif" or "mp4".
        progress: show a progress bar.
    """
    table = presentations(files)
    table = table[table["size_deg"] > 0].reset_index(drop=True)
    attention, mean = shown_attention(files, table), {}
    frames = {}
    for (inverse, size), rows in table.groupby(["inverse", "size_deg"]):
        name = f"{KINDS[float(str(inverse))][0]} {size:g}°"
        frames[name] = shown_frames(files, rows.head(1))[0]
        mean[name] = attention[rows.index].mean(axis=0)
    names = list(mean)
    overlays = overlay_of(files, np.concatenate([mean[name] for name in names]))
    mouse_id = files.facts["mouse"]
    return animate(
        frames,
        fps=files.facts["fps"],
        path=folder / f"attention_feedbackRF_mouse{mouse_id}.{suffix}",
        overlay=dict(zip(names, np.split(overlays, len(names)), strict=True)),
        title=f"Attention to gratings, mouse {mouse_id}",
        columns=len(names) // 2,
        progress=progress,
    )


def overlay_of(files: AttentionFiles, places: NDArray[np.floating]) -> NDArray[np.floating]:
    """(t, h, w) in 0..1: attention above an even share; published: over the frame's maximum.

    Args:
        files: tell how attention was summed up, and where patches lie.
        places: (t, p).
    """
    geometry = files.facts["geometry"]
    if files.facts["as_published"]:
        return fold_as_published(places, **geometry)
    above = fold(places, **geometry) - 1
    top = float(np.nanquantile(above, BRIGHTEST))
    return above.clip(0, top) / top if top > 0 else np.zeros_like(above)


def _scaled(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """With mean 1."""
    return values / (values.mean() or 1.0)
