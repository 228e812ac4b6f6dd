"""Finished stimuli on disk: what is written is read, replaced by name, and nothing else changes."""

import h5py
import numpy as np
import pandas as pd
import pytest

from viv1t.errors import DataError, MissingResultError
from viv1t.most_exciting_stimulus.library import (
    COLUMNS,
    best_rows,
    kind_words,
    library_folder,
    read_libraries,
    read_library,
    write_library,
)

METHOD = {"num_steps": 10, "as_published": False}


def table_of(*names, **columns):
    """Rows of stimuli of neuron 3, one a name; `columns` replace or add values."""
    needed = {"neuron": 3, "value": 1.0, "rms": 20.0, "mean": 127.5}
    needed |= {"centre_x_px": 8.0, "centre_y_px": 6.0}
    return pd.DataFrame({"stimulus": names, **needed, **columns})


def movies(count, seed=0, *, frames=4):
    return np.random.default_rng(seed).uniform(0, 255, (count, frames, 6, 8)).astype(np.float32)


def test_what_is_written_is_read(tmp_path):
    folder, shown = library_folder(tmp_path, "first"), movies(2)
    table = table_of("a", "b", goal=["excite", "inhibit"], size_deg=[20.0, np.nan])
    path = write_library(folder, "S1", table, shown, method=METHOD)
    assert path == tmp_path / "most_exciting_stimulus" / "first" / "mouseS1.h5"
    library = read_library(folder)
    assert len(library) == 2
    np.testing.assert_array_equal(np.stack([library.frames(k) for k in range(2)]), shown)
    found = library.table
    assert list(found["stimulus"]) == ["a", "b"]
    assert set(found) == {*COLUMNS, "mouse", "library", "method"}
    assert (found["mouse"] == "S1").all()
    assert (found["library"] == "first").all()
    np.testing.assert_array_equal(found["size_deg"], [20.0, np.nan])
    assert found["converged"].dtype == bool
    assert found["converged"].all()
    assert found["neuron"].dtype.kind == "i"
    assert '"num_steps": 10' in found["method"][0]


def test_rows_that_say_less_take_defaults(tmp_path):
    rows = [
        {"stimulus": "a", "seed": 5, "converged": False, "goal": "excite", "source": "here"},
        {"stimulus": "b"},
    ]
    needed = table_of("a").drop(columns="stimulus").iloc[0].to_dict()
    table = pd.DataFrame([row | needed for row in rows])
    write_library(tmp_path, "S1", table, movies(2), method={})
    found = read_library(tmp_path).table
    names = ["seed", "converged", "goal", "source"]
    assert found[names].to_numpy().tolist() == [
        [5, False, "excite", "here"],
        [-1, True, "none", ""],
    ]


def test_bytes_stay_bytes_until_a_float_movie_comes(tmp_path):
    whole = movies(1).astype(np.uint8)
    path = write_library(tmp_path, "S1", table_of("a"), whole, method={})
    with h5py.File(path) as file:
        assert file["frames"].dtype == np.uint8
    write_library(tmp_path, "S1", table_of("b"), movies(1, 1), method={})
    library = read_library(tmp_path)
    np.testing.assert_array_equal(library.frames(0), whole[0])
    np.testing.assert_array_equal(library.frames(1), movies(1, 1)[0])


def test_a_name_that_comes_again_replaces_and_others_stay(tmp_path):
    write_library(tmp_path, "S1", table_of("a", "b", "c"), movies(3), method={"run": 1})
    write_library(tmp_path, "S1", table_of("b", value=7.0), movies(1, 5), method={"run": 2})
    library = read_library(tmp_path)
    assert list(library.table["stimulus"]) == ["a", "c", "b"]
    assert list(library.table["value"]) == [1, 1, 7]
    np.testing.assert_array_equal(library.frames(1), movies(3)[2])
    np.testing.assert_array_equal(library.frames(2), movies(1, 5)[0])
    assert [m.count('"run": 2') for m in library.table["method"]] == [0, 0, 1]


def test_rows_can_be_chosen(tmp_path):
    write_library(tmp_path, "S1", table_of("a", "b", "c"), movies(3), method={})
    library = read_library(tmp_path)
    for chosen in ([2, 0], np.array([True, False, True])[::1]):
        part = library.of(chosen)
        names = list(np.array(["a", "b", "c"])[chosen])
        assert list(part.table["stimulus"]) == names
        for row, name in enumerate(names):
            np.testing.assert_array_equal(part.frames(row), movies(3)["abc".index(name)])


def test_several_libraries_and_mice_are_one(tmp_path):
    for seed, (name, mouse) in enumerate([("x", "S1"), ("x", "S2"), ("y", "S1")]):
        folder = library_folder(tmp_path, name)
        write_library(folder, mouse, table_of("a"), movies(1, seed), method={})
    library = read_libraries(tmp_path)
    assert list(zip(library.table["library"], library.table["mouse"], strict=True)) == [
        ("x", "S1"),
        ("x", "S2"),
        ("y", "S1"),
    ]
    np.testing.assert_array_equal(library.frames(2), movies(1, 2)[0])
    assert len(read_libraries(tmp_path, ["y"])) == 1
    assert set(read_libraries(tmp_path, mouse_ids=["S2"]).table["library"]) == {"x"}
    with pytest.raises(MissingResultError, match="no stimuli of mouse S9"):
        read_libraries(tmp_path, mouse_ids=["S2", "S9"])
    with pytest.raises(MissingResultError, match="holds no stimuli"):
        read_libraries(tmp_path, ["z"])
    with pytest.raises(MissingResultError, match="no library"):
        read_libraries(tmp_path / "elsewhere")
    with pytest.raises(MissingResultError, match="no stimuli of mouse S2"):
        read_library(library_folder(tmp_path, "y"), ["S2"])


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"goal": "please"}, "goal should be one of excite, inhibit, none, found please"),
        ({"neuron": "three"}, "another type"),
        ({"colour": "red"}, "unknown: colour"),
        ({"stimulus": ["a", "a"]}, "names that differ; a"),
    ],
)
def test_a_table_that_cannot_be_is_refused(tmp_path, columns, words):
    with pytest.raises(DataError, match=words):
        write_library(tmp_path, "S1", table_of("a", "b").assign(**columns), movies(2), method={})
    assert not list(tmp_path.iterdir())


def test_movies_that_cannot_be_are_refused(tmp_path):
    with pytest.raises(DataError, match="2 stimuli need as many movies"):
        write_library(tmp_path, "S1", table_of("a", "b"), movies(1), method={})
    with pytest.raises(DataError, match=r"grey values 0\.\.255"):
        write_library(tmp_path, "S1", table_of("a"), movies(1) + 200, method={})
    with pytest.raises(DataError, match=r"grey values 0\.\.255"):
        write_library(tmp_path, "S1", table_of("a"), movies(1) * np.nan, method={})
    write_library(tmp_path, "S1", table_of("a"), movies(1), method={})
    with pytest.raises(DataError, match="give the library another name"):
        write_library(tmp_path, "S1", table_of("b"), movies(1, frames=5), method={})
    assert list(read_library(tmp_path).table["stimulus"]) == ["a"]


def test_a_damaged_file_is_named(tmp_path):
    path = write_library(tmp_path, "S1", table_of("a"), movies(1), method={})
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(DataError, match=r"mouseS1\.h5 is no readable"):
        read_library(tmp_path)


def test_the_best_of_each_kind(tmp_path):
    table = table_of(
        *"abcdef",
        neuron=[3, 3, 3, 3, 4, 3],
        goal=["excite", "excite", "inhibit", "inhibit", "excite", "excite"],
        centre=["generated"] * 5 + ["natural"],
        value=[1.0, 2.0, -1.0, 3.0, 0.5, np.nan],
        seed=range(6),
    )
    table["mouse"], table["library"], table["contrast_matched"] = "S1", "x", False
    for name in ("surround", "centre_motion", "surround_motion"):
        table[name] = "none"
    assert list(best_rows(table)) == [1, 2, 4, 5]
    assert list(best_rows(table, by=["seed"])) == [0, 1, 2, 3, 4, 5]


def test_kinds_have_words():
    row = dict.fromkeys(("centre", "surround", "centre_motion", "surround_motion", "goal"), "none")
    row["contrast_matched"] = False
    assert kind_words(row) == "blank"
    row |= {"centre": "natural", "centre_motion": "static", "surround": "generated"}
    row |= {"surround_motion": "dynamic", "goal": "inhibit"}
    assert kind_words(row) == "natural centre image, generated surround video, inhibiting"
    full = row | {"centre": "full_grating", "surround": "none", "goal": "excite"}
    assert kind_words(full | {"contrast_matched": True}) == (
        "grating full field image, contrast-matched"
    )
