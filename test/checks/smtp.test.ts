import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import smtp from '../../checks/smtp.ts';
import { TargetFailure } from '../../src/check-type.ts';
import { MAILBOX, readReply } from '../../src/net/smtp-talk.ts';
import { findReply } from '../../src/net/starttls-messages.ts';
import { type CertificateRig, certificateRig, DAY } from '../support/certificates.ts';
import { codeOf, problemsOf, runCheck } from '../support/check.ts';
import { type TestContextSettings, testContext } from '../support/context.ts';
import { insistOnCheap } from '../support/cost.ts';
import { needsExim, startExim } from '../support/exim.ts';
import { rawServer } from '../support/raw-server.ts';
import { type Answer, scripted } from '../support/scripted.ts';
import { needs } from '../support/server.ts';
import { startMicrosocks } from '../support/socks.ts';
import {
  type DovecotServer,
  needsPostfix,
  type PostfixServer,
  type StartTlsServer,
  startDovecot,
  startPostfix,
} from '../support/starttls-servers.ts';
import { startTlsServer } from '../support/tls-server.ts';

const skip = [needsPostfix(), needs('dovecot')].find((reason) => reason.skip !== undefined) ?? {};

function run(port: number, options: Record<string, unknown>, settings: TestContextSettings = {}) {
  return runCheck(smtp, { address: '127.0.0.1', port, ...options }, testContext(settings));
}

describe('smtp check against the real postfix', skip, () => {
  let rig: CertificateRig;
  let dovecot: DovecotServer;
  let postfix: PostfixServer;
  before(async () => {
    rig = certificateRig();
    dovecot = await startDovecot(rig.issue('mailbox'), { users: ['alice'] });
    const old = rig.issue('old', { notBefore: Date.now() - 90 * DAY, notAfter: Date.now() - DAY });
    postfix = await startPostfix(rig.issue('good'), {
      main: `mynetworks = 192.0.2.0/24
virtual_mailbox_domains = site.test
virtual_mailbox_base = ${dovecot.folder}/mail
virtual_mailbox_maps = inline:{alice@site.test=alice/}
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
`,
      services: {
        open: { mynetworks: '127.0.0.0/8', smtpd_relay_restrictions: 'permit_mynetworks,reject' },
        plain: { smtpd_tls_security_level: 'none' },
        wrapped: { smtpd_tls_wrappermode: 'yes' },
        old: { smtpd_tls_chain_files: `${old.keyFile},${old.chainFile}` },
        login: {
          smtpd_sasl_auth_enable: 'yes',
          smtpd_sasl_type: 'dovecot',
          smtpd_sasl_path: `${dovecot.folder}/login`,
          smtpd_tls_auth_only: 'yes',
        },
      },
    });
  });
  after(async () => {
    await postfix?.stop();
    await dovecot?.stop();
    rig?.remove();
  });
  const check = (options: Record<string, unknown> = {}, settings: TestContextSettings = {}, port = postfix.port) =>
    run(port, { tls: { ca: rig.ca }, ...options }, settings);

  it('[K25] greeting, EHLO and STARTTLS with a valid certificate are measured', async () => {
    const seen = await check({ banner: 'mail.site.test' });
    assert.equal(seen.kind, 'measured', seen.output);
    assert.match(seen.output, /^220 mail\.site\.test ESMTP Postfix.* in [\d.]+ s$/);
    assert.ok(Math.abs((seen.metrics?.['days_left'] ?? 0) - 90) < 1);
  });

  it('[K25] its own recipient is accepted, a foreign one refused, and nothing is sent', async () => {
    const seen = await check({ accepts: ['alice@site.test'], refuses: ['someone@example.com', 'nobody@site.test'] });
    assert.equal(seen.kind, 'measured', seen.output);
    assert.match(seen.output, /, accepts 1, refuses 2 in /);
    assert.doesNotMatch(postfix.log(), /status=|message-id=/);
  });

  it('[K25] an open relay is CRITICAL', async () => {
    const seen = await check({ refuses: ['someone@example.com'] }, {}, postfix.ports['open']);
    assert.equal(codeOf(seen), 'smtp.accepts');
    assert.match(seen.output, /^accepts mail to someone@example\.com .*, expected a refusal: an open relay\?$/);
  });

  it('[K25] a recipient that is not accepted is named with the answer', async () => {
    const seen = await check({ accepts: ['gone@site.test'] });
    assert.equal(codeOf(seen), 'smtp.refused');
    assert.match(seen.output, /^gone@site\.test: "550 5\.1\.1 .*, expected 250$/);
  });

  it('[K25] who logs in is let through, with the password in no output and no step', async () => {
    const options = { login: { user: 'alice', password: { env: 'PW' } }, tls: { ca: rig.ca } };
    const context = testContext({ secrets: { PW: 'pw' } });
    const seen = await runCheck(
      smtp,
      { address: '127.0.0.1', port: postfix.ports['login'], accepts: ['someone@example.com'], ...options },
      context,
    );
    assert.equal(seen.kind, 'measured', seen.output);
    assert.match(seen.output, /logged in, accepts 1/);
    const steps = context.steps.join('\n');
    assert.match(steps, /smtp: > \*\*\*\nsmtp: < 235/);
    assert.ok(!steps.includes(Buffer.from('\0alice\0pw').toString('base64')));
  });

  it('[K25] a wrong password is smtp.auth; a server without AUTH is smtp.no_auth', async () => {
    const options = { login: { user: 'alice', password: { env: 'PW' } } };
    assert.equal(codeOf(await check(options, { secrets: { PW: 'wrong' } }, postfix.ports['login'])), 'smtp.auth');
    assert.equal(codeOf(await check(options, { secrets: { PW: 'pw' } })), 'smtp.no_auth');
  });

  it('[K25] TLS from the first byte, and plaintext where it is asked for', async () => {
    assert.equal((await check({ security: 'tls' }, {}, postfix.ports['wrapped'])).kind, 'measured');
    const plain = await run(postfix.ports['plain'] ?? 0, { security: 'none' });
    assert.equal(plain.kind, 'measured', plain.output);
    assert.equal(plain.metrics?.['days_left'], undefined);
  });

  it('[case M06] no STARTTLS on offer, an expired certificate and a foreign authority are failures', async () => {
    assert.equal(codeOf(await check({}, {}, postfix.ports['plain'])), 'tls.starttls_stripped');
    assert.equal(codeOf(await check({}, {}, postfix.ports['old'])), 'tls.expired');
    assert.match(codeOf(await run(postfix.port, {})), /^tls\.(untrusted|self_signed)$/);
  });

  it('[K17] a greeting of another server is content.missing', async () => {
    const seen = await check({ banner: 'mx.example.org' });
    assert.equal(codeOf(seen), 'content.missing');
    assert.match(seen.output, /^greeting "220 mail.* expected "mx\.example\.org"$/);
  });

  it('[N2] works through a SOCKS proxy', needs('microsocks'), async () => {
    const proxy = await startMicrosocks();
    const seen = await check({ accepts: ['alice@site.test'] }, { proxy: { name: 'socks', host: '127.0.0.1', port: proxy.port } });
    await proxy.stop();
    assert.equal(seen.kind, 'measured', seen.output);
  });
});

describe('smtp check against the real exim4', needsExim(), () => {
  let rig: CertificateRig;
  let exim: StartTlsServer;
  before(async () => {
    rig = certificateRig();
    exim = await startExim(rig.issue('exim'));
  });
  after(async () => {
    await exim?.stop();
    rig?.remove();
  });

  it('[K25] greeting, STARTTLS, an accepted and a refused recipient', async () => {
    const seen = await run(exim.port, {
      tls: { ca: rig.ca },
      banner: 'exim.site.test',
      accepts: ['postmaster@site.test'],
      refuses: ['someone@example.com'],
    });
    assert.equal(seen.kind, 'measured', seen.output);
    assert.match(seen.output, /^220 exim\.site\.test ESMTP Exim .*accepts 1, refuses 1/);
  });
});

describe('smtp check against a hostile server', () => {
  const good = (line: string): Answer => {
    if (line.startsWith('EHLO')) return '250-raw.test\r\n250-SIZE 0\r\n250 8BITMIME\r\n';
    return line === 'QUIT' ? '221 bye\r\n' : '250 ok\r\n';
  };
  const play = async (greeting: Answer, answer: (line: string) => Answer, timeoutMs?: number) => {
    const server = await scripted(greeting, answer);
    const seen = await run(server.port, { security: 'none', accepts: ['a@site.test'] }, { timeoutMs });
    await server.close();
    return { ...seen, received: server.received() };
  };
  const at = (verb: string, bad: Answer) => (line: string) => (line.startsWith(verb) ? bad : good(line));

  it('[case M08] SIZE 0 is no limit', async () => assert.equal((await play('220 raw\r\n', good)).kind, 'measured'));

  const temporary = ['EHLO', 'MAIL', 'RCPT', 'RSET'].flatMap((verb) => [
    { name: `421 at ${verb}`, verb, answer: '421 busy\r\n', code: 'smtp.temporary' },
    { name: `450 at ${verb}`, verb, answer: '450 later\r\n', code: 'smtp.temporary' },
    { name: `550 at ${verb}`, verb, answer: '550 no\r\n', code: 'smtp.refused' },
    { name: `a close at ${verb}`, verb, answer: 'close', code: 'network.closed' },
  ]);
  for (const { name, verb, answer, code } of temporary) {
    it(`[case M04] ${name} is ${code}`, async () => assert.equal(codeOf(await play('220 raw\r\n', at(verb, answer))), code));
  }

  it('[case M04] a greeting of 554 or 421 is the answer', async () => {
    assert.equal(codeOf(await play('554 go away\r\n', good)), 'smtp.refused');
    assert.equal(codeOf(await play('421 <script>\u001b[31mbusy\r\n', good)), 'smtp.temporary');
  });

  it('[case M10] greylisting is temporary at the first try and accepted at the next', async () => {
    let asked = 0;
    const answer = (line: string): Answer => {
      if (!line.startsWith('RCPT')) return good(line);
      asked += 1;
      return asked === 1 ? '450 greylisted\r\n' : '250 ok\r\n';
    };
    const server = await scripted('220 raw\r\n', answer);
    const options = { security: 'none', accepts: ['a@site.test'] };
    assert.equal(codeOf(await run(server.port, options)), 'smtp.temporary');
    assert.equal((await run(server.port, options)).kind, 'measured');
    await server.close();
  });

  it('[case M05] no goodbye is no failure', async () => {
    assert.equal((await play('220 raw\r\n', at('QUIT', 'close'))).kind, 'measured');
  });

  it('[case M01] a server that says nothing ends at the deadline', async () => {
    assert.equal(codeOf(await play('hang', good, 200)), 'timeout.total');
    assert.equal(codeOf(await play('220 raw\r\n', at('RCPT', 'hang'), 200)), 'timeout.total');
  });

  it('[case M01] a tarpit that drips one byte at a time ends at the deadline', async () => {
    let timer: NodeJS.Timeout | undefined;
    const server = await rawServer(() => {}, {
      onConnect: (socket) => {
        const bytes = `220-${'x'.repeat(1000)}`;
        let at = 0;
        timer = setInterval(() => socket.write(bytes.charAt(at++)), 10);
      },
    });
    const seen = await run(server.port, { security: 'none' }, { timeoutMs: 300 });
    clearInterval(timer);
    await server.close();
    assert.equal(codeOf(seen), 'timeout.total');
  });

  it('[case M02] a greeting of one megabyte on one line is refused', async () => {
    assert.equal(codeOf(await play(`220 ${'x'.repeat(1_000_000)}`, good)), 'protocol.smtp');
  });

  it('[case M03] lines without end are refused', async () => {
    assert.equal(codeOf(await play('220 raw\r\n', at('EHLO', '250-more\r\n'.repeat(5000)))), 'protocol.smtp');
  });

  it('[case M07] answers that were not asked for, lone line feeds and two codes in one reply are refused', async () => {
    assert.equal(codeOf(await play('220 raw\r\n', at('MAIL', '250 ok\r\n250 ok too\r\n'))), 'protocol.smtp');
    assert.equal(codeOf(await play('220 raw\n', good)), 'protocol.smtp');
    assert.equal(codeOf(await play('220-raw\r\n250 raw\r\n', good)), 'protocol.smtp');
  });

  it('[T1] a server that echoes the password does not bring it into the output', async () => {
    const rig = certificateRig();
    const server = await startTlsServer(rig.issue('good'), {}, (socket) => {
      socket.write('220 raw\r\n');
      socket.on('data', (bytes: Buffer) => {
        const text = bytes.toString().trim();
        socket.write(text.startsWith('EHLO') ? '250-raw\r\n250 AUTH PLAIN\r\n' : `535 not ${text} and not a-secret-word\r\n`);
      });
    });
    const options = { security: 'tls', tls: { ca: rig.ca }, login: { user: 'alice', password: { env: 'PW' } } };
    const seen = await run(server.port, options, { secrets: { PW: 'a-secret-word' } });
    server.stop();
    rig.remove();
    assert.equal(codeOf(seen), 'smtp.auth');
    assert.equal(seen.output, 'login: "535 not AUTH PLAIN *** and not ***", expected 235');
  });

  it('[case M07] 100,000 generated replies neither throw anything but a failure nor take 50 ms', () => {
    const piece = fc.constantFrom('250', '4', ' ', '-', '\r\n', '\n', 'ok', '\0', '\u00ff', '250-x\r\n', '250 x\r\n');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const bytes = Buffer.from(pieces.join(''), 'latin1');
        insistOnCheap(
          () => {
            try {
              const end = findReply(bytes);
              if (end !== null) assert.doesNotMatch(readReply(bytes.subarray(0, end)).text, /\p{Cc}/u);
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

  it('[K25] DATA is never said', async () => assert.doesNotMatch((await play('220 raw\r\n', good)).received, /DATA/));

  it('[T7] a mailbox cannot hold a command', () => {
    const pattern = new RegExp(`^${MAILBOX}$`);
    for (const good of ['a@site.test', "o'brien+x=y@site.test", 'a@[192.0.2.1]', 'a@[IPv6:2001:db8::1]'])
      assert.match(good, pattern);
    for (const bad of ['a', 'a b@c', 'a@b\r\nDATA', 'a@b>', '<a@b', 'ä@b', 'a@b c', '']) assert.doesNotMatch(bad, pattern);
  });

  for (const { name, options, keys } of [
    { name: 'a login without TLS', options: { security: 'none', login: { user: 'a', password: { env: 'P' } } }, keys: ['login'] },
    { name: 'TLS options without TLS', options: { security: 'none', tls: { verify: true } }, keys: ['tls'] },
  ]) {
    it(`[A1] ${name} is a configuration error`, () => assert.deepEqual(Object.keys(problemsOf(smtp, options)), keys));
  }
});
