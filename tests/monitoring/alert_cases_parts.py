"""What carries the service: the machine, GPUs, dates, monitoring itself."""

from tests.monitoring.alert_case import BAD, CALM, Case

_FIRES = (CALM + BAD - 1) * 60
"""When a case's alert is looked at while it fires, in seconds since the start of its time."""
_DAY = 86_400
_START = 'slm:engine_start_time_seconds{model="tiny",engine="onnx"}'
_GPU = '{gpu="0",gpu_model="T4"}'
_OWN_END = "slm:gateway_certificate_expiry_timestamp_seconds"
_OWN_TIME = "slm:gateway_certificate_validity_seconds"
GPU = {"gpu": "0", "gpu_model": "T4"}
_CLOCK = "The machine's clock is no longer set by the network and may be off by"
_NOW_AND_THEN = "0x53 16x1 0x40"


def _ends(days: float) -> float:
    """An end that is so many days away while the case's alert is looked at."""
    return _FIRES + days * _DAY


MACHINE = [
    Case(
        "OomKill",
        {_START: (0, _FIRES - 90), "slm:oom_kills:increase10m": (0, 1)},
        {"model": "tiny", "engine": "onnx", "killed": "engine", "severity": "ticket"},
        "tiny (onnx) was probably killed for memory: "
        "the kernel killed in the last 10 minutes, and it was started 1m 30s ago",
        never=({_START: _FIRES - 90, "slm:oom_kills:increase10m": 0},),
    ),
    Case(
        "OomKill",
        {'slm:engine_oom_kills:increase10m{model="tiny",engine="onnx"}': (0, 2)},
        {"model": "tiny", "engine": "onnx", "killed": "inside", "severity": "ticket"},
        "tiny (onnx) reached its memory limit: the kernel killed 2 of its processes in 10 minutes",
    ),
    Case(
        "OomKill",
        {_START: 0, "slm:oom_kills:increase10m": (0, 2)},
        {"killed": "other", "severity": "ticket"},
        "The kernel killed 2 processes for memory in 10 minutes, and no engine started anew",
    ),
    Case(
        "HostMemoryNearlyFull",
        {"slm:host_memory:ratio": (0.94, 0.97)},
        {"severity": "ticket"},
        "97% of the machine's memory is in use",
    ),
    Case(
        "DiskFull",
        {'slm:disk_used:ratio{volume="loki"}': (0.93, 0.95)},
        {"volume": "loki", "severity": "page"},
        "Volume loki: 95% of its disk is in use",
    ),
    Case(
        "ModelStoreNearlyFull",
        {'slm:disk_used:ratio{volume="models"}': (0.89, 0.92), 'slm:disk_used:ratio{volume="loki"}': 0.99},
        {"volume": "models", "severity": "ticket"},
        "Model store: 92% of its disk is in use",
    ),
    Case(
        "DiskNearlyFull",
        {
            'slm:disk_used:ratio{volume="prometheus"}': (0.89, 0.92),
            'slm:disk_used:ratio{volume="models"}': 0.99,
        },
        {"volume": "prometheus", "severity": "ticket"},
        "Volume prometheus: 92% of its disk is in use",
    ),
    Case(
        "ClockOff",
        {"slm:clock_error_seconds": (0.5, 16), "slm:clock_synchronised": (1, 0)},
        {"severity": "ticket"},
        f"{_CLOCK} 16s",
        never=(
            # Nothing ever told this kernel that its clock is set.
            {"slm:clock_error_seconds": 16, "slm:clock_synchronised": 0},
            # Half an hour after it asked a server.
            {"slm:clock_error_seconds": (0.5, 1), "slm:clock_synchronised": 1},
            # A clock that is put right at once is not synchronised for a moment.
            {"slm:clock_error_seconds": _NOW_AND_THEN, "slm:clock_synchronised": "1x53 0x1 1x40"},
        ),
    ),
    Case(
        "ClockOff",
        {"slm:clock_error_seconds": (4, 6), "slm:clock_synchronised": 1},
        {"severity": "ticket"},
        f"{_CLOCK} 6s",
    ),
    Case(
        "ClockOff",
        {"slm:clock_error_seconds": 2, "slm:clock_synchronised": (1, 0)},
        {"severity": "ticket"},
        f"{_CLOCK} 2s",
    ),
]
GPUS = [
    Case(
        "GpuError",
        {f"slm:gpu_xid{_GPU}": (0, 31)},
        {**GPU, "severity": "ticket"},
        "GPU 0 (T4): the driver reported error XID 31",
    ),
    Case(
        "GpuError",
        {f"slm:gpu_xid{_GPU}": (0, 79)},
        {**GPU, "severity": "page"},
        "GPU 0 (T4): the driver reported error XID 79",
        also=({**GPU, "severity": "ticket"},),
    ),
    *(
        Case(
            "GpuThrottled",
            {f"slm:gpu_throttle_reasons{_GPU}": (calm, bits)},
            {**GPU, "severity": "ticket", "reason": reason},
            f"GPU 0 (T4): its clock is held down ({reason}); answers are slower",
        )
        # Idle, clocks set by hand, the power limit and synchronous boost, all at once, are no reason.
        for reason, calm, bits in (
            ("heat", 0x117, 0x20),
            ("power brake", 0x117, 0x80),
            ("hardware", 0x117, 0x08),
        )
    ),
]
EXPIRY = [
    Case(
        "CertificateExpires",
        {'slm:certificate_expiry_timestamp_seconds{certificate="company-root"}': (_ends(60), _ends(20))},
        {"certificate": "company-root", "severity": "ticket", "ended": "false"},
        "Certificate company-root ends in 20d 0h 0m 0s",
    ),
    Case(
        "CertificateExpires",
        {'slm:certificate_expiry_timestamp_seconds{certificate="company-root"}': (_ends(60), _ends(-2.5))},
        {"certificate": "company-root", "severity": "ticket", "ended": "true"},
        "Certificate company-root ended 2d 12h 0m 0s ago",
    ),
    Case(
        "GatewayCertificateExpires",
        {_OWN_END: (_ends(29), _ends(14.5)), _OWN_TIME: 90 * _DAY},
        {"severity": "ticket", "ended": "false"},
        "The certificate that the gateway shows its clients ends in 14d 12h 0m 0s",
        never=(
            # A year's is told three weeks ahead and not two months, one of six days not all the time.
            {_OWN_END: _ends(25), _OWN_TIME: 365 * _DAY},
            {_OWN_END: _ends(1.5), _OWN_TIME: 6 * _DAY},
        ),
    ),
    Case(
        "GatewayCertificateExpires",
        {_OWN_END: (_ends(29), _ends(-2.5)), _OWN_TIME: 90 * _DAY},
        {"severity": "page", "ended": "true"},
        "The certificate that the gateway shows its clients ended 2d 12h 0m 0s ago",
    ),
    Case(
        "KeyExpires",
        {'slm:key_expiry_timestamp_seconds{key_id="alice"}': (_ends(15), _ends(13.5))},
        {"key_id": "alice", "severity": "ticket", "ended": "false"},
        "Key alice ends in 13d 12h 0m 0s",
    ),
    Case(
        "KeyExpires",
        {'slm:key_expiry_timestamp_seconds{key_id="alice"}': (_ends(15), _ends(-3))},
        {"key_id": "alice", "severity": "ticket", "ended": "true"},
        "Key alice ended 3d 0h 0m 0s ago and is still listed",
    ),
]
_ALERTMANAGER = 'slm:scrape_up{job="alertmanager",instance="alertmanager:9093"}'
MONITORING = [
    Case(
        "ScrapeMissing",
        {
            'slm:scrape_up{job="node",instance="node-exporter:9100"}': (1, 0),
            'slm:scrape_up{job="engine",instance="tiny:8000"}': 0,
            'slm:scrape_up{job="gateway",instance="gateway:8405"}': 0,
        },
        {"job": "node", "instance": "node-exporter:9100", "severity": "ticket"},
        "node at node-exporter:9100 cannot be read: alerts that need it are blind",
    ),
    Case(
        "RuleFailing",
        {"slm:rule_failures:increase5m": (0, 3)},
        {"severity": "ticket"},
        "3 rules could not be evaluated in 5 minutes: alerts that need them are blind",
    ),
    Case(
        "NotificationsFailing",
        {"slm:notification_failures:increase15m": (0, 2), _ALERTMANAGER: 1},
        {"severity": "page"},
        "2 notifications reached no receiver in 15 minutes",
        # It was replaced ten minutes ago.
        never=({"slm:notification_failures:increase15m": (0, 2), _ALERTMANAGER: "1x43 0x1 1x40"},),
    ),
    Case(
        "LogsFailing",
        {"slm:log_failures:increase15m": (0, 7)},
        {"severity": "ticket"},
        "7 log records were lost in 15 minutes: Loki did not take them",
    ),
    Case(
        "UsageMayBeLost",
        {"slm:log_refusals:increase15m": (0, 7)},
        {"severity": "ticket"},
        "The collector refused 7 log records in 15 minutes; usage by key may be counted too low",
    ),
]
CASES = [*MACHINE, *GPUS, *EXPIRY, *MONITORING]
