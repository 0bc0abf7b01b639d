# shellcheck shell=bash
# For the tests that need a machine of their own: counting, copies of this root that forget, and such a copy booted with
# systemd. Sourced by a script that sets `self`, `top` and `logs`, defines `booted`, which runs on the booted copy, and hands
# --boot, --try and --booted on to the functions of that name.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
area=${self##*/}
passed=0 failed=0 skipped=0
skips=()

# --- counting --------------------------------------------------------------------------------------------------

# check NAME COMMAND...: one test; its output is shown when it fails. Every command of a function counts.
check() {
    local what=$1 from=$SECONDS log
    log=$logs/${1//[^a-z0-9]/-}.log
    shift
    (
        set -e
        "$@"
    ) >"$log" 2>&1 </dev/null &
    if wait $!; then
        passed=$((passed + 1)) ok=1
        printf '%-7s %-58s ok      %4d s\n' "$area" "$what" $((SECONDS - from))
    else
        failed=$((failed + 1)) ok=
        printf '%-7s %-58s FAILED  %4d s\n' "$area" "$what" $((SECONDS - from))
        tail -n 60 "$log" | sed 's/^/        | /'
    fi
}

summary() {
    local one
    for one in "${skips[@]}"; do
        echo "skipped $area: $one"
    done
    echo "$passed passed, $failed failed, $skipped skipped"
    [ $failed = 0 ] && [ $passed -gt 0 ]
}

# add_up FILE: shows the output of another run of this script, and adds its counts.
add_up() {
    local words
    grep -vE '^[0-9]+ passed' "$1" || true
    read -r -a words <<<"$(tail -n 1 "$1" | tr -dc '0-9 ')"
    if [ ${#words[@]} = 3 ]; then
        passed=$((passed + words[0])) failed=$((failed + words[1])) skipped=$((skipped + words[2]))
    else
        failed=$((failed + 1))
    fi
}

# until_true SECONDS COMMAND...: the only place that waits.
until_true() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $end ] || {
            echo "not in time: $*"
            return 1
        }
        sleep 0.1
    done
}

# fails COMMAND...: it must.
fails() {
    if "$@"; then
        echo "this should have failed: $*"
        return 1
    fi
}

# equal NAME EXPECTED FOUND
equal() {
    [ "$2" = "$3" ] || {
        printf '%s: expected %s\nfound %s\n' "$1" "$2" "$3"
        return 1
    }
}

# --- copies of this root ---------------------------------------------------------------------------------------

# mount_copy PLACE: PLACE/root is a copy of / that forgets; in a mount namespace of its own.
mount_copy() {
    mount --make-rprivate /
    mount -t tmpfs tmpfs "$1"
    mkdir "$1"/{upper,work,root}
    mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
    mount -t proc proc "$1/root/proc"
    mount -t tmpfs -o mode=755 tmpfs "$1/root/run"
}

# boot PLACE: systemd as the first process.
boot() {
    local root=$1/root one
    mount_copy "$1"
    mount -t sysfs sysfs "$root/sys"
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
    for one in null zero full random urandom tty; do
        : >"$root/dev/$one"
        mount --bind "/dev/$one" "$root/dev/$one"
    done
    mkdir "$root/dev/pts" "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
    mount -t tmpfs tmpfs "$root/dev/shm"
    ln -s pts/ptmx "$root/dev/ptmx"
    ln -s /proc/self/fd "$root/dev/fd"
    for one in docker containerd; do # no overlay upon an overlay
        mkdir -p "$root/var/lib/$one"
        mount -t tmpfs tmpfs "$root/var/lib/$one"
    done
    rm -f "$root/usr/sbin/policy-rc.d" # services are managed in there
    mkdir -p "$root/.old"
    cd "$root"
    pivot_root . .old
    umount -l /.old
    rmdir /.old
    mount --make-rshared / # as on any booted machine: systemd hands credentials to services that way
    # shellcheck disable=SC2093  # the end of this process
    exec env -i container=landwaiter PATH="$PATH" /lib/systemd/systemd --log-target=journal --show-status=no
}

# --- its processes, seen from outside -----------------------------------------------------------------------------

# find_init: systemd, as a child of the subshell's successor.
find_init() {
    local one parent
    for one in /proc/[0-9]*; do
        parent=$(sed -n 's/^PPid:.//p' "$one/status" 2>/dev/null || true)
        if [ "$parent" = "$machine" ] && [ "$(cat "$one/comm" 2>/dev/null)" = systemd ]; then
            init=${one#/proc/}
            return
        fi
    done
    return 1
}
inside() { nsenter -t "$init" -m -p -n -u -i -C -r -w "$@"; }
is_up() { [[ "$(inside systemctl is-system-running)" == @(running|degraded) ]]; }
has_ended() { ! kill -0 "$machine" 2>/dev/null; }
is_up_or_ended() { has_ended || is_up; }
comes_up() {
    until_true 120 is_up_or_ended || inside systemctl list-jobs
    cat "$logs/boot.log"
    is_up
}

# Prints why systemd cannot be booted here; nothing when it can.
hindrance() {
    grep -q ' cgroup2 ' /proc/self/mounts || {
        echo "no cgroup2 file system is mounted"
        return
    }
    { unshare --mount --pid --net --ipc --uts --cgroup --fork "$self" --try "$1" >/dev/null || true; } 2>&1
}
try() {
    mount_copy "$1"
    mount -t sysfs sysfs "$1/root/sys"
    mount -t cgroup2 cgroup2 "$1/root/sys/fs/cgroup"
}

join_cgroup() {
    local mounted own
    mounted=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
    own=$(sed -n 's/^0:://p' /proc/self/cgroup)
    echo "$mounted${own%/}/landwaiter-$area-$$-$RANDOM" >"$place/cgroup" # a killed run may have left one
    mkdir "$(cat "$place/cgroup")"
    echo $BASHPID >"$(cat "$place/cgroup")/cgroup.procs"
}

without_cgroups() {
    find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
    [ ! -e "$1" ]
}

clean() {
    set +e
    if [ -n "${machine:-}" ]; then
        kill -KILL "$machine" 2>/dev/null # its first process ends with it, and all others with that one
        wait "$machine" 2>/dev/null
    fi
    [ -z "$place" ] || {
        [ ! -s "$place/cgroup" ] || until_true 10 without_cgroups "$(cat "$place/cgroup")"
        rm -rf --one-file-system "$place"
    }
}

on_a_booted_copy() {
    local why
    why=$(hindrance "$place/booted" | tail -n 1)
    if [ -n "$why" ]; then
        skipped=$((skipped + 1))
        skips+=("everything as a service: systemd cannot be booted here: $why")
        return
    fi
    (
        join_cgroup
        exec unshare --mount --pid --net --ipc --uts --cgroup --fork --kill-child "$self" --boot "$place/booted"
    ) >"$logs/boot.log" 2>&1 </dev/null &
    machine=$!
    until_true 30 find_init
    check "systemd comes up in a copy of this root" comes_up
    [ -n "$ok" ] || return 0
    inside env -i PATH="$PATH" HOME=/root "$self" --booted >"$place/said" 2>&1 </dev/null || true
    add_up "$place/said"
}

# throw_away_only: ends the script on a machine that somebody uses.
throw_away_only() {
    if [ "$(id -u)" != 0 ] || [ -d /run/systemd/system ] || [ -e /etc/landwaiter ] || [ -e /var/lib/landwaiter ]; then
        echo "tests/$area installs and removes things: as root, in a root that can be thrown away (tests/fresh)" >&2
        exit 2
    fi
}

# begin_place: a folder for mounts, removed at the end with all started processes.
begin_place() {
    mkdir -p "$logs"
    place=$(mktemp -d "/tmp/landwaiter-$area.XXXXXX")
    mkdir "$place/booted"
    trap clean EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}
