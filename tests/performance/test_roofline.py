"""Time is that of the slower of computing and reading."""

from __future__ import annotations

import dataclasses

import pytest

from llama4ref.errors import UnknownFactError
from llama4ref.facts import load
from llama4ref.facts.types.accelerators import Measured
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.performance.calibration import constants_of
from llama4ref.performance.operators import Operator
from llama4ref.performance.roofline import Seconds, matmul_rate, operator_seconds, speed_of

CONSTANTS = constants_of(load())


def test_a_hand_worked_operator(h100):
    """A gigabyte of weights on an H100 takes 1e9 / (0.8 x 3.35e12) s; computing on it is faster up to 370 tokens."""
    speed = speed_of(h100, alone=True, constants=CONSTANTS)
    reading = operator_seconds(Operator("matrix", "bf16", operations=1e9, weight_bytes=1e9), speed)
    computing = operator_seconds(Operator("matrix", "bf16", operations=1e12, weight_bytes=1e9), speed)

    assert reading == Seconds(memory=1e9 / (0.8 * 3.35e12))
    assert computing.memory == 0
    assert computing.compute == pytest.approx(1e12 / (CONSTANTS.matmul_share * 794.5e12))


def test_sampling_reads_and_writes_each_logit(h100):
    """64 rows of 202,048: two bytes read in bf16, four written and read again in fp32, at 0.8 x 3.35e12 bytes a second."""
    seconds = operator_seconds(
        Operator("sampling", "bf16", logits=64 * 202_048), speed_of(h100, alone=True, constants=CONSTANTS)
    )

    assert seconds.memory == pytest.approx(64 * 202_048 * (2 + 4 + 4) / (0.8 * 3.35e12))


def test_a_measured_rate_goes_before_the_peak(h100):
    """The best shape that was measured, where there is a measurement."""
    assert matmul_rate(h100, "bf16", CONSTANTS) == h100.measured.bf16
    assert matmul_rate(h100, "fp8", CONSTANTS) == h100.measured.fp8


def test_an_unmeasured_format_takes_the_share_of_a_measured_one(catalog):
    """MI300X has a measurement in bf16 only, and FP8 is taken to reach the same share of its peak."""
    mi300x = catalog.accelerator("mi300x")
    share = mi300x.measured.bf16 / mi300x.peak.bf16

    assert matmul_rate(mi300x, "fp8", CONSTANTS) == pytest.approx(share * mi300x.peak.fp8)


def test_a_device_without_measurements_takes_the_stated_share(h100):
    """Nothing better is known."""
    unmeasured = dataclasses.replace(h100, measured=Measured(bf16=UNKNOWN, fp8=UNKNOWN))

    assert matmul_rate(unmeasured, "bf16", CONSTANTS) == CONSTANTS.matmul_efficiency * h100.peak.bf16


def test_a_missing_format_is_multiplied_in_bf16(catalog):
    """An A100 has no FP8."""
    a100 = catalog.accelerator("a100-sxm")

    assert matmul_rate(a100, "fp8", CONSTANTS) == matmul_rate(a100, "bf16", CONSTANTS)


@pytest.mark.parametrize("field", ["bandwidth", "link_bandwidth"])
def test_an_unknown_rate_stops_the_estimate(h100, field):
    """Nothing is guessed; the message names the field."""
    with pytest.raises(UnknownFactError, match=f"accelerators/h100-sxm {field}"):
        speed_of(dataclasses.replace(h100, **{field: UNKNOWN}), alone=False, constants=CONSTANTS)


def test_a_gpu_alone_needs_no_link(h100):
    """Without a neighbour nothing is sent."""
    unlinked = dataclasses.replace(h100, link_bandwidth=UNKNOWN)

    assert speed_of(unlinked, alone=True, constants=CONSTANTS).link_bandwidth == float("inf")


def test_the_largest_share_binds():
    """Ties and zeros aside, the resource that takes most time."""
    assert Seconds(1.0, 2.0, 0.5, 0.1).shares.bottleneck == "memory"
    assert Seconds(3.0, 2.0, 0.5, 0.1).shares.bottleneck == "compute"
    assert (Seconds(3.0, 2.0, 0.5, 0.1) * 2).total == 11.2
