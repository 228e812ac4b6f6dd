"""Reading ahead: in order, bounded, and over when nobody asks any more."""

import threading

import pytest

from viv1t.utils.ahead import read_ahead


@pytest.mark.parametrize("num_threads", [0, 1, 3])
def test_results_come_in_order(num_threads):
    assert list(read_ahead(lambda x: x * x, range(20), num_threads=num_threads)) == [
        x * x for x in range(20)
    ]
    assert list(read_ahead(str, [], num_threads=num_threads)) == []


def test_no_more_is_read_than_asked_for():
    taken = []

    def keys():
        for key in range(50):
            taken.append(key)
            yield key

    results = read_ahead(lambda x: x, keys(), num_threads=2)
    assert next(results) == 0
    assert len(taken) <= 5
    results.close()
    assert len(taken) <= 5
    assert not [t for t in threading.enumerate() if "ThreadPoolExecutor" in t.name]


def test_an_error_comes_when_its_turn_comes():
    results = read_ahead(lambda x: 1 / x, [2, 1, 0, 4], num_threads=2)
    assert [next(results), next(results)] == [0.5, 1.0]
    with pytest.raises(ZeroDivisionError):
        next(results)
