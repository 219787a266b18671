#!/bin/bash
# A real S3 server on loopback in about 12 s: one Ceph monitor, one object store in memory, one gateway.
#   radosgw.sh up DIR PORT MONITOR_PORT    returns once it answers; credentials testkey / testsecret
#   radosgw.sh down DIR                    stops the daemons that `up DIR` started
# Debian: apt-get install --no-install-recommends radosgw ceph-mon ceph-osd ceph-mgr ceph-common
set -eu
action=$1
dir=$2

if [ "$action" = down ]; then # by force: everything is in memory, and an orderly end takes seconds
  for pid_file in "$dir"/run/*.pid; do
    if [ -s "$pid_file" ]; then kill -9 "$(cat "$pid_file")" 2>/dev/null || true; fi
  done
  exit 0
fi

port=$3
monitor=v1:127.0.0.1:$4
mkdir -p "$dir"/{mon,osd,rgw,run,log}
cluster=$(cat /proc/sys/kernel/random/uuid)
osd=$(cat /proc/sys/kernel/random/uuid)
keyring=$dir/keyring
cat > "$dir/ceph.conf" <<CONF
[global]
fsid = $cluster
mon host = $monitor
mon initial members = a
ms bind ipv4 = true
ms bind msgr2 = false
public addr = 127.0.0.1
# authentication "none" fails with EPERM, so there are keys
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
auth allow insecure global id reclaim = false
keyring = $keyring
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data = $dir/mon
mon data avail crit = 1
osd data = $dir/osd
osd objectstore = memstore
memstore device bytes = 2147483648
admin socket = $dir/run/\$name.asok
log file = $dir/log/\$name.log
run dir = $dir/run
pid file = $dir/run/\$name.pid
[client.rgw.a]
rgw frontends = beast endpoint=127.0.0.1:$port
rgw dns name = s3.localhost
rgw data = $dir/rgw
CONF
export CEPH_CONF=$dir/ceph.conf

ceph-authtool -C "$keyring" --gen-key -n mon. --cap mon 'allow *' > /dev/null
for name in client.admin client.rgw.a; do
  ceph-authtool "$keyring" --gen-key -n $name --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *'
done
ceph-authtool "$keyring" --gen-key -n osd.0 --cap mon 'allow profile osd' --cap osd 'allow *'
monmaptool --create --addv a "$monitor" --fsid "$cluster" "$dir/monmap" > /dev/null
ceph-mon --mkfs -i a --monmap "$dir/monmap" --keyring "$keyring"
ceph-mon -i a
ceph osd new "$osd" > /dev/null
ceph auth add osd.0 osd 'allow *' mon 'allow profile osd' -i "$keyring" 2> /dev/null || true
ceph-osd -i 0 --mkfs --osd-uuid "$osd"
ceph-osd -i 0
radosgw -n client.rgw.a
for _ in $(seq 120); do
  if (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then
    radosgw-admin user create --uid=test --display-name=test --access-key=testkey --secret=testsecret > /dev/null 2>&1
    exit 0
  fi
  sleep 0.5
done
echo "radosgw did not answer on port $port; see $dir/log" >&2
exit 1
