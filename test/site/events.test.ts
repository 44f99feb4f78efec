import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Event } from '../../src/core/item.ts';
import { dayBefore } from '../../src/core/past.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { publishSites } from '../../src/site/publisher.ts';
import { archiveOf } from '../support/archive.ts';
import { DEMO_CATALOGUE, DEMO_NOW, demoSnapshot } from '../support/demo.ts';
import { mistakesOf } from '../support/html.ts';
import { temporaryFolder } from '../support/server.ts';

const DAY = 86_400_000;
const TODAY = '2026-11-22';
const CALM = 'chat/certificate';
const BUSY = 'website/front-page';

function event(at: number, check: string, number: number): Event {
  const common = { at, run: number, check, host: null, state: 'CRITICAL' as const, onset: at, told: true };
  return { ...common, kind: 'problem', reason: `reason ${number}`, output: `output ${number}` };
}

/** A year and more of one event a day, a day of 1100, and one event of a quiet check 300 days ago. */
function history(now: number): Event[] {
  const events: Event[] = [];
  for (let ago = 0; now - ago * DAY > DEMO_NOW - 400 * DAY; ago += 1) events.push(event(now - ago * DAY, BUSY, ago));
  for (let i = 0; i < 1100; i += 1) events.push(event(DEMO_NOW - 10 * DAY - i * 1000, BUSY, i));
  events.push(event(DEMO_NOW - 300 * DAY, CALM, 300));
  return events.filter(({ at }) => at <= now).sort((a, b) => b.at - a.at);
}

describe('events of long ago', () => {
  const { path: folder, remove } = temporaryFolder();
  const read: string[] = [];

  /** Publishes as of `now`, with the newest 500 events at hand, and says which days' events were read for it. */
  async function publish(now: number, events: Event[]): Promise<string[]> {
    const demo = demoSnapshot();
    const archive = archiveOf(events, now, 'UTC');
    const snapshot: Snapshot = {
      ...demo,
      now,
      configuration: {
        ...demo.configuration,
        sites: { private: { output: folder, url: null, title: 'Example' }, public: null },
      },
      events: events.slice(0, 500),
      archive: {
        ...archive,
        readDay: (day, part) => {
          read.push(day);
          return archive.readDay(day, part);
        },
      },
    };
    read.length = 0;
    await publishSites(snapshot, DEMO_CATALOGUE);
    return [...new Set(read)].sort();
  }
  const page = (name: string) => readFileSync(join(folder, 'events', name), 'utf8');

  before(() => publish(DEMO_NOW, history(DEMO_NOW)));
  after(remove);

  it('[W2] every day that is kept has a page, which the list of days leads to, and leads to the days beside it', () => {
    const list = page('days.html');
    assert.match(list, /<b>2026-11<\/b>/);
    for (const ago of [1, 2, 30, 200, 399]) {
      const day = dayBefore(TODAY, ago);
      assert.ok(list.includes(`href="../events/days/${day}.html"`), day);
      const text = page(`days/${day}.html`);
      assert.ok(text.includes(`output ${ago}`), day);
      assert.ok(text.includes(`href="../../events/days/${dayBefore(TODAY, ago - 1)}.html"`) || ago === 1, day);
      if (ago < 399) assert.ok(text.includes(`href="../../events/days/${dayBefore(TODAY, ago + 1)}.html"`), day);
    }
  });

  it('[W2] a long day is told whole, in parts', () => {
    const day = dayBefore(TODAY, 10);
    const parts = ['', '-2', '-3'].map((part) => page(`days/${day}${part}.html`));
    assert.deepEqual(
      parts.map((text) => text.match(/<tr><td>/g)?.length),
      [500, 500, 101],
    );
    assert.match(parts[0] ?? '', /1101 changes, the newest first/);
    assert.match(parts[1] ?? '', /-2\.html" aria-current="page">part 2<\/a>/);
  });

  it('[W2] a service and a host have their own events, however old, also when hundreds happened elsewhere since', () => {
    for (const name of ['services/chat.html', 'hosts/xmpp.html']) {
      assert.match(page(name), /output 300/);
      assert.doesNotMatch(page(name), /output 299/);
    }
    assert.match(page('services/website.html'), /The newest 300; older ones stand among the events of their days\./);
    assert.match(readFileSync(join(folder, 'checks/chat/certificate.html'), 'utf8'), /output 300|reason 300/);
  });

  it('[H2] such pages are valid HTML', async () => {
    for (const name of ['days.html', `days/${dayBefore(TODAY, 10)}-2.html`, 'services/chat.html'])
      assert.deepEqual(await mistakesOf(name, page(name)), [], name);
  });

  it('[R2] days that are over are not made again, whatever happens today; at midnight the day that is over is, and the one before it', async () => {
    const news = event(DEMO_NOW + 60_000, BUSY, 9999);
    assert.deepEqual(await publish(DEMO_NOW + 60_000, [news, ...history(DEMO_NOW)]), []);
    const tomorrow = DEMO_NOW + DAY;
    assert.deepEqual(await publish(tomorrow, history(tomorrow)), [dayBefore(TODAY, 1), TODAY]);
    assert.match(page(`days/${dayBefore(TODAY, 1)}.html`), /the day after, Sun 2026-11-22/);
    assert.deepEqual(await publish(tomorrow + 60_000, history(tomorrow)), []);
  });
});
