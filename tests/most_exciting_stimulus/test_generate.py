"""Generated centres, surrounds and full fields: what is made, kept, skipped, resumed."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from small_twins import CAUSAL, small_twin

from viv1t.data.synthetic import SyntheticMouse
from viv1t.errors import ConfigError, MissingResultError
from viv1t.insilico.probe import Probe
from viv1t.insilico.responders import monitor_of
from viv1t.most_exciting_stimulus import workshop
from viv1t.most_exciting_stimulus.ascent import AscentConfig
from viv1t.most_exciting_stimulus.constraints import rms_contrast
from viv1t.most_exciting_stimulus.diversity import Diversity, correlations
from viv1t.most_exciting_stimulus.generate import generate_stimuli
from viv1t.most_exciting_stimulus.generated_files import generated_folder
from viv1t.most_exciting_stimulus.library import library_folder, read_library, write_library
from viv1t.most_exciting_stimulus.neurons import SelectionConfig
from viv1t.most_exciting_stimulus.parts import GenerateConfig
from viv1t.most_exciting_stimulus.published import load_checkpoint
from viv1t.most_exciting_stimulus.respond import ask_of
from viv1t.most_exciting_stimulus.witnesses import Witness
from viv1t.results.store import read_result, write_result
from viv1t.units import GREY, Monitor

sys.path.insert(0, str(Path(__file__).parents[1]))
from tables_of_truth import write_mouse, write_truth

NEURON, FRAMES, SIZE_DEG = 2, 6, 24.0
FEW = AscentConfig(num_steps=10, lr=0.1)
BASE = GenerateConfig(save_dir="base", method="pixel", rms="30", num_frames=FRAMES)
ONE = SelectionConfig(neurons=(NEURON,), stimulus_size=SIZE_DEG)


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    """A synthetic mouse, the folder of its data, and its screen."""
    data_dir = tmp_path_factory.mktemp("generate") / "data"
    table = write_mouse(data_dir, num_neurons=4)
    mouse = SyntheticMouse.open(data_dir, ["S1"])
    return mouse, table, monitor_of(mouse, data_dir, "S1")


@pytest.fixture
def probe(truth, tmp_path):
    mouse, table, monitor = truth
    write_truth(tmp_path, table)
    return Probe(
        output_dir=tmp_path,
        responder=mouse,
        monitors={"S1": monitor},
        provenance={"run": "truth"},
        batch_size=2,
    )


def generate(probe, config=BASE, selection=ONE, ascent=FEW, **options):
    generate_stimuli(probe, selection, config, ascent, **options)
    return read_library(library_folder(probe.output_dir, config.save_dir))


def folder_of(probe, config=BASE):
    whole = generated_folder(probe.output_dir, config, is_population=False)
    return whole / "mouseS1" / f"neuron{NEURON:04d}"


def found_clip(probe, name, *, neuron=NEURON, seed=0, level=None, **kind):
    """Put a stimulus into a library, as a search would."""
    monitor = probe.monitors["S1"]
    shape = (FRAMES, monitor.height_px, monitor.width_px)
    frames = np.random.default_rng(seed).integers(0, 256, shape).astype(np.float32)
    if level is not None:
        frames = np.full(shape, level, np.float32)
    truth = probe.responder.model.populations["S1"].truth
    columns = {"centre_motion": "dynamic", "goal": "excite", "value": 1.0} | kind
    row = {
        "stimulus": name,
        "neuron": neuron,
        "centre_x_px": round(truth["rf_x_px"][neuron]) + 0.0,
        "centre_y_px": round(truth["rf_y_px"][neuron]) + 0.0,
        "size_deg": SIZE_DEG,
        "rms": frames.std(),
        "mean": frames.mean(),
    }
    folder = library_folder(probe.output_dir, "searched")
    write_library(folder, "S1", pd.DataFrame([row | columns]), frames[None], method={})
    return frames


def row_of(library, **kind):
    table = library.table
    chosen = np.ones(len(table), bool)
    for name, value in kind.items():
        chosen &= table[name].to_numpy() == value
    (number,) = np.flatnonzero(chosen)
    return number, table.iloc[number]


def test_a_centre_and_its_surrounds(probe):
    library = generate(probe)
    assert len(library) == 3
    centre, row = row_of(library, surround="none")
    assert row["centre"] == "generated"
    exciting, more = row_of(library, surround="generated", goal="excite")
    _, less = row_of(library, surround="generated", goal="inhibit")
    assert less["value"] < row["value"]
    assert more["value"] > less["value"]
    assert library.table["contrast_matched"].all()
    np.testing.assert_allclose(library.table["rms"], 30, rtol=0.01)
    np.testing.assert_allclose(library.table["mean"], GREY, rtol=0.01)

    inside = probe.monitors["S1"].disc(SIZE_DEG, centre_px=(row["centre_x_px"], row["centre_y_px"]))
    alone, around = library.frames(centre), library.frames(exciting)
    assert (alone[:, ~inside] == GREY).all()
    np.testing.assert_array_equal(around[:, inside], alone[:, inside])
    outside = torch.from_numpy((~inside).astype(np.float32))
    shown = torch.from_numpy(around)[None]
    assert float(rms_contrast(shown, outside)) == pytest.approx(30, rel=0.01)


def test_the_published_file_of_each_role(probe):
    library = generate(probe)
    for role in ("center", "most_exciting", "most_inhibiting"):
        stored = load_checkpoint(folder_of(probe) / role)
        window = stored["presentation_mask"] > 0
        assert stored["neuron"] == NEURON
        assert len(stored["video"][0]) == len(window) == 300
        assert stored["response"].shape == (250,)
        assert (stored["video"][0, ~window] == GREY).all()
        name = read_result(probe.output_dir, "generated_stimuli").set_index("role")
        name = name.loc[role, "stimulus"]
        number, row = row_of(library, stimulus=name)
        np.testing.assert_array_equal(stored["video"][0, window], library.frames(number))
        inside = stored["response"][window[-250:]].sum()
        assert float(inside) == pytest.approx(row["value"], rel=1e-4)


@pytest.mark.slow
def test_what_seeds_agree_on_and_who_held_out_sees(probe, truth):
    other = replace(probe, output_dir=probe.output_dir / "other")
    config = replace(BASE, num_seeds=3)
    library = generate(
        probe, config, held_out=[Witness(label="again", role="held_out", probe=other)]
    )
    assert len(library) == 9
    table = read_result(probe.output_dir, "generated_stimuli").set_index("role")
    centre = table.loc["center"]
    assert centre["num_seeds"] == 3
    assert centre["value"] > 1.1 * centre["baseline"]
    assert centre["correlation"] > centre["correlation_unaligned"]
    assert centre["held_out_share"] == pytest.approx(1, rel=1e-4)
    best = library.table["stimulus"].isin(table["stimulus"])
    assert best.sum() == 3
    values = library.table[library.table["surround"] == "none"]["value"]
    assert centre["value"] == pytest.approx(values.max())


def test_finished_is_skipped_and_other_settings_are_refused(probe, monkeypatch):
    generate(probe)
    before = read_result(probe.output_dir, "generated_stimuli")
    monkeypatch.setattr(workshop, "ascend", None)
    generate(probe)
    pd.testing.assert_frame_equal(read_result(probe.output_dir, "generated_stimuli"), before)
    with pytest.raises(ConfigError, match=r"sd was 0\.01, now 0\.5"):
        generate(probe, replace(BASE, sd=0.5))


@pytest.mark.slow
def test_overwrite_keeps_what_was_there(probe):
    whole = replace(BASE, canvas="full_field")
    generate(probe, whole)
    first = generate(probe, replace(BASE, num_seeds=2))
    kept = (folder_of(probe) / "center/ckpt.pt").read_bytes()
    now = generate(probe, replace(BASE, sd=0.5), overwrite=True)
    aside = folder_of(probe).with_name(f"neuron{NEURON:04d}.old1")
    assert (aside / "center/ckpt.pt").read_bytes() == kept
    assert len(now) == 2 + 3
    assert len(first) == 2 + 6
    old = read_library(aside / "library")
    assert set(old.table["stimulus"]) <= set(first.table["stimulus"])
    assert len(old) == 6
    _, row = row_of(old, surround="none", seed=1235)
    before, _ = row_of(first, stimulus=row["stimulus"])
    assert row["value"] == first.table["value"][before]
    assert len(read_result(probe.output_dir, "generated_stimuli")) == 2 + 3
    generate(probe, replace(BASE, sd=0.2), overwrite=True)
    assert folder_of(probe).with_name(f"neuron{NEURON:04d}.old2").is_dir()


def test_interrupted_and_continued_is_the_same(probe, tmp_path, monkeypatch):
    whole = generate(probe)
    again = replace(probe, output_dir=tmp_path / "again")
    write_truth(again.output_dir, probe.responder.model.populations["S1"].truth)
    ascend, calls = workshop.ascend, []

    def stops(asked, *parts, **options):
        calls.append(1)

        def stopping(movie):
            if len(calls) == 2 and movie.requires_grad:
                calls.append(len(calls))
                raise KeyboardInterrupt
            return asked(movie)

        return ascend(stopping, *parts, **options)

    monkeypatch.setattr(workshop, "ascend", stops)
    with pytest.raises(KeyboardInterrupt):
        generate(again)
    assert (folder_of(again) / "center/summary.yaml").is_file()
    assert not (folder_of(again) / "most_exciting/summary.yaml").exists()
    monkeypatch.setattr(workshop, "ascend", ascend)
    continued = generate(again)
    pd.testing.assert_frame_equal(continued.table, whole.table)
    for number in range(len(whole)):
        np.testing.assert_array_equal(continued.frames(number), whole.frames(number))


def test_a_searched_centre_stays(probe):
    with pytest.raises(MissingResultError, match=r"predict_center_surround_gratings\.py"):
        generate(probe, replace(BASE, use_grating_center=True))
    clip = found_clip(probe, "best", centre="grating", value=2.0)
    found_clip(probe, "worse", centre="grating", value=1.0, seed=1)
    found_clip(probe, "of_another", centre="grating", neuron=1, value=9.0, seed=2)
    config = replace(BASE, save_dir="with_grating", use_grating_center=True)
    library = generate(probe, config)
    centre, row = row_of(library, surround="none")
    np.testing.assert_array_equal(library.frames(centre), clip)
    assert not row["contrast_matched"]
    assert row["source"] == "searched/best"
    around, _ = row_of(library, surround="generated", goal="excite")
    place = (row["centre_x_px"], row["centre_y_px"])
    inside = probe.monitors["S1"].disc(SIZE_DEG, centre_px=place)
    np.testing.assert_array_equal(library.frames(around)[:, inside], clip[:, inside])


def starts(probe, monkeypatch, **options):
    """What each role starts from: {role: mean of the start}."""
    seen = {}
    ascend_once = workshop.Workshop._ascend

    def watched(self, part, *args, **given):
        seen[part.role] = None if part.init is None else float(part.init.mean())
        return ascend_once(self, part, *args, **given)

    monkeypatch.setattr(workshop.Workshop, "_ascend", watched)
    generate(probe, replace(BASE, rms=None, natural_init=True), **options)
    return seen


@pytest.mark.slow
def test_natural_starts_are_those_of_their_role(probe, monkeypatch):
    surround = {"centre": "natural", "surround": "natural", "surround_motion": "dynamic"}
    found_clip(probe, "centre", centre="natural", level=50)
    found_clip(probe, "more", level=100, **surround)
    found_clip(probe, "less", level=150, **surround, goal="inhibit")
    seen = starts(probe, monkeypatch)
    assert seen == {"center": 50, "most_exciting": 100, "most_inhibiting": 150}
    seen = starts(probe, monkeypatch, overwrite=True, as_published=True)
    assert seen == {"center": 150, "most_exciting": 100, "most_inhibiting": 150}


def test_as_published_grey_is_as_long_as_the_model_takes(probe, monkeypatch):
    leads = []

    def asked(*args, lead_frames, **options):
        leads.append(lead_frames)
        return ask_of(*args, lead_frames=lead_frames, **options)

    monkeypatch.setattr(workshop, "ask_of", asked)
    config = replace(BASE, canvas="full_field", rms=None)
    generate(probe, config, ascent=replace(FEW, num_steps=1))
    generate(probe, config, ascent=replace(FEW, num_steps=1), overwrite=True, as_published=True)
    assert leads == [50, (300 - FRAMES) // 2]


def test_activations_made_anew_make_the_same_stimuli(tmp_path):
    """--grad_checkpointing 1, on a causal vivit."""
    monitor = Monitor(width_cm=56.5, height_cm=31.8, distance_cm=15.0, width_px=16, height_px=12)
    whom = SelectionConfig(neurons=(NEURON,), use_RF_center=False)
    config = replace(BASE, canvas="full_field")
    made = []
    for is_anew in (0, 1):
        twin = small_twin(**CAUSAL, grad_checkpointing=is_anew)
        twin.model.requires_grad_(not is_anew)
        probe = Probe(output_dir=tmp_path / str(is_anew), responder=twin, monitors={"A": monitor})
        ranks = {"neuron": range(6), "rank": 1.0, "trial_reliability": 0.5, "correlation": 0.5}
        table = pd.DataFrame({"mouse": "A", **ranks})
        write_result(probe.output_dir, "neuron_reliability", table, method={})
        made.append(generate(probe, config, whom, replace(FEW, num_steps=5)))
    plain, anew = made
    np.testing.assert_allclose(anew.table["value"], plain.table["value"], rtol=1e-4)
    for number in range(len(plain)):
        np.testing.assert_allclose(anew.frames(number), plain.frames(number), atol=0.05)
        assert np.ptp(plain.frames(number)) > 10


def test_contrast_matched_to_a_search(probe):
    with pytest.raises(MissingResultError, match="--rms match"):
        generate(probe, replace(BASE, rms="match"))
    searched = {"surround": "none", "rms": 22.0, "mean": 100.0}
    found_clip(probe, "centre", centre="natural", **searched)
    surround = {"centre": "natural", "surround": "natural", "surround_motion": "dynamic"}
    found_clip(probe, "weak", **surround, value=1.0, rms=50.0, mean=90.0)
    found_clip(probe, "strong", **surround, value=3.0, rms=18.0, mean=120.0)
    found_clip(probe, "least", **surround, goal="inhibit", rms=25.0, mean=110.0)
    config = replace(BASE, save_dir="matched", rms="match")
    table = generate(probe, config).table.set_index("stimulus").sort_index()
    np.testing.assert_allclose(table["rms"], [22, 18, 25], rtol=0.01)
    np.testing.assert_allclose(table["mean"], [100, 120, 110], rtol=0.01)


@pytest.mark.slow
def test_varied_stimuli_differ_and_still_drive(probe):
    config = replace(BASE, num_seeds=3, diversity=0.1, canvas="full_field")
    library = generate(probe, config, ascent=AscentConfig(num_steps=30, lr=0.1))
    exciting = library.of((library.table["goal"] == "excite").to_numpy())
    likeness = {}
    for word in ("seed", "varied"):
        rows = np.flatnonzero(exciting.table["stimulus"].str.contains(word))
        movies = torch.from_numpy(np.stack([exciting.frames(int(row)) for row in rows]))
        pairs = correlations(movies, torch.ones(movies.shape[2:]))
        likeness[word] = float(pairs[np.triu_indices(3, k=1)].max())
    assert likeness["varied"] < likeness["seed"] - 0.2

    found = read_result(probe.output_dir, "generated_stimuli").set_index("role")
    found = found.loc["most_exciting"]
    assert found["varied_correlation"] == pytest.approx(likeness["varied"], abs=1e-3)
    assert 0.5 < found["varied_value"] <= 1.02


def test_the_penalty_of_likeness():
    movie = torch.rand(3, 2, 4, 5, generator=torch.Generator().manual_seed(0)) * 255
    movie[1] = 0.5 * movie[0] + 20
    free = torch.ones(4, 5)
    likeness = correlations(movie, free)
    expected = np.corrcoef(movie.flatten(1).numpy())
    np.testing.assert_allclose(likeness.numpy(), expected, atol=1e-5)
    penalty = Diversity(weight=3.0, free=free)(movie)
    np.testing.assert_allclose(penalty[:2].numpy(), [3, 3], rtol=1e-4)
    assert penalty[2] < 1.5
    free[:, 3:] = 0
    movie[1, :, :, 3:] = 0
    assert correlations(movie, free)[0, 1] == pytest.approx(1, abs=1e-4)


def test_images_and_full_fields(probe):
    config = replace(BASE, canvas="full_field", static=True, outer_stimulus_size=40.0)
    library = generate(probe, config)
    assert set(library.table["centre"]) == {"full_generated"}
    assert set(library.table["centre_motion"]) == {"static"}
    assert library.table["size_deg"].isna().all()
    row = library.table.iloc[0]
    frames = library.frames(0)
    assert (frames == frames[0]).all()
    place = (row["centre_x_px"], row["centre_y_px"])
    beyond = ~probe.monitors["S1"].disc(40.0, centre_px=place)
    assert (frames[:, beyond] == GREY).all()
    assert len(read_result(probe.output_dir, "generated_stimuli")) == 2


def test_a_population(probe):
    table = {"neuron": range(4), "rank": 1.0, "trial_reliability": 0.5}
    table = pd.DataFrame({"mouse": "S1", **table, "correlation": [0.5, 0.25, -1.0, 0.25]})
    write_result(probe.output_dir, "neuron_reliability", table, method={})
    selection = SelectionConfig(objective="population", stimulus_size=SIZE_DEG)
    config = replace(BASE, loss_mode="max", canvas="full_field")
    library = generate(probe, config, selection)
    assert set(library.table["neuron"]) == {-1}
    folder = generated_folder(probe.output_dir, config, is_population=True) / "mouseS1"
    stored = load_checkpoint(folder / "most_exciting")
    assert stored["response"].shape == (3, 250)
    assert "neuron" not in stored
    window = stored["response"][:, stored["presentation_mask"][-250:] > 0]
    value = window.amax(dim=1) @ torch.tensor([0.5, 0.25, 0.25])
    _, row = row_of(library, goal="excite")
    assert float(value) == pytest.approx(row["value"], rel=1e-3)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"use_natural_center": True, "use_grating_center": True}, "exclude each other"),
        ({"use_grating_center": True, "static_center": True}, "drifts"),
        ({"diversity": 0.1}, "num_seeds"),
        ({"rms": "much"}, "--rms"),
        ({"rms": "-3"}, "--rms"),
        ({"save_dir": "a/b"}, "--save_dir"),
        ({"num_frames": 0}, "--num_frames"),
    ],
)
def test_flags_that_cannot_work(flags, message):
    with pytest.raises(ConfigError, match=message):
        GenerateConfig(**{"save_dir": "x", "method": "pixel", **flags})
