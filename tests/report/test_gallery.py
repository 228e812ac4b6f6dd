"""The gallery page: stimuli without loss, verdicts, controls, and nothing from outside."""

import base64
import io
import re

import numpy as np
import pandas as pd
from PIL import Image
from scripts import run_script
from stimulus_sets import FRAMES, fill, stimulus, surrounds, witness

from viv1t.most_exciting_stimulus.export import grey_bytes
from viv1t.most_exciting_stimulus.library import read_libraries
from viv1t.most_exciting_stimulus.predict import predict_libraries
from viv1t.report.gallery import moving_picture
from viv1t.results.specs import TABLES
from viv1t.results.store import write_result

SCRIPT = "most_exciting_stimulus/make_gallery.py"


def gallery(folder):
    """The page of a folder."""
    assert run_script(SCRIPT, "--output_dir", folder, "--verbose", 0) == 0
    return (folder / "gallery.html").read_text()


def filled(folder):
    """Stimuli of neuron 3, one of which has not converged; their frames."""
    rows = surrounds(3)
    rows[-1] |= {"converged": False, "seed": 7, "source": "made <here>"}
    frames = fill(folder, "a", rows)
    for asked in (witness(), witness("truth", 0.02)):
        predict_libraries(folder, read_libraries(folder), asked)
    return frames


def table_of(name, **columns):
    """A table of one mouse with what is not named left empty."""
    table = pd.DataFrame({"mouse": "S1", "library": "a", "made_for": 3, **columns})
    return table.reindex(columns=list(TABLES[name].columns))


def test_the_page_holds_all_stimuli_and_verdicts(tmp_path):
    frames = filled(tmp_path)
    page = gallery(tmp_path)
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    pictures = re.findall(r"data:image/gif;base64,([^\"]+)", page)
    assert len(pictures) == len(frames)
    with Image.open(io.BytesIO(base64.b64decode(pictures[0]))) as image:
        assert image.n_frames == FRAMES
        image.seek(2)
        np.testing.assert_array_equal(np.array(image.convert("L")), grey_bytes(frames[0])[2])
    assert page.count(">converged<") == page.count(">not converged<") == 1
    assert "1 of 2" in page
    assert "made &lt;here&gt;, seed 7, a/generated_inhibit3" in page
    assert f"run: <b>{0.01 * frames[0, :, 0, 3].sum():.3g}</b>" in page
    assert page.count("<polyline") == 2 * len(frames)
    assert "Controls" not in page


def test_controls_and_ranks_stand_where_they_are_known(tmp_path):
    filled(tmp_path)
    name = "generated_excite3"
    versions = ["as made", "shift", "rotate", "reverse", "contrast"]
    scores = table_of(
        "stimulus_scores",
        version=versions,
        amount=[0, 20, 90, 0, 0.5],
        response=[8.0, 2, 4, 8, 6],
        stimulus=name,
        neuron=3,
        responder="truth",
    )
    write_result(tmp_path, "stimulus_scores", scores, method={})
    ranks = table_of(
        "stimulus_ranks",
        stimulus=[name],
        responder="truth",
        matched=True,
        rank=2,
        num_neurons=12,
        rank_of_stimulus=1,
        num_stimuli=12,
    )
    write_result(tmp_path, "stimulus_ranks", ranks, method={})
    page = gallery(tmp_path)
    cells = re.findall(rf"<td>{name}</td><td>truth</td>(.*?)</tr>", page)
    texts = [re.findall("<td>(.*?)</td>", row) for row in cells]
    assert texts == [
        ["8", "25 %", "50 %", "100 %"],
        ["on each receptive field", "2 of 12", "1 of 12"],
    ]
    for header in ("shift 20°", "rotate 90°", "reverse"):
        assert f"<th>{header}</th>" in page


def test_controls_of_other_stimuli_do_not_enter(tmp_path):
    filled(tmp_path)
    scores = table_of(
        "stimulus_scores",
        version=["as made", "reverse"],
        amount=0.0,
        response=1.0,
        stimulus="elsewhere",
        neuron=3,
        responder="run",
    )
    write_result(tmp_path, "stimulus_scores", scores, method={})
    assert "elsewhere" not in gallery(tmp_path)


def test_what_does_not_move_is_a_picture():
    still = np.repeat(np.arange(12.0).reshape(1, 3, 4), 5, axis=0)
    content, suffix = moving_picture(still, 30.0)
    assert suffix == ".png"
    with Image.open(io.BytesIO(content)) as image:
        np.testing.assert_array_equal(np.array(image), still[0])


def test_without_responses_the_page_asks_for_them(tmp_path, capsys):
    fill(tmp_path, "a", [stimulus("x")])
    assert run_script(SCRIPT, "--output_dir", tmp_path, "--verbose", 0) == 2
    assert "predict_stimulus.py" in capsys.readouterr().err
