import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadConfiguration } from '../config/load.ts';
import type { Configuration } from '../core/configuration.ts';
import { compareItems, Replay, type ReplayRun } from '../core/replay.ts';
import { ReplayTelling } from '../core/replay-telling.ts';
import { readTimeline } from '../core/timeline.ts';
import { TimelineError } from '../core/timeline-line.ts';
import { parseDuration, UnitError } from '../core/unit.ts';
import { openHistoryForReading } from '../store/database.ts';
import { readPastRuns } from '../store/past-runs.ts';
import { type Arguments, type Command, type CommandContext, UsageError } from './command.ts';
import { toTypes } from './load.ts';
import { type Outcome, printComparison, printOutcome, type Wanted } from './replay-output.ts';

/** What a daily pattern looks back, and a day for what was going on before that: judged, and not shown. */
const WARM_UP_MS = 8 * 86_400_000;

/** The past once more: which items this configuration would have sent, or what another would change. */
export const replay: Command = {
  usage: 'replay [--since 30d]',
  takes: [],
  summary: 'which items this configuration would have sent',
  options: {
    since: { type: 'string' },
    timeline: { type: 'string' },
    json: { type: 'boolean' },
    budget: { type: 'boolean' },
    withheld: { type: 'boolean' },
  },
  help: [
    '--since D        how far back; default 30d',
    '--timeline FILE  replays a file instead of the history: one JSON object a line',
    '--config OTHER   after the word replay: what this other configuration would change, against the one in use',
    '--budget         after the budgets, hours and digests: the messages of each recipient',
    '--withheld       also what would have been held back, each with its reason',
    '--json           one JSON object a line',
  ],
  async run(context, given) {
    const { own, other } = chooseConfigurations(context, given.values['timeline'] !== undefined);
    const configuration = await load(context, own);
    const wanted = toWanted(given);
    const before = replayAll(configuration, readRuns(context, given, configuration), wanted);
    if (other === null) {
      printOutcome(context, before, configuration, wanted);
      return 0;
    }
    const otherConfiguration = await load(context, other);
    // The history is that of the configuration in use: the other one may not even have a state folder.
    const runs = readRuns(context, given, { ...otherConfiguration, state: configuration.state });
    const after = replayAll(otherConfiguration, runs, wanted);
    printComparison(context, { before, after, configuration, wanted });
    return 0;
  },
};

/**
 * Given twice, the first is in use. Given once, after the command and for the history, it is the other one if one is in use without it;
 * a timeline belongs to no configuration, so there it is simply the one.
 */
function chooseConfigurations(
  { configs, defaultConfig }: CommandContext,
  isTimeline: boolean,
): { own: string; other: string | null } {
  const [first, second] = configs;
  if (second !== undefined) return { own: first?.path ?? second.path, other: second.path };
  if (first === undefined) return { own: defaultConfig ?? '/etc/vigie', other: null };
  if (isTimeline || first.isBefore || defaultConfig === null || isSame(first.path, defaultConfig))
    return { own: first.path, other: null };
  return { own: defaultConfig, other: first.path };
}

function isSame(a: string, b: string): boolean {
  const toFile = (path: string) => {
    const file = path.endsWith('.yaml') || path.endsWith('.yml') ? path : join(path, 'vigie.yaml');
    return existsSync(file) ? realpathSync(file) : resolve(file);
  };
  return toFile(a) === toFile(b);
}

async function load(context: CommandContext, path: string): Promise<Configuration> {
  return (await loadConfiguration({ ...toTypes(context), path, mode: 'read' })).configuration;
}

function toWanted({ values }: Arguments): Wanted {
  return {
    json: values['json'] === true,
    budget: values['budget'] === true,
    withheld: values['withheld'] === true,
    sinceMs: parseSince(values['since']),
    isTimeline: values['timeline'] !== undefined,
  };
}

function parseSince(value: string | boolean | undefined): number {
  try {
    return parseDuration(typeof value === 'string' ? value : '30d') * 1000;
  } catch (error) {
    if (!(error instanceof UnitError)) throw error;
    throw new UsageError(`replay: --since: ${error.message}, found ${JSON.stringify(value)}`);
  }
}

interface Source {
  runs: Iterable<ReplayRun>;
  /** Items before it are not shown: what was going on then is judged, so that the beginning is right. */
  from: number;
}

function readRuns(context: CommandContext, { values }: Arguments, configuration: Configuration): Source {
  const file = values['timeline'];
  if (typeof file === 'string') return { runs: readRunsOf(file, configuration), from: Number.NEGATIVE_INFINITY };
  const database = openHistoryForReading(configuration.state);
  if (database === null)
    throw new UsageError(`replay: no history in ${configuration.state} yet, expected a run before: vigie run, or --timeline FILE`);
  const from = context.now - parseSince(values['since']);
  const runs = readPastRuns(database, configuration, { since: from - WARM_UP_MS, until: context.now + 1 });
  return { runs: closing(runs, () => database.close()), from };
}

function* closing<T>(items: Iterable<T>, close: () => void): Generator<T> {
  try {
    yield* items;
  } finally {
    close();
  }
}

function* readRunsOf(file: string, configuration: Configuration): Generator<ReplayRun> {
  let text: string;
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new UsageError(`replay: cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  try {
    yield* readTimeline(text, configuration);
  } catch (error) {
    if (!(error instanceof TimelineError)) throw error;
    throw new UsageError(`${file}:${error.line}: ${error.message}`);
  }
}

function replayAll(configuration: Configuration, { runs, from }: Source, { budget }: Wanted): Outcome {
  const outcome: Outcome = { items: [], withheld: [], messages: [], runs: 0 };
  let past: Replay | null = null;
  let telling: ReplayTelling | null = null;
  for (const run of runs) {
    past ??= new Replay(configuration, run.at);
    telling ??= budget ? new ReplayTelling(configuration, past.statuses) : null;
    const played = past.play(run);
    telling?.take(run.at, played);
    if (run.at < from) continue;
    outcome.runs += 1;
    if (played.items.length + played.withheld.length === 0) continue;
    // A line of the next digest is no item by itself.
    outcome.items.push(...played.items.filter((item) => item.digest === undefined));
    outcome.withheld.push(...played.withheld);
  }
  outcome.items.sort(compareItems);
  if (telling !== null) {
    outcome.messages = telling.messages.filter(({ at }) => at >= from);
    outcome.withheld.push(...telling.withheld.filter(({ item }) => item.at >= from));
  }
  outcome.withheld.sort((a, b) => compareItems(a.item, b.item));
  return outcome;
}
