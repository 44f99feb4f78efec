import type { Fact, FactName, HostFacts } from '../core/report.ts';
import { cleanText } from '../core/text.ts';
import { formatAge } from '../core/unit.ts';
import type { Sample } from './exposition.ts';

/** The metrics that facts are made from, by the beginnings of their names. */
const WANTED =
  /^(node_(filesystem_(size_bytes|avail_bytes|files|files_free|readonly)|memory_(MemTotal|MemAvailable|SwapTotal|SwapFree)_bytes|load(1|5|15)|cpu_seconds_total|processes_(pids|state)|boot_time_seconds|time_seconds|network_(receive|transmit)_bytes_total|timex_(sync_status|offset_seconds)|os_info|uname_info|systemd_(system_running|unit_state)|reboot_required|textfile_mtime_seconds|exporter_build_info)|apt_(upgrades_pending|upgrades_held|package_cache_timestamp_seconds)|puppet_(last_run_at_seconds|last_run_success|disabled_lock_info|report|report_resources|last_run_report_resources))$/;

export function isNodeMetric(name: string): boolean {
  return WANTED.test(name);
}

export interface NodeMetrics {
  samples: readonly Sample[];
  /** Seconds since 1970. */
  now: number;
  /** Seconds that a text file of the textfile collector may be old. */
  maxAge: number;
}

/** Why there is no such fact. */
class Missing extends Error {}

/** What prometheus-node-exporter knows, as the facts of a report; what it does not know is unavailable, with the reason. */
export function readFacts(metrics: NodeMetrics): HostFacts {
  const node = new Node(metrics);
  const facts: Partial<Record<FactName, object>> = {};
  for (const [name, read] of Object.entries(READERS)) {
    try {
      facts[name as FactName] = { at: Math.floor(metrics.now), ...read(node) };
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      facts[name as FactName] = { unavailable: error.message };
    }
  }
  for (const name of ELSEWHERE) facts[name] = { unavailable: 'a node exporter does not say' };
  return facts as HostFacts;
}

/** The version of the exporter, for people. */
export function readVersion(samples: readonly Sample[]): string {
  const version = samples.find(({ name }) => name === 'node_exporter_build_info')?.labels.get('version') ?? '';
  return cleanText(`node-exporter ${version}`.trim(), 40);
}

/** Seconds since 1970, or null. */
export function readBootTime(samples: readonly Sample[]): number | null {
  const value = samples.find(({ name }) => name === 'node_boot_time_seconds')?.value;
  return value !== undefined && Number.isFinite(value) ? Math.round(value) : null;
}

class Node {
  readonly now: number;
  private readonly maxAge: number;
  private readonly byName = new Map<string, Sample[]>();

  constructor({ samples, now, maxAge }: NodeMetrics) {
    this.now = now;
    this.maxAge = maxAge;
    for (const sample of samples) {
      const known = this.byName.get(sample.name);
      if (known) known.push(sample);
      else this.byName.set(sample.name, [sample]);
    }
  }

  all(name: string): Sample[] {
    return (this.byName.get(name) ?? []).filter(({ value }) => Number.isFinite(value));
  }

  /** Throws Missing. */
  some(name: string): Sample[] {
    const found = this.all(name);
    if (found.length === 0) throw new Missing(`no ${name} among the metrics`);
    return found;
  }

  one(name: string): number {
    return this.some(name)[0]?.value ?? 0;
  }

  /** A whole number of 0 or more. */
  count(name: string): number {
    return toCount(this.one(name));
  }

  /** The sum of a gauge's series. */
  sum(name: string, fits: (sample: Sample) => boolean = () => true): number {
    return toCount(this.all(name).reduce((total, sample) => total + (fits(sample) ? sample.value : 0), 0));
  }

  /**
   * When the text file that holds this was written: one whose name says so, else the oldest. A metric says nothing of its file, and
   * the exporter goes on to show a file that nobody writes any more. Throws Missing where it is too old.
   */
  textFile(word: string): number {
    const files = this.some('node_textfile_mtime_seconds').map((sample) => ({
      name: labelOf(sample, 'file').split('/').at(-1) ?? '',
      value: sample.value,
    }));
    const named = files.filter(({ name }) => name.includes(word));
    const oldest = (named.length > 0 ? named : files).reduce((a, b) => (b.value < a.value ? b : a));
    const age = this.now - oldest.value;
    if (age > this.maxAge)
      throw new Missing(`${cleanText(oldest.name, 60)} was written ${formatAge(age)} ago, expected ${formatAge(this.maxAge)}`);
    return Math.floor(Math.min(this.now, oldest.value));
  }
}

function toCount(value: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.round(value)));
}

/** A label's text. */
function labelOf(sample: Sample | undefined, label: string): string {
  return cleanText(sample?.labels.get(label) ?? '', 300);
}

const ELSEWHERE = ['restarts_needed', 'changes', 'mail_queue', 'sysctl', 'files', 'plugins'] as const satisfies FactName[];

type Reader<N extends FactName> = (node: Node) => Omit<Fact<N>, 'at'> & { at?: number };
const READERS: { [N in Exclude<FactName, (typeof ELSEWHERE)[number]>]: Reader<N> } = {
  filesystems: (node) => ({ list: readFileSystems(node) }),
  memory(node) {
    const total = node.count('node_memory_MemTotal_bytes');
    const swapTotal = node.count('node_memory_SwapTotal_bytes');
    return {
      total,
      available: Math.min(total, node.count('node_memory_MemAvailable_bytes')),
      swap_total: swapTotal,
      swap_free: Math.min(swapTotal, node.count('node_memory_SwapFree_bytes')),
    };
  },
  load: (node) => ({
    one: node.one('node_load1'),
    five: node.one('node_load5'),
    fifteen: node.one('node_load15'),
    processors: new Set(node.all('node_cpu_seconds_total').map(({ labels }) => labels.get('cpu'))).size,
  }),
  processes: (node) => ({
    total: node.count('node_processes_pids'),
    zombies: node.sum('node_processes_state', ({ labels }) => labels.get('state') === 'Z'),
  }),
  uptime: (node) => ({
    seconds: toCount((node.all('node_time_seconds')[0]?.value ?? node.now) - node.one('node_boot_time_seconds')),
  }),
  network: (node) => ({ interfaces: readInterfaces(node) }),
  clock(node) {
    const synchronised = node.one('node_timex_sync_status') === 1;
    return { synchronised, offset: synchronised ? (node.all('node_timex_offset_seconds')[0]?.value ?? null) : null };
  },
  os(node) {
    const [info] = node.some('node_os_info');
    const kernel = labelOf(node.all('node_uname_info')[0], 'release');
    return { id: labelOf(info, 'id'), version: labelOf(info, 'version_id'), codename: labelOf(info, 'version_codename'), kernel };
  },
  apt(node) {
    const pending = node.some('apt_upgrades_pending');
    const upgrades = toCount(pending.reduce((total, { value }) => total + value, 0));
    return {
      at: node.textFile('apt'),
      // Older versions of the script have none: then nobody knows how old the count is.
      updated: node.count('apt_package_cache_timestamp_seconds'),
      upgrades,
      security: Math.min(
        upgrades,
        node.sum('apt_upgrades_pending', ({ labels }) => /security/i.test(labels.get('origin') ?? '')),
      ),
      held: node.sum('apt_upgrades_held'),
    };
  },
  reboot_required(node) {
    const required = node.one('node_reboot_required') > 0;
    return { at: node.textFile('apt'), required, reason: required ? 'asked for by a package' : '' };
  },
  puppet: readPuppet,
  systemd(node) {
    const units = node
      .some('node_systemd_unit_state')
      .filter(({ labels, value }) => labels.get('state') === 'failed' && value === 1);
    const failed = units.slice(0, 50).map((sample) => labelOf(sample, 'name'));
    return { state: node.one('node_systemd_system_running') === 1 ? 'running' : 'degraded', failed };
  },
};

function readFileSystems(node: Node): Fact<'filesystems'>['list'] {
  const toKey = ({ labels }: Sample) => `${labels.get('device')}\n${labels.get('mountpoint')}`;
  const read = (name: string) => new Map(node.all(name).map((sample) => [toKey(sample), sample.value]));
  const [available, inodes, free, readOnly] = ['avail_bytes', 'files', 'files_free', 'readonly'].map((name) =>
    read(`node_filesystem_${name}`),
  );
  // A device that is mounted in several places is one file system: at the shortest of them.
  const sizes = node
    .some('node_filesystem_size_bytes')
    .toSorted((a, b) => (a.labels.get('mountpoint')?.length ?? 0) - (b.labels.get('mountpoint')?.length ?? 0));
  const seen = new Set<string>();
  return sizes
    .filter(({ labels }) => {
      const device = labels.get('device') ?? '';
      const isAgain = device.startsWith('/') && seen.has(device);
      seen.add(device);
      return !isAgain;
    })
    .slice(0, 100)
    .map((sample) => {
      const key = toKey(sample);
      const size = toCount(sample.value);
      const nodes = toCount(inodes?.get(key) ?? 0);
      return {
        mount: labelOf(sample, 'mountpoint'),
        type: labelOf(sample, 'fstype'),
        size,
        available: Math.min(size, toCount(available?.get(key) ?? 0)),
        inodes: nodes,
        inodes_free: Math.min(nodes, toCount(free?.get(key) ?? 0)),
        read_only: readOnly?.get(key) === 1,
      };
    });
}

function readInterfaces(node: Node): Fact<'network'>['interfaces'] {
  const sent = new Map(node.all('node_network_transmit_bytes_total').map((sample) => [labelOf(sample, 'device'), sample.value]));
  return node
    .some('node_network_receive_bytes_total')
    .map((sample) => ({ name: labelOf(sample, 'device'), received: toCount(sample.value) }))
    .filter(({ name }) => !/^(lo$|veth)/.test(name))
    .slice(0, 50)
    .map(({ name, received }) => ({ name, received, sent: toCount(sent.get(name) ?? 0) }));
}

/**
 * Of an agent's own exporter (`puppet_last_run_at_seconds`), or of the reporter of Vox Pupuli (`puppet_report`, in milliseconds in some
 * versions), as text files or not.
 */
function readPuppet(node: Node): Omit<Fact<'puppet'>, 'at'> & { at?: number } {
  const [report] = node.all('puppet_report');
  const at =
    report === undefined ? node.one('puppet_last_run_at_seconds') : report.value > 1e11 ? report.value / 1000 : report.value;
  const resources = (state: string) =>
    ['puppet_report_resources', 'puppet_last_run_report_resources'].reduce((total, name) => {
      const isState = ({ labels }: Sample) => (labels.get('name') ?? labels.get('type') ?? '').toLowerCase() === state;
      return total + node.sum(name, isState);
    }, 0);
  const lock = node.all('puppet_disabled_lock_info')[0];
  const failed = resources('failed') + resources('failed_to_restart');
  const changed = resources('changed');
  const isFailed = failed > 0 || labelOf(report, 'status') === 'failed' || node.all('puppet_last_run_success')[0]?.value === 0;
  return {
    ...(node.all('node_textfile_mtime_seconds').length > 0 ? { at: node.textFile('puppet') } : {}),
    last_run: at > 0 ? Math.floor(at) : null,
    version: labelOf(report, 'version'),
    result: at <= 0 ? 'never' : isFailed ? 'failed' : changed > 0 ? 'changed' : 'unchanged',
    changed,
    failed,
    enabled: lock === undefined || lock.value === 0,
    message: labelOf(lock, 'disabled_message'),
    running: false,
  };
}
