import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isRecovery } from '../../src/core/item.ts';
import type { PlannedMessage } from '../../src/core/mailbag.ts';
import { composeText } from '../../src/core/message.ts';
import type { Part } from '../../src/core/observation.ts';
import { newStatus } from '../../src/core/status.ts';
import { resultOf } from '../support/history.ts';
import { checkOf, configurationOf } from '../support/model.ts';
import { type Moment, playRun } from '../support/play-run.ts';
import { randomFrom } from '../support/random.ts';

const START = Date.UTC(2026, 10, 23);
const FIVE_MINUTES = 300_000;
const RUNS = 288;
const HOSTS = 500;
const VALUES = 200;

const checks = Array.from({ length: HOSTS }, (_, i) => {
  return checkOf({ id: `host${i}/disk`, name: 'disk', type: 'disk', host: `host${i}`, service: null, attempts: 1 });
});

describe('five hundred hosts whose reports flip two hundred values each in every run of a day', () => {
  const configuration = configurationOf(checks);
  const random = randomFrom(20_261_124);
  /** Some of the values, others each time, in the check's parts; now and then none of them fails. */
  const flip = (): Part[] =>
    Array.from({ length: random() < 0.5 ? 0 : 1 + Math.floor(random() * 5) }, () => {
      const name = `/mnt/${Math.floor(random() * VALUES)}`;
      return { name, state: random() < 0.5 ? ('WARNING' as const) : ('CRITICAL' as const), output: 'full' };
    });
  let moment: Moment = {
    statuses: new Map(checks.map(({ id }) => [id, { ...newStatus(id, START - 1e9), everOk: true }])),
    telling: null,
    held: [],
  };
  const messages: PlannedMessage[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const now = START + run * FIVE_MINUTES;
    const results = checks.map(({ id }) => {
      const parts = flip();
      const state = parts.length === 0 ? 'OK' : parts.some((part) => part.state === 'CRITICAL') ? 'CRITICAL' : 'WARNING';
      return resultOf(id, state, { at: now, run, parts });
    });
    const next = playRun(moment, configuration, results, { run, now });
    messages.push(...next.messages);
    moment = next;
  }

  it('[case J24] no host has more than ten problem lines', () => {
    const lines = new Map<string, number>();
    for (const item of messages.flatMap(({ items }) => items))
      if (!isRecovery(item)) lines.set(item.host ?? '', (lines.get(item.host ?? '') ?? 0) + 1);
    assert.ok(lines.size > HOSTS / 2, `${lines.size} hosts were told of`);
    for (const [host, count] of lines) assert.ok(count <= 10, `${host}: ${count} lines`);
  });

  it('[case J24] a recipient has at most 6 messages, then 2 an hour, but for hosts that are new in trouble', () => {
    const afterwards = messages.filter(({ at }) => at >= START + 2 * 3_600_000);
    assert.ok(messages.length > 6 && messages.length <= 24 + 6 + 48, `${messages.length} messages`);
    assert.ok(afterwards.length <= 2 * 22 + 1, `${afterwards.length} messages after two hours`);
  });

  it('[case J24] none has more than 60 lines of changes, and all say how many more there are', () => {
    for (const { at, items } of messages) {
      const { body } = composeText(items, { timezone: 'UTC', now: at, url: null });
      const lines = body.split('\n').filter((line) => /^(CRITICAL|WARNING|RECOVERED|NOISY|UNSTABLE|WORSE|OK|STABLE) /.test(line));
      assert.ok(lines.length <= 60, `${lines.length} lines`);
      if (items.length > 60) assert.match(body, /\d+ more/);
    }
  });
});
