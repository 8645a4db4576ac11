"""`make up` and what goes with it for a stack on a cluster: no engine of this machine has a part in it."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from catalog.errors import KitError
from components.gateway.types import PUBLIC_PORT
from monitoring.watched import LOGIN
from ops import decide, first_answer, image_volumes, keys, kubectl, served_kinds, tls_secret, trust
from ops.ask import QUESTION, Answer, ask, command
from ops.kubectl import Kubectl
from ops.paths import cluster_stack, passphrase_file, state_folder, write_private
from ops.runner import PulumiCli, Runner, executable
from ops.say import step
from ops.stack_settings import settings_of
from stacks.config import MONITORING_PASSWORD
from stacks.kubernetes_needs import needs_of
from stacks.kubernetes_settings import KubernetesSettings
from stacks.plan import plan
from stacks.settings import StackSettings

FROM_HERE = f"http://127.0.0.1:{PUBLIC_PORT}/v1"
"""The gateway, while `kubectl port-forward` runs."""
MASKED = "[secret]"
"""What the CLI and the rehearsal show for an output that is a secret."""


def up(stack: str, runner: str | None) -> None:
    """Bring the stack up and, where kubectl is here, show that it answers."""
    decide.restore_authorities(stack, decide.config(stack), trust.find())
    found = settings_of(stack, with_secrets=False)
    used = decide.choose_runner(stack, runner)
    check_passphrase(used)
    check(used, found)
    decide.decide_cluster(stack, used)
    keys.ensure(used)
    keys.ensure_passwords(used)
    settings = settings_of(stack)
    plan(settings)
    step(f"{used.name} up")
    used.up()
    outputs = used.outputs()
    control = _kubectl(used, settings, outputs)
    _show(used, settings, outputs, control, _first_answer(used, settings, control))


def check(used: Runner, settings: StackSettings) -> None:
    """Refuse what the cluster lacks, before it is told anything. Raises KitError, or HostError."""
    check_kinds(used, settings)
    check_certificate(used, settings)
    if _where(settings).model_images is not None:
        # A namespace that need not be there yet: the question is about nodes.
        image_volumes.check(_kubectl(used, settings, {"namespace": "default"}))


def check_kinds(used: Runner, settings: StackSettings) -> None:
    """Refuse kinds that the cluster does not serve. Raises KitError, or HostError."""
    needs, where = needs_of(settings), _where(settings)
    if needs:
        served_kinds.check(needs, _kubeconfig(used, where), where.context)


def check_certificate(used: Runner, settings: StackSettings) -> None:
    """Refuse a Secret that the gateway could not end TLS with. Raises KitError, or HostError."""
    where = _where(settings)
    if where.load_balancer is None or where.load_balancer.tls_secret is None:
        return
    # Here, as a machine whose stacks are on no cluster need not have the packages of clusters.
    from stacks.kubernetes_place import namespace_of

    control = _kubectl(used, settings, {"namespace": namespace_of(where, used.stack)})
    tls_secret.TlsSecret(where.load_balancer.tls_secret, used.stack, control).check()


def logs(used: Runner, settings: StackSettings, request: str | None) -> None:
    """The stack's logs, as kubectl has them."""
    found = used.outputs()
    if "namespace" not in found:
        raise KitError(f"stack {used.stack}", "is not up", f"Run `make up STACK={used.stack}` first.")
    _kubectl(used, settings, found).logs(used.stack, request)


def _first_answer(used: Runner, settings: StackSettings, control: Kubectl) -> Answer | None:
    """Of a model that does not sleep: a question would start one, which can take a node and half an hour."""
    pairs = list(first_answer.askable(settings))
    if not pairs:
        step("no key may chat with any model: nothing to ask")
        return None
    sleeping = {model.name for model in settings.hosted if model.scaling.min_replicas == 0}
    pair = next((pair for pair in pairs if pair[1] not in sleeping), None)
    if pair is None:
        step(f"{pairs[0][1]} sleeps while nobody asks (minReplicas 0): not asked, as that would start it")
        return None
    if not kubectl.present():
        step("no kubectl here to reach the gateway with: not asked")
        return None
    key, model = keys.show(used, pair[0]), pair[1]
    step(f"asking {model}: {QUESTION} (through kubectl port-forward)")
    with control.forwarded() as endpoint:
        return ask(endpoint, key, model)


def _kubectl(used: Runner, settings: StackSettings, outputs: dict[str, Any]) -> Kubectl:
    where = _where(settings)
    return Kubectl(outputs["namespace"], _kubeconfig(used, where), where.context, settings.gateway_port)


def _kubeconfig(used: Runner, where: KubernetesSettings) -> Path | None:
    return _fetched_kubeconfig(used, where.cluster) if where.cluster else where.kubeconfig


def _fetched_kubeconfig(used: Runner, cluster: str) -> Path:
    """The kubeconfig that the cluster's stack has as output, in a file of this user's."""
    found = used.outputs_of(cluster).get("kubeconfig")
    if not isinstance(found, str) or found == MASKED:
        raise KitError(
            f"stack {cluster}",
            f"its output kubeconfig is {'a secret' if found else 'not there'}",
            "Name a stack with target aks that is up, or a file: slm-kit:kubernetes.kubeconfig.",
        )
    path = kept_kubeconfig(cluster)
    write_private(path, found)
    return path


def kept_kubeconfig(cluster: str) -> Path:
    """Where the kubeconfig of a cluster's stack is kept."""
    return state_folder() / f"{cluster.replace('/', '.')}.kubeconfig"


def check_passphrase(used: Runner) -> None:
    """Refuse what the Pulumi CLI would: it reads another stack's outputs with this stack's passphrase."""
    cluster = cluster_stack(used.stack)
    if cluster is None or not isinstance(used, PulumiCli):
        return
    own, theirs = passphrase_file(used.stack), state_folder() / f"{cluster}.passphrase"
    # Missing: that stack was made elsewhere, or keeps its secrets in another way.
    if own.parent == theirs.parent and theirs.exists() and theirs.read_text() != own.read_text():
        raise KitError(
            f"passphrase of stack {used.stack}",
            f"is not that of stack {cluster}, whose outputs it must read",
            f"Run `{executable() or 'pulumi'} stack change-secrets-provider passphrase --stack {used.stack}` "
            f"(PULUMI_BACKEND_URL and PULUMI_CONFIG_PASSPHRASE_FILE as README.md says), giving that of the "
            f"other, and put it into {own}.",
        )


def _where(settings: StackSettings) -> KubernetesSettings:
    if settings.kubernetes is None:
        raise KitError("slm-kit:kubernetes", "is not set", "stacks/kubernetes_settings.py documents it.")
    return settings.kubernetes


def _show(
    used: Runner, settings: StackSettings, outputs: dict[str, Any], control: Kubectl, answer: Answer | None
) -> None:
    if answer is not None:
        first_answer.show(answer)
    if "url" in outputs:
        led = f" (lead its name to {outputs['address']})" if outputs.get("address") else ""
        print(f"  url       {outputs['url']}{led}")
    print(f"  endpoint  {outputs['endpoint']} (inside the cluster)")
    print(f"  from here {control.port_forward()}")
    print(f"            then ask {FROM_HERE}")
    not_asked = [] if answer else list(first_answer.askable(settings))[:1]
    for key, model in not_asked:
        print(f"            {command(FROM_HERE, used.stack, key, model)}")
    print(f"  models    {', '.join(model.name for model in settings.models)}")
    print(f"  key       make -s key STACK={used.stack}")
    for page, url in (outputs.get("monitoring") or {}).items():
        port = urlsplit(url).port
        print(f"  {page:<9} {control.shown('port-forward', f'service/{page}-published', f'{port}:{port}')}")
    if "monitoring" in outputs:
        print(f"  login     {LOGIN}, make -s password NAME={MONITORING_PASSWORD} STACK={used.stack}")
