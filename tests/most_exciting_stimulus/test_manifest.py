"""The manifest of an exported set: what is written is read, what is wrong has its line named."""

import math
import re
from dataclasses import replace

import pytest
import yaml

from viv1t.errors import DataError, MissingResultError
from viv1t.most_exciting_stimulus.manifest import (
    NAME,
    Manifest,
    RigTiming,
    ShownStimulus,
    centre_deg,
    manifest_of,
    read_manifest,
    write_manifest,
)
from viv1t.units import Monitor
from viv1t.utils.yaml_lines import YamlLines

MONITOR = Monitor(width_cm=51.0, height_cm=29.0, distance_cm=20.0)


def stimulus(name, **values):
    """A stimulus of a set."""
    given = {
        "name": name,
        "file": f"{name}.npy",
        "sha256": "0" * 64,
        "neuron": 12,
        "centre": "grating",
        "surround": "none",
        "centre_motion": "dynamic",
        "surround_motion": "none",
        "goal": "excite",
        "seed": -1,
        "value": 3.5,
        "converged": True,
        "contrast_matched": False,
        "centre_deg": (-4.25, 2.0),
        "size_deg": 20.0,
        "outer_deg": None,
        "mean_luminance": 127.0,
        "rms": 31.0,
    }
    return ShownStimulus(**(given | values))


def manifest_with(*stimuli):
    timing = RigTiming(fps=30.0, stimulus=30)
    return Manifest(mouse="K", monitor=MONITOR, timing=timing, stimuli=stimuli)


@pytest.fixture
def folder(tmp_path):
    """A folder with the manifest of two stimuli."""
    second = stimulus("GCS001_N012", surround="grating", surround_motion="dynamic", value=None)
    write_manifest(tmp_path / NAME, manifest_with(stimulus("GCS000_N012"), second))
    return tmp_path


def test_what_is_written_is_read(folder):
    manifest = read_manifest(folder)
    assert manifest == read_manifest(folder / NAME)
    assert manifest.names == ("GCS000_N012", "GCS001_N012")
    assert manifest.monitor == MONITOR
    assert manifest.stimuli[0] == stimulus("GCS000_N012")
    assert manifest.timing.block_frames == 60
    assert manifest.timing.window == slice(15, 45)


def test_a_file_may_hold_more_for_those_who_ask(folder):
    path = folder / NAME
    path.write_text(path.read_text() + "blocks: [[GCS000_N012]]\n")
    assert manifest_of(YamlLines(path), besides=("blocks",)).mouse == "K"
    with pytest.raises(DataError, match="unknown key blocks"):
        read_manifest(folder)


@pytest.mark.parametrize(
    ("old", "new", "words", "line"),
    [
        ("seed: -1", "seed: many", "seed should be a whole number, found 'many'", "seed"),
        ("goal: excite", "goal: please", "goal should be one of", "goal"),
        ("fps: 30.0", "fps: 0", "fps and stimulus should be positive", "timing"),
        ("size_deg: 20.0", "size_deg: .nan", "size_deg should be a number or null", "size_deg"),
        ("  width_cm: 51.0\n", "", "monitor lacks width_cm", "monitor"),
        ("width_cm: 51.0", "width_cm: -1", "monitor width_cm must be positive", "monitor"),
        ("mouse: K", "mouse: 7", "mouse should be text, found 7", "mouse"),
        ("mouse: K", "house: K", "unknown key house", "house"),
        ("name: GCS001", "name: GCS000", "GCS000_N012 stands here a second time", "name"),
        ("file: GCS000_N012.npy", "file: ../a.npy", "should lie in the folder", "- centre"),
        ("schema: 1", "schema: 2", "schema should be 1, found 2", "schema"),
        ("'000", "'00", "sha256 should be 64", "- centre"),
        ("- -4.25\n", "- -4.25\n    - 3.0\n", "should be a list of 2 numbers", "centre_deg"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(folder, old, new, words, line):
    path = folder / NAME
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(DataError, match=words) as caught:
        read_manifest(folder)
    found = re.match(rf"{re.escape(str(path))}, line (\d+): ", str(caught.value))
    near = path.read_text().splitlines()[int(found[1]) - 1]
    assert near.strip().startswith(line)


def test_files_that_are_no_manifest(tmp_path):
    with pytest.raises(MissingResultError, match="does not exist"):
        read_manifest(tmp_path)
    for text, words in (("", "should hold a YAML mapping"), ("a: [", "not valid YAML")):
        (tmp_path / NAME).write_text(text)
        with pytest.raises(DataError, match=words):
            read_manifest(tmp_path)
    (tmp_path / NAME).write_text(yaml.safe_dump({"schema": 1, "stimuli": "none"}))
    with pytest.raises(DataError, match="stimuli should be a list, found 'none'"):
        read_manifest(tmp_path)


def test_degrees_from_the_screen_centre():
    assert centre_deg(MONITOR, 31.5, 17.5) == (0, 0)
    x, y = centre_deg(MONITOR, 0, 0)
    assert x < 0 < y
    assert x == pytest.approx(-math.degrees(math.atan(31.5 * 51 / 64 / 20)), abs=1e-3)
    right, down = centre_deg(MONITOR, 63, 35)
    assert (right, down) == (-x, -y)
    assert centre_deg(MONITOR, math.nan, 3) is None


def test_timing_that_cannot_be():
    timing = RigTiming(fps=30.0, stimulus=30)
    with pytest.raises(DataError, match="0 or more"):
        replace(timing, grey_before=-1)
    with pytest.raises(DataError, match=r"grey 0\.\.255"):
        replace(timing, grey=300.0)
