import { cleanText, defineCheckType, LookFailure, type Observation, option, TargetFailure } from '../src/check-type.ts';
import { describeCounts, HeartbeatProblem, MAX_HEARTBEAT, openHeartbeat } from '../src/net/heartbeat.ts';
import { requestHttp } from '../src/net/http.ts';
import { parsePublicLine } from '../src/net/sshsig.ts';
import { tlsOption } from '../src/net/tls-option.ts';

export default defineCheckType({
  type: 'heartbeat',
  summary: 'Another vigie is alive: its `heartbeat.txt` is fresh and signed with a pinned key; says how its checks stand.',
  options: {
    url: option.url('Its heartbeat, as `https://status.example.org/heartbeat.txt`.', { schemes: ['http', 'https'] }),
    keys: option.list(
      'Public keys that it may be signed with, as `ssh-ed25519 AAAA...`; two while a key is changed.',
      option.text('A key, as in the `heartbeat.pub` that its `vigie init` wrote.', { maxLength: 500 }),
      { minItems: 1, maxItems: 2, orOne: true },
    ),
    max_age: option.duration('How old its last run may be; what the file says of its interval does not count.', {
      default: '5m',
      min: 1,
    }),
    address: option.text('Connect to this name or address instead of that of `url`.', { optional: true }),
    tls: { ...tlsOption, help: 'How an `https` address is verified.' },
    family: option.choice('Address family: 4 or 6. Default: whichever answers first.', [4, 6], { optional: true }),
  },
  metrics: {
    age: { unit: 's', label: 'Age', help: 'Since its last run began.' },
    critical: { unit: '', label: 'Critical', help: 'Its checks that are CRITICAL.' },
    ok: { unit: '', label: 'OK', help: 'Its checks that are OK.' },
  },
  thresholds: {},
  example: {
    url: 'https://status.example.org/heartbeat.txt',
    keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
  },
  proxied: true,
  target: ({ url }) => cleanText(url, 200),
  validate({ keys }) {
    const wrong = keys.find((line) => parsePublicLine(line) === null);
    return wrong === undefined
      ? {}
      : { keys: `not a public key, expected ssh-ed25519 AAAA..., found ${JSON.stringify(cleanText(wrong, 40))}` };
  },
  async run({ url, keys, max_age: maxAge, address, tls, family }, context): Promise<Observation> {
    const response = await requestHttp({ url, address, tls, family, maxBody: MAX_HEARTBEAT }, context);
    if (response.status !== 200)
      throw new TargetFailure('heartbeat.missing', `HTTP ${response.status}, expected its heartbeat.txt`);
    try {
      const { run, age, created, checks } = openHeartbeat(response.body, { keys, now: context.now, maxAge });
      refuseReplay(context.memory, created);
      const output = `run ${run}, ${age} s ago: ${describeCounts(checks)}`;
      return { kind: 'measured', output, metrics: { age, critical: checks.critical, ok: checks.ok }, memory: { created } };
    } catch (error) {
      if (!(error instanceof HeartbeatProblem)) throw error;
      // Whose clock is wrong cannot be seen from here.
      if (error.code === 'heartbeat.future') throw new LookFailure(error.code, error.message);
      throw new TargetFailure(error.code, error.message);
    }
  },
});

/** Who holds an older file can show it again while it is fresh; the one that came last says better. */
function refuseReplay(memory: unknown, created: number): void {
  const last = (memory as { created?: unknown } | null | undefined)?.created;
  if (typeof last !== 'number' || created >= last) return;
  const [shown, seen] = [created, last].map((at) => new Date(at).toISOString().replace('.000', ''));
  throw new HeartbeatProblem('replay', `made ${shown}, but one of ${seen} was seen before`);
}
