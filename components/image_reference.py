"""What the name of a container image says."""


def names_registry(reference: str) -> bool:
    """Whether it begins with a registry's host, by the rule that Docker and containerd have.

    A name without one is asked for at Docker Hub, where anybody may own it.
    """
    host, slash, _ = reference.partition("/")
    return bool(slash) and ("." in host or ":" in host or host == "localhost")
