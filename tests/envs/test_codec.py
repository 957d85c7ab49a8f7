"""The laws of the action codec: there and back again, within [-1, 1], and the refusals."""

import hypothesis.extra.numpy as arrays
import hypothesis.strategies as st
import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given

from reverie.envs import BoxCodec, MultiDiscreteCodec, OneHotCodec, codec
from reverie.errors import UserError


@st.composite
def boxes(draw):
    """Bounded boxes of up to two dimensions, degenerate coordinates included."""
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    shape = draw(st.sampled_from([(), (1,), (3,), (2, 2)]))
    ends = st.floats(-1000, 1000, width=32)
    a, b = (draw(arrays.arrays(dtype, shape, elements=ends)) for _ in range(2))
    return spaces.Box(np.minimum(a, b), np.maximum(a, b), dtype=dtype)


@given(boxes(), st.integers(0, 2**32 - 1))
def test_box_there_and_back(space, seed):
    act = codec(space)
    own = act.sample(np.random.default_rng(seed), 5)
    assert own.shape == (5, *space.shape) and own.dtype == space.dtype
    assert all(space.contains(a) for a in own)
    seen = act.encode(own)
    assert seen.shape == (5, act.size) and seen.dtype == np.float32
    assert np.abs(seen).max(initial=0) <= 1
    back = act.decode(seen)
    assert back.dtype == own.dtype and back.shape == own.shape
    # A float32 in [-1, 1] is wrong by 2**-25 at most, which stands for that part of half the range; the sums of
    # numbers up to 1000 in float32 by 2**-14 at most.
    np.testing.assert_allclose(back, own, rtol=0, atol=1000 * 2.0**-23)


@given(st.integers(1, 9), st.integers(-5, 5), st.integers(0, 2**32 - 1))
def test_discrete_there_and_back(n, start, seed):
    space = spaces.Discrete(n, start=start)
    act = codec(space)
    own = act.sample(np.random.default_rng(seed), 20)
    assert own.shape == (20,) and all(space.contains(a) for a in own)
    seen = act.encode(own)
    assert seen.shape == (20, n) and seen.dtype == np.float32
    np.testing.assert_array_equal(seen.sum(-1), 1)
    np.testing.assert_array_equal(act.decode(seen), own)


@st.composite
def choices(draw):
    """Several choices at once, of up to two dimensions, each from a first number of its own."""
    shape = draw(st.sampled_from([(1,), (4,), (2, 3)]))
    nvec = draw(arrays.arrays(np.int64, shape, elements=st.integers(1, 6)))
    start = draw(arrays.arrays(np.int64, shape, elements=st.integers(-5, 5)))
    return spaces.MultiDiscrete(nvec, start=start)


@given(choices() | st.sampled_from([spaces.MultiBinary(3), spaces.MultiBinary((2, 2))]), st.integers(0, 2**32 - 1))
def test_several_choices_there_and_back(space, seed):
    act = codec(space)
    own = act.sample(np.random.default_rng(seed), 20)
    assert own.shape == (20, *space.shape) and own.dtype == space.dtype == act.dtype
    assert all(space.contains(a) for a in own)
    seen = act.encode(own)
    assert seen.shape == (20, act.size) and seen.dtype == np.float32 and sum(act.groups) == act.size
    groups = np.split(seen, np.cumsum(act.groups)[:-1], axis=-1)
    assert [group.shape[-1] for group in groups] == list(act.groups)
    assert all((np.sort(group, -1)[:, ::-1] == np.eye(group.shape[-1])[0]).all() for group in groups)
    back = act.decode(seen)
    np.testing.assert_array_equal(back, own)
    assert back.dtype == own.dtype
    np.testing.assert_array_equal(act.decode(act.encode(own[0])), own[0])
    # What is the largest of its group decides, whatever its size.
    np.testing.assert_array_equal(act.decode(3 * seen - 7), own)


def test_several_choices_by_numbers():
    act = codec(spaces.MultiDiscrete([2, 3], start=[0, 5]))
    assert isinstance(act, MultiDiscreteCodec) and act.groups == (2, 3) and act.size == 5 and act.shape == (2,)
    np.testing.assert_array_equal(act.encode(np.array([[1, 5], [0, 7]])), [[0, 1, 1, 0, 0], [1, 0, 0, 0, 1]])
    np.testing.assert_array_equal(act.decode(np.array([0.1, 0.2, 0.3, 0.9, 0.4])), [1, 6])
    with pytest.raises(ValueError, match=r"must lie in \[\[0, 5\], \[2, 8\]\), got \[2, 5\]"):
        act.encode(np.array([2, 5]))
    bits = codec(spaces.MultiBinary(2))
    np.testing.assert_array_equal(bits.encode(np.array([0, 1], np.int8)), [1, 0, 0, 1])
    counts = codec(spaces.MultiDiscrete([2, 4])).sample(np.random.default_rng(0), 8000)
    np.testing.assert_allclose(np.bincount(counts[:, 1]) / 8000, 0.25, atol=0.03)  # standard error 0.005
    np.testing.assert_allclose(counts[:, 0].mean(), 0.5, atol=0.03)


@given(st.integers(-200, 200), st.integers(0, 100))
def test_integer_box_there_and_back_exactly(low, width):
    act = codec(spaces.Box(low, low + width, (width + 1,), np.int16))
    own = np.arange(low, low + width + 1, dtype=np.int16)
    np.testing.assert_array_equal(act.decode(act.encode(own)), own)


def test_box_numbers():
    # Bounds [-2, 4] and [10, 20]: middles 1 and 15, halves 3 and 5.
    act = codec(spaces.Box(np.array([-2, 10], np.float32), np.array([4, 20], np.float32)))
    assert isinstance(act, BoxCodec) and act.groups == () and act.size == 2 and act.shape == (2,)
    np.testing.assert_allclose(act.encode(np.array([2.5, 10.0])), [0.5, -1.0])
    np.testing.assert_allclose(act.decode(np.array([[0.5, -1.0], [7.0, -7.0]])), [[2.5, 10.0], [4.0, 10.0]])
    np.testing.assert_allclose(act.encode(np.array([100.0, -100.0])), [1.0, -1.0])


def test_box_of_two_dimensions_is_flattened_row_by_row():
    act = codec(spaces.Box(-2, 2, (2, 2), np.float64))
    own = np.array([[[-2.0, -1.0], [1.0, 2.0]]])
    np.testing.assert_array_equal(act.encode(own), [[-1, -0.5, 0.5, 1]])
    assert act.decode(act.encode(own)).shape == (1, 2, 2)


def test_widest_float_bounds_do_not_overflow():
    widest = np.finfo(np.float64).max
    act = codec(spaces.Box(-widest, widest, (1,), np.float64))
    np.testing.assert_array_equal(act.encode(np.array([widest])), [1.0])
    assert act.decode(np.array([1.0])) == widest


def test_one_hot_numbers():
    act = codec(spaces.Discrete(3, start=-1))
    assert isinstance(act, OneHotCodec) and act.groups == (3,) and act.size == 3 and act.shape == ()
    np.testing.assert_array_equal(act.encode(np.array([-1, 1])), [[1, 0, 0], [0, 0, 1]])
    np.testing.assert_array_equal(act.decode(np.array([[0.1, 0.9, 0.2], [-0.5, -1.0, -0.2]])), [0, 1])
    assert act.decode(np.array([1.0, 0.0, 0.0])).dtype == np.int64


def test_uniform_sampling():
    rng = np.random.default_rng(0)
    own = codec(spaces.Box(-2, 4, (2,), np.float32)).sample(rng, 20_000)
    # Uniform on [-2, 4]: mean 1, variance 36 / 12 = 3; the mean's standard error is 0.012.
    np.testing.assert_allclose(own.mean(0), 1, atol=0.05)
    np.testing.assert_allclose(own.var(0), 3, atol=0.08)
    counts = np.bincount(codec(spaces.Discrete(4, start=2)).sample(rng, 8000) - 2, minlength=4)
    np.testing.assert_allclose(counts / 8000, 0.25, atol=0.03)  # standard error 0.005
    ends = codec(spaces.Box(0, 2, (1,), np.uint8)).sample(rng, 300)
    assert set(ends.ravel().tolist()) == {0, 1, 2}


def test_wrong_actions_are_refused():
    with pytest.raises(ValueError, match=r"\[-1, 2\), got -2"):
        codec(spaces.Discrete(3, start=-1)).encode(np.array(-2))
    with pytest.raises(ValueError, match=r"\(\.\.\., 2\), got \(3,\)"):
        codec(spaces.Box(-1, 1, (2,))).encode(np.zeros(3))
    with pytest.raises(ValueError, match=r"\(\.\.\., 3\), got \(2,\)"):
        codec(spaces.Discrete(3)).decode(np.zeros(2))


def test_infinite_bounds_are_refused_with_the_cure():
    with pytest.raises(UserError, match=r"Box\(-inf, 1\.0, \(2,\), float32\) has an infinite bound.*RescaleAction"):
        codec(spaces.Box(-np.inf, 1, (2,)))


@pytest.mark.parametrize(
    "space", [spaces.Tuple([spaces.Discrete(2)]), spaces.Text(2), spaces.Dict(a=spaces.Discrete(2))]
)
def test_other_spaces_are_refused_by_name(space):
    with pytest.raises(UserError, match="not supported: only Box, Discrete, MultiDiscrete, MultiBinary are") as error:
        codec(space)
    assert str(space) in str(error.value)
