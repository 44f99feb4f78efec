import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { DEMO_CATALOGUE, demoSnapshot } from '../support/demo.ts';
import { type PublishedSites, publishInto } from '../support/site.ts';

const textOf = (page: string) => page.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');

/** All is well, as on most days. */
function calmSnapshot(): Snapshot {
  const demo = demoSnapshot();
  for (const status of demo.statuses.values()) {
    status.problem = null;
    status.streak = null;
    if (status.latest !== null) status.latest = { ...status.latest, state: 'OK', withheld: null };
  }
  return { ...demo, said: null, incidents: [] };
}

/** As after `npm start`: one run, of which no time has passed yet. */
function firstSnapshot(): Snapshot {
  const calm = calmSnapshot();
  for (const status of calm.statuses.values()) {
    status.hours = [];
    status.today = null;
  }
  return { ...calm, run: { ...calm.run, run: 1 }, runs: calm.runs.slice(0, 1), pasts: new Map(), events: [] };
}

describe('what the eye meets first', () => {
  let calm: PublishedSites;
  let first: PublishedSites;
  let troubled: PublishedSites;
  before(async () => {
    calm = await publishInto(calmSnapshot(), DEMO_CATALOGUE);
    first = await publishInto(firstSnapshot(), DEMO_CATALOGUE);
    troubled = await publishInto(demoSnapshot(), DEMO_CATALOGUE);
  });
  after(() => {
    for (const sites of [calm, first, troubled]) sites.remove();
  });
  const read = (sites: PublishedSites, path: string) => sites.files.get(path) ?? '';

  it('[H2] while all is well the overview says so once: no count of nothing, nobody is hurt, no word of a state that does not stand', () => {
    const page = read(calm, 'private/index.html');
    const text = textOf(page.slice(page.indexOf('<main'), page.indexOf('class="legend"')));
    assert.match(text, /^ ?All 47 checks are OK\. Nobody is hurt development OK/);
    assert.doesNotMatch(page, /class="tally"/);
    assert.doesNotMatch(text, /critical|CRITICAL|warning| \d+ OK\b/);
    assert.match(text, /Website OK 2 checks/);
  });

  it('[W6] in trouble the counts and who is hurt stand before the problems', () => {
    const text = textOf(read(troubled, 'private/index.html'));
    assert.match(
      text,
      /4 problems , nobody is on 3 of them yet 2 critical 1 warning 1 unknown .* 39 OK Who is hurt .* Problems CRITICAL/,
    );
    assert.doesNotMatch(text, /\b0 (critical|warning|unknown)/);
  });

  it('[A4] the first runs say what to do next, and show what was seen: no bar is empty', () => {
    const page = read(first, 'private/index.html');
    assert.match(
      textOf(page),
      /What now\? Write what is to be watched into conf\.d\/.*vigie config check.*vigie mail test.*vigie doctor/,
    );
    assert.match(textOf(page), /during the first 60 runs/);
    assert.doesNotMatch(read(calm, 'private/index.html'), /What now/);
    for (const path of ['private/index.html', 'public/index.html']) {
      const bars = [...read(first, path).matchAll(/<div class="bar"[^>]*>(.*?)<\/div>/g)].map(([, cells = '']) => cells);
      assert.ok(bars.length >= 7, path);
      for (const cells of bars) assert.match(cells, /<i class="ok n1" title="[^"]*"><\/i>$/, path);
    }
  });

  it('[H3] on the public page a service that was only just measured works, and has no share yet', () => {
    const page = read(first, 'public/index.html');
    assert.match(textOf(page), /All services work\. For everyone Website Operational – Downloads Operational –/);
    assert.match(page, /aria-label="last 90 days: measured for the first time just now"/);
  });

  it('[H3] the public page names its axis once for each group, and what its colours mean', () => {
    const page = read(calm, 'public/index.html');
    assert.equal(page.split('90 days ago').length - 1, 2);
    assert.match(textOf(page), /Website Operational 99\.\d\d % Downloads Operational 99\.\d\d %/);
    const [, legend = ''] = /<p class="legend" aria-hidden="true">(.*?)<\/p>/s.exec(page) ?? [];
    for (const name of ['ok', 'warning', 'critical', 'planned', 'unknown', 'none'])
      assert.ok(legend.includes(`<i class="${name}">`), name);
  });

  it('[H2] the day of an event stands above it and not beside it, the next run has no date that is today’s', () => {
    assert.match(textOf(read(troubled, 'private/events.html')), /Sun 2026-11-22 When .* 14:04 UTC soft CRITICAL jenkins\/login/);
    assert.match(textOf(read(troubled, 'private/index.html')), /Next due by 14:08 UTC/);
  });
});
