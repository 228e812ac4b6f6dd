"""Canvases: what is generated, and that all else is exactly the background."""

import numpy as np
import pytest
import torch
from golden_cases import arrays

from viv1t.errors import ConfigError
from viv1t.most_exciting_stimulus.canvas import Canvas, centre_disc, full_field, surround_ring
from viv1t.stimuli.aperture import disc
from viv1t.units import Monitor

SCREEN = Monitor(width_cm=51.0, height_cm=29.0, distance_cm=20.0)
CENTRE = (30.0, 16.0)
MOVIE = torch.rand(2, 5, 36, 64, generator=torch.Generator().manual_seed(0)) * 255
CLIP = np.random.default_rng(1).uniform(0, 255, (5, 36, 64)).astype(np.float32)


def away_px(centre=CENTRE):
    rows, columns = np.mgrid[:36, :64]
    return np.hypot(columns - centre[0], rows - centre[1])


def test_a_full_field_shows_the_movie_itself():
    assert torch.equal(full_field(SCREEN).show(MOVIE), MOVIE)


@pytest.mark.parametrize(
    "canvas",
    [
        centre_disc(SCREEN, size_deg=20, centre_px=CENTRE),
        full_field(SCREEN, outer_deg=20, centre_px=CENTRE),
    ],
)
def test_a_disc_is_generated_and_exactly_grey_around(canvas):
    shown, inside = canvas.show(MOVIE), torch.from_numpy(disc(SCREEN, 20, centre_px=CENTRE))
    assert torch.equal(shown[..., inside], MOVIE[..., inside])
    assert (shown[..., ~inside] == 127).all()


def test_discs_are_the_published_ones():
    golden = arrays("arrays", "mei")
    for key, size, centre in (
        ("circular_mask|60|29.0_16.0", 60, (29.0, 16.0)),
        ("circular_mask|20|nan_nan", 20, (np.nan, np.nan)),
    ):
        free = centre_disc(SCREEN, size_deg=size, centre_px=centre).free
        assert (free == golden[key].squeeze()).all()


@pytest.mark.parametrize("outer_deg", [None, 60.0])
def test_a_ring_leaves_the_centre_clip_as_it_is(outer_deg):
    canvas = surround_ring(SCREEN, CLIP, size_deg=20, centre_px=CENTRE, outer_deg=outer_deg)
    shown, movie = canvas.show(MOVIE).numpy(), MOVIE.numpy()
    inner = disc(SCREEN, 20, centre_px=CENTRE)
    outer = np.ones_like(inner) if outer_deg is None else disc(SCREEN, 60, centre_px=CENTRE)
    assert (shown[..., inner] == CLIP[:, inner]).all()
    assert (shown[..., outer & ~inner] == movie[..., outer & ~inner]).all()
    assert (shown[..., ~outer] == 127).all()


def test_soft_edges_lie_within_what_is_generated():
    width = 2.5
    small = centre_disc(SCREEN, size_deg=20, centre_px=CENTRE, soft_px=width)
    ring = surround_ring(SCREEN, CLIP, size_deg=20, centre_px=CENTRE, outer_deg=60, soft_px=width)
    away, inner, outer = away_px(), SCREEN.radius_px(20), SCREEN.radius_px(60)
    assert (small.free[away >= inner] == 0).all()
    assert (small.free[away <= inner - width] == 1).all()
    assert (ring.free[(away <= inner) | (away >= outer)] == 0).all()
    assert (ring.free[(away >= inner + width) & (away <= outer - width)] == 1).all()
    for canvas in (small, ring):
        edge = (canvas.free > 0) & (canvas.free < 1)
        assert edge.sum() > 10
        shown = canvas.show(MOVIE).numpy()
        mixed = canvas.free * MOVIE.numpy() + (1 - canvas.free) * canvas.background
        np.testing.assert_allclose(shown, mixed, atol=1e-3)
        outside = canvas.free == 0
        assert (shown == np.broadcast_to(canvas.background, shown.shape))[..., outside].all()


def test_grey_may_be_another_value():
    canvas = centre_disc(SCREEN, size_deg=20, centre_px=None, grey=127.5)
    assert (canvas.show(MOVIE)[..., 0, 0] == 127.5).all()


def test_what_cannot_be_drawn():
    with pytest.raises(ConfigError, match="no pixel"):
        centre_disc(SCREEN, size_deg=20, centre_px=(200.0, 16.0))
    with pytest.raises(ConfigError, match="larger than the disc"):
        surround_ring(SCREEN, CLIP, size_deg=20, centre_px=CENTRE, outer_deg=20)
    with pytest.raises(ConfigError, match="clip in the centre"):
        surround_ring(SCREEN, CLIP[..., :-1], size_deg=20, centre_px=CENTRE)
    with pytest.raises(ConfigError, match="must be positive"):
        centre_disc(SCREEN, size_deg=0, centre_px=CENTRE)
    with pytest.raises(ConfigError, match="soft edge"):
        centre_disc(SCREEN, size_deg=20, centre_px=CENTRE, soft_px=-1)
    with pytest.raises(ConfigError, match="background"):
        Canvas(free=np.ones((3, 4)), background=np.ones((4, 3)))
