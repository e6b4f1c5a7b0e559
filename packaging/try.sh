#!/bin/sh
# Uses a package as an administrator would, in a bare Debian. Run by `cargo xtask package --try`, as root, in a mount and
# network namespace of its own:  try.sh ROOT OLD.deb NEW.deb
set -eu
bare=$1 old=$2 new=$3

ip link set lo up
layer=$(mktemp -d)
mount -t tmpfs -o mode=0755 tmpfs "$layer"
mkdir "$layer/changes" "$layer/work" "$layer/root"
root=$layer/root
mount -t overlay -o "lowerdir=$bare,upperdir=$layer/changes,workdir=$layer/work" overlay "$root"
mount -t proc proc "$root/proc"
cp "$old" "$root/old.deb"
cp "$new" "$root/new.deb"

step() { echo "== $*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }
in_root() { chroot "$root" "$@"; }
as_lanner() { chroot "$root" setpriv --reuid lanner --regid lanner --clear-groups env -C / "$@"; }
lanner() { in_root lanner "$@"; }
is_there() { [ -e "$root$1" ] || fail "$1 is missing"; }
is_gone() { [ ! -e "$root$1" ] || fail "$1 is still there"; }

# Starts what the unit starts, as the unit's user, and waits until it is ready.
start() {
    # shellcheck disable=SC2046 # words of a command line
    as_lanner $(sed -n 's/^ExecStart=//p' "$root/usr/lib/systemd/system/lanner.service") >>"$layer/log" 2>&1 &
    job=$!
    for _ in $(seq 100); do
        if lanner status >"$layer/status" 2>&1; then
            pid=$(in_root cat /var/lib/lanner/lanner.lock)
            return
        fi
        sleep 0.1
    done
    cat "$layer/log" "$layer/status" >&2
    fail "the server does not start"
}
stop() {
    kill -"$1" "$pid"
    wait "$job" || true
}

step "install"
in_root dpkg --install /old.deb >/dev/null 2>"$layer/dpkg" || { cat "$layer/dpkg" >&2; fail "the package does not install"; }
lanner --version
is_there /usr/share/man/man1/lanner.1.gz
is_there /usr/share/bash-completion/completions/lanner
is_there /usr/share/doc/lanner/copyright
[ "$(in_root stat -c '%U %a' /var/lib/lanner)" = "lanner 700" ] || fail "/var/lib/lanner is not lanner's alone"
[ "$(in_root stat -c '%U:%G %a' /etc/lanner/lanner.yaml)" = "root:lanner 640" ] || fail "the configuration is open"
as_lanner lanner check /etc/lanner/lanner.yaml 2>&1

step "start as its user, and write"
start
printf 'cpu value=1\n' | in_root sh -c 'cat >/srv/now.lp'
lanner import --format line /srv/now.lp
lanner switch list >/dev/null
cat >>"$root/etc/lanner/lanner.yaml" <<END
rules:
  - { id: busy, query: { series: cpu, measure: max }, window: 1m, absolute: { max: 100 } }
END

step "reload"
kill -HUP "$pid"
for _ in $(seq 50); do lanner rule list 2>/dev/null | grep -q busy && break; sleep 0.1; done
lanner rule list | grep -q busy || fail "the rule is not there after a reload"

step "kill -9, and start again"
stop KILL
start
lanner rule list | grep -q busy || fail "the rule is gone after kill -9"
[ "$(lanner export 2>/dev/null | grep -c cpu)" -ge 1 ] || fail "the sample is gone after kill -9"

step "backup, and restore over the running data"
lanner backup /srv/backup.db
chown 0:0 "$root/srv/backup.db"
chmod 0644 "$root/srv/backup.db"
stop TERM
as_lanner lanner restore /srv/backup.db --data /var/lib/lanner 2>&1 | grep -q -- --force || fail "data was replaced unasked"
as_lanner lanner restore /srv/backup.db --data /var/lib/lanner --force
start
[ "$(lanner export 2>/dev/null | grep -c cpu)" -ge 1 ] || fail "the sample is gone after a restore"

step "upgrade, with the configuration that was changed"
stop TERM
in_root dpkg --install /new.deb >/dev/null 2>"$layer/dpkg" || { cat "$layer/dpkg" >&2; fail "the upgrade fails"; }
grep -q 'id: busy' "$root/etc/lanner/lanner.yaml" || fail "the upgrade changed the configuration"
start
lanner rule list | grep -q busy || fail "the rule is gone after the upgrade"
stop TERM

step "remove keeps data and configuration"
in_root dpkg --remove lanner >/dev/null
is_gone /usr/bin/lanner
is_gone /usr/lib/systemd/system/lanner.service
is_there /etc/lanner/lanner.yaml
is_there /var/lib/lanner/lanner.db

step "purge keeps nothing"
in_root dpkg --purge lanner >/dev/null 2>&1
is_gone /etc/lanner
is_gone /var/lib/lanner
in_root getent passwd lanner >/dev/null && fail "the user is still there"
left=$(in_root find / -xdev -name '*lanner*' -not -name planners -not -path '/proc/*' -not -path '/srv/*')
[ -z "$left" ] || fail "something of it is left: $left"
echo "the package installs, starts, survives, upgrades, and leaves nothing behind"
