"""Tables of earlier steps, filled with the true parameters of a synthetic mouse."""

from pathlib import Path

import numpy as np
import pandas as pd

from viv1t.data.synthetic.presets import PRESETS
from viv1t.data.synthetic.recordings import enter_mice, mouse_entry
from viv1t.data.synthetic.truth import TruthConfig, sample_truth, save_truth
from viv1t.results.store import spec_of, write_result


def write_mouse(data_dir: Path, *, num_neurons: int, seed: int = 0) -> pd.DataFrame:
    """The truth of mouse S1, of which `data_dir` holds nothing else; a small screen."""
    config = TruthConfig(num_neurons=num_neurons, monitor=PRESETS["test"].monitor, clustered=False)
    truth = sample_truth(config, np.random.default_rng(seed))
    save_truth(truth, data_dir / "S1")
    enter_mice(data_dir, {"S1": mouse_entry("S1", PRESETS["test"])})
    return truth


def write_truth(folder: Path, truth: pd.DataFrame, mouse_id: str = "S1") -> None:
    """Tables aRF and selectivity in `folder`, as if the earlier steps had found the truth."""
    shape = {"theta_rad": 0.0, "sigma_x_px": truth["rf_sigma_px"], "sigma_y_px": 2.0}
    place = {"x_px": truth["rf_x_px"], "y_px": truth["rf_y_px"], "bad_fit": False}
    _write(folder, "aRF", mouse_id, len(truth), place | shape | {"method": "sta"})
    direction = {"preferred_direction_deg": truth["direction_deg"]}
    _write(folder, "selectivity", mouse_id, len(truth), direction)


def _write(folder: Path, name: str, mouse_id: str, num: int, values: dict) -> None:
    filled = dict.fromkeys(spec_of(name).columns, np.nan)
    filled |= {"mouse": mouse_id, "neuron": np.arange(num)} | values
    write_result(folder, name, pd.DataFrame(filled), method={"made_by": "the truth"})
