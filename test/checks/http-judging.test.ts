import assert from 'node:assert/strict';
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import http from '../../checks/http.ts';
import type { Observation } from '../../src/check-type.ts';
import { codeOf, problemsOf, runCheck } from '../support/check.ts';
import { testContext } from '../support/context.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';
import { needs } from '../support/server.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const HEALTH = {
  synchronized: true,
  height: 870_123,
  methods: [
    { id: 'BTC', enabled: false },
    { id: 'BTC-LN', enabled: true },
  ],
};
const range = (min: number | null, max: number | null) => ({ min, max, inverted: false });

describe('http check of what an answer means', needs('nginx'), () => {
  let nginx: Nginx | undefined;
  before(async () => {
    nginx = await startNginx({
      lines: `location = /login-wall { return 302 https://jenkins.example.org/login?from=x; }
        location = /elsewhere { return 302 https://www.example.org/; }
        location = /forbidden { return 403; }`,
    });
    writeFileSync(join(nginx.root, 'health.json'), JSON.stringify(HEALTH));
    writeFileSync(join(nginx.root, 'result.txt'), 'measured\n');
    utimesSync(join(nginx.root, 'result.txt'), NOW / 1000 - 7200, NOW / 1000 - 7200);
    writeFileSync(join(nginx.root, 'built.html'), '<p>Built on 2026-11-21 12:00 UTC by hand</p>');
    writeFileSync(join(nginx.root, 'ahead.html'), '<p>Built on 2026-11-23 12:00 UTC</p>');
  });
  after(() => nginx?.stop());
  const run = (path: string, options: Record<string, unknown>): Promise<Observation> =>
    runCheck(http, { url: `http://127.0.0.1:${nginx?.port}${path}`, ...options }, testContext({ now: NOW }));

  const conditions = [
    { name: 'a member is what it is to be', json: [{ path: 'synchronized', equals: true }], code: 'measured' },
    { name: 'a member is something else', json: [{ path: 'synchronized', equals: 'true' }], code: 'json.value' },
    { name: 'one of several is enough', json: [{ path: 'methods[*].enabled', equals: true }], code: 'measured' },
    { name: 'every one of several is wanted', json: [{ path: 'methods[*].enabled', equals: true, all: true }], code: 'json.value' },
    { name: 'a number within its range', json: [{ path: 'height', range: range(870_000, null) }], code: 'measured' },
    { name: 'a number outside of its range', json: [{ path: 'height', range: range(871_000, null) }], code: 'json.value' },
    { name: 'anything at all', json: [{ path: 'methods[1].id' }], code: 'measured' },
    { name: 'a path that leads nowhere', json: [{ path: 'methods[7].id' }], code: 'json.missing' },
    { name: 'the second condition counts too', json: [{ path: 'height' }, { path: 'lag' }], code: 'json.missing' },
  ];
  for (const { name, json, code } of conditions) {
    it(`[K20] JSON: ${name} (${code})`, async () => {
      const filled = json.map((one) => ({ all: false, ...one }));
      assert.equal(codeOf(await run('/health.json', { json: filled })), code);
    });
  }

  it('[K20] JSON: what was seen and what was wanted stand in the output', async () => {
    const seen = await run('/health.json', { json: [{ path: 'methods[*].enabled', equals: true, all: true }] });
    assert.equal(seen.output, 'methods[*].enabled is false, true, expected true in every place');
  });

  it('[K20] an answer that is no JSON is json.syntax', async () => {
    assert.equal(codeOf(await run('/result.txt', { json: [{ path: 'a', all: false }] })), 'json.syntax');
  });

  const refusals = [
    { name: '401', path: '/private/', code: 'measured' },
    { name: '403', path: '/forbidden', code: 'measured' },
    { name: 'a redirect to the login page', path: '/login-wall', code: 'measured' },
    { name: 'a redirect elsewhere', path: '/elsewhere', code: 'http.not_refused' },
    { name: 'the page itself', path: '/index.html', code: 'http.not_refused' },
    { name: 'an error of the server', path: '/500', code: 'http.not_refused' },
  ];
  for (const { name, path, code } of refusals) {
    it(`[K12] who is not logged in gets ${name}: ${code}`, async () =>
      assert.equal(codeOf(await run(path, { refused: '/login' })), code));
  }

  it('[K27] the age of a file is read from Last-Modified', async () => {
    const { metrics, output } = await run('/result.txt', { date: 'last-modified' });
    assert.equal(metrics?.['age'], 7200);
    assert.match(output, /, 2 h old$/);
  });

  it('[K27] the age of a page is read from a date in its body', async () => {
    const { metrics } = await run('/built.html', { date: 'body', date_regex: 'Built on ([-0-9]+ [:0-9]+)' });
    assert.equal(metrics?.['age'], 86_400);
  });

  const dates = [
    { name: 'no date in the body', path: '/built.html', pattern: 'Made on (.*)', code: 'date.missing' },
    { name: 'a date that is none', path: '/built.html', pattern: 'by (hand)', code: 'date.invalid' },
    { name: 'a date ahead of now', path: '/ahead.html', pattern: 'on ([-0-9]+)', code: 'date.future' },
  ];
  for (const { name, path, pattern, code } of dates) {
    it(`[K27] ${name} is ${code}`, async () => assert.equal(codeOf(await run(path, { date: 'body', date_regex: pattern })), code));
  }
});

describe('http options that judge', () => {
  const given = { url: 'https://192.0.2.1/' };
  for (const { name, more, key } of [
    { name: 'a path that is none', more: { json: [{ path: 'a..b', all: false }] }, key: 'json' },
    { name: 'two wishes for one value', more: { json: [{ path: 'a', equals: 1, range: range(0, 1), all: false }] }, key: 'json' },
    { name: 'a refusal whose redirect would be followed', more: { refused: '/login', redirects: 'any' }, key: 'refused' },
    {
      name: 'a refusal of who has a login',
      more: { refused: '/login', auth: { user: 'a', password: { env: 'P' } } },
      key: 'refused',
    },
    { name: 'a date in the body without its pattern', more: { date: 'body' }, key: 'date' },
    { name: 'a pattern without a date in the body', more: { date_regex: 'x' }, key: 'date_regex' },
  ]) {
    it(`[A1] refuses ${name}`, () => assert.deepEqual(Object.keys(problemsOf(http, { ...given, ...more })), [key]));
  }
});
