"""The images of a stack on Docker: each is built, or pulled, when the first part of it asks."""

from collections.abc import Mapping, Sequence

import pulumi

from catalog.images import base_image, upstream_image
from catalog.models import EngineName
from components.container_image import ContainerImage, ContainerImageArgs
from components.upstream_image import UpstreamImage, UpstreamImageArgs
from stacks.config import build_proxies
from stacks.settings import StackSettings

ENGINE_FOLDERS: Mapping[EngineName, str] = {"onnx": "onnx-server", "ollama": "ollama"}
"""Folder under docker/ of the image that runs an engine; vLLM's is upstream's own."""


class LocalImages:
    """The images that the settings call for; what nobody asks for is not built."""

    def __init__(
        self, settings: StackSettings, prefix: str = "", opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """`prefix` is of the images' names, `opts` are of each."""
        self._settings = settings
        self._prefix, self._opts = prefix, opts
        self._made: dict[str, pulumi.Output[str]] = {}

    def gateway(self) -> pulumi.Output[str]:
        """The gateway's image."""
        return self._built("gateway")

    def store(self, target: str) -> pulumi.Output[str]:
        """The model tools: `fetch` downloads, `convert` also makes ONNX of it."""
        return self._built("model-tools", target)

    def engine(self, engine: EngineName, gpus: int) -> pulumi.Output[str]:
        """The image that runs an engine."""
        if engine == "vllm":
            return self.pulled("vllm" if gpus else "vllm-cpu")
        if engine == "ollama" and self._settings.images == "upstream":
            return self._built("ollama", upstream=upstream_image("ollama"))
        return self._built(ENGINE_FOLDERS[engine])

    def monitoring(self, name: str, after: Sequence[pulumi.Resource]) -> pulumi.Output[str]:
        """A part of the monitoring set, made once `after` is there."""
        if self._settings.images == "upstream":
            return self._built(name, upstream=upstream_image(name), after=after)
        return self._built(name, after=after)

    def pulled(self, name: str) -> pulumi.Output[str]:
        """An image of somebody else, by its name in catalog/images.yaml."""
        if name not in self._made:
            args: UpstreamImageArgs = {"reference": upstream_image(name)}
            self._made[name] = UpstreamImage(f"{self._prefix}{name}", args, self._opts).reference
        return self._made[name]

    def _built(
        self,
        folder: str,
        target: str = "runtime",
        upstream: str | None = None,
        after: Sequence[pulumi.Resource] = (),
    ) -> pulumi.Output[str]:
        name = folder if target == "runtime" else f"{folder}-{target}"
        if name not in self._made:
            args = self._args(folder, target)
            args["after"] = after
            if upstream is not None:
                args["dockerfile"] = "Dockerfile.upstream"
                args["build_args"] = {"UPSTREAM": upstream}
            self._made[name] = ContainerImage(f"{self._prefix}{name}", args, self._opts).reference
        return self._made[name]

    def _args(self, folder: str, target: str) -> ContainerImageArgs:
        settings, debian = self._settings, base_image()
        base = settings.image_base or (debian.built if settings.images == "build" else debian.upstream)
        return {
            "folder": folder,
            "base": base,
            "build_base": settings.build_base or base,
            "stack": pulumi.get_stack(),
            "target": target,
            "proxies": build_proxies(),
        }
