"""Reading feature maps at points, without a tensor of all channels at all points.

`F.grid_sample` followed by a weighted sum over channels writes (frames, channels, points) and
reads it again. But the weighted sum may come first: a response is the bilinear mean of four dot
products, of the channel weights with the features at the corners around the point. Those are the
only entries wanted of a matrix product (points x places), a sampled product; the gradients are
sums over bags of rows. All work is done in chunks of frames.
"""

import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

MARGIN = 2  # zeros around a map: points beyond the edge read them and need no mask
MARGINS = (MARGIN,) * 4
POINTS_PER_CHUNK = 2**16
FEATURES_PER_CHUNK = 2**22
FRAMES_TO_GROUP = 16  # fewer are read faster point by point


def read_points(features: Tensor, grid: Tensor, weights: Tensor) -> Tensor:
    """Weighted sums (b, n, t) of features at points: `F.grid_sample`, then the sum over c.

    Features beyond the frame are zero, the corners of the frame are aligned. Differentiable once,
    in all arguments. On the CPU only.

    Args:
        features: (b, c, t, h, w).
        grid: (b, t, n, 2) points (x, y), or (1, 1, n, 2) for all frames; -1 and 1 are the centres
            of the first and last feature.
        weights: (n, c).
    """
    num_batch, _, num_frames = features.shape[:3]
    is_still = grid.shape[:2] == (1, 1) and num_batch * num_frames >= FRAMES_TO_GROUP
    if is_still and not torch.is_grad_enabled():
        return _read_still(features, grid, weights)
    grid = grid.expand(num_batch, num_frames, -1, -1)
    responses: Tensor = _ReadPoints.apply(features, grid, weights.contiguous())
    return responses


class _Corners(NamedTuple):
    """Where the points of a chunk read.

    Attributes:
        maps: (r, c) features of all frames of the chunk, with margins, one place a row.
        cells: (n, b t) row of the upper left of the four corners around each point.
        steps: (4,) rows from there to the upper left, upper right, lower left, lower right.
        across: (n, b t) place between the left (0) and right (1) corners.
        down: (n, b t) place between the upper and lower corners.
    """

    maps: Tensor
    cells: Tensor
    steps: Tensor
    across: Tensor
    down: Tensor

    def rows(self) -> Tensor:
        """(n, b t, 4) rows of the corners."""
        return self.cells[..., None] + self.steps

    def shares(self) -> Tensor:
        """(n, b t, 4) bilinear weights of the corners."""
        left, upper = 1 - self.across, 1 - self.down
        shares = (left * upper, self.across * upper, left * self.down, self.across * self.down)
        return torch.stack(shares, dim=-1)


def _chunks(features: Tensor, num_points: int) -> Iterator[slice]:
    """Frames of each chunk; what a chunk needs does not grow with the movie."""
    num_batch, channels, num_frames, height, width = features.shape
    size = num_batch * channels * (height + 2 * MARGIN) * (width + 2 * MARGIN)
    limit = min(POINTS_PER_CHUNK // (num_batch * num_points), FEATURES_PER_CHUNK // size)
    step = max(limit, 1)
    return (slice(start, start + step) for start in range(0, num_frames, step))


def _corners(features: Tensor, grid: Tensor) -> _Corners:
    height, width = features.shape[-2:]
    maps = F.pad(features.permute(0, 2, 3, 4, 1), (0, 0, *MARGINS)).flatten(0, 1)
    points = grid.permute(3, 2, 0, 1).flatten(2)  # (2, n, b t)
    size = points.new_tensor((width, height)).view(2, 1, 1)
    points = (points + 1) / 2 * (size - 1)
    firsts = points.floor().fmax(points.new_tensor(-MARGIN)).minimum(size)  # no NaN either
    across, down = points - firsts
    columns, rows = firsts.long() + MARGIN
    row_length = maps.shape[2]
    frames = torch.arange(len(maps)) * (maps.shape[1] * row_length)
    return _Corners(
        maps=maps.flatten(0, 2),
        cells=rows * row_length + columns + frames,
        steps=torch.tensor((0, 1, row_length, row_length + 1)),
        across=across,
        down=down,
    )


def _corner_products(corners: _Corners, weights: Tensor) -> Tensor:
    """Dot products (n, b t, 4) of the weights (n, c) with the features at the corners."""
    rows = corners.rows()
    starts = torch.arange(len(rows) + 1) * rows[0].numel()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        wanted = torch.sparse_csr_tensor(
            starts,
            rows.flatten(),
            weights.new_zeros(rows.numel()),
            size=(len(rows), len(corners.maps)),
            check_invariants=False,
        )
    product = torch.sparse.sampled_addmm(wanted, weights, corners.maps.T, beta=0.0)
    return product.values().view(rows.shape)


def _add_at_corners(corners: _Corners, pulls: Tensor, weights: Tensor) -> Tensor:
    """Gradient (r, c) of the maps; every point adds its weights times its pulls (n, b t, 4).

    Points are sorted by cell, so that those of a cell are a bag of rows of the weights.
    """
    cells, order = corners.cells.flatten().sort()
    points = order // corners.cells.shape[1]
    occupied, counts = cells.unique_consecutive(return_counts=True)
    bags = counts.cumsum(0) - counts
    pulls = pulls.flatten(0, 1).mT[:, order]
    total = torch.zeros_like(corners.maps)
    for step, pull in zip(corners.steps, pulls, strict=True):
        sums = F.embedding_bag(points, weights, bags, per_sample_weights=pull, mode="sum")
        total.index_add_(0, occupied + step, sums)
    return total


def _read_still(features: Tensor, grid: Tensor, weights: Tensor) -> Tensor:
    """`read_points` for points (1, 1, n, 2) that are the same in all frames.

    The points of a cell and all frames are one matrix product.
    """
    corners = _corners(features[:1, :, :1], grid)
    cells, order = corners.cells.flatten().sort()
    occupied, counts = cells.unique_consecutive(return_counts=True)
    places = occupied[:, None] + corners.steps
    blocks = weights[order].split(counts.tolist())
    shares = corners.shares()[order].mT  # (n, 4, 1)
    sums = features.new_empty(len(order), len(features), features.shape[2])
    for chunk in _chunks(features, 1):
        part = features[:, :, chunk]
        maps = F.pad(part.permute(3, 4, 0, 2, 1).flatten(2, 3), (0, 0, 0, 0, *MARGINS)).flatten(
            0, 1
        )
        products = [
            block @ maps[place].flatten(0, 1).mT
            for block, place in zip(blocks, places, strict=True)
        ]
        chunk_sums = (torch.cat(products).unflatten(1, (4, -1)) * shares).sum(1)
        sums[..., chunk] = chunk_sums.unflatten(1, (len(part), -1))
    return torch.empty_like(sums).index_copy_(0, order, sums).transpose(0, 1)


class _ReadPoints(torch.autograd.Function):
    """See `read_points`; the backward pass looks the corners up again."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        features: Tensor,
        grid: Tensor,
        weights: Tensor,
    ) -> Tensor:
        num_batch, _, num_frames, height, width = features.shape
        responses = features.new_empty(len(weights), num_batch, num_frames)
        slopes = responses.new_empty(2, *responses.shape) if ctx.needs_input_grad[1] else None
        for chunk in _chunks(features, len(weights)):
            corners = _corners(features[:, :, chunk], grid[:, chunk])
            products = _corner_products(corners, weights)
            sums = (products * corners.shares()).sum(-1)
            responses[..., chunk] = sums.unflatten(1, (num_batch, -1))
            if slopes is not None:
                upper_left, upper_right, lower_left, lower_right = products.unbind(-1)
                upper, lower = upper_right - upper_left, lower_right - lower_left
                left, right = lower_left - upper_left, lower_right - upper_right
                along_x = upper.lerp(lower, corners.down) * ((width - 1) / 2)
                along_y = left.lerp(right, corners.across) * ((height - 1) / 2)
                slope = torch.stack((along_x, along_y)).unflatten(2, (num_batch, -1))
                slopes[..., chunk] = slope
        ctx.save_for_backward(features, grid, weights, slopes)
        return responses.transpose(0, 1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        features, grid, weights, slopes = ctx.saved_tensors
        weights = weights.detach()  # embedding bags have a slow path for what wants a gradient
        wants_features, _, wants_weights = ctx.needs_input_grad
        grad = grad.transpose(0, 1)  # (n, b, t)
        of_features = torch.empty_like(features) if wants_features else None
        of_grid = None if slopes is None else (slopes * grad).permute(2, 3, 1, 0)
        of_weights = torch.zeros_like(weights) if wants_weights else None
        for chunk in _chunks(features, len(weights)) if wants_features or wants_weights else ():
            corners = _corners(features[:, :, chunk], grid[:, chunk])
            pulls = corners.shares() * grad[..., chunk].flatten(1)[..., None]
            if of_weights is not None:
                of_weights += F.embedding_bag(
                    corners.rows().flatten(1),
                    corners.maps,
                    per_sample_weights=pulls.flatten(1),
                    mode="sum",
                )
            if of_features is not None:
                total = _add_at_corners(corners, pulls, weights)
                target = of_features[:, :, chunk].permute(0, 2, 3, 4, 1)
                height, width = (size + 2 * MARGIN for size in target.shape[2:4])
                total = total.view(*target.shape[:2], height, width, -1)
                inner = slice(MARGIN, -MARGIN)
                target.copy_(total[:, :, inner, inner])
        return of_features, of_grid, of_weights
