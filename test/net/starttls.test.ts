import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, describe, it } from 'node:test';
import tls from '../../checks/tls.ts';
import { TargetFailure } from '../../src/check-type.ts';
import { negotiateTls, STARTTLS_PROTOCOLS, type StartTlsProtocol } from '../../src/net/starttls.ts';
import { certificateRig, der, type Issued } from '../support/certificates.ts';
import { codeOf, runCheck } from '../support/check.ts';
import { type TestContextSettings, testContext, timeFor } from '../support/context.ts';
import { needs } from '../support/server.ts';
import { startMicrosocks } from '../support/socks.ts';
import {
  needsPostfix,
  type StartTlsServer,
  startDovecot,
  startPostfix,
  startProsody,
  startSlapd,
} from '../support/starttls-servers.ts';
import { startRawServer } from '../support/tls-server.ts';

const rig = certificateRig();
after(() => rig.remove());
const options = (port: number, starttls: StartTlsProtocol, ca = rig.ca) => ({
  address: '127.0.0.1',
  port,
  starttls,
  server_name: 'site.test',
  tls: { ca, verify: true },
});

describe('STARTTLS on real servers', () => {
  const good = rig.issue('good');
  const expired = rig.issue('expired', { notBefore: Date.UTC(2026, 0, 1), notAfter: Date.UTC(2026, 1, 1) });
  const rows: {
    starttls: StartTlsProtocol;
    program: string;
    skip: { skip?: string };
    start: (certificate: Issued) => Promise<StartTlsServer>;
  }[] = [
    { starttls: 'smtp', program: 'postfix', skip: needsPostfix(), start: startPostfix },
    { starttls: 'imap', program: 'dovecot', skip: needs('dovecot'), start: startDovecot },
    { starttls: 'xmpp', program: 'prosody', skip: needs('prosody'), start: startProsody },
    { starttls: 'ldap', program: 'slapd', skip: needs('slapd'), start: (certificate) => startSlapd(certificate, rig.root) },
  ];
  for (const { starttls, program, skip, start } of rows) {
    it(`[K25] the certificate of ${program} is measured behind STARTTLS, directly and through a proxy`, { ...skip }, async () => {
      const server = await start(good);
      const proxy = skip.skip || needs('microsocks').skip ? null : await startMicrosocks();
      try {
        const context = testContext();
        const seen = await runCheck(tls, options(server.port, starttls), context);
        assert.equal(codeOf(seen), 'measured', `${seen.output} ${context.steps}`);
        assert.ok((seen.metrics?.['days_left'] ?? 0) > 80);
        if (!proxy) return;
        const through = testContext({ proxy: { name: 'socks', host: '127.0.0.1', port: proxy.port } });
        assert.equal(codeOf(await runCheck(tls, options(server.port, starttls), through)), 'measured');
      } finally {
        await proxy?.stop();
        await server.stop();
      }
    });
  }

  it('[case T01] an expired certificate behind STARTTLS is read on a second connection', needs('dovecot'), async () => {
    const server = await startDovecot(expired);
    const seen = await runCheck(tls, options(server.port, 'imap'), testContext());
    await server.stop();
    assert.equal(codeOf(seen), 'tls.expired');
    assert.match(seen.output, /expired on 2026-02-01; "expired" by/);
  });
});

/** What a server says at each turn of the plaintext part; `''` is silence. */
type Script = (string | Buffer)[];

function speak(socket: Socket, [greeting = '', ...answers]: Script, greetsFirst: boolean): void {
  const queue = greetsFirst ? answers : [greeting, ...answers];
  if (greetsFirst && greeting.length > 0) socket.write(greeting);
  socket.on('data', () => {
    const next = queue.shift();
    if (next !== undefined && next.length > 0) socket.write(next);
  });
}

async function negotiate(protocol: StartTlsProtocol, script: Script, settings: TestContextSettings = {}): Promise<string> {
  const server = await startRawServer((socket) => speak(socket, script, protocol === 'smtp' || protocol === 'imap'));
  const context = testContext(settings);
  try {
    const socket = await negotiateTls(await context.dial({ host: '127.0.0.1', port: server.port }), protocol, 'site.test', context);
    socket.destroy();
    return 'ready';
  } catch (error) {
    assert.ok(error instanceof TargetFailure, String(error));
    assert.ok(error.message.length < 220 && !/[\p{Cc}\p{Cf}]/u.test(error.message), error.message);
    return error.code;
  } finally {
    server.stop();
  }
}

const STREAM =
  "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' from='site.test' version='1.0'>";
const OFFER = "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>";
const PROCEED = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
const ldap = (code: number, text = '', id = 1) =>
  der(0x30, der(2, Buffer.from([id])), der(0x78, der(10, Buffer.from([code])), der(4), der(4, Buffer.from(text))));
const bye = '221 bye\r\n';

describe('the plaintext before TLS', () => {
  const rows: { name: string; protocol: StartTlsProtocol; script: Script; code: string }[] = [
    {
      name: 'SMTP goes on to TLS',
      protocol: 'smtp',
      script: ['220-a\r\n220 b\r\n', '250-x\r\n250-STARTTLS\r\n250 SIZE 0\r\n', '220 go\r\n'],
      code: 'ready',
    },
    {
      name: 'IMAP goes on to TLS',
      protocol: 'imap',
      script: ['* OK hi\r\n', '* CAPABILITY IMAP4rev1 STARTTLS\r\na1 OK\r\n', 'a2 OK go\r\n'],
      code: 'ready',
    },
    { name: 'XMPP goes on to TLS', protocol: 'xmpp', script: [STREAM + OFFER, PROCEED], code: 'ready' },
    { name: 'LDAP goes on to TLS', protocol: 'ldap', script: [ldap(0)], code: 'ready' },
    {
      name: '[case T20] SMTP without the offer',
      protocol: 'smtp',
      script: ['220 a\r\n', '250-x\r\n250 XXXXXXXA\r\n'],
      code: 'tls.starttls_stripped',
    },
    {
      name: '[case T20] IMAP without the offer',
      protocol: 'imap',
      script: ['* OK hi\r\n', '* CAPABILITY IMAP4rev1 LOGINDISABLED\r\na1 OK\r\n'],
      code: 'tls.starttls_stripped',
    },
    {
      name: '[case T20] IMAP that claims to be logged in already',
      protocol: 'imap',
      script: ['* PREAUTH hi\r\n'],
      code: 'tls.starttls_stripped',
    },
    {
      name: '[case T20] XMPP without the offer',
      protocol: 'xmpp',
      script: [`${STREAM}<stream:features><x/></stream:features>`],
      code: 'tls.starttls_stripped',
    },
    {
      name: '[case T20] LDAP that does not know StartTLS',
      protocol: 'ldap',
      script: [ldap(2, 'unsupported extended operation')],
      code: 'tls.starttls_stripped',
    },
    {
      name: '[case T20] SMTP with plaintext behind the go-ahead',
      protocol: 'smtp',
      script: ['220 a\r\n', '250 STARTTLS\r\n', '220 go\r\n250 \u001b[31mforged\r\n'],
      code: 'tls.starttls_injected',
    },
    {
      name: '[case T20] IMAP with plaintext behind the go-ahead',
      protocol: 'imap',
      script: ['* OK hi\r\n', '* CAPABILITY STARTTLS\r\na1 OK\r\n', 'a2 OK go\r\n* CAPABILITY AUTH=PLAIN\r\n'],
      code: 'tls.starttls_injected',
    },
    {
      name: '[case T20] XMPP with plaintext behind the go-ahead',
      protocol: 'xmpp',
      script: [STREAM + OFFER, `${PROCEED}<stream:features/>`],
      code: 'tls.starttls_injected',
    },
    {
      name: '[case T20] LDAP with plaintext behind the go-ahead',
      protocol: 'ldap',
      script: [Buffer.concat([ldap(0), ldap(0)])],
      code: 'tls.starttls_injected',
    },
    {
      name: '[case T20] SMTP that answers before it is asked',
      protocol: 'smtp',
      script: ['220 a\r\n250-x\r\n250 STARTTLS\r\n220 go\r\n'],
      code: 'tls.starttls_injected',
    },
    { name: '[case M04] SMTP that refuses at once', protocol: 'smtp', script: ['554 go away\r\n'], code: 'protocol.smtp' },
    { name: '[case M04] SMTP that refuses EHLO', protocol: 'smtp', script: ['220 a\r\n', '421 busy\r\n'], code: 'protocol.smtp' },
    {
      name: '[case M04] SMTP that refuses STARTTLS',
      protocol: 'smtp',
      script: ['220 a\r\n', '250 STARTTLS\r\n', '454 not now\r\n'],
      code: 'tls.starttls_refused',
    },
    {
      name: 'IMAP that refuses STARTTLS',
      protocol: 'imap',
      script: ['* OK hi\r\n', '* CAPABILITY STARTTLS\r\na1 OK\r\n', 'a2 NO not now\r\n'],
      code: 'tls.starttls_refused',
    },
    {
      name: 'XMPP that refuses STARTTLS',
      protocol: 'xmpp',
      script: [STREAM + OFFER, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"],
      code: 'tls.starttls_refused',
    },
    { name: 'LDAP that is unwilling', protocol: 'ldap', script: [ldap(52, 'unavailable')], code: 'tls.starttls_refused' },
    { name: 'LDAP that hangs up politely', protocol: 'ldap', script: [ldap(52, 'bye', 0)], code: 'protocol.ldap' },
    { name: 'IMAP that says BYE', protocol: 'imap', script: ['* BYE overloaded\r\n'], code: 'protocol.imap' },
    {
      name: '[case M02] an SMTP banner of 1 MB in one line',
      protocol: 'smtp',
      script: [`220 ${'x'.repeat(1e6)}\r\n`],
      code: 'protocol.smtp',
    },
    {
      name: '[case M03] an SMTP reply of lines without end',
      protocol: 'smtp',
      script: ['220 a\r\n', '250-x\r\n'.repeat(500)],
      code: 'protocol.smtp',
    },
    {
      name: '[case M03] IMAP answers without end',
      protocol: 'imap',
      script: ['* OK hi\r\n', '* CAPABILITY x\r\n'.repeat(500)],
      code: 'protocol.imap',
    },
    { name: '[case M07] SMTP lines without CR', protocol: 'smtp', script: ['220 a\n'], code: 'protocol.smtp' },
    { name: '[case M07] IMAP lines without CR', protocol: 'imap', script: ['* OK hi\n'], code: 'protocol.imap' },
    { name: 'HTTP on the SMTP port', protocol: 'smtp', script: ['HTTP/1.1 400 Bad Request\r\n'], code: 'protocol.smtp' },
    { name: 'SMTP that says nothing', protocol: 'smtp', script: [''], code: 'timeout.total' },
    {
      name: '[case X01] XMPP with a document type and entities',
      protocol: 'xmpp',
      script: [`<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY a "${'x'.repeat(50)}">]>`],
      code: 'xml.forbidden',
    },
    { name: '[case X01] XMPP with a document type without the rest', protocol: 'xmpp', script: ['<!'], code: 'xml.forbidden' },
    { name: '[case X01] XMPP with a comment', protocol: 'xmpp', script: [`${STREAM}<!-- x -->${OFFER}`], code: 'xml.forbidden' },
    {
      name: '[case X01] XMPP with a processing instruction',
      protocol: 'xmpp',
      script: [`${STREAM}<?php x ?>${OFFER}`],
      code: 'xml.forbidden',
    },
    {
      name: '[case X01] XMPP with a second declaration',
      protocol: 'xmpp',
      script: [`<?xml version='1.0'?>${STREAM}`.replace('<?xml', ' <?xml')],
      code: 'xml.forbidden',
    },
    {
      name: '[case X02] XMPP with a stanza that never ends',
      protocol: 'xmpp',
      script: [`${STREAM}<stream:features>${'x'.repeat(100_000)}`],
      code: 'size.wire',
    },
    {
      name: '[case X02] XMPP with a tag that never ends',
      protocol: 'xmpp',
      script: [`<stream:stream a='${'x'.repeat(10_000)}`],
      code: 'protocol.xmpp',
    },
    { name: '[case X03] XMPP nested 10,000 deep', protocol: 'xmpp', script: [STREAM + '<a>'.repeat(3000)], code: 'protocol.xmpp' },
    {
      name: '[case X04] XMPP with an error full of markup',
      protocol: 'xmpp',
      script: [`${STREAM}<stream:error><host-unknown/><text>&lt;script> \u202e</text></stream:error>`],
      code: 'protocol.xmpp',
    },
    {
      name: '[case X06] XMPP that sends us elsewhere is not followed',
      protocol: 'xmpp',
      script: [`${STREAM}<stream:error><see-other-host>127.0.0.1:22</see-other-host></stream:error>`],
      code: 'protocol.xmpp',
    },
    { name: 'XMPP that closes the stream', protocol: 'xmpp', script: [`${STREAM}</stream:stream>`], code: 'protocol.xmpp' },
    {
      name: 'an LDAP answer that claims 4 GB',
      protocol: 'ldap',
      script: [Buffer.from([0x30, 0x84, 0xff, 0xff, 0xff, 0xff])],
      code: 'protocol.ldap',
    },
    { name: 'SMTP on the LDAP port', protocol: 'ldap', script: [bye], code: 'protocol.ldap' },
  ];
  for (const { name, protocol, script, code } of rows) {
    it(name, async () => assert.equal(await negotiate(protocol, script, timeFor(code, 300)), code));
  }

  it('[case M01] a tarpit that drips one byte at a time ends at the deadline', async () => {
    const server = await startRawServer((socket) => {
      const timer = setInterval(() => socket.write('2'), 5);
      socket.on('close', () => clearInterval(timer));
    });
    const context = testContext({ timeoutMs: 200 });
    const socket = await context.dial({ host: '127.0.0.1', port: server.port });
    await assert.rejects(negotiateTls(socket, 'smtp', 'site.test', context), { code: 'timeout.total' });
    assert.ok(socket.destroyed);
    server.stop();
  });

  it('[case M05] a server that hangs up in between is named', async () => {
    for (const protocol of STARTTLS_PROTOCOLS) {
      const server = await startRawServer((socket) => socket.end());
      const context = testContext();
      const socket = await context.dial({ host: '127.0.0.1', port: server.port });
      await assert.rejects(negotiateTls(socket, protocol, 'site.test', context), /connection (closed|broken)/);
      server.stop();
    }
  });

  it('[case T20] plaintext that comes later breaks the handshake and is never taken for an answer', async () => {
    const server = await startRawServer((socket) => {
      speak(socket, ['220 a\r\n', '250 STARTTLS\r\n', '220 go\r\n', '250 forged\r\n'], true);
    });
    const seen = await runCheck(tls, options(server.port, 'smtp'), testContext());
    server.stop();
    assert.equal(codeOf(seen), 'tls.protocol', seen.output);
  });

  it('[T7] after the go-ahead nothing but TLS is written', async () => {
    const written: Buffer[] = [];
    const server = await startRawServer((socket) => {
      socket.on('data', (bytes) => written.push(bytes));
      speak(socket, ['220 a\r\n', '250 STARTTLS\r\n', '220 go\r\n'], true);
    });
    await runCheck(tls, options(server.port, 'smtp'), testContext({ timeoutMs: 200 }));
    server.stop();
    const text = Buffer.concat(written).toString('latin1');
    assert.match(text, /^EHLO \[127\.0\.0\.1\]\r\nSTARTTLS\r\n\u0016\u0003/);
  });
});
