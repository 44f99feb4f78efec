import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import exporter from '../../checks/exporter.ts';
import systemd from '../../checks/systemd.ts';
import { openReport } from '../../src/net/host-report.ts';
import { runCheck } from '../support/check.ts';
import { testContext } from '../support/context.ts';
import { startNodeExporter } from '../support/prometheus.ts';
import { needs, temporaryFolder } from '../support/server.ts';
import { needsMachine, SystemdMachine } from '../support/systemd-machine.ts';

const DOCS = new URL('../../../docs/', import.meta.url).pathname;
const AS_VIGIE = 'cd /var/lib/vigie && setpriv --reuid vigie --regid vigie --init-groups';

/** The lines of a manual's blocks for the shell that begin with one of these words: what people are told to type is what runs. */
function linesOf(file: string, ...words: string[]): string {
  const blocks = [...readFileSync(join(DOCS, file), 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text);
  const lines = blocks.join('').split('\n');
  const found = words.flatMap((word) => {
    const these = lines.filter((line) => line.startsWith(word));
    assert.notEqual(these.length, 0, `${file} has no line that begins with ${word}`);
    return these;
  });
  return found.join('\n');
}

const CONFIGURATION = `title: Example
state: /var/lib/vigie/state
sites:
  private: { output: /var/lib/vigie/site/private }
  public: { output: /var/lib/vigie/site/public }
mail: { from: vigie@example.org, transport: "maildir:/var/lib/vigie/state/mail" }
heartbeat: { key: heartbeat.key }
contacts: { sysadmins: { mail: [sysadmins@example.org] } }
defaults: { contacts: [sysadmins], every: 1m }
hosts:
  web1:
    address: 127.0.0.1
    report: { file: /var/lib/vigie-agent/public/vigie-report, keys: ["KEY"] }
    checks: { alive: { type: ping }, systemd: { type: systemd }, memory: { type: memory } }
`;

/** What a run is not to be able to do, tried from within its confinement. */
const ATTEMPTS = `#!/bin/sh
exec 2> /dev/null
for file in /etc/vigie/x /opt/vigie/x /usr/x /var/x /var/lib/vigie-agent/x /run/x /home/x /root/x /boot/x; do touch "$file" && echo "writes $file"; done
ls /home > /dev/null && echo 'sees homes'
unshare -U true && echo 'makes namespaces'
mount -t tmpfs tmpfs /mnt && echo 'mounts'
cat /var/lib/vigie-agent/key && echo 'reads the key of the agent'
ls -d /proc/1 && echo 'sees processes of others'
grep CapEff /proc/self/status
touch /tmp/vigie-was-here /var/lib/vigie/was-here && echo 'writes its own folder'
exit 0
`;

describe('the units under a real systemd', needsMachine(), () => {
  const folder = temporaryFolder();
  let machine: SystemdMachine | undefined;
  let unavailable = '';

  before(async () => {
    const booted = await SystemdMachine.boot(join(folder.path, 'machine'));
    if ('reason' in booted) unavailable = booted.reason;
    else machine = booted;
  });
  after(async () => {
    await machine?.stop();
    folder.remove();
  });

  /** What it printed, of a script that must end well. */
  function inside(script: string): string {
    assert.ok(machine);
    const { status, stdout, stderr } = machine.run(`set -e\n${script}`);
    assert.equal(status, 0, `${stderr}\n${stdout}\n${machine.run('journalctl -n 40 --no-pager -o cat').stdout}`);
    return stdout;
  }

  /** When the next time comes cannot be asked: while the service runs, systemd has none. */
  function assertTicks(unit: string, calendar: string): void {
    const timer = inside(`systemctl show ${unit}.timer -p Triggers -p ActiveState -p TimersCalendar`);
    assert.ok(timer.includes(`{ OnCalendar=${calendar} ;`), timer);
    assert.match(timer, new RegExp(`^Triggers=${unit}\\.service$`, 'm'));
    assert.match(timer, /^ActiveState=active$/m);
  }

  it('[A1] [K6] vigie-agent.timer has root look and an ordinary user sign, as the manual installs it', (t) => {
    if (machine === undefined) return t.skip(unavailable);
    const key = inside(`cp /opt/vigie/cron/vigie-agent /usr/local/bin/vigie-agent; echo 'host web1' > /etc/vigie-agent.conf
${linesOf('hosts.md', 'useradd', 'setpriv')}`);
    inside(`cp /opt/vigie/cron/vigie-agent.service /opt/vigie/cron/vigie-agent.timer /etc/systemd/system; systemctl daemon-reload
systemctl enable --now vigie-agent.timer; systemctl start vigie-agent.service`);
    const bytes = Buffer.from(inside('cat /var/lib/vigie-agent/public/vigie-report'));
    const { report } = openReport(bytes, { host: 'web1', keys: [key.trim()], now: Date.now(), maxAge: 900, accepted: {} });
    const { systemd: said, restarts_needed: restarts } = report.facts;
    assert.ok(said && 'state' in said && said.state === 'running', JSON.stringify(said));
    assert.ok(restarts && 'processes' in restarts, 'the collector is root');
    assert.equal(inside('stat -c "%U %a" /run/vigie-agent/facts /var/lib/vigie-agent/key'), 'root 644\nvigie-agent 600\n');
    assertTicks('vigie-agent', '*-*-* *:00/5:00');
  });

  it('[R1] [T7] vigie.service checks, writes both sites and can do no more, as the manual installs it', (t) => {
    if (machine === undefined) return t.skip(unavailable);
    inside(`${linesOf('install.md', 'adduser', 'ln -s', 'install -d')}
vigie init /etc/vigie; rm /etc/vigie/conf.d/this-machine.yaml
key=$(cut -d ' ' -f 1,2 /var/lib/vigie-agent/key.pub)
cat > /tmp/vigie.yaml <<'END'\n${CONFIGURATION}END
sed "s#KEY#$key#" /tmp/vigie.yaml > /etc/vigie/vigie.yaml
${linesOf('install.md', 'chgrp', 'chown')}
${linesOf('install.md', 'install -m 644 /opt/vigie/cron/vigie.service', 'systemctl daemon-reload', 'systemctl enable')}
cat > /usr/local/bin/attempts <<'END'\n${ATTEMPTS}END
chmod 755 /usr/local/bin/attempts; mkdir -p /etc/systemd/system/vigie.service.d
printf '[Service]\\nExecStartPost=/usr/local/bin/attempts\\nStandardOutput=truncate:/run/attempts\\n' > /etc/systemd/system/vigie.service.d/attempts.conf
# A run that the timer began, now or at the next minute, would write over what this one found.
systemctl stop vigie.timer vigie.service; systemctl daemon-reload; systemctl start vigie.service`);
    assert.equal(inside('cat /run/attempts'), 'CapEff:\t0000000000002000\nwrites its own folder\n');
    assert.equal(inside('ls /tmp | grep -c was-here || true'), '0\n', 'its /tmp is its own');
    const status = JSON.parse(inside('cat /var/lib/vigie/site/private/status.json'));
    const states = status.checks.map(({ id, state, output }: Record<string, string>) => `${id} ${state}: ${output}`);
    assert.deepEqual(
      states.map((line: string) => line.replace(/:.*/, '')).sort(),
      ['web1/alive OK', 'web1/memory OK', 'web1/report OK', 'web1/systemd OK'],
      states.join('\n'),
    );
    assert.equal(inside('cat /var/lib/vigie/site/public/heartbeat.txt | head -n 1'), 'vigie-heartbeat 1\n');
    inside('systemctl start vigie.timer');
    assertTicks('vigie', '*-*-* *:*:00');
    // Without that capability ping could not: nothing else on this machine lets it.
    const { stdout } = machine.run(`${AS_VIGIE} vigie check web1/alive --config /etc/vigie`);
    assert.match(stdout, /ping may not send ICMP, expected CAP_NET_RAW/);
  });

  it('[K6] a node exporter tells of systemd, and which units failed, what the check of that type reads', {
    ...needs('prometheus-node-exporter'),
  }, async (t) => {
    if (machine === undefined) return t.skip(unavailable);
    const bus = `unix:path=${machine.reach('/run/dbus/system_bus_socket')}`;
    const node = await startNodeExporter(['systemd', 'time', 'stat'], { DBUS_SYSTEM_BUS_ADDRESS: bus });
    t.after(() => node.stop());
    const look = async () => {
      const url = `http://127.0.0.1:${node.port}/metrics`;
      const { report } = await runCheck(exporter, { url, host: 'web1' }, testContext({ now: Date.now() }));
      const seen = await runCheck(systemd, {}, { ...testContext({ now: Date.now() }), report: report?.report });
      return [seen.output, seen.metrics?.['failed'], seen.parts?.map(({ name, state }) => `${name} ${state}`)];
    };
    assert.deepEqual(await look(), ['running, no unit failed', 0, []]);
    inside(`printf '[Service]\\nType=oneshot\\nExecStart=/bin/false\\n' > /etc/systemd/system/broken.service
systemctl daemon-reload; ! systemctl start broken.service`);
    assert.deepEqual(await look(), ['1 failed: broken.service', 1, ['broken.service WARNING']]);
    inside('systemctl reset-failed; rm /etc/systemd/system/broken.service; systemctl daemon-reload');
  });

  /** The service runs this in place of vigie, for the first time in six hours, and what is mailed lands in /var/lib/vigie/told. */
  const instead = (program: string, setting = '') => `systemctl stop vigie.timer vigie.service
rm -f /etc/systemd/system/vigie.service.d/* /var/lib/vigie/told /var/lib/vigie/cron-*.stamp
printf '#!/bin/sh\\ncat >> /var/lib/vigie/told\\n' > /usr/sbin/sendmail; chmod 755 /usr/sbin/sendmail
printf '[Service]\\nEnvironment=VIGIE=${program}\\n${setting}\\n' > /etc/systemd/system/vigie.service.d/instead.conf; systemctl daemon-reload`;
  // OnFailure has queued it: this waits for it, or is a second one, which must not mail again.
  const told = () => inside('systemctl start vigie-failed.service; cat /var/lib/vigie/told');

  it('[W1] a run that is stopped in the middle, as by a reboot, is no failure; one that has no end is', (t) => {
    if (machine === undefined) return t.skip(unavailable);
    inside(`printf '#!/bin/sh\\ntouch /var/lib/vigie/begun; sleep 60\\n' > /usr/local/bin/endless; chmod 755 /usr/local/bin/endless
${instead('/usr/local/bin/endless')}`);
    const stopped = inside(`systemctl start --no-block vigie.service
for i in $(seq 200); do [ ! -e /var/lib/vigie/begun ] || break; sleep 0.05; done
ls /var/lib/vigie/begun; systemctl stop vigie.service
systemctl show vigie.service -p Result; systemctl show vigie-failed.service -p ExecMainStartTimestampMonotonic`);
    assert.equal(stopped, '/var/lib/vigie/begun\nResult=success\nExecMainStartTimestampMonotonic=0\n');
    const ended = inside(`${instead('/usr/local/bin/endless', 'TimeoutStartSec=1')}
! systemctl start vigie.service; systemctl show vigie.service -p Result`);
    assert.equal(ended, 'Result=timeout\n');
    assert.match(told(), /^> vigie\.service: start operation timed out\. Terminating\.$/m);
  });

  it('[W1] vigie-failed.service mails the last words of a run that cannot begin', (t) => {
    if (machine === undefined) return t.skip(unavailable);
    inside(`${instead('/no/such/vigie')}\n! systemctl start vigie.service`);
    const mail = told();
    assert.equal(mail.match(/^Subject: \[vigie\] CANNOT RUN on /gm)?.length, 1, mail);
    assert.match(mail, /^> .*\/no\/such\/vigie/m);
  });
});
