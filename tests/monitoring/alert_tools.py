"""Programs of the monitoring set in their images: run once on files, or to talk to."""

import contextlib
import io
import subprocess
import tarfile
import time
from collections.abc import Iterator, Mapping

import docker
import httpx

HOST = "host.docker.internal"
"""This machine, as Alertmanager's container sees it."""


def run_in(image: str, files: Mapping[str, str], script: str) -> str:
    """What a shell script says in a confined container, in a folder with the files. Fails where it fails."""
    command = ["docker", "run", "--rm", "--interactive", "--network", "none", "--read-only"]
    command += ["--cap-drop", "ALL", "--tmpfs", "/tmp", "--entrypoint", "sh", image]
    done = subprocess.run(
        [*command, "-ec", f"cd /tmp; tar x; {script}"],
        input=packed(files),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=600,
    )
    text = done.stdout.decode()
    assert done.returncode == 0, text[-6000:]
    return text


def packed(files: Mapping[str, str]) -> bytes:
    """A tar archive of files that everybody can read."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content.encode()), 0o644
            archive.addfile(entry, io.BytesIO(content.encode()))
    return made.getvalue()


@contextlib.contextmanager
def alertmanager(
    client: docker.DockerClient, image: str, labels: dict[str, str], config: str, secrets: Mapping[str, str]
) -> Iterator[httpx.Client]:
    """The API of an Alertmanager with this configuration and these secret files."""
    command = ["--config.file=/etc/slm/config/alertmanager.yml", "--storage.path=/tmp"]
    container = client.containers.create(
        image,
        [*command, "--cluster.listen-address="],
        labels=labels,
        tmpfs={"/tmp": "uid=10001"},
        cap_drop=["ALL"],
        extra_hosts={HOST: "host-gateway"},
        ports={"9093/tcp": ("127.0.0.1", 0)},
    )
    try:
        container.put_archive("/etc/slm/config", packed({"alertmanager.yml": config}))
        container.put_archive("/etc/slm/secrets", packed(secrets))
        container.start()
        container.reload()
        published = container.ports["9093/tcp"]
        assert published is not None
        address = f"http://127.0.0.1:{published[0]['HostPort']}/api/v2"
        with httpx.Client(base_url=address, timeout=10) as api:
            _wait_for(api)
            yield api
    finally:
        container.remove(force=True)


def _wait_for(api: httpx.Client) -> None:
    for _ in range(100):
        with contextlib.suppress(httpx.HTTPError):
            api.get("/status").raise_for_status()
            return
        time.sleep(0.2)
    raise AssertionError("Alertmanager does not answer")
