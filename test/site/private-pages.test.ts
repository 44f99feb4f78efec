import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Event } from '../../src/core/item.ts';
import { toPrivateView } from '../../src/core/views-private.ts';
import { archiveOf } from '../support/archive.ts';
import { bigSnapshot, DEMO_CATALOGUE, demoSnapshot } from '../support/demo.ts';
import { type PublishedSites, publishInto } from '../support/site.ts';

describe('the private pages', () => {
  const textOf = (page: string) => page.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');
  let sites: PublishedSites;
  before(async () => {
    const demo = demoSnapshot();
    const status = demo.statuses.get('names/zone');
    if (status !== undefined)
      status.trouble = {
        seen: 9,
        recent: [],
        spells: [],
        hardAt: [demo.now],
        unstable: { onset: demo.now, toldTo: [] },
        downs: [],
        down: null,
        recurring: null,
        shadow: null,
      };
    sites = await publishInto(demo, DEMO_CATALOGUE);
  });
  after(() => sites.remove());
  const read = (path: string) => textOf(sites.files.get(`private/${path}`) ?? '');

  it('[W2] a problem says since when, what changed just before, and who knows; what nobody knows of stands first', () => {
    const text = read('index.html');
    const problems = text.slice(text.indexOf('Problems'), text.indexOf('Failing, no alert yet'));
    assert.match(problems, /16 min since 13:49 UTC/);
    assert.match(problems, /began 4 min after a change by anna \(website\): new theme/);
    assert.match(problems, /Acknowledged by anna until Mon 23 Nov 20:05 UTC: uwsgi hangs, restarting it/);
    assert.match(problems, /apt-repository \/ stable-suite .*Nobody on it yet.* website \/ front-page/);
    assert.equal(problems.split('Nobody on it yet').length - 1, 3);
  });

  it('[H5] what is unstable has a heading of its own, and status.json says it', () => {
    assert.match(read('index.html'), /Unstable: a problem three times within a day, told only when it lasts OK names\/zone/);
    const { checks } = JSON.parse(sites.files.get('private/status.json') ?? '') as { checks: { id: string; unstable: boolean }[] };
    assert.deepEqual(
      checks.filter(({ unstable }) => unstable).map(({ id }) => id),
      ['names/zone'],
    );
  });

  it('[H2] a check has a page with charts, results, events, settings with their file and line, and the commands to type', () => {
    const text = read('checks/website/front-page.html');
    for (const part of [
      'Last 24 hours critical in 2 of 24',
      'Last 90 days critical in 3 of 90',
      'Time newest hour: 95 of 100 answers within',
      'Certificate newest hour: 61.2 days on average',
      'p50, p95 and p99: half, 95 and 99 of 100 answers took no longer.',
      'soft: it fails, but not yet often enough in a row to be sure, so nobody is told.',
      'The numbers, day by day',
      'available 98.89 %',
      'HTTP 503 in 0.42 s, expected 200-299',
      '3 failures in a row',
      'Settings from conf.d/website.yaml:12',
      'vigie explain website/front-page',
      'vigie ack website/front-page --until 4h',
    ])
      assert.ok(text.includes(part), part);
    assert.match(read('checks/proxy/tor.html'), /proxy\/tor/);
  });

  it('[H2] a host’s page tells first and in full what fails on it, also of its services; every other check is one line', () => {
    const text = read('hosts/web1.html');
    assert.match(
      text,
      /CRITICAL web1 1 critical, 3 OK .*CRITICAL website\/front-page .*HTTP 503 .*Told sysadmins.*IPv6.* Facts Address .* Other checks .*Checks of services on this host .*Changes and events/,
    );
    assert.match(
      text,
      /Other checks Check State Seen last Last 24 hours 90 days alive ping OK 3 of 3 packets .* 100 % ssh tcp OK /,
    );
    assert.match(text, /Checks of services on this host .* website\/certificate tls OK TLS 1\.3/);
    assert.equal(read('hosts/puppet.html').includes('Other checks'), false);
    const page = sites.files.get('private/hosts/web1.html') ?? '';
    assert.equal(page.split('<section class="check').length - 1, 1);
    for (const id of ['alive', 'ssh', 'Service-website-Check-front-page', 'Service-website-Check-certificate'])
      assert.equal(page.split(`id="${id}"`).length - 1, 1, id);
  });

  it('[W2] what was changed there stands beside the facts of a service or host, newest first, with who said it', () => {
    assert.match(read('services/website.html'), /Changed lately new theme by anna, Sun 2026-11-22 13:45 UTC Other checks/);
    assert.ok(!read('services/chat.html').includes('Changed lately'));
  });

  it('[H2] what is not judged says why in its line', () => {
    assert.match(
      read('hosts/backup.html'),
      /alive ping NOT JUDGED no answer to 3 packets within 2 s CRITICAL, not judged: what it depends on does not work/,
    );
  });

  it('[H3] incidents stand in the month in which they began; one that lasts says since when', () => {
    const text = textOf(sites.files.get('public/history.html') ?? '');
    assert.match(
      text,
      /Incidents by the month in which they began November 2026 Website answers slowly or not at all Ongoing since Sun/,
    );
    assert.doesNotMatch(text, /[Pp]ast incident/);
  });

  it('[H2] events are filtered by pages of their own: by day, service and host, each holding its own only', () => {
    assert.match(read('events/days/2026-11-21.html'), /Events of Sat 2026-11-21 1 change, .*chat\/certificate/);
    assert.match(read('events/services/chat.html'), /Events of Chat 3 changes/);
    const host = read('events/hosts/web1.html');
    assert.match(host, /Events of web1 2 changes/);
    assert.ok(!host.includes('mail-relay/smtp'));
    assert.match(read('events.html'), /Days Sun 2026-11-22 5 Sat 2026-11-21 1 Thu 2026-11-19 2 all days Services .*Hosts /);
    assert.match(read('services/chat.html'), /Changes and events .*chat\/client-port .*All of them/);
  });

  it('[W1] notifications say what was sent, what waits for what, and what was not told and why', () => {
    const text = read('notifications.html');
    assert.match(text, /Of the last 3 mails: 2 sent, 1 waiting, 0 failed\./);
    assert.match(text, /chat\/certificate 3 failures in a row .* waits for the daily digest, Mon 2026-11-23 06:35 UTC/);
    assert.match(text, /sent in mail 214/);
  });

  it('[W1] [W3] what nobody was told of stands with its reason; a reboot stands on its host’s page, beside what the host says of itself', async () => {
    const demo = demoSnapshot();
    const [one] = demo.events;
    assert.ok(one);
    const words = 'backup was booted at 04:02: all 3 checks are back';
    const events: Event[] = [
      { ...one, kind: 'reboot', check: null, host: 'backup', state: 'OK', reason: words, output: '', told: false },
      { ...one, kind: 'problem', check: 'chat/client-port', reason: 'withheld: downtime', told: false },
      ...demo.events,
    ];
    const own = await publishInto({ ...demo, events, archive: archiveOf(events, demo.now, 'UTC') }, DEMO_CATALOGUE);
    const page = (path: string) => textOf(own.files.get(`private/${path}`) ?? '');
    own.remove();
    const notTold = /Not told, and why(.*)What was owed/.exec(page('notifications.html'))?.[1] ?? '';
    assert.match(notTold, /chat\/client-port withheld: downtime/);
    assert.ok(!notTold.includes('website/front-page'), 'what was told is not among it');
    assert.ok(!notTold.includes('failure 1 of 3'), 'nor a soft failure');
    const host = page('hosts/backup.html');
    assert.match(host, /System debian 13 trixie, kernel 6\.12\.48\+deb13-amd64 .* Reboot needed: kernel/);
    assert.match(host, /Changes and events .* reboot OK .*backup was booted at 04:02: all 3 checks are back/);
    assert.ok(page('events/hosts/backup.html').includes(words));
  });

  it('[W6] each word of needed_by has a page that answers, and a word for scripts', () => {
    assert.match(read('needed/release.html'), /Does everything work that “release” needs\? no broken: Additional software \(APT\)/);
    assert.match(read('needed/development.html'), /yes 4 services, none broken/);
    assert.equal(sites.files.get('private/needed/release.txt'), 'CRITICAL\n');
    assert.equal(sites.files.get('private/needed/development.txt'), 'OK\n');
    assert.match(read('index.html'), /Who is hurt development OK 4 services, none broken release CRITICAL/);
  });

  it('[A4] the run log shows how long runs took and which were late', () => {
    assert.match(read('runs.html'), /Duration of each run .* 48 s/);
  });

  it('[case W05] calm checks’ own pages take turns: few are made in a run, all of them within half a day', () => {
    const big = bigSnapshot();
    big.configuration.interval = 300;
    const keysAt = (now: number) =>
      new Map(toPrivateView({ ...big, now }, DEMO_CATALOGUE).checkPages.map(({ path, key }) => [path, key]));
    let before = keysAt(big.now);
    const changed = new Set<string>();
    let most = 0;
    for (let run = 1; run <= 144; run += 12) {
      const after = keysAt(big.now + run * 300_000);
      const next = keysAt(big.now + (run + 1) * 300_000);
      for (const [path, key] of after) if (before.get(path) !== key) changed.add(path);
      most = Math.max(most, [...after].filter(([path, key]) => next.get(path) !== key).length);
      before = after;
    }
    for (const [path, key] of keysAt(big.now + 145 * 300_000)) if (before.get(path) !== key) changed.add(path);
    assert.equal(changed.size, 750);
    assert.ok(most > 0 && most <= 6, `${most} in one run`);
  });
});
