"""The page: everything that is in the folder, and nothing from outside."""

import base64
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scripts import run_script

from viv1t.data.synthetic.truth import TruthConfig, sample_truth, save_truth
from viv1t.errors import MissingResultError
from viv1t.plot.style import Plate, house_style, new_figure
from viv1t.report.chapters import CHAPTERS, chapter_of
from viv1t.report.collect import collect
from viv1t.report.write import write_report
from viv1t.results import specs, store
from viv1t.units import Monitor
from viv1t.utils.files import write_json, write_yaml

MONITOR = Monitor(width_cm=56.5, height_cm=31.8, distance_cm=15.0)
SPECS = {
    "aRF": specs.TableSpec(
        columns=dict.fromkeys(("mouse", "neuron", "x_px", "y_px", "bad_fit"), ""),
        key=("mouse", "neuron"),
        made_by="tuning_retinotopy/fit_aRFs.py",
    ),
    "selectivity": specs.TableSpec(
        columns=dict.fromkeys(("mouse", "neuron", "dsi"), ""),
        key=("mouse", "neuron"),
        made_by="tuning_direction/estimate_selectivity_indexes.py",
    ),
}


class Page(HTMLParser):
    """What a page embeds, links to and says."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.open: list[str] = []
        self.text = ""
        self.feed(path.read_text(encoding="utf-8"))
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "img"):
            self.open.append(tag)
        for name, value in attrs:
            if name == "src":
                self.sources.append(value or "")
            elif name == "href":
                self.links.append(value or "")
            elif name == "id":
                self.anchors.add(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data + " "


def plate(caption: str = "") -> Plate:
    with house_style():
        figure = new_figure(30, 20)
        figure.subplots().plot([1, 2])
    numbers = {"curve": pd.DataFrame({"angle_deg": np.arange(20), "response": 1 / 3})}
    return Plate(figure, numbers, caption)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The figures of a folder of runs."""
    folder = tmp_path_factory.mktemp("drawn")
    plate("Curves & <angles> of all neurons.").save(folder / "vivit/figures", "tuning_curve")
    plate().save(folder / "figures", "learning_curves")
    frames = [Image.new("L", (8, 6), 40 * i) for i in range(3)]
    preview = folder / "vivit/figures/stimuli_preview.gif"
    frames[0].save(preview, save_all=True, append_images=frames[1:])
    return folder


@pytest.fixture
def demo(drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs vivit and ln, the first with tables of what was found of a mouse with a known truth."""
    for module in ("specs", "store", "report.collect", "report.page"):
        name = module if module.startswith("report") else f"results.{module}"
        monkeypatch.setattr(f"viv1t.{name}.TABLES", SPECS)
    data, folder = tmp_path / "data", tmp_path / "runs" / "demo"
    shutil.copytree(drawn, folder)
    config = TruthConfig(num_neurons=9, monitor=MONITOR, clustered=False)
    truth = sample_truth(config, np.random.default_rng(0))
    save_truth(truth, data / "synthetic" / "S1")
    monitor = {"width_cm": 56.5, "height_cm": 31.8, "distance_cm": 15.0}
    mouse = {"folder": "synthetic/S1", "fps": 30, "video_px": [36, 64], "monitor": monitor}
    write_yaml(data / "mice.yaml", {"schema": 1, "mice": {"S1": mouse}})
    for run in ("vivit", "ln"):
        write_yaml(folder / run / "args.yaml", {"core": run, "data_dir": str(data), "schema": 1})
        write_json(folder / run / "provenance.json", {"starts": [{"git": "abc123"}]})
    (folder / "vivit" / "data").mkdir()
    Image.new("L", (4, 3)).save(folder / "vivit" / "data" / "not_a_figure.png")
    own = pd.DataFrame({"mouse": "S1", "neuron": np.arange(9)})
    found = {
        "aRF": own.assign(x_px=truth["rf_x_px"] + 0.5, y_px=truth["rf_y_px"], bad_fit=False),
        "selectivity": own.assign(dsi=truth["direction_selectivity"]),
    }
    for name, table in found.items():
        store.write_result(folder / "vivit", name, table, method={"as_published": False, "num": 7})
    return folder


def test_every_figure_is_in_the_page_and_nothing_is_outside(demo: Path):
    page = Page(write_report(demo))
    assert all(source.startswith("data:") for source in page.sources)
    assert {link.removeprefix("#") for link in page.links} <= page.anchors
    assert all(link.startswith("#") for link in page.links)
    embedded = {base64.b64decode(source.partition(",")[2]) for source in page.sources}
    figures = [*demo.glob("**/figures/*.png"), *demo.glob("**/*.gif")]
    assert len(figures) == 3
    assert {figure.read_bytes() for figure in figures} <= embedded
    assert len(embedded) == 4  # and what was recovered of the truth
    assert "http" not in "".join(page.sources + page.links)


def test_figures_have_their_captions_numbers_and_chapters(demo: Path):
    page = Page(write_report(demo))
    assert "Curves & <angles> of all neurons." in page.text
    assert "Learning curves" in page.text
    assert "Numbers: tuning_curve_curve.csv" in page.text
    assert "6 of 20 rows" in page.text
    for chapter in ("Training and scores", "Direction tuning", "Stimuli", "Configuration"):
        assert page.text.count(f" {chapter} ") == 2  # in the list of chapters, and above its own


def test_tables_say_how_many_rows_they_have_and_how_they_were_made(demo: Path):
    text = Page(write_report(demo)).text
    assert "Table vivit/tables/aRF.parquet (9 rows)" in text
    assert "as_published: false" in text
    assert "num: 7" in text
    assert "python tuning_retinotopy/fit_aRFs.py" in text
    assert "args.yaml (3 flags)" in text
    assert "git: abc123" in text


def test_a_library_of_stimuli_is_no_folder_of_results(demo: Path):
    library = demo / "vivit/most_exciting_stimulus/gratings/tables"
    library.mkdir(parents=True)
    pd.DataFrame({"mouse": ["S1"]}).to_parquet(library / "center_surround_mouseS1.parquet")
    contents = collect(demo)
    assert "vivit" in contents.folders
    assert not [name for name in contents.folders if "gratings" in name]
    assert [table.name for table in contents.tables if "gratings" in table.name]


def test_what_was_recovered_stands_beside_the_truth(demo: Path):
    text = Page(write_report(demo)).text
    row = text[text.index("Receptive field, x") :].split()
    assert row[3:7] == ["median", "error", "0.5", "px"]
    row = text[text.index("Direction selectivity") :].split()
    assert row[2:5] == ["Spearman", "r", "1"]


def trained_on(demo: Path, tmp_path: Path, rows: list[int], shift_um: float = 0.0) -> None:
    """Make `vivit` a run with some neurons, which lie at `shift_um` from the true ones."""
    truth = pd.read_parquet(tmp_path / "data/synthetic/S1/meta/truth.parquet")
    places = truth[["x_um", "y_um", "z_um"]].to_numpy(np.float32)[rows] + shift_um
    np.savez(demo / "vivit/data/mouseS1.npz", neuron_idx=np.array(rows), coordinates=places)
    table = store.read_result(demo / "vivit", "aRF").iloc[rows]
    method = {"as_published": False, "num": 7}
    kept = table.assign(neuron=range(len(rows)))
    store.write_result(demo / "vivit", "aRF", kept, method=method)


def test_neurons_are_those_of_the_run(demo: Path, tmp_path: Path):
    """A run of neurons 3 and 5 numbers them 0 and 1."""
    trained_on(demo, tmp_path, [3, 5])
    text = Page(write_report(demo)).text
    assert text[text.index("Receptive field, x") :].split()[3:7] == ["median", "error", "0.5", "px"]


@pytest.mark.parametrize("damaged", [False, True])
def test_other_recordings_are_not_taken_for_the_truth(
    demo: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, damaged: bool
):
    trained_on(demo, tmp_path, [3, 5], shift_um=2.0)
    if damaged:
        (demo / "vivit/data/mouseS1.npz").write_bytes(b"PK")
    with caplog.at_level("INFO"):
        assert "Recovered against true" not in Page(write_report(demo)).text
    assert "vivit is not compared to the truth: it was trained on other neurons" in caplog.text


def test_without_a_truth_nothing_is_compared(demo: Path, tmp_path: Path):
    shutil.rmtree(tmp_path / "data")
    page = Page(write_report(demo))
    assert "Recovered against true" not in page.text
    assert len(page.sources) == 3


def test_the_page_of_one_run_and_again(demo: Path):
    first = Page(write_report(demo / "vivit"))
    again = Page(write_report(demo / "vivit"))
    assert first.sources == again.sources
    assert "What the analyses of vivit found" in " ".join(first.text.split())


def test_damaged_files_do_not_stop_the_page(demo: Path):
    (demo / "vivit/tables/selectivity.parquet").write_bytes(b"PAR1 nothing")
    (demo / "vivit/tables/aRF.json").write_text("{")
    (demo / "ln/provenance.json").write_text("[")
    text = Page(write_report(demo)).text
    assert "vivit/tables/selectivity.parquet cannot be read" in text
    assert "Table vivit/tables/aRF.parquet (9 rows)" in text


def test_script_writes_the_page_and_says_where(demo: Path, capsys: pytest.CaptureFixture[str]):
    assert run_script("misc/report.py", "--output_dir", demo) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"wrote {demo / 'report.html'} (")
    assert said.endswith("MiB): 3 figures, 2 tables, 2 runs\n")
    assert "Recovered against true" in Page(demo / "report.html").text


def test_script_with_nothing_to_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run_script("misc/report.py", "--output_dir", tmp_path) == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path} holds no figure")


@pytest.mark.parametrize("name", ["none", "empty"])
def test_nothing_to_report(tmp_path: Path, name: str):
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingResultError, match=rf"{name} holds no figure, .* make some with"):
        write_report(tmp_path / name)
    assert not (tmp_path / name / "report.html").exists()


@pytest.mark.parametrize(
    ("path", "chapter"),
    [
        ("vivit/figures/aRFs/mouseS1_aRFs", "Retinotopy"),
        ("vivit/figures/tuning_width/orientation_tuning_width", "Direction tuning"),
        ("vivit/figures/contextual_modulation/cmi", "Contextual modulation"),
        ("vivit/figures/contrast_difference", "Contextual modulation"),
        ("tuning_feedbackRF/estimate_size_tuning_curve.py", "Feedback receptive fields"),
        ("vivit/figures/response_onset", "Feedback receptive fields"),
        ("figures/learning_curves", "Training and scores"),
        ("vivit/figures/attention/mouseS1", "Attention"),
        ("vivit/figures/attention/attention_mouseS1_movie28", "Attention"),
        ("vivit/figures/attention_feedbackRF_mouseS1", "Attention"),
        ("vivit/figures/spatial_selectivity", "Retinotopy"),
        ("truth/figures/surround_responses", "Contextual modulation"),
        ("truth/figures/feedback_stimuli_S1", "Stimuli"),
        ("demo/end_to_end.csv", "Recovered against true"),
        ("most_exciting_stimulus/find_most_exciting_recorded.py", "Most exciting stimuli"),
        ("vivit/figures/stimulus_controls_truth", "Most exciting stimuli"),
        ("vivit/figures/most_exciting_stimulus/mouseS1_neuron012", "Most exciting stimuli"),
        ("vivit/figures/in_vivo_flip_thresholds", "In vivo"),
        ("vivit/figures/single_neuron_static_vs_dynamic_gain", "In vivo"),
        ("figures/zebra", "Other"),
    ],
)
def test_chapters(path: str, chapter: str):
    assert chapter_of(path) == chapter
    assert chapter in (*CHAPTERS, "Other")
