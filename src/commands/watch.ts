import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Configuration } from '../core/configuration.ts';
import { TargetFailure } from '../core/failure.ts';
import { cleanText } from '../core/text.ts';
import { readSigningKey } from '../heartbeat.ts';
import { createContext } from '../net/context.ts';
import { describeCounts, HeartbeatProblem, MAX_HEARTBEAT, openHeartbeat } from '../net/heartbeat.ts';
import { requestHttp } from '../net/http.ts';
import { createResolver } from '../net/resolver.ts';
import { parsePublicLine, toPublicLine } from '../net/sshsig.ts';
import { type Command, type CommandContext, EXIT, UsageError } from './command.ts';
import { loadFor } from './load.ts';
import { takeDuration, textOf } from './person.ts';

/** Is a vigie alive? Its signed heartbeat says when it last ran; the answer is that of a monitoring plug-in. */
export const watch: Command = {
  usage: 'watch [URL|FILE] [--key KEY] [--max-age 5m] [--via PROXY] [--replace FOLDER]',
  takes: ['[URL|FILE]'],
  summary: 'is the other (or this) vigie alive? age and signature of heartbeat.txt',
  options: { key: { type: 'string' }, 'max-age': { type: 'string' }, via: { type: 'string' }, replace: { type: 'string' } },
  help: [
    'URL or FILE       its heartbeat.txt; default: that of this installation',
    '--key KEY         ssh-ed25519 AAAA..., or a file of such lines; default: the key of this installation',
    '--max-age D       how old its last run may be; default 5m',
    '--via PROXY       the name of a proxy of the configuration',
    '--replace FOLDER  puts a page "monitoring has stopped since ..." in the place of its index.html when it is silent',
    'Prints a line and ends as monitoring plug-ins do: 0 alive, 2 silent or not believed, 3 could not look.',
  ],
  async run(context, given) {
    const [place] = given.positionals;
    const maxAge = takeDuration('watch', 'max-age', textOf(given, 'max-age') ?? '5m', ['1s', '30d']);
    const via = textOf(given, 'via');
    const key = textOf(given, 'key');
    const needsConfiguration = place === undefined || key === null || via !== null;
    const configuration = needsConfiguration ? (await loadFor(context, 'read')).configuration : null;
    const keys = key === null ? ownKeys(configuration) : readKeys(key);
    const from = place ?? ownHeartbeat(configuration);
    try {
      const bytes = await read(from, { context, configuration, via });
      const { run, age, checks } = openHeartbeat(bytes, { keys, now: context.now, maxAge });
      context.out(`OK: run ${run}, ${age} s ago: ${describeCounts(checks)} | age=${age}s;;${maxAge}\n`);
      return EXIT.done;
    } catch (error) {
      return await complain(error, { context, configuration, replace: textOf(given, 'replace') });
    }
  },
};

const CRITICAL = 2;

async function complain(
  error: unknown,
  { context, configuration, replace }: { context: CommandContext; configuration: Configuration | null; replace: string | null },
): Promise<number> {
  if (!(error instanceof HeartbeatProblem || error instanceof TargetFailure)) throw error;
  const { code, message } = error;
  // Whose clock is wrong cannot be seen from here, and the page may be true.
  const isUnknown = code === 'heartbeat.future';
  context.out(`${isUnknown ? 'UNKNOWN' : 'CRITICAL'}: ${message} [${code}]\n`);
  // Only what is proven, or not there at all: a network between us is no reason to call the page a lie.
  if (replace !== null && (code === 'heartbeat.stale' || code === 'heartbeat.missing')) {
    const since = error instanceof HeartbeatProblem ? error.created : null;
    const { private: privateSite = null, public: publicSite = null } = configuration?.sites ?? {};
    const isPrivate = privateSite !== null && resolve(replace) === resolve(privateSite.output);
    const title = (isPrivate ? privateSite : publicSite)?.title ?? 'Status';
    const zone = configuration?.timezone ?? 'UTC';
    const { replaceStalePage } = await import('../site/stopped.ts');
    await replaceStalePage(replace, { title, zone, now: context.now, since });
  }
  return isUnknown ? EXIT.unknown : CRITICAL;
}

/** The private half tells the public one; whoever must not read it gives `--key`. */
function ownKeys(configuration: Configuration | null): string[] {
  const path = configuration?.heartbeat.key ?? null;
  if (path === null) throw new UsageError('watch: no heartbeat.key in the configuration, expected --key KEY');
  return [toPublicLine(readSigningKey(path))];
}

function readKeys(text: string): string[] {
  const lines = existsSync(text) ? readFileSync(text, 'utf8').split('\n') : [text];
  const keys = lines.filter((line) => parsePublicLine(line) !== null);
  if (keys.length === 0)
    throw new UsageError(
      `watch: --key: not a key, expected ssh-ed25519 AAAA... or a file of such lines, found ${JSON.stringify(cleanText(text, 60))}`,
    );
  return keys;
}

function ownHeartbeat(configuration: Configuration | null): string {
  const site = configuration?.sites.private ?? configuration?.sites.public ?? null;
  if (site === null) throw new UsageError('watch: no site is configured, expected a URL or FILE');
  return join(site.output, 'heartbeat.txt');
}

async function read(
  from: string,
  { context, configuration, via }: { context: CommandContext; configuration: Configuration | null; via: string | null },
): Promise<Buffer> {
  if (!/^https?:\/\//.test(from)) return readFile(from);
  if (!URL.canParse(from)) throw new UsageError(`watch: not an address, found ${JSON.stringify(cleanText(from, 60))}`);
  const proxy = via === null ? null : (configuration?.proxies[via] ?? null);
  if (via !== null && proxy === null) throw new UsageError(`watch: --via: no proxy ${JSON.stringify(via)} in the configuration`);
  const dialed = createContext({
    check: 'watch',
    proxy,
    resolve: createResolver(),
    signal: AbortSignal.timeout(proxy === null ? 20_000 : 60_000),
    run: 0,
    tryNumber: 1,
    now: context.now,
    memory: undefined,
    trace: () => {},
    env: {},
  });
  const { status, body } = await requestHttp({ url: from, maxBody: MAX_HEARTBEAT }, dialed);
  if (status !== 200) throw new HeartbeatProblem('missing', `HTTP ${status}, expected its heartbeat.txt`);
  return body;
}

function readFile(path: string): Buffer {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) throw new HeartbeatProblem('missing', `${path} is not there`);
  if (size > MAX_HEARTBEAT) throw new HeartbeatProblem('size', `${path} is longer than ${MAX_HEARTBEAT} bytes`);
  return readFileSync(path);
}
