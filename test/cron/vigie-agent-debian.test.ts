import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FACTS } from '../../src/core/report-facts.ts';
import { openReport } from '../../src/net/host-report.ts';
import { makeDebianRoot, runInside } from '../support/debian-root.ts';
import { needs } from '../support/server.ts';

const SUITES = ['oldstable', 'stable', 'testing'];

/** Old versions of some packages, seen through a mount that ends with the command: APT over its whole lists, then the agent. */
const COUNT_TWICE = `set -e
mount -t tmpfs tmpfs /mnt; mount -t tmpfs tmpfs /etc/apt/preferences.d
awk '/^Package: / { old = / (bash|dash|sed|tar)$/; held = / dash$/ } held && /^Status: / { sub("install", "hold") }
  old && /^Version: / { $0 = "Version: 0.1" } { print }' /var/lib/dpkg/status > /mnt/status
mount --bind /mnt/status /var/lib/dpkg/status
printf 'Package: sed\\nPin: version 0.1\\nPin-Priority: 1001\\n' > /etc/apt/preferences.d/sed
apt -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= list --upgradable
printf 'host web1\\nfacts /mnt/facts\\n' > /mnt/conf
sh /opt/vigie/cron/vigie-agent collect /mnt/conf
echo =; grep -o '"apt":{[^}]*}' /mnt/facts; test ! -e /mnt/facts.lists`;

describe('vigie-agent in Debian', { ...needs('debootstrap', 'unshare', 'curl', 'flock'), concurrency: 2 }, () => {
  for (const suite of SUITES) {
    it(`[A1] works in ${suite} with nothing but the essential packages and openssh-client`, async (t) => {
      if (process.getuid?.() !== 0) return t.skip('only root makes a root');
      const root = await makeDebianRoot(suite);
      if ('reason' in root) return t.skip(root.reason);
      const made = runInside(
        root.path,
        `set -e
cp /opt/vigie/cron/vigie-agent /usr/local/bin
printf 'host web1\\nfile /etc/os-release\\nplugin os cat /etc/debian_version\\n' > /etc/vigie-agent.conf
id vigie-agent >/dev/null 2>&1 || useradd --system --home-dir /var/lib/vigie-agent --create-home --shell /usr/sbin/nologin vigie-agent
as() { setpriv --reuid vigie-agent --regid vigie-agent --clear-groups "$@"; }
rm -rf /var/lib/vigie-agent; mkdir /var/lib/vigie-agent; chown vigie-agent: /var/lib/vigie-agent; chmod 755 /var/lib/vigie-agent
as sh /usr/local/bin/vigie-agent key
sh /usr/local/bin/vigie-agent collect
as sh /usr/local/bin/vigie-agent sign
cat /var/lib/vigie-agent/public/vigie-report`,
      );
      assert.deepEqual([made.status, made.stderr], [0, ''], made.stdout);
      const [key = ''] = made.stdout.split('\n', 1);
      const bytes = Buffer.from(made.stdout.slice(key.length + 1));
      const { report } = openReport(bytes, {
        host: 'web1',
        keys: [key],
        now: Date.now(),
        maxAge: 900,
        accepted: {},
      });
      assert.deepEqual(Object.keys(report.facts).sort(), Object.keys(FACTS).sort());
      const missing = Object.entries(report.facts).filter(([, fact]) => 'unavailable' in fact);
      // A root in a folder has no systemd, no Puppet, no mail server and no clock of its own.
      assert.deepEqual(missing.map(([name]) => name).sort(), ['clock', 'mail_queue', 'puppet', 'systemd'], JSON.stringify(missing));
      const { os, plugins, processes } = report.facts;
      assert.ok(os && 'id' in os && os.id === 'debian');
      assert.ok(plugins && 'list' in plugins && plugins.list[0]?.code === 0 && plugins.list[0].output !== '');
      assert.ok(processes && 'total' in processes && processes.total > 0);
    });

    it(`[F2] counts in ${suite} the upgrades that APT counts, its pins and what is on hold among them`, async (t) => {
      if (process.getuid?.() !== 0) return t.skip('only root makes a root');
      const root = await makeDebianRoot(suite);
      if ('reason' in root) return t.skip(root.reason);
      const { status, stdout, stderr } = runInside(root.path, COUNT_TWICE);
      assert.equal(status, 0, stderr);
      const [asked = '', fact = ''] = stdout.split('=\n');
      // bash and tar could be upgraded, dash is on hold, sed is pinned to what is there.
      assert.deepEqual([...asked.matchAll(/^([a-z]+)\//gm)].map(([, name]) => name).sort(), ['bash', 'dash', 'tar']);
      assert.match(fact, /"upgrades":2,"security":0,"held":1/);
    });
  }
});
