"""The published recipe, on numbers of the published code (exceptions in decisions.md)."""

from dataclasses import fields

import golden_cases
import numpy as np
import pandas as pd
import pytest
import torch

from viv1t.data.moments import Moments
from viv1t.data.statistics import Statistics
from viv1t.data.transforms import Transforms
from viv1t.errors import DataError, MissingResultError
from viv1t.most_exciting_stimulus import published
from viv1t.most_exciting_stimulus.objective import Objective, one_neuron
from viv1t.most_exciting_stimulus.parameters import Fourier, Pixel, passband
from viv1t.most_exciting_stimulus.penalties import SpectrumKL
from viv1t.most_exciting_stimulus.spectrum import divergence
from viv1t.units import DEFAULT_MONITOR, Monitor

TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}
ROCHEFORT = Monitor(width_cm=51.0, height_cm=29.0, distance_cm=20.0)
LOSSES = [key for key in golden_cases.facts("values", "mei") if key.startswith("loss/")]
FILTERS = [k for k in golden_cases.arrays("arrays", "mei") if k.startswith("domain_filter")]


def array(name: str) -> np.ndarray:
    return golden_cases.arrays("arrays", "mei")[name]


def tensor(name: str) -> torch.Tensor:
    return torch.from_numpy(array(name))


def fact(name: str):
    return golden_cases.facts("values", "mei")[name]


def assert_close(found, expected):
    np.testing.assert_allclose(np.asarray(found), expected, **TOLERANCE)


@pytest.mark.parametrize("name", FILTERS)
def test_filter(name):
    _, size, cutoff = name.split("|")
    assert passband(int(size), float(cutoff)).tolist() == array(name).tolist()


def of_method(method: str, static: bool = False) -> published.PublishedParameters:
    args = fact("param/args")
    temporal = args["static_temporal_cutoff"] if static else args["temporal_cutoff"]
    return published.PublishedParameters(
        method=method,
        shape=tuple(args["shape"][2:]),
        num_frames=args["num_frames"],
        static=static,
        spatial_cutoff=args["spatial_cutoff"],
        temporal_cutoff=temporal,
    )


@pytest.mark.parametrize("method", ["pixel", "kl", "cutoff"])
def test_parameters_and_scale(method):
    parameters = of_method(method)
    param = parameters.start([1234], init=tensor("param|init")[0])
    expected = fact(f"param/{method}")
    found = torch.view_as_complex(param.detach()) if expected["complex"] else param.detach()
    assert_close(found, array(f"param|{method}|param"))
    stored = array(f"param|{method}|scale")
    assert_close(parameters.scale, stored[0] if stored.ndim == 4 else stored)
    assert param.is_leaf
    assert param.requires_grad == expected["requires_grad"]


def test_movie_of_fourier_coefficients():
    parameters = of_method("cutoff")
    movie = parameters.movie(torch.view_as_real(tensor("param|cutoff|param")))
    assert_close(movie, array("param|cutoff|pixels_before_sigmoid"))


def test_image_of_fourier_coefficients_is_fainter_than_it_should_be():
    parameters = of_method("cutoff", static=True)
    param = parameters.start([0], init=tensor("param|init")[0])
    assert_close(torch.view_as_complex(param.detach()), array("param|cutoff_static|param"))
    assert_close(parameters.scale, array("param|cutoff_static|scale"))
    expected = array("param|cutoff_static|pixels_before_sigmoid_T5")
    longer = published.PublishedParameters(
        method="cutoff", shape=(6, 8), num_frames=5, static=True, spatial_cutoff=0.5
    )
    assert_close(longer.movie(param.detach()), expected)
    init = tensor("param|init")[0, :1]
    sensible = Fourier(shape=(6, 8), num_frames=5, static=True, spatial_cutoff=0.5, sd=0)
    movie = sensible.movie(sensible.start([0], init=init)).detach()
    assert_close(movie, np.sqrt(5) * expected)


def test_noise_of_pixels_is_as_published_or_as_asked():
    size = {"shape": (20, 30), "num_frames": 10, "sd": 0.5}
    as_published = published.PublishedParameters(method="pixel", **size).start([1])
    assert 0.0095 < as_published.std() < 0.0105
    assert 0.475 < Pixel(**size).start([1]).std() < 0.525


def test_presentation_mask():
    for blank, pattern in ((135, 30), (3, 2)):
        expected = array(f"presentation_mask|{blank}|{pattern}")
        assert published.presentation_mask(blank, pattern).tolist() == expected.tolist()


def test_response_stats():
    response, mask = array("response_stats|response"), array("response_stats|mask")
    expected = fact("response_stats")
    assert_close(published.response_stats(response), expected["no_mask"])
    found = published.response_stats(response, mask, as_published=True)
    assert_close(found, expected["with_mask"])
    assert_close(published.response_stats(response, mask), expected["with_mask"])


def test_response_stats_of_an_all_negative_window():
    case = fact("response_stats/all_negative_note")
    response, mask = case["response"], case["mask"]
    found = published.response_stats(response, mask, as_published=True)
    assert_close(found, case["out"])
    assert published.response_stats(response, mask) == (-2.0, -2.0)


@pytest.mark.parametrize("mode", [0, 1, 2])
def test_transforms_of_movies_and_responses(mode):
    video = {name: np.float32(value) for name, value in fact("transform/video_stats").items()}
    low, high = array("transform|response_min")[:, 0], array("transform|response_max")[:, 0]
    std = 1 / array("transform|precision")[:, 0]
    zero = np.zeros(0, np.float32)
    of_signal = Moments(**{field.name: zero for field in fields(Moments)})
    statistics = Statistics(
        video=Moments(median=video["mean"], **video),
        behavior=of_signal,
        pupil_center=of_signal,
        response=Moments(mean=std, std=std, min=low, max=high, median=std),
        response_floor=0.0,
    )
    transforms = Transforms(statistics, input_mode=mode, output_mode=mode)
    found = transforms.video(tensor("transform|video"))
    assert_close(found, array(f"transform|video_out|{mode}"))
    found = transforms.invert_response(tensor("transform|response"))
    assert_close(found, array(f"transform|response_out|{mode}"))


def test_sensorium_stats(tmp_path):
    case, path = fact("sensorium_stats"), tmp_path / "stats.parquet"
    missing = tuple(fact("sensorium_stats/missing_file"))
    assert published.sensorium_stats(path, *case["query"]) == missing
    pd.DataFrame(case["table"]).to_parquet(path)
    assert_close(published.sensorium_stats(path, *case["query"]), case["out"])


def test_radius_of_a_disc():
    monitors = {"sensorium": DEFAULT_MONITOR, "rochefort": ROCHEFORT}
    for case in fact("coverage2radius"):
        assert_close(monitors[case["monitor"]].radius_px(case["size"]), case["px"])


def clip() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """The movie, the response, and the responses of the population, in the window; the spectrum."""
    mask = tensor("loss|mask")
    movie = tensor("loss|video")[0][mask]
    responses = tensor("loss|response")[mask], tensor("loss|population")[:, mask]
    return movie, *responses, tensor("loss|natural_freq")


@pytest.mark.parametrize("name", LOSSES)
def test_loss(name):
    movie, response, population, natural = clip()
    _, kind, mode, goal, alpha = name.split("/")
    is_population = kind == "population"
    found = published.loss(
        population if is_population else response,
        movie,
        natural,
        mode=mode,
        inhibit=goal in ("inhib=True", "most_inhibiting"),
        alpha=float(alpha.removeprefix("alpha=")),
        weights=tensor("loss|weights") if is_population else None,
    )
    assert_close(found, fact(name))


def test_our_objective_and_penalty_give_the_published_loss():
    movie, response, population, natural = clip()
    kl = SpectrumKL(spectrum=natural, with_dc=True)(movie[None])
    for goal, name in (("excite", "False"), ("inhibit", "True")):
        for mode in ("sum", "max"):
            score = one_neuron(0, reduce=mode, goal=goal).score(response[None, None])
            expected = fact(f"loss/single/{mode}/inhib={name}/alpha=1.0")
            assert_close([*(kl - score), *kl], expected)
    weights = tuple(tensor("loss|weights").tolist())
    objective = Objective(neurons=tuple(range(len(weights))), weights=weights)
    expected = fact("loss/population/sum/most_exciting/alpha=1")
    assert_close([*(kl - objective.score(population[None])), *kl], expected)


def test_maximum_of_a_population_works():
    movie, _, population, natural = clip()
    weights = tensor("loss|weights")
    value, _ = published.loss(population, movie, natural, mode="max", weights=weights)
    assert_close(value, -(weights * population.amax(dim=1)).sum())


def test_divergences():
    natural = tensor("loss|natural_freq")
    found = [published.divergence(x, natural) for x in (natural, natural.flip(0))]
    assert abs(float(found[0]) - fact("kl/self")) < 2e-7
    assert_close(found[1], fact("kl/swapped"))
    assert_close(divergence(natural.flip(0), natural, with_dc=True), fact("kl/swapped"))
    for with_dc in (False, True):
        assert float(divergence(natural, natural, with_dc=with_dc)) == 0


def test_checkpoint_has_the_published_keys_and_types(tmp_path):
    movie = torch.rand(1, 300, 4, 5, dtype=torch.float64)
    given = {
        "param": torch.rand(1, 30, 4, 5).requires_grad_(),
        "video": movie,
        "response": torch.rand(250),
        "step": np.int64(7),
        "mouse": "A",
        "neuron": np.int64(3),
        "loss": torch.tensor(1.0),
        "presentation_mask": torch.from_numpy(published.presentation_mask(135, 30)),
    }
    path = published.save_checkpoint(tmp_path / "most_exciting", **given)
    assert path.name == "ckpt.pt"
    found = torch.load(path, weights_only=True)
    kinds = {k: str(v.dtype) if torch.is_tensor(v) else type(v).__name__ for k, v in found.items()}
    assert kinds == fact("ckpt_schema/neuron")
    assert torch.equal(found["video"], movie.float())
    assert found["step"] == 7
    assert found["neuron"] == 3
    for where in (path, path.parent):
        assert torch.equal(published.load_checkpoint(where)["param"], given["param"])


def test_checkpoint_of_a_population_leaves_out_what_is_not_known(tmp_path):
    keys = fact("ckpt_schema/population_minimal")
    values = dict.fromkeys(("param", "video", "response"), torch.zeros(2))
    published.save_checkpoint(tmp_path, **values, step=0, mouse="A")
    assert sorted(published.load_checkpoint(tmp_path)) == keys


def test_checkpoints_that_are_none(tmp_path):
    with pytest.raises(MissingResultError, match=r"generate\.py"):
        published.load_checkpoint(tmp_path)
    path = tmp_path / "ckpt.pt"
    path.write_bytes(b"no")
    with pytest.raises(DataError, match=r"ckpt\.pt is not readable"):
        published.load_checkpoint(path)
    torch.save({"param": torch.zeros(1)}, path)
    with pytest.raises(DataError, match="lacks video, response, step, mouse"):
        published.load_checkpoint(path)
