"""What takes a stack away: `make down`, and `make purge` after it."""

from ops import azure, cluster, decide, docker_engine, edge
from ops.cleanup import purge_state, remove_images, remove_small_store
from ops.held import holds_something, where
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
    stays = cluster.what_stays(stack, used.outputs()) if known and target == CLUSTER else []
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
