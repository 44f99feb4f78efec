import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { INBOX_LIMITS } from '../../src/mail/mailbox.ts';
import { openHistoryForReading } from '../../src/store/database.ts';
import { readPeople } from '../../src/store/people.ts';
import { type CertificateRig, certificateRig } from '../support/certificates.ts';
import { BUNDLE, globalFile, installation, vigie } from '../support/cli.ts';
import { needs } from '../support/server.ts';
import { type DovecotServer, NOBODY, startDovecot } from '../support/starttls-servers.ts';
import { Target } from '../support/target.ts';

const CHECKS = (url: string) => `services:
  shop: { checks: { page: { type: http, url: "${url}" } } }
  website: { checks: { front-page: { type: http, url: "${url}" }, login: { type: http, url: "${url}" } } }
`;

let target: Target;
let folder: { path: string; remove: () => void };
const at = (...names: string[]) => join(folder.path, ...names);

/** An installation that has told of three problems; `inbox` is the value of `mail.inbox`. */
async function install(inbox: string): Promise<void> {
  target = await Target.start();
  const file = globalFile('maildir:state/mail').replace('mail: { from:', `mail: { inbox: ${inbox}, from:`);
  folder = installation(file, { 'website.yaml': CHECKS(target.url) });
  assert.equal((await run('--now', '*')).stderr, '');
  target.status = 503;
  assert.equal((await run('--now', '*')).stderr, '');
}
async function uninstall(): Promise<void> {
  await target.stop();
  folder.remove();
}

/** The bundle: what people run, with its library inside and no code made of text. */
const run = (...args: string[]) => vigie(folder.path, ['run', ...args], { program: BUNDLE });

/** What the program told last. */
function lastMail(): { id: string; body: string } {
  const mails = readdirSync(at('state/mail/new')).map((name) =>
    readFileSync(at('state/mail/new', name), 'utf8').replace(/\r\n/g, '\n'),
  );
  const found = mails.find((mail) => /^Subject: \[vigie\] PROBLEM/m.test(mail)) ?? '';
  const id = /^Message-ID: (<[^>]+>)$/im.exec(found)?.[1] ?? '';
  const body = found.slice(found.indexOf('\n\n') + 2);
  assert.match(body, /^vigie token: [a-z2-7]{24}$/m);
  return { id, body };
}

function replyTo(
  { id, body }: { id: string; body: string },
  { from = 'sysadmins@example.org', words = 'on it', more = '' } = {},
): string {
  const quoted = body.replace(/^/gm, '> ');
  return `From: Anna <${from}>\nTo: vigie@example.org\nSubject: Re: x\nIn-Reply-To: ${id}\n${more}\n${words}\n\nvigie wrote:\n${quoted}\n`;
}

function said() {
  const database = openHistoryForReading(at('state'));
  const people = database === null ? null : readPeople(database, Date.now());
  const outcomes = (database?.prepare('SELECT sender, outcome FROM replies ORDER BY at, outcome').raw().all() ?? []) as [
    string,
    string,
  ][];
  database?.close();
  const acknowledged = (people?.acknowledgements ?? []).map(({ check, author, note }) => `${check} ${author}: ${note}`);
  return { acknowledged: acknowledged.sort(), outcomes: outcomes.map((row) => row.join(': ')) };
}

describe('answering a mail, with a maildir as the inbox', () => {
  let number = 0;
  const receive = (mail: string) => {
    number += 1;
    writeFileSync(at('inbox/new', `${1_000 + number}.x`), mail);
  };
  before(async () => {
    await install('{ mailbox: "maildir:inbox" }');
    for (const sub of ['new', 'cur', 'tmp']) mkdirSync(at('inbox', sub), { recursive: true });
  });
  after(uninstall);

  it('[T6] what is no proven answer acknowledges nothing, is counted and not looked at again', async () => {
    const mail = lastMail();
    receive(replyTo(mail, { from: 'eve@example.org' }));
    receive(replyTo({ ...mail, body: mail.body.replace(/^vigie token.*$/m, '') }));
    receive(replyTo({ ...mail, id: '<vigie.1.000000000000000000000000@example.org>' }));
    receive(replyTo(mail, { more: 'Auto-Submitted: auto-replied\n' }));
    receive('\0\0\0');
    assert.equal((await run()).stderr, '');
    assert.deepEqual(said().acknowledged, []);
    assert.deepEqual(said().outcomes.sort(), [
      'eve@example.org: not from the address of a contact',
      'sysadmins@example.org: made by a program',
      'sysadmins@example.org: no reply to a message of ours',
      'sysadmins@example.org: without the token of the message',
      'unknown: not from the address of a contact',
    ]);
    assert.deepEqual([readdirSync(at('inbox/new')).length, readdirSync(at('inbox/cur')).length], [0, 5]);
    for (const name of readdirSync(at('inbox/cur'))) assert.match(name, /:2,S$/);
  });

  it('[W4] acknowledges what it quotes, in the run that reads it', async () => {
    const mail = lastMail();
    const cut = mail.body
      .split('\n\n')
      .filter((entry) => !entry.startsWith('CRITICAL website/login'))
      .join('\n\n');
    receive(replyTo({ ...mail, body: cut }, { words: 'uwsgi hangs, I restart it' }));
    assert.equal((await run()).stderr, '');
    assert.deepEqual(said().acknowledged, [
      'shop/page sysadmins@example.org: uwsgi hangs, I restart it',
      'website/front-page sysadmins@example.org: uwsgi hangs, I restart it',
    ]);
    assert.match(readFileSync(at('site/private/index.html'), 'utf8'), /uwsgi hangs, I restart it/);
  });

  it('[T2] a flooded inbox is read newest first, a few mails in each run', async () => {
    for (let i = 0; i < 100; i += 1) receive('From: eve@example.org\n\nx\n');
    receive(replyTo(lastMail(), { words: 'the newest' }));
    receive(`From: eve@example.org\n\n${'x'.repeat(20_000_000)}\n`);
    assert.equal((await run()).stderr, '');
    assert.equal(readdirSync(at('inbox/new')).length, 102 - INBOX_LIMITS.mails);
    assert.equal(said().acknowledged.length, 3);
    assert.match(said().acknowledged[0] ?? '', /: the newest$/);
  });

  it('[R1] while nothing is wrong the inbox is left alone', async () => {
    target.status = 200;
    await run('--now', '*');
    const before = readdirSync(at('inbox/new')).length;
    await run();
    assert.equal(readdirSync(at('inbox/new')).length, before);
    assert.deepEqual(said().acknowledged, []);
  });

  it('[case O01] an inbox that is not there is told once, and stops nothing', async () => {
    target.status = 503;
    await run('--now', '*');
    const path = at('vigie.yaml');
    writeFileSync(path, readFileSync(path, 'utf8').replace('maildir:inbox', 'maildir:nowhere'));
    const first = await run('--now', '*');
    assert.equal(first.code, 1);
    assert.match(first.stderr, /^vigie: inbox: .*nowhere\/new/);
    assert.equal((await run('--now', '*')).stderr, '');
    assert.match(readFileSync(at('site/private/index.html'), 'utf8'), /3 problems/);
  });
});

describe('answering a mail, with a real dovecot', needs('dovecot'), () => {
  let rig: CertificateRig;
  let dovecot: DovecotServer;
  const deliver = (mail: string) => {
    const box = join(dovecot.folder, 'mail/vigie');
    for (const sub of ['', 'new', 'cur', 'tmp']) mkdirSync(join(box, sub), { recursive: true });
    writeFileSync(join(box, 'new', `${Date.now()}.${Math.random()}.x`), mail);
    execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, box]);
  };
  const inboxOf = (mailbox: string) =>
    `{ mailbox: "${mailbox}", user: vigie, password: { file: ${join(rig.folder, 'password')} } }`;
  before(async () => {
    rig = certificateRig();
    execFileSync('chmod', ['-R', 'a+rX', rig.folder]);
    writeFileSync(join(rig.folder, 'password'), 'pw\n', { mode: 0o600 });
    writeFileSync(join(rig.folder, 'wrong'), 'CANARY\n', { mode: 0o600 });
    dovecot = await startDovecot(rig.issue('good'), { users: ['vigie'] });
    await install(`${inboxOf(`imaps://localhost:${dovecot.tlsPort}`)}, tls: { ca: ${rig.caFile} }`);
  });
  after(async () => {
    await dovecot?.stop();
    await uninstall();
    rig.remove();
  });
  const use = (from: string, to: string) => {
    const path = at('vigie.yaml');
    writeFileSync(path, readFileSync(path, 'utf8').replace(from, to));
  };

  it('[W4] acknowledges over IMAP with TLS, and marks the mail as read', async () => {
    deliver('From: eve@example.org\n\nx\n');
    deliver(replyTo(lastMail()));
    assert.equal((await run()).stderr, '');
    assert.equal(said().acknowledged.length, 3);
    const read = readdirSync(join(dovecot.folder, 'mail/vigie/cur'));
    assert.deepEqual(
      read.map((name) => /:2,S/.test(name)),
      [true, true],
    );
    assert.equal(said().outcomes.length, 2);
  });

  it('[W4] does so with STARTTLS too', async () => {
    use(`imaps://localhost:${dovecot.tlsPort}`, `imap://localhost:${dovecot.port}`);
    deliver(replyTo(lastMail(), { words: 'still on it' }));
    assert.equal((await run()).stderr, '');
    assert.match(said().acknowledged[0] ?? '', /: still on it$/);
  });

  const faults: { name: string; from: () => string; to: () => string; says: RegExp }[] = [
    {
      name: 'a wrong password',
      from: () => join(rig.folder, 'password'),
      to: () => join(rig.folder, 'wrong'),
      says: /^vigie: inbox: localhost: .*[Aa]uthentication/,
    },
    {
      name: 'a certificate that is not trusted',
      from: () => rig.caFile,
      to: () => join(rig.folder, 'stranger.pem'),
      says: /^vigie: inbox: localhost: .*(certificate|issuer)/,
    },
    {
      name: 'a server that is down',
      from: () => `imap://localhost:${dovecot.port}`,
      to: () => 'imap://localhost:1',
      says: /^vigie: inbox: localhost: .*(ECONNREFUSED|connect)/i,
    },
  ];
  for (const { name, from, to, says } of faults) {
    it(`[case O05] ${name} is said in one line without the password, and stops nothing`, async () => {
      const good = readFileSync(at('vigie.yaml'), 'utf8');
      if (name.startsWith('a certificate'))
        writeFileSync(join(rig.folder, 'stranger.pem'), readFileSync(rig.issue('stranger', { issuer: 'self' }).chainFile));
      use(from(), to());
      const { code, stderr } = await run('--now', 'shop');
      writeFileSync(at('vigie.yaml'), good);
      assert.equal(code, 1);
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /CANARY/);
      assert.equal(stderr.trimEnd().split('\n').length, 1);
    });
  }
});
