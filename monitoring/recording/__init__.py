"""Recording rules: the one place that knows what each source calls its numbers.

Rules exist for what a stack has, and make exactly the series of monitoring/vocabulary/.
"""

from monitoring.recording import gateway, gpu, itself, machine, ollama, onnx, slo, usage, vllm
from monitoring.rules import Group
from monitoring.watched import Watched

BORN_LATE = frozenset({*itself.LOST_LOGS, "slm_refusals_total"})
"""Counters that are not there before what they count happened once."""


def rules_of(watched: Watched) -> list[Group]:
    """Every recorded series of a stack; the same for the same stack."""
    groups = [
        Group("promises", [*slo.promises(watched), *machine.ends(watched)]),
        Group("gateway", gateway.records(watched)),
        # A rate looks at the totals of the same evaluation, a share at the rates.
        Group(
            "usage",
            [*usage.totals(watched), *usage.rates(watched), *slo.shares(watched, slo.SHORT_WINDOWS)],
            interval=f"{usage.EVERY_SECONDS}s",
        ),
        Group("long windows", slo.shares(watched, slo.LONG_WINDOWS), interval="1m"),
        Group("onnx", onnx.records(watched)),
        Group("ollama", ollama.records(watched)),
        Group("vllm", vllm.records(watched)),
        Group("machine", machine.records(watched)),
        Group("gpu", gpu.records(watched)),
        Group("itself", itself.records(watched)),
    ]
    return [group for group in groups if group.rules]
