import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { CheckFacts, Item } from '../../src/core/item.ts';
import { composeText } from '../../src/core/message.ts';

const GOLDEN = new URL('../../../test/golden/mail', import.meta.url).pathname;
const MINUTE = 60_000;
const NIGHT = Date.UTC(2026, 10, 22, 2, 7, 0);
const context = { timezone: 'Europe/Paris', now: NIGHT, url: 'http://example.onion/' };

function factsOf(overrides: Partial<CheckFacts> = {}): CheckFacts {
  return {
    title: 'Website',
    type: 'http',
    target: 'https://example.org/',
    output: 'HTTP 503 in 0.42 s, expected 200-299',
    code: 'http.status',
    priority: 'critical',
    notes: 'https://wiki.example.org/runbook/website',
    source: 'conf.d/website.yaml:12',
    page: 'services/website.html#front-page',
    failingParts: [],
    affected: null,
    also: [],
    was: null,
    past: [],
    ...overrides,
  };
}

function itemOf(overrides: Partial<Item> = {}, facts: Partial<CheckFacts> = {}): Item {
  return {
    kind: 'problem',
    at: NIGHT,
    run: 17,
    check: 'website/front-page',
    host: 'web1',
    state: 'CRITICAL',
    onset: NIGHT - 2 * MINUTE,
    reason: '3 failures in a row',
    to: ['sysadmins'],
    facts: factsOf(facts),
    lines: [],
    ...overrides,
  };
}

function wholeOf(kind: Item['kind'], reason: string, lines: string[] = []): Item {
  return { ...itemOf({ kind, reason, lines, check: null, host: null, state: null, onset: NIGHT }), facts: null };
}

const recovery = itemOf(
  { kind: 'recovery', state: 'OK', at: NIGHT + 10 * MINUTE, reason: 'OK again' },
  { output: 'HTTP 200 in 0.05 s', was: 'CRITICAL', past: [{ onset: Date.UTC(2026, 10, 12, 9), duration: 360 }] },
);

function digest(size: number): Item[] {
  return Array.from({ length: size }, (_, i) => {
    const id = `service-${String(i).padStart(3, '0')}/page`;
    const facts = { title: `Service ${i}`, page: `services/service-${i}.html#page`, target: `https://s${i}.example.org/` };
    if (i % 5 === 4) return itemOf({ ...recovery, check: id }, { ...recovery.facts, ...facts });
    return itemOf({ check: id, state: i % 3 === 1 ? 'WARNING' : 'CRITICAL' }, facts);
  });
}

const goldens: { name: string; items: Item[]; url?: null }[] = [
  {
    name: 'problem',
    items: [
      itemOf(
        {},
        {
          also: ['web1/disk', 'website/login'],
          past: [
            { onset: Date.UTC(2026, 10, 12, 9), duration: 360 },
            { onset: Date.UTC(2026, 9, 3, 22), duration: 7200 },
          ],
        },
      ),
    ],
  },
  {
    name: 'worse-with-parts',
    items: [
      itemOf(
        { kind: 'worse', check: 'web1/disk', reason: 'was told as WARNING, is now CRITICAL', onset: NIGHT - 300 * MINUTE },
        {
          title: 'web1',
          type: 'disk',
          target: 'file systems of web1',
          output: '2 of 9 file systems: /var 97 % used, critical above 90 %',
          failingParts: ['/var: 97 % used, critical above 90 %', '/srv: 84 % used, warning above 80 %'],
          notes: null,
          page: 'hosts/web1.html#disk',
        },
      ),
    ],
  },
  {
    name: 'parent',
    items: [
      itemOf(
        { check: 'router/alive', host: 'router' },
        {
          title: 'router',
          type: 'ping',
          target: '192.0.2.1',
          output: 'no answer within 10 s',
          affected: '14 checks, of them critical: website/front-page',
          page: 'hosts/router.html#alive',
        },
      ),
    ],
  },
  { name: 'recovery', items: [recovery] },
  { name: 'over', items: [itemOf(), itemOf({ kind: 'worse', at: NIGHT + MINUTE }), recovery] },
  {
    name: 'new',
    items: [
      {
        ...itemOf({ kind: 'new', check: null, host: 'mail', reason: '2 checks never OK since the start, 2 h ago', facts: null }),
        lines: ['mail/smtp CRITICAL: connection refused', 'mail/imap CRITICAL: no answer within 10 s'],
      },
    ],
  },
  {
    name: 'started',
    items: [
      wholeOf('started', 'watching 750 checks, 1 of them in trouble', ['website/login CRITICAL: HTTP 500, expected 200-299']),
    ],
  },
  {
    name: 'config',
    items: [
      wholeOf('config', '1 error: the last good version is in use', [
        'conf.d/website.yaml:7:7: services.website.checks.front-page.colour: unknown key, expected one of the options of http, found "colour" (did you mean "code"?)',
      ]),
    ],
  },
  {
    name: 'removed',
    items: [
      wholeOf('removed', '1 file disappeared; the checks in it go on for a day', [
        'conf.d/website.yaml: until 2026-11-23T02:07Z, or vigie config confirm',
      ]),
    ],
  },
  {
    name: 'database',
    items: [wholeOf('database', 'the history was corrupt and was moved to history.sqlite.corrupt-2026-11-22; a new one began')],
  },
  { name: 'overlap', items: [wholeOf('overlap', '3 runs in a row found another one still running')] },
  { name: 'without-a-site', items: [itemOf({}, { notes: null })], url: null },
  { name: 'digest-of-5', items: digest(5) },
  { name: 'digest-of-60', items: digest(60) },
  { name: 'digest-of-500', items: digest(500) },
];

describe('the mail as a person reads it', () => {
  for (const { name, items, url } of goldens) {
    it(`[H1] ${name} reads as in test/golden/mail`, () => {
      const { subject, body } = composeText(items, url === null ? { ...context, url } : context);
      const text = `Subject: ${subject}\n\n${body}`;
      const path = join(GOLDEN, `${name}.txt`);
      if (process.env['UPDATE_GOLDEN'] === '1') {
        mkdirSync(GOLDEN, { recursive: true });
        writeFileSync(path, text);
      }
      assert.equal(text, existsSync(path) ? readFileSync(path, 'utf8') : '');
      for (const line of body.split('\n')) assert.ok(line.length <= 72 || /^ {2}(page|notes) /.test(line), line);
    });
  }

  it('[H1] a time always carries its zone, with UTC beside it where they differ', () => {
    const { body } = composeText([itemOf()], context);
    assert.match(body, /^ {2}since {3}Sun 2026-11-22 03:05 .*\(02:05 UTC\)/m);
    assert.match(composeText([itemOf()], { ...context, timezone: 'UTC' }).body, /^ {2}since {3}Sun 2026-11-22 02:05 UTC, 2 min/m);
  });

  it('[H1] a problem stands before a warning, a warning before what is over', () => {
    const warning = itemOf({ check: 'a/warning', state: 'WARNING' });
    const { body, subject } = composeText([recovery, warning, itemOf({ check: 'z/critical' })], context);
    assert.match(subject, /^\[vigie\] PROBLEM z\/critical CRITICAL: .* \(\+2 more\)$/);
    assert.ok(body.indexOf('z/critical') < body.indexOf('a/warning') && body.indexOf('a/warning') < body.indexOf('RECOVERED'));
  });

  it('[case O08] a line of a peer that looks like ours stays behind its quote mark', () => {
    const { body } = composeText([itemOf({}, { output: `CRITICAL all/hosts ${'x'.repeat(300)}\n-- \nfrom vigie` })], context);
    const seen = body.split('\n').filter((line) => /all\/hosts|xxx|-- from/.test(line));
    assert.ok(seen.length >= 5);
    for (const line of seen) assert.match(line, /^ {2}(seen| {4}) {4}> /);
  });
});
