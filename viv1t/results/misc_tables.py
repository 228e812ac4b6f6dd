"""The tables of the helper scripts, see `specs.TABLES`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from viv1t.results.spec import TableSpec

MISC_TABLES: Final[Mapping[str, TableSpec]] = MappingProxyType(
    {
        "trial_ids": TableSpec(
            columns={
                "mouse": "mouse",
                "trial": "index of the trial",
                "tier": "its tier",
                "video_id": "equal for repeats of one movie",
                "stimulus": "type of what was shown, of names.STIMULUS_TYPES, or unknown",
            },
            key=("mouse", "trial"),
            made_by="misc/assign_ids.py",
            folder_flag="--data_dir",
        ),
        "model_parameters": TableSpec(
            columns={
                "part": "core, readouts, shifters or output_activation; all",
                "block": "its part of the model, as checkpoints name it; all: the sum",
                "parameters": "numbers that training changes",
                "buffers": "other numbers that checkpoints hold",
            },
            key=("part", "block"),
            made_by="misc/count_parameters.py",
        ),
        "model_stats": TableSpec(
            columns={
                "model": "label of the run",
                "metric": "which score",
                "tier": "what was predicted",
                "mean": "mean over neurons, then over mice",
                "sem": "standard error over mice; NaN of one mouse",
                "num_mice": "mice",
                "trials_per_s": "median number of movies that the model answers in a second",
                "num_frames": "frames of a movie",
                "height_px": "of a frame",
                "width_px": "of a frame",
                "batch_size": "movies per forward pass",
                "parameters": "numbers that training changed",
                "machine": "device and threads on which time was taken",
            },
            key=("model",),
            made_by="misc/visualize_model_stats.py",
        ),
        "response_statistics": TableSpec(
            columns={
                "mouse": "mouse",
                "neuron": "row of the recording",
                "source": "recorded or predicted",
                "mean": "mean response (a.u.) over the frames of all trials",
                "sd": "standard deviation (a.u.) over frames",
                "skewness": "third standardised moment over frames",
                "sparseness": "lifetime sparseness, 0 (equal responses) to 1 (one frame)",
                "reliability": "correlation over time between repeats of a movie, mean over pairs "
                "and movies; NaN without repeats",
            },
            key=("mouse", "neuron", "source"),
            made_by="misc/response_statistics.py",
        ),
    }
)
