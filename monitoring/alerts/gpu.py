"""GPUs: errors that the driver reports, and clocks held down."""

from monitoring.alerts.making import Dashboard, Severity, alert, where
from monitoring.rules import Alert, Group
from monitoring.watched import Watched

BROKEN_XIDS = (48, 64, 74, 79, 95, 119, 120)
"""XIDs that leave the GPU unusable until it is reset or replaced (NVIDIA, "XID Errors"): 48 double-bit ECC,
64 row remapping failed, 74 NVLink, 79 fallen off the bus, 95 uncontained ECC, 119 and 120 its own processor.
Others, such as 13, 31 and 43, are as often a program's mistake."""
HELD_DOWN = {
    # Bits 0x20 and 0x40.
    "heat": "floor({} / 32) % 4 > 0",
    # Bit 0x80.
    "power brake": "floor({} / 128) % 2 > 0",
    # Bit 0x08, set beside 0x40 and 0x80 by GPUs that tell them apart.
    "hardware": "floor({} / 8) % 2 > 0 and floor({} / 64) % 4 == 0",
}
"""Clocks event reasons that cost speed against the operator's will, by the bits of nvml.h
(nvmlClocksEventReason…). Left out: idle (0x01), clocks set by hand (0x02, 0x100), the ordinary power limit
(0x04), which a busy GPU always meets, and synchronous boost (0x10)."""

_GPU = "GPU {{ $labels.gpu }} ({{ $labels.gpu_model }})"


def groups(watched: Watched) -> list[Group]:
    """None without a GPU."""
    if not watched.gpus:
        return []
    return [Group("alerts-gpu", [*_errors(watched), *(_throttled(watched, reason) for reason in HELD_DOWN)])]


def _errors(watched: Watched) -> list[Alert]:
    broken = " or ".join(f"slm:gpu_xid == {xid}" for xid in BROKEN_XIDS)
    return [
        alert(
            "GpuError",
            expr,
            severity,
            Dashboard.HARDWARE,
            summary=f"{_GPU}: the driver reported error XID {{{{ $value }}}}",
            first=where(
                watched,
                "Run `nvidia-smi` and `dmesg | grep -i xid` on the machine: does the GPU still answer?",
                "Run `KUBECTL exec POD -- nvidia-smi` in the engine's pod: does the GPU still answer? The "
                "kernel log of its node (`KUBECTL get pods -o wide`) has the XID.",
            ),
        )
        for severity, expr in ((Severity.PAGE, broken), (Severity.TICKET, "slm:gpu_xid > 0"))
    ]


def _throttled(watched: Watched, reason: str) -> Alert:
    return alert(
        "GpuThrottled",
        HELD_DOWN[reason].replace("{}", "slm:gpu_throttle_reasons"),
        Severity.TICKET,
        Dashboard.HARDWARE,
        for_="10m",
        labels={"reason": reason},
        summary=f"{_GPU}: its clock is held down ({reason}); answers are slower",
        first=where(
            watched,
            "Run `nvidia-smi -q -d PERFORMANCE,TEMPERATURE,POWER` on the machine.",
            "Run `KUBECTL exec POD -- nvidia-smi -q -d PERFORMANCE,TEMPERATURE,POWER` in the engine's pod.",
        ),
    )
