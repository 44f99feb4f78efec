import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { openHistoryForReading } from '../../src/store/database.ts';
import { checkIntegrity } from '../../src/store/history.ts';
import { BUNDLE, globalFile, installation, vigie } from '../support/cli.ts';
import { ScriptedSmtpServer } from '../support/smtp-server.ts';
import { Target } from '../support/target.ts';

/** `when|what|n`: before or after the n-th statement, rename, fsync, write or read whose text contains `what`. */
const POINTS = [
  'before|sql INSERT INTO runs|1',
  'after|sql INSERT INTO runs|1',
  'before|sql INSERT INTO checks|1',
  'before|sql INSERT INTO results|1',
  'after|sql INSERT INTO results|1',
  'before|sql INSERT INTO events|1',
  'before|sql INSERT INTO items|1',
  'after|sql INSERT INTO items|1',
  'before|sql SELECT message, recipient, subject|1',
  'before|fsync|1',
  'after|fsync|2',
  'before|rename|1',
  'after|rename|1',
  'after|rename|3',
  'before|/index.html|1',
  'after|/index.html|1',
  'before|sql INSERT INTO meta|1',
  'before|sql INSERT INTO messages|1',
  'after|sql INSERT INTO messages|1',
  'before|sql UPDATE items SET message|1',
  'before|sql UPDATE messages SET message_id|1',
  'after|sql UPDATE messages SET message_id|1',
  'before|sql UPDATE messages SET attempts|1',
  'after|sql UPDATE messages SET attempts|1',
  'before|read 220|1',
  'after|write EHLO|1',
  'after|write MAIL FROM|1',
  'after|write RCPT TO|1',
  'after|write DATA|1',
  'before|read 354|1',
  'after|write Auto-Submitted|1',
  'before|read 250 2.0.0 accepted|1',
  "before|sql UPDATE messages SET state = 'sent'|1",
  "after|sql UPDATE messages SET state = 'sent'|1",
  'before|sql UPDATE runs SET duration_ms|1',
  'after|sql UPDATE runs SET duration_ms|1',
  'after|sql SELECT number, at FROM|1',
];

let target: Target;
let server: ScriptedSmtpServer;
let folder: { path: string; remove: () => void };

beforeEach(async () => {
  target = await Target.start();
  server = await ScriptedSmtpServer.start();
  folder = installation(globalFile(`smtp://127.0.0.1:${server.port}`), {
    'a.yaml': `services:\n  website:\n    checks:\n      front-page: { type: http, url: "${target.url}" }\n`,
  });
});
afterEach(async () => {
  await target.stop();
  await server.stop();
  folder.remove();
});

const runOnce = (options = {}) => vigie(folder.path, ['run', '--now', '*'], { program: BUNDLE, ...options });
const killAt = (point: string) =>
  runOnce({
    nodeOptions: ['--import', new URL('../support/kill-at.js', import.meta.url).href],
    env: { VIGIE_TEST_KILL_AT: point },
  });

function header(content: string, name: string): string {
  const unfolded = content.slice(0, content.indexOf('\r\n\r\n')).replace(/\r\n[ \t]+/g, ' ');
  return new RegExp(`^${name}: (.*)$`, 'mi').exec(unfolded)?.[1] ?? '';
}

/** Every message whose final dot arrived, each Message-ID once; duplicates must be the same to the byte. */
function distinctSubjects(): string[] {
  const byId = new Map<string, string>();
  for (const { content } of server.dots) {
    const id = header(content, 'Message-ID');
    assert.equal(byId.get(id) ?? content, content, 'a duplicate differs');
    byId.set(id, content);
  }
  return [...byId.values()].map((content) => header(content, 'Subject').replace(/ after .*/, ''));
}

/** The database is sound, and every page is whole. */
function assertSound(): void {
  const database = openHistoryForReading(join(folder.path, 'state'));
  assert.ok(database !== null);
  assert.equal(checkIntegrity(database), null);
  assert.equal(database.prepare('SELECT count(*) FROM items WHERE message IS NULL').pluck().get(), 0);
  database.close();
  for (const site of ['private', 'public']) {
    for (const name of readdirSync(join(folder.path, 'site', site), { recursive: true }) as string[]) {
      if (name.endsWith('.html')) assert.match(readFileSync(join(folder.path, 'site', site, name), 'utf8'), /<\/html>\s*$/, name);
      assert.ok(!name.endsWith('.vigie-new'), `${name} was left behind`);
    }
  }
}

const PROBLEM = '[vigie] PROBLEM website/front-page CRITICAL: HTTP 503, expected 200-299';
const RECOVERED = '[vigie] RECOVERED website/front-page';

describe('a run that is killed', () => {
  for (const point of POINTS) {
    it(`[case E03] ${point.replaceAll('|', ' ')}: no alert is lost, none invented, a duplicate has the same Message-ID`, async () => {
      assert.equal((await runOnce()).code, 0);
      target.status = 503;
      const killed = await killAt(point);
      assert.equal(killed.signal, 'SIGKILL', `the point was never reached: ${killed.stderr}`);
      await runOnce();
      target.status = 200;
      await runOnce();
      const [started = '', ...others] = distinctSubjects();
      assert.match(started, /STARTED/);
      assert.deepEqual(
        others.map((subject) => subject.replace(/ in [0-9.]+ m?s/, '')),
        [PROBLEM, RECOVERED],
      );
      assertSound();
    });
  }
});
