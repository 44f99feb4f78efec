import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { startTls } from '../../src/net/tls.ts';
import { certificateRig, type Issued } from '../support/certificates.ts';
import { type LocalServer, startTlsServer } from '../support/tls-server.ts';

const rig = certificateRig();
let server: LocalServer;
let pin = '';

/** One key in 64 has a pin whose base64 begins with the character that also ends the prefix `sha256/`. */
function issueWithSlash(): Issued {
  for (;;) {
    const issued = rig.issue('slash');
    const spki = new X509Certificate(issued.cert).publicKey.export({ type: 'spki', format: 'der' });
    pin = createHash('sha256').update(spki).digest('base64');
    if (pin.startsWith('/')) return issued;
  }
}

before(async () => {
  server = await startTlsServer(issueWithSlash());
});
after(() => {
  server.stop();
  rig.remove();
});

const shake = (wanted: string) =>
  startTls(connect(server.port, '127.0.0.1'), { serverName: 'site.test', verify: false, pin: wanted }, AbortSignal.timeout(60_000));

const spellings: { name: string; spell: () => string }[] = [
  { name: 'bare', spell: () => pin },
  { name: 'after sha256/', spell: () => `sha256/${pin}` },
  { name: 'after sha256//, as curl writes it', spell: () => `sha256//${pin}` },
  { name: 'after SHA256:', spell: () => `SHA256:${pin}` },
  { name: 'in hexadecimal', spell: () => Buffer.from(pin, 'base64').toString('hex') },
  {
    name: 'in hexadecimal with colons',
    spell: () => (Buffer.from(pin, 'base64').toString('hex').match(/../g) ?? []).join(':').toUpperCase(),
  },
];
for (const { name, spell } of spellings) {
  test(`[K12] a pin whose base64 begins with a slash is read, written ${name}`, async () => {
    (await shake(spell())).destroy();
  });
}

test('[K12] a pin whose base64 begins with a slash is no other pin without it', async () => {
  await assert.rejects(shake(`sha256/${pin.slice(1)}=`), { code: 'tls.pin' });
});
