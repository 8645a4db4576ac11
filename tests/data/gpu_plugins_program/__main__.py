"""What GPU nodes run beside engines, as a program of its own."""

import pulumi

from components.gpu_nodes import GPU_TAINT, POOL_LABEL
from components.gpu_plugins import GpuPlugins

GpuPlugins(
    "gpu",
    {
        "stack": "prod",
        "namespace": "slm-gpu",
        "plugin_image": "registry.example/k8s-device-plugin:v1",
        "exporter_image": "registry.example/gpu-exporter:v1",
        "scraped_from": ["slm"],
        "nodes": [{POOL_LABEL: "gpu"}],
        "taints": [GPU_TAINT],
        "mig": pulumi.get_stack() == "cut",
    },
)
