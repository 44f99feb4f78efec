import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { openHistoryForReading } from '../../src/store/database.ts';
import { checkIntegrity } from '../../src/store/history.ts';
import { BUNDLE, type CliOptions, type Ended, globalFile, installation, vigie } from '../support/cli.ts';
import { findFaketime } from '../support/faketime.ts';
import { readMaildir } from '../support/maildir.ts';
import { needs } from '../support/server.ts';
import { Target } from '../support/target.ts';

const PROBLEM = '[vigie] PROBLEM website/page CRITICAL: HTTP 503, expected 200-299';

let target: Target;
let folder: { path: string; remove: () => void };

beforeEach(async () => {
  target = await Target.start();
  folder = installation(globalFile('maildir:state/mail', 'interval: 1m\n'), {
    'website.yaml': `services:\n  website: { public: true, checks: { page: { type: http, url: "${target.url}" } } }\n`,
  });
});
afterEach(async () => {
  await target.stop();
  folder.remove();
});

const at = (...names: string[]) => join(folder.path, ...names);
const subjects = () => readMaildir(at('state/mail')).map(({ subject }) => subject);

/** A step back is told as `clock`, one forward as `run-gap`. */
function expectedOf(offsets: string[]): string[] {
  const seconds = (text: string): number => {
    const [, sign = '+', number = '0', unit = ''] = /^([+-])(\d+)([hdy]?)$/.exec(text) ?? [];
    return Number(`${sign}${number}`) * ({ h: 3600, d: 86_400, y: 365 * 86_400 }[unit] ?? 1);
  };
  const steps = offsets.slice(1).map((offset, i) => seconds(offset) - seconds(offsets[i] ?? '+0'));
  return [...(steps.some((step) => step < 0) ? ['clock'] : []), ...(steps.some((step) => step > 0) ? ['run-gap'] : [])];
}

/** One run on a clock that is off: the wall clock only, as when somebody sets it; durations stay true. */
function runAt(offset: string, args: string[] = ['--now', '*'], options: CliOptions = {}): Promise<Ended> {
  const env = { LD_PRELOAD: findFaketime(), FAKETIME: offset, FAKETIME_DONT_FAKE_MONOTONIC: '1', DONT_FAKE_MONOTONIC: '1' };
  return vigie(folder.path, ['run', ...args], { program: BUNDLE, ...options, env: { ...env, ...options.env } });
}

function rows<T>(sql: string): T[] {
  const database = openHistoryForReading(at('state'));
  assert.ok(database !== null);
  assert.equal(checkIntegrity(database), null);
  const found = database.prepare(sql).all() as T[];
  database.close();
  return found;
}

describe('a clock that is set while vigie watches', needs('faketime'), () => {
  const steps: { name: string; offsets: string[] }[] = [
    { name: '[case C01] back one hour between runs', offsets: ['+0', '-1h', '-1h', '-1h', '-1h'] },
    { name: '[case C01] back one hour while a problem holds', offsets: ['+0', '+0', '-1h', '-1h', '-1h'] },
    { name: '[case C02] forward one hour', offsets: ['+0', '+1h', '+1h', '+1h', '+1h'] },
    { name: '[case C02] forward a month and back again', offsets: ['+0', '+30d', '+30d', '+0', '+0'] },
    { name: '[case C03] back ten years, as an empty battery does', offsets: ['+0', '-10y', '-10y', '+0', '+0'] },
    { name: '[case C07] beyond the year 2038', offsets: ['+0', '+13y', '+13y', '+13y', '+13y'] },
    { name: '[case C07] beyond the year 2100', offsets: ['+0', '+80y', '+80y', '+80y', '+80y'] },
    { name: '[case C08] runs in the same second', offsets: ['@2026-11-22 12:00:00', ...Array(4).fill('@2026-11-22 12:00:00')] },
  ];
  for (const { name, offsets } of steps) {
    it(`${name}: no alert is lost or repeated, and no duration is negative`, async () => {
      for (const [index, status] of [200, 503, 503, 200, 200].entries()) {
        target.status = status;
        const { code, stderr } = await runAt(offsets[index] ?? '+0');
        assert.deepEqual([code, stderr], [0, ''], `run ${index + 1}`);
      }
      // The clock itself is told as well: `clock` where it went back, `run-gap` where it went forward.
      const kinds = rows<{ kind: string }>('SELECT kind FROM items WHERE check_id IS NOT NULL ORDER BY item').map(
        ({ kind }) => kind,
      );
      assert.deepEqual(kinds, ['problem', 'recovery']);
      const own = rows<{ kind: string }>('SELECT DISTINCT kind FROM items WHERE check_id IS NULL').map(({ kind }) => kind);
      assert.deepEqual(own.filter((kind) => kind === 'clock' || kind === 'run-gap').sort(), expectedOf(offsets));
      assert.doesNotMatch(readMaildir(at('state/mail')).at(-1)?.content ?? '', /after -|Invalid|NaN/);
      assert.equal(target.requests, 5);
      const results = rows<{ duration: number }>('SELECT duration FROM readable_results');
      // What looks days old is packed already; nothing is forgotten.
      const [packed] = rows<{ count: number }>('SELECT coalesce(sum(results), 0) AS count FROM packed');
      assert.equal(results.length + (packed?.count ?? 0), 5);
      assert.ok(results.every(({ duration }) => duration >= 0 && duration < 60));
      assert.ok(
        rows<{ duration_ms: number }>('SELECT duration_ms FROM runs').every(({ duration_ms: ms }) => ms >= 0 && ms < 60_000),
      );
    });
  }

  it('[case C01] a clock that went back leaves no check asleep until the old time comes again', async () => {
    for (const offset of ['+0', '-1h', '-55m', '-50m']) assert.equal((await runAt(offset, [])).code, 0);
    assert.equal(target.requests, 4);
  });

  it('[case C02] a clock that went forward and back leaves no check asleep', async () => {
    for (const offset of ['+0', '+1y', '+0', '+5m']) assert.equal((await runAt(offset, [])).code, 0);
    assert.equal(target.requests, 4);
  });

  for (const step of ['-1h', '+1h', '-10y']) {
    it(`[case C04] a step of ${step} during a run neither ends it nor delays it`, async () => {
      writeFileSync(at('offset'), '+0');
      const env = { FAKETIME_TIMESTAMP_FILE: at('offset'), FAKETIME_NO_CACHE: '1', FAKETIME: '' };
      assert.equal((await runAt('', ['--now', '*'], { env })).code, 0);
      target.status = 503;
      target.delayMs = 600;
      const release = target.hold();
      const began = performance.now();
      const jump = async () => {
        await waitFor(() => target.requests === 2);
        writeFileSync(at('offset'), step);
        release();
      };
      const onStart = () => void jump();
      const { code, stderr } = await runAt('', ['--now', '*'], { env, onStart });
      assert.deepEqual([code, stderr], [0, '']);
      assert.ok(performance.now() - began < 60_000);
      assert.deepEqual(subjects().slice(1), [PROBLEM]);
      const [result] = rows<{ duration: number; code: string }>('SELECT duration, code FROM readable_results WHERE run = 2');
      assert.equal(result?.code, 'http.status');
      assert.ok((result?.duration ?? 0) >= 0.55 && (result?.duration ?? 0) < 60, `${result?.duration} s`);
    });
  }
});

async function waitFor(isTrue: () => boolean): Promise<void> {
  for (let i = 0; i < 6000 && !isTrue(); i += 1) await new Promise((resolve) => setTimeout(resolve, 10));
}
