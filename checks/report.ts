import {
  type Context,
  cleanText,
  defineCheckType,
  formatAge,
  LookFailure,
  type Observation,
  option,
  TargetFailure,
} from '../src/check-type.ts';
import { type Accepted, openReport, ReportProblem } from '../src/net/host-report.ts';
import { runOwnAgent } from '../src/net/own-agent.ts';
import { fetchReport, readInbox, readReportFile } from '../src/net/report-source.ts';
import { parsePublicLine } from '../src/net/sshsig.ts';
import { tlsOption } from '../src/net/tls-option.ts';

export default defineCheckType({
  type: 'report',
  summary:
    "A host's own signed report can be had, is fresh, and is what that host signed. Exists by itself for every host with `report:`, for the checks that read it.",
  options: {
    url: option.url('Where the host shows it: `https`, or the `http` of an onion service.', {
      schemes: ['http', 'https'],
      optional: true,
    }),
    inbox: option.text('Or the folder that the host pushes it to, as `vigie-report`.', { maxLength: 1000, optional: true }),
    file: option.text('Or a file on this machine.', { maxLength: 1000, optional: true }),
    agent: option.text(
      "With `file`: this machine's agent is run first, with this configuration of its own, as the user that vigie runs as.",
      { maxLength: 1000, optional: true },
    ),
    keys: option.list(
      "The host's public keys, as `ssh-ed25519 AAAA...`; two while a key is changed.",
      option.text('A key, as in the `.pub` file that `ssh-keygen` wrote.', { maxLength: 500 }),
      { minItems: 1, maxItems: 2, orOne: true },
    ),
    interval: option.duration('How often the host makes one.', { default: '5m', min: 1 }),
    max_age: option.duration('How old it may be; default: three times `interval`. What it says itself does not count.', {
      min: 1,
      optional: true,
    }),
    host: option.text('The host that it must speak of.', { default: '${host.name}', maxLength: 255 }),
    address: option.text("Connect to this name or address instead of the URL's.", { optional: true, maxLength: 255 }),
    tls: { ...tlsOption, help: 'How an `https` address is verified.' },
  },
  metrics: {
    age: { unit: 's', label: 'Age', help: 'Since the host made it.' },
    unavailable: { unit: '', label: 'Facts missing', help: 'Facts that the host could not find out.' },
  },
  thresholds: {},
  example: {
    url: 'https://web1.example.org/vigie-report',
    keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
    host: 'web1',
  },
  proxied: true,
  target: ({ url, inbox, file }) => cleanText(url ?? inbox ?? file ?? '', 200),
  validate({ url, inbox, file, agent, keys, tls }) {
    const problems: Record<string, string> = {};
    const sources = [url, inbox, file].filter((source) => source !== undefined);
    if (sources.length !== 1) problems['url'] = `expected one of url, inbox and file, found ${sources.length}`;
    else if (url?.startsWith('http:') && !isPrivateWay(url))
      problems['url'] = 'plain http, expected https, or an onion address: what a host says of itself is for nobody else';
    if (agent !== undefined && file === undefined) problems['agent'] = 'only with file: other machines run their agents themselves';
    if (tls && !url?.startsWith('https:')) problems['tls'] = 'the address is not https';
    const wrong = keys.find((line) => parsePublicLine(line) === null);
    if (wrong !== undefined)
      problems['keys'] = `not a public key, expected ssh-ed25519 AAAA..., found ${JSON.stringify(cleanText(wrong, 40))}`;
    return problems;
  },
  async run(
    { url, inbox, file, agent, keys, interval, max_age: maxAge = interval * 3, host, address, tls },
    context,
  ): Promise<Observation> {
    try {
      if (agent !== undefined) await runOwnAgent(agent, context);
      const bytes = await read({ url, inbox, file, address, tls }, context);
      const rules = { host, keys, now: context.now, maxAge, accepted: readAccepted(context.memory) };
      const { report, accepted, age, isNews } = openReport(bytes, rules);
      const missing = Object.values(report.facts).filter((fact) => 'unavailable' in fact).length;
      const output = `report ${formatAge(age)} old, agent ${cleanText(report.agent, 20)}${missing === 0 ? '' : `, ${missing} ${missing === 1 ? 'fact' : 'facts'} not to be had`}`;
      context.trace(`number ${report.seq}, signed for ${host}${isNews ? '' : ': no news'}`);
      if (report.unknownFacts > 0) context.trace(`${report.unknownFacts} facts of a newer agent`);
      return { kind: 'measured', output, metrics: { age, unavailable: missing }, memory: { accepted }, report: { report, isNews } };
    } catch (error) {
      if (!(error instanceof ReportProblem)) throw error;
      // Whose clock is wrong cannot be seen from here.
      if (error.code === 'report.future') throw new LookFailure(error.code, error.message);
      throw new TargetFailure(error.code, error.message);
    }
  },
});

/** Nobody on the way reads along: an onion service is encrypted by itself, and the loopback interface has no way. */
function isPrivateWay(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname.endsWith('.onion') || /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

type Source = {
  url: string | undefined;
  inbox: string | undefined;
  file: string | undefined;
  address: string | undefined;
  tls: Parameters<typeof fetchReport>[0]['tls'];
};

function read({ url, inbox, file, address, tls }: Source, context: Context): Promise<Buffer> {
  if (url !== undefined) return fetchReport({ url, address, tls }, context);
  return inbox === undefined ? readReportFile(file ?? '') : readInbox(inbox);
}

/** What a database that was meddled with holds is nothing. */
function readAccepted(memory: unknown): Accepted {
  const found = (memory as { accepted?: unknown } | null | undefined)?.accepted;
  return typeof found === 'object' && found !== null ? (found as Accepted) : {};
}
