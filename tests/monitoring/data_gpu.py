"""What NVIDIA's DCGM exporter would export. NOT recorded: made from the names of its fields and labels.

GPU 0 is whole. GPU 1 is cut into parts (MIG): it has no GPU_UTIL, as NVIDIA documents.
"""

WHOLE = {
    "DCGM_FI_DEV_SM_CLOCK": 1410,
    "DCGM_FI_DEV_GPU_TEMP": 54,
    "DCGM_FI_DEV_POWER_USAGE": 187.3,
    "DCGM_FI_DEV_GPU_UTIL": 73,
    "DCGM_FI_DEV_XID_ERRORS": 0,
    "DCGM_FI_DEV_FB_FREE": 30_000,
    "DCGM_FI_DEV_FB_USED": 10_000,
    "DCGM_FI_DEV_CLOCKS_EVENT_REASONS": 4,
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE": 0.7,
}
"""Field to value, one for each line of monitoring/dcgm_counters.csv."""


def scrape() -> str:
    """One scrape of a machine with both."""
    return "".join(f"# TYPE {field} gauge\n{_samples(field, value)}" for field, value in WHOLE.items())


def _samples(field: str, value: float) -> str:
    whole = f"{field}{{{_labels(0)}}} {value}\n"
    part = f'{field}{{{_labels(1)},GPU_I_PROFILE="1g.10gb",GPU_I_ID="7"}} {value}\n'
    return whole if field == "DCGM_FI_DEV_GPU_UTIL" else whole + part


def _labels(gpu: int) -> str:
    return (
        f'gpu="{gpu}",UUID="GPU-{gpu}",pci_bus_id="00000000:0{gpu}:00.0",device="nvidia{gpu}",'
        'modelName="NVIDIA A100-SXM4-40GB",Hostname="made-up"'
    )
