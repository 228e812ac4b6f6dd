"""One experiment for all mice, placed by the tables of earlier steps."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from viv1t.errors import MissingResultError
from viv1t.experiments.probing import groups_of, run_all
from viv1t.experiments.saved import load_experiment, load_facts
from viv1t.experiments.stimuli import StimulusSet
from viv1t.experiments.timing import Timing
from viv1t.insilico.probe import Probe
from viv1t.results.specs import TABLES
from viv1t.results.store import write_result
from viv1t.stimuli.aperture import compose, disc
from viv1t.units import Monitor

sys.path.insert(0, str(Path(__file__).parent))
from pixels import Pixels

SMALL = Monitor(width_cm=56.5, height_cm=31.8, distance_cm=15.0, width_px=16, height_px=12)
TIMING = Timing(num_frames=10, blank_pre=2, on=2, blank_post=1, slots=1, min_warmup=5)
PLACES = ((3, 4), (12, 8))


def design(placement):
    mask = disc(placement.monitor, 20, centre_px=placement.centre_px)
    return StimulusSet(
        conditions=pd.DataFrame({"level": [200.0]}),
        render=lambda row, rng: np.stack([compose(mask, row["level"], 127)] * 2),
        timing=TIMING,
    )


@pytest.fixture
def probe(tmp_path):
    return Probe(
        output_dir=tmp_path,
        responder=Pixels(PLACES),
        monitors=dict.fromkeys("AB", SMALL),
        states={"B": (np.array([0.0, 2.0]), None)},
        provenance={"weights": "w"},
        seed=3,
    )


def write(folder, name, **columns):
    """Rows of mice A and B, two neurons each; other columns of the table are 0."""
    table = pd.DataFrame(0.0, index=range(4), columns=list(TABLES[name].columns))
    table = table.assign(mouse=list("AABB"), neuron=[0, 1, 0, 1], **columns)
    write_result(folder, name, table, method={})


def test_each_mouse_in_its_state_and_file(probe, tmp_path):
    paths = run_all(probe, "spots", design)
    assert paths == {m: tmp_path / f"experiments/spots/mouse{m}.h5" for m in "AB"}
    tables = load_experiment(tmp_path, "spots", command="x.py")
    np.testing.assert_array_equal(tables["A"].mean, [[127], [127]])
    np.testing.assert_array_equal(tables["B"].mean, [[254], [254]])
    facts = load_facts(paths["B"])
    assert (facts["seed"], facts["behavior"]) == (3, [0, 2])
    assert facts["provenance"] == {"weights": "w"}
    assert load_facts(paths["A"])["behavior"] is None


def test_receptive_fields_come_from_their_table(probe, tmp_path):
    with pytest.raises(MissingResultError, match=r"tuning_retinotopy/fit_aRFs.py --output_dir"):
        run_all(probe, "spots", design, mode="neuron")
    write(
        tmp_path, "aRF", bad_fit=[False, False, True, False], x_px=[3, 12.0] * 2, y_px=[4, 8.0] * 2
    )
    paths = run_all(probe, "spots", design, mode="neuron")
    tables = load_experiment(tmp_path, "spots", command="x.py", mouse_ids=list(paths))
    np.testing.assert_array_equal(tables["A"].mean, [[200], [200]])
    np.testing.assert_array_equal(tables["B"].mean, [[np.nan], [400]])
    (group,) = groups_of(probe, "A", mode="population", as_published=True)
    assert group.placement.centre_px == (8, 6)  # the mean of 3 and 12, half to even


def test_directions_come_from_their_table(probe, tmp_path):
    with pytest.raises(MissingResultError, match=r"tuning_direction/.*--output_dir"):
        groups_of(probe, "A", mode="screen", own_direction=True)
    write(tmp_path, "selectivity", preferred_direction_deg=[np.nan, 92.0, 0.0, 1.0])
    (group,) = groups_of(probe, "A", mode="screen", own_direction=True)
    assert (group.neurons.tolist(), group.placement.direction_deg) == ([1], 90)
