"""The inputs of a Container that the backend implements, named as in pulumi_docker 5.2."""

from rehearsal.docker_backend.schema import (
    FLAG,
    LABELS,
    TEXT,
    TEXT_MAP,
    TEXT_SET,
    Field,
    Fields,
    objects,
)

COUNT = Field(int, at_least=0)
NEEDED = Field(str, required=True)
KEPT = Field(str, keeps=True)
DURATION = Field(str, default="0s", pattern=r"0|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+")

VOLUME_OPTIONS = {
    "noCopy": FLAG,
    "labels": LABELS,
    "driverName": TEXT,
    "driverOptions": TEXT_MAP,
}

MOUNT = {
    "target": NEEDED,
    "source": TEXT,
    "type": Field(str, required=True, pattern="bind|volume|tmpfs"),
    "readOnly": FLAG,
    "bindOptions": objects({"propagation": Field(str, pattern="r?private|r?shared|r?slave")}, shape="one"),
    "volumeOptions": objects(VOLUME_OPTIONS, shape="one"),
    "tmpfsOptions": objects({"sizeBytes": COUNT, "mode": COUNT}, shape="one"),
}

VOLUME = {
    "fromContainer": TEXT,
    "containerPath": TEXT,
    "hostPath": Field(str, pattern="/.*"),
    "volumeName": TEXT,
    "readOnly": FLAG,
    "selinuxRelabel": Field(str, pattern="z|Z"),
}

PORT = {
    "internal": Field(int, required=True, at_least=1),
    "external": Field(int, at_least=0, keeps=True),
    "ip": Field(str, default="0.0.0.0"),
    "protocol": Field(str, default="tcp", pattern="tcp|udp|sctp"),
}

NETWORK = {
    "name": NEEDED,
    "aliases": TEXT_SET,
    "ipv4Address": TEXT,
    "ipv6Address": TEXT,
    "linkLocalIps": TEXT_SET,
}

UPLOAD = {
    "file": Field(str, required=True, pattern="/.*[^/]"),
    "content": Field(str, private=True),
    "contentBase64": Field(str, private=True),
    "source": TEXT,
    "sourceHash": TEXT,
    "permissions": Field(str, pattern="0[0-7]{3}"),
    "executable": FLAG,
    # The provider also resolves names, against the user database of the machine it runs on.
    "owner": Field(str, pattern="[0-9]+"),
    "group": Field(str, pattern="[0-9]+"),
}

HEALTHCHECK = {
    "tests": Field(str, "list", private=True),
    "interval": DURATION,
    "timeout": DURATION,
    "startPeriod": DURATION,
    "startInterval": DURATION,
    "retries": COUNT,
}

IDENTITY: Fields = {
    "name": Field(str, pattern="[a-zA-Z0-9][a-zA-Z0-9_.-]+"),
    "image": NEEDED,
    "platform": KEPT,
    "command": Field(str, "list", keeps=True, private=True),
    "entrypoints": Field(str, "list", keeps=True, private=True),
    "envs": Field(str, "set", keeps=True, private=True),
    "labels": Field(dict, "set", keeps=True, fields=LABELS.fields),
    "user": KEPT,
    "workingDir": KEPT,
    "hostname": KEPT,
    "domainname": TEXT,
    "tty": FLAG,
    "stdinOpen": FLAG,
    "stopSignal": KEPT,
    "stopTimeout": Field(int, keeps=True, at_least=0),
    "healthcheck": objects(HEALTHCHECK, shape="one", keeps=True),
}

LIFE: Fields = {
    "start": Field(bool, default=True).in_place(),
    "mustRun": Field(bool, default=True).in_place(),
    "attach": FLAG.in_place(),
    "logs": FLAG.in_place(),
    "rm": FLAG.in_place(),
    "wait": FLAG.in_place(),
    "waitTimeout": Field(int, default=60, at_least=1).in_place(),
    "removeVolumes": Field(bool, default=True).in_place(),
    "destroyGraceSeconds": COUNT.in_place(),
    "containerReadRefreshTimeoutMilliseconds": Field(int, default=15000).in_place(),
    "restart": Field(str, default="no", pattern="no|on-failure|always|unless-stopped").in_place(),
    "maxRetryCount": COUNT.in_place(),
}

LIMITS: Fields = {
    "memory": COUNT.in_place(),
    "memoryReservation": COUNT.in_place(),
    "memorySwap": Field(int, at_least=-1).in_place(),
    "cpuShares": COUNT.in_place(),
    "cpuSet": Field(str, pattern=r"\d+([,-]\d+)*").in_place(),
    "cpus": Field(str, pattern=r"[0-9]+(\.[0-9]{1,9})?"),
    "shmSize": Field(int, keeps=True, at_least=0),
    "ulimits": objects(
        {"name": NEEDED, "soft": Field(int, required=True), "hard": Field(int, required=True)}
    ),
    "gpus": Field(str, pattern="[\"']*(all|[0-9]+|count=[0-9]+|device=[^\"']+)[\"']*"),
    "devices": objects({"hostPath": NEEDED, "containerPath": TEXT, "permissions": Field(str, default="rwm")}),
}

ISOLATION: Fields = {
    "readOnly": FLAG,
    "privileged": FLAG,
    "capabilities": objects({"adds": TEXT_SET, "drops": TEXT_SET}, shape="one"),
    "securityOpts": Field(str, "set", keeps=True, pattern="(?!systempaths=).+"),
    "groupAdds": TEXT_SET,
    "init": Field(bool, keeps=True),
    "ipcMode": KEPT,
    "pidMode": TEXT,
    "usernsMode": TEXT,
    "cgroupnsMode": Field(str, pattern="private|host"),
    "cgroupParent": TEXT,
    "runtime": KEPT,
    "sysctls": TEXT_MAP,
    "storageOpts": TEXT_MAP,
}

SURROUNDINGS: Fields = {
    "tmpfs": TEXT_MAP,
    "mounts": objects(MOUNT),
    "volumes": objects(VOLUME),
    "uploads": objects(UPLOAD),
    "networkMode": Field(str, default="bridge"),
    "networksAdvanced": objects(NETWORK),
    "ports": objects(PORT, shape="list"),
    "publishAllPorts": FLAG,
    "hosts": objects({"host": NEEDED, "ip": NEEDED}),
    "dns": TEXT_SET,
    "dnsOpts": TEXT_SET,
    "dnsSearches": TEXT_SET,
    "logDriver": KEPT,
    "logOpts": TEXT_MAP,
}

CONTAINER: Fields = {**IDENTITY, **LIFE, **LIMITS, **ISOLATION, **SURROUNDINGS}
"""Sizes are MiB (`sizeBytes` is bytes), times are seconds unless they carry a unit."""
