import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUNDLE, BUNDLE_FLAGS, globalFile, installation } from '../support/cli.ts';
import { FULL_FACTS, NOW, signedReport, type TestHost, testHost } from '../support/host-report.ts';
import { type Cost, measureNode } from './measure.ts';

const DERIVED = [
  'alive: { type: alive }',
  'disk: { type: disk }',
  'memory: { type: memory }',
  'swap: { type: swap }',
  'load: { type: load }',
  'processes: { type: processes }',
  'puppet: { type: puppet }',
  'apt: { type: apt-indices }',
  'upgrades: { type: upgrades }',
  'reboot: { type: reboot-required }',
  'systemd: { type: systemd, ignore: backup.service }',
  'clock: { type: clock }',
  'sysctl: { type: sysctl, settings: { kernel.unprivileged_userns_clone: 1 } }',
  'files: { type: file-age, paths: /run/bitcoin/height }',
  'queue: { type: mail-queue }',
];

/** Moments of the example's facts. */
const MOMENTS = ['at', 'updated', 'last_run', 'last', 'time', 'oldest', 'modified'];

function shift(value: unknown, by: number): unknown {
  if (Array.isArray(value)) return value.map((item) => shift(item, by));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      MOMENTS.includes(key) && typeof item === 'number' ? item + by : shift(item, by),
    ]),
  );
}

/** Machines that report, and the monitor that reads them. */
export class ReportingFleet {
  private readonly hosts: TestHost[];
  private readonly folder: { path: string; remove: () => void };
  private seq = 0;
  readonly checks: number;

  constructor(hosts: number) {
    this.hosts = Array.from({ length: hosts }, (_, i) => testHost(`web${i}`));
    const yaml = this.hosts.map(
      ({ name, line }) => `  ${name}:\n    profiles: [usual]\n    report: { file: ${name}.report, keys: ["${line}"] }`,
    );
    const profile = `profiles:\n  usual:\n    checks:\n${DERIVED.map((line) => `      ${line}`).join('\n')}\n`;
    const global = globalFile('maildir:state/mail', 'interval: 5m\n');
    this.folder = installation(global, { 'hosts.yaml': `${profile}hosts:\n${yaml.join('\n')}\n` });
    this.checks = hosts * (DERIVED.length + 1);
  }

  /** Each machine makes a new report, which costs the monitor nothing; then one whole run. */
  async run(): Promise<Cost> {
    const now = Math.floor(Date.now() / 1000);
    this.seq = Math.max(this.seq + 1, now);
    const facts = shift(FULL_FACTS, now - NOW / 1000) as Record<string, unknown>;
    const created = new Date(now * 1000).toISOString().replace('.000', '');
    for (const host of this.hosts) {
      writeFileSync(join(this.folder.path, `${host.name}.report`), signedReport(host, { seq: this.seq, created, facts }));
    }
    return measureNode([...BUNDLE_FLAGS, BUNDLE, 'run', '--json', '--now', '*'], { cwd: this.folder.path });
  }

  remove(): void {
    this.folder.remove();
  }
}
