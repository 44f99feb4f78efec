import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { composeText } from '../../src/core/message.ts';
import { composeContent, type Draft } from '../../src/mail/compose.ts';
import { maildirTransport } from '../../src/mail/maildir.ts';
import { checkOf, configurationOf } from '../support/model.ts';
import { needs, temporaryFolder } from '../support/server.ts';
import { HOUR, itemFor, MINUTE, MONDAY, recoveryOf } from '../support/telling.ts';

const check = checkOf({ id: 'website/café', priority: 'critical' });
const problem = itemFor(check, MONDAY);
let folder: { path: string; remove: () => void };

beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

/** One message in the maildir, as a run leaves it there. Returns its Message-ID. */
async function deliver(draft: Omit<Draft, 'recipient'>, now: number): Promise<string> {
  const configuration = configurationOf([check]);
  const { content, messageId } = await composeContent({ ...draft, recipient: 'anna@example.org' }, configuration, {
    secret: 's',
    now,
  });
  const send = maildirTransport(join(folder.path, 'box'));
  const { outcome } = await send({ from: 'vigie@example.org', to: 'anna@example.org', messageId, content });
  assert.equal(outcome, 'sent');
  return messageId;
}

/** What mutt shows of the first message and of everything that it takes for the same thread, in a terminal of `script`'s. */
async function readThread(): Promise<string> {
  const shown = join(folder.path, 'shown');
  const keys = `<first-entry><tag-thread><tag-prefix><pipe-message>cat > ${shown}<enter><exit>`;
  // Without a folder that is there mutt asks whether to make one, and takes our first key for the answer.
  const lines = [
    `folder="${folder.path}"`,
    'sort=threads',
    'strict_threads=yes',
    'pipe_decode=yes',
    'wait_key=no',
    'quit=yes',
    'record=""',
    'wrap=72',
  ];
  writeFileSync(
    join(folder.path, 'muttrc'),
    `${lines.map((line) => `set ${line}\n`).join('')}ignore *\nunignore from subject list-id auto-submitted\npush '${keys}'\n`,
  );
  const command = `mutt -n -R -F ${join(folder.path, 'muttrc')} -f ${join(folder.path, 'box')}`;
  // Its standard input stays open: at its end mutt would leave.
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { ...process.env, TERM: 'xterm', LC_ALL: 'C.UTF-8', HOME: folder.path },
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), 120_000);
  await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  assert.ok(existsSync(shown), 'mutt showed nothing');
  return readFileSync(shown, 'utf8');
}

describe('read in mutt', needs('mutt', 'script'), () => {
  it('[H1] a problem and its recovery are one thread with our words in it; another problem is not in it', async () => {
    const first = await deliver({ message: 1, items: [problem], references: [] }, MONDAY);
    const other = itemFor(checkOf({ id: 'mail/smtp' }), MONDAY + MINUTE);
    await deliver({ message: 2, items: [other], references: [] }, MONDAY + MINUTE);
    await deliver({ message: 3, items: [recoveryOf(problem, MONDAY + HOUR)], references: [first] }, MONDAY + HOUR);
    const shown = await readThread();
    const subjects = [...shown.matchAll(/^Subject: (.*)$/gm)].map(([, subject]) => subject);
    assert.deepEqual(subjects, [
      '[vigie] PROBLEM website/café CRITICAL: seen CRITICAL',
      '[vigie] RECOVERED website/café after 1 h 2 min',
    ]);
    assert.match(shown, /^From: vigie <vigie@example\.org>$/m);
    assert.match(shown, /^List-I[dD]: vigie <vigie\.example\.org>$/m);
    assert.match(shown, /^Auto-Submitted: auto-generated$/m);
    // Word for word what was composed: no line is broken anew, no letter is lost.
    const { body } = composeText([problem], { timezone: 'UTC', now: MONDAY, url: null });
    assert.ok(shown.includes(body.trimEnd()), shown);
    assert.doesNotMatch(shown, /mail\/smtp/);
  });
});
