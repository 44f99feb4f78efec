import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FleetDay } from '../../src/core/fleet.ts';
import { composeMonth, formatMonth } from '../../src/core/fleet-report.ts';
import { fleetDay, fleetHistory, monthFacts } from '../support/fleet.ts';

const LAST = '2026-11-22';

describe('the report of a month', () => {
  it('[F2] [F4] on the first day, with one incident or without a host, it says what is so', () => {
    const counters = { web1: { at: 0, boot: 'x', received: 1, sent: 1 } };
    const first = fleetDay(LAST, { received: null, sent: null, counters });
    const textOf = (days: FleetDay[]) =>
      formatMonth(
        'Example',
        '2026-11',
        composeMonth({ days, months: { '2026-11': monthFacts({ incidents: { all: 1, others: 1 } }) } }, '2026-11') ?? [],
      );
    assert.match(textOf([first]), /Received: +not known before the second day\n +Sent: +not known before the second day\n/);
    assert.match(textOf([fleetDay('2026-11-21'), first]), /Received: +nobody says\n/);
    assert.match(textOf([first]), /Others reported first: +1 of 1 incident\n/);
    assert.doesNotMatch(textOf([fleetDay(LAST, { hosts: 0, roles: {} })]), /By role/);
  });

  it('[F4] is text to paste into a mail, with what each number is made of', () => {
    const sections = composeMonth(fleetHistory(LAST), '2026-11') ?? assert.fail('no report');
    assert.equal(
      formatMonth('Example', '2026-11', sections),
      `Example, 2026-11

Hosts
  Hosts:        78
  By role:      12 build, 3 mail, 2 no role, 61 web
  Web servers:  9
  Name servers: 2
  Mail servers: 3
  Exporters:    5
  Reporting:    76 of 78, within a day of 2026-11-22
  Retiring: old1, old2

Work and load on 2026-11-22
  Upgrades pending: 41 (76 hosts)
  Of them security: 3 (76 hosts)
  Reboots pending:  2 (76 hosts)
  Mean load:        0.61 (76 hosts), 0.61 over 22 days
  Memory available: 382 GiB of 764 GiB, 50 % (76 hosts)
  Processes:        14021 (76 hosts)
  Received:         11.9 MiB/s (75 hosts), 11.9 MiB/s over 22 days
  Sent:             45.8 MiB/s (75 hosts), 45.8 MiB/s over 22 days

Releases
  debian 12 bookworm: 20
  debian 13 trixie:   54
  Upgrade to debian 13 trixie: 20 to go; about 2027-01-19 at the pace of
    late (one every 3 days), the pace is even
  Left out, since they retire: old1, old2

Figures
  Hits:        512.5 per second (4 checks)
  Open issues: not measured

Sources that should agree
  in Puppet 78, monitored 78
  in Puppet, not monitored; missing: web9.example.org
  monitored, not in Puppet: spare

The monitoring itself
  Problems:                12
  Mails sent:              31, none failed
  Failure to mail:         3 min, the median of 12
  Mail to acknowledgement: 25 min, the median of 7
  Others reported first:   1 of 3 incidents
  Noisiest:                website/front-page (9)
`,
    );
  });

  it('[F2] what nobody says is said, never 0', () => {
    const nobody = {
      upgrades: null,
      security: null,
      reboots: null,
      load: null,
      memoryTotal: null,
      memoryAvailable: null,
      received: null,
    };
    const days = [fleetDay(LAST, { ...nobody, figures: [], inventory: [], releases: {} })];
    const text = formatMonth('Example', '2026-11', composeMonth({ days, months: {} }, '2026-11') ?? []);
    assert.match(text, /Upgrades pending: nobody says/);
    assert.match(text, /Memory available: nobody says/);
    assert.match(text, /No host says that it runs a release of Debian\./);
    assert.doesNotMatch(text, /Figures|Sources|monitoring itself/);
  });

  it('[F2] loads and rates have the mean of the month beside the last day, which may be the day on which all were booted', () => {
    const before = fleetDay('2026-11-21', { received: { value: 1024, of: 1 }, load: { value: 0.2, of: 1 } });
    const first = fleetDay('2026-11-20', { received: { value: 3072, of: 1 }, load: { value: 0.25, of: 1 } });
    const days = [first, before, fleetDay(LAST, { received: null, load: { value: 0.6, of: 1 } })];
    const text = formatMonth('Example', '2026-11', composeMonth({ days, months: {} }, '2026-11') ?? []);
    assert.match(text, /Received: +nobody says, 2 KiB\/s over 2 days\n/);
    assert.match(text, /Mean load: +0\.6 \(1 host\), 0\.35 over 3 days\n/);
  });

  it('[F5] sources that agree, and one that cannot be read', () => {
    const inventory = [
      { title: 'Puppet', count: 78, why: '', missing: [], extra: [] },
      { title: 'LDAP', count: null, why: 'ENOENT', missing: [], extra: [] },
    ];
    const sections = composeMonth({ days: [fleetDay(LAST, { inventory })], months: {} }, '2026-11') ?? [];
    const notes = sections.find(({ title }) => title === 'Sources that should agree')?.notes;
    assert.deepEqual(notes, ['in Puppet 78, LDAP not readable (ENOENT), monitored 78', 'Puppet and what is monitored agree']);
  });

  it('[F4] what changed within the month is said; a month without a count has no report', () => {
    const days = [fleetDay('2026-11-01', { hosts: 70 }), fleetDay(LAST)];
    const [hosts] = composeMonth({ days, months: { '2026-11': monthFacts() } }, '2026-11') ?? [];
    assert.equal(hosts?.rows[0]?.value, '78, 8 more than at the beginning');
    assert.equal(composeMonth({ days, months: {} }, '2026-10'), null);
  });

  it('[W4] a month without mail, incident or acknowledgement says so', () => {
    const none = monthFacts({
      sent: 0,
      toMail: null,
      mailed: 0,
      toAck: null,
      acked: 0,
      incidents: { all: 0, others: 0 },
      noisiest: [],
    });
    const sections = composeMonth({ days: [fleetDay(LAST)], months: { '2026-11': none } }, '2026-11') ?? [];
    const own = sections.at(-1)?.rows.map(({ value }) => value);
    assert.deepEqual(own?.slice(1), ['0, none failed', 'none', 'none', 'no incident', 'none']);
  });
});
