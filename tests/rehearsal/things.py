"""The resource classes of the test programs, as a provider's SDK would have them."""

from collections.abc import Mapping
from typing import Any

import pulumi

Args = Mapping[str, Any]
Options = pulumi.ResourceOptions | None


class File(pulumi.CustomResource):
    """`file:index:File`."""

    path: pulumi.Output[str]
    size: pulumi.Output[int]
    content: pulumi.Output[str]

    def __init__(self, name: str, args: Args, opts: Options = None) -> None:
        super().__init__("file:index:File", name, {**args, "path": None, "size": None}, opts)


class Folder(pulumi.CustomResource):
    """`file:index:Folder`. Its `name` output is known in a preview, its `path` is not."""

    path: pulumi.Output[str]
    name: pulumi.Output[str]

    def __init__(self, name: str, args: Args, opts: Options = None) -> None:
        super().__init__("file:index:Folder", name, {"name": None, **args, "path": None}, opts)


class FileProvider(pulumi.ProviderResource):
    """`pulumi:providers:file` with a root of its own."""

    def __init__(self, name: str, root: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("file", name, {"root": root}, opts)


class Box(pulumi.ComponentResource):
    """A folder with a file in it."""

    def __init__(self, name: str, content: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("test:index:Box", name, {}, opts)
        folder = Folder(f"{name}-folder", {}, pulumi.ResourceOptions(parent=self))
        self.file = File(
            f"{name}-file",
            {"folder": folder.name, "content": content},
            pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"path": self.file.path})
