import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { toTimestamp } from '../../src/core/calendar.ts';
import { replaceStalePage } from '../../src/site/stopped.ts';
import { DEMO_CATALOGUE, demoSnapshot } from '../support/demo.ts';
import { mistakesOf } from '../support/html.ts';
import { needs } from '../support/server.ts';
import { type PublishedSites, publishInto, readFiles } from '../support/site.ts';

const SITES = ['private', 'public'] as const;
const REFRESH = '<meta http-equiv="refresh" content="300">';

async function stop(folder: string, now: number, since: number | null = now - 3_600_000): Promise<void> {
  for (const site of SITES) await replaceStalePage(`${folder}/${site}`, { title: 'Example', zone: 'UTC', now, since });
}

describe('a site whose monitoring has stopped', () => {
  const demo = demoSnapshot();
  const now = demo.now + 7_200_000;
  const since = toTimestamp(now - 3_600_000);
  let sites: PublishedSites;
  let stopped: Map<string, string>;
  before(async () => {
    sites = await publishInto(demo, DEMO_CATALOGUE);
    await stop(sites.folder, now);
    stopped = readFiles(sites.folder);
  });
  after(() => sites.remove());

  const names = (pattern: RegExp) => [...stopped.keys()].filter((name) => pattern.test(name));
  const read = (name: string) => stopped.get(name) ?? '';

  it('[W4] [W6] each page that answers a question says that nobody knows: overviews, "can we release now?", the public services', () => {
    const answers = names(/^(private|public)\/index\.html$|^private\/needed\/.*\.html$|^public\/services\/.*\.html$/);
    assert.ok(answers.length > 8);
    for (const name of answers) {
      assert.match(read(name), /<h1 class="verdict critical stopped">Monitoring has stopped since /, name);
      assert.doesNotMatch(read(name), /\byes\b|operational/, name);
      assert.match(read(name), name.split('/').length > 2 ? /href="\.\.\/style\.css"/ : /href="style\.css"/);
    }
    assert.match(sites.files.get('public/services/website.html') ?? '', /class="state/, 'what stood there before');
  });

  const lost: { name: string; what: string; site: string; replaced: string; kept: string | null }[] = [
    {
      name: 'a public site without badges is one',
      what: 'public/badge',
      site: 'public',
      replaced: 'services/website.html',
      kept: null,
    },
    {
      name: 'a private site keeps what says as of when it is',
      what: 'none',
      site: 'private',
      replaced: 'needed/users.html',
      kept: 'services/website.html',
    },
    {
      name: 'nothing is believed of a site that has lost its status.json',
      what: 'private/status.json',
      site: 'private',
      replaced: 'services/website.html',
      kept: null,
    },
  ];
  for (const { name, what, site, replaced, kept } of lost) {
    it(`[W4] ${name}`, async () => {
      const own = await publishInto(demo, DEMO_CATALOGUE);
      rmSync(`${own.folder}/${what}`, { recursive: true, force: true });
      await stop(own.folder, now);
      const files = readFiles(own.folder);
      assert.match(files.get(`${site}/${replaced}`) ?? '', /Monitoring has stopped since/);
      if (kept !== null) assert.equal(files.get(`${site}/${kept}`), own.files.get(`${site}/${kept}`));
      own.remove();
    });
  }

  it('[W5] [W6] every word for scripts is unknown, of services, hosts and of what is needed', () => {
    const words = names(/^private\/(state|needed)\/.*\.txt$/);
    assert.ok(words.length > 10);
    assert.deepEqual([...new Set(words.map(read))], ['UNKNOWN\n']);
    assert.deepEqual([...new Set(names(/^public\/state\/.*\.txt$/).map(read))], ['unknown\n']);
    const badges = names(/^public\/badge\/.*\.json$/);
    assert.ok(badges.length > 3);
    for (const name of badges) assert.equal(JSON.parse(read(name)).message, 'unknown');
  });

  it('[W5] status.json says since when, and of no service or check that it works; when it was made stays to be read', () => {
    for (const site of SITES) {
      const before = JSON.parse(sites.files.get(`${site}/status.json`) ?? '');
      const found = JSON.parse(read(`${site}/status.json`));
      assert.deepEqual(found.stopped, { since, seen_at: toTimestamp(now) });
      for (const key of ['generated_at', 'next_run_by', 'run', 'title']) assert.equal(found[key], before[key]);
      const list: { state: string; since: null }[] = found.checks ?? found.services;
      assert.equal(list.length, (before.checks ?? before.services).length);
      assert.deepEqual([...new Set(list.map(({ state }) => state.toLowerCase()))], ['unknown']);
      assert.ok(list.every((one) => one.since === null));
    }
    const { summary } = JSON.parse(read('private/status.json'));
    assert.ok(summary.checks > 0);
    assert.deepEqual([summary.ok, summary.unknown], [0, summary.checks]);
  });

  it('[W5] metrics.txt tells of the run and its time, and of no check: Prometheus then has no sample that looks like news', () => {
    const text = read('private/metrics.txt');
    assert.doesNotMatch(text, /vigie_check_/);
    assert.match(text, /^vigie_run_start_timestamp_seconds \d+/m);
    assert.match(text, /\n# EOF\n$/);
  });

  it('[W5] metrics.txt is still what promtool takes', needs('promtool'), () => {
    execFileSync('promtool', ['check', 'metrics'], { input: read('private/metrics.txt'), stdio: ['pipe', 'pipe', 'pipe'] });
  });

  it('[W4] what was seen of hosts and checks stays readable, and what happened stays in the feeds', () => {
    for (const name of [
      'private/hosts/backup.html',
      'private/checks/website/front-page.html',
      'private/feed.atom',
      'public/feed.atom',
    ])
      assert.equal(read(name), sites.files.get(name), name);
  });

  it('[case W08] the pages that say so are valid HTML', async () => {
    for (const name of ['public/index.html', 'private/needed/release.html'])
      assert.deepEqual(await mistakesOf(name, read(name)), [], name);
  });

  it('[W4] saying it again alters nothing but the time at which it was seen', async () => {
    await stop(sites.folder, now);
    assert.deepEqual(readFiles(sites.folder), stopped);
  });

  it('[W4] the next run puts every file back as it was', async () => {
    await sites.again();
    assert.deepEqual(readFiles(sites.folder), sites.files);
  });

  it('[W4] a status.json that is none is replaced by one that says no more than that monitoring has stopped', async () => {
    const { toForgottenJson } = await import('../../src/site/json.ts');
    for (const text of ['', '[1]', '"x"', 'null', '{"checks":'])
      assert.deepEqual(
        JSON.parse(toForgottenJson(text, { since: null, seen_at: since })).stopped,
        { since: null, seen_at: since },
        text,
      );
  });
});

describe('an overview that asks for itself again', () => {
  let sites: PublishedSites;
  before(async () => {
    sites = await publishInto(demoSnapshot(), DEMO_CATALOGUE, { refresh: 300 });
  });
  after(() => sites.remove());
  const refreshing = (files: Map<string, string>) =>
    [...files].filter(([, text]) => /http-equiv="refresh"/.test(text)).map(([name]) => name);

  it('[H2] is the first page of the site where that is asked for, and no other page', () => {
    assert.deepEqual(refreshing(sites.files), ['private/index.html', 'public/index.html']);
    for (const name of refreshing(sites.files)) assert.ok(sites.files.get(name)?.includes(REFRESH), name);
  });

  it('[H2] never does so without being asked to', async () => {
    const calm = await publishInto(demoSnapshot(), DEMO_CATALOGUE);
    calm.remove();
    assert.deepEqual(refreshing(calm.files), []);
  });

  it('[W4] goes on to do so after monitoring has stopped, so that an open tab shows by itself that it is back', async () => {
    const { now } = demoSnapshot();
    await stop(sites.folder, now);
    await stop(sites.folder, now, null);
    const files = readFiles(sites.folder);
    assert.deepEqual(refreshing(files), ['private/index.html', 'public/index.html']);
    for (const site of SITES) {
      assert.ok(files.get(`${site}/index.html`)?.includes(REFRESH));
      assert.match(files.get(`${site}/index.html`) ?? '', />Monitoring has stopped\.</);
    }
  });

  it('[H2] is valid HTML, before and after that', async () => {
    for (const files of [sites.files, readFiles(sites.folder)]) {
      for (const name of refreshing(files))
        assert.deepEqual(await mistakesOf(name, files.get(name) ?? '', { isRefreshing: true }), [], name);
    }
  });
});
