import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import imap from '../../checks/imap.ts';
import { TargetFailure } from '../../src/check-type.ts';
import { findAnswer } from '../../src/net/imap-talk.ts';
import { type CertificateRig, certificateRig, DAY } from '../support/certificates.ts';
import { codeOf, problemsOf, runCheck } from '../support/check.ts';
import { type TestContextSettings, testContext } from '../support/context.ts';
import { insistOnCheap } from '../support/cost.ts';
import { type Answer, scripted } from '../support/scripted.ts';
import { needs } from '../support/server.ts';
import { startMicrosocks } from '../support/socks.ts';
import { type DovecotServer, NOBODY, startDovecot } from '../support/starttls-servers.ts';
import { startTlsServer } from '../support/tls-server.ts';

const login = { user: 'alice', password: { env: 'PW' } };

function run(port: number, options: Record<string, unknown>, settings: TestContextSettings = {}) {
  return runCheck(imap, { address: '127.0.0.1', port, ...options }, testContext({ secrets: { PW: 'pw' }, ...settings }));
}

describe('imap check against the real dovecot', needs('dovecot'), () => {
  let rig: CertificateRig;
  let dovecot: DovecotServer;
  before(async () => {
    rig = certificateRig();
    dovecot = await startDovecot(rig.issue('good'), { users: ['alice'] });
    for (const name of ['new', 'cur', 'tmp']) mkdirSync(join(dovecot.folder, 'mail/alice', name), { recursive: true });
    for (const name of ['1.a', '2.b', '3.c']) writeFileSync(join(dovecot.folder, 'mail/alice/new', name), 'Subject: x\n\nx\n');
    execFileSync('chown', ['-R', String(NOBODY), join(dovecot.folder, 'mail')]);
  });
  after(async () => {
    await dovecot?.stop();
    rig?.remove();
  });
  const tls = () => ({ tls: { ca: rig.ca } });

  it('[K25] TLS, login and the opened mailbox are measured', async () => {
    const seen = await run(dovecot.tlsPort, { ...tls(), login });
    assert.equal(seen.kind, 'measured', seen.output);
    assert.match(seen.output, /^logged in, 3 messages in INBOX in [\d.]+ s$/);
    assert.equal(seen.metrics?.['messages'], 3);
    assert.ok(Math.abs((seen.metrics?.['days_left'] ?? 0) - 90) < 1);
  });

  it('[K25] the same behind STARTTLS, and without a login the greeting', async () => {
    assert.match((await run(dovecot.port, { ...tls(), login, security: 'starttls' })).output, /^logged in, 3 messages/);
    const seen = await run(dovecot.port, { ...tls(), security: 'starttls' });
    assert.match(seen.output, /^"\* OK Dovecot .*ready\." in [\d.]+ s$/);
    assert.equal((await run(dovecot.port, { security: 'none' })).kind, 'measured');
  });

  it('[K25] messages stay unread: the mailbox is opened for reading only', async () => {
    const context = testContext({ secrets: { PW: 'pw' } });
    await runCheck(imap, { address: '127.0.0.1', port: dovecot.tlsPort, ...tls(), login }, context);
    assert.ok(context.steps.includes('imap: > EXAMINE "INBOX"'), context.steps.join('\n'));
  });

  it('[K25] a wrong password is imap.auth, a mailbox that is not there imap.mailbox', async () => {
    assert.equal(codeOf(await run(dovecot.tlsPort, { ...tls(), login }, { secrets: { PW: 'wrong' } })), 'imap.auth');
    const seen = await run(dovecot.tlsPort, { ...tls(), login, mailbox: 'Gone' });
    assert.equal(codeOf(seen), 'imap.mailbox');
    assert.match(seen.output, /^EXAMINE: "NO .*Mailbox doesn't exist.*", expected OK$/);
  });

  it('[K25] the password is in no output and no step', async () => {
    const context = testContext({ secrets: { PW: 'pw' } });
    await runCheck(imap, { address: '127.0.0.1', port: dovecot.tlsPort, ...tls(), login }, context);
    const steps = context.steps.join('\n');
    assert.match(steps, /AUTHENTICATE PLAIN\nimap: > \*\*\*/);
    assert.ok(!steps.includes(Buffer.from('\0alice\0pw').toString('base64')));
  });

  it('[K25] a certificate of a foreign authority is a failure', async () => {
    assert.match(codeOf(await run(dovecot.tlsPort, {})), /^tls\./);
  });

  it('[case T01] an expired certificate is tls.expired', async () => {
    const old = await startDovecot(rig.issue('old', { notBefore: Date.now() - 90 * DAY, notAfter: Date.now() - DAY }));
    const seen = await run(old.tlsPort, tls());
    await old.stop();
    assert.equal(codeOf(seen), 'tls.expired');
    assert.ok((seen.metrics?.['days_left'] ?? 0) < 0, 'the days are measured although it failed');
  });

  it('[N2] works through a SOCKS proxy', needs('microsocks'), async () => {
    const proxy = await startMicrosocks();
    const seen = await run(dovecot.tlsPort, { ...tls(), login }, { proxy: { name: 'socks', host: '127.0.0.1', port: proxy.port } });
    await proxy.stop();
    assert.equal(seen.kind, 'measured', seen.output);
  });
});

describe('imap check against a hostile server', () => {
  const good = (line: string): Answer => `${line.split(' ')[0]} OK done\r\n`;
  const play = async (greeting: Answer, answer: (line: string) => Answer, timeoutMs?: number) => {
    const server = await scripted(greeting, answer);
    const seen = await run(server.port, { security: 'none' }, { timeoutMs });
    await server.close();
    return codeOf(seen);
  };

  for (const { name, greeting = '* OK hi\r\n', answer = good, code } of [
    { name: 'good manners', code: 'measured' },
    { name: 'a greeting that ends the session', greeting: '* BYE overloaded\r\n', code: 'protocol.imap' },
    { name: 'a greeting of another protocol', greeting: '220 smtp\r\n', code: 'protocol.imap' },
    { name: 'a greeting of a logged-in session', greeting: '* PREAUTH hi\r\n', code: 'protocol.imap' },
    { name: 'goodbye in between', answer: () => '* BYE shutting down\r\n', code: 'imap.bye' },
    { name: 'an answer to another command', answer: () => 'v9 OK done\r\n', code: 'protocol.imap' },
    { name: 'BAD', answer: (line: string) => `${line.split(' ')[0]} BAD what\r\n`, code: 'protocol.imap' },
    {
      name: "NO with the server's own trouble",
      answer: (l: string) => `${l.split(' ')[0]} NO [UNAVAILABLE] x\r\n`,
      code: 'imap.unavailable',
    },
    { name: 'a literal of a gigabyte', answer: () => '* X {999999999}\r\n', code: 'size.wire' },
    { name: 'a line without end', answer: () => `* ${'x'.repeat(400_000)}`, code: 'size.wire' },
    { name: 'lines without end', answer: () => '* x\r\n'.repeat(10_000), code: 'protocol.imap' },
    { name: 'a request for more that nobody asked for', answer: () => '+ go on\r\n', code: 'protocol.imap' },
    { name: 'a close', answer: () => 'close' as const, code: 'network.closed' },
  ] satisfies { name: string; greeting?: Answer; answer?: (line: string) => Answer; code: string }[]) {
    it(`[T1] ${name} is ${code}`, async () => assert.equal(await play(greeting, answer), code));
  }

  it('[case M01] a server that says nothing ends at the deadline', async () => {
    assert.equal(await play('hang', good, 200), 'timeout.total');
    assert.equal(await play('* OK hi\r\n', () => 'hang', 200), 'timeout.total');
  });

  it('[T1] 100,000 generated answers neither throw anything but a failure nor take 50 ms', () => {
    const piece = fc.constantFrom(
      'v1 ',
      'OK',
      'NO',
      '* ',
      '\r\n',
      '\n',
      '{3}',
      '{',
      '}',
      '{99999999}',
      '+',
      ' ',
      'abc',
      '"',
      '\\',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const bytes = Buffer.from(pieces.join(''), 'latin1');
        insistOnCheap(
          () => {
            try {
              const end = findAnswer(bytes, 'v1');
              assert.ok(end === null || (end > 0 && end <= bytes.length));
            } catch (error) {
              assert.ok(error instanceof TargetFailure, String(error));
            }
          },
          () => JSON.stringify(pieces.join('')),
        );
      }),
      { numRuns: 100_000 },
    );
  });

  for (const { name, answer, output } of [
    {
      name: 'a refusal',
      answer: (tag: string, text: string) => `${tag} NO ${text}`,
      output: 'LOGIN: "NO v2 LOGIN \\"alice\\" ***", expected OK',
    },
    {
      name: 'a goodbye',
      answer: (_: string, text: string) => `* BYE ${text}`,
      output: 'the server ends the session: "* BYE v2 LOGIN \\"alice\\" ***"',
    },
  ])
    it(`[T1] ${name} that echoes the password does not bring it into the output`, async () => {
      const rig = certificateRig();
      const server = await startTlsServer(rig.issue('good'), {}, (socket) => {
        socket.write('* OK hi\r\n');
        socket.on('data', (bytes: Buffer) => {
          const text = bytes.toString().trim();
          const tag = text.split(' ')[0];
          socket.write(
            text.endsWith('CAPABILITY') ? `* CAPABILITY IMAP4rev1\r\n${tag} OK x\r\n` : `${answer(tag ?? '', text)}\r\n`,
          );
        });
      });
      const options = { tls: { ca: rig.ca }, login: { user: 'alice', password: { env: 'PW' } } };
      const seen = await run(server.port, options, { secrets: { PW: 'a"secret' } });
      server.stop();
      rig.remove();
      assert.equal(seen.output, output);
    });

  it('[A1] a login without TLS is a configuration error', () => {
    assert.deepEqual(Object.keys(problemsOf(imap, { security: 'none', login })), ['login']);
  });
});
