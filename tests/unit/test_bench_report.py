"""What the bench's report makes of its numbers."""

import datetime

from bench.load import Load
from bench.overhead import Overhead
from bench.report import Memory, Result, markdown, misses

MIB = 1024 * 1024


def result(overhead: Overhead) -> Result:
    """Of one round, with one request at once."""
    loads = {
        engine: {1: [Load(rate, (0.1,), (0.01, 0.02))]} for engine, rate in (("onnx", 90), ("ollama", 60))
    }
    memory = {"onnx": Memory(380 * MIB, 377 * MIB, 510)}
    return Result(loads, {1: [75.0]}, memory, overhead, "setting", {}, datetime.date(2031, 1, 31))


def test_the_cost_of_monitoring_is_the_median_of_the_pairs_ratios() -> None:
    # The machine became slower by the pair: of the medians the ratio would be 0.9.
    overhead = Overhead((200.0, 90.0, 45.0), (200.0, 100.0, 40.0), {})
    assert overhead.ratio == 1.0


def test_the_report_tells_speed_with_monitoring_and_without_and_what_each_part_takes() -> None:
    told = markdown(
        result(Overhead((190.0, 210.0), (200.0, 200.0), {"prometheus": 80_000_000, "loki": 90_400_000}))
    )
    assert "| stopped | 200 | 200 | 200 | 1.00 |\n| running | 200 | 190 | 210 | 1.00 |" in told
    assert "The set takes 170 MB just behind a round (loki 90, prometheus 80)" in told


def test_a_slowdown_is_missed_once_it_is_larger_than_what_rounds_differ_by_anyway() -> None:
    stopped = (200.0, 190.0, 195.0)
    assert misses(result(Overhead((192.0, 184.0, 189.0), stopped, {}))) == []
    told = misses(result(Overhead((180.0, 171.0, 170.0), stopped, {})))
    assert told == ["speed with monitoring: 0.90 of that without, whose rounds differ by 0.05"]


def test_the_report_says_that_engines_were_compared_without_monitoring() -> None:
    told = markdown(result(Overhead((1.0,), (1.0,), {"loki": 1})))
    assert told.index("monitoring set was stopped") < told.index("| 1 | onnx | 90 | 1.50 |")
