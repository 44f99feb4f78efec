import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { globalFile, installation, vigie } from '../support/cli.ts';

const SERVICES = `services:
  website:
    host: web1
    checks:
      front-page: { type: http, attempts: 3, url: "https://example.org/" }
      login: { type: http, url: "https://example.org/login", attempts: 5 }
hosts:
  web1: { address: 192.0.2.10, checks: { alive: { type: ping, attempts: 3 } } }
`;
const START = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;

let folder: { path: string; remove: () => void };
beforeEach(() => {
  folder = installation(globalFile('maildir:state/mail', 'sentinels: { direct: [{ tcp: "192.0.2.1:443" }] }\n'), {
    'website.yaml': SERVICES,
  });
});
afterEach(() => folder.remove());

type Line = Record<string, unknown>;

/** One line for each word of a story, five minutes apart: `C` CRITICAL, `O` OK. */
function tell(check: string, story: string, more: Line = {}): Line[] {
  const states: Record<string, string> = { O: 'OK', W: 'WARNING', C: 'CRITICAL', U: 'UNKNOWN' };
  return [...story].map((letter, i) => ({ at: toTime(5 * i), check, state: states[letter], output: 'x', ...more }));
}

function toTime(minutes: number): string {
  return new Date(START + minutes * MINUTE).toISOString().replace('.000Z', 'Z');
}

async function replay(
  lines: (Line | string)[],
  args: string[] = ['--json'],
): Promise<{ code: number; stderr: string; lines: Line[]; stdout: string }> {
  writeFileSync(
    join(folder.path, 'timeline.jsonl'),
    lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
  );
  const { code, stdout, stderr } = await vigie(folder.path, ['replay', '--timeline', 'timeline.jsonl', ...args]);
  const isJson = args.includes('--json');
  const parsed = isJson
    ? stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Line)
    : [];
  return { code: code ?? -1, stderr, stdout, lines: parsed };
}

const brief = (lines: Line[]) => lines.map(({ at, check, kind, state }) => `${at} ${check} ${kind} ${state}`);

describe('vigie replay --timeline', () => {
  it('[W1] prints one object for each item, with the fields of the contract', async () => {
    const { code, lines } = await replay(tell('website/front-page', 'OCCCCO'));
    assert.equal(code, 0);
    assert.deepEqual(lines, [
      {
        at: toTime(15),
        check: 'website/front-page',
        host: 'web1',
        kind: 'problem',
        state: 'CRITICAL',
        onset: toTime(5),
        reason: '3 failures in a row',
        to: ['sysadmins'],
      },
      {
        at: toTime(25),
        check: 'website/front-page',
        host: 'web1',
        kind: 'recovery',
        state: 'OK',
        onset: toTime(5),
        reason: 'OK again',
        to: ['sysadmins'],
      },
    ]);
  });

  it('[W1] no check is new and the first run is no first run', async () => {
    const { lines } = await replay(tell('website/front-page', 'CCC'));
    assert.deepEqual(brief(lines), [`${toTime(10)} website/front-page problem CRITICAL`]);
  });

  it('[W1] orders by time, kind and check, whatever the order of the lines', async () => {
    const story = [
      ...tell('website/front-page', 'OCCCO'),
      ...tell('web1/alive', 'OOOOO'),
      ...tell('website/login', 'CCCCCO'),
    ].reverse();
    const { lines } = await replay(story);
    assert.deepEqual(brief(lines), [
      `${toTime(15)} website/front-page problem CRITICAL`,
      `${toTime(20)} website/login problem CRITICAL`,
      `${toTime(20)} website/front-page recovery OK`,
      `${toTime(25)} website/login recovery OK`,
    ]);
  });

  it('[W1] the same line at another time is another result, in any order of times and whatever their form', async () => {
    const alike = (minutes: number[]) => minutes.flatMap((at) => tell('website/front-page', 'C', { at: toTime(at) }));
    const wanted = [`${toTime(10)} website/front-page problem CRITICAL`];
    assert.deepEqual(brief((await replay(alike([0, 5, 10]))).lines), wanted);
    assert.deepEqual(brief((await replay(alike([10, 0, 5]))).lines), wanted);
    const other = JSON.stringify(tell('website/front-page', 'C')[0]);
    const zoned = ['2026-01-01T01:00:00+01:00', toTime(5), '2026-01-01T00:10:00.000Z'].map((at) => other.replace(toTime(0), at));
    assert.deepEqual(brief((await replay(zoned)).lines), wanted);
    const late = `${other.slice(0, -1)},"at":"${toTime(15)}"}`;
    const { code, stderr } = await replay([late, late]);
    assert.equal(code, 2, 'the second "at" counts, and so both lines are one run');
    assert.match(stderr, /timeline\.jsonl:2: two results of one check in a run/);
  });

  it('[C2] a wrong time is an error of its line, also in a line that is like the one before', async () => {
    const [line] = tell('website/front-page', 'O');
    const { code, stderr } = await replay([line ?? {}, { ...line, at: '2026-01-01T00:65:00Z' }]);
    assert.equal(code, 2);
    assert.match(stderr, /timeline\.jsonl:2: at is no time/);
  });

  it('[W1] a parent explains the failures of its run, and --withheld says so', async () => {
    const story = [...tell('web1/alive', 'OCCCCO'), ...tell('website/front-page', 'OCCCCO')];
    const { lines } = await replay(story, ['--json', '--withheld']);
    assert.deepEqual(
      lines.map(({ check, kind, withheld }) => [check, kind, withheld]),
      [
        ['web1/alive', 'problem', undefined],
        ['website/front-page', 'problem', 'unreachable'],
        ['web1/alive', 'recovery', undefined],
      ],
    );
  });

  it('[W1] sentinels that fail withhold, and are told from the second run on', async () => {
    const cut = [1, 2, 3].map((i) => ({ at: toTime(5 * i), event: 'sentinels', group: 'direct', failed: 2, of: 3 }));
    const { lines } = await replay([...tell('website/front-page', 'OCCCO'), ...cut]);
    assert.deepEqual(
      lines.map(({ at, kind, check, host, onset }) => [at, kind, check, host, onset]),
      [
        [toTime(10), 'isolated', null, null, toTime(5)],
        [toTime(20), 'isolation-over', null, null, toTime(5)],
      ],
    );
  });

  it('[W1] half of the sentinels are no isolation', async () => {
    const cut = [1, 2, 3].map((i) => ({ at: toTime(5 * i), event: 'sentinels', group: 'direct', failed: 1, of: 2 }));
    const { lines } = await replay([...tell('website/front-page', 'OCCCO'), ...cut]);
    assert.deepEqual(
      lines.map(({ kind }) => kind),
      ['problem', 'recovery'],
    );
  });

  it('[W4] a downtime holds back what is new, and its end tells what is still HARD', async () => {
    const downtime = { at: toTime(0), event: 'downtime', target: 'website', for: '20m', note: 'upgrade' };
    const { lines } = await replay([downtime, ...tell('website/front-page', 'OCCCCCO')], ['--json', '--withheld']);
    assert.deepEqual(
      lines.map(({ at, kind, withheld }) => [at, kind, withheld]),
      [
        [toTime(15), 'problem', 'downtime'],
        [toTime(20), 'downtime-end', undefined],
        [toTime(30), 'recovery', undefined],
      ],
    );
  });

  it('[H4] a recheck, a code and metrics may be said', async () => {
    const story = tell('website/front-page', 'CCC', { scheduled: false, code: 'http.status', metrics: { time: 0.1 } });
    assert.equal((await replay(story)).lines.length, 1);
  });

  const mistakes = [
    {
      name: 'an unknown check',
      line: { at: toTime(0), check: 'website/nope', state: 'OK' },
      said: /^timeline.jsonl:1: unknown check/,
    },
    { name: 'an unknown state', line: { at: toTime(0), check: 'web1/alive', state: 'DOWN' }, said: /:1: no state, expected OK/ },
    {
      name: 'a time without its zone',
      line: { at: '2026-01-01T00:00:00', check: 'web1/alive', state: 'OK' },
      said: /at is no time/,
    },
    { name: 'an unknown event', line: { at: toTime(0), event: 'party' }, said: /unknown event/ },
    {
      name: 'an unknown group',
      line: { at: toTime(0), event: 'sentinels', group: 'tot', failed: 1, of: 1 },
      said: /unknown network group/,
    },
    { name: 'what is no JSON', line: 'C C C', said: /:1: no JSON/ },
  ];
  for (const { name, line, said } of mistakes) {
    it(`[C2] ${name} is an error with its line, and exit code 2`, async () => {
      const { code, stderr } = await replay([line]);
      assert.equal(code, 2);
      assert.match(stderr, said);
    });
  }

  it('[C2] two results of one check in a run are an error', async () => {
    const twice = tell('web1/alive', 'O');
    const { code, stderr } = await replay([...twice, ...twice]);
    assert.equal(code, 2);
    assert.match(stderr, /:2: two results of one check in a run/);
  });

  it('[W1] --budget prints messages', async () => {
    const { lines } = await replay(
      [...tell('website/front-page', 'OCCCO'), ...tell('web1/alive', 'OOOOO')],
      ['--json', '--budget'],
    );
    const [first] = lines as { recipient: string; items: Line[] }[];
    assert.equal(first?.recipient, 'sysadmins@example.org');
    assert.deepEqual(
      first?.items.map(({ kind }) => kind),
      ['problem'],
    );
  });

  it('[W1] for people it is a table and a count', async () => {
    const { stdout } = await replay(tell('website/front-page', 'OCCCO'), []);
    assert.match(stdout, /Thu 2026-01-01 00:15 UTC +problem +website\/front-page +CRITICAL/);
    assert.match(stdout, /\n2 items in 5 runs with results\n$/);
  });

  it('[C2] compares two configurations in words', async () => {
    const other = installation(globalFile('maildir:state/mail'), {
      'website.yaml': SERVICES.replace('attempts: 3', 'attempts: 9').replace(', attempts: 5', ', attempts: 1'),
    });
    try {
      const args = ['--config', folder.path, '--config', other.path];
      const story = [...tell('website/front-page', 'OCCCO'), ...tell('website/login', 'OCOOO')];
      const { stdout, code } = await replay(story, args);
      assert.equal(code, 0);
      assert.match(stdout, /^this timeline would have sent 2 messages instead of 2\n/);
      assert.match(stdout, /these would be new: 2\n.*problem +website\/login/);
      assert.match(stdout, /these would be gone: 2\n.*problem +website\/front-page/);
    } finally {
      other.remove();
    }
  });
});
