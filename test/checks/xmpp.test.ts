import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import xmpp, { readMechanisms } from '../../checks/xmpp.ts';
import { type CertificateRig, certificateRig, DAY } from '../support/certificates.ts';
import { codeOf, problemsOf, runCheck } from '../support/check.ts';
import { type TestContextSettings, testContext } from '../support/context.ts';
import { insistOnCheap } from '../support/cost.ts';
import { type NameServer, startNsd } from '../support/nsd.ts';
import { rawServer } from '../support/raw-server.ts';
import { needs } from '../support/server.ts';
import { startMicrosocks } from '../support/socks.ts';
import { type ProsodyServer, startProsody } from '../support/starttls-servers.ts';
import { startTlsServer } from '../support/tls-server.ts';

function run(options: Record<string, unknown>, settings: TestContextSettings = {}) {
  return runCheck(xmpp, { domain: 'site.test', ...options }, testContext(settings));
}

describe('xmpp check against the real prosody', needs('prosody'), () => {
  let rig: CertificateRig;
  let prosody: ProsodyServer;
  before(async () => {
    rig = certificateRig();
    prosody = await startProsody(rig.issue('good'));
  });
  after(async () => {
    await prosody?.stop();
    rig?.remove();
  });
  const at = (port: number) => ({ address: '127.0.0.1', port, tls: { ca: rig.ca } });

  it('[K19] stream, STARTTLS, the certificate for the domain and the mechanisms are measured', async () => {
    const seen = await run(at(prosody.port));
    assert.equal(seen.kind, 'measured', seen.output);
    assert.match(seen.output, /^stream to site\.test, .*(PLAIN|SCRAM-SHA-1).* in [\d.]+ s$/);
    assert.ok(Math.abs((seen.metrics?.['days_left'] ?? 0) - 90) < 1);
  });

  it('[K19] the port for servers is measured too, and the one with TLS from the start', async () => {
    const server = await run({ ...at(prosody.serverPort), streams: ['server'] });
    assert.equal(server.kind, 'measured', server.output);
    assert.equal((await run({ ...at(prosody.tlsPort), security: 'tls' })).kind, 'measured');
  });

  it('[K19] a mechanism that is not offered is named', async () => {
    const seen = await run({ ...at(prosody.port), mechanisms: ['SCRAM-SHA-1', 'GS2-KRB5'] });
    assert.equal(codeOf(seen), 'xmpp.sasl');
    assert.match(seen.output, /expected GS2-KRB5 too$/);
  });

  it('[K19] a domain that is not served is the stream error of the server', async () => {
    const seen = await run({ ...at(prosody.port), domain: 'other.test' });
    assert.equal(codeOf(seen), 'protocol.xmpp');
    assert.match(seen.output, /^stream error ".*host-unknown/);
  });

  it('[case T03] the certificate must be for the domain, not for the server', async () => {
    const other = await startProsody(rig.issue('other', { san: ['mail.example.org'] }));
    const seen = await run(at(other.port));
    await other.stop();
    assert.equal(codeOf(seen), 'tls.name');
  });

  it('[case T01] an expired certificate is tls.expired', async () => {
    const old = await startProsody(rig.issue('old', { notBefore: Date.now() - 90 * DAY, notAfter: Date.now() - DAY }));
    const seen = await run(at(old.port));
    await old.stop();
    assert.equal(codeOf(seen), 'tls.expired');
    assert.ok(Math.abs((seen.metrics?.['days_left'] ?? 0) + 1) < 0.1, 'measured although it failed');
  });

  it('[case X05] a server that offers ANONYMOUS only is no login', async () => {
    const open = await startProsody(rig.issue('open'), 'anonymous');
    const seen = await run(at(open.port));
    await open.stop();
    assert.equal(codeOf(seen), 'xmpp.sasl', seen.output);
    assert.equal(seen.output, 'offers ANONYMOUS to log in with, expected one that is not ANONYMOUS');
  });

  it('[N2] works through a SOCKS proxy, where the domain is the address', needs('microsocks'), async () => {
    const proxy = await startMicrosocks();
    const seen = await run(at(prosody.port), { proxy: { name: 'socks', host: '127.0.0.1', port: proxy.port } });
    assert.equal(seen.kind, 'measured', seen.output);
    const { address: _, ...domain } = at(prosody.port);
    const blind = await run(
      { ...domain, port: undefined, srv: true },
      { proxy: { name: 'socks', host: '127.0.0.1', port: proxy.port } },
    );
    await proxy.stop();
    assert.deepEqual([blind.kind, codeOf(blind)], ['unknown', 'option.srv'], 'SRV records that must be there cannot be seen');
  });

  describe('found by SRV records of the real nsd', needs('nsd'), () => {
    let names: NameServer;
    before(async () => {
      names = await startNsd(`$ORIGIN site.test.
$TTL 300
@ IN SOA ns hostmaster 1 3600 600 86400 300
@ IN NS ns
@ IN A 127.0.0.1
ns IN A 127.0.0.1
_xmpp-client._tcp IN SRV 20 0 1 localhost.
_xmpp-client._tcp IN SRV 10 0 ${prosody.port} localhost.
_xmpp-server._tcp IN SRV 10 0 ${prosody.serverPort} localhost.
_xmpps-client._tcp IN SRV 0 0 0 .
`);
    });
    after(() => names?.stop());
    const options = () => ({ tls: { ca: rig.ca }, name_server: `127.0.0.1:${names.port}` });

    it('[K19] each server of a stream is a part: one that refuses is told apart', async () => {
      const seen = await run({ ...options(), streams: ['client', 'server'] });
      assert.equal(codeOf(seen), 'network.refused', seen.output);
      assert.deepEqual(
        seen.parts?.map(({ name, state }) => `${name} ${state}`),
        ['client localhost OK', 'client localhost CRITICAL', 'server OK'],
      );
    });

    it('[K19] the record that says that there is no service is believed', async () => {
      assert.equal(codeOf(await run({ ...options(), security: 'tls' })), 'dns.absent');
    });

    it('[K19] without records it is the domain itself, unless records must be there', async () => {
      const seen = await run({ ...options(), streams: ['server'], security: 'tls', srv: true });
      assert.equal(codeOf(seen), 'dns.empty');
      assert.match(seen.output, /^_xmpps-server\._tcp\.site\.test: no SRV records, expected some$/);
      const context = testContext({ resolver: { servers: [`127.0.0.1:${names.port}`], hostsFile: null } });
      const alone = { domain: 'site.test', ...options(), streams: ['server'], security: 'tls' };
      assert.equal(codeOf(await runCheck(xmpp, alone, context)), 'network.refused');
      assert.ok(context.steps.includes('site.test is 127.0.0.1'), context.steps.join('\n'));
    });
  });
});

describe('xmpp check against a hostile server', () => {
  let rig: CertificateRig;
  before(() => {
    rig = certificateRig();
  });
  after(() => rig?.remove());
  const HEAD = "<?xml version='1.0'?><stream:stream from='site.test' version='1.0'>";
  /** After TLS, so that the reading is this type's own. */
  const play = async (answer: string, timeoutMs?: number) => {
    const server = await startTlsServer(rig.issue('good'), {}, (socket) => {
      socket.once('data', () => socket.write(answer));
    });
    const options = { address: '127.0.0.1', port: server.port, security: 'tls', tls: { ca: rig.ca } };
    const seen = await run(options, { timeoutMs });
    server.stop();
    return seen;
  };
  const features = (text: string) => `${HEAD}<stream:features>${text}</stream:features>`;

  it('[case X05] offers of PLAIN count, of ANONYMOUS or nothing do not', async () => {
    const offer = (name: string) => features(`<mechanisms><mechanism>${name}</mechanism></mechanisms>`);
    assert.equal((await play(offer('PLAIN'))).kind, 'measured');
    assert.equal(codeOf(await play(offer('ANONYMOUS'))), 'xmpp.sasl');
    assert.equal(codeOf(await play(features(''))), 'xmpp.sasl');
  });

  for (const { name, answer } of [
    { name: '[case X01] a document type', answer: `<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a "aaaa">]>` },
    { name: '[case X01] a comment', answer: `${HEAD}<!-- x -->` },
    { name: '[case X01] a processing instruction', answer: `${HEAD}<?php x ?>` },
  ]) {
    it(`${name} is xml.forbidden`, async () => assert.equal(codeOf(await play(answer)), 'xml.forbidden'));
  }

  it('[case X02] features without end are cut off', async () => {
    assert.equal(codeOf(await play(`${HEAD}<stream:features>${'<a/>'.repeat(50_000)}`)), 'size.wire');
  });

  it('[case X03] depth 10,000 is refused', async () => {
    assert.equal(codeOf(await play(HEAD + '<a>'.repeat(10_000))), 'protocol.xmpp');
  });

  it('[case X04] the text of a stream error is shown as text', async () => {
    const seen = await play(`${HEAD}<stream:error><b/><text>&lt;script&gt;\u001b[31m\u202e</text></stream:error>`);
    assert.equal(codeOf(seen), 'protocol.xmpp');
    assert.doesNotMatch(seen.output, /[\u001b\u202e]/);
  });

  it('[case X06] a redirection to this machine is an error and is not followed', async () => {
    const tripwire = await rawServer(() => {});
    const seen = await play(
      `${HEAD}<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>127.0.0.1:${tripwire.port}</see-other-host></stream:error>`,
    );
    assert.equal(codeOf(seen), 'protocol.xmpp');
    assert.equal(tripwire.connections(), 0);
    await tripwire.close();
  });

  it('[case M01] a server that says nothing ends at the deadline', async () => {
    assert.equal(codeOf(await play('', 300)), 'timeout.total');
  });

  it('[T1] 100,000 generated features neither throw nor take 50 ms', () => {
    const piece = fc.constantFrom('<mechanism>', '</mechanism>', '<x:mechanism>', 'PLAIN', '<', '>', ' ', 'a', '&lt;', ':', '\0');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const text = pieces.join('');
        const found = insistOnCheap(
          () => readMechanisms(text),
          () => JSON.stringify(text),
        );
        for (const name of found) assert.match(name, /^[A-Z0-9_-]+$/);
      }),
      { numRuns: 100_000 },
    );
  });

  it('[A1] SRV records and an address exclude each other, and one port cannot be two', () => {
    const both = { domain: 'site.test', address: '192.0.2.1', srv: true, streams: ['client', 'server'], port: 5222 };
    assert.deepEqual(Object.keys(problemsOf(xmpp, both)), ['srv', 'port']);
  });
});
