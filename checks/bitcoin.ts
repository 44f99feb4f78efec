import { readFileSync, statSync } from 'node:fs';
import type { Bound, Context, Observation, Part } from '../src/check-type.ts';
import { cleanText, defineCheckType, formatAge, LookFailure, option, TargetFailure } from '../src/check-type.ts';
import { parseHeight, parseRpcHeight, type Voice, vote } from '../src/net/bitcoin.ts';
import { takeFreshFact, toAge } from '../src/net/facts.ts';
import { requestHttp } from '../src/net/http.ts';
import { withoutLogin } from '../src/net/http-options.ts';
import { parsePath } from '../src/net/json-path.ts';
import { tlsOption } from '../src/net/tls-option.ts';

const PATH_HELP = 'Where the height stands in a JSON document, such as `blocks` or `data.height`; default: the text is the height.';

const options = {
  file: option.object(
    'The height as the node itself writes it down, from cron: no password of a wallet leaves its machine. For a node on this machine; for another one `reported`. Both are better than `rpc`.',
    {
      path: option.text('A file with the output of `bitcoin-cli getblockcount`, or a JSON document.'),
      json: option.text(PATH_HELP, { optional: true, maxLength: 200 }),
      max_age: option.duration('The file was written no longer ago.', { default: '15m', min: 60 }),
    },
    { optional: true },
  ),
  reported: option.object(
    "The height in the host's own report: its agent has a `number PATH` line for the file. Nothing else is needed of the node's machine.",
    {
      path: option.text('The file with the output of `bitcoin-cli getblockcount`, as the configuration of the agent names it.', {
        maxLength: 300,
      }),
      max_age: option.duration('The file was written no longer ago.', { default: '15m', min: 60 }),
    },
    { optional: true },
  ),
  rpc: option.object(
    'The JSON-RPC of the node. Who holds its password may do what it allows: give vigie a user with `rpcwhitelist=NAME:getblockcount`.',
    {
      url: option.url('The address, such as `http://127.0.0.1:8332/`.', { schemes: ['http', 'https'] }),
      user: option.text('The user, without a colon.', { optional: true, pattern: '^[^:]*$' }),
      password: option.secret('The password of `user`.', { optional: true }),
      cookie: option.secret("The node's cookie, `__cookie__:...`, instead of user and password.", { optional: true }),
      tls: tlsOption,
    },
    { optional: true },
  ),
  sources: option.list(
    'Who else is asked for the height of the chain: addresses of different people.',
    option.object('One source.', {
      name: option.text("What it is called; default: its address's host.", { optional: true, maxLength: 60 }),
      url: option.url('The address.', { schemes: ['http', 'https'] }),
      json: option.text(PATH_HELP, { optional: true, maxLength: 200 }),
      tls: tlsOption,
    }),
    { minItems: 1, maxItems: 20 },
  ),
  quorum: option.integer('So many sources must agree; default: more than half of them.', { optional: true, min: 1, max: 20 }),
  tolerance: option.integer('Heights that differ by so many blocks agree: a new block takes a while to be known.', {
    default: 2,
    min: 0,
    max: 100,
  }),
  source_timeout: option.duration('A source has so long; then it is silent.', { default: '5s', min: 1, max: 60 }),
};
type BitcoinOptions = Bound<typeof options>;
type Source = BitcoinOptions['sources'][number];

interface Memory {
  height: number;
}

export default defineCheckType({
  type: 'bitcoin',
  summary:
    'A Bitcoin node knows the newest blocks: its height against what several sources say, of which those that lie are outvoted.',
  options,
  metrics: {
    lag: { unit: '', label: 'Lag', help: 'Blocks behind the sources that agree; negative where the node is ahead of them.' },
    height: { unit: '', label: 'Height', help: 'Blocks of the node.' },
    rewound: { unit: '', label: 'Rewound', help: 'Blocks that the node has fewer than last time: it left a chain.' },
    outvoted: { unit: '', label: 'Outvoted', help: 'Sources that say something else than those that agree.' },
    silent: { unit: '', label: 'Silent', help: 'Sources without an answer that can be used.' },
  },
  thresholds: { lag: { warning: '-3:3', critical: '-6:6' }, rewound: { warning: 0 } },
  example: {
    file: { path: '/var/lib/vigie/bitcoin-height', max_age: '15m' },
    sources: [
      { url: 'https://blocks.example.org/api/height' },
      { url: 'https://chain.example.net/status', json: 'data.height' },
      { name: 'explorer', url: 'https://explorer.example.com/q/getblockcount' },
    ],
  },
  proxied: true,
  readsReport: ({ reported }) => reported !== undefined,
  target: ({ file, reported, rpc, sources }) =>
    `${file || reported ? cleanText((file ?? reported)?.path ?? '', 100) : withoutLogin(rpc?.url ?? '')} against ${sources.length} sources`,
  validate: findProblems,
  run: observe,
});

function findProblems({ file, reported, rpc, sources, quorum }: BitcoinOptions): Record<string, string> {
  const origins = sources.map(({ url }) => (URL.canParse(url) ? new URL(url).origin : url));
  const paths = [file?.json, ...sources.map(({ json }) => json)];
  const isLoginWhole = rpc === undefined || (rpc.cookie === undefined) !== (rpc.user === undefined || rpc.password === undefined);
  const isLoginDouble = rpc?.cookie !== undefined && (rpc.user !== undefined || rpc.password !== undefined);
  return {
    ...([file, reported, rpc].filter((one) => one !== undefined).length === 1
      ? {}
      : { file: 'expected one of reported, file and rpc, which say the height of the node' }),
    ...(!isLoginWhole || isLoginDouble ? { rpc: 'either user and password, or a cookie' } : {}),
    ...(new Set(origins).size < origins.length ? { sources: 'two of them are one server: that is one voice' } : {}),
    ...(paths.some((path) => path !== undefined && parsePath(path) === null)
      ? { sources: 'json: a path such as data.height' }
      : {}),
    ...(quorum !== undefined && quorum > sources.length ? { quorum: 'more than there are sources' } : {}),
  };
}

interface Answer {
  name: string;
  height: number | null;
  /** Why there is no height. */
  reason: string;
}

async function observe(bound: BitcoinOptions, context: Context): Promise<Observation> {
  const asked = bound.sources.map((source) => ask(source, bound, context));
  // A node without an answer is what this check is about: then the sources are not waited for.
  const [height, ...answers] = await Promise.all([readNode(bound, context), ...asked]);
  context.trace(`the node is at ${height}`);
  const voices = answers.filter((one): one is Answer & Voice => one.height !== null);
  const silent = answers.filter((one) => one.height === null);
  const quorum = bound.quorum ?? Math.floor(bound.sources.length / 2) + 1;
  const result = vote(voices, quorum, bound.tolerance);
  const { height: reference, agreeing, outvoted } = result;
  const before = (context.memory as Memory | undefined)?.height ?? 0;
  const metrics = { height, rewound: Math.max(0, before - height), outvoted: outvoted.length, silent: silent.length };
  const memory: Memory = { height };
  const doubts = [...outvoted.map((one) => `${one.name} says ${one.height}`), ...silent.map(({ name }) => `${name} is silent`)];
  const parts = answers.map((one) => toPart(one, reference, bound.tolerance));
  if (reference === null) {
    const output = cleanText(`no ${quorum} of ${answers.length} sources agree: ${doubts.join(', ')}`, 200);
    return { kind: 'unknown', code: 'bitcoin.quorum', output, metrics, parts, memory };
  }
  const lag = reference - height;
  const doubt = doubts.length === 0 ? '' : `; ${doubts.join(', ')}`;
  const output = cleanText(`${describe(height, lag)} ${agreeing.length} of ${answers.length} sources${doubt}`, 200);
  return { kind: 'measured', output, metrics: { ...metrics, lag }, parts, memory };
}

function describe(height: number, lag: number): string {
  if (lag === 0) return `height ${height}, as say`;
  const blocks = `${Math.abs(lag)} ${Math.abs(lag) === 1 ? 'block' : 'blocks'}`;
  return `height ${height}, ${blocks} ${lag > 0 ? 'behind' : 'ahead of'}`;
}

/** A source is not what is watched: that it lies or is silent is WARNING on its line, and no state of the node. */
function toPart({ name, height, reason }: Answer, reference: number | null, tolerance: number): Part {
  if (height === null) return { name, state: 'UNKNOWN', output: reason };
  if (reference === null) return { name, state: 'UNKNOWN', output: `${height}, and too few agree` };
  if (Math.abs(height - reference) <= tolerance) return { name, state: 'OK', output: String(height) };
  return { name, state: 'WARNING', output: `${height}, outvoted: others say ${reference}` };
}

const MAX_ANSWER = 256 * 1024;

async function readNode({ file, reported, rpc }: BitcoinOptions, context: Context): Promise<number> {
  if (reported) return readReported(reported, context);
  if (file) return parseHeight(readHeightFile(file.path, file.max_age, context), file.json);
  if (!rpc) throw new LookFailure('option.file', 'neither file nor rpc says the height of the node');
  const login = rpc.cookie ? context.secret(rpc.cookie) : `${rpc.user}:${rpc.password ? context.secret(rpc.password) : ''}`;
  const headers = { authorization: `Basic ${Buffer.from(login).toString('base64')}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ jsonrpc: '1.0', id: 'vigie', method: 'getblockcount', params: [] });
  const request = { url: rpc.url, method: 'POST', headers, body, tls: rpc.tls, maxBody: MAX_ANSWER };
  const { status, body: answer } = await requestHttp(request, context);
  if (status === 401) throw new TargetFailure('bitcoin.login', 'the node refuses the login (HTTP 401)');
  if (status === 403) throw new TargetFailure('bitcoin.login', 'the node refuses this machine or getblockcount (HTTP 403)');
  if (status !== 200 && status !== 500) throw new TargetFailure('http.status', `HTTP ${status} from the node, expected 200`);
  return parseRpcHeight(answer.toString('utf8'), 'vigie');
}

/** Throws LookFailure `report.*`, `file.*`: what makes the report or the file has failed, and nothing is known of the node. */
function readReported({ path, max_age: maxAge }: { path: string; max_age: number }, context: Context): number {
  const name = cleanText(path, 50);
  const found = takeFreshFact(context, 'files').list.find((one) => one.path === path);
  if (found === undefined) throw new LookFailure('file.unasked', `${name} is not reported: the agent needs "number ${name}"`);
  if (found.modified === null) throw new LookFailure('file.missing', `${name} is not there, as the host's report says`);
  const age = toAge(context, found.modified, { code: 'file.future', what: `the time of ${name}` });
  if (age > maxAge) throw new LookFailure('file.stale', `${name} is ${formatAge(age)} old, expected at most ${formatAge(maxAge)}`);
  if (found.number === null)
    throw new LookFailure('file.number', `${name} holds no number, or the agent has "file" for it, expected "number"`);
  return parseHeight(String(found.number));
}

/** Throws LookFailure `file.missing`, `file.stale`: what writes the file has failed, and nothing is known of the node. */
function readHeightFile(path: string, maxAge: number, context: Context): string {
  const name = cleanText(path, 60);
  try {
    const { mtimeMs, size } = statSync(path);
    const age = (context.now - mtimeMs) / 1000;
    if (age > maxAge) {
      throw new LookFailure('file.stale', `${name} is ${formatAge(age)} old, expected at most ${formatAge(maxAge)}`);
    }
    if (size > MAX_ANSWER) throw new LookFailure('file.size', `${name} is longer than ${MAX_ANSWER} bytes`);
    // A FIFO or device in its place has size 0 and is not read: it might block the run.
    return size === 0 ? '' : readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof LookFailure) throw error;
    const reason = cleanText((error as NodeJS.ErrnoException).code ?? 'unknown', 20);
    throw new LookFailure('file.missing', `${name} cannot be read (${reason})`, { cause: error });
  }
}

/** A source that fails is silent; only a proxy's fault, which would silence all of them, is thrown: LookFailure `proxy.*`. */
async function ask(source: Source, { source_timeout: seconds }: BitcoinOptions, context: Context): Promise<Answer> {
  const name = cleanText(source.name ?? new URL(source.url).host, 60);
  const patience = AbortSignal.timeout(seconds * 1000);
  const late = new Promise<never>((_, reject) => {
    patience.addEventListener('abort', () => reject(new TargetFailure('timeout.source', `no answer within ${seconds} s`)));
  });
  try {
    const signal = AbortSignal.any([context.signal, patience]);
    const height = await Promise.race([late, askSource(source, { ...context, signal })]);
    context.trace(`${name} says ${height}`);
    return { name, height, reason: '' };
  } catch (error) {
    const isSilence = error instanceof TargetFailure || (error instanceof LookFailure && !error.code.startsWith('proxy.'));
    if (!isSilence) throw error;
    context.trace(`${name} is silent: ${error.message}`);
    return { name, height: null, reason: error.message };
  }
}

async function askSource({ url, json, tls }: Source, context: Context): Promise<number> {
  const { status, body } = await requestHttp({ url, tls, maxBody: MAX_ANSWER }, context);
  if (status !== 200) throw new TargetFailure('http.status', `HTTP ${status}, expected 200`);
  return parseHeight(body.toString('utf8'), json);
}
