import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Snapshot } from '../../src/core/snapshot.ts';
import type { Status } from '../../src/core/status.ts';
import { toCalendar } from '../../src/core/views-words.ts';
import { DEMO_CATALOGUE, DEMO_NOW, demoSnapshot } from '../support/demo.ts';
import { openFirefox } from '../support/firefox.ts';
import { needs } from '../support/server.ts';
import { type PublishedSites, publishInto } from '../support/site.ts';
import { serveFolder } from '../support/site-server.ts';

/** States of an infrastructure that few days have, and in which most depends on the first look. */

const textOf = (page: string) => page.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');

/** Every check's latest result changed, and what follows from it. */
function alter(change: (status: Status, latest: NonNullable<Status['latest']>) => void, more: Partial<Snapshot> = {}): Snapshot {
  const demo = demoSnapshot();
  for (const status of demo.statuses.values()) if (status.latest !== null) change(status, status.latest);
  return { ...demo, said: null, incidents: [], ...more };
}

function fail(status: Status, latest: NonNullable<Status['latest']>, waits?: 'mass-failure'): void {
  const onset = DEMO_NOW - 180_000;
  status.latest = { ...latest, state: 'CRITICAL', output: 'no route to host', withheld: null };
  status.streak = { startedAt: onset, length: 3, worst: 'CRITICAL', judged: true };
  status.problem = { onset, told: null, toldTo: [], parts: [], okInARow: 0, run: 8120, ...(waits === undefined ? {} : { waits }) };
}

async function read(snapshot: Snapshot, page: string): Promise<string> {
  const sites = await publishInto(snapshot, DEMO_CATALOGUE);
  sites.remove();
  return sites.files.get(page) ?? '';
}

describe('what the eye meets first on a bad day', () => {
  it('[W1] [H2] while our own network is cut the headline says so, and nobody is said to be hurt', async () => {
    const cut = alter((status, latest) => {
      status.problem = null;
      status.streak = null;
      status.latest = { ...latest, state: 'CRITICAL', output: 'no route to host', withheld: 'isolated' };
    });
    const page = await read(cut, 'private/index.html');
    const text = textOf(page.slice(page.indexOf('<main')));
    assert.match(text, /^ No check was judged: our own network was down\. Who may be hurt development UNKNOWN/);
    assert.match(text, /Not judged: our own network was down 47 checks apt-repository\/stable-suite no route to host/);
    assert.match(page, /<ul class="rows lined bare dense">/);
    assert.match(text, /Website NOT JUDGED 2 checks/);
  });

  it('[T2] [H2] why nobody is told of a mass failure yet is said once, not beside each check', async () => {
    const page = await read(
      alter((status, latest) => fail(status, latest, 'mass-failure')),
      'private/index.html',
    );
    const text = textOf(page);
    assert.match(text, /47 problems , nobody is on them yet 47 critical Who is hurt/);
    assert.match(
      text,
      /Nobody is told of 47 of them yet: many checks fail at once; it waits for the second run, then it is told\./,
    );
    assert.equal(text.split('many checks fail at once').length - 1, 1);
    assert.equal(text.split('not told yet').length - 1, 47);
    assert.equal(text.split('names/zone').length - 1, 0, 'no second list of what is a problem');
    assert.match(text, /Website CRITICAL 2 checks/);
  });

  it('[W4] that all problems are planned stands beside their number', async () => {
    const { said } = demoSnapshot();
    const [downtime] = said?.downtimes ?? [];
    assert.ok(downtime !== undefined);
    const people = { acknowledgements: [], changes: [], downtimes: [{ ...downtime, target: '*' }] };
    const page = await read(
      alter((status, latest) => fail(status, latest), { said: people, downtimesSince: () => [] }),
      'private/index.html',
    );
    assert.match(textOf(page), /47 problems , all acknowledged or planned 47 critical/);
    assert.match(textOf(page), /In downtime 7 by bert until 15:05 UTC: new disk/);
  });

  it('[H2] beside a time stands that of UTC, with a day of its own only where it is another one', () => {
    const at = Date.parse('2026-11-21T17:55:00Z');
    const inZone = (zone: string) => toCalendar(zone, DEMO_NOW).short(at).words.replaceAll('\u00a0', ' ');
    assert.equal(inZone('UTC'), 'Sat 21 Nov 17:55 UTC');
    assert.equal(inZone('Europe/Paris'), 'Sat 21 Nov 18:55 CET (17:55 UTC)');
    assert.equal(inZone('Asia/Tokyo'), '02:55 GMT+9 (Sat 17:55 UTC)');
  });
});

describe('checks with much to show, or little', () => {
  const partsOf = (bad: number, all: number) =>
    Array.from({ length: all }, (_, i) => ({
      name: `volume-${i}`,
      state: i % 5 === 2 && i < bad * 5 ? ('CRITICAL' as const) : ('OK' as const),
      output: 'seen',
    }));
  const parts: Record<string, ReturnType<typeof partsOf>> = {
    'website/front-page': partsOf(3, 40),
    'downloads/stable': partsOf(1, 4),
    'git/web': partsOf(0, 9),
  };
  let sites: PublishedSites;
  before(async () => {
    const snapshot = alter(
      ({ check }, latest) => {
        latest.parts = parts[check] ?? [];
        if (check === 'downloads/rsync') latest.metrics = {};
      },
      { measuredResults: () => [], dayCounters: () => [] },
    );
    sites = await publishInto(snapshot, DEMO_CATALOGUE);
  });
  after(() => sites.remove());
  const pageOf = (check: string) => sites.files.get(`private/checks/${check}.html`) ?? '';

  it('[H2] among many parts those that fail stand alone, and the others behind a fold that counts them', () => {
    const [open = '', folded = ''] = pageOf('website/front-page').split('<summary>37 other parts are OK</summary>');
    assert.match(textOf(open), /Part State Seen volume-2 CRITICAL seen volume-7 CRITICAL seen volume-12 CRITICAL seen $/);
    assert.match(textOf(folded), /^ Part State Seen volume-0 OK seen volume-1 OK/);
  });

  it('[H2] a few parts stand as they came, and many that are all OK are counted', () => {
    assert.match(textOf(pageOf('downloads/stable')), /volume-0 OK seen volume-1 OK seen volume-2 CRITICAL/);
    assert.match(pageOf('git/web'), /<details><summary>9 parts are OK<\/summary>/);
    assert.equal(pageOf('git/web').split('volume-0').length - 1, 1);
  });

  it('[H2] no chart is promised to a check that measures nothing', () => {
    assert.match(pageOf('downloads/rsync'), /id="Hours">Last 24 hours/);
    assert.doesNotMatch(pageOf('downloads/rsync'), /Charts come/);
  });
});

/** Text that stands in a column of a few letters, and what is broader than the page. */
const SQUEEZED = `() => {
  const squeezed = [...document.querySelectorAll('main *')].filter((one) => {
    const { width, height } = one.getBoundingClientRect();
    return one.textContent.trim().length > 10 && width > 0 && width < 24 && height > 60;
  });
  const over = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  return [...squeezed.map((one) => one.className + ' ' + one.textContent.trim().slice(0, 20)), ...(over > 0 ? ['overflow ' + over] : [])];
}`;

describe('names of 60 letters', () => {
  const LONG = 'x123456789'.repeat(6);

  function longSnapshot(): Snapshot {
    const demo = demoSnapshot();
    const { website } = demo.configuration.services;
    assert.ok(website !== undefined);
    const services = { ...demo.configuration.services, website: { ...website, title: LONG, neededBy: ['users', LONG] } };
    const front = demo.statuses.get('website/front-page');
    if (front?.latest) front.latest = { ...front.latest, output: `HTTP 503, expected ${LONG}${LONG}` };
    return { ...demo, configuration: { ...demo.configuration, title: LONG, services } };
  }

  it('[H2] squeeze nothing beside them and make no page broader', needs('firefox-esr'), async () => {
    const sites = await publishInto(longSnapshot(), DEMO_CATALOGUE);
    const server = await serveFolder(sites.folder);
    const browser = await openFirefox('safest');
    try {
      const page = await browser.newPage();
      for (const path of [
        'private/index.html',
        'private/services/website.html',
        'public/index.html',
        'public/services/website.html',
      ]) {
        await page.goto(`${server.root}/${path}`);
        for (const width of [1400, 800, 360]) {
          await page.setViewport({ width, height: 900 });
          assert.deepEqual(await page.evaluate(`(${SQUEEZED})()`), [], `${path} at ${width} pixels`);
        }
      }
    } finally {
      await browser.close();
      server.close();
      sites.remove();
    }
  });
});
