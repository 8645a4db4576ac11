"""What a component asks of the place it runs in. components/platforms has the implementations."""

from typing import Protocol

import pulumi

from components.workload import Workload


class Platform(Protocol):
    """Runs workloads and keeps volumes on one target."""

    def run(
        self, name: str, workload: Workload, opts: pulumi.ResourceOptions | None = None
    ) -> pulumi.Resource:
        """Run the workload; the resource is complete once it is ready (a job: once it has ended)."""
        ...

    def kept_volume(self, name: str, opts: pulumi.ResourceOptions | None = None) -> pulumi.Output[str]:
        """A volume that outlives the stack, so that gigabytes are not fetched twice.

        Its name, for `Mount.volume`, is fixed: the next stack of the same name finds it again.
        """
        ...

    def volume(self, name: str, opts: pulumi.ResourceOptions | None = None) -> pulumi.Output[str]:
        """A volume for what a program of the stack keeps; it goes with the stack.

        Its name, for `Mount.volume`. A new one takes over owner and mode of the image's folder that it is
        mounted on.
        """
        ...

    def address(self, alias: str) -> str:
        """The DNS name that workloads of the stack reach the workload with this alias by."""
        ...
