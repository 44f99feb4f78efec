import assert from 'node:assert/strict';
import { mkdirSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import listing from '../../checks/listing.ts';
import type { Observation } from '../../src/check-type.ts';
import { codeOf, problemsOf, runCheck } from '../support/check.ts';
import { type TestContextSettings, testContext } from '../support/context.ts';
import { startNginx } from '../support/nginx.ts';
import { rawServer } from '../support/raw-server.ts';
import { needs } from '../support/server.ts';
import { startMicrosocks } from '../support/socks.ts';
import { startApache, startLighttpd } from '../support/web-servers.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const HOUR = 3_600_000;

/** stable/1.0 and devel/nightly with ISO images, as a build server has them; one name that HTML and URLs must quote. */
function fill(root: string): void {
  const touch = (path: string, at: number) => utimesSync(join(root, path), at / 1000, at / 1000);
  for (const folder of ['stable/1.0', 'devel/nightly', 'empty', 'odd']) mkdirSync(join(root, folder), { recursive: true });
  for (const [path, size, age] of [
    ['stable/1.0/os-1.0.iso', 5_000_000, 100],
    ['stable/1.0/os-1.0.iso.sig', 300, 100],
    ['devel/nightly/os-1121.iso', 4_000_000, 30],
    ['devel/nightly/os-1122.iso', 4_500_000, 6],
    ['odd/a & b <c> "d" 100%.tar.xz', 10, 3],
  ] as const) {
    writeFileSync(join(root, path), '');
    truncateSync(join(root, path), size);
    touch(path, NOW - age * HOUR);
  }
  for (const folder of ['stable', 'devel', 'stable/1.0', 'devel/nightly', 'empty']) touch(folder, NOW - HOUR);
}

const servers = [
  { name: 'nginx', program: 'nginx', start: () => startNginx() },
  { name: 'Apache', program: 'apache2', start: startApache },
  { name: 'lighttpd', program: 'lighttpd', start: startLighttpd },
];

for (const { name, program, start } of servers) {
  describe(`listing check against the real ${name}`, needs(program), () => {
    let server: Awaited<ReturnType<typeof start>> | undefined;
    before(async () => {
      server = await start();
      fill(server.root);
    });
    after(() => server?.stop());
    const run = (path: string, options: Record<string, unknown> = {}, settings: TestContextSettings = {}): Promise<Observation> =>
      runCheck(listing, { url: `http://127.0.0.1:${server?.port}/${path}`, ...options }, testContext({ now: NOW, ...settings }));

    it('[K13] counts what fits and dates the newest', async () => {
      const seen = await run('devel/nightly/', { match: ['*.iso'], max_age: 86_400 });
      assert.equal(seen.kind, 'measured', seen.output);
      assert.deepEqual([seen.metrics?.['entries'], seen.metrics?.['age']], [2, 6 * 3600]);
      assert.equal(seen.output, '2 entries, newest os-1122.iso, 6 h old');
    });

    it('[K13] several directories in one check are parts, with a level in between', async () => {
      const seen = await run('', { directories: ['stable', 'devel'], levels: 1, match: ['*.iso'], max_age: 2 * 86_400 });
      assert.equal(codeOf(seen), 'listing.stale');
      assert.deepEqual(
        seen.parts?.map((part) => `${part.name} ${part.state}`),
        ['stable CRITICAL', 'devel OK'],
      );
      assert.match(seen.output, /^1 of 2 fail, stable: newest is os-1.0.iso, 4 days old, expected at most 2 days$/);
    });

    it('[K11] a directory that is not there is named', async () => {
      const seen = await run('', { directories: ['stable', 'gone'] });
      assert.equal(codeOf(seen), 'listing.missing');
      assert.match(seen.output, /gone/);
    });

    it('[K11] too few entries, and none in an empty directory', async () => {
      assert.equal(codeOf(await run('devel/nightly/', { match: ['*.iso'], min_entries: 3 })), 'listing.few');
      assert.equal(codeOf(await run('empty/')), 'listing.few');
      assert.equal((await run('empty/', { min_entries: 0 })).kind, 'measured');
    });

    it('[K13] the newest entry is large enough, where rounded sizes count in its favour', async () => {
      assert.equal((await run('devel/nightly/', { match: ['*.iso'], min_size: 4_500_000 })).kind, 'measured');
      assert.equal(codeOf(await run('devel/nightly/', { match: ['*.iso'], min_size: 5_000_000 })), 'listing.small');
    });

    it('[K27] a name that HTML and addresses must quote is read as it is', async () => {
      const seen = await run('odd/', { match: ['a & b <c> "d" 100%.tar.xz'] });
      assert.equal(seen.metrics?.['entries'], 1, seen.output);
    });

    it('[K11] an address without its last slash is the directory all the same', async () => {
      assert.equal((await run('devel/nightly')).kind, 'measured');
    });

    it('[N2] works through a SOCKS proxy', needs('microsocks'), async () => {
      const proxy = await startMicrosocks();
      const settings = { proxy: { name: 'socks', host: '127.0.0.1', port: proxy.port } };
      assert.equal((await run('devel/nightly/', {}, settings)).kind, 'measured');
      await proxy.stop();
    });
  });
}

describe('listing check against a hostile server', () => {
  const answer = async (body: string, head = 'HTTP/1.1 200 OK'): Promise<Observation> => {
    const server = await rawServer((socket) => socket.end(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`));
    try {
      return await runCheck(listing, { url: `http://127.0.0.1:${server.port}/d/` }, testContext({ now: NOW }));
    } finally {
      await server.close();
    }
  };

  it('[case A05] links to scripts, elsewhere, upwards and to other orders are no entries', async () => {
    const links = [
      'javascript:alert(1)',
      '//evil.example/d/x',
      '../',
      '/other/',
      '?C=N;O=D',
      '#top',
      'a/b',
      'data:text/html,x',
      '%2e%2e',
      'good.iso',
    ];
    const seen = await answer(links.map((link) => `<a href="${link}">x</a>`).join('\n'));
    assert.equal(seen.metrics?.['entries'], 1, seen.output);
  });

  it('[case A05] dates that are none count as no date', async () => {
    const rows = ['99999-01-01 00:00', '2027-06-01 00:00', '2026-02-30 10:00', '31-Feb-2026 10:00', '2026-13-01 10:00'];
    const seen = await answer(rows.map((date, i) => `<a href="f${i}">f</a> ${date} 5`).join('\n'));
    assert.deepEqual([seen.metrics?.['entries'], seen.metrics?.['age']], [5, undefined]);
  });

  it('[case A05] a million links are read up to a limit', async () => {
    const seen = await answer('<a href="x">'.repeat(600_000));
    assert.equal(seen.metrics?.['entries'] ?? codeOf(seen), 1);
    const many = Array.from({ length: 200_000 }, (_, i) => `<a href="f${i}">`).join('');
    assert.equal((await answer(many)).metrics?.['entries'], 20_000);
  });

  it('[case A05] a name with markup and control characters is shown as text', async () => {
    const seen = await answer('<a href="%3Cscript%3E.iso">x</a> 2026-11-22 10:00 5\n<a href="a%1b%5b31m">y</a>');
    assert.equal(seen.metrics?.['entries'], 1);
    assert.match(seen.output, /newest <script>.iso/);
  });

  it('[K11] a page that is no index is listing.none', async () =>
    assert.equal(codeOf(await answer('<h1>Maintenance</h1>')), 'listing.none'));
  it('[K11] an error is its status', async () => assert.equal(codeOf(await answer('x', 'HTTP/1.1 503 No')), 'http.status'));

  for (const path of ['../x', '/x', 'a/../b', 'a//b', '']) {
    it(`[A1] "${path}" is no directory below the address`, () => {
      assert.deepEqual(Object.keys(problemsOf(listing, { url: 'http://192.0.2.1/', directories: [path] })), ['directories']);
    });
  }
});
