"""Sets of stimuli for a rig: names as published, frames without loss, damage that is found."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from stimulus_sets import FRAMES, MONITOR, fill, movies, stimulus, surrounds

from viv1t.errors import ConfigError, DataError
from viv1t.most_exciting_stimulus.export import (
    check_export,
    export_names,
    export_stimuli,
    published_name,
    read_blocks,
)
from viv1t.most_exciting_stimulus.library import library_folder, read_libraries, write_library
from viv1t.most_exciting_stimulus.manifest import NAME, RigTiming, read_manifest

TIMING = RigTiming(fps=30.0, stimulus=FRAMES)


def named(*rows):
    """The published name of each row of a library."""
    columns = ("centre", "surround", "centre_motion", "surround_motion")
    return [published_name(dict.fromkeys(columns, "none") | row) for row in rows]


def export(tmp_path, **options):
    """The manifest of the libraries in a folder, exported to set/ in it."""
    given = {"mouse_id": "S1", "monitor": MONITOR, "timing": TIMING}
    path = export_stimuli(tmp_path / "set", read_libraries(tmp_path), **given | options)
    return read_manifest(path)


def test_single_neurons_have_the_published_names():
    assert named(*surrounds(12)) == [f"GCS{k:03d}_N012" for k in range(7)]
    image = {"centre": "natural", "centre_motion": "static"}
    rows = [stimulus("a", 7, **image)]
    for origin in ("natural", "generated"):
        for motion in ("static", "dynamic"):
            for goal in ("excite", "inhibit"):
                kind = {"surround": origin, "surround_motion": motion, "goal": goal}
                rows.append(stimulus("a", 7, **image | kind))
    assert named(*rows) == [f"CS{k:03d}_N007" for k in range(9)]
    assert named(*(row | {"neuron": -1} for row in rows)) == [f"CS{k:03d}" for k in range(9)]


def test_the_population_has_full_field_names_and_others_have_none():
    rows = [
        stimulus("a", -1, centre=f"full_{origin}", centre_motion=motion, goal=goal)
        for origin in ("natural", "generated")
        for motion in ("static", "dynamic")
        for goal in ("excite", "inhibit")
    ]
    assert named(*rows) == [f"FF{k:03d}" for k in range(8)]
    assert named(*(row | {"neuron": 3} for row in rows)) == [None] * 8
    generated = {"centre": "generated", "centre_motion": "dynamic"}
    assert named(stimulus("a", **generated)) == [None]
    assert named(stimulus("a", -1, centre="grating", centre_motion="dynamic")) == [None]
    assert named(stimulus("CM011", -1)) == ["CM011"]


def test_the_best_stimulus_gets_the_name():
    rows = [
        row | {"value": value, "stimulus": f"{row['stimulus']}_{value}"}
        for row in surrounds(3)[:3]
        for value in (1.0, 3.0, 2.0)
    ]
    table = pd.DataFrame(rows).fillna({"surround": "none", "surround_motion": "none"})
    names = export_names(table)
    chosen = {name: rows[row]["stimulus"] for row, name in names.items()}
    assert chosen == {
        "GCS000_N003": "centre3_3.0",
        "GCS001_N003": "grating_excite3_3.0",
        "GCS002_N003": "grating_inhibit3_1.0",
    }
    everything = export_names(table, everything=True)
    assert list(everything.values())[3:] == [f"ME{k:03d}_N003" for k in range(6)]
    assert sorted(everything) == list(range(9))


def test_frames_come_back_from_both_formats(tmp_path):
    frames = fill(tmp_path, "a", surrounds(3))
    manifest = export(tmp_path)
    assert manifest.names == tuple(f"GCS{k:03d}_N003" for k in range(7))
    assert manifest.timing == TIMING
    assert manifest.monitor == MONITOR
    for row, shown in enumerate(manifest.stimuli):
        expected = np.rint(frames[row])
        np.testing.assert_array_equal(np.load(tmp_path / "set" / shown.file), expected)
        pictures = sorted((tmp_path / "set" / shown.name).glob("*.png"))
        assert len(pictures) == FRAMES
        for picture, frame in zip(pictures, expected, strict=True):
            with Image.open(picture) as image:
                np.testing.assert_array_equal(np.array(image), frame)
        assert shown.mean_luminance == pytest.approx(expected.mean(), abs=1e-3)
    first = manifest.stimuli[0]
    assert (first.library, first.stimulus, first.neuron) == ("a", "centre3", 3)
    assert (first.size_deg, first.outer_deg, first.rms) == (20.0, None, 20.0)
    assert first.centre_deg is not None
    assert first.centre_deg[0] < 0 < first.centre_deg[1]
    assert check_export(tmp_path / "set") == manifest
    assert export(tmp_path) == manifest


def test_png_alone_is_a_set(tmp_path):
    fill(tmp_path, "a", surrounds(3)[:2])
    manifest = export(tmp_path, formats=("png",))
    assert [shown.file for shown in manifest.stimuli] == ["GCS000_N003", "GCS001_N003"]
    assert not list((tmp_path / "set").glob("*.npy"))
    check_export(tmp_path / "set")


def test_damage_is_found_and_named(tmp_path):
    fill(tmp_path, "a", surrounds(3)[:2])
    export(tmp_path)
    picture = tmp_path / "set" / "GCS001_N003" / "frame002.png"
    with Image.open(picture) as image:
        pixels = np.array(image)
    pixels[3, 4] ^= 1
    Image.fromarray(pixels).save(picture)
    with pytest.raises(DataError, match="GCS001_N003: the frames differ"):
        check_export(tmp_path / "set")
    picture.unlink()
    with pytest.raises(DataError, match="GCS001_N003: expected frames"):
        check_export(tmp_path / "set")
    export(tmp_path)
    file = tmp_path / "set" / "GCS000_N003.npy"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"GCS000_N003\.npy holds no frames"):
        check_export(tmp_path / "set")
    file.unlink()
    with pytest.raises(DataError, match=r"GCS000_N003\.npy holds no frames"):
        check_export(tmp_path / "set")
    export(tmp_path)
    path = tmp_path / "set" / NAME
    values = yaml.safe_load(path.read_text())
    values["stimuli"][0]["sha256"] = "f" * 64
    path.write_text(yaml.safe_dump(values))
    with pytest.raises(DataError, match=r"GCS000_N003.*differ from those"):
        check_export(tmp_path / "set")


def test_what_cannot_be_exported_is_said(tmp_path):
    fill(tmp_path, "a", [stimulus("x", centre="generated", centre_motion="dynamic")])
    with pytest.raises(ConfigError, match="--everything exports them all"):
        export(tmp_path)
    assert export(tmp_path, everything=True).names == ("ME000_N003",)
    library = read_libraries(tmp_path)
    place = {"mouse_id": "S1", "monitor": MONITOR, "everything": True}
    with pytest.raises(ConfigError, match="the timing and the screen ask for"):
        export_stimuli(tmp_path, library, timing=replace(TIMING, stimulus=30), **place)
    with pytest.raises(ConfigError, match="none of 0 stimuli of mouse S2"):
        export_stimuli(tmp_path, library, timing=TIMING, **place | {"mouse_id": "S2"})


def test_blocks_are_framed_by_grey(tmp_path):
    frames = fill(tmp_path, "a", surrounds(3)[:2])
    timing = replace(TIMING, grey_before=2, grey_after=3, grey=127.0)
    export(tmp_path, timing=timing)
    blocks = dict(read_blocks(tmp_path / "set"))
    assert list(blocks) == ["GCS000_N003", "GCS001_N003"]
    block = blocks["GCS001_N003"]
    assert block.shape[0] == timing.block_frames
    assert (block[:2] == 127).all()
    assert (block[-3:] == 127).all()
    np.testing.assert_array_equal(block[timing.window], np.rint(frames[1]))


def test_surrounds_around_another_centre_are_named(tmp_path, caplog):
    rows = [row | {"centre_x_px": 8.0, "centre_y_px": 4.0} for row in surrounds(3)[:3]]
    rows = [row | {"size_deg": 40.0} for row in rows]
    frames = movies(3)
    inside = MONITOR.disc(40.0, centre_px=(8.0, 4.0))
    frames[1][:, inside] = frames[0][:, inside]
    table = pd.DataFrame(rows)
    write_library(library_folder(tmp_path, "a"), "S1", table, frames, method={})
    export(tmp_path)
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 1
    assert messages[0].startswith("GCS002_N003 (a/grating_inhibit3) has another centre than GCS000")
