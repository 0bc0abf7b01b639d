"""Tiny images from busybox-static, made and pushed without an engine, so that every pull is a real one.

Each serves its version over HTTP on port 8080, unless its kind is to fail in one particular way.
"""

import functools
import gzip
import hashlib
import io
import json
import platform
import tarfile
import uuid

SECOND = 1_000_000_000
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
SERVE = "trap 'exit 0' TERM; /bin/busybox httpd -f -p 8080 -h /www & wait"
SHELL = ["/bin/busybox", "sh", "-c"]
ALIVE = {"Test": ["CMD", "/bin/busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:8080/"],
         "Interval": SECOND // 4, "Timeout": 5 * SECOND, "Retries": 3}
DEAD = {"Test": ["CMD", "/bin/busybox", "false"], "Interval": SECOND // 4, "Timeout": SECOND, "Retries": 2}

# The difference of each misbehaving image: its part of the image's configuration.
KINDS = {
    "good": {},
    "healthy": {"Healthcheck": ALIVE},
    "unhealthy": {"Healthcheck": DEAD},
    "starting": {"Healthcheck": {**DEAD, "Retries": 1000}},  # never gets to a verdict
    "crash": {"Entrypoint": SHELL + ["echo boom >&2; exit 3"]},
    "crash-later": {"Entrypoint": SHELL + ["(/bin/busybox usleep 400000; kill 1) & " +
                                           "trap 'exit 4' TERM; /bin/busybox httpd -f -p 8080 -h /www & wait"]},
    "mute": {"Entrypoint": SHELL + ["trap 'exit 0' TERM; /bin/busybox sleep 1000000 & wait"]},  # runs, and answers nothing
    "unstartable": {"Entrypoint": ["/no/such/program"]},
    "uncreatable": {"Entrypoint": None, "Cmd": None},
}


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def machine():
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def layer(files):
    """A layer's tar: {path: (bytes, mode)}, or a string for a symbolic link."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for path, content in files.items():
            info = tarfile.TarInfo(path)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                tar.addfile(info)
            else:
                info.size, info.mode = len(content[0]), content[1]
                tar.addfile(info, io.BytesIO(content[0]))
    return raw.getvalue()


@functools.cache
def base_layer():
    """The layer with busybox, made only once: its tar, and packed."""
    with open("/bin/busybox", "rb") as program:
        raw = layer({"bin/busybox": (program.read(), 0o755), "bin/sh": "busybox"})
    return raw, gzip.compress(raw, 1, mtime=0)


class Images:
    """Makes images and pushes them to one registry."""

    def __init__(self, registry):
        self.registry = registry

    def make(self, repository, tag, version=None, kind="good", config=None, index=False, upload=True):
        """Push REPOSITORY:TAG that serves `version` (default: the tag); return the tag's digest.

        config: more members of the image's configuration. index: put the manifest into an OCI index.
        upload=False leaves the layers out: everything resolves, and the pull fails."""
        version = version or tag
        files = {"www/index.html": (version.encode() + b"\n", 0o644)}
        if not upload:  # a layer that no engine has already
            files["nonce"] = (uuid.uuid4().bytes, 0o644)
        page = layer(files)
        layers = [base_layer(), (page, gzip.compress(page, 1, mtime=0))]
        settings = {"Entrypoint": SHELL + [SERVE], "ExposedPorts": {"8080/tcp": {}},
                    "Env": ["PATH=/bin", "VERSION=" + version], "Labels": {"version": version}}
        settings.update(KINDS[kind])
        settings.update(config or {})
        image = json.dumps({"architecture": machine(), "os": "linux", "config": settings,
                            "created": "2026-11-20T12:00:00Z",
                            "rootfs": {"type": "layers", "diff_ids": [digest_of(raw) for raw, _ in layers]}}).encode()
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": described("application/vnd.oci.image.config.v1+json", image),
            "layers": [described("application/vnd.oci.image.layer.v1.tar+gzip", packed)
                       for _, packed in layers]}).encode()
        for blob in [image] + [packed for _, packed in layers]:
            self.registry.upload(repository, blob)
        if index:
            inner = self.registry.put(repository, digest_of(manifest), manifest, MANIFEST)
            manifest = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
                {"mediaType": MANIFEST, "digest": inner, "size": len(manifest),
                 "platform": {"architecture": machine(), "os": "linux"}}]}).encode()
        made = self.registry.put(repository, tag, manifest, INDEX if index else MANIFEST)
        if not upload:
            self.registry.delete_blob(repository, digest_of(layers[1][1]))
        return made

    def name(self, repository, tag=None):
        """As a container or a push names it."""
        return f"{self.registry.host}/{repository}" + (f":{tag}" if tag else "")


def described(kind, data):
    return {"mediaType": kind, "digest": digest_of(data), "size": len(data)}
