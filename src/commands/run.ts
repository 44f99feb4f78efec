import { setFlagsFromString } from 'node:v8';
import type { LoadedConfiguration } from '../config/load.ts';
import { ConfigurationError, formatProblem } from '../config/load.ts';
import type { Configuration } from '../core/configuration.ts';
import type { RunFacts } from '../core/notify.ts';
import { count } from '../core/transition.ts';
import { describePageFaults } from '../outside.ts';
import { countOverlap, takeOverlaps } from '../overlap.ts';
import { isFirstIn } from '../rate.ts';
import { type Batch, type RunSummary, runBatch } from '../run.ts';
import {
  type Database,
  DatabaseUnusable,
  isDatabaseError,
  moveCorruptHistoryAside,
  openHistory,
  takeLock,
  toDatabaseFault,
} from '../store/database.ts';
import { readMeta } from '../store/history.ts';
import { formatProgress } from '../terminal.ts';
import { type Arguments, type Command, type CommandContext, EXIT } from './command.ts';
import { findIncidents, loadFor } from './load.ts';
import { findMatching } from './words.ts';

export const run: Command = {
  usage: 'run [--now PATTERN]',
  takes: [],
  summary: 'one batch: the cron line',
  options: { now: { type: 'string' }, json: { type: 'boolean' }, summary: { type: 'boolean' } },
  help: [
    '--now PATTERN  runs matching checks whether due or not',
    '--summary      prints the table of problems even without a terminal',
    '--json         prints one line of JSON',
  ],
  async run(context, given) {
    const loaded = await loadOrComplain(context);
    if (loaded === null) return EXIT.usage;
    const { configuration } = loaded;
    const force = asText(given.values['now']);
    if (force !== null) findMatching('run', [force], configuration.checks);
    try {
      const release = takeLock(configuration.state);
      if (release === null) return complainOfOverlap(context, configuration);
      try {
        return await runLocked(context, given, loaded);
      } finally {
        release();
      }
    } catch (error) {
      if (!isDatabaseError(error)) throw error;
      return complainOfDatabase(context, configuration, toDatabaseFault(error));
    }
  },
};

async function loadOrComplain(context: CommandContext): Promise<LoadedConfiguration | null> {
  try {
    return await loadFor(context, 'run', fitToBatch);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    // Under cron every line on standard error is a mail: the same fatal error is said once in six hours.
    if (context.isWatched || isFirstIn(context, 'configuration', error.message)) context.err(error.message);
    return null;
  }
}

/** Another run holds the lock: silent under cron, counted; three in a row are an item of the next run that gets it. */
function complainOfOverlap(context: CommandContext, configuration: Configuration): number {
  countOverlap(configuration.state);
  if (context.isWatched) context.err('vigie: another run holds the lock, expected it to be over; nothing was done');
  return EXIT.locked;
}

async function complainOfDatabase(context: CommandContext, configuration: Configuration, fault: DatabaseUnusable): Promise<number> {
  const message = `vigie: history database in ${configuration.state} unusable (${fault.fault}): ${fault.message}`;
  if (isFirstIn(context, 'database', fault.fault, configuration.state)) {
    context.err(message);
    const { tellOfUnusableDatabase } = await import('../emergency.ts');
    await tellOfUnusableDatabase(context, configuration, message);
  } else if (context.isWatched) {
    context.err(message);
  }
  return EXIT.locked;
}

async function runLocked(context: CommandContext, { values }: Arguments, loaded: LoadedConfiguration): Promise<number> {
  const { configuration } = loaded;
  const { database, movedTo } = openHistory(configuration.state, context.now);
  try {
    const progress = context.isTerminal && values['json'] !== true ? new Progress(context) : null;
    const whole = wholeItems(database, loaded, movedTo);
    const summary = await runBatch(toBatch(context, loaded, { database, whole, force: asText(values['now']), progress }));
    progress?.clear();
    const wanted = { json: values['json'] === true, table: context.isTerminal || values['summary'] === true };
    if (wanted.json || wanted.table) (await import('./summary.ts')).printSummary(context, summary, wanted);
    return exitCode(context, summary, loaded);
  } catch (error) {
    throw isDatabaseError(error) ? saveFromCorruption(database, toDatabaseFault(error), context.now) : error;
  } finally {
    database.close();
  }
}

/** What proves corrupt only in use would do so in every run: it is moved aside, and the next run begins a new history. */
function saveFromCorruption(database: Database, fault: DatabaseUnusable, now: number): DatabaseUnusable {
  if (fault.fault !== 'corrupt') return fault;
  const movedTo = moveCorruptHistoryAside(database, now);
  return new DatabaseUnusable('corrupt', `${fault.message}; moved to ${movedTo}, the next run begins a new history`, {
    cause: fault,
  });
}

function toBatch(
  context: CommandContext,
  { configuration, problems, removed }: LoadedConfiguration,
  parts: { database: Database; whole: RunFacts['whole']; force: string | null; progress: Progress | null },
): Batch {
  const { now, env } = context;
  const banners = problems.map((problem) => `configuration in its last good version: ${formatProblem(problem)}`);
  for (const { name, until } of removed)
    banners.push(`${name} is gone; its checks go on until ${new Date(until).toISOString().slice(0, 16)}Z`);
  return {
    configuration,
    database: parts.database,
    now,
    force: parts.force,
    whole: parts.whole,
    remember: { config_told: toldOf({ problems, removed }) },
    banners: banners.slice(0, 10),
    incidents: findIncidents(context, configuration),
    observerFor: async (run) => {
      await fitToBatch();
      const { createObserver } = await import('../observer.ts');
      const onResult = parts.progress === null ? undefined : () => parts.progress?.step();
      return createObserver(configuration, { run, now, env, ...(onResult === undefined ? {} : { onResult }) });
    },
    sentinelsFor: async (run, groups) => (await import('../sentinel.ts')).askSentinels(configuration, groups, { run, now }),
    onDue: (total) => parts.progress?.start(total),
    mail: async () => (await import('../mail-outside.ts')).createMailOutside(env),
  };
}

/**
 * From here on V8 optimizes a function when it has run fifteen times as much as by default: a batch is over before that would pay. The
 * part of the heap for what is young stays as small as it is, since hardly anything of a batch grows old: 10 MiB, and 25 in a run that
 * reads its configuration anew. And the heap is cleaned when it has grown by 60 % instead of threefold: 15 MiB of a run that writes all
 * pages. Not earlier: with any flag that it does not know, Node compiles its own modules anew instead of taking the code that it comes
 * with.
 */
async function fitToBatch(): Promise<void> {
  await import('node:tls');
  for (const flag of BATCH_FLAGS) setFlagsFromString(flag);
}

/** `build.mjs` keeps code for a process with these, and bench.ts measures with them. */
export const BATCH_FLAGS = ['--interrupt-budget=1000000', '--semi-space-growth-factor=1', '--heap-growing-percent=60'];

/** What the run owes besides its checks: each told once, until it changes. */
function wholeItems(database: Database, loaded: LoadedConfiguration, movedTo: string | null): RunFacts['whole'] {
  const { configuration, problems, removed } = loaded;
  const whole: RunFacts['whole'] = [];
  const overlaps = takeOverlaps(configuration.state);
  if (overlaps >= 3)
    whole.push({ kind: 'overlap', reason: `${overlaps} runs in a row found another one still running`, lines: [] });
  if (movedTo !== null)
    whole.push({ kind: 'database', reason: `the history was corrupt and was moved to ${movedTo}; a new one began`, lines: [] });
  const told = readMeta(database, 'config_told') ?? '';
  if (toldOf(loaded) === told) return whole;
  if (problems.length > 0) {
    const reason = `${count(problems.length, 'error')}: the last good version is in use`;
    whole.push({ kind: 'config', reason, lines: problems.slice(0, 20).map(formatProblem) });
  } else if (told.startsWith('problems')) {
    whole.push({ kind: 'config', reason: 'all files are valid again', lines: [] });
  }
  if (removed.length > 0) {
    const lines = removed.map(
      ({ name, until }) => `${name}: until ${new Date(until).toISOString().slice(0, 16)}Z, or vigie config confirm`,
    );
    whole.push({
      kind: 'removed',
      reason: `${count(removed.length, 'file')} disappeared; the checks in it go on for a day`,
      lines,
    });
  }
  return whole;
}

function toldOf({ problems, removed }: Pick<LoadedConfiguration, 'problems' | 'removed'>): string {
  if (problems.length + removed.length === 0) return '';
  const parts = JSON.stringify([problems.map(formatProblem), removed.map(({ name }) => name)]);
  return `${problems.length > 0 ? 'problems' : 'removed'} ${parts}`;
}

function exitCode(context: CommandContext, summary: RunSummary, { configuration, problems }: LoadedConfiguration): number {
  const { mail, pageError, pageFaults, heartbeatError, inboxError } = summary;
  const complaints: [subject: string, words: string, trouble: string | null][] = [
    ['pages', 'pages could not be written: ', pageError],
    ['page', '', describePageFaults(pageFaults)],
    ['heartbeat', 'heartbeat: ', heartbeatError],
    ['inbox', 'inbox: ', inboxError],
  ];
  const found = complaints.filter(([, , trouble]) => trouble !== null);
  for (const [subject, words, trouble] of found) {
    if (context.isWatched || isFirstIn(context, subject, trouble ?? '', configuration.state))
      context.err(`vigie: ${words}${trouble}`);
  }
  return problems.length > 0 || found.length > 0 || mail.failed > 0 || mail.queued > 0 ? EXIT.partly : EXIT.done;
}

function asText(value: string | boolean | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

/** A bar on the terminal, drawn at most every 50 ms. */
class Progress {
  private done = 0;
  private total = 0;
  private drawnAt = 0;
  private readonly context: CommandContext;

  constructor(context: CommandContext) {
    this.context = context;
  }

  start(total: number): void {
    this.total = total;
  }

  step(): void {
    this.done += 1;
    const now = performance.now();
    if (now - this.drawnAt < 50) return;
    this.drawnAt = now;
    this.context.out(`\r${formatProgress(this.done, this.total, this.context.columns)}`);
  }

  clear(): void {
    if (this.drawnAt > 0) this.context.out('\r\u001b[K');
  }
}
