"""Images of the kit that are there already, by prefix and tag."""

import pulumi

from catalog.images import upstream_image
from catalog.models import EngineName
from components.upstream_image import UpstreamImage
from stacks.image_settings import ImageSettings

_FOLDERS: dict[EngineName, str] = {"onnx": "onnx-server", "ollama": "ollama"}


class NamedImages:
    """References for pods, whose kubelet finds the images."""

    def __init__(self, images: ImageSettings) -> None:
        self._images = images

    def gateway(self) -> pulumi.Input[str]:
        """The gateway's image."""
        return self._kit("gateway")

    def store(self, target: str) -> pulumi.Input[str]:
        """The model tools: `fetch` downloads, `convert` also makes ONNX of it."""
        return self._kit(f"model-tools-{target}")

    def engine(self, engine: EngineName, gpus: int) -> pulumi.Input[str]:
        """The image that runs an engine."""
        if engine == "vllm":
            return self._had(upstream_image("vllm" if gpus else "vllm-cpu"))
        return self._kit(_FOLDERS[engine])

    def monitoring(self, part: str) -> pulumi.Input[str]:
        """The image of a part of the monitoring set."""
        return self._kit(part)

    def _kit(self, name: str) -> pulumi.Input[str]:
        return self._had(f"{self._images.prefix}/{name}:{self._images.tag}")

    def _had(self, reference: str) -> pulumi.Input[str]:
        return reference


class NamedDockerImages(NamedImages):
    """The same for a Docker engine, which pulls what it does not have."""

    def __init__(self, images: ImageSettings, prefix: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__(images)
        self._prefix, self._opts = prefix, opts
        self._found: dict[str, pulumi.Output[str]] = {}

    def _had(self, reference: str) -> pulumi.Output[str]:
        if reference not in self._found:
            name = reference.partition("@")[0].rpartition("/")[2].partition(":")[0]
            image = UpstreamImage(f"{self._prefix}{name}", {"reference": reference}, self._opts)
            self._found[reference] = image.reference
        return self._found[reference]
