"""Connected patches of pixels in masks and label maps."""

from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

Mask = NDArray[np.bool_]
Labels = NDArray[np.int32]


def patches(mask: Mask) -> tuple[Labels, int]:
    """Number the 8-connected patches of `mask` (H, W) from 1, 0 being outside, and count them."""
    return cast(tuple[Labels, int], ndimage.label(mask, np.ones((3, 3))))


def large_boxes(mask: Mask, least_px: int) -> list[tuple[slice, slice]]:
    """Rows and columns of each 8-connected patch of `mask` (H, W) that is at least `least_px` high and wide."""
    boxes = ndimage.find_objects(patches(mask)[0])
    return [(rows, cols) for rows, cols in boxes if min(rows.stop - rows.start, cols.stop - cols.start) >= least_px]


def without_specks(mask: Mask, least_px: int) -> Mask:
    """`mask` without its 8-connected patches of fewer than `least_px` pixels."""
    label, _ = patches(mask)
    return mask & (np.bincount(label.ravel()) >= least_px)[label]


def connected(label: Labels) -> Labels:
    """Number the 4-connected patches of equal label from 0: (H, W) int32."""
    number = np.arange(label.size).reshape(label.shape)
    right, down = label[:, 1:] == label[:, :-1], label[1:] == label[:-1]
    one = np.concatenate([number[:, 1:][right], number[1:][down]])
    other = np.concatenate([number[:, :-1][right], number[:-1][down]])
    links = sparse.coo_array((np.ones(one.size, np.int8), (one, other)), shape=(label.size, label.size))
    _, patch = sparse.csgraph.connected_components(links, directed=False)
    return patch.reshape(label.shape).astype(np.int32)
