"""One population through the whole chain, with the tolerances; `make oracle` runs all ten."""

import pandas as pd
import pytest

from viv1t.validation.chain import Bench
from viv1t.validation.run import prove

# Tolerances are those of the mean over seeds: single ones pass below them (docs/validation.md).
SEED = 8


@pytest.mark.proof
def test_one_population_meets_the_tolerances_and_its_controls_show_nothing(tmp_path):
    bench = Bench(folder=tmp_path)
    page = prove(bench, [SEED])
    lines = pd.read_csv(tmp_path / "lines_summary.csv").set_index("line")
    assert lines[lines["met"] == "no"].empty, lines[lines["met"] == "no"].to_string()
    controls = pd.read_csv(tmp_path / "controls_summary.csv")
    # Of 40 cells: two or more by chance at p < .05 are no surprise, five are.
    assert (controls["share_p"] <= 0.125).all(), controls.to_string()
    assert (controls["share_q"] <= 0.05).all(), controls.to_string()
    before = page.read_text()
    tables = {path: path.stat().st_mtime_ns for path in bench.noisy.rglob("*.parquet")}
    prove(bench, [SEED])
    assert page.read_text() == before
    assert tables == {path: path.stat().st_mtime_ns for path in bench.noisy.rglob("*.parquet")}
