import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describeVerdict, judgeChange } from '../../src/core/change-verdict.ts';
import type { Check } from '../../src/core/configuration.ts';
import { nextStart, stretchAt } from '../../src/core/downtime.ts';
import { evaluate } from '../../src/core/evaluate.ts';
import { planNotifications } from '../../src/core/notify.ts';
import {
  type Change,
  changeBefore,
  chooseChangesBefore,
  coveredBy,
  type Downtime,
  nextTurn,
  type People,
  planPeople,
  standNow,
  watchedNow,
} from '../../src/core/people.ts';
import type { State } from '../../src/core/state.ts';
import { newStatus, type Status } from '../../src/core/status.ts';
import { resultOf } from '../support/history.ts';
import { checkOf, configurationOf, downtimeOf } from '../support/model.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.UTC(2026, 10, 22, 12, 0, 0);
const CHECKS = [
  checkOf({ id: 'web1/alive', name: 'alive', service: null, host: 'web1' }),
  checkOf({ id: 'website/front-page', parents: ['web1/alive'] }),
  checkOf({ id: 'web2/alive', name: 'alive', service: null, host: 'web2', parents: ['web1/alive'] }),
  checkOf({ id: 'shop/page', service: 'shop', host: 'web2', parents: ['web2/alive'] }),
  checkOf({ id: 'mail/smtp', service: 'mail', host: 'mail1' }),
];

function plannedOf(more: Partial<Downtime> = {}): Downtime {
  const at = { from: START, toldUntil: START - 1, at: START - HOUR };
  return downtimeOf({ target: 'website/front-page', note: 'new disk', ...at, ...more });
}

const saidOf = (more: Partial<People> = {}): People => ({ acknowledgements: [], downtimes: [], changes: [], ...more });

const ACK = {
  number: 7,
  check: 'website/front-page',
  at: START,
  until: START + HOUR,
  author: 'anna',
  note: 'at it',
  publicNote: null,
};

describe('what a downtime covers', () => {
  const rows: { name: string; target: string; covered: string[] }[] = [
    { name: 'a check', target: 'mail/smtp', covered: ['mail/smtp'] },
    { name: 'a service', target: 'shop', covered: ['shop/page'] },
    {
      name: 'a host with its services, and the hosts behind it',
      target: 'web1',
      covered: ['shop/page', 'web1/alive', 'web2/alive', 'website/front-page'],
    },
    { name: 'a pattern', target: '*/alive', covered: ['shop/page', 'web1/alive', 'web2/alive', 'website/front-page'] },
    { name: 'nothing that is not there', target: 'web9', covered: [] },
  ];
  for (const { name, target, covered } of rows) {
    it(`[W1] ${name}`, () => assert.deepEqual([...coveredBy(target, CHECKS)].sort(), covered));
  }
});

describe('when a downtime holds', () => {
  const berlin = (day: number, hour: number, month = 9) => Date.UTC(2026, month, day, hour);
  const weekly = plannedOf({ from: berlin(20, 20), duration: 2 * 3600, repeat: 'weekly', zone: 'Europe/Berlin' });
  const rows: { name: string; downtime: Downtime; at: number; holds: boolean }[] = [
    { name: 'not before its start', downtime: plannedOf(), at: START - 1, holds: false },
    { name: 'from its start', downtime: plannedOf(), at: START, holds: true },
    { name: 'until its end', downtime: plannedOf(), at: START + HOUR - 1, holds: true },
    { name: 'not at its end', downtime: plannedOf(), at: START + HOUR, holds: false },
    { name: 'not after it was removed', downtime: plannedOf({ removedAt: START + MINUTE }), at: START + 2 * MINUTE, holds: false },
    { name: 'weekly: the first week', downtime: weekly, at: berlin(20, 21), holds: true },
    { name: 'weekly: not between', downtime: weekly, at: berlin(23, 21), holds: false },
    // The clocks of Berlin went back on Sunday 25 October: 22:00 there is 20:00 UTC before and 21:00 UTC after.
    { name: 'weekly: at the same local time after a daylight-saving change', downtime: weekly, at: berlin(27, 21), holds: true },
    { name: 'weekly: not an hour early after it', downtime: weekly, at: berlin(27, 20), holds: false },
    { name: 'weekly: to the end of that local time', downtime: weekly, at: berlin(27, 23) - 1, holds: true },
    { name: 'weekly: half a year later', downtime: weekly, at: Date.UTC(2027, 2, 30, 20, 30), holds: true },
    { name: 'flexible: not before a failure', downtime: plannedOf({ flexible: 7200 }), at: START + MINUTE, holds: false },
    {
      name: 'flexible: from the first failure on',
      downtime: plannedOf({ flexible: 7200, begun: { window: START, at: START + HOUR } }),
      at: START + 2 * HOUR - 1,
      holds: true,
    },
    {
      name: 'flexible: for its duration only',
      downtime: plannedOf({ flexible: 7200, begun: { window: START, at: START + HOUR } }),
      at: START + 2 * HOUR,
      holds: false,
    },
  ];
  for (const { name, downtime, at, holds } of rows) {
    it(`[W1] ${name}`, () => assert.equal(stretchAt(downtime, at) !== null, holds));
  }

  it('[W1] the next start of a weekly one is a week on by the wall clock', () => {
    assert.equal(nextStart(weekly, berlin(21, 0)), berlin(27, 21));
  });

  it('[R1] a run wakes up at the start and at the end of a downtime, though no check is due', () => {
    assert.equal(nextTurn(saidOf({ downtimes: [plannedOf()] }), START - HOUR), START);
    assert.equal(nextTurn(saidOf({ downtimes: [plannedOf()] }), START + 1), START + HOUR);
    assert.equal(nextTurn(saidOf({ downtimes: [plannedOf()] }), START + 2 * HOUR), null);
  });
});

/** One run after another over results of some checks, with what people said; what it stores is carried on as the store does. */
class Story {
  readonly told: string[] = [];
  readonly held: string[] = [];
  said: People;
  private statuses = new Map<string, Status>();
  private run = 0;
  private readonly checks: Check[];
  constructor(said: People, checks: Check[] = CHECKS.map((check) => ({ ...check, attempts: 1, parents: [] }))) {
    this.said = said;
    this.checks = checks;
  }

  /** `step(minutes after START, { check: state })` */
  step(minutes: number, states: Record<string, State>): void {
    this.run += 1;
    const now = START + minutes * MINUTE;
    const configuration = configurationOf(this.checks);
    const results = Object.entries(states).map(([check, state]) => resultOf(check, state, { at: now, run: this.run }));
    const evaluated = evaluate(configuration, this.statuses, results, now);
    const standing = standNow(
      this.said,
      this.checks,
      evaluated.map(({ result }) => result),
      now,
    );
    const facts = { run: this.run, now, isFirstRun: false, pastProblems: () => [], whole: [], standing };
    const plan = planNotifications(configuration, this.statuses, evaluated, facts);
    const update = planPeople(this.said, standing.people, plan, { configuration, now });
    this.statuses = plan.statuses;
    this.told.push(...plan.items.map(({ kind, check, state }) => `${minutes} ${kind} ${check} ${state}`));
    this.held.push(...plan.withheld.map(({ item, because }) => `${minutes} ${item.kind} ${item.check}: ${because}`));
    const over = new Set(update.told.filter(({ isOver }) => isOver).map(({ downtime }) => downtime));
    this.said = {
      changes: this.said.changes,
      acknowledgements: this.said.acknowledgements.filter(
        ({ number }) => !update.ended.some((one) => one.acknowledgement === number),
      ),
      downtimes: standing.people.downtimes
        .filter(({ number }) => !over.has(number))
        .map((one) => ({ ...one, toldUntil: update.told.find(({ downtime }) => downtime === one.number)?.until ?? one.toldUntil })),
    };
    for (const { acknowledgement, because } of update.ended)
      this.held.push(`${minutes} acknowledgement ${acknowledgement}: ${because}`);
  }
}

const PAGE = 'website/front-page';

describe('a downtime', () => {
  it('[W1] holds back a problem, and at its end tells once what is still HARD', () => {
    const story = new Story(saidOf({ downtimes: [plannedOf()] }));
    story.step(-5, { [PAGE]: 'OK' });
    story.step(5, { [PAGE]: 'CRITICAL' });
    story.step(55, { [PAGE]: 'CRITICAL' });
    story.step(60, {});
    story.step(61, { [PAGE]: 'CRITICAL' });
    story.step(70, { [PAGE]: 'OK' });
    assert.deepEqual(story.held, [`5 problem ${PAGE}: downtime`]);
    assert.deepEqual(story.told, [`60 downtime-end ${PAGE} CRITICAL`, `70 recovery ${PAGE} OK`]);
  });

  it('[W1] what failed and recovered within it is never told', () => {
    const story = new Story(saidOf({ downtimes: [plannedOf()] }));
    for (const [minutes, state] of [
      [-5, 'OK'],
      [5, 'CRITICAL'],
      [30, 'OK'],
      [60, 'OK'],
      [65, 'OK'],
    ] as const)
      story.step(minutes, { [PAGE]: state });
    assert.deepEqual(story.told, []);
    assert.equal(story.said.downtimes.length, 0);
  });

  it('[W1] a recovery goes to those who were told before it began', () => {
    const story = new Story(saidOf({ downtimes: [plannedOf()] }));
    for (const [minutes, state] of [
      [-9, 'OK'],
      [-5, 'CRITICAL'],
      [30, 'OK'],
      [60, 'OK'],
    ] as const)
      story.step(minutes, { [PAGE]: state });
    assert.deepEqual(story.told, [`-5 problem ${PAGE} CRITICAL`, `30 recovery ${PAGE} OK`]);
  });

  it('[W1] what got worse within it is held back, and its end tells the state of then', () => {
    const story = new Story(saidOf({ downtimes: [plannedOf()] }));
    for (const [minutes, state] of [
      [-9, 'OK'],
      [-5, 'WARNING'],
      [30, 'CRITICAL'],
      [60, 'CRITICAL'],
    ] as const)
      story.step(minutes, { [PAGE]: state });
    assert.deepEqual(story.held, [`30 worse ${PAGE}: downtime`]);
    assert.deepEqual(story.told, [`-5 problem ${PAGE} WARNING`, `60 downtime-end ${PAGE} CRITICAL`]);
  });

  it('[W1] nothing is told at its end while another one still covers the check', () => {
    const both = [plannedOf(), plannedOf({ number: 2, duration: 7200 })];
    const story = new Story(saidOf({ downtimes: both }));
    for (const minutes of [-5, 5, 60, 90, 120]) story.step(minutes, { [PAGE]: minutes < 0 ? 'OK' : 'CRITICAL' });
    assert.deepEqual(story.told, [`120 downtime-end ${PAGE} CRITICAL`]);
  });

  it('[W1] one that is removed ends at once', () => {
    const story = new Story(saidOf({ downtimes: [plannedOf()] }));
    story.step(-5, { [PAGE]: 'OK' });
    story.step(5, { [PAGE]: 'CRITICAL' });
    story.said = saidOf({ downtimes: [plannedOf({ removedAt: START + 6 * MINUTE })] });
    story.step(7, {});
    story.step(8, { [PAGE]: 'CRITICAL' });
    assert.deepEqual(story.told, [`7 downtime-end ${PAGE} CRITICAL`]);
    assert.equal(story.said.downtimes.length, 0);
  });

  it('[W1] a flexible one begins with the first failure and lasts its duration from there', () => {
    const story = new Story(saidOf({ downtimes: [plannedOf({ flexible: 4 * 3600, duration: 1200 })] }));
    for (const [minutes, state] of [
      [-5, 'OK'],
      [60, 'OK'],
      [90, 'CRITICAL'],
      [100, 'CRITICAL'],
      [110, 'CRITICAL'],
      [115, 'CRITICAL'],
    ] as const) {
      story.step(minutes, { [PAGE]: state });
    }
    assert.deepEqual(story.held, [`90 problem ${PAGE}: downtime`]);
    assert.deepEqual(story.told, [`110 downtime-end ${PAGE} CRITICAL`]);
  });

  it('[W1] a failure after the window of a flexible one is told as any other', () => {
    const story = new Story(saidOf({ downtimes: [plannedOf({ flexible: 3600, duration: 1200 })] }));
    for (const [minutes, state] of [
      [-5, 'OK'],
      [61, 'CRITICAL'],
    ] as const)
      story.step(minutes, { [PAGE]: state });
    assert.deepEqual(story.told, [`61 problem ${PAGE} CRITICAL`]);
  });

  it('[W1] a weekly one tells its end every week', () => {
    const story = new Story(saidOf({ downtimes: [plannedOf({ repeat: 'weekly' })] }));
    const week = 7 * 24 * 60;
    for (const minutes of [-5, 5, 60, 61, 100, week + 5, week + 60, week + 61]) {
      story.step(minutes, { [PAGE]: minutes === 100 || minutes < 0 ? 'OK' : 'CRITICAL' });
    }
    assert.deepEqual(story.told, [
      `60 downtime-end ${PAGE} CRITICAL`,
      `100 recovery ${PAGE} OK`,
      `${week + 60} downtime-end ${PAGE} CRITICAL`,
    ]);
  });

  it('[W1] of a host holds back what is behind it', () => {
    const story = new Story(
      saidOf({ downtimes: [plannedOf({ target: 'web1' })] }),
      CHECKS.map((check) => ({ ...check, attempts: 1 })),
    );
    story.step(-5, { 'web1/alive': 'OK', 'shop/page': 'OK', 'mail/smtp': 'OK' });
    story.step(5, { 'shop/page': 'CRITICAL', 'mail/smtp': 'CRITICAL' });
    assert.deepEqual(story.held, ['5 problem shop/page: downtime']);
    assert.deepEqual(story.told, ['5 problem mail/smtp CRITICAL']);
  });
});

describe('an acknowledgement', () => {
  const rows: { name: string; steps: [number, State][]; ends: string[] }[] = [
    {
      name: 'holds while its check fails',
      steps: [
        [0, 'CRITICAL'],
        [30, 'CRITICAL'],
      ],
      ends: [],
    },
    {
      name: 'ends when the check is OK',
      steps: [
        [0, 'CRITICAL'],
        [30, 'OK'],
      ],
      ends: ['30 acknowledgement 7: recovered'],
    },
    {
      name: 'ends when the check gets worse',
      steps: [
        [0, 'WARNING'],
        [30, 'CRITICAL'],
      ],
      ends: ['30 acknowledgement 7: worse'],
    },
    {
      name: 'ends at its time',
      steps: [
        [0, 'CRITICAL'],
        [60, 'CRITICAL'],
      ],
      ends: ['60 acknowledgement 7: expired'],
    },
  ];
  for (const { name, steps, ends } of rows) {
    it(`[W4] ${name}`, () => {
      const story = new Story(saidOf());
      story.step(-5, { [PAGE]: 'OK' });
      for (const [minutes, state] of steps) {
        story.step(minutes, { [PAGE]: state });
        if (minutes === 0) story.said = saidOf({ acknowledgements: [ACK] });
      }
      assert.deepEqual(story.held, ends);
    });
  }

  it('[W4] does not hold back what is worse', () => {
    const story = new Story(saidOf());
    story.step(-5, { [PAGE]: 'OK' });
    story.step(0, { [PAGE]: 'WARNING' });
    story.said = saidOf({ acknowledgements: [ACK] });
    story.step(30, { [PAGE]: 'CRITICAL' });
    assert.deepEqual(story.told, [`0 problem ${PAGE} WARNING`, `30 worse ${PAGE} CRITICAL`]);
  });
});

describe('a change', () => {
  const change = { number: 1, target: 'web1', at: START, until: START + 20 * MINUTE, author: 'anna', note: 'deploying nginx' };
  const statusOf = (at: number, since: number | null): Status => ({
    ...newStatus('x', START - HOUR),
    latest: {
      at,
      run: 1,
      state: since === null ? 'OK' : 'CRITICAL',
      code: '',
      output: 'HTTP 503',
      metrics: {},
      parts: [],
      withheld: null,
      duration: 1,
      scheduled: true,
    },
    streak: since === null ? null : { startedAt: since, length: 1, worst: 'CRITICAL', judged: true },
  });
  const verdictOf = (statuses: Record<string, Status>) =>
    describeVerdict(judgeChange(change, { checks: CHECKS }, new Map(Object.entries(statuses))));

  it('[W2] has the host and what depends on it looked at in every run until its end', () => {
    assert.deepEqual([...watchedNow(saidOf({ changes: [change] }), CHECKS, START + MINUTE)].sort(), [
      'shop/page',
      'web1/alive',
      'web2/alive',
      'website/front-page',
    ]);
    assert.equal(watchedNow(saidOf({ changes: [change] }), CHECKS, change.until).size, 0);
  });

  it('[W2] [W3] ends with the word that all are back', () => {
    const fine = statusOf(START + MINUTE, null);
    const all = { 'web1/alive': fine, 'web2/alive': fine, 'shop/page': fine, [PAGE]: fine };
    assert.deepEqual(verdictOf(all), ['all 4 are back']);
  });

  it('[W2] names what is broken since, what was broken before, and what nobody has looked at', () => {
    assert.deepEqual(
      verdictOf({
        'web1/alive': statusOf(START + MINUTE, null),
        'web2/alive': statusOf(START + MINUTE, START - HOUR),
        [PAGE]: statusOf(START + MINUTE, START + MINUTE),
        'shop/page': statusOf(START - MINUTE, null),
      }),
      [
        'website/front-page is broken since your change: HTTP 503',
        'web2/alive was broken before your change and still is',
        '1 of 4 not looked at since: shop/page; does vigie run?',
        '1 of 4 is back',
      ],
    );
  });

  it('[W2] a problem that begins within the hour after it can name it', () => {
    const said = saidOf({ changes: [change, { ...change, number: 2, target: 'mail', at: START + 1 }] });
    assert.equal(changeBefore(said, 'shop/page', START + HOUR, CHECKS)?.number, 1);
    assert.equal(changeBefore(said, 'shop/page', START + HOUR + 1, CHECKS), null);
    assert.equal(changeBefore(said, 'shop/page', START - 1, CHECKS), null);
    assert.equal(changeBefore(said, 'mail/smtp', START + MINUTE, CHECKS)?.number, 2);
  });

  it('[W2] [T4] three changes before a problem are named, the latest first; those of a machine hide no person’s', () => {
    const own = (number: number, note: string) => ({ ...change, number, author: '', note, at: START + number * MINUTE });
    const names = (changes: Change[]) =>
      chooseChangesBefore(saidOf({ changes }), PAGE, START + HOUR, CHECKS).map(({ author, note }) => author || note);
    assert.deepEqual(names([change, own(2, 'APT'), own(3, 'boot')]), ['boot', 'APT', 'anna']);
    assert.deepEqual(names([change, ...[2, 3, 4, 5, 6].map((number) => own(number, `Puppet ${number}`))]), [
      'Puppet 6',
      'Puppet 5',
      'anna',
    ]);
    assert.deepEqual(names([{ ...change, target: 'mail' }]), []);
  });
});
