"""Animations of the stimuli in libraries: those that are there, or those a search just found."""

import argparse
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from viv1t.config.flags import from_values
from viv1t.most_exciting_stimulus.exhibits import Choice, read_sets
from viv1t.most_exciting_stimulus.library import FOLDER, POPULATION, read_libraries
from viv1t.most_exciting_stimulus.predict import predict_libraries
from viv1t.most_exciting_stimulus.witnesses import Witness, open_witnesses
from viv1t.names import MouseId
from viv1t.plot.stimulus_movies import stimulus_movie
from viv1t.results.store import ResultDir

logger = logging.getLogger(__name__)


def animate_stimuli(
    output_dir: Path,
    choice: Choice,
    *,
    names: Sequence[str] | None = None,
    mouse_ids: Sequence[MouseId] | None = None,
    suffix: str = "gif",
    progress: bool = False,
) -> list[Path]:
    """Animations of stimuli and of the responses to them, that were written.

    Args:
        output_dir: the folder of results, with libraries and predicted responses.
        choice: which stimuli.
        names: of libraries; None: all.
        mouse_ids: None: all.
        suffix: gif or mp4.
        progress: show a progress bar.

    Raises:
        MissingResultError: there is no such stimulus, or its responses were not predicted.
    """
    folder, written = ResultDir(output_dir).figures / FOLDER, []
    sets = read_sets(output_dir, choice=choice, names=names, mouse_ids=mouse_ids)
    for shown in tqdm(sets, desc="animations", unit="neuron", disable=not progress):
        for exhibit in shown.exhibits:
            path = stimulus_movie(
                exhibit.framed,
                exhibit.traces,
                window=exhibit.window,
                fps=exhibit.fps,
                limits=shown.limits,
                title=f"{shown.name}: {exhibit.words}",
                path=folder / f"{shown.file_name(exhibit)}.{suffix}",
            )
            written.append(path)
    logger.info("wrote %d animations to %s", len(written), folder)
    return written


def search_as_asked(
    args: argparse.Namespace,
    search: Callable[..., dict[MouseId, Path]],
    *configs: type,
    **options: Any,  # noqa: ANN401
) -> None:
    """Search as the command line asks, say what was written, and animate it if that is asked for.

    Args:
        args: the flags of `found.search_parser`.
        search: takes the probe, `configs` filled from the flags, `as_published` and `options`.
        configs: dataclasses of flags.
        options: passed on.
    """
    (witness,) = open_witnesses(args)
    values: list[Any] = [from_values(config, vars(args)) for config in configs]
    paths = search(witness.probe, *values, as_published=args.as_published, **options)
    logger.info("wrote %s", ", ".join(map(str, paths.values())))
    if args.animate:
        names = sorted({path.parent.name for path in paths.values()})
        animate_found(args, witness, names, sorted(paths))


def animate_found(
    args: argparse.Namespace, witness: Witness, names: Sequence[str], mouse_ids: Sequence[MouseId]
) -> list[Path]:
    """Animations of the best stimuli of libraries, whose responses are predicted first.

    Args:
        args: of the flags, `output_dir`, `objective`, `neurons`, `as_published` and `format` count.
        witness: who found the stimuli.
        names: of the libraries.
        mouse_ids: the mice.
    """
    library = read_libraries(args.output_dir, names, mouse_ids)
    predict_libraries(args.output_dir, library, witness, as_published=args.as_published)
    is_population = args.objective == "population"
    choice = Choice(
        neurons=(POPULATION,) if is_population else args.neurons, responders=(witness.label,)
    )
    return animate_stimuli(
        args.output_dir,
        choice,
        names=names,
        mouse_ids=mouse_ids,
        suffix=args.format,
        progress=witness.probe.progress,
    )
