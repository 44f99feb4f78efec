import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Event } from '../../src/core/item.ts';
import type { Downtime } from '../../src/core/people.ts';
import type { Snapshot } from '../../src/core/snapshot.ts';
import type { Status } from '../../src/core/status.ts';
import { toPublicChanges } from '../../src/core/views-changes.ts';
import { toPublicView } from '../../src/core/views-public.ts';
import { toPrivateFeed, toPublicFeed } from '../../src/site/feed.ts';
import { demoSnapshot } from '../support/demo.ts';
import { downtimeOf } from '../support/model.ts';
import { needs, temporaryFolder } from '../support/server.ts';

/** Reads the feed with a parser that is not ours, and says what RFC 4287 demands of it: id, title, updated and author, once each. */
const READER = `
import sys, xml.etree.ElementTree as tree, json, re
atom = '{http://www.w3.org/2005/Atom}'
feed = tree.parse(sys.argv[1]).getroot()
assert feed.tag == atom + 'feed', feed.tag
def once(element, name):
    found = element.findall(atom + name)
    assert len(found) == 1, (name, len(found))
    return found[0].text
when = re.compile(r'^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ$')
uuid = re.compile(r'^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$')
entries = []
for one in [feed] + feed.findall(atom + 'entry'):
    assert uuid.match(once(one, 'id')) and when.match(once(one, 'updated')) and once(one, 'title')
    assert any(link.get('rel') == 'alternate' and link.get('href') for link in one.findall(atom + 'link'))
assert feed.find(atom + 'author/' + atom + 'name').text
assert any(link.get('rel') == 'self' for link in feed.findall(atom + 'link'))
for one in feed.findall(atom + 'entry'):
    entries.append({'id': once(one, 'id'), 'title': once(one, 'title'), 'updated': once(one, 'updated'),
      'text': once(one, 'content'), 'page': one.find(atom + 'link').get('href')})
print(json.dumps({'base': feed.get('{http://www.w3.org/XML/1998/namespace}base'), 'id': once(feed, 'id'), 'updated': once(feed, 'updated'), 'entries': entries}))
`;

interface Feed {
  base: string | null;
  id: string;
  updated: string;
  entries: { id: string; title: string; updated: string; text: string; page: string }[];
}

function readFeed(text: string): Feed {
  const { path, remove } = temporaryFolder();
  try {
    writeFileSync(join(path, 'feed.atom'), text);
    return JSON.parse(execFileSync('python3', ['-c', READER, join(path, 'feed.atom')]).toString());
  } finally {
    remove();
  }
}

const publicFeed = (snapshot: Snapshot, url: string | null = null) =>
  toPublicFeed(toPublicView(snapshot), toPublicChanges(snapshot), url);

describe('feeds', needs('python3'), () => {
  it('[H3] [W4] the public one tells which service changed, and each word about an incident; the newest first', () => {
    const { entries, base, updated } = readFeed(publicFeed(demoSnapshot(), 'https://status.example.org'));
    assert.equal(base, 'https://status.example.org/');
    assert.deepEqual(
      entries.slice(0, 5).map(({ title, page }) => [title, page]),
      [
        ['Update: Website answers slowly or not at all: Cause found', 'incidents/2026-11-22-website-answers-slowly.html'],
        ['Website is down', 'services/website.html'],
        ['Update: Website answers slowly or not at all', 'incidents/2026-11-22-website-answers-slowly.html'],
        ['Incident: Website answers slowly or not at all', 'incidents/2026-11-22-website-answers-slowly.html'],
        ['Additional software (APT) is down', 'services/apt-repository.html'],
      ],
    );
    assert.equal(updated, entries[0]?.updated);
    assert.ok(entries.some(({ title }) => title === 'Over: Package repository unreachable'));
    assert.equal(new Set(entries.map(({ id }) => id)).size, entries.length);
  });

  it('[H2] an entry keeps its id, and a feed without news stays as it is, though time goes on', () => {
    const demo = demoSnapshot();
    const first = publicFeed(demo);
    assert.equal(publicFeed({ ...demo, now: demo.now + 60_000, run: { ...demo.run, run: 9999 } }), first);
    const [newest, ...older] = demo.incidents;
    if (newest === undefined) throw new Error('the demo has an incident');
    const more = { at: demo.now, title: 'Mended', blocks: [] };
    const later = publicFeed({ ...demo, incidents: [{ ...newest, updates: [...newest.updates, more] }, ...older] });
    const ids = new Set(readFeed(first).entries.map(({ id }) => id));
    const added = readFeed(later).entries.filter(({ id }) => !ids.has(id));
    assert.deepEqual(
      added.map(({ title }) => title),
      ['Update: Website answers slowly or not at all: Mended'],
    );
    assert.equal(toPrivateFeed({ ...demo, now: demo.now + 60_000 }), toPrivateFeed(demo));
  });

  it('[W4] the private one tells what happened to which check, why, and who reported an incident', () => {
    const { entries } = readFeed(toPrivateFeed(demoSnapshot()));
    const down = entries.find(({ title }) => title === 'PROBLEM website/front-page CRITICAL');
    assert.equal(down?.page, 'checks/website/front-page.html');
    assert.match(down?.text ?? '', /HTTP 503 in 0\.42 s, expected 200-299\n3 failures in a row/);
    assert.ok(entries.some(({ text }) => /Reported by a visitor\./.test(text)));
    assert.ok(!entries.some(({ title }) => title.startsWith('SOFT')));
  });

  it('[case H27] [T1] markup, control characters and halves of characters are text of a feed that still parses', () => {
    const demo = demoSnapshot();
    const hostile = `]]></title><script>"'&amp;\u0000\u001b\u202e\ud83d \ud83d\ude00\ufffe`;
    const events = demo.events.map((event) => ({ ...event, output: hostile, reason: hostile }));
    const { entries } = readFeed(toPrivateFeed({ ...demo, events }));
    assert.match(entries[0]?.text ?? '', /\]\]><\/title><script>"'&amp; \u{1f600}/u);
  });

  it('[H2] a feed without entries is valid too', () => {
    const demo = demoSnapshot();
    assert.equal(readFeed(publicFeed({ ...demo, events: [], incidents: [] })).entries.length, 0);
  });
});

describe('changes of public services', () => {
  const demo = demoSnapshot();
  const now = demo.now;
  const event = (minutes: number, kind: Event['kind'], check: string, state: Event['state'], told = true): Event => ({
    at: now - minutes * 60_000,
    run: 1,
    kind,
    check,
    host: null,
    state,
    onset: 0,
    reason: '',
    output: '',
    told,
  });
  const PAGE = 'website/front-page';
  const OTHER = 'website/certificate';
  const website = demo.configuration.checks.filter(({ id }) => id === PAGE);
  const other = website.map((check) => ({ ...check, id: OTHER, name: 'certificate' }));
  const downtime = downtimeOf({ from: now - 30 * 60_000, duration: 1200, note: '' });
  const UNSTABLE: NonNullable<Status['trouble']> = {
    seen: 0,
    recent: [],
    spells: [],
    hardAt: [],
    unstable: { onset: now, toldTo: [] },
    downs: [],
    down: null,
    recurring: null,
    shadow: null,
  };
  const lasting = demo.statuses.get(PAGE);
  /** `problem`: when the one that lasts began, in minutes ago; null when it works. */
  const changesOf = (events: Event[], { downtimes = [], problem = null, isUnstable = false }: Situation) => {
    if (lasting?.problem == null) throw new Error('the demo has a problem there');
    const status: Status = {
      ...lasting,
      problem: problem === null ? null : { ...lasting.problem, onset: now - problem * 60_000 },
      ...(isUnstable ? { trouble: UNSTABLE } : {}),
    };
    return toPublicChanges({
      ...demo,
      configuration: { ...demo.configuration, checks: [...website, ...other] },
      statuses: new Map([[PAGE, status]]),
      downtimesSince: () => downtimes,
      events,
    })
      .filter(({ service }) => service === 'website')
      .map(({ at, words }) => `${(now - at) / 60_000} ${words}`);
  };
  const since = (minutes: number, one: Event): Event => ({ ...one, onset: now - minutes * 60_000 });

  interface Situation {
    downtimes?: Downtime[];
    problem?: number | null;
    isUnstable?: boolean;
  }
  const rows: { name: string; events: Event[]; changes: string[]; given?: Situation }[] = [
    {
      name: 'it works again when the last of its problems is over',
      events: [
        event(5, 'recovery', OTHER, 'OK'),
        event(8, 'recovery', PAGE, 'OK'),
        event(9, 'problem', OTHER, 'CRITICAL'),
        event(10, 'problem', PAGE, 'CRITICAL'),
      ],
      changes: ['5 works again', '10 is down'],
    },
    {
      name: 'a warning that becomes worse',
      events: [event(3, 'worse', PAGE, 'CRITICAL'), event(9, 'problem', PAGE, 'WARNING')],
      changes: ['3 is down', '9 is degraded'],
    },
    {
      name: 'what nobody was told of is one while it lasts, as the first page says it',
      events: [since(12, event(9, 'problem', PAGE, 'CRITICAL', false))],
      given: { problem: 12 },
      changes: ['9 is down'],
    },
    {
      name: 'and stays one when it is over, with its end: whoever read that it began waits for it',
      events: [since(12, event(3, 'recovery', PAGE, 'OK', false)), since(12, event(9, 'problem', PAGE, 'CRITICAL', false))],
      changes: ['3 works again', '9 is down'],
    },
    {
      name: 'what was held back and never became a problem is none',
      events: [event(9, 'problem', PAGE, 'CRITICAL', false)],
      given: { problem: 3 },
      changes: [],
    },
    {
      name: 'what a planned downtime held is none, also after the downtime',
      events: [since(28, event(15, 'recovery', PAGE, 'OK', false)), since(28, event(25, 'problem', PAGE, 'CRITICAL', false))],
      given: { downtimes: [downtime] },
      changes: [],
    },
    {
      name: 'what a planned downtime leaves broken is one from its end on',
      events: [since(28, event(9, 'downtime-end', PAGE, 'CRITICAL')), since(28, event(25, 'problem', PAGE, 'CRITICAL', false))],
      given: { downtimes: [downtime], problem: 28 },
      changes: ['9 is down'],
    },
    {
      name: 'what failed before a downtime is one',
      events: [since(40, event(35, 'problem', PAGE, 'CRITICAL', false))],
      given: { downtimes: [downtime], problem: 40 },
      changes: ['35 is down'],
    },
    {
      name: 'a weekly downtime that begins with a failure held in the weeks before, wherever it could',
      events: [since(28, event(15, 'recovery', PAGE, 'OK', false)), since(28, event(25, 'problem', PAGE, 'CRITICAL', false))],
      given: {
        downtimes: [
          {
            ...downtime,
            from: now - 21 * 86_400_000 - 30 * 60_000,
            repeat: 'weekly',
            flexible: 1200,
            begun: { window: now + 7 * 86_400_000 - 30 * 60_000, at: now + 7 * 86_400_000 },
          },
        ],
      },
      changes: [],
    },
    {
      name: 'a check that is unstable fails once, and its flapping is none',
      events: [
        since(12, event(10, 'recovery', PAGE, 'OK', false)),
        since(12, event(11, 'problem', PAGE, 'CRITICAL', false)),
        since(22, event(20, 'recovery', PAGE, 'OK', false)),
        since(22, event(21, 'unstable', PAGE, 'CRITICAL')),
      ],
      changes: ['20 works again', '21 is down'],
    },
    {
      name: 'the flapping of one that has been unstable for longer than the events reach back is none',
      events: [since(12, event(10, 'recovery', PAGE, 'OK', false)), since(12, event(11, 'problem', PAGE, 'CRITICAL', false))],
      given: { isUnstable: true },
      changes: [],
    },
    {
      name: 'the end of a problem that is older than the events that are known is one',
      events: [event(5, 'recovery', PAGE, 'OK')],
      changes: ['5 works again'],
    },
    {
      name: 'the end of an old one that nobody was told of is none',
      events: [event(5, 'recovery', PAGE, 'OK', false)],
      changes: [],
    },
    { name: 'that we could not look is none', events: [event(9, 'problem', PAGE, 'UNKNOWN')], changes: [] },
    { name: 'a soft failure is none', events: [event(9, 'soft', PAGE, 'CRITICAL')], changes: [] },
    { name: 'a check that is not public is none', events: [event(9, 'problem', 'website/hidden', 'CRITICAL')], changes: [] },
    {
      name: 'two checks in one run are one change',
      events: [event(9, 'problem', OTHER, 'WARNING'), event(9, 'problem', PAGE, 'CRITICAL')],
      changes: ['9 is down'],
    },
  ];
  for (const { name, events, changes, given = {} } of rows) {
    it(`[H3] ${name}`, () => assert.deepEqual(changesOf(events, given), changes));
  }
});
