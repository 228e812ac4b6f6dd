"""Scripts of a few lines: the oracle populations, the pictures of the documentation."""

import yaml
from scripts import run_script


def test_oracle_populations_are_written_once(tmp_path):
    args = ("--data_dir", tmp_path, "--num_seeds", 1, "--verbose", "0")
    assert run_script("data/make_oracle.py", *args) == 0
    mice = yaml.safe_load((tmp_path / "mice.yaml").read_text())["mice"]
    assert "O1" in mice
    assert any(name.startswith("N_surround") for name in mice)
    tables = {path: path.read_bytes() for path in tmp_path.rglob("truth.parquet")}
    assert len(tables) == len(mice)
    assert run_script("data/make_oracle.py", *args) == 0
    assert tables == {path: path.read_bytes() for path in tmp_path.rglob("truth.parquet")}


def test_pictures_are_drawn(tmp_path):
    args = ("--output_dir", tmp_path, "--verbose", "0")
    assert run_script("misc/draw_overview.py", *args) == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        *("overview.png", "overview.svg", "architecture.png", "architecture.svg")
    }
