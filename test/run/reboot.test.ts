import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { BUNDLE, globalFile, installation, vigie } from '../support/cli.ts';
import { findFaketime } from '../support/faketime.ts';
import { FULL_FACTS, NOW, signedReport, testHost } from '../support/host-report.ts';
import { type FoundMail, readMaildir } from '../support/maildir.ts';
import { needs } from '../support/server.ts';
import { Target } from '../support/target.ts';

const MINUTE = 60_000;
/** Of every story, after 20:00. */
const BOOTED_AT = 2;
const REPORTED_AT = 5;
/** Of the next day, when the digest is made. */
const NINE_O_CLOCK = 13 * 60;

describe('a host that was booted', needs('faketime'), () => {
  const host = testHost('web1');
  let front: Target;
  let back: Target;
  let folder: { path: string; remove: () => void };

  beforeEach(async () => {
    front = await Target.start();
    back = await Target.start();
    folder = installation(globalFile('maildir:state/mail', 'interval: 5m\n'), {
      'a.yaml': `hosts:
  web1:
    attempts: 3
    report: { file: web1.report, keys: ["${host.line}"], max_age: 1h }
    checks:
      memory: { type: memory }
      front: { type: http, url: "${front.url}" }
      back: { type: http, url: "${back.url}" }
`,
    });
    report(0, 'first', 86_400);
  });
  afterEach(async () => {
    await Promise.all([front.stop(), back.stop()]);
    folder.remove();
  });

  function report(minute: number, boot: string, seconds: number): void {
    const created = new Date(NOW + minute * MINUTE).toISOString().replace('.000', '');
    const facts = { ...FULL_FACTS, uptime: { at: NOW / 1000 + minute * 60, seconds } };
    writeFileSync(join(folder.path, 'web1.report'), signedReport(host, { seq: NOW / 1000 + minute, created, boot, facts }));
  }

  /** Runs at these minutes after 20:00; what was mailed, as `minute: subject`. */
  async function play(minutes: number[], upAgain: { front: number; back: number }): Promise<string[]> {
    const told: string[] = [];
    for (const minute of minutes) {
      if (minute === REPORTED_AT) report(REPORTED_AT, 'second', (REPORTED_AT - BOOTED_AT) * 60);
      front.status = minute > BOOTED_AT && minute < upAgain.front ? 503 : 200;
      back.status = minute > BOOTED_AT && minute < upAgain.back ? 503 : 200;
      const before = new Set(mails().map(({ content }) => content));
      const time = new Date(NOW + minute * MINUTE).toISOString().slice(0, 19).replace('T', ' ');
      const env = { LD_PRELOAD: findFaketime(), FAKETIME: `@${time}`, FAKETIME_DONT_FAKE_MONOTONIC: '1', TZ: 'UTC' };
      const { code, stderr } = await vigie(folder.path, ['run'], { program: BUNDLE, env: { ...env, DONT_FAKE_MONOTONIC: '1' } });
      assert.deepEqual([code, stderr], [0, ''], `minute ${minute}`);
      const fresh = mails().filter(({ content }) => !before.has(content));
      told.push(...fresh.map(({ subject }) => `${minute}: ${subject.replace('[vigie] ', '')}`));
    }
    return told;
  }
  const mails = (): FoundMail[] => readMaildir(join(folder.path, 'state/mail'));
  const events = () => readFileSync(join(folder.path, 'site/private/events.html'), 'utf8');

  it('[W3] and whose checks all came back within a quarter of an hour is an event, no mail, and a line of the digest', async () => {
    const told = await play([0, 4, 5, 8, 18], { front: 5, back: 8 });
    assert.deepEqual(told.slice(1), []);
    assert.match(events(), /web1 was booted at 20:02[^<]*: all 4 checks are back/);
    report(NINE_O_CLOCK, 'second', (NINE_O_CLOCK - BOOTED_AT) * 60);
    await play([NINE_O_CLOCK], { front: 5, back: 8 });
    const digests = mails().filter(({ content }) => content.includes('REBOOT'));
    assert.equal(digests.length, 1);
    assert.match(digests[0]?.content ?? '', /REBOOT web1: web1 was booted at 20:02[^:]*: all 4 checks are\s+back/);
  });

  it('[W3] [W2] is a mail after a quarter of an hour: what is back, and what is not; that is told when it recovers', async () => {
    const told = await play([0, 4, 5, 7, 11, 16, 17, 20, 22], { front: 5, back: 21 });
    assert.deepEqual(told.slice(1), [
      '7: PROBLEM web1/back CRITICAL: HTTP 503, expected 200-299',
      '17: REBOOT web1: web1 was booted at 20:02: 3 checks are back, web1/back is not',
      '22: RECOVERED web1/back',
    ]);
    const [problem, reboot] = ['PROBLEM', 'REBOOT'].map((word) => mails().find(({ subject }) => subject.includes(word))?.content);
    assert.match(problem ?? '', /after it was booted/);
    assert.match(reboot ?? '', /web1\/back CRITICAL: HTTP 503/);
  });
});
