import {
  type Context,
  cleanText,
  defineCheckType,
  LookFailure,
  type Observation,
  option,
  TargetFailure,
} from '../src/check-type.ts';
import { formatSeconds, toAbortFailure } from '../src/net/limits.ts';
import { type Introductions, readIntroductions } from '../src/net/onion-descriptor.ts';
import { openTorControl, parseControlPlace, type TorControl } from '../src/net/tor-control.ts';
import { readDescriptorEvent, type TorReply } from '../src/net/tor-reply.ts';

/** Directories that are responsible for a service at a time: two replicas on four each (rend-spec-v3, section 2.2.3). */
const MOST_DIRECTORIES = 8;
/** Tor tells of a next step in another turn of its loop: after so many questions and answers it has had time for it. */
const TURNS = 3;

export default defineCheckType({
  type: 'onion',
  summary:
    'The descriptor of an onion service can be fetched anew and has introduction points, whether or not the service itself answers: by the control port of a Tor of ours.',
  options: {
    address: option.text('The onion service.', {
      default: '${host.address}',
      pattern: '^(?:[A-Za-z0-9-]+\\.)*[A-Za-z2-7]{56}\\.onion$',
      maxLength: 255,
    }),
    control: option.text('The control port: `host:port`, or the path of a socket.', { default: '127.0.0.1:9051', maxLength: 255 }),
    password: option.secret('What Tor has as HashedControlPassword. Default: none, or the cookie by SAFECOOKIE.', {
      optional: true,
    }),
    cookie: option.text("File of Tor's cookie. Default: where Tor says that it is.", {
      optional: true,
      pattern: '^/',
      maxLength: 4096,
    }),
  },
  metrics: {
    time: { unit: 's', label: 'Time', help: 'Until the descriptor was there.' },
    introduction_points: { unit: '', label: 'Introduction points', help: 'Relays that take visitors in; Tor makes three.' },
    directories_without: { unit: '', label: 'Directories without it', help: 'Asked before, and without the descriptor.' },
  },
  thresholds: { introduction_points: { warning: '2:', critical: '1:' } },
  example: { address: 'vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd.onion', control: '/run/tor/control' },
  proxied: false,
  asksTor: true,
  target: ({ address }) => `descriptor of ${cleanText(address, 100)}`,
  validate: ({ control, password, cookie }) => ({
    ...(parseControlPlace(control) === null ? { control: 'expected host:port or the path of a socket' } : {}),
    ...(password !== undefined && cookie !== undefined ? { cookie: 'excludes password: expected one of them, found both' } : {}),
  }),
  async run({ address, control: place, password, cookie }, context) {
    const login = { password: password === undefined ? null : context.secret(password), cookie: cookie ?? null };
    const control = await openTorControl(place, login, context);
    try {
      await insist(control, 'SETEVENTS HS_DESC HS_DESC_CONTENT');
      await insistOnCircuits(control);
      return await observe(toLabel(address), control, context);
    } finally {
      control.close();
    }
  },
});

/** A service has one descriptor for all names below its own. */
function toLabel(address: string): string {
  return address
    .toLowerCase()
    .replace(/\.onion$/, '')
    .replace(/^.*\./, '');
}

async function insist(control: TorControl, command: string): Promise<TorReply> {
  const reply = await control.ask(command);
  if (reply.status === 250) return reply;
  const words = cleanText(reply.lines[0]?.text ?? '', 60);
  throw new LookFailure('control.command', `Tor refuses ${command.split(' ')[0]}: ${reply.status} ${words}`);
}

async function insistOnCircuits(control: TorControl): Promise<void> {
  const { lines } = await insist(control, 'GETINFO status/circuit-established');
  if (lines[0]?.text !== 'status/circuit-established=1') {
    throw new LookFailure('control.circuits', 'our Tor has no circuits: it cannot look');
  }
}

/** What became of the requests to directories. */
interface Fetch {
  /** Their fingerprints; one that was asked again counts again. */
  asked: string[];
  /** Tor's reasons for each that failed. */
  failed: string[];
  descriptor: string | null;
}

async function observe(label: string, control: TorControl, context: Context): Promise<Observation> {
  const began = context.elapsed();
  const known = readMemory(context.memory);
  let fetch = await fetchDescriptor(label, '', { control, context });
  if (fetch.asked.length === 0) {
    // Tor asks a directory once in 15 minutes and is silent until then, unless it is told whom to ask.
    context.trace(`control port: Tor asks nobody, ${known.length} directories are known from earlier runs`);
    if (known.length === 0) throw new LookFailure('onion.unasked', 'Tor asks no directory: it may have asked them all just now');
    fetch = await fetchDescriptor(label, known.map((one) => ` SERVER=${one}`).join(''), { control, context });
  }
  const memory = { directories: [...new Set([...fetch.asked, ...known])].slice(0, MOST_DIRECTORIES) };
  if (fetch.descriptor === null) return { ...toFailure(fetch), memory };
  const time = context.elapsed() - began;
  const found = await readWithKey(fetch.descriptor, label, { control, context });
  const { length: missing } = fetch.failed;
  const words = found.points === 1 ? '1 introduction point' : `${found.points} introduction points`;
  const limited = found.kind === 'authorised' ? ', with the key of this Tor' : '';
  const without = missing === 0 ? '' : `, not in ${missing} of ${fetch.asked.length} directories`;
  return {
    kind: 'measured',
    output: `descriptor with ${words}${limited} in ${formatSeconds(time)}${without}`,
    metrics: { time, introduction_points: found.points, directories_without: missing },
    memory,
  };
}

interface Tools {
  control: TorControl;
  context: Context;
}

async function fetchDescriptor(label: string, servers: string, { control, context }: Tools): Promise<Fetch> {
  const fetch: Fetch = { asked: [], failed: [], descriptor: null };
  await insist(control, `HSFETCH ${label}${servers}`);
  context.trace(`control port: HSFETCH ${label.slice(0, 8)}...`);
  while (fetch.descriptor === null) {
    if (fetch.failed.length >= fetch.asked.length && !(await hasMore(control))) break;
    const event = await nextEvent(control, fetch, context);
    noteEvent(event, label, { fetch, trace: context.trace });
  }
  return fetch;
}

/** Tor names a directory that it will still ask only after it told of the one that failed. */
async function hasMore(control: TorControl): Promise<boolean> {
  for (let turn = 0; turn < TURNS && !control.hasEvent(); turn += 1) await insist(control, 'GETINFO version');
  return control.hasEvent();
}

async function nextEvent(control: TorControl, { asked }: Fetch, { signal }: Context): Promise<TorReply> {
  try {
    return await control.nextEvent();
  } catch (error) {
    if (!(error instanceof TargetFailure)) throw error;
    if (!signal.aborted) throw new LookFailure('control.connect', `Tor: ${error.message}`, { cause: error });
    throw toAbortFailure(signal, 'timeout.total', `no descriptor in time, ${asked.length} directories asked`);
  }
}

function noteEvent({ lines }: TorReply, label: string, { fetch, trace }: { fetch: Fetch; trace: Context['trace'] }): void {
  const [line] = lines;
  const [name, onion] = line?.text.split(' ', 2) ?? [];
  // A failure has an empty one.
  if (name === 'HS_DESC_CONTENT' && onion === label && line?.block) fetch.descriptor = line.block.replace(/\n?$/, '\n');
  const event = readDescriptorEvent(line?.text ?? '');
  if (event === null || event.onion !== label || event.directory === '') return;
  trace(`control port: ${cleanText(`${event.action} ${event.directory.slice(0, 9)} ${event.reason}`, 60)}`);
  if (event.action === 'REQUESTED') fetch.asked.push(event.directory);
  if (event.action === 'FAILED') fetch.failed.push(event.reason);
}

/** control-spec, section 4.1.25: why a directory did not give it. */
const REASONS: Record<string, [code: string, words: string]> = {
  NOT_FOUND: ['onion.not_found', 'has it'],
  BAD_DESC: ['onion.bad', 'has one that Tor accepts'],
  QUERY_REJECTED: ['onion.rejected', 'answers the question for it'],
};

function toFailure({ asked, failed }: Fetch): Observation {
  const reasons = new Set(failed);
  const [only = ''] = reasons;
  const [code, words] = (reasons.size === 1 ? REASONS[only] : undefined) ?? ['onion.unreachable', 'gives it'];
  const more = code === 'onion.unreachable' ? ` (${cleanText([...reasons].join(', '), 60)})` : '';
  return { kind: 'failed', code, output: `descriptor of the onion: none of ${asked.length} directories ${words}${more}` };
}

/** A service may let in only clients with a key: then it is this Tor's key that counts, as for all that goes through it. */
async function readWithKey(
  descriptor: string,
  label: string,
  { control, context }: Tools,
): Promise<Introductions & { points: number }> {
  const seen = readIntroductions(descriptor, label, null);
  if ('points' in seen) return seen;
  const { lines } = await insist(control, `ONION_CLIENT_AUTH_VIEW ${label}`);
  const line = lines.find(({ text }) => text.startsWith(`CLIENT ${label} x25519:`))?.text;
  const key = Buffer.from(/ x25519:([A-Za-z0-9+/]{43}=)/.exec(line ?? '')?.[1] ?? '', 'base64');
  context.trace(`control port: clients need a key, this Tor has ${key.length === 32 ? 'one' : 'none'}`);
  if (key.length !== 32) throw new LookFailure('onion.no_key', 'onion needs client authorisation, and this Tor has no key for it');
  const known = readIntroductions(descriptor, label, key);
  if ('points' in known) return known;
  throw new LookFailure('onion.key', 'onion needs client authorisation, and refuses the key that this Tor has');
}

function readMemory(memory: unknown): string[] {
  const list: unknown =
    typeof memory === 'object' && memory !== null ? (memory as Record<string, unknown>)['directories'] : undefined;
  const isDirectory = (one: unknown): one is string => typeof one === 'string' && /^\$[0-9A-F]{40}$/.test(one);
  return Array.isArray(list) ? list.filter(isDirectory).slice(0, MOST_DIRECTORIES) : [];
}
