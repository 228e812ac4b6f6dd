"""The notebook of the documentation runs from its first to its last cell, on a tiny run."""

import nbformat
import pytest
from nbclient import NotebookClient
from scripts import ROOT, run_script
from sessions import write_mice_yaml, write_session
from tiny_runs import SMALL_VIVIT

NOTEBOOK = ROOT / "docs/notebooks/demo.ipynb"


@pytest.fixture
def places(tmp_path):
    data, run = tmp_path / "data", tmp_path / "run"
    write_session(data / "R1", num_frames=80)
    write_mice_yaml(data, {"R1": {"folder": "R1"}})
    flags = ("--core", "vivit", "--readout", "gaussian", *SMALL_VIVIT, "--crop_frame", "60")
    flags += ("--core_use_causal_attention", "--core_spatial_patch_stride", "4", "--epochs", "1")
    common = ("--data_dir", data, "--output_dir", run, "--verbose", "0")
    assert run_script("train.py", *common, *flags) == 0
    return {"VIV1T_RUN": str(run), "VIV1T_DATA": str(data), "VIV1T_STEPS": "2"}


def test_every_cell_runs_and_draws(places, monkeypatch):
    inline = {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "OMP_NUM_THREADS": "1"}
    for name, value in (places | inline).items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = NotebookClient(
        notebook, timeout=120, resources={"metadata": {"path": str(NOTEBOOK.parent)}}
    )
    client.execute()
    ran = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in ran] == [*range(1, len(ran) + 1)]
    figures = [o for cell in ran for o in cell.outputs if "image/png" in o.get("data", {})]
    assert len(figures) == 4
    said = "".join(o.get("text", "") for o in ran[1].outputs)
    assert "mouse R1: 6 neurons" in said


def test_links_of_the_notebook_lead_somewhere():
    text = "".join(c.source for c in nbformat.read(NOTEBOOK, as_version=4).cells)
    links = [part.split(")")[0] for part in text.split("](")[1:]]
    assert links
    assert [link for link in links if not (NOTEBOOK.parent / link).exists()] == []
