"""What takes a stack away: `make down`, and `make purge` after it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ops import azure, cluster, decide, docker_engine, edge
from ops.cleanup import purge_state, remove_images, remove_small_store
from ops.held import holds_something, where
from ops.kubectl import Kubectl
from ops.paths import stack_file
from ops.runner import PulumiCli, Runner, executable, runner_for
from ops.say import step
from ops.targets import AZURE, CLUSTER, EDGE, LOCAL


def down(stack: str, *, sure: bool = False) -> None:
    """Remove what `up` made. State and keys stay, and the models where they are large or on a cluster.

    Says so where this machine knows nothing of the stack: what another one made is not removed.
    """
    target = decide.target(stack)
    used = azure.cli(stack, choose=False) if target == AZURE else decide.current_runner(stack)
    if target == LOCAL:
        docker_engine.require()
    known = holds_something(used)
    stays = what_stays(stack, used.outputs()) if known and target == CLUSTER else []
    if known:
        if target == AZURE:
            azure.before_down(stack, sure=sure)
        _remove(used, target)
    for each in stays:
        step(each)
    if target == LOCAL:
        remove_small_store(stack)
        remove_images(stack)
    if known or target == LOCAL:
        # Elsewhere it is all that keeps `purge` from the keys of a stack that another machine made.
        decide.forget_runner(stack, used)
    if isinstance(used, PulumiCli):
        used.forget()
    step(_ended(stack, target) if known else _nothing_known(used))


def purge(stack: str, *, sure: bool) -> None:
    """After `down`: remove state, keys and the model store, too."""
    here = decide.target(stack) == LOCAL
    purge_state(stack, sure=sure, here=here, held=not here and _held(stack))


def what_stays(stack: str, outputs: Mapping[str, Any]) -> list[str]:
    """What to say after `down`, from the outputs before it: what outlives the stack, how to remove it there.

    Of the file only where the cluster is: what else is in it need not be valid any more.
    """
    if "namespace" not in outputs:
        return []
    namespace = str(outputs["namespace"])
    written = decide.config(stack).get(f"{decide.PREFIX}kubernetes")
    place = written if isinstance(written, dict) else {}
    kubeconfig, context = _named_kubeconfig(place), place.get("context")
    gone = kubeconfig is not None and not kubeconfig.is_file()
    control = Kubectl(None, None if gone else kubeconfig, None if context is None else str(context))
    how = f" with a kubeconfig of its cluster, as {kubeconfig} is not here" if gone else ""
    # Where models are images, a claim of before may be there still.
    with_models = "modelImages" not in outputs
    kept = "its models" if with_models else "the models of a claim, if it had one"
    remove = control.shown("delete", "namespace", namespace)
    said = [f"namespace {namespace} stays with {kept}; `{remove}` removes it{how}"]
    return [*said, f"the next `make up STACK={stack}` finds the models again"] if with_models else said


def _named_kubeconfig(place: Mapping[str, Any]) -> Path | None:
    """The file that `kubernetes` in config leads to, there or not."""
    if place.get("cluster"):
        # The one that `up` kept: the cluster's stack need not be there any more.
        return cluster.kept_kubeconfig(str(place["cluster"]))
    return Path(str(place["kubeconfig"])).expanduser() if place.get("kubeconfig") else None


def _remove(used: Runner, target: str) -> None:
    step(f"{used.name} down")
    if target == EDGE:
        used.show("down", edge.GO_ON)
    else:
        used.down()


def _ended(stack: str, target: str) -> str:
    keeps = {AZURE: "", EDGE: "; its models stay at the sites, its keys in the stack config"}
    return f"stack {stack} is down{keeps.get(target, f'; its keys stay in stacks/{stack_file(stack).name}')}"


def _nothing_known(used: Runner) -> str:
    entry, file = f"{decide.PREFIX}runner", f"stacks/{stack_file(used.stack).name}"
    by_hand = (
        f". If nothing of it is up anywhere, remove {entry} from {file} by hand: as long as it is there, "
        "`make purge` refuses"
    )
    return (
        f"nothing of stack {used.stack} is known here: {where(used)} has no resource of it, and nothing was "
        "removed. What another machine or another runner made is still there"
        f"{by_hand if entry in decide.config(used.stack) else ''}"
    )


def _held(stack: str) -> bool:
    """Whether the state of either runner has resources: it and the passphrase are needed to remove them."""
    names = ["rehearsal", *(["pulumi"] if executable() else [])]
    found = [used for used in (runner_for(name, stack) for name in names) if _holds(used)]
    return bool(found)


def _holds(used: Runner) -> bool:
    holds = holds_something(used)
    if isinstance(used, PulumiCli) and not holds:
        used.forget()
    return holds
