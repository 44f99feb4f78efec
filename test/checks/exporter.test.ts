import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import alive from '../../checks/alive.ts';
import aptIndices from '../../checks/apt-indices.ts';
import clock from '../../checks/clock.ts';
import disk from '../../checks/disk.ts';
import exporter from '../../checks/exporter.ts';
import load from '../../checks/load.ts';
import memory from '../../checks/memory.ts';
import processes from '../../checks/processes.ts';
import puppet from '../../checks/puppet.ts';
import reboot from '../../checks/reboot-required.ts';
import swap from '../../checks/swap.ts';
import upgrades from '../../checks/upgrades.ts';
import type { CheckType } from '../../src/check-type.ts';
import { codeOf, runCheck } from '../support/check.ts';
import { testContext } from '../support/context.ts';
import { type Exporter, startNodeExporter } from '../support/prometheus.ts';
import { rawServer } from '../support/raw-server.ts';
import { needs } from '../support/server.ts';

const seconds = () => Math.floor(Date.now() / 1000);

/** As the scripts of Debian's prometheus-node-exporter-collectors write it. */
const aptFile = (updated: number, reboot = 0) => `# HELP apt_upgrades_pending Apt packages pending updates by origin.
# TYPE apt_upgrades_pending gauge
apt_upgrades_pending{origin="Debian:bookworm/oldstable",arch="amd64"} 3
apt_upgrades_pending{origin="Debian:bookworm-security/oldstable-security",arch="all"} 1
apt_upgrades_pending{origin="Debian:bookworm-security/oldstable-security",arch="amd64"} 1
# HELP apt_upgrades_held Apt packages pending updates but held back.
# TYPE apt_upgrades_held gauge
apt_upgrades_held{origin="",arch=""} 0
# HELP apt_package_cache_timestamp_seconds Apt update last run time.
# TYPE apt_package_cache_timestamp_seconds gauge
apt_package_cache_timestamp_seconds ${updated}.25
# HELP node_reboot_required Node reboot is required for software updates.
# TYPE node_reboot_required gauge
node_reboot_required ${reboot}
`;
const puppetFile = (at: number) => `puppet_report{environment="production",host="web1",status="changed",version="1790"} ${at}000
puppet_report_resources{environment="production",host="web1",name="Changed"} 2
puppet_report_resources{environment="production",host="web1",name="Failed"} 0
`;

describe('a host whose node exporter takes the place of a report', needs('prometheus-node-exporter'), () => {
  let real: Exporter;
  before(async () => {
    real = await startNodeExporter([
      'filesystem',
      'loadavg',
      'time',
      'meminfo',
      'stat',
      'cpu',
      'processes',
      'netdev',
      'timex',
      'os',
      'uname',
    ]);
    real.write('apt.prom', aptFile(seconds() - 3600, 1));
    real.write('puppet.prom', puppetFile(seconds() - 600));
  });
  after(() => real.stop());

  const scrape = (options: object = {}, now = Date.now(), memoryBefore?: unknown) => {
    const url = `http://127.0.0.1:${real.port}/metrics`;
    return runCheck(exporter, { url, host: 'web1', ...options }, testContext({ now, memory: memoryBefore }));
  };
  const read = async (type: CheckType, options: object = {}, now = Date.now()) => {
    const { report } = await scrape({}, now);
    return runCheck(type, { ...options }, { ...testContext({ now }), report: report?.report });
  };

  it('[K1] [A1] is scraped once, and says which facts it does not have', async () => {
    const seen = await scrape();
    assert.equal(seen.kind, 'measured', seen.output);
    assert.match(seen.output, /^node-exporter \d+\.\d+\S* has 11 of 18 facts$/);
    assert.equal(seen.metrics?.['unavailable'], 7);
    const { facts, host, boot } = seen.report?.report ?? assert.fail('no report');
    assert.equal(host, 'web1');
    assert.match(boot, /^booted-\d{9,}$/);
    assert.deepEqual(facts.mail_queue, { unavailable: 'a node exporter does not say' });
    assert.ok(facts.systemd !== undefined && 'unavailable' in facts.systemd);
    assert.ok(facts.os !== undefined && 'id' in facts.os && facts.os.kernel !== '');
    assert.ok(facts.network !== undefined && 'interfaces' in facts.network);
  });

  for (const { name, type, says } of [
    { name: '[K1] alive', type: alive, says: /^up for .*, report \d+ (s|min) old$/ },
    { name: '[K1] load', type: load, says: /^load [\d.]+ [\d.]+ [\d.]+ on \d+ processors?$/ },
    { name: '[K1] processes', type: processes, says: /^[1-9]\d* processes, \d+ zombies$/ },
    { name: '[K1] clock', type: clock, says: /^follows / },
    { name: '[K2] disk', type: disk, says: /^\/\S* [\d.]+ % of .* used/ },
    { name: '[K3] memory', type: memory, says: /% of .* used, .* available$/ },
    { name: '[K3] swap', type: swap, says: /^no swap$|% of .* used$/ },
    { name: '[K4] puppet', type: puppet, says: /^last run 10 min ago changed 2 resources$/ },
    { name: '[K5] apt-indices', type: aptIndices, says: /^apt-get update worked (60 min|1 h) ago$/ },
    { name: '[K5] upgrades', type: upgrades, says: /^5 pending, 2 of security/ },
    { name: '[K5] reboot-required', type: reboot, says: /^reboot required( for \d+ (s|min))? \(asked for by a package\)$/ },
  ]) {
    it(`${name} from the real exporter`, async () => {
      const seen = await read(type);
      assert.match(seen.output, says);
      assert.notEqual(seen.kind, 'unknown');
    });
  }

  it('[K5] text files that nobody writes any more say nothing: UNKNOWN, though the exporter still shows them', async () => {
    const later = Date.now() + 5 * 3_600_000;
    for (const type of [upgrades, reboot, puppet]) {
      const seen = await read(type, {}, later);
      assert.equal(codeOf(seen), 'report.fact', seen.output);
      assert.match(seen.output, /(apt|puppet)\.prom was written 5 h ago, expected 1 h$/);
    }
  });

  it('[K5] old indices in a fresh text file are UNKNOWN, never a number of upgrades', async () => {
    real.write('apt.prom', aptFile(seconds() - 5 * 86_400));
    const seen = await read(upgrades);
    assert.deepEqual([codeOf(seen), seen.metrics], ['apt.stale', undefined]);
    real.write('apt.prom', aptFile(seconds()).replace(/^.*apt_package.*\n/gm, ''));
    assert.match((await read(upgrades)).output, /^apt: no apt_package_cache_timestamp_seconds among the metrics$/);
  });

  it('[W3] a clock that is set does not look like a reboot', async () => {
    const first = await scrape();
    const { boot } = first.memory as { boot: number };
    const again = await scrape({}, Date.now(), { boot: boot - 60 });
    assert.equal(again.report?.report.boot, `booted-${boot - 60}`);
    assert.equal((await scrape({}, Date.now(), { boot: boot - 3600 })).report?.report.boot, `booted-${boot}`);
  });
});

describe('what is no node exporter', () => {
  const answer = async (body: string, status = '200 OK') => {
    const server = await rawServer((socket) => {
      socket.end(`HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    });
    const seen = await runCheck(exporter, { url: `http://127.0.0.1:${server.port}/`, host: 'web1' }, testContext());
    await server.close();
    return seen;
  };

  for (const { name, body, status, code } of [
    { name: 'an error', body: 'gone', status: '410 Gone', code: 'http.status' },
    { name: 'another exporter', body: 'nginx_up 1\n', code: 'exporter.foreign' },
    { name: 'a page', body: '<html>\n', code: 'exposition.syntax' },
    { name: 'half an answer', body: 'node_boot_time_seconds 1.7e9\nnode_lo', code: 'exposition.truncated' },
  ]) {
    it(`[T1] ${name} is ${code}`, async () => assert.equal(codeOf(await answer(body, status)), code));
  }

  for (const { name, lines, kind, says } of [
    {
      name: 'that changed something',
      lines: ['puppet_last_run_report_resources{type="Changed"} 3'],
      kind: 'measured',
      says: /^last run 10 min ago changed 3 resources$/,
    },
    {
      name: 'that had no catalogue',
      lines: ['puppet_last_run_success 0'],
      kind: 'failed',
      says: /^last run 10 min ago applied nothing/,
    },
    {
      name: 'after which somebody switched it off',
      lines: ['puppet_disabled_lock_info{disabled_message="upgrade by anna"} 1'],
      kind: 'judged',
      says: /^switched off: upgrade by anna, last run 10 min ago changed nothing$/,
    },
  ]) {
    it(`[K4] a run of Puppet, of its agent’s own exporter, ${name}`, async () => {
      const now = seconds();
      const all = [`node_boot_time_seconds ${now - 9000}`, `puppet_last_run_at_seconds ${now - 600}`, ...lines];
      const { report } = await answer(`${all.join('\n')}\n`);
      const seen = await runCheck(puppet, {}, { ...testContext(), report: report?.report });
      assert.match(seen.output, says);
      assert.equal(seen.kind, kind);
    });
  }

  it('[T1] what a hostile one says is cleaned and bounded, and each fact is still whole', async () => {
    const mounts = Array.from({ length: 500 }, (_, i) => `{device="d${i}",mountpoint="/m${i}\\n<b>",fstype="ext4"}`);
    const lines = [
      'node_boot_time_seconds -5',
      'node_load1 NaN',
      'node_load5 1',
      'node_load15 1',
      'node_memory_MemTotal_bytes 1e300',
      'node_memory_MemAvailable_bytes 1e301',
      'node_memory_SwapTotal_bytes -1',
      'node_memory_SwapFree_bytes +Inf',
      ...mounts.flatMap((labels) => [`node_filesystem_size_bytes${labels} 100`, `node_filesystem_avail_bytes${labels} 1e9`]),
    ];
    const seen = await answer(`${lines.join('\n')}\n`);
    const facts = seen.report?.report.facts ?? assert.fail(seen.output);
    assert.deepEqual(facts.load, { unavailable: 'no node_load1 among the metrics' });
    assert.deepEqual(facts.memory, { unavailable: 'no node_memory_SwapFree_bytes among the metrics' });
    assert.ok(facts.filesystems !== undefined && 'list' in facts.filesystems);
    assert.equal(facts.filesystems.list.length, 100);
    const [first] = facts.filesystems.list;
    assert.deepEqual([first?.available, first?.mount.includes('\n')], [100, false]);
  });
});
