"""Files for the Sensorium 2023 server: predicted test responses as brotli-packed parquet.

One row a trial: mouse (name of its session), trial_indices (number of the trial), prediction (a
list for each neuron, of the frames from 50 on) and neuron_ids. Live and final trials stand in files
of their own, those of natural movies apart from those of other stimuli.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from tqdm import tqdm

from viv1t.errors import ConfigError, DataError
from viv1t.names import Tier
from viv1t.results.responses import ResponseFile
from viv1t.units import SKIP_FRAMES
from viv1t.utils.files import atomic

Normalization: TypeAlias = Literal["none", "per_neuron_std", "per_frame_std"]

FILES: Final[Mapping[Tier, str]] = MappingProxyType(
    {
        "live_main": "predictions_live_main.parquet.brotli",
        "final_main": "predictions_final_main.parquet.brotli",
        "live_bonus": "predictions_live_test_bonus_ood.parquet.brotli",
        "final_bonus": "predictions_final_test_bonus_ood.parquet.brotli",
    }
)
SCHEMA: Final = pa.schema(
    [
        ("mouse", pa.string()),
        ("trial_indices", pa.int64()),
        ("prediction", pa.list_(pa.list_(pa.float32()))),
        ("neuron_ids", pa.list_(pa.int64())),
    ]
)


def write_submission(
    path: Path,
    sessions: Mapping[str, ResponseFile],
    tier: Tier,
    *,
    divisors: Mapping[str, NDArray[np.floating]] | None = None,
    progress: bool = False,
) -> int:
    """Number of trials of `tier` that were written to `path`, one row group each.

    Args:
        path: the file.
        sessions: predictions by name of the session.
        tier: a test tier.
        divisors: (n, t) by name of the session, what predictions are divided by; the first column
            is frame 0. None: predictions in recorded units.
        progress: show a progress bar.

    Raises:
        ConfigError: predictions that do not begin at frame 50, or in other than recorded units.
        MissingResultError: a file is not there.
        DataError: no session has trials of the tier, or predictions that are not finite.
    """
    trials = [(s, i) for s, file in sessions.items() for i in file.trial_ids(tier)]
    if not trials:
        raise DataError(
            f"no prediction of tier {tier}: python predict.py --ds_tier {tier} writes them; looked "
            f"in {', '.join(str(file.path) for file in sessions.values())}"
        )
    neuron_ids = {name: _checked_ids(file) for name, file in sessions.items()}
    with (
        atomic(path) as temporary,
        pq.ParquetWriter(temporary, SCHEMA, compression="brotli") as writer,
    ):
        for name, trial_id in tqdm(trials, desc=path.name, disable=not progress):
            response = sessions[name].read(trial_id)
            if divisors is not None:
                by = divisors[name]
                response = response / by[:, SKIP_FRAMES : SKIP_FRAMES + response.shape[1]]
            if not np.isfinite(response).all():
                raise DataError(f"{sessions[name].path}: trial {trial_id} holds NaN or infinity")
            row = {
                "mouse": [name],
                "trial_indices": [trial_id],
                "prediction": [list(response.astype(np.float32))],
                "neuron_ids": [neuron_ids[name]],
            }
            writer.write_table(pa.table(row, schema=SCHEMA))
    return len(trials)


def check_submission(path: Path, expected: Mapping[str, Mapping[int, tuple[int, int]]]) -> int:
    """Number of rows of a submission file that was read back and is as it should be.

    Args:
        path: the file.
        expected: session -> trial -> (n, t - 50), every trial that must be there.

    Raises:
        DataError: columns, types, trials, shapes or values are not as expected; the message names
            the row.
    """
    try:
        file = pq.ParquetFile(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"{path} is no readable parquet file ({error})") from error
    with file:
        if not file.schema_arrow.equals(SCHEMA):
            raise DataError(
                f"{path}: expected columns {_columns(SCHEMA)}, found {_columns(file.schema_arrow)}"
            )
        packed = {
            file.metadata.row_group(g).column(c).compression
            for g in range(file.num_row_groups)
            for c in range(file.metadata.num_columns)
        }
        if packed != {"BROTLI"}:
            raise DataError(f"{path} is packed with {', '.join(sorted(packed))}, not with brotli")
        missing = {(s, i): shape for s, rows in expected.items() for i, shape in rows.items()}
        num_rows = 0
        for batch in file.iter_batches(batch_size=1):
            (row,) = batch.to_pylist()
            key = row["mouse"], row["trial_indices"]
            where = f"{path}, row {num_rows} (session {key[0]}, trial {key[1]})"
            if key not in missing:
                raise DataError(f"{where}: no such test trial, or the second row of it")
            _check_row(row["prediction"], row["neuron_ids"], missing.pop(key), where)
            num_rows += 1
    if missing:
        session, trial_id = next(iter(missing))
        raise DataError(
            f"{path} lacks {len(missing)} trials, first session {session}, trial {trial_id}"
        )
    return num_rows


def _checked_ids(file: ResponseFile) -> list[int]:
    attrs = file.attrs
    if attrs.get("skip_frames") != SKIP_FRAMES or attrs.get("units") != "recorded":
        raise ConfigError(
            f"{file.path}: a submission holds responses in recorded units from frame {SKIP_FRAMES} "
            f"on, this file has units {attrs.get('units', 'unknown')} from frame "
            f"{attrs.get('skip_frames', 'unknown')} on; write it with predict.py"
        )
    return [int(i) for i in attrs["unit_ids"]]


def _check_row(
    prediction: Sequence[Sequence[float]],
    neuron_ids: Sequence[int],
    shape: tuple[int, int],
    where: str,
) -> None:
    lengths = {len(trace) for trace in prediction}
    found = len(prediction), *sorted(lengths)
    if found != shape:
        raise DataError(f"{where}: expected {shape} neurons and frames, found {found}")
    if len(set(neuron_ids)) != shape[0] or len(neuron_ids) != shape[0]:
        raise DataError(f"{where}: expected {shape[0]} different neuron_ids, found {neuron_ids}")
    if not np.isfinite(np.asarray(prediction, dtype=float)).all():
        raise DataError(f"{where}: NaN or infinity")


def _columns(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} ({field.type})" for field in schema)
