import { setTimeout as pause } from 'node:timers/promises';
import {
  type Bound,
  type Context,
  cleanBytes,
  defineCheckType,
  type Observation,
  option,
  TargetFailure,
} from '../src/check-type.ts';
import { createReader, formatSeconds, type Reader } from '../src/net/limits.ts';
import { compileRegex } from '../src/net/match.ts';
import { familyOption, observeFamilies } from '../src/net/parts.ts';
import { startTls } from '../src/net/tls.ts';
import { tlsOption, toTlsSettings } from '../src/net/tls-option.ts';

const options = {
  address: option.text('Name or address to connect to.', { default: '${host.address}' }),
  port: option.integer('The port to connect to.', { min: 1, max: 65_535 }),
  send: option.text('What to send once connected; `\\r \\n \\t \\0 \\\\ \\xHH` stand for bytes.', {
    optional: true,
    maxLength: 4096,
  }),
  expect: option.text('Text that the answer must hold, with the same escapes.', { optional: true, maxLength: 4096 }),
  regex: option.regex('Regular expression (RE2) that the answer must match, instead of `expect`.', {
    optional: true,
    maxLength: 1024,
  }),
  max_bytes: option.size('Bytes of an answer that are read at most.', { default: '16KiB', min: 1, max: 65_536 }),
  tls: { ...tlsOption, help: 'TLS from the first byte; `{}` for its defaults. Absent: plaintext.' },
  server_name: option.text('Name that the certificate must bear, also sent as SNI. Default: the address.', { optional: true }),
  family: familyOption,
};

export default defineCheckType({
  type: 'tcp',
  summary: 'A TCP port accepts connections and, if asked for, says what is expected.',
  options,
  metrics: { time: { unit: 's', label: 'Time', help: 'Connecting, TLS if any, and the answer if one is expected.' } },
  thresholds: {},
  example: { address: '192.0.2.10', port: 22, expect: 'SSH-2.0-' },
  proxied: true,
  target: ({ address, port, tls }) => `${address} port ${port}${tls ? ' (TLS)' : ''}`,
  validate(bound) {
    const problems: Record<string, string> = {};
    if (bound.expect !== undefined && bound.regex !== undefined)
      problems['regex'] = 'excludes expect: expected one of them, found both';
    if (bound.server_name !== undefined && !bound.tls) problems['server_name'] = 'has no meaning without tls';
    for (const key of ['send', 'expect'] as const) {
      const [bad] = /\\.{0,3}/s.exec((bound[key] ?? '').replace(ESCAPE, '')) ?? [];
      if (bad) problems[key] = `unknown escape: expected \\r \\n \\t \\0 \\\\ or \\xHH, found ${JSON.stringify(bad)}`;
    }
    return problems;
  },
  run: (bound, context) => observeFamilies(bound.family, context, (family) => observe(bound, context, family)),
});

type Settings = Bound<typeof options>;

async function observe(bound: Settings, context: Context, family: 4 | 6 | undefined): Promise<Observation> {
  const began = context.elapsed();
  const plain = await context.dial({ host: bound.address, port: bound.port, ...(family ? { family } : {}) });
  const socket = bound.tls ? await startTls(plain, toTlsSettings(bound, bound.address), context.signal) : plain;
  const reader = createReader(socket, context.signal, bound.max_bytes);
  try {
    if (bound.send !== undefined) {
      const bytes = toBytes(bound.send);
      socket.write(bytes);
      context.trace(`sent ${bytes.length} bytes: ${quote(bytes)}`);
    }
    const seen = await awaitAnswer(reader, bound, context);
    if (seen !== null) context.trace(`received what was expected in ${seen.length} bytes: ${quote(seen)}`);
    const time = context.elapsed() - began;
    const what = seen === null ? `connected to port ${bound.port}` : `answer ${quote(seen)}`;
    return { kind: 'measured', output: `${what} in ${formatSeconds(time)}`, metrics: { time } };
  } finally {
    socket.destroy();
  }
}

/** The answer as far as it came when it was right; null when none is expected. */
async function awaitAnswer(reader: Reader, bound: Settings, context: Context): Promise<Buffer | null> {
  if (bound.expect === undefined && bound.regex === undefined) return null;
  const matches = await toMatcher(bound);
  try {
    for (let length = 0; ; ) {
      // Takes nothing, so that an answer in many pieces is looked at as a whole.
      await reader.read((received) => (received.length > length ? 0 : null));
      length = reader.peek().length;
      const start = performance.now();
      if (matches(reader.peek())) return reader.peek();
      // A peer that drips bytes gets at most a tenth of this process.
      await pause((performance.now() - start) * 9, undefined, { signal: context.signal }).catch(() => {});
    }
  } catch (error) {
    throw error instanceof TargetFailure ? explain(error, reader.peek(), bound) : error;
  }
}

function explain(failure: TargetFailure, seen: Buffer, bound: Settings): TargetFailure {
  const wanted = bound.regex === undefined ? quote(toBytes(bound.expect ?? '')) : `a match of ${JSON.stringify(bound.regex)}`;
  const what = seen.length === 0 ? failure.message : `${failure.message}: ${quote(seen)}`;
  const code = failure.code === 'network.closed' ? 'content.missing' : failure.code;
  return new TargetFailure(code, `${what}, expected ${wanted}`, { cause: failure });
}

async function toMatcher({ expect, regex }: Settings): Promise<(bytes: Buffer) => boolean> {
  if (regex === undefined) {
    const wanted = toBytes(expect ?? '');
    return (bytes) => bytes.includes(wanted);
  }
  const isMatch = await compileRegex(regex);
  return (bytes) => isMatch(bytes.toString('utf8'));
}

const ESCAPES: Record<string, string> = { r: '\r', n: '\n', t: '\t', '0': '\0', '\\': '\\' };
const ESCAPE = /(\\x[0-9a-fA-F]{2}|\\[rnt0\\])/g;

function toBytes(text: string): Buffer {
  const parts = text.split(ESCAPE);
  return Buffer.concat(
    parts.map((part, index) => {
      if (index % 2 === 0) return Buffer.from(part, 'utf8');
      return part.startsWith('\\x') ? Buffer.from(part.slice(2), 'hex') : Buffer.from(ESCAPES[part.charAt(1)] ?? '');
    }),
  );
}

function quote(bytes: Buffer): string {
  return JSON.stringify(cleanBytes(bytes, 60));
}
