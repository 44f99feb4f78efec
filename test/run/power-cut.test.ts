import assert from 'node:assert/strict';
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openHistoryForReading } from '../../src/store/database.ts';
import { checkIntegrity } from '../../src/store/history.ts';
import { BUNDLE, globalFile, installation, vigie } from '../support/cli.ts';
import { readMaildir } from '../support/maildir.ts';
import { temporaryFolder } from '../support/server.ts';
import { Target } from '../support/target.ts';

const PROBLEM = '[vigie] PROBLEM website/page CRITICAL: HTTP 503, expected 200-299';
const PAGE = 4096;

/**
 * What a disk that lies about fsync leaves of the history when the power goes: each of its blocks may be the old one, the new one, or,
 * where the file grew, zeros. The log is gone: it was removed after its blocks were, as the disk said, safe in the file.
 */
const CUTS: { name: string; keep: (block: number) => boolean }[] = [
  { name: 'no block but the first', keep: (block) => block === 0 },
  { name: 'every block but the first', keep: (block) => block > 0 },
  { name: 'every second block', keep: (block) => block % 2 === 0 },
];

describe('a power cut on a disk that says too early that data are safe', () => {
  let target: Target;
  let first: { path: string; remove: () => void };
  let old: Buffer;
  let fresh: Buffer;
  const damaged: boolean[] = [];

  before(async () => {
    target = await Target.start();
    first = installation(globalFile('maildir:mail'), {
      'website.yaml': `services:\n  website: { public: true, checks: { page: { type: http, url: "${target.url}" } } }\n`,
    });
    const read = () => readFileSync(join(first.path, 'state/history.sqlite'));
    for (const status of [200, 200]) await runIn(first.path, status);
    old = read();
    for (const status of [503, 200, 200]) await runIn(first.path, status);
    fresh = read();
    assert.ok(!existsSync(join(first.path, 'state/history.sqlite-wal')));
  });
  after(async () => {
    await target.stop();
    first.remove();
  });

  async function runIn(folder: string, status: number): Promise<number | null> {
    target.status = status;
    return (await vigie(folder, ['run', '--now', '*'], { program: BUNDLE })).code;
  }

  /** The file as it is found when the power is back. */
  function cut(keep: (block: number) => boolean): Buffer {
    const left = Buffer.alloc(fresh.length);
    for (let at = 0; at < fresh.length; at += PAGE) {
      (keep(at / PAGE) ? fresh : old).copy(left, at, at, at + PAGE);
    }
    return left;
  }

  function findDamage(folder: string): string | null {
    const database = openHistoryForReading(join(folder, 'state'));
    assert.ok(database !== null);
    const found = checkIntegrity(database);
    database.close();
    return found;
  }

  for (const { name, keep } of CUTS) {
    it(`[case Q13] with ${name} written: what is damaged is moved aside, and the next problem is told once`, async () => {
      const folder = temporaryFolder();
      try {
        cpSync(first.path, folder.path, { recursive: true });
        writeFileSync(join(folder.path, 'state/history.sqlite'), cut(keep));
        const subjects = () => readMaildir(join(folder.path, 'mail')).map(({ subject }) => subject);
        const told = () => subjects().filter((subject) => subject === PROBLEM).length;
        const codes: (number | null)[] = [];
        for (const status of [200, 200, 200]) codes.push(await runIn(folder.path, status));
        assert.equal(codes.at(-1), 0, codes.join(' '));
        const isMoved = readdirSync(join(folder.path, 'state')).some((file) => file.startsWith('history.sqlite.corrupt-'));
        assert.equal(
          subjects().some((subject) => subject.includes('DATABASE')),
          isMoved,
          subjects().join('\n'),
        );
        const before = told();
        assert.equal(await runIn(folder.path, 503), 0);
        assert.equal(told(), before + 1, subjects().join('\n'));
        assert.equal(findDamage(folder.path), null);
        damaged.push(isMoved);
      } finally {
        folder.remove();
      }
    });
  }

  it('[case Q13] both a history that was damaged and one that was not were seen', () =>
    assert.deepEqual([...new Set(damaged)].sort(), [false, true]));
});
