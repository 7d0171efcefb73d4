import torch
from hypothesis import given
from hypothesis import strategies as st

from rena_pl.data.codes import STEP, decode, encode


@given(st.lists(st.floats(-20, 20, width=32), min_size=1))
def test_a_code_is_half_a_step_off_at_most_inside_the_range(values):
    features = torch.tensor(values)
    codes = encode(features)
    assert codes.dtype == torch.int8
    assert decode(codes).dtype == torch.float32
    error = decode(codes) - features.clamp(-128 * STEP, 127 * STEP)
    assert error.abs().max() <= STEP / 2


def test_zero_stays_zero_and_codes_are_exact_in_bfloat16():
    assert decode(encode(torch.zeros(3))).tolist() == [0, 0, 0]
    codes = torch.arange(-128, 128).to(torch.int8)
    features = decode(codes)
    assert torch.equal(features.bfloat16().float(), features)
    assert torch.equal(encode(features), codes)


def test_the_error_is_small_beside_the_features():
    features = torch.randn(100_000, generator=torch.Generator().manual_seed(0))
    assert (decode(encode(features)) - features).std() < 0.02


def test_features_that_are_no_codes_keep_their_values():
    features = torch.randn(5)
    assert decode(features) is features
    half = features.half()
    assert decode(half).dtype == torch.float32
    assert torch.equal(decode(half).half(), half)
