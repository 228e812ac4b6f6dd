"""Parquet files: written whole, read with errors that say what to do."""

import pandas as pd
import pytest

from viv1t.errors import DataError, MissingResultError
from viv1t.results.tables import read_table, scores_table, write_table

TABLE = pd.DataFrame({"mouse": ["A", "B"], "value": [0.25, float("nan")]})


def test_a_table_comes_back_as_it_was(tmp_path):
    write_table(tmp_path / "new" / "t.parquet", TABLE)
    again = read_table(tmp_path / "new" / "t.parquet", command="x")
    pd.testing.assert_frame_equal(again, TABLE)
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["t.parquet"]


def test_a_write_that_fails_leaves_the_old_table(tmp_path):
    path = tmp_path / "t.parquet"
    write_table(path, TABLE)
    with pytest.raises(Exception, match="Duplicate"):
        write_table(path, pd.DataFrame([[1, 2]], columns=["a", "a"]))
    pd.testing.assert_frame_equal(read_table(path, command="x"), TABLE)


def test_a_missing_table_names_the_command(tmp_path):
    with pytest.raises(MissingResultError, match=r"t.parquet does not exist; .*: python train.py"):
        read_table(tmp_path / "t.parquet", command="python train.py")


def test_a_damaged_table_is_named(tmp_path):
    path = tmp_path / "t.parquet"
    write_table(path, TABLE)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match=r"t.parquet is not a readable parquet file.*: make demo"):
        read_table(path, command="make demo")


def test_averages_are_no_rows():
    table = scores_table({"movie": {"correlation": {"A": 0.5, "average": 0.5}}}, label="type")
    assert table.to_dict("records") == [
        {"mouse": "A", "type": "movie", "metric": "correlation", "value": 0.5}
    ]
