"""Writes synthetic recordings in the published format, whole or not at all."""

import logging
import multiprocessing
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from viv1t.data.mice import Mouse
from viv1t.data.recording import Recording
from viv1t.data.synthetic.ceiling import keep_ceilings
from viv1t.data.synthetic.presets import PRESETS, Preset
from viv1t.data.synthetic.session import VERSION, Job, Source, made_by_path, prepare, write_movie
from viv1t.errors import DataError
from viv1t.names import TIER_OF_RAW, MouseId
from viv1t.registry import unknown_name
from viv1t.units import FPS
from viv1t.utils.files import read_yaml, write_yaml

LOGGER = logging.getLogger(__name__)


def write_recordings(
    data_dir: Path,
    *,
    preset: str = "demo",
    seed: int = 1234,
    num_workers: int = 0,
    overwrite: bool = False,
    progress: bool = False,
) -> tuple[MouseId, ...]:
    """Mouse ids of the recordings now in `data_dir`/synthetic, entered in `data_dir`/mice.yaml.

    What is there already (same preset and seed) is kept. A mouse is written to a temporary folder
    that is renamed when it is complete. Same preset and seed: same bytes.

    Args:
        data_dir: folder of recordings and mice.yaml.
        preset: test, demo or full.
        seed: of all random numbers.
        num_workers: processes that write; 0: this one.
        overwrite: replace other recordings or mice of the same names.
        progress: show a progress bar.

    Raises:
        ConfigError: unknown preset.
        DataError: a different recording or mouse has the name, and `overwrite` is off.
    """
    if preset not in PRESETS:
        raise unknown_name("preset", preset, PRESETS)
    data_dir = Path(data_dir)
    sources = [Source(preset=preset, seed=seed, mouse_id=m) for m in PRESETS[preset].mice]
    missing = [s for s in sources if not _is_written(data_dir, s, overwrite=overwrite)]
    _check_mice(data_dir, sources, overwrite=overwrite)
    if not missing:
        LOGGER.info("%s: the %s recordings are there (seed %d)", data_dir, preset, seed)
    else:
        with _one_thread():
            _write(data_dir, missing, num_workers=num_workers, progress=progress)
    enter_mice(data_dir, {source.mouse_id: _entry(source) for source in sources})
    return tuple(source.mouse_id for source in sources)


def _write(data_dir: Path, sources: Sequence[Source], *, num_workers: int, progress: bool) -> None:
    jobs = []
    for source in sources:
        jobs += prepare(source, _partial(data_dir, source))
    total = sum(len(job.trials) for job in jobs)
    totals: dict[MouseId, dict[str, np.ndarray]] = {source.mouse_id: {} for source in sources}
    with tqdm(total=total, desc="synthetic trials", disable=not progress) as bar:
        for job, sums in zip(jobs, _run(jobs, num_workers), strict=True):
            of_tier, tier = totals[job.source.mouse_id], TIER_OF_RAW[job.tier]
            of_tier[tier] = of_tier[tier] + sums if tier in of_tier else sums
            bar.update(len(job.trials))
    for source in sources:
        folder = _folder(data_dir, source)
        if folder.exists():
            shutil.rmtree(folder)
        _partial(data_dir, source).rename(folder)
        mouse = Mouse(id=source.mouse_id, folder=folder, monitor=source.size.monitor)
        keep_ceilings(Recording(mouse), totals[source.mouse_id])
        LOGGER.info("wrote %s: %d neurons", folder, source.size.num_neurons)


def _run(jobs: Sequence[Job], num_workers: int) -> Iterator[np.ndarray]:
    if num_workers == 0:
        yield from map(write_movie, jobs)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        num_workers, mp_context=context, initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        yield from pool.map(write_movie, jobs, chunksize=4)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums must not depend on the number of cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _folder(data_dir: Path, source: Source) -> Path:
    return data_dir / "synthetic" / source.mouse_id


def _partial(data_dir: Path, source: Source) -> Path:
    return data_dir / "synthetic" / f".{source.mouse_id}.partial"


def _is_written(data_dir: Path, source: Source, *, overwrite: bool) -> bool:
    folder = _folder(data_dir, source)
    if not folder.exists():
        return False
    path = made_by_path(folder)
    found = read_yaml(path) if path.is_file() else {}
    wanted = source.made_by()
    if found == wanted:
        return True
    if not overwrite:
        known = ", ".join(f"{k} {found[k]}" for k in ("preset", "seed", "version") if k in found)
        raise DataError(
            f"{folder} holds another recording ({known or 'not synthetic'}), expected preset "
            f"{source.preset}, seed {source.seed}, version {VERSION}; choose another --data_dir, "
            "or replace it with --overwrite"
        )
    return False


def mouse_entry(folder: str, preset: Preset) -> dict[str, Any]:
    """What mice.yaml says of a synthetic mouse whose files are in `folder`, seen from there."""
    monitor = preset.monitor
    sizes = {f"{k}_cm": getattr(monitor, f"{k}_cm") for k in ("width", "height", "distance")}
    return {
        "folder": folder,
        "fps": int(FPS),
        "video_px": list(preset.frame),
        "monitor": sizes,
    }


def _entry(source: Source) -> dict[str, Any]:
    return mouse_entry(f"synthetic/{source.mouse_id}", source.size)


def _check_mice(data_dir: Path, sources: Sequence[Source], *, overwrite: bool) -> None:
    mice = _read_mice(data_dir)["mice"]
    for source in sources:
        entry = _entry(source)
        if mice.get(source.mouse_id, entry) != entry:
            if overwrite:
                continue
            raise DataError(
                f"{data_dir / 'mice.yaml'} describes another mouse {source.mouse_id}; choose "
                "another --data_dir, or replace the entry with --overwrite"
            )


def _read_mice(data_dir: Path) -> dict[str, Any]:
    path = data_dir / "mice.yaml"
    content: dict[str, Any] = read_yaml(path) if path.is_file() else {"schema": 1}
    return {**content, "mice": dict(content.get("mice") or {})}


def enter_mice(data_dir: Path, entries: Mapping[MouseId, dict[str, Any]]) -> None:
    """Put `entries` into mice.yaml, beside what is there."""
    content = _read_mice(data_dir)
    if entries.items() <= content["mice"].items():
        return
    content["mice"] |= entries
    write_yaml(data_dir / "mice.yaml", content)
