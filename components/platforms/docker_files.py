"""Config and secret files on a volume, written by a one-shot container.

Docker can put files into a container only through a writable root, and a new file would mean a new
container. So files lie on a volume, laid out and switched as Kubernetes does it, and the container
that wrote them is replaced when the content changes: a preview shows the change, and a program that
watches its files never stops for it.
"""

from collections.abc import Mapping, Sequence
from typing import TypedDict

import pulumi
import pulumi_docker as docker

from components.platforms.docker_container import confined, finished, label_list
from components.workload import Mount

INCOMING = "/incoming"
# Arguments: the folder to fill, then the command that checks the new files, if any. The previous
# files stay until the next change, for a program that is just reading them.
INSTALL = """\
set -eu
folder=$1; shift
next=$(mktemp -d "$folder/..XXXXXXXX")
cp /incoming/* "$next/"
chmod 0400 "$next"/*
if [ $# -gt 0 ] && ! "$@" "$next"; then rm -rf "$next"; exit 1; fi
for file in "$next"/*; do
  ln -sfn "..data/${file##*/}" "$folder/${file##*/}"
done
before=$(readlink "$folder/..data" || true)
ln -sfn "${next##*/}" "$folder/..switch"
mv -T "$folder/..switch" "$folder/..data"
for entry in "$folder"/* "$folder"/..[A-Za-z0-9]*; do
  case "${entry##*/}" in ..data|"${next##*/}"|"$before") continue ;; esac
  if [ -L "$entry" ] && [ -e "$entry" ]; then continue; fi
  rm -rf "$entry"
done
"""


class DockerFilesArgs(TypedDict):
    """What is written, where, and by whom."""

    path: str
    """Folder the files appear in, inside the containers."""
    files: Mapping[str, pulumi.Input[str]]
    """Content by file name; an empty file is refused by Docker's provider."""
    image: pulumi.Input[str]
    """Image with /bin/sh and coreutils, in which `path` belongs to `user`."""
    user: int
    check: Sequence[str]
    """Command that gets the folder of new files as last argument; it fails, the old ones stay."""
    labels: Mapping[str, str]
    reads: Sequence[Mount]
    """Further volumes the check needs."""


class DockerFiles(pulumi.ComponentResource):
    """A volume and the container that wrote it. `written` changes with the content."""

    written: pulumi.Output[str]

    def __init__(self, name: str, args: DockerFilesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slm:index:DockerFiles", name, {}, opts)
        labels = label_list(args["labels"])
        child = pulumi.ResourceOptions(parent=self)
        volume = docker.Volume(name, labels=labels, opts=child)
        self.mount = Mount(path=args["path"], volume=volume.name)
        writer = docker.Container(
            name,
            image=args["image"],
            entrypoints=["/bin/sh", "-c", INSTALL, "install"],
            command=[args["path"], *args["check"]],
            uploads=[self._upload(file, args) for file in sorted(args["files"])],
            mounts=[
                {"type": "volume", "target": m.path, "source": m.volume, "read_only": rest}
                for m, rest in [(self.mount, False), *((m, True) for m in args["reads"])]
            ],
            network_mode="none",
            must_run=False,
            attach=True,
            restart="no",
            labels=labels,
            **confined(args["user"], memory_mib=128, cpus=1),
            # Two writers must not switch one folder at once.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.written = finished(writer)
        self.register_outputs({"written": self.written})

    @staticmethod
    def _upload(file: str, args: DockerFilesArgs) -> docker.ContainerUploadArgsDict:
        return {
            "file": f"{INCOMING}/{file}",
            "content": args["files"][file],
            # Root's, and so readable to all: Docker before 23 looks an owner up on the machine, and
            # fails for the number of a user that is in the image only.
            "permissions": "0444",
        }
