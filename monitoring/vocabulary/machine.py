"""The machine, volumes, GPUs, and what ends on a day that is known."""

from monitoring.vocabulary.series import For, Series

SERIES: tuple[Series, ...] = (
    Series("slm:host_cpu:ratio", (), "percentunit", "share of the machine's processors in use", For.MACHINE),
    Series("slm:host_memory:ratio", (), "percentunit", "share of the machine's memory in use", For.MACHINE),
    Series(
        "slm:disk_used:ratio",
        ("volume",),
        "percentunit",
        "share of the file system under a volume in use: models, prometheus, loki; on a cluster the last "
        "two: what Loki sees of its own, and what Prometheus keeps over the size of its claim",
        For.STACK,
    ),
    Series("slm:disk_free_bytes", ("volume",), "bytes", "free there", For.MACHINE),
    Series(
        "slm:oom_kills:increase10m",
        (),
        "short",
        "processes that the machine's kernel killed for memory",
        For.MACHINE,
    ),
    Series(
        "slm:clock_error_seconds",
        (),
        "s",
        "how far the machine's clock may be off; 16, the kernel's bound, where nothing sets it",
        For.MACHINE,
    ),
    Series("slm:clock_synchronised", (), "bool", "1 while the network sets the machine's clock", For.MACHINE),
    Series(
        "slm:key_expiry_timestamp_seconds",
        ("key_id",),
        "dateTimeFromNow",
        "when the gateway stops to take the key",
        For.EXPIRY,
    ),
    Series(
        "slm:certificate_expiry_timestamp_seconds",
        ("certificate",),
        "dateTimeFromNow",
        "when the certificate stops to be valid",
        For.CERTIFICATE,
    ),
    Series(
        "slm:gateway_certificate_expiry_timestamp_seconds",
        (),
        "dateTimeFromNow",
        "when the certificate stops to be valid that the gateway shows its clients",
        For.OWN_CERTIFICATE,
    ),
    Series(
        "slm:gateway_certificate_validity_seconds",
        (),
        "s",
        "from the first second of that certificate to its last one",
        For.OWN_CERTIFICATE,
    ),
    Series(
        "slm:gpu_utilization:ratio",
        ("gpu", "gpu_model"),
        "percentunit",
        "share of time in which a kernel ran",
        For.GPU,
    ),
    Series(
        "slm:gpu_memory:ratio", ("gpu", "gpu_model"), "percentunit", "share of its memory in use", For.GPU
    ),
    Series("slm:gpu_temperature_celsius", ("gpu", "gpu_model"), "celsius", "", For.GPU),
    Series("slm:gpu_power_watts", ("gpu", "gpu_model"), "watt", "", For.GPU),
    Series(
        "slm:gpu_xid",
        ("gpu", "gpu_model"),
        "short",
        "last error that the driver reported (XID), 0 for none",
        For.GPU,
    ),
    Series(
        "slm:gpu_throttle_reasons",
        ("gpu", "gpu_model"),
        "short",
        "bit field of why its clock is held down (NVML clocks event reasons)",
        For.GPU,
    ),
)
