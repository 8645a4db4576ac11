"""One site of many: the parent of all that runs there, and the labels that say so."""

from collections.abc import Mapping
from typing import Any, TypedDict

import pulumi

from components.platforms.docker_container import label_list

_WITH_PODS = ("apps/v1:Deployment", "batch/v1:Job")


class EdgeSiteArgs(TypedDict):
    """What tells sites apart."""

    labels: Mapping[str, str]
    """On everything of the site that can have labels. Values as Kubernetes takes them: at most 63 letters,
    digits, dots, hyphens and underscores."""


class EdgeSite(pulumi.ComponentResource):
    """A site. Whatever has it as parent, near or far, gets its labels and its providers (`opts`).

    Nothing of one site depends on another: they are served, fail and come back alone.
    """

    def __init__(self, name: str, args: EdgeSiteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        labels = dict(args["labels"])

        def put_on(wanted: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult:
            return pulumi.ResourceTransformResult(labelled(wanted.type_, wanted.props, labels), wanted.opts)

        mine = pulumi.ResourceOptions(transforms=[put_on])
        super().__init__("slm:index:EdgeSite", name, {}, pulumi.ResourceOptions.merge(mine, opts))
        self.register_outputs({})


def labelled(type_: str, props: Any, labels: Mapping[str, str]) -> dict[str, Any]:
    """The properties of a resource with further labels; pods get those of what makes them.

    Selectors stay as they are: labels may change, and what selects pods may not.
    """
    found = dict(props)
    if type_.startswith("docker:") and "labels" in found:
        given = {each["label"]: each["value"] for each in found["labels"]}
        found["labels"] = label_list({**given, **labels})
    elif type_.startswith("kubernetes:"):
        found["metadata"] = _described(found.get("metadata"), labels)
        if type_.endswith(_WITH_PODS):
            template = found["spec"]["template"]
            pods = {**template, "metadata": _described(template.get("metadata"), labels)}
            found["spec"] = {**found["spec"], "template": pods}
    return found


def _described(metadata: Any, labels: Mapping[str, str]) -> dict[str, Any]:
    known = dict(metadata or {})
    return {**known, "labels": {**(known.get("labels") or {}), **labels}}
