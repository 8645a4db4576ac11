"""GPUs that engines of the stack use."""

from monitoring.dashboards.kit import LOGS, MODEL, OVERVIEW, Link, Panel, Step, Target, View, rising

_MODEL = Link("Look at a model", MODEL)
_LOGS = Link("Look at the logs", LOGS)
_OVERVIEW = Link("Look at what is wrong", OVERVIEW)
_ANY = (Step(None, "green"), Step(1, "red"))


def gpus() -> tuple[Panel, ...]:
    """How busy, how full, how hot, and what holds them down."""
    name = "GPU {{gpu}}"
    return (
        Panel(
            "GPU in use",
            "Share of time in which it computes. Low while requests wait: the processors feed it too slowly.",
            unit="percentunit",
            link=_MODEL,
            targets=(Target("max by (gpu) (slm:gpu_utilization:ratio)", name),),
            steps=(Step(None, "green"),),
            top=1,
        ),
        Panel(
            "GPU memory",
            "Engines take it at the start and keep it, so a high share is well. It must not move.",
            unit="percentunit",
            link=_MODEL,
            targets=(Target("max by (gpu) (slm:gpu_memory:ratio)", name),),
            steps=rising(0.95, 0.99),
            top=1,
        ),
        Panel(
            "GPU temperature",
            "From about 85 °C on it slows itself down: see to the air in front of it.",
            unit="celsius",
            link=_OVERVIEW,
            targets=(Target("max by (gpu) (slm:gpu_temperature_celsius)", name),),
            steps=rising(80, 87),
        ),
        Panel(
            "GPU power",
            "Far below its usual value under load: it is held down. See the reasons beside it.",
            unit="watt",
            link=_OVERVIEW,
            targets=(Target("max by (gpu) (slm:gpu_power_watts)", name),),
        ),
        Panel(
            "GPU errors (XID)",
            "Not 0: the driver reported an error of this number. The runbook GpuError tells what to do.",
            unit="short",
            link=_LOGS,
            view=View.STAT,
            targets=(Target("max by (gpu) (slm:gpu_xid)", name),),
            steps=_ANY,
            height=4,
        ),
        Panel(
            "GPU held down (reasons)",
            "A sum of NVML's clock event reasons: 1 idle, 4 power cap, 8 hardware slowdown, 32 and 64 heat, "
            "128 power brake. From 8 on somebody must look at the machine.",
            unit="short",
            link=_OVERVIEW,
            view=View.STAT,
            targets=(Target("max by (gpu) (slm:gpu_throttle_reasons)", name),),
            steps=(Step(None, "green"), Step(4, "orange"), Step(8, "red")),
            height=4,
        ),
    )
