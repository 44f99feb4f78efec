import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { BUNDLE, globalFile, installation, vigie } from '../support/cli.ts';
import { findFaketime } from '../support/faketime.ts';
import { readMaildir } from '../support/maildir.ts';
import { needs } from '../support/server.ts';
import { Target } from '../support/target.ts';

let target: Target;
let folder: { path: string; remove: () => void };

beforeEach(async () => {
  target = await Target.start();
  folder = installation(globalFile('maildir:state/mail'), {
    'a.yaml': `services:\n  website: { priority: critical, checks: { page: { type: http, url: "${target.url}", every: 1d } } }\n`,
  });
});
afterEach(async () => {
  await target.stop();
  folder.remove();
});

/** One run of the cron line at a time, UTC. */
async function runAt(time: string, args: string[] = []): Promise<string[]> {
  const before = readMaildir(join(folder.path, 'state/mail')).length;
  const env = {
    LD_PRELOAD: findFaketime(),
    FAKETIME: `@${time}`,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
    TZ: 'UTC',
  };
  const { code, stderr } = await vigie(folder.path, ['run', ...args], { program: BUNDLE, env });
  assert.deepEqual([code, stderr], [0, '']);
  const mails = readMaildir(join(folder.path, 'state/mail')).slice(before);
  // Runs are missing between: that is an item of its own, and no word of this story.
  return mails.flatMap(({ content }) =>
    [...content.matchAll(/^(STARTED|CRITICAL|REMINDER|RECOVERED|WEEKLY)\b/gm)].map(([word]) => word),
  );
}

describe('a run in which no check is due', needs('faketime'), () => {
  it('[W4] wakes for a reminder at its hour, for the digest and for the weekly mail, and for nothing else', async () => {
    const story: [time: string, status: number, args: string[], mail: string[]][] = [
      ['2026-11-28 12:00:00', 200, [], ['STARTED']],
      ['2026-11-28 12:05:00', 503, ['--now', '*'], ['CRITICAL']],
      ['2026-11-28 13:04:00', 503, [], []],
      ['2026-11-28 13:06:00', 503, [], ['REMINDER']],
      ['2026-11-28 13:07:00', 503, [], []],
      ['2026-11-28 16:06:00', 503, [], ['REMINDER']],
      ['2026-11-29 08:59:00', 503, [], []],
      ['2026-11-29 09:01:00', 503, [], ['REMINDER']],
      ['2026-11-29 09:02:00', 503, [], []],
      ['2026-11-29 10:00:00', 200, ['--now', '*'], ['RECOVERED']],
      ['2026-11-30 09:01:00', 200, [], ['WEEKLY']],
      ['2026-11-30 09:02:00', 200, [], []],
    ];
    for (const [time, status, args, mail] of story) {
      target.status = status;
      assert.deepEqual(await runAt(time, args), mail, time);
    }
  });
});
