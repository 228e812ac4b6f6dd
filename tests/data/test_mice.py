from pathlib import Path

import pytest
import yaml
from sessions import write_mice_yaml, write_session, zip_folder

from viv1t.data.mice import ROCHEFORT, SENSORIUM, choose_mice, find_mice
from viv1t.errors import ConfigError, DataError

MONITOR = {"width_cm": 40, "height_cm": 30.0, "distance_cm": 18}


def test_the_built_in_table(tmp_path: Path):
    mice = find_mice(tmp_path)
    assert list(mice) == [*SENSORIUM, *ROCHEFORT]
    a, k = mice["A"], mice["K_day2"]
    assert a.folder.parent == tmp_path / "sensorium"
    assert a.folder.name.startswith("dynamic29156-11-10-Video-8744")
    assert mice["J"].folder.name.startswith("dynamic29755-2-8-Video-9b4f")
    assert (a.monitor.width_cm, a.monitor.distance_cm) == (56.5, 15.0)
    assert k.folder == tmp_path / "rochefort-lab/VIPcre232_FOV1_day2"
    assert (k.monitor.height_cm, k.monitor.distance_cm) == (29.0, 20.0)
    assert (a.fps, a.skip_frames, a.max_frames) == (30.0, 50, 300)


def test_mice_yaml_adds_and_overrides(tmp_path: Path):
    new = {"folder": "lab/x", "fps": 15, "video_px": [24, 40], "monitor": MONITOR}
    entries = {"X": new | {"skip_frames": 10, "max_frames": 90}, "A": {"folder": "elsewhere"}}
    (tmp_path / "mice.yaml").write_text(yaml.safe_dump({"schema": 1, "mice": entries}))
    mice = find_mice(tmp_path)
    x, a = mice["X"], mice["A"]
    assert (x.folder, x.fps, x.video_px) == (tmp_path / "lab/x", 15.0, (24, 40))
    assert (x.monitor.width_cm, x.skip_frames, x.max_frames) == (40.0, 10, 90)
    assert (a.folder, a.monitor.width_cm) == (tmp_path / "elsewhere", 56.5)


GOOD = {"folder": "x", "monitor": MONITOR}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"mice": {"X": GOOD}}, "lacks the key 'schema'"),
        ({"schema": 2, "mice": {"X": GOOD}}, "schema should be 1, found 2"),
        ({"schema": 1, "mice": {}}, "at least one id"),
        ({"schema": 1, "mice": {"X": 3}}, "mouse X should be a mapping"),
        ({"schema": 1, "mice": {"X/1": GOOD}}, "letters, digits"),
        ({"schema": 1, "mice": {"X": {"folder": "x"}}}, "mouse X lacks the key 'monitor'"),
        ({"schema": 1, "mice": {"X": GOOD | {"fsp": 3}}}, "unknown key 'fsp'; did you mean 'fps'"),
        ({"schema": 1, "mice": {"X": GOOD | {"fps": "fast"}}}, "fps should be a positive number"),
        ({"schema": 1, "mice": {"X": GOOD | {"video_px": [3]}}}, r"\[height, width\]"),
        ({"schema": 1, "mice": {"X": GOOD | {"skip_frames": 1.5}}}, "whole number of frames"),
        ({"schema": 1, "mice": {"X": GOOD | {"max_frames": 40}}}, "must exceed skip_frames"),
        (
            {"schema": 1, "mice": {"X": GOOD | {"monitor": MONITOR | {"distance_cm": 0}}}},
            "distance_cm should be a positive number",
        ),
        ("just text", "should hold a YAML mapping"),
    ],
)
def test_bad_mice_yaml_is_one_clear_line(tmp_path: Path, content: object, message: str):
    (tmp_path / "mice.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(DataError, match=message) as caught:
        find_mice(tmp_path)
    assert "mice.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_default_is_all_of_mice_yaml_else_sensorium_on_disk(tmp_path: Path):
    folder = find_mice(tmp_path)["C"].folder
    folder.mkdir(parents=True)
    assert [mouse.id for mouse in choose_mice(tmp_path, None)] == ["C"]
    for name in ("two", "one"):
        (tmp_path / name).mkdir()
    write_mice_yaml(tmp_path, {"S2": {"folder": "two"}, "S1": {"folder": "one"}})
    assert {mouse.id for mouse in choose_mice(tmp_path, None)} == {"S1", "S2"}
    assert [mouse.id for mouse in choose_mice(tmp_path, ["S1", "C"])] == ["S1", "C"]


def test_what_cannot_be_chosen(tmp_path: Path):
    with pytest.raises(DataError, match="does not exist; give another --data_dir"):
        choose_mice(tmp_path / "nowhere", None)
    with pytest.raises(DataError, match=r"looked for .*mice\.yaml.*sensorium.*dynamic29156"):
        choose_mice(tmp_path, None)
    with pytest.raises(DataError, match="mouse B has no session: looked for the folder"):
        choose_mice(tmp_path, ["B"])
    with pytest.raises(ConfigError, match="unknown mouse 'K_day9'; did you mean 'K_day2'"):
        choose_mice(tmp_path, ["K_day9"])
    find_mice(tmp_path)["B"].folder.mkdir(parents=True)
    with pytest.raises(ConfigError, match="twice: B B"):
        choose_mice(tmp_path, ["B", "B"])


def test_a_zipped_session_is_unpacked_beside_its_zip(tmp_path: Path):
    write_session(tmp_path / "made", tiers=("train", "oracle"))
    folder = find_mice(tmp_path)["A"].folder
    folder.parent.mkdir()
    archive = zip_folder(tmp_path / "made", folder.with_name(f"{folder.name}.zip"), root="any name")
    (mouse,) = choose_mice(tmp_path, None)
    assert mouse.id == "A"
    assert (folder / "data/videos/1.npy").is_file()
    assert sorted(folder.parent.iterdir()) == sorted([folder, archive])
