import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Configuration, MailSettings } from '../../src/core/configuration.ts';
import { deliverOutbox } from '../../src/mail/delivery.ts';
import { createMailOutside } from '../../src/mail-outside.ts';
import { openOutbox, readMessages } from '../../src/store/outbox.ts';
import { type CertificateRig, certificateRig } from '../support/certificates.ts';
import { installation, vigie } from '../support/cli.ts';
import { freshHistory, resultOf, storeRun } from '../support/history.ts';
import { headerOf, parseMail, readMailbox } from '../support/mailbox.ts';
import { checkOf, configurationOf, contactOf } from '../support/model.ts';
import { needs } from '../support/server.ts';
import {
  type DovecotServer,
  NOBODY,
  needsPostfix,
  type PostfixServer,
  startDovecot,
  startPostfix,
} from '../support/starttls-servers.ts';
import { Target } from '../support/target.ts';

const NOON = Date.UTC(2026, 10, 22, 12, 0, 0);
const skip = [needsPostfix(), needs('dovecot', 'python3')].find((reason) => reason.skip !== undefined) ?? {};

const USERS = ['login', 'someone', 'alice', 'bob', 'carol', 'dave', 'erin', 'frank'];

let rig: CertificateRig;
let dovecot: DovecotServer;
let postfix: PostfixServer;

/** One postfix, with a port for each way in which a relay greets; mail for site.test goes into dovecot's maildirs. */
async function startServers(): Promise<void> {
  rig = certificateRig();
  const good = rig.issue('good');
  const tls = (name: string, options: Parameters<CertificateRig['issue']>[1]) => {
    const { chainFile, keyFile } = rig.issue(name, options);
    return { smtpd_tls_chain_files: `${keyFile},${chainFile}` };
  };
  writeFileSync(join(rig.folder, 'mailboxes'), USERS.map((user) => `${user}@site.test ${user}/\n`).join(''));
  execFileSync('chmod', ['-R', 'a+rX', rig.folder]);
  dovecot = await startDovecot(good, { users: USERS });
  postfix = await startPostfix(good, {
    main: `mynetworks = 127.0.0.0/8
virtual_mailbox_domains = site.test
virtual_mailbox_base = ${dovecot.folder}/mail
virtual_mailbox_maps = texthash:${rig.folder}/mailboxes
virtual_uid_maps = static:${NOBODY}
virtual_gid_maps = static:${NOBODY}
virtual_mailbox_limit = 0
message_size_limit = 20480000
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject
`,
    services: {
      wrongName: tls('wrong-name', { san: ['other.test'] }),
      selfSigned: tls('self-signed', { issuer: 'self' }),
      stripped: { smtpd_tls_security_level: 'none' },
      wrapped: { smtpd_tls_wrappermode: 'yes' },
      login: {
        smtpd_sasl_auth_enable: 'yes',
        smtpd_sasl_type: 'dovecot',
        smtpd_sasl_path: `${dovecot.folder}/login`,
        smtpd_tls_auth_only: 'yes',
        smtpd_client_restrictions: 'permit_sasl_authenticated,reject',
      },
    },
  });
}

/** The file names of a user's maildir, as delivered. */
function delivered(user: string): string[] {
  try {
    return readdirSync(join(dovecot.folder, 'mail', user, 'new'));
  } catch {
    return [];
  }
}

const imap = () => ({ port: dovecot.tlsPort, ca: rig.ca });

describe('through a real postfix into a real dovecot mailbox', skip, () => {
  before(async () => {
    await startServers();
    for (const user of USERS) prepare(user);
  });
  after(async () => {
    await postfix?.stop();
    await dovecot?.stop();
    rig?.remove();
  });

  function prepare(user: string): void {
    for (const sub of ['', 'new', 'cur', 'tmp']) {
      mkdirSync(join(dovecot.folder, 'mail', user, sub), { recursive: true });
      execFileSync('chown', [`${NOBODY}:${NOBODY}`, join(dovecot.folder, 'mail', user, sub)]);
    }
  }

  it('[H1] a problem and its recovery arrive by STARTTLS, with the headers that were meant, and nothing else', async () => {
    const target = await Target.start();
    const folder = installation(
      `title: Test
timezone: Europe/Paris
sites: { private: { output: site/private, url: "http://example.onion/" } }
mail: { from: vigie@site.test, transport: "smtp://localhost:${postfix.port}", tls: { required: true, ca: "${rig.caFile}" } }
contacts: { sysadmins: { mail: [alice@site.test] } }
defaults: { contacts: [sysadmins], timeout: 40s, attempts: 1, retries: { times: 0 } }
`,
      { 'website.yaml': `services:\n  website:\n    checks:\n      front-page: { type: http, url: "${target.url}" }\n` },
    );
    try {
      for (const status of [200, 503, 200]) {
        target.status = status;
        const { code, stderr } = await vigie(folder.path, ['run', '--now', '*']);
        assert.deepEqual([code, stderr], [0, '']);
      }
      const [started, problem, recovery] = (await readMailbox(imap(), 'alice', 3)).map(parseMail);
      assert.ok(started !== undefined && problem !== undefined && recovery !== undefined);
      assert.deepEqual(
        [problem, recovery].map((mail) =>
          headerOf(mail, 'Subject')
            .replace(/ after .*/, '')
            .replace(/ in [0-9.]+ s/, ''),
        ),
        ['[vigie] PROBLEM website/front-page CRITICAL: HTTP 503, expected 200-299', '[vigie] RECOVERED website/front-page'],
      );
      for (const mail of [started, problem, recovery]) {
        assert.deepEqual(
          ['From', 'To', 'Auto-Submitted', 'List-Id', 'Content-Type', 'Return-Path'].map((name) => headerOf(mail, name)),
          [
            'vigie <vigie@site.test>',
            'alice@site.test',
            'auto-generated',
            'vigie <vigie.site.test>',
            'text/plain; charset="utf-8"',
            '<vigie@site.test>',
          ],
        );
        assert.deepEqual([mail.defects, mail.parts], [[], 1]);
      }
      assert.equal(headerOf(recovery, 'References'), headerOf(problem, 'Message-ID'));
      assert.match(headerOf(problem, 'Received'), / with ESMTPS id /);
      assert.match(problem.body, /^ {2}page +http:\/\/example\.onion\/services\/website\.html#front-page$/m);
    } finally {
      await target.stop();
      folder.remove();
    }
  });

  /** One problem owed to one address, delivered with these settings. */
  async function deliverOnce(user: string, settings: Partial<MailSettings>, outputs = ['HTTP 503']) {
    const history = freshHistory(NOON);
    // A service each: many items of one would be a line about a noisy one.
    const checks = outputs.map((_, i) => {
      const service = i === 0 ? 'website' : `website-${i}`;
      return checkOf({ id: `${service}/check-${i}`, service, host: null, attempts: 1 });
    });
    const base = configurationOf(checks, {
      contactsForAll: [],
      contacts: { sysadmins: contactOf('sysadmins', [`${user}@site.test`]) },
    });
    const configuration: Configuration = { ...base, mail: { ...base.mail, from: 'vigie@site.test', ...settings } };
    try {
      const see = (state: 'OK' | 'CRITICAL', at: number) =>
        storeRun(
          history.database,
          configuration,
          checks.map(({ id }, i) => resultOf(id, state, { output: outputs[i] ?? '' })),
          at,
        );
      see('OK', NOON);
      see('CRITICAL', NOON + 60_000);
      const outside = createMailOutside({ PASSWORD: 'pw', WRONG: 'wrong' });
      const counts = await deliverOutbox(openOutbox(history.database), configuration, { ...outside, now: NOON + 60_000 });
      const [message] = readMessages(history.database, 1);
      return { counts, answer: message?.answer ?? '', state: message?.state };
    } finally {
      history.remove();
    }
  }

  const secured = () => ({ ca: rig.caFile, verify: true, required: true });

  it('[H1] smtps:// is TLS from the first byte', async () => {
    const transport = `smtps://localhost:${postfix.ports['wrapped']}`;
    assert.deepEqual((await deliverOnce('bob', { transport, tls: secured() })).counts, { sent: 1, queued: 0, failed: 0 });
    const [mail] = (await readMailbox(imap(), 'bob', 1)).map(parseMail);
    assert.match(mail === undefined ? '' : headerOf(mail, 'Subject'), /^\[vigie\] PROBLEM website\/check-0 CRITICAL: HTTP 503$/);
  });

  it('[H1] a login with name and password opens a relay that asks for one; a wrong password leaves the mail owed and says so', async () => {
    const transport = `smtp://localhost:${postfix.ports['login']}`;
    const login = { transport, tls: secured(), user: 'login' };
    const refused = await deliverOnce('carol', { ...login, password: { env: 'WRONG' } });
    assert.deepEqual([refused.counts.queued, refused.state], [1, 'frozen']);
    assert.match(refused.answer, /^535 5\.7\.8 /);
    assert.deepEqual((await deliverOnce('carol', { ...login, password: { env: 'PASSWORD' } })).counts.sent, 1);
    assert.equal((await readMailbox(imap(), 'carol', 1)).length, 1);
  });

  const untrusted: { name: string; port: string; scheme: string; tls?: Partial<MailSettings['tls']>; words: RegExp }[] = [
    {
      name: 'its certificate is for another name',
      port: 'wrongName',
      scheme: 'smtp',
      words: /altnames|does not match|other\.test/i,
    },
    { name: 'its certificate is self-signed', port: 'selfSigned', scheme: 'smtp', words: /self.signed/i },
    { name: 'its CA is not known', port: '', scheme: 'smtp', tls: { ca: null }, words: /unable to (verify|get)|self.signed/i },
    { name: 'STARTTLS was stripped', port: 'stripped', scheme: 'smtp', words: /502|STARTTLS/ },
    { name: 'it speaks plainly where TLS is expected', port: 'stripped', scheme: 'smtps', words: /TLS|SSL|wrong version/i },
  ];
  for (const { name, port, scheme, tls, words } of untrusted) {
    it(`[case O05] nothing is sent in plain text when ${name}: the mail stays owed, with the reason`, async () => {
      const transport = `${scheme}://localhost:${port === '' ? postfix.port : postfix.ports[port]}`;
      const { counts, answer, state } = await deliverOnce('dave', { transport, tls: { ...secured(), ...tls } });
      assert.deepEqual([counts, state], [{ sent: 0, queued: 1, failed: 0 }, 'frozen']);
      assert.match(answer, words);
      assert.deepEqual(delivered('dave'), []);
      assert.doesNotMatch(postfix.log(), /dave@site\.test/);
    });
  }

  it('[case O05] `verify: false` and `required: false` are the only ways round, and do what they say', async () => {
    const unverified = { transport: `smtp://localhost:${postfix.ports['selfSigned']}`, tls: { ...secured(), verify: false } };
    const plain = { transport: `smtp://localhost:${postfix.ports['stripped']}`, tls: { ...secured(), required: false } };
    assert.equal((await deliverOnce('erin', unverified)).counts.sent, 1);
    assert.equal((await deliverOnce('erin', plain)).counts.sent, 1);
    await readMailbox(imap(), 'erin', 2);
  });

  it('[case O08] whatever peers say, the mail has the headers that were meant, and their words stand behind a quote mark', async () => {
    const hostile = [
      'a\r\nBcc: victim@example.org\r\n\r\nsecond body',
      'x'.repeat(1024 * 1024),
      'abc \u202e\u2067fdp.exe\u2069 \u200f',
      '=?utf-8?B?QmNjOiB2aWN0aW1AZXhhbXBsZS5vcmc=?=',
      '.',
      '..\r\n.\r\nMAIL FROM:<evil@example.org>',
      'From vigie Mon Jan 1 00:00:00 2026',
      '-- \nCRITICAL all/hosts',
      '\u001b[31mred\u001b[0m\u0000\u0007',
      '\ud800 lone surrogate',
    ];
    for (const [index, first] of hostile.entries()) {
      const before = delivered('frank').length;
      const outputs = [first, ...hostile.filter((_, i) => i !== index)];
      const sent = await deliverOnce('frank', { transport: `smtp://localhost:${postfix.port}`, tls: secured() }, outputs);
      assert.equal(sent.counts.sent, 1);
      for (let i = 0; i < 2000 && delivered('frank').length === before; i += 1) await new Promise((done) => setTimeout(done, 25));
    }
    const mails = (await readMailbox(imap(), 'frank', hostile.length)).map(parseMail);
    assert.equal(mails.length, hostile.length);
    for (const mail of mails) {
      const names = mail.headers.map(([name]) => name).filter((name) => name !== 'Received');
      assert.deepEqual(names, ENVELOPE.concat(MEANT));
      assert.deepEqual([mail.defects, mail.parts, headerOf(mail, 'To')], [[], 1, 'frank@site.test']);
      assert.match(headerOf(mail, 'Subject'), /^\[vigie\] PROBLEM website\/check-0 CRITICAL: .* \(\+9 more\)$/);
      assert.ok(headerOf(mail, 'Subject').length < 200);
      assert.doesNotMatch(
        mail.body + headerOf(mail, 'Subject'),
        /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/,
      );
      for (const line of mail.body.split('\n')) {
        if (/Bcc|victim|MAIL FROM|From vigie|all\/hosts|fdp|lone|red|xxxx/.test(line))
          assert.match(line, /^ {10}> |^ {2}seen {4}> /);
        assert.doesNotMatch(line, /^(\.|From |-- .)/);
      }
      assert.ok(mail.body.length < 20_000);
    }
  });

  it('[H1] `vigie mail test` says what the server answered, whether it took the message or not', async () => {
    const configure = (port: number | undefined, more: string) => `title: Test
sites: { private: { output: site/private } }
mail: { from: vigie@site.test, transport: "smtp://localhost:${port}", ${more} }
contacts: { sysadmins: { mail: [someone@site.test, someone@elsewhere.test] } }
`;
    const tls = `tls: { required: true, ca: "${rig.caFile}" }`;
    const folder = installation(configure(postfix.port, tls), {
      'a.yaml': 'hosts:\n  h: { address: 127.0.0.1, checks: { alive: { type: ping } } }\n',
    });
    try {
      const good = await vigie(folder.path, ['mail', 'test', 'sysadmins']);
      assert.match(good.stdout, /^someone@site\.test: sent through smtp:\/\/localhost:\d+: 250 2\.0\.0 Ok: queued as /m);
      writeFileSync(join(folder.path, 'vigie.yaml'), configure(postfix.ports['wrongName'], tls));
      const bad = await vigie(folder.path, ['mail', 'test', 'sysadmins']);
      assert.equal(bad.code, 1);
      assert.match(bad.stdout, /^someone@site\.test: unreachable through .*(altnames|match)/im);
      const unknown = await vigie(folder.path, ['mail', 'test', 'nobody']);
      assert.deepEqual([unknown.code, unknown.stderr], [2, 'mail: no contact "nobody", expected one of sysadmins\n']);
      const [mail] = (await readMailbox(imap(), 'someone', 1)).map(parseMail);
      assert.match(mail?.body ?? '', /This is a test of the contact sysadmins/);
    } finally {
      folder.remove();
    }
  });

  it('[H1] Debian’s own sendmail takes the message from standard input and delivers it whole', async () => {
    const wrapper = join(rig.folder, 'sendmail');
    writeFileSync(wrapper, `#!/bin/sh\nexec /usr/sbin/sendmail -C ${postfix.configuration} "$@"\n`);
    chmodSync(wrapper, 0o755);
    const sent = await deliverOnce('login', { transport: `sendmail:${wrapper}` }, ['HTTP 503, expected 200', '.', 'From me']);
    assert.deepEqual(sent.counts, { sent: 1, queued: 0, failed: 0 }, sent.answer);
    const [mail] = (await readMailbox(imap(), 'login', 1)).map(parseMail);
    assert.match(mail?.body ?? '', /> From me/);
    assert.deepEqual(mail?.defects, []);
  });
});

/** What postfix adds when it delivers, then what we meant. */
const ENVELOPE = ['Return-Path', 'X-Original-To', 'Delivered-To'];
const MEANT = ['Auto-Submitted', 'List-ID', 'From', 'To', 'Subject', 'Message-ID', 'Date'].concat([
  'Content-Transfer-Encoding',
  'MIME-Version',
  'Content-Type',
]);

describe('sendmail', needs('setpriv', 'prlimit', 'sh'), () => {
  it('[H1] gets sender and recipient as arguments and the bytes on standard input', async () => {
    const folder = installation('');
    const script = join(folder.path, 'sendmail');
    writeFileSync(script, `#!/bin/sh\nprintf '%s\\n' "$@" > ${folder.path}/args\ncat > ${folder.path}/stdin\n`);
    chmodSync(script, 0o755);
    const { openTransport } = await import('../../src/mail/delivery.ts');
    const { mail } = configurationOf([]);
    const send = await openTransport(`sendmail:${script}`, mail, createMailOutside({}));
    const content = Buffer.from(`Subject: x\r\n\r\n${'a line\r\n'.repeat(200_000)}`);
    const letter = { from: 'vigie@example.org', to: '-oQ/tmp@example.org', messageId: '<1@x>', content };
    assert.deepEqual(await send(letter), { outcome: 'sent', answer: 'accepted by sendmail' });
    assert.equal(readFileSync(join(folder.path, 'args'), 'utf8'), '-i\n-f\nvigie@example.org\n--\n-oQ/tmp@example.org\n');
    assert.ok(readFileSync(join(folder.path, 'stdin')).equals(content));
    folder.remove();
  });

  const endings = [
    {
      name: 'an unknown recipient (67) is refused for good',
      script: 'cat >/dev/null; echo no such user >&2; exit 67',
      outcome: 'refused',
    },
    { name: 'a temporary failure (75) is tried again in every run', script: 'cat >/dev/null; exit 75', outcome: 'unreachable' },
    { name: 'a program that ends without reading breaks nothing', script: 'exit 71', outcome: 'unreachable' },
    { name: 'a program that was killed is tried again', script: 'kill -KILL $$', outcome: 'unreachable' },
  ];
  for (const { name, script, outcome } of endings) {
    it(`[H1] ${name}`, async () => {
      const folder = installation('');
      const path = join(folder.path, 'sendmail');
      writeFileSync(path, `#!/bin/sh\n${script}\n`);
      chmodSync(path, 0o755);
      const { openTransport } = await import('../../src/mail/delivery.ts');
      const send = await openTransport(`sendmail:${path}`, configurationOf([]).mail, createMailOutside({}));
      const delivery = await send({ from: 'a@x', to: 'b@x', messageId: '<1@x>', content: Buffer.alloc(1_000_000, 'x') });
      assert.equal(delivery.outcome, outcome);
      folder.remove();
    });
  }
});
