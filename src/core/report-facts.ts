/** What a machine may say of itself, as plain declarations: the reader, the types and `docs/host-report.md` are made from them. */
interface Declared {
  help: string;
  /** `null` where the machine has none, or does not know. */
  nullable?: true;
}
export type FactField =
  /** A whole number of 0 or more. */
  | (Declared & {
      kind: 'count';
      unit?: 'bytes' /** Another field of the same object: what is above it is taken as it. */;
      atMost?: string;
    })
  /** Seconds since 1970. */
  | (Declared & { kind: 'time' })
  /** Any number. */
  | (Declared & { kind: 'decimal'; unit?: 's' })
  | (Declared & { kind: 'text' })
  | (Declared & { kind: 'word'; words: readonly string[] })
  | (Declared & { kind: 'flag' })
  | (Declared & { kind: 'names' })
  | (Declared & { kind: 'list'; fields: Readonly<Record<string, FactField>> });
export type FactFields = Readonly<Record<string, FactField>>;

const bytes = <const E extends object>(help: string, extra?: E) => ({ kind: 'count', unit: 'bytes', help, ...extra }) as const;
const count = <const E extends object>(help: string, extra?: E) => ({ kind: 'count', help, ...extra }) as const;
const time = <const E extends object>(help: string, extra?: E) => ({ kind: 'time', help, ...extra }) as const;
const decimal = <const E extends object>(help: string, extra?: E) => ({ kind: 'decimal', help, ...extra }) as const;
const text = <const E extends object>(help: string, extra?: E) => ({ kind: 'text', help, ...extra }) as const;
const flag = (help: string) => ({ kind: 'flag', help }) as const;
const names = (help: string) => ({ kind: 'names', help }) as const;
const list = <const F extends FactFields>(help: string, fields: F) => ({ kind: 'list', help, fields }) as const;
const nullable = { nullable: true } as const;

/** Each fact also has `at`: when it was true. A number that was right yesterday is a lie today. */
export const FACTS = {
  filesystems: {
    help: 'Mounted file systems that hold something: not those of the kernel, nor of containers.',
    fields: {
      list: list('At most 100.', {
        mount: text('Where it is mounted.'),
        type: text('`ext4`, `btrfs` ...'),
        size: bytes('Its size.'),
        available: bytes('What users other than root may still write.', { atMost: 'size' }),
        inodes: count('How many files it can hold; 0 where it has no such limit.'),
        inodes_free: count('How many more.', { atMost: 'inodes' }),
        read_only: flag('Whether it is mounted read-only.'),
      }),
    },
  },
  memory: {
    help: 'Memory and swap.',
    fields: {
      total: bytes('Memory.'),
      available: bytes('What programs can still get without swapping.', { atMost: 'total' }),
      swap_total: bytes('Swap; 0 without any.'),
      swap_free: bytes('Swap that is free.', { atMost: 'swap_total' }),
    },
  },
  load: {
    help: 'How many processes run or wait to run.',
    fields: {
      one: decimal('Mean of one minute.'),
      five: decimal('Of five minutes.'),
      fifteen: decimal('Of fifteen minutes.'),
      processors: count('Processors in use.'),
    },
  },
  processes: {
    help: 'Processes.',
    fields: { total: count('All of them.'), zombies: count('Those that are over and that nobody waited for.') },
  },
  uptime: { help: 'How long the machine runs.', fields: { seconds: count('Since it was booted.') } },
  network: {
    help: 'What went through its network interfaces, without the loopback.',
    fields: {
      interfaces: list('At most 50.', {
        name: text('Its name.'),
        received: bytes('In, since the machine was booted.'),
        sent: bytes('Out, since the machine was booted.'),
      }),
    },
  },
  clock: {
    help: 'Whether its clock is right.',
    fields: {
      synchronised: flag('Whether the kernel says that its clock follows another one.'),
      offset: decimal('How far it is ahead of that one, as chrony or ntpd says.', { unit: 's', ...nullable }),
    },
  },
  os: {
    help: 'The operating system.',
    fields: {
      id: text('`debian`.'),
      version: text('`13`; empty in Debian testing.'),
      codename: text('`trixie`.'),
      kernel: text('The release of the running kernel.'),
    },
  },
  apt: {
    help: 'Packages that could be upgraded; `at` is when they were counted.',
    fields: {
      updated: time('When `apt-get update` last worked.', nullable),
      upgrades: count('Packages that an upgrade would replace.'),
      security: count('Of them from a security archive.', { atMost: 'upgrades' }),
      held: count('Packages that are on hold.'),
    },
  },
  reboot_required: {
    help: 'Whether the machine should be booted anew.',
    fields: { required: flag('Whether.'), reason: text('Why; empty if not.') },
  },
  restarts_needed: {
    help: 'Programs that still run with libraries that were replaced; only root can see them all.',
    fields: { processes: count('How many processes.'), units: names('Units of systemd that they belong to, at most 20.') },
  },
  puppet: {
    help: 'What the Puppet agent did last.',
    fields: {
      last_run: time('When its last run was over.', nullable),
      version: text('Of the configuration that was applied.'),
      result: { kind: 'word', help: 'Of that run.', words: ['never', 'unchanged', 'changed', 'failed'] } as const,
      changed: count('Resources that it changed.'),
      failed: count('Resources that failed.'),
      enabled: flag('Whether it may run.'),
      message: text('Why it was disabled.'),
      running: flag('Whether a run is going on.'),
    },
  },
  systemd: {
    help: 'What systemd says of itself.',
    fields: { state: text('`systemctl is-system-running`.'), failed: names('Units that failed, at most 50.') },
  },
  changes: {
    help: 'Packages that were installed, upgraded or removed in the last day.',
    fields: {
      total: count('How many.'),
      last: time('When the latest was.', nullable),
      packages: list('The latest 30.', {
        time: time('When.'),
        action: { kind: 'word', help: 'What was done.', words: ['install', 'upgrade', 'remove'] } as const,
        name: text('The package.'),
        version: text('The version afterwards; empty where it was removed.'),
      }),
    },
  },
  mail_queue: {
    help: 'Mails that wait to be delivered.',
    fields: { total: count('How many.'), oldest: time('When the oldest came.', nullable) },
  },
  sysctl: {
    help: 'Settings of the kernel that were asked for.',
    fields: { list: list('At most 50.', { name: text('Its name.'), value: text('Its value.', nullable) }) },
  },
  files: {
    help: 'Files that were asked for.',
    fields: {
      list: list('At most 50.', {
        path: text('The path that was asked for.'),
        modified: time('When it was last written; null where there is none.', nullable),
        size: bytes('Its size.'),
        number: decimal('The number that is all that stands in it, where that was asked for.', nullable),
      }),
    },
  },
  plugins: {
    help: 'Results of monitoring plug-ins that the machine runs itself.',
    fields: {
      list: list('At most 50.', {
        name: text('Its name in the configuration of the agent.'),
        code: count('Its exit code; above 3 it did not run.'),
        output: text('The first line of its output.'),
        perfdata: text('What stands behind the bar.'),
      }),
    },
  },
} as const satisfies Readonly<Record<string, { help: string; fields: FactFields }>>;

type ValueOf<F> = F extends { kind: 'list'; fields: infer Inner extends FactFields }
  ? FieldValues<Inner>[]
  : F extends { kind: 'names' }
    ? string[]
    : F extends { kind: 'flag' }
      ? boolean
      : F extends { kind: 'word'; words: readonly (infer Word)[] }
        ? Word
        : F extends { kind: 'text' }
          ? string
          : number;
type FieldValues<F extends FactFields> = { [K in keyof F]: ValueOf<F[K]> | (F[K] extends { nullable: true } ? null : never) };

export type FactName = keyof typeof FACTS;
/** `at`: seconds since 1970, as all times of a report. Names are those of the report. */
export type Fact<N extends FactName> = { at: number } & FieldValues<(typeof FACTS)[N]['fields']>;
/** Why the machine cannot say. */
export interface Unavailable {
  unavailable: string;
}
/** A fact that is missing is one that the machine's agent does not know of. */
export type HostFacts = { [N in FactName]?: Fact<N> | Unavailable };
