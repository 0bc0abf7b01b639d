"""Confines a cluster to namespaces and cgroups of its own, and finds its remains."""

import os
import signal
import subprocess

# The kubelet would set these for the whole machine; our mount namespace shows it the values that it wants.
SYSCTLS = {"vm/overcommit_memory": 1, "vm/panic_on_oom": 0, "kernel/panic": 10, "kernel/panic_on_oops": 1,
           "kernel/keys/root_maxkeys": 1000000, "kernel/keys/root_maxbytes": 25000000}
FORWARDING = "/proc/sys/net/ipv4/ip_forward"  # switched on for the pods' bridge
# Places of the machine that programs here always write to.
PLACES = ["/run/containerd", "/var/log/containers", "/var/lib/cni", "/var/lib/kubelet"]


def isolate():
    """Once in a mount namespace: keeps writes outside a cluster's directory off the machine."""
    with open("/proc/self/mountinfo", encoding="ascii") as mounts:
        lines = [line.split() for line in mounts]
    root = next(line for line in lines if line[4] == "/")
    assert not any(word.startswith("shared:") for word in root[6:]), "a cluster needs a mount namespace of its own"
    mounted = {line[4] for line in lines}
    for place in PLACES:
        if place not in mounted:
            os.makedirs(place, exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", place], check=True)
    for name, value in SYSCTLS.items():
        path = "/proc/sys/" + name
        if path not in mounted and os.path.exists(path):
            source = os.path.join(os.environ["LANDWAITER_E2E_DIR"], "sysctl." + name.replace("/", "."))
            with open(source, "w", encoding="ascii") as out:
                out.write(f"{value}\n")
            subprocess.run(["mount", "--bind", source, path], check=True)


def hierarchies():
    """The mount points of the cgroup file systems, of both kinds."""
    with open("/proc/self/mounts", encoding="ascii") as mounts:
        lines = [line.split() for line in mounts]
    return sorted({line[1] for line in lines if line[2] in ("cgroup", "cgroup2") and
                   line[1].startswith("/sys/fs/cgroup")})


def make_cgroups(name):
    """Makes a cgroup in every hierarchy: a kubelet kills every unknown process below its root."""
    for top in hierarchies():
        path = os.path.join(top, name)
        os.makedirs(path, exist_ok=True)
        for limit in ("cpuset.cpus", "cpuset.mems"):  # empty, nothing could run in it
            if os.path.exists(os.path.join(path, limit)) and os.path.exists(os.path.join(top, limit)):
                with open(os.path.join(top, limit), encoding="ascii") as source:
                    value = source.read()
                with open(os.path.join(path, limit), "w", encoding="ascii") as out:
                    out.write(value)


def cgroups(name):
    """Every cgroup of that name and below, the deepest first."""
    found = []
    for top in hierarchies():
        for path, _, _ in os.walk(os.path.join(top, name)):
            found.append(path)
    return sorted(found, key=lambda path: -path.count("/"))


def kill_cgroups(name):
    """Kills all processes in them, and removes them. True when nothing is left."""
    for path in cgroups(name):
        try:
            with open(os.path.join(path, "cgroup.procs"), encoding="ascii") as processes:
                for one in processes.read().split():
                    if one != "0":  # not of our process namespace
                        os.kill(int(one), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            pass
        try:
            os.rmdir(path)
        except OSError:
            pass
    return not cgroups(name)


def processes_of(directory):
    """The processes that were started with something in that directory."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as words:
                if (directory + "/").encode() in words.read():
                    found.append(int(entry))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def mounts_below(directory):
    """The deepest first."""
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        found = [line.split()[1].encode().decode("unicode_escape") for line in mounts]
    return sorted((path for path in found if path.startswith(directory + "/")), key=len, reverse=True)
