import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { DEMO_CATALOGUE, demoSnapshot } from './support/demo.ts';
import { needs, temporaryFolder } from './support/server.ts';
import { type PublishedSites, publishInto } from './support/site.ts';
import { type SiteServer, serveFolder } from './support/site-server.ts';

const GUIDE = readFileSync(new URL('../../docs/pages.md', import.meta.url), 'utf8');

describe('the script of docs/pages.md for continuous integration', needs('curl', 'dash'), () => {
  let sites: PublishedSites;
  let server: SiteServer;
  const { path: folder, remove } = temporaryFolder();
  before(async () => {
    sites = await publishInto(demoSnapshot(), DEMO_CATALOGUE);
    server = await serveFolder(sites.folder);
    writeFileSync(join(folder, 'infrastructure'), /```sh ci\n([\s\S]*?)```/.exec(GUIDE)?.[1] ?? 'exit 99');
  });
  after(() => {
    server.close();
    sites.remove();
    remove();
  });

  /** As at this time: the script's `date` is ours. */
  function run(time: string, site: string, ...services: string[]): Promise<[code: number | null, words: string]> {
    writeFileSync(join(folder, 'date'), `#!/bin/sh\necho ${time}\n`);
    chmodSync(join(folder, 'date'), 0o755);
    const child = spawn('dash', [join(folder, 'infrastructure'), site, ...services], {
      env: { PATH: `${folder}:${process.env['PATH']}` },
    });
    let words = '';
    child.stderr.on('data', (bytes: Buffer) => {
      words += bytes.toString();
    });
    return new Promise((resolve) => child.on('close', (code) => resolve([code, words.trim()])));
  }

  const cases: { name: string; time: string; services: string[]; code: number; words: RegExp }[] = [
    { name: 'what works is no reason', time: '2026-11-22T14:06:00Z', services: ['git', 'builds'], code: 0, words: /^$/ },
    {
      name: 'a service that is down is one, with the time of its onset',
      time: '2026-11-22T14:06:00Z',
      services: ['git', 'website'],
      code: 75,
      words: /^infrastructure broken: website is down since 2026-11-22T13:49:00Z, not your commit$/,
    },
    { name: 'what is degraded is none', time: '2026-11-22T14:06:00Z', services: ['chat'], code: 0, words: /^$/ },
    {
      name: 'a service that is not public is not asked for',
      time: '2026-11-22T14:06:00Z',
      services: ['names'],
      code: 0,
      words: /404/,
    },
    {
      name: 'old pages say nothing',
      time: '2026-11-22T18:00:00Z',
      services: ['website'],
      code: 0,
      words: /^monitoring has stopped, its next run was due by 2026-11-22T14:08:00Z/,
    },
  ];
  for (const { name, time, services, code, words } of cases) {
    it(`[W5] ${name}`, async () => {
      const found = await run(time, `${server.root}/public`, ...services);
      assert.equal(found[0], code, found[1]);
      assert.match(found[1], words);
    });
  }

  it('[W5] where monitoring cannot be asked, the job goes on', async () => {
    const [code, words] = await run('2026-11-22T14:06:00Z', `${server.root}/nowhere`, 'website');
    assert.equal(code, 0);
    assert.match(words, /monitoring does not answer: nothing is known about the infrastructure$/);
  });
});
