"""Docker's part in images of models: a job on a volume, and the volume's content as an image."""

import io
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

import pulumi

from catalog.errors import HostError
from components.models import STORE_PATH
from components.platforms.docker_container import hardened
from components.workload import CONFIG_PATH, KIT_USER, SECRETS_PATH, Mount, Workload
from ops.shell import run


def run_job(workload: Workload) -> None:
    """Run a job, as confined as on the Docker platform, with what it says on standard error.

    Raises HostError where it fails.
    """
    files = {CONFIG_PATH: workload.config_files, SECRETS_PATH: workload.secret_files}
    # Volumes without a name: the only place of a read-only container that files can be put into, and gone
    # with it.
    mounts = [f"type=volume,dst={path}" for path, content in files.items() if content]
    mounts += [_mount(each) for each in workload.mounts]
    flags = [part for each in mounts for part in ("--mount", each)]
    image = str(workload.image)
    made = run(
        ["docker", "create", "--rm", *_confined(workload), *flags, image, *workload.command],
        why=f"a container of {image}",
    ).strip()
    try:
        for path, content in files.items():
            _put(made, path, content)
        # Standard output is for results alone.
        done = subprocess.run(["docker", "start", "--attach", made], stdout=sys.stderr, check=False)
    finally:
        subprocess.run(["docker", "rm", "--force", "--volumes", made], capture_output=True, check=False)
    if done.returncode:
        raise HostError(
            " ".join(workload.command[:1]),
            f"failed with exit code {done.returncode}",
            "Mend what is said above and run the same command again; it continues.",
        )


def import_folder(volume: str, folder: str, tools: str, reference: str) -> None:
    """Make an image of one folder of a volume, below the same folders; `tools` is any image with tar.

    Its content goes from the volume into the image, without a copy between. The image has its name once it
    is whole. Times keep their fractions of a second: a manifest lists them.
    """
    with subprocess.Popen(
        _packing(volume, folder, tools), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as packing:
        done = subprocess.run(
            ["docker", "import", "--change", f"LABEL slm-kit.model={folder}", "-"],
            stdin=packing.stdout, capture_output=True, text=True, check=False,
        )  # fmt: skip
        # An import that ended early lets the other side write to nobody.
        assert packing.stdout is not None
        assert packing.stderr is not None
        packing.stdout.close()
        said = packing.stderr.read().decode(errors="replace")
    image = done.stdout.strip()
    if packing.returncode or done.returncode:
        if image:
            run(["docker", "image", "rm", image], why="removing half an image")
        code = done.returncode or packing.returncode
        raise HostError(f"image {reference}", f"failed with exit code {code}", f"{said}{done.stderr}".strip())
    run(["docker", "tag", image, reference], why=f"naming {image}")


def remove_volume(volume: str) -> None:
    """Remove a volume that is not needed any more, with containers of it that a killed run left."""
    left = run(
        ["docker", "ps", "--all", "--quiet", "--filter", f"volume={volume}"], why="looking for what uses it"
    )
    if left.split():
        run(["docker", "rm", "--force", "--volumes", *left.split()], why="removing what a killed run left")
    run(["docker", "volume", "rm", volume], why="removing what is in the image now")


def _packing(volume: str, folder: str, tools: str) -> list[str]:
    above = [str(each) for each in reversed(PurePosixPath(folder).parents) if each.name]
    mount = f"type=volume,src={volume},dst={STORE_PATH},readonly"
    return [
        # What it writes is no log, of which the engine would keep a copy.
        "docker", "run", "--rm", "--log-driver", "none", "--network", "none", "--read-only",
        "--cap-drop", "ALL", "--user", f"{KIT_USER}:{KIT_USER}", "--mount", mount, "--entrypoint", "tar",
        tools,
        "--create", "--format", "posix", "--pax-option", "delete=atime,delete=ctime", "--sort", "name",
        "--owner", "0", "--group", "0", "--numeric-owner", "--directory", STORE_PATH,
        "--no-recursion", *above, "--recursion", folder,
    ]  # fmt: skip


def _confined(workload: Workload) -> Iterator[str]:
    """The platform's own settings, but for a bound of processors: nothing else runs beside it."""
    settings = hardened(workload)
    yield from ("--user", settings["user"], "--read-only", "--label", "slm-kit.job=model-image")
    for name, values in (
        ("--cap-drop", settings["capabilities"]["drops"]),
        ("--security-opt", settings["security_opts"]),
        ("--tmpfs", [f"{path}:{options}" for path, options in settings["tmpfs"].items()]),
    ):
        for value in values:
            yield from (name, value)
    yield from ("--memory", f"{settings['memory']}m", "--memory-swap", f"{settings['memory_swap']}m")


def _mount(mount: Mount) -> str:
    kind, source = ("bind", mount.host_folder) if mount.host_folder else ("volume", mount.volume)
    return f"type={kind},src={source},dst={mount.path}{',readonly' if mount.read_only else ''}"


def _put(container: str, folder: str, files: Mapping[str, pulumi.Input[str]]) -> None:
    """Files for the job's eyes only; they travel on standard input."""
    if not files:
        return
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, text in files.items():
            content = str(text).encode()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.uid, entry.gid = len(content), 0o400, KIT_USER, KIT_USER
            archive.addfile(entry, io.BytesIO(content))
    done = subprocess.run(
        ["docker", "cp", "-", f"{container}:{folder}"],
        input=buffer.getvalue(), capture_output=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise HostError(f"files at {folder}", "cannot be handed to the job", done.stderr.decode().strip())
