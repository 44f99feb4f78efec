import {
  cleanText,
  defineCheckType,
  formatAge,
  formatBytes,
  LookFailure,
  type Metrics,
  type Observation,
  option,
  type Part,
} from '../src/check-type.ts';
import { type Fact, takeFreshFact, toShare } from '../src/net/facts.ts';
import { followGrowth } from '../src/net/growth.ts';
import { matchesGlob } from '../src/net/match.ts';

type FileSystem = Fact<'filesystems'>['list'][number];

/** What holds nothing of its own, or is full by its nature. */
const PSEUDO =
  /^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|efivarfs|fuse\..*|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|pstore|ramfs|rpc_pipefs|securityfs|squashfs|sysfs|tmpfs|tracefs|udf)$/;
const ELSEWHERE = ['/run/*', '/snap/*', '/var/lib/docker/*', '/var/lib/containers/*'];

const mounts = option.text('Where it is mounted; `*` stands for any text.', { maxLength: 300 });

export default defineCheckType({
  type: 'disk',
  summary:
    "The host's file systems have room, as its report says: bytes, inodes, and the days until they are full at the pace of the last week.",
  options: {
    include: option.list('Only these; one that is named in full is looked at whatever its type.', mounts, {
      default: ['*'],
      orOne: true,
      minItems: 1,
      maxItems: 50,
    }),
    exclude: option.list('Not these. File systems of the kernel and of containers are left out by themselves.', mounts, {
      default: ELSEWHERE,
      orOne: true,
      maxItems: 50,
    }),
    read_only: option.list('These may be mounted read-only; others are when they are broken.', mounts, {
      default: [],
      orOne: true,
      maxItems: 50,
    }),
  },
  metrics: {
    used: { unit: '%', label: 'Used', help: 'The share that is not available to programs, of the fullest file system.' },
    inodes_used: { unit: '%', label: 'Inodes used', help: 'Of the one with the fewest left; absent where none has a limit.' },
    full_in: {
      unit: 'd',
      label: 'Full in',
      help: 'By the line through the last week, of the one that is full first; absent where none clearly grows, or less than two days are known.',
    },
    available: { unit: 'B', label: 'Available', help: 'Of the fullest.' },
  },
  thresholds: {
    used: { warning: '85%', critical: '95%' },
    inodes_used: { warning: '85%', critical: '95%' },
    full_in: { warning: '3:', critical: '1:' },
  },
  example: { exclude: ['/mnt/*'], thresholds: { used: { warning: '90%' } } },
  proxied: false,
  readsReport: true,
  target: ({ include }) => (include.join() === '*' ? "the host's report" : cleanText(include.join(', '), 200)),
  async run({ include, exclude, read_only: mayBeReadOnly }, context): Promise<Observation> {
    const { list } = takeFreshFact(context, 'filesystems');
    const chosen = list.filter((one) => isChosen(one, include, exclude));
    const missing = include.find((pattern) => !pattern.includes('*') && !chosen.some(({ mount }) => mount === pattern));
    if (missing !== undefined) return { kind: 'failed', code: 'disk.missing', output: `${cleanText(missing, 60)} is not mounted` };
    if (chosen.length === 0) throw new LookFailure('disk.none', `none of ${list.length} file systems fits, expected at least one`);
    const fillings = chosen.map(({ mount, size, available }) => ({ name: mount, used: size - available, room: available }));
    const { days, memory } = followGrowth(context.memory, fillings, context.now);
    const seen = chosen.map((one) => toSeen(one, days.get(one.mount), !matchesAny(mayBeReadOnly, one.mount))).toSorted(byFullness);
    const broken = seen.find(({ part }) => part.state !== 'OK');
    const { metrics, output } = summarise(seen);
    const parts = seen.map(({ part }) => part);
    if (broken !== undefined)
      return {
        kind: 'failed',
        code: 'disk.read_only',
        output: `${broken.part.name} ${broken.part.output}`,
        metrics,
        parts,
        memory,
      };
    return { kind: 'measured', output, metrics, parts, memory };
  },
});

function matchesAny(patterns: string[], mount: string): boolean {
  return patterns.some((pattern) => matchesGlob(pattern, mount));
}

function isChosen({ mount, type, size }: FileSystem, include: string[], exclude: string[]): boolean {
  if (include.includes(mount)) return true;
  const isReal = size > 0 && (!PSEUDO.test(type) || (type === 'overlay' && mount === '/'));
  return isReal && matchesAny(include, mount) && !matchesAny(exclude, mount);
}

interface Seen {
  part: Part;
  metrics: Metrics;
}

function toSeen(
  { mount, size, available, inodes, inodes_free: free, read_only: isReadOnly }: FileSystem,
  days: number | undefined,
  isWrong: boolean,
): Seen {
  const metrics: Metrics = { used: toShare(size - available, size), available };
  if (inodes > 0) metrics['inodes_used'] = toShare(inodes - free, inodes);
  if (days !== undefined) metrics['full_in'] = days;
  const nodes = inodes > 0 ? `, ${metrics['inodes_used']} % of inodes` : '';
  const room = `${metrics['used']} % of ${formatBytes(size)} used${nodes}${days === undefined ? '' : `, full in ${formatDays(days)}`}`;
  const isBroken = isReadOnly && isWrong;
  const output = isBroken ? `is mounted read-only, expected to be writable; ${room}` : room;
  // What cannot be written to does not fill up either.
  const judged = isReadOnly ? {} : { metrics };
  return {
    part: { name: cleanText(mount, 80), state: isBroken ? 'CRITICAL' : 'OK', output, ...judged },
    metrics: isReadOnly ? {} : metrics,
  };
}

function byFullness(a: Seen, b: Seen): number {
  return (b.metrics['used'] ?? -1) - (a.metrics['used'] ?? -1);
}

/** The fullest, and what else is worse in another way. */
function summarise(seen: Seen[]): { metrics: Metrics; output: string } {
  const metrics: Metrics = { ...seen[0]?.metrics };
  const notes = [`${seen[0]?.part.name} ${seen[0]?.part.output}`];
  for (const { part, metrics: one } of seen.slice(1)) {
    const [inodes, days] = [one['inodes_used'] ?? 0, one['full_in'] ?? Infinity];
    if (inodes > (metrics['inodes_used'] ?? 0)) {
      metrics['inodes_used'] = inodes;
      if (inodes >= 80) notes.push(`${part.name} ${inodes} % of inodes`);
    }
    if (days < (metrics['full_in'] ?? Infinity)) {
      metrics['full_in'] = days;
      notes.push(`${part.name} full in ${formatDays(days)}`);
    }
  }
  const more = seen.length === 1 ? '' : ` (of ${seen.length} file systems)`;
  return { metrics, output: `${notes.join('; ')}${more}` };
}

function formatDays(days: number): string {
  if (days < 2) return formatAge(days * 86_400);
  return `${days < 10 ? Math.round(days * 10) / 10 : Math.round(days)} days`;
}
