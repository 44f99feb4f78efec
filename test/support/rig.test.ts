import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, describe, it } from 'node:test';
import { connect } from 'node:tls';
import { certificateRig, DAY } from './certificates.ts';
import { startNginx } from './nginx.ts';
import { answersDns, startNsd } from './nsd.ts';
import { needs } from './server.ts';

describe('the servers that tests use', () => {
  const rig = certificateRig();
  after(() => rig.remove());

  it('[A4] certificates are what OpenSSL reads, to the second', () => {
    const notAfter = Date.UTC(2028, 1, 29, 23, 59, 59);
    const read = new X509Certificate(rig.issue('good', { notAfter }).cert);
    assert.equal(Date.parse(read.validTo), notAfter);
    assert.equal(read.subject, 'CN=good');
    assert.equal(read.issuer, 'CN=Vigie Test Root');
    assert.ok(read.checkHost('site.test'));
    assert.ok(read.verify(new X509Certificate(rig.ca).publicKey));
    assert.equal(
      new X509Certificate(rig.issue('far', { notAfter: Date.UTC(2060, 0, 1) + DAY }).cert).validTo,
      'Jan  2 00:00:00 2060 GMT',
    );
  });

  it('[A4] nginx shows them over TLS', needs('nginx'), async () => {
    const middle = rig.issue('middle', { ca: true });
    const nginx = await startNginx({ tls: [{ name: 'good', certificate: rig.issue('behind', { issuer: middle }) }] });
    try {
      const socket = connect({ port: nginx.ports['good'] ?? 0, host: '127.0.0.1', ca: rig.ca, servername: 'site.test' });
      await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
      assert.equal(socket.authorized, true);
      socket.destroy();
    } finally {
      await nginx.stop();
    }
  });

  it('[A4] nsd answers for its zone', needs('nsd'), async () => {
    const nsd = await startNsd();
    try {
      assert.equal(await answersDns(nsd.port, 'site.test'), true);
    } finally {
      await nsd.stop();
    }
  });
});
