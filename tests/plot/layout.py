"""Whether what is written in a figure can be read."""

from collections.abc import Iterable

from matplotlib.artist import Artist
from matplotlib.figure import Figure


def assert_readable(figure: Figure, artists: Iterable[Artist]) -> None:
    """Fail if one of `artists` leaves the drawn `figure` or overlaps another."""
    boxes = [artist.get_window_extent().padded(-1) for artist in artists]
    canvas = figure.bbox
    assert all(canvas.contains(b.x0, b.y0) and canvas.contains(b.x1, b.y1) for b in boxes)
    assert [(a, b) for i, a in enumerate(boxes) for b in boxes[:i] if a.overlaps(b)] == []
