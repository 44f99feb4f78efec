import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Command, type CommandContext, EXIT, UsageError } from './commands/command.ts';
import { refuseForeignOptions, refuseStrayOptions, refuseStrayWords } from './commands/words.ts';
import { ConfigurationError, didYouMean } from './config/problem.ts';
import { cleanText } from './core/text.ts';

/** Loaded only when called: a cron run pays for no other command. */
const COMMANDS: Record<string, () => Promise<Command>> = {
  init: async () => (await import('./commands/init.ts')).init,
  run: async () => (await import('./commands/run.ts')).run,
  check: async () => (await import('./commands/check.ts')).check,
  status: async () => (await import('./commands/status.ts')).status,
  replay: async () => (await import('./commands/replay.ts')).replay,
  explain: async () => (await import('./commands/explain.ts')).explain,
  config: async () => (await import('./commands/config.ts')).config,
  ack: async () => (await import('./commands/ack.ts')).ack,
  unack: async () => (await import('./commands/unack.ts')).unack,
  downtime: async () => (await import('./commands/downtime.ts')).downtime,
  change: async () => (await import('./commands/change.ts')).change,
  incident: async () => (await import('./commands/incident.ts')).incident,
  render: async () => (await import('./commands/render.ts')).render,
  mail: async () => (await import('./commands/mail.ts')).mail,
  watch: async () => (await import('./commands/watch.ts')).watch,
  doctor: async () => (await import('./commands/doctor.ts')).doctor,
  backup: async () => (await import('./commands/backup.ts')).backup,
  restore: async () => (await import('./commands/restore.ts')).restore,
  host: async () => (await import('./commands/host.ts')).host,
  report: async () => (await import('./commands/report.ts')).report,
  types: async () => (await import('./commands/types.ts')).types,
};

const GLOBAL_OPTIONS = {
  config: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  debug: { type: 'boolean' },
} as const;

type Options = NonNullable<Command['options']>;

let isOver = false;
let faults = 0;

// Nothing that a check left open may hold the process back.
void main(process.argv.slice(2)).then(end);

function end(code: number): never {
  isOver = true;
  process.exit(code === EXIT.done && faults > 0 ? EXIT.partly : code);
}

/** What no check and no stage of the run owns must neither cost the results of all the others nor pass in silence. */
function outliveFaults(isDebug: boolean): void {
  // A library's promise that nobody awaits, or a stray socket: rejections come here too.
  process.on('uncaughtException', (error) => {
    faults += 1;
    if (faults === 1)
      process.stderr.write(`vigie: fault outside of any check: ${isDebug ? error.stack : cleanText(String(error))}\n`);
  });
  // Ended by somebody else's process.exit(), or because nothing was left that could ever end a wait.
  process.on('exit', () => {
    if (isOver) return;
    process.stderr.write('vigie: ended from within before its work was done\n');
    process.exitCode = EXIT.partly;
  });
}

async function main(argv: string[]): Promise<number> {
  // A reader that goes away (`vigie status | head`) is no fault of ours.
  process.stdout.on('error', () => end(EXIT.done));
  process.stderr.on('error', () => {});
  // Signals of an ending session end the run like a crash: everything owed is in the database. Children die with us.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => end(EXIT.partly));
  const isDebug = argv.includes('--debug');
  outliveFaults(isDebug);
  // Nobody reads a stack unless asked for, and collecting one for every closed socket is a tenth of a run.
  if (!isDebug) Error.stackTraceLimit = 0;
  try {
    return await dispatch(argv, isDebug);
  } catch (error) {
    process.stderr.write(`${describe(error, isDebug)}\n`);
    if (speaksPlugin(argv)) return EXIT.unknown;
    return error instanceof UsageError || error instanceof ConfigurationError ? EXIT.usage : EXIT.partly;
  }
}

/** Another monitor that calls us reads 2 as CRITICAL: where we could not look, it must read UNKNOWN. */
function speaksPlugin(argv: string[]): boolean {
  const name = findCommandName(argv);
  return name === 'watch' || name === 'check' || (name === 'status' && argv.includes('--exit-code'));
}

async function dispatch(argv: string[], isDebug: boolean): Promise<number> {
  // Options may stand before the command: vigie --config /etc/vigie run
  const { positionals, values } = parseArgs({ args: argv, options: GLOBAL_OPTIONS, strict: false, allowPositionals: true });
  const name = findCommandName(argv);
  if (values['version'] === true && name === undefined) return say(`vigie ${readVersion()}`);
  if (name === undefined) {
    refuseStrayOptions(null, optionsOf(argv, GLOBAL_OPTIONS), ['--version', ...spell(GLOBAL_OPTIONS)]);
    return say(await describeUsage());
  }
  if (name === 'help') {
    const [, topic, stray] = positionals;
    if (stray !== undefined) throw new UsageError(`help: expected one command, found ${JSON.stringify(stray)} too`);
    if (topic !== undefined && topic !== 'help') findCommand(topic);
    return say(await describeUsage(topic));
  }
  const load = findCommand(name);
  if (values.help === true) return say(await describeUsage(name));
  const command = await load();
  const given = parseStrictly(name, argv, command);
  const context = createCommandContext(given.values['config'], isDebug);
  return command.run({ ...context, configs: findConfigs(argv, name) }, given);
}

function findCommand(name: string): () => Promise<Command> {
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load !== undefined) return load;
  const names = [...Object.keys(COMMANDS), 'help'];
  const near = didYouMean(name, names);
  throw new UsageError(`vigie: no command ${JSON.stringify(name)}, expected one of ${names.join(', ')}${near}`);
}

/** The options as they were written, without what follows a `=`. */
function optionsOf(argv: string[], options: Options): string[] {
  const { tokens } = parseArgs({ args: argv, options, strict: false, allowPositionals: true, tokens: true });
  return tokens.flatMap((token) => (token.kind === 'option' ? [token.rawName] : []));
}

function spell(options: Options): string[] {
  return Object.entries(options).flatMap(([name, { short }]) => [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]);
}

function findCommandName(argv: string[]): string | undefined {
  return argv.find((word, index) => !word.startsWith('-') && argv[index - 1] !== '--config');
}

/** `vigie replay` takes two of them, and asks where they stand. */
function findConfigs(argv: string[], command: string): { path: string; isBefore: boolean }[] {
  const end = argv.indexOf(command);
  return argv.flatMap((word, index) => {
    const path = word === '--config' ? argv[index + 1] : /^--config=(.*)$/.exec(word)?.[1];
    return path === undefined ? [] : [{ path, isBefore: index < end }];
  });
}

function parseStrictly(
  name: string,
  argv: string[],
  command: Command,
): { values: Record<string, string | boolean | undefined>; positionals: string[] } {
  const options: Options = { ...command.options, ...GLOBAL_OPTIONS };
  try {
    const parsed = parseArgs({ args: argv, options, allowPositionals: true });
    const positionals = parsed.positionals.slice(1);
    refuseStrayWords(name, command, positionals);
    refuseForeignOptions(name, command, positionals[0], Object.keys(parsed.values));
    return { values: parsed.values as Record<string, string | boolean | undefined>, positionals };
  } catch (error) {
    if (error instanceof UsageError) throw error;
    refuseStrayOptions(name, optionsOf(argv, options), spell(options));
    throw new UsageError(
      `vigie ${name}: ${error instanceof Error ? error.message : String(error)}; vigie ${name} --help lists the options`,
    );
  }
}

function createCommandContext(config: string | boolean | undefined, isDebug: boolean): CommandContext {
  const { stdout, stderr, env } = process;
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(`${text}\n`),
    isTerminal: stdout.isTTY === true,
    isWatched: stderr.isTTY === true,
    color: stdout.isTTY === true && (env['NO_COLOR'] ?? '') === '',
    columns: stdout.columns ?? Number(env['COLUMNS'] ?? 120),
    cwd: process.cwd(),
    env,
    uid: process.geteuid?.() ?? 0,
    now: Date.now(),
    version: readVersion(),
    configPath: typeof config === 'string' ? config : existsSync('vigie.yaml') ? 'vigie.yaml' : '/etc/vigie',
    configs: [],
    defaultConfig: ['vigie.yaml', '/etc/vigie'].find((path) => existsSync(path)) ?? null,
    debug: isDebug,
  };
}

/** package.json stands at the top, two or three folders above, compiled or bundled. */
function readVersion(): string {
  for (const up of ['../..', '../../..']) {
    const path = join(import.meta.dirname, up, 'package.json');
    if (existsSync(path)) return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
  }
  return 'unknown';
}

async function describeUsage(topic?: string): Promise<string> {
  const load = topic === undefined ? undefined : COMMANDS[topic];
  if (load !== undefined) {
    const { usage, summary, help } = await load();
    return [`vigie ${usage}`, '', summary, ...(help ? ['', ...help.map((line) => `  ${line}`)] : [])].join('\n');
  }
  const commands = await Promise.all(Object.entries(COMMANDS).map(async ([name, one]) => ({ name, ...(await one()) })));
  return [
    'vigie: monitoring for small teams: one process, one cron line, one database file',
    '',
    ...commands.flatMap(({ name, summary }) => describeCommand(name, summary)),
    '',
    'vigie COMMAND --help says what follows it. Everywhere:',
    '  --config PATH   the configuration, a file or a folder with vigie.yaml;',
    '                  default ./vigie.yaml, then /etc/vigie',
    '  --version, --debug',
    '',
    'A PATTERN is a glob over ids such as website/*; a bare name means all checks of',
    'that host or service.',
  ].join('\n');
}

/** A terminal of 80 columns wraps no line of it. */
function describeCommand(name: string, summary: string): string[] {
  const lines = [''];
  for (const word of summary.split(' ')) {
    const line = `${lines.at(-1)} ${word}`;
    if (line.length > 65) lines.push(` ${word}`);
    else lines[lines.length - 1] = line;
  }
  return lines.map((line, index) => `  ${(index === 0 ? `vigie ${name}` : '').padEnd(15)}${line}`);
}

/** Outermost first, without a stack unless asked for. */
function describe(error: unknown, isDebug: boolean): string {
  if (!(error instanceof Error)) return String(error);
  if (isDebug) return error.stack ?? error.message;
  return error.message;
}

function say(text: string): number {
  process.stdout.write(`${text}\n`);
  return EXIT.done;
}
