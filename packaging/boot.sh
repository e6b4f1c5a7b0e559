#!/bin/sh
# Uses a package under systemd, which is started as the first process of a container. Run by `cargo xtask package --boot`, as
# root:  boot.sh ROOT OLD.deb NEW.deb
# ROOT is a Debian with systemd, which `debootstrap --variant=minbase --include=systemd-sysv,curl stable DIR` makes.
set -eu
bare=$1 old=$2 new=$3

layer=$(mktemp -d)
trap 'umount "$layer/root" "$layer" 2>/dev/null; rmdir "$layer"' EXIT
mount -t tmpfs -o mode=0755 tmpfs "$layer"
mkdir "$layer/changes" "$layer/work" "$layer/root"
root=$layer/root
mount -t overlay -o "lowerdir=$bare,upperdir=$layer/changes,workdir=$layer/work" overlay "$root"
mkdir -p "$root/trial" "$root/etc/systemd/system/multi-user.target.wants"
cp "$old" "$root/trial/old.deb"
cp "$new" "$root/trial/new.deb"

cat >"$root/etc/systemd/system/trial.service" <<END
[Unit]
After=network.target
[Service]
Type=oneshot
ExecStart=/bin/sh /trial/inside.sh
ExecStopPost=/bin/systemctl --no-block poweroff
TimeoutStartSec=10min
END
ln -s ../trial.service "$root/etc/systemd/system/multi-user.target.wants/trial.service"

cat >"$root/trial/inside.sh" <<'END'
exec >/trial/said 2>&1
set -eu
step() { echo "== $*"; }
fail() { echo "FAILED: $*"; journalctl --unit lanner --no-pager --output cat --lines 20; exit 1; }
shown() { systemctl show lanner --property "$1" --value; }
is_ready() { for _ in $(seq 100); do curl -sf localhost:9797/readyz && return; sleep 0.1; done; fail "not ready"; }
is_active() { [ "$(systemctl is-active lanner)" = active ] || fail "it is not active"; }
is_enabled() { [ "$(systemctl is-enabled lanner)" = enabled ] || fail "it is not enabled"; }
restarted() { for _ in $(seq "$2"); do [ "$(shown NRestarts)" -ge "$1" ] && return; sleep 1; done; fail "not started again"; }

step "install: the unit is started, and says when it is ready"
dpkg --install /trial/old.deb
is_active
is_enabled
is_ready
printf 'cpu value=1\n' >/srv/now.lp
lanner import --format line /srv/now.lp

step "reload: what is wrong is refused and changes nothing"
cp /etc/lanner/lanner.yaml /srv/good
echo 'rules: [{ id: busy, query: { series: cpu, measure: max }, window: 1m, absolute: { max: 100 } }]' >>/etc/lanner/lanner.yaml
systemctl reload lanner || fail "a reload is refused"
for _ in $(seq 50); do lanner rule list | grep -q busy && break; sleep 0.1; done
lanner rule list | grep -q busy || fail "the rule is not there after a reload"
echo 'rules: [' >/etc/lanner/lanner.yaml
systemctl reload lanner && fail "a configuration that is wrong was taken"
is_active
lanner rule list | grep -q busy || fail "a refused reload changed the rules"
cp /srv/good /etc/lanner/lanner.yaml

step "kill -9: systemd starts it again, with its data"
kill -9 "$(shown MainPID)"
restarted 1 20
is_ready
lanner export | grep -q cpu || fail "the sample is gone"

step "a process that does nothing: the watchdog starts it again, within $(shown WatchdogUSec)"
kill -STOP "$(shown MainPID)"
restarted 2 200
is_ready

step "upgrade: one that breaks off leaves the old server running, one that does not the new one"
head -c 5000000 /trial/new.deb >/trial/cut.deb
dpkg --install /trial/cut.deb && fail "half a package was installed"
is_active
dpkg --install /trial/new.deb
is_active
is_ready
lanner export | grep -q cpu || fail "the sample is gone after an upgrade"

step "upgrade of a server that the administrator had stopped and disabled: it stays so"
systemctl disable --quiet --now lanner
dpkg --install /trial/old.deb
[ "$(systemctl is-active lanner)" = inactive ] || fail "an upgrade started what was stopped"
[ "$(systemctl is-enabled lanner)" = disabled ] || fail "an upgrade enabled what was disabled"
systemctl enable --quiet --now lanner

step "remove, and install again: it runs, with its data"
dpkg --remove lanner
[ -e /run/lanner.start ] && fail "a mark is left"
dpkg --install /trial/new.deb
is_active
is_enabled
is_ready
lanner export | grep -q cpu || fail "the sample is gone"

step "stop"
timeout 5 systemctl stop lanner || fail "stopping took more than 5 s"
[ "$(shown Result)" = success ] || fail "stopping ended as $(shown Result)"
systemd-analyze security lanner --no-pager | tail -n 1

step "purge"
dpkg --purge lanner
left=$(find /etc /usr /var/lib /run -xdev -name '*lanner*' -not -name planners -not -path '/run/log/*' -not -path '/run/systemd/*')
[ -z "$left" ] || fail "something of it is left: $left"
echo "the package lives under systemd"
END

systemd-nspawn --quiet --register=no --keep-unit --private-network --boot --directory "$root" >"$layer/console" 2>&1 || true
cat "$root/trial/said"
tail -n 1 "$root/trial/said" | grep -q '^the package lives under systemd$'
