import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { DEMO_CATALOGUE, demoSnapshot } from '../support/demo.ts';
import { needs } from '../support/server.ts';
import { type PublishedSites, publishInto } from '../support/site.ts';

/** What stands on a page, in this order, for who has neither colours nor bars; `lines`: how many there are at most. */
const READINGS: { page: string; lines: number; says: string[] }[] = [
  {
    page: 'private/index.html',
    lines: 210,
    says: [
      'Made Sun 2026-11-22 14:05 UTC by run 8123 Next due by 14:08 UTC',
      '4 problems, nobody is on 3 of them yet',
      '2 critical',
      'release CRITICAL broken: Additional software (APT)',
      'CRITICAL website / front-page HTTP 503 in 0.42 s, expected 200-299',
      'Acknowledged by anna until',
      'last 24 hours: 98.89 % available',
      'Failing, no alert yet',
      'CRITICAL jenkins/login HTTP 502',
      'Not judged: what it depends on does not work',
      'backup/alive no answer',
      'Mail relay (onion) UNKNOWN 1 check',
      'backup NOT JUDGED',
    ],
  },
  {
    page: 'private/checks/website/front-page.html',
    lines: 420,
    says: [
      'CRITICAL website/front-page http https://www.example.org/',
      'CRITICAL since Sun 2026-11-22 13:49 UTC, 4 in a row. Told sysadmins.',
      'Last 24 hours critical in 2 of 24',
      '0 ms 500 ms 1 s',
      'p50 p95 p99 14:00 UTC',
      '0.00 %',
      'Last 90 days critical in 3 of 90, warning in 1 of 90',
      'Settings from conf.d/website.yaml:12',
    ],
  },
  {
    page: 'private/hosts/web1.html',
    lines: 120,
    says: [
      'CRITICAL web1 1 critical, 3 OK',
      'CRITICAL website/front-page',
      'Address',
      'alive ping OK 3 of 3 packets',
      'Changes and events',
    ],
  },
  {
    page: 'private/needed/release.html',
    lines: 60,
    says: ['no broken: Additional software (APT)', 'CRITICAL apt-repository / stable-suite', 'OK Downloads'],
  },
  {
    page: 'public/index.html',
    lines: 75,
    says: [
      'Checked Sun 2026-11-22 14:05 UTC Next check by',
      'Website and Additional software (APT) are down; Chat is degraded.',
      'Website answers slowly or not at all Ongoing',
      'Website Down since Sun 2026-11-22 13:49 UTC We are aware: The website does not answer at times',
      '99.94 %',
      'Downloads Operational 99.99 %',
      '90 days ago today available',
    ],
  },
  {
    page: 'public/services/website.html',
    lines: 140,
    says: ['Website Down since', 'down for some time on 3 days', '2026-10-22 down for some time, 97.22 %', 'All 90 days'],
  },
];

describe('a text browser', needs('w3m'), () => {
  let sites: PublishedSites;
  before(async () => {
    sites = await publishInto(demoSnapshot(), DEMO_CATALOGUE);
  });
  after(() => sites.remove());

  const dump = (page: string, columns: number) =>
    execFileSync('w3m', ['-dump', '-cols', String(columns), '-T', 'text/html', join(sites.folder, page)], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C.UTF-8', HOME: sites.folder },
    });

  for (const { page, lines, says } of READINGS) {
    it(`[H2] ${page} says how things are in words, the worst first, and bars make no noise`, () => {
      const text = dump(page, 100);
      const flat = text.replace(/\s+/g, ' ');
      let at = 0;
      for (const words of says) {
        const found = flat.indexOf(words, at);
        assert.ok(found >= 0, `${JSON.stringify(words)} does not follow ${JSON.stringify(flat.slice(at - 60, at))}`);
        at = found + words.length;
      }
      assert.ok(text.split('\n').length <= lines, `${text.split('\n').length} lines`);
      assert.doesNotMatch(flat, /[a-z%](?:UTC|today)\b|UTC\d|\d UTC(?=[A-Z])|(?:ms|days|KiB)\d/, 'words that run together');
    });
  }

  it('[H2] on 60 columns the overview is as broad as the screen', () => {
    const text = dump('private/index.html', 60);
    const broad = text.split('\n').filter((line) => line.length > 75);
    assert.deepEqual(broad, []);
  });
});
