"""What `down` and `purge` remove beyond the resources of the stack."""

import docker
from docker.errors import NotFound

from catalog.errors import KitError
from ops.paths import passphrase_file, rehearsal_state, stack_file, state_folder
from ops.say import confirm, step
from ops.shell import run

KEPT_STORE_BYTES = 1_000_000_000
"""A model store above this size survives `down`: what took an hour to fetch is not thrown away."""


def store_volume(stack: str) -> str:
    """Name of the stack's model store (components/platforms/docker.py gives it)."""
    return f"slm-kit-{stack}-models"


def remove_small_store(stack: str) -> None:
    """Remove the stack's model store unless it is worth keeping."""
    name, size = store_volume(stack), _volume_bytes(store_volume(stack))
    if size > KEPT_STORE_BYTES:
        step(f"model store {name} stays ({size / 1e9:.1f} GB); `make purge` removes it")
    else:
        _remove_volume(name)


def remove_images(stack: str) -> None:
    """Remove the images built for the stack, and their bases once no stack uses them."""
    ours = [reference for reference in _images() if reference.endswith(f":{stack}")]
    if ours:
        step(f"removing images: {', '.join(ours)}")
        run(["docker", "image", "rm", *ours], why="removing the stack's images")
    # Build stages: they may hold this machine's index settings (ops/base_image.py labels their base).
    step("removing build stages, of other stacks too: what they compile is compiled anew next time")
    run(
        ["docker", "image", "prune", "-f", "--filter", "label=slm-kit.build"],
        why="removing the build stages",
    )
    left = _images()
    if left and all(each.startswith(("slm-kit/base:", "slm-kit/build-base:")) for each in left):
        run(["docker", "image", "rm", *left], why="removing the base images")


def remove_failed_jobs(stack: str) -> None:
    """Remove one-shot containers that ended badly, so that the update makes them anew.

    Docker's provider records such a container as created, whatever its exit code was.
    """
    found = docker.from_env().containers.list(
        all=True, filters={"label": f"slm-kit.stack={stack}", "status": "exited"}
    )
    for container in found:
        is_job = container.attrs["HostConfig"]["RestartPolicy"]["Name"] in ("", "no")
        if is_job and container.attrs["State"]["ExitCode"] != 0:
            step(f"removing {container.name}, which failed; it is made anew")
            container.remove(v=True)


def purge_state(stack: str, *, sure: bool, here: bool = True, held: bool = False) -> None:
    """Remove every volume of the stack, state, passphrase, and the stack's config with its keys.

    A stack that is not `here`, on this machine's engine, keeps what `down` left on its cluster; `held` says
    whether a state of this machine still has resources of it.
    """
    # Written by the first `up`, forgotten by `down`.
    runner = "slm-kit:runner" in stack_file(stack).read_text() if stack_file(stack).exists() else False
    if _containers(stack) if here else runner or held:
        has = "has containers" if here else "was made and is not down"
        raise KitError(f"stack {stack}", has, f"Run `make down STACK={stack}` first.")
    if not stack_file(stack).exists():
        raise KitError(f"stack {stack!r}", f"there is no stacks/{stack_file(stack).name}", "Check the name.")
    if not sure:
        confirm(stack, f"Remove models, state and keys of {stack}?")
    if here:
        for volume in docker.from_env().volumes.list(filters={"label": f"slm-kit.stack={stack}"}):
            _remove_volume(str(volume.name))
    own_passphrase = state_folder() / f"{stack}.passphrase"
    for path in (
        rehearsal_state(stack),
        rehearsal_state(stack).with_suffix(".json.lock"),
        state_folder() / f"{stack}.authorities.pem",
        stack_file(stack),
        *([own_passphrase] if passphrase_file(stack) == own_passphrase else []),
    ):
        path.unlink(missing_ok=True)
    left = (
        ""
        if here
        else ": what this machine kept of it; `down` said what stays elsewhere, or is not known here"
    )
    step(f"stack {stack} is gone{left}")


def _images() -> list[str]:
    return run(
        ["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "slm-kit/*"],
        why="listing the images of the kit",
    ).split()


def _containers(stack: str) -> str:
    return run(
        ["docker", "ps", "-aq", "--filter", f"label=slm-kit.stack={stack}"],
        why="listing the stack's containers",
    ).strip()


def _volume_bytes(name: str) -> int:
    volumes = docker.from_env().df()["Volumes"] or []
    sizes = [int(each["UsageData"]["Size"]) for each in volumes if each["Name"] == name]
    return sizes[0] if sizes else 0


def _remove_volume(name: str) -> None:
    try:
        docker.from_env().volumes.get(name).remove()
    except NotFound:
        return
    step(f"removed volume {name}")
