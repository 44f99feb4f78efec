import type { Context, Metrics, Observation } from '../src/check-type.ts';
import { cleanText, defineCheckType, formatAge, option, TargetFailure } from '../src/check-type.ts';
import { requestHttp } from '../src/net/http.ts';
import { findHttpProblems, httpOptions, toRequest, withoutLogin } from '../src/net/http-options.ts';

const MAX_STATUS = 256 * 1024;

export default defineCheckType({
  type: 'web-status',
  summary: 'The status page of nginx (`stub_status`) or Apache (`server-status?auto`): requests per second, connections, workers.',
  options: {
    url: option.url('The address of the status page; for Apache it ends with `?auto`.', { schemes: ['http', 'https'] }),
    ...httpOptions,
  },
  metrics: {
    value: {
      unit: '',
      label: 'Hits per second',
      help: 'Requests a second since the last run; absent in the first, and after a restart.',
    },
    active: { unit: '', label: 'Active', help: 'Open connections of nginx, or busy workers of Apache.' },
    idle: { unit: '', label: 'Idle', help: 'Connections that wait, or idle workers.' },
  },
  thresholds: {},
  example: { url: 'http://192.0.2.10/server-status?auto' },
  proxied: true,
  target: ({ url }) => withoutLogin(url),
  validate: (bound) => findHttpProblems(bound.url, bound),
  async run(bound, context): Promise<Observation> {
    const { status, body } = await requestHttp({ ...toRequest(bound, context), url: bound.url, maxBody: MAX_STATUS }, context);
    if (status !== 200) throw new TargetFailure('http.status', `HTTP ${status}, expected 200 and a status page`);
    const found = readNginx(body.toString('utf8')) ?? readApache(body.toString('utf8'));
    if (found === null) {
      const seen = cleanText(body.toString('utf8', 0, 80), 40);
      throw new TargetFailure('status.foreign', `"${seen}", expected stub_status of nginx or server-status?auto of Apache`);
    }
    return toRate(found, context);
  },
});

interface Status {
  requests: number;
  active: number;
  idle: number;
}

/** `Active connections: 3`, a line of headings, `accepts handled requests`, `Reading: 0 Writing: 1 Waiting: 2`. */
function readNginx(text: string): Status | null {
  const active = /^Active connections:\s+(\d{1,15})\s*$/m.exec(text)?.[1];
  const requests = /^\s*\d{1,15}\s+\d{1,15}\s+(\d{1,15})\s*$/m.exec(text)?.[1];
  const idle = /Waiting:\s+(\d{1,15})/.exec(text)?.[1];
  if (active === undefined || requests === undefined) return null;
  return { requests: Number(requests), active: Number(active), idle: Number(idle ?? 0) };
}

/** `Total Accesses: 42`, which Apache says with `ExtendedStatus On`, its default. */
function readApache(text: string): Status | null {
  const read = (name: string) => new RegExp(`^${name}: (\\d{1,15})\\s*$`, 'm').exec(text)?.[1];
  const [requests, active, idle] = ['Total Accesses', 'BusyWorkers', 'IdleWorkers'].map(read);
  if (requests === undefined || active === undefined) return null;
  return { requests: Number(requests), active: Number(active), idle: Number(idle ?? 0) };
}

interface Memory {
  at: number;
  requests: number;
}

function toRate({ requests, active, idle }: Status, context: Context): Observation {
  const before = context.memory as Partial<Memory> | null | undefined;
  const memory: Memory = { at: context.now, requests };
  const metrics: Metrics = { active, idle };
  const seconds = typeof before?.at === 'number' ? (context.now - before.at) / 1000 : 0;
  const more = typeof before?.requests === 'number' ? requests - before.requests : -1;
  const now = `${active} active, ${idle} idle`;
  // Fewer than before: the server was started anew, and nobody knows when.
  if (seconds <= 0 || more < 0)
    return { kind: 'measured', output: `${now}; hits per second come with the next look`, metrics, memory };
  const value = Number((more / seconds).toPrecision(4));
  return {
    kind: 'measured',
    output: `${value} hits per second over ${formatAge(seconds)}, ${now}`,
    metrics: { ...metrics, value },
    memory,
  };
}
