import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openHistoryForReading } from '../../src/store/database.ts';
import { readStatuses } from '../../src/store/history.ts';
import { globalFile, installation, vigie } from '../support/cli.ts';
import { signedReport, testHost } from '../support/host-report.ts';

const LETTERS = 'abcdefghijklmnopqrst';

describe('a machine whose plug-ins name their numbers anew in every report', () => {
  const host = testHost('web1');
  let folder: { path: string; remove: () => void };
  const page = (name: string) => join(folder.path, 'site/private', name);

  /** As many names as a report holds, and one that every object has. */
  function report(number: number): void {
    const at = Math.floor(Date.now() / 1000) - 10 + number;
    const list = Array.from({ length: 300 }, (_, i) => ({
      name: `n${number}x${i}`.padEnd(56, 'y'),
      code: 0,
      output: '',
      perfdata: [...LETTERS].map((letter) => `${letter}=1`).join(' '),
    }));
    const facts = { plugins: { at, list: [{ name: 'one', code: 0, output: 'fine', perfdata: 'constructor=1' }, ...list] } };
    const created = new Date(at * 1000).toISOString().replace('.000', '');
    writeFileSync(join(folder.path, 'web1.report'), signedReport(host, { seq: at, created, facts }));
  }

  before(async () => {
    folder = installation(globalFile('maildir:state/mail'), {
      'a.yaml': `hosts:
  web1:
    report: { file: web1.report, keys: ["${host.line}"] }
    checks: { all: { type: plugin }, one: { type: plugin, names: one } }
`,
    });
    for (let number = 1; number <= 5; number += 1) {
      report(number);
      const { code, stderr } = await vigie(folder.path, ['run', '--now', '*']);
      assert.deepEqual([code, stderr], [0, ''], `run ${number}`);
    }
  });
  after(() => folder.remove());

  it('[T1] [T2] has a hundred of them counted, however many there are, in a result and in a day', () => {
    const database = openHistoryForReading(join(folder.path, 'state'));
    assert.ok(database !== null);
    const status = readStatuses(database).get('web1/all');
    database.close();
    assert.equal(Object.keys(status?.latest?.metrics ?? {}).length, 100);
    assert.equal(Object.keys(status?.today?.metrics ?? {}).length, 100);
  });

  it('[T1] [case W05] its pages stay small', () => {
    assert.ok(statSync(page('checks/web1/all.html')).size < 300 * 1024);
    assert.ok(statSync(page('hosts/web1.html')).size < 300 * 1024);
    assert.ok(statSync(page('metrics.txt')).size < 100 * 1024);
  });

  it('[T1] [T4] a number called constructor is one like any other', () => {
    assert.match(readFileSync(page('checks/web1/one.html'), 'utf8'), /constructor/);
  });
});
