import { cleanText, defineCheckType, type Observation, option, TargetFailure } from '../src/check-type.ts';
import { parseExposition } from '../src/net/exposition.ts';
import { requestHttp } from '../src/net/http.ts';
import { findHttpProblems, httpOptions, toRequest, withoutLogin } from '../src/net/http-options.ts';
import { isNodeMetric, readBootTime, readFacts, readVersion } from '../src/net/node-exporter.ts';

/** A clock that is set moves the time of the boot, which a reboot moves further. */
const SAME_BOOT_S = 120;

export default defineCheckType({
  type: 'exporter',
  summary:
    "A host's `prometheus-node-exporter` answers, and what it says takes the place of a signed report. Exists by itself for every host with `report: {exporter: ...}`, for the checks that read the report.",
  options: {
    url: option.url(
      'The address of the exporter. Nothing proves that the host wrote the answer: `https`, or a network of your own.',
      {
        schemes: ['http', 'https'],
      },
    ),
    max_age: option.duration('How old the files of its textfile collector may be; facts of older ones are not known.', {
      default: '1h',
      min: 60,
    }),
    host: option.text('The host that it speaks of.', { default: '${host.name}', maxLength: 255 }),
    ...httpOptions,
    max_size: option.size('Bytes of the answer that are read at most.', { default: '8MiB', min: 1, max: 64 * 1024 * 1024 }),
  },
  metrics: {
    time: { unit: 's', label: 'Time', help: 'From the name lookup to the end of the answer.' },
    unavailable: { unit: '', label: 'Facts missing', help: 'Facts of a report that the exporter does not have.' },
  },
  thresholds: {},
  example: { url: 'http://192.0.2.10:9100/metrics', host: 'web1' },
  proxied: true,
  target: ({ url }) => withoutLogin(url),
  validate: (bound) => findHttpProblems(bound.url, bound),
  async run(bound, context): Promise<Observation> {
    const request = { ...toRequest(bound, context), url: bound.url, maxBody: bound.max_size };
    const headers = { accept: 'text/plain;version=0.0.4', ...request.headers };
    const { status, body, headers: answered } = await requestHttp({ ...request, headers }, context);
    if (status !== 200) throw new TargetFailure('http.status', `HTTP ${status}, expected 200 and metrics`);
    const samples = parseExposition(body, answered.get('content-type') ?? '', isNodeMetric);
    const bootTime = readBootTime(samples);
    if (bootTime === null) throw new TargetFailure('exporter.foreign', 'no node_boot_time_seconds, expected a node exporter');
    const now = context.now / 1000;
    const facts = readFacts({ samples, now, maxAge: bound.max_age });
    const missing = Object.entries(facts).flatMap(([name, fact]) =>
      'unavailable' in fact ? [`${name}: ${fact.unavailable}`] : [],
    );
    for (const each of missing) context.trace(each);
    const before = (context.memory as { boot?: unknown } | null | undefined)?.boot;
    const boot = typeof before === 'number' && Math.abs(before - bootTime) <= SAME_BOOT_S ? before : bootTime;
    const agent = readVersion(samples);
    const report = {
      host: bound.host,
      seq: Math.floor(now),
      created: Math.floor(now) * 1000,
      interval: 0,
      boot: `booted-${boot}`,
      agent,
      facts,
      unknownFacts: 0,
    };
    const time = Math.round(context.elapsed() * 1e4) / 1e4;
    const known = Object.keys(facts).length - missing.length;
    const output = `${cleanText(agent, 40)} has ${known} of ${Object.keys(facts).length} facts`;
    return {
      kind: 'measured',
      output,
      metrics: { time, unavailable: missing.length },
      memory: { boot },
      report: { report, isNews: true },
    };
  },
});
