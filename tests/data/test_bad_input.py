"""Damaged recordings end a script with one line that names the place, and with status 2."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sessions import edit, write_mice_yaml, write_session, zip_folder

from viv1t.config.schema import DataConfig
from viv1t.config.scripts import run_script
from viv1t.data.loaders import build_loaders

Damage = Callable[[Path], object]


def unpacked_elsewhere(session: Path) -> None:
    """Leave only a zip of the session whose paths leave its folder."""
    zip_folder(session, session.parent / "S.zip", root="..")
    session.rename(session.parent / "moved")


def truncated_zip(session: Path) -> None:
    archive = zip_folder(session, session.parent / "S.zip", root="S")
    archive.write_bytes(archive.read_bytes()[:5000])
    session.rename(session.parent / "moved")


def cut(name: str) -> Damage:
    def damage(session: Path) -> None:
        path = session / name
        path.write_bytes(path.read_bytes()[:-10])

    return damage


def change(name: str, how: Callable[[np.ndarray], np.ndarray | None]) -> Damage:
    return lambda session: edit(session / name, how)


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda s: s.rename(s.parent / "moved"), "mouse S has no session: looked for the folder"),
        (lambda s: (s.parent / "mice.yaml").unlink(), "found no mouse in"),
        (lambda s: (s.parent / "mice.yaml").write_text("mice: ["), "mice.yaml is not valid YAML"),
        (unpacked_elsewhere, "would be written outside its folder"),
        (truncated_zip, "S.zip is not a whole zip archive"),
        (cut("data/videos/3.npy"), "videos/3.npy is not a whole .npy array"),
        (cut("data/responses/3.npy"), "responses/3.npy is not a whole .npy array"),
        (cut("meta/trials/tiers.npy"), "tiers.npy is not a whole .npy array"),
        (change("data/responses/2.npy", lambda x: x[1:]), "responses/2.npy has shape (5, 80)"),
        (
            change("data/responses/2.npy", lambda x: x.__setitem__((4, 9), np.nan)),
            "responses/2.npy has a NaN or infinite value inside the trial: neuron 4, frame 9",
        ),
        (
            change("data/behavior/2.npy", lambda x: x.__setitem__((1, 9), np.nan)),
            "behavior/2.npy has a NaN or infinite value inside the trial: row 1, frame 9",
        ),
        (
            change("meta/neurons/cell_motor_coordinates.npy", lambda x: x[1:]),
            "cell_motor_coordinates.npy has shape (5, 3), expected (6, 3)",
        ),
        (
            change("meta/trials/tiers.npy", lambda x: np.where(x == "oracle", "none", x)),
            "mouse S: no trial of tier validation",
        ),
    ],
)
def test_one_line_and_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: Damage, line: str
):
    write_session(tmp_path / "S")
    write_mice_yaml(tmp_path, {"S": {"folder": "S"}})
    damage(tmp_path / "S")
    config = DataConfig(data_dir=tmp_path)
    with pytest.raises(SystemExit) as ended:
        run_script(lambda: build_loaders(config, seed=1) and None)
    assert ended.value.code == 2
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1
    assert errors[0].startswith("error: ")
    assert line in errors[0]
