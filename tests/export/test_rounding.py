"""What rounding may and may not do, against arithmetic."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from orbitfl.export.gelus import STEEPNESS, with_sigmoids
from orbitfl.export.graphs import Graphs, graphs
from orbitfl.export.recipes import RECIPES
from orbitfl.models.checkpoint import load_model

COMPUTED_IN_INT8 = {"dynamic_s8": 16, "static_s8": 25, "mixed_s8": 18}
"""How many layers at least: four matrices of four blocks; with all larger convolutions; with two of them."""


@pytest.fixture(scope="module")
def plain(taught: Path) -> Graphs:
    return graphs(load_model(taught, 64), 64, 1)


@pytest.fixture(scope="module")
def batches() -> list[np.ndarray]:
    return list(np.random.default_rng(1).normal(0, 1, (3, 1, 3, 64, 64)).astype(np.float32))


def _multiplied_in_int8(graph: onnx.ModelProto) -> list[np.ndarray]:
    """Weights that stay whole numbers where they are multiplied, not those that are stored so."""
    restored = {node.input[0] for node in graph.graph.node if node.op_type == "Cast"}
    tensors = [each for each in graph.graph.initializer if each.data_type == TensorProto.INT8]
    return [numpy_helper.to_array(each) for each in tensors if each.name not in restored and np.prod(each.dims) > 1024]


@pytest.mark.parametrize("recipe", COMPUTED_IN_INT8)
def test_two_products_fit_into_16_bits(plain: Graphs, batches: list[np.ndarray], recipe: str):
    """Zen 1 adds pairs of products of 8 bits in 16, and what does not fit is cut off."""
    found = _multiplied_in_int8(RECIPES[recipe](plain.encoder, batches))
    assert len(found) >= COMPUTED_IN_INT8[recipe]
    largest = max(int(np.abs(values.astype(int)).max()) for values in found)
    assert largest > 32 and 2 * largest * 255 < 2**15


@pytest.mark.parametrize("recipe", RECIPES)
def test_equal_networks_and_tiles_give_equal_bytes(plain: Graphs, batches: list[np.ndarray], recipe: str):
    first, second = (RECIPES[recipe](plain.encoder, batches).SerializeToString(deterministic=True) for _ in range(2))
    assert first == second


def test_recipes_leave_what_they_are_given(plain: Graphs, batches: list[np.ndarray]):
    before = plain.encoder.SerializeToString(deterministic=True)
    for recipe in RECIPES.values():
        recipe(plain.encoder, batches)
    assert plain.encoder.SerializeToString(deterministic=True) == before


def test_static_scales_reach_as_far_as_the_tiles_do(plain: Graphs, batches: list[np.ndarray]):
    graph = RECIPES["static_s8"](plain.encoder, batches)
    (image,) = (node for node in graph.graph.node if node.op_type == "QuantizeLinear" and node.input[0] == "image")
    tensors = {each.name: numpy_helper.to_array(each) for each in graph.graph.initializer}
    reach = np.max(batches) - np.min(batches)
    assert tensors[image.input[1]] == pytest.approx(reach / 255, rel=1e-5)


def test_gelus_become_sigmoids_between_layers():
    """Three convolutions that share one bias, against NumPy; the GELU after a sum stays."""
    rng = np.random.default_rng(2)
    kernels = [rng.normal(0, 1, (4, 4, 1, 1)).astype(np.float32) for _ in range(3)]
    bias = rng.normal(0, 1, 4).astype(np.float32)
    x = rng.normal(0, 1, (1, 4, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "k0", "bias"], ["a"], name="first"),
        helper.make_node("Gelu", ["a"], ["b"], name="between"),
        helper.make_node("Conv", ["b", "k1", "bias"], ["c"], name="second"),
        helper.make_node("Add", ["c", "x"], ["d"], name="sum"),
        helper.make_node("Gelu", ["d"], ["e"], name="after"),
        helper.make_node("Conv", ["e", "k2", "bias"], ["y"], name="third"),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape) for name in "xy"]
    named = {"k0": kernels[0], "k1": kernels[1], "k2": kernels[2], "bias": bias}
    tensors = [numpy_helper.from_array(value, name) for name, value in named.items()]
    given = helper.make_model(
        helper.make_graph(nodes, "three", ends[:1], ends[1:], tensors), opset_imports=[helper.make_opsetid("", 20)]
    )
    given.ir_version = 10
    graph = with_sigmoids(given)
    assert [node.op_type for node in graph.graph.node] == ["Conv", "QuickGelu", "Conv", "Add", "Gelu", "Conv"]

    def layer(values: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        return np.einsum("oi,bihw->bohw", kernel[..., 0, 0], values) + bias[:, None, None]

    def exact(values: np.ndarray) -> np.ndarray:
        run = onnxruntime.InferenceSession(_alone("Gelu", values.shape).SerializeToString())
        return np.asarray(run.run(None, {"x": values})[0])

    between = layer(x, kernels[0])
    between = between / (1 + np.exp(-STEEPNESS * between))
    expected = layer(exact(layer(between, kernels[1]) + x), kernels[2])
    (said,) = onnxruntime.InferenceSession(graph.SerializeToString()).run(None, {"x": x})
    np.testing.assert_allclose(np.asarray(said), expected, atol=1e-4)


def _alone(operator: str, shape: tuple[int, ...]) -> onnx.ModelProto:
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "xy"]
    graph = helper.make_graph([helper.make_node(operator, ["x"], ["y"])], operator, ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    model.ir_version = 10
    return model
