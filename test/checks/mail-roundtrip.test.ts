import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import roundtrip from '../../checks/mail-roundtrip.ts';
import type { Observation } from '../../src/check-type.ts';
import { createTokens, toMessage } from '../../src/net/roundtrip.ts';
import { type CertificateRig, certificateRig } from '../support/certificates.ts';
import { codeOf, problemsOf, runCheck } from '../support/check.ts';
import { BUNDLE, globalFile, installation, vigie } from '../support/cli.ts';
import { type TestContextSettings, testContext } from '../support/context.ts';
import { type Answer, scripted } from '../support/scripted.ts';
import { needs, temporaryFolder } from '../support/server.ts';
import { startMicrosocks } from '../support/socks.ts';
import {
  type DovecotServer,
  NOBODY,
  needsPostfix,
  type PostfixServer,
  startDovecot,
  startPostfix,
} from '../support/starttls-servers.ts';

const MINUTE = 60_000;
const KEY = 'a random text of forty characters or so';
const secrets = { KEY, PW: 'pw' };
const skip = [needsPostfix(), needs('dovecot')].find((reason) => reason.skip !== undefined) ?? {};

const tokens = createTokens(KEY, ['127.0.0.1', 'vigie@site.test', 'trip@site.test']);
const people = { from: 'vigie@site.test', to: 'trip@site.test', key: { env: 'KEY' } };

describe('mail-roundtrip through the real postfix and dovecot', skip, () => {
  let rig: CertificateRig;
  let dovecot: DovecotServer;
  let postfix: PostfixServer;
  let folder: string;
  before(async () => {
    rig = certificateRig();
    dovecot = await startDovecot(rig.issue('mailbox'), { users: ['trip'] });
    folder = join(dovecot.folder, 'mail/trip');
    for (const name of ['new', 'cur', 'tmp']) mkdirSync(join(folder, name), { recursive: true });
    execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, join(dovecot.folder, 'mail')]);
    postfix = await startPostfix(rig.issue('good'), {
      main: `mynetworks = 127.0.0.0/8
virtual_mailbox_domains = site.test
virtual_mailbox_base = ${dovecot.folder}/mail
virtual_mailbox_maps = inline:{trip@site.test=trip/}
virtual_uid_maps = static:${NOBODY}
virtual_gid_maps = static:${NOBODY}
smtpd_relay_restrictions = permit_mynetworks, reject
`,
    });
  });
  after(async () => {
    await postfix?.stop();
    await dovecot?.stop();
    rig?.remove();
  });

  const options = () => ({
    ...people,
    within: 600,
    smtp: { address: '127.0.0.1', port: postfix.port, tls: { ca: rig.ca } },
    imap: { address: '127.0.0.1', port: dovecot.tlsPort, tls: { ca: rig.ca }, user: 'trip', password: { env: 'PW' } },
  });
  const files = () => ['new', 'cur'].flatMap((part) => readdirSync(join(folder, part)));
  const run = (settings: TestContextSettings, changed: Record<string, unknown> = {}): Promise<Observation> =>
    runCheck(roundtrip, { ...options(), ...changed }, testContext({ secrets, ...settings }));
  /** Until the mailbox holds so many messages; the delivery is postfix' own. */
  const delivered = async (count: number) => {
    for (let i = 0; i < 2000 && files().length < count; i += 1) await new Promise((resolve) => setTimeout(resolve, 25));
    assert.equal(files().length, count);
  };
  const foreign = (name: string, text: string) => {
    const path = join(folder, 'new', name);
    writeFileSync(path, text);
    chownSync(path, NOBODY, NOBODY);
    return path;
  };
  const clear = () => execFileSync('sh', ['-c', `find ${folder}/new ${folder}/cur -type f -delete`]);

  it('[K18] what one run sends the next one finds, and the one after deletes', async () => {
    const start = Date.now();
    const first = await run({ now: start });
    assert.equal(first.kind, 'measured', first.output);
    assert.equal(first.output, 'message sent, the next runs look for it');
    await delivered(1);
    const second = await run({ now: start + 5 * MINUTE, memory: first.memory });
    assert.equal(second.kind, 'measured', second.output);
    assert.match(second.output, /^message of \d\d:\d\dZ arrived after \d+ s$/);
    assert.ok((second.metrics?.['delay'] ?? 999) < 60);
    await delivered(2);
    const third = await run({ now: start + 10 * MINUTE, memory: second.memory });
    assert.equal(third.kind, 'measured', third.output);
    await delivered(2);
    clear();
  });

  it('[case M09] foreign and forged messages neither count nor are deleted, in a mailbox with a large one', async () => {
    const start = Date.now();
    const first = await run({ now: start });
    await delivered(1);
    clear();
    const forged = `${tokens.tag}.${start.toString(36)}.${'0'.repeat(32)}`;
    const mine = { from: people.from, to: people.to };
    const kept = [
      foreign('1.forged', toMessage(mine, forged, start)),
      foreign('2.other', toMessage(mine, createTokens('another key', ['x']).make(start), start)),
      foreign('3.body', `Subject: x\n\nX-Vigie-Token: ${tokens.make(start)}\n`),
    ];
    truncateSync(foreign('4.large', 'Subject: large\n\n'), 50_000_000);
    const second = await run({ now: start + 11 * MINUTE, memory: first.memory });
    assert.equal(codeOf(second), 'mail.missing', second.output);
    assert.equal(second.kind === 'judged' && second.state, 'CRITICAL');
    await delivered(5);
    const names = files().join(' ');
    for (const path of kept) assert.ok(names.includes(path.split('/').at(-1) ?? '?'), names);
    clear();
  });

  it('[case M09] of 100,000 messages ours is found, and one that arrives twice is one', async () => {
    const start = Date.now();
    const first = await run({ now: start });
    await delivered(1);
    for (let i = 0; i < 500; i += 1) foreign(`${i}.many`, `Subject: ${i}\n\nx\n`);
    execFileSync('sh', ['-c', `cd ${folder}/new && seq -f 1000000000.M%06.0f 100000 | xargs touch -d 2026-01-01`]);
    foreign('9999.twice', toMessage({ from: people.from, to: people.to }, tokens.make(start), start));
    const second = await run({ now: start + 5 * MINUTE, memory: first.memory });
    assert.equal(second.kind, 'measured', second.output);
    assert.match(second.output, /arrived after/);
    await delivered(100_503);
    clear();
  });

  it('[K18] passwords and the key are in no step', async () => {
    const context = testContext({ secrets: { KEY, PW: 'pw' } });
    await runCheck(roundtrip, options(), context);
    const steps = context.steps.join('\n');
    assert.match(steps, /smtp: > DATA/);
    assert.ok(!steps.includes(KEY) && !steps.includes(Buffer.from('\0trip\0pw').toString('base64')));
    await delivered(1);
    clear();
  });

  it('[K18] a mailbox that refuses the login is imap.auth, and nothing is sent', async () => {
    const smtp = { address: '127.0.0.1', port: 1 };
    const seen = await run({ secrets: { KEY, PW: 'wrong' } }, { smtp });
    assert.equal(codeOf(seen), 'imap.auth');
  });

  it('[K18] runs of the program hand the message on: the second finds what the first sent', async () => {
    clear();
    const here = installation(globalFile('maildir:state/mail'), {
      'mail.yaml': `services:
  mail:
    checks:
      relay:
        type: mail-roundtrip
        timeout: 30s
        from: vigie@site.test
        to: trip@site.test
        key: { env: KEY }
        smtp: { address: 127.0.0.1, port: ${postfix.port}, tls: { ca: ${rig.caFile} } }
        imap: { address: 127.0.0.1, port: ${dovecot.tlsPort}, tls: { ca: ${rig.caFile} }, user: trip, password: { env: PW } }
`,
    });
    const options = { program: BUNDLE, env: secrets };
    try {
      const first = await vigie(here.path, ['run', '--now', 'mail/relay', '--json'], options);
      assert.match(first.stdout, /"due":1,"ok":1/, first.stderr);
      await delivered(1);
      const second = await vigie(here.path, ['run', '--now', 'mail/relay'], options);
      assert.equal(second.code, 0, second.stderr);
      await delivered(2);
      const { stdout } = await vigie(here.path, ['status', '--json'], options);
      assert.match(stdout, /message of \d\d:\d\dZ arrived after/);
      assert.doesNotMatch(stdout, new RegExp(KEY));
    } finally {
      here.remove();
      clear();
    }
  });

  it('[N2] works through a SOCKS proxy', needs('microsocks'), async () => {
    const proxy = await startMicrosocks();
    const through = { proxy: { name: 'socks', host: '127.0.0.1', port: proxy.port } };
    const start = Date.now();
    const first = await run({ now: start, ...through });
    await delivered(1);
    const second = await run({ now: start + MINUTE, memory: first.memory, ...through });
    await proxy.stop();
    assert.match(second.output, /arrived after/);
  });
});

describe('mail-roundtrip into a maildir, from servers that fail', () => {
  let box: ReturnType<typeof temporaryFolder>;
  before(() => {
    box = temporaryFolder();
    for (const name of ['new', 'cur', 'tmp']) mkdirSync(join(box.path, name));
  });
  after(() => box?.remove());
  const NOW = Date.now();

  /** One run against a server that answers as told; what it was given is put into the maildir when `delivers`. */
  const play = async (answer: (line: string) => Answer, settings: TestContextSettings = {}, delivers = false) => {
    const server = await scripted('220 raw\r\n', answer);
    const smtp = { address: '127.0.0.1', port: server.port, security: 'none' };
    const seen = await runCheck(
      roundtrip,
      { ...people, within: 600, smtp, maildir: box.path },
      testContext({ secrets, now: NOW, ...settings }),
    );
    await server.close();
    const message = /DATA\r\n(.*)\r\n\.\r\n/s.exec(server.received())?.[1];
    if (delivers && message !== undefined) {
      const path = join(box.path, 'new', `${Math.floor(NOW / 1000)}.M1`);
      writeFileSync(path, message);
      utimesSync(path, NOW / 1000 + 42, NOW / 1000 + 42);
    }
    return { seen, message, received: server.received() };
  };
  let isData = false;
  const good = (line: string): Answer => {
    if (isData) {
      if (line !== '.') return '';
      isData = false;
      return '250 queued\r\n';
    }
    if (line === 'DATA') {
      isData = true;
      return '354 go on\r\n';
    }
    return '250 ok\r\n';
  };
  const at = (verb: string, bad: Answer) => (line: string) => {
    if (line === verb || line.startsWith(`${verb} `)) {
      isData = false;
      return bad;
    }
    return good(line);
  };

  it('[K18] the file of a maildir is found, dated by its delivery, and deleted by the run after', async () => {
    const first = await play(good, {}, true);
    assert.equal(first.seen.kind, 'measured', first.seen.output);
    const second = await play(good, { now: NOW + 5 * MINUTE, memory: first.seen.memory });
    assert.match(second.seen.output, /^message of .* arrived after 42 s$/);
    assert.equal(readdirSync(join(box.path, 'new')).length, 1);
    const third = await play(good, { now: NOW + 6 * MINUTE, memory: second.seen.memory });
    assert.equal(third.seen.kind, 'measured');
    assert.deepEqual(readdirSync(join(box.path, 'new')), []);
  });

  it('[case M09] of 100,000 messages in a maildir ours is found', async () => {
    const first = await play(good, {}, true);
    const old = Math.floor(NOW / 1000) - 30 * 86_400;
    execFileSync('sh', ['-c', `cd ${box.path}/cur && seq -f ${old}.M%06.0f 100000 | xargs touch`]);
    const { seen } = await play(good, { now: NOW + 5 * MINUTE, memory: first.seen.memory });
    assert.match(seen.output, /^message of .* arrived after/);
    for (const part of ['new', 'cur']) {
      execFileSync('rm', ['-rf', join(box.path, part)]);
      mkdirSync(join(box.path, part));
    }
  });

  it('[T1] links, FIFOs and folders in a maildir are not read', async () => {
    const second = Math.floor(NOW / 1000);
    const secret = join(box.path, 'secret');
    const [sent] = [await play(good)];
    writeFileSync(secret, sent.message ?? '');
    symlinkSync(secret, join(box.path, 'new', `${second}.link`));
    mkdirSync(join(box.path, 'new', `${second}.folder`));
    execFileSync('mkfifo', [join(box.path, 'new', `${second}.fifo`)]);
    const { seen } = await play(good, { now: NOW + MINUTE, memory: sent.seen.memory });
    assert.equal(seen.output, 'message sent, the next runs look for it');
    assert.ok(existsSync(secret));
    execFileSync('rm', ['-rf', join(box.path, 'new')]);
    mkdirSync(join(box.path, 'new'));
  });

  for (const { name, verb, answer, code, waits } of [
    { name: '421 at MAIL', verb: 'MAIL', answer: '421 busy\r\n', code: 'smtp.temporary', waits: 0 },
    { name: '[case M10] 450 at RCPT', verb: 'RCPT', answer: '450 greylisted\r\n', code: 'smtp.temporary', waits: 0 },
    { name: '550 at RCPT', verb: 'RCPT', answer: '550 no\r\n', code: 'smtp.refused', waits: 0 },
    { name: '550 at DATA', verb: 'DATA', answer: '550 no\r\n', code: 'smtp.refused', waits: 0 },
    { name: 'a close after DATA', verb: 'DATA', answer: 'close', code: 'network.closed', waits: 0 },
    { name: '554 after the final dot', verb: '.', answer: '554 spam\r\n', code: 'smtp.refused', waits: 0 },
    {
      name: '[case M05] a close after the final dot, when it may be under way',
      verb: '.',
      answer: 'close',
      code: 'network.closed',
      waits: 1,
    },
  ]) {
    it(`[case M04] ${name} is ${code}, and ${waits} messages are waited for`, async () => {
      isData = false;
      const { seen } = await play(at(verb, answer));
      isData = false;
      assert.equal(seen.kind, 'failed');
      assert.equal(codeOf(seen), code, seen.output);
      assert.equal((seen.memory as { pending: number[] }).pending.length, waits);
    });
  }

  it('[K18] another try of the same run sends the same message again, not another one', async () => {
    isData = false;
    const [one, two] = [await play(good), await play(good)];
    assert.equal(one.message, two.message);
  });

  it('[K18] a maildir that cannot be read is our trouble: UNKNOWN, and nothing is sent', async () => {
    const smtp = { address: '127.0.0.1', port: 1, security: 'none' };
    const seen = await runCheck(roundtrip, { ...people, within: 600, smtp, maildir: '/nowhere' }, testContext({ secrets }));
    assert.deepEqual([seen.kind, codeOf(seen)], ['unknown', 'maildir.unreadable']);
  });

  it('[K18] a key that is short is refused', async () => {
    const smtp = { address: '127.0.0.1', port: 1, security: 'none' };
    const context = testContext({ secrets: { KEY: 'short' } });
    assert.equal(codeOf(await runCheck(roundtrip, { ...people, within: 600, smtp, maildir: box.path }, context)), 'secret.short');
  });

  it('[A1] a mailbox is either, passwords go over TLS only', () => {
    const smtp = { address: 'a', security: 'starttls' };
    const imap = { address: 'a', security: 'tls', user: 'u', password: { env: 'PW' }, mailbox: 'INBOX' };
    const keys = (options: Record<string, unknown>) => Object.keys(problemsOf(roundtrip, { ...people, smtp, ...options }));
    assert.deepEqual(keys({}), ['imap']);
    assert.deepEqual(keys({ imap, maildir: '/m' }), ['imap']);
    assert.deepEqual(keys({ imap: { ...imap, security: 'none' } }), ['imap']);
    assert.deepEqual(keys({ maildir: '/m', smtp: { ...smtp, security: 'none', login: { user: 'a', password: { env: 'P' } } } }), [
      'smtp',
    ]);
    assert.deepEqual(keys({ imap }), []);
  });
});
