"""The stack that made a cluster, as the stack that runs models on it sees it."""

import pulumi


def kubeconfig_of(stack: str) -> pulumi.Output[str]:
    """Its output `kubeconfig`, which holds no credential. `stack` alone is one of this project.

    The update fails where that stack is not there or was never up.
    """
    own = f"{pulumi.get_organization()}/{pulumi.get_project()}/{stack}"
    reference = pulumi.StackReference(stack if "/" in stack else own)
    return reference.require_output("kubeconfig")
