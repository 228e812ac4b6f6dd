"""Tables of results: checked, complete by mouse, and telling how they were made."""

import json
from types import MappingProxyType

import pandas as pd
import pytest

from viv1t.errors import ConfigError, DataError, MissingResultError
from viv1t.results import store
from viv1t.results.specs import TableSpec
from viv1t.results.store import ResultDir, read_result, write_result

SPEC = TableSpec(
    columns={"mouse": "id", "neuron": "row of the mouse", "size_deg": "preferred size"},
    key=("mouse", "neuron"),
    made_by="tuning_sizes/fit.py",
)
METHOD = {"as_published": False, "criterion": "fit", "sizes_deg": (10, 20)}


@pytest.fixture(autouse=True)
def _one_table(monkeypatch):
    monkeypatch.setattr(store, "TABLES", MappingProxyType({"sizes": SPEC}))


def sizes(mouse, *values):
    return pd.DataFrame(
        {"neuron": range(len(values)), "mouse": mouse, "size_deg": [float(v) for v in values]}
    )


def test_a_table_comes_back_with_how_it_was_made(tmp_path):
    path = write_result(tmp_path, "sizes", sizes("A", 20, 30), method=METHOD)
    assert path == tmp_path / "tables/sizes.parquet" == ResultDir(tmp_path).table("sizes")
    table = read_result(tmp_path, "sizes")
    assert list(table) == list(SPEC.columns)
    assert table["size_deg"].tolist() == [20, 30]
    assert table.attrs["method"] == METHOD | {"sizes_deg": [10, 20]}
    beside = json.loads(path.with_suffix(".json").read_text())
    assert beside["columns"] == dict(SPEC.columns)
    assert beside["as_published"] is False
    assert beside["made_by"] == "tuning_sizes/fit.py"
    assert {"version", "argv"} < beside.keys()
    write_result(tmp_path, "sizes", sizes("A", 1), method=METHOD | {"as_published": True})
    assert json.loads(path.with_suffix(".json").read_text())["as_published"] is True


def test_rows_of_other_mice_stay(tmp_path):
    for mouse, values in (("B", (1, 2)), ("A", (3,)), ("B", (4,))):
        write_result(tmp_path, "sizes", sizes(mouse, *values), method=METHOD)
    table = read_result(tmp_path, "sizes")
    assert table.to_dict("list") == {"mouse": ["A", "B"], "neuron": [0, 0], "size_deg": [3, 4]}
    assert read_result(tmp_path, "sizes", mouse_ids=["B"])["size_deg"].tolist() == [4]


def test_two_methods_do_not_mix(tmp_path, caplog):
    write_result(tmp_path, "sizes", sizes("A", 1), method=METHOD)
    write_result(tmp_path, "sizes", sizes("B", 1), method=METHOD)
    assert not caplog.records
    other = METHOD | {"criterion": "peak"}
    write_result(tmp_path, "sizes", sizes("B", 2), method=other)
    assert "dropped the rows of mouse A, which were made in another way" in caplog.text
    table = read_result(tmp_path, "sizes")
    assert table["mouse"].tolist() == ["B"]
    assert table.attrs["method"]["criterion"] == "peak"


def test_what_does_not_fit_is_refused(tmp_path):
    table = sizes("A", 1, 2)
    with pytest.raises(DataError, match=r"missing: size_deg, unknown: size_px"):
        write_result(
            tmp_path, "sizes", table.rename(columns={"size_deg": "size_px"}), method=METHOD
        )
    with pytest.raises(DataError, match=r"1 repeat .*'neuron': 0"):
        write_result(tmp_path, "sizes", table.assign(neuron=0), method=METHOD)
    with pytest.raises(DataError, match="mouse, neuron must not be empty"):
        write_result(tmp_path, "sizes", table.assign(mouse=None), method=METHOD)
    with pytest.raises(ConfigError, match="sizes"):
        write_result(tmp_path, "size", table, method=METHOD)
    assert not (tmp_path / "tables").exists()


def test_what_is_missing_names_the_command(tmp_path):
    with pytest.raises(MissingResultError, match=r"python tuning_sizes/fit.py --output_dir .*"):
        read_result(tmp_path, "sizes")
    write_result(tmp_path, "sizes", sizes("A", 1), method=METHOD)
    with pytest.raises(
        MissingResultError,
        match=r"no row of mouse B, C; .*fit.py --output_dir \S+ --mouse_ids B C",
    ):
        read_result(tmp_path, "sizes", mouse_ids=["A", "B", "C"])


def test_a_table_of_an_older_version_is_named(tmp_path):
    path = write_result(tmp_path, "sizes", sizes("A", 1), method=METHOD)
    pd.read_parquet(path).drop(columns="size_deg").to_parquet(path)
    with pytest.raises(DataError, match=r"lacks size_deg: .*python tuning_sizes/fit.py"):
        read_result(tmp_path, "sizes")
