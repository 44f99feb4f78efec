import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type HostReport, parseReport, toReportNamespace } from '../../src/core/report.ts';
import { signText, toPublicLine } from '../../src/net/sshsig.ts';

/** A host with a key of its own. */
export interface TestHost {
  name: string;
  key: KeyObject;
  /** As it is pinned. */
  line: string;
}

export function testHost(name: string): TestHost {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { name, key: privateKey, line: toPublicLine(privateKey) };
}

/** The moment of the tests: 2026-11-21 20:00:00 UTC. */
export const NOW = Date.parse('2026-11-21T20:00:00Z');

export const FULL_FACTS = {
  filesystems: {
    at: 1_795_291_200,
    list: [
      { mount: '/', type: 'ext4', size: 1e10, available: 4e9, inodes: 655_360, inodes_free: 500_000, read_only: false },
      { mount: '/srv', type: 'btrfs', size: 1e12, available: 2e11, inodes: 0, inodes_free: 0, read_only: false },
    ],
  },
  memory: { at: 1_795_291_200, total: 8e9, available: 6e9, swap_total: 1e9, swap_free: 1e9 },
  load: { at: 1_795_291_200, one: 0.31, five: 0.22, fifteen: 0.18, processors: 4 },
  processes: { at: 1_795_291_200, total: 143, zombies: 0 },
  uptime: { at: 1_795_291_200, seconds: 1_234_567 },
  network: { at: 1_795_291_200, interfaces: [{ name: 'eth0', received: 123_456_789, sent: 98_765_432 }] },
  clock: { at: 1_795_291_200, synchronised: true, offset: -0.00012 },
  os: { at: 1_795_291_200, id: 'debian', version: '13', codename: 'trixie', kernel: '6.12.48+deb13-amd64' },
  apt: { at: 1_795_291_020, updated: 1_795_280_000, upgrades: 3, security: 1, held: 0 },
  reboot_required: { at: 1_795_291_200, required: true, reason: 'kernel 6.12.57+deb13-amd64 is installed' },
  restarts_needed: { at: 1_795_291_200, processes: 2, units: ['nginx.service'] },
  puppet: {
    at: 1_795_291_200,
    last_run: 1_795_290_300,
    version: '1795290250',
    result: 'changed',
    changed: 3,
    failed: 0,
    enabled: true,
    message: '',
    running: false,
  },
  systemd: { at: 1_795_291_200, state: 'degraded', failed: ['backup.service'] },
  changes: {
    at: 1_795_291_200,
    total: 1,
    last: 1_795_270_000,
    packages: [{ time: 1_795_270_000, action: 'upgrade', name: 'nginx', version: '1.26.3-3+deb13u1' }],
  },
  mail_queue: { at: 1_795_291_200, total: 0, oldest: null },
  sysctl: { at: 1_795_291_200, list: [{ name: 'kernel.unprivileged_userns_clone', value: '1' }] },
  files: { at: 1_795_291_200, list: [{ path: '/run/bitcoin/height', modified: 1_795_291_100, size: 7, number: 923_456 }] },
  plugins: { at: 1_795_291_200, list: [{ name: 'raid', code: 0, output: 'OK: 2 disks', perfdata: 'disks=2' }] },
};

export interface ReportParts {
  host: string;
  seq: number;
  created: string;
  interval: number;
  boot: string;
  agent: string;
  facts: Record<string, unknown>;
}

/** The text that is signed. */
export function reportText(host: string, parts: Partial<ReportParts> & Record<string, unknown> = {}): string {
  const whole = {
    host,
    seq: NOW / 1000,
    created: new Date(NOW).toISOString().replace('.000', ''),
    interval: 300,
    boot: '6f1c7f2e-3b1d-4f0b-9f0e-2c5f3a1d8e77',
    agent: '1.0',
    facts: FULL_FACTS,
    ...parts,
  };
  return `vigie-report 1\n${JSON.stringify(whole)}\n`;
}

/** The file that the host shows. */
export function signedReport(host: TestHost, parts: Partial<ReportParts> & Record<string, unknown> = {}): Buffer {
  return Buffer.from(signText(reportText(host.name, parts), host.key, toReportNamespace(host.name)));
}

/** A verified report with these facts. */
export function reportOf(facts: Record<string, unknown>): HostReport {
  return parseReport(Buffer.from(reportText('web1', { facts })));
}
