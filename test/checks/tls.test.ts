import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import tls from '../../checks/tls.ts';
import { certificateRig, DAY, type Issued } from '../support/certificates.ts';
import { codeOf, runCheck } from '../support/check.ts';
import { testContext } from '../support/context.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';
import { needs } from '../support/server.ts';
import { startMicrosocks } from '../support/socks.ts';

const rig = certificateRig();
const otherRig = certificateRig('Another Root');
after(() => {
  rig.remove();
  otherRig.remove();
});
const trusted = { tls: { ca: rig.ca, verify: true } };
const at = (port: number, more: Record<string, unknown> = {}) => ({
  address: '127.0.0.1',
  port,
  server_name: 'site.test',
  ...trusted,
  ...more,
});

describe('tls check on a real nginx', needs('nginx'), () => {
  let nginx: Nginx;
  const middle = rig.issue('middle', { ca: true });
  const forgetful = rig.issue('forgetful', { issuer: middle, issuersUrl: 'http://ca.example/middle.der' });
  const rows: { name: string; key: string; issued: Issued; code: string; output: RegExp }[] = [
    {
      name: 'a good certificate',
      key: 'good',
      issued: rig.issue('good'),
      code: 'measured',
      output: /^certificate expires in 89 days \(\d{4}-\d\d-\d\d\), TLSv1\.[23] in /,
    },
    {
      name: 'a good certificate behind an intermediate',
      key: 'behind',
      issued: rig.issue('behind', { issuer: middle }),
      code: 'measured',
      output: /^certificate expires in/,
    },
    {
      name: '[case T01] expired',
      key: 'expired',
      issued: rig.issue('expired', { notBefore: Date.now() - 90 * DAY, notAfter: Date.UTC(2026, 0, 31) }),
      code: 'tls.expired',
      output: /^certificate has expired on 2026-01-31; "expired" by "Vigie Test Root", .* to 2026-01-31$/,
    },
    {
      name: '[case T02] not yet valid',
      key: 'early',
      issued: rig.issue('early', { notBefore: Date.UTC(2045, 0, 1), notAfter: Date.UTC(2046, 0, 1) }),
      code: 'tls.not_yet_valid',
      output: /only from 2045-01-01; "early" by/,
    },
    {
      name: '[case T03] for another host',
      key: 'other',
      issued: rig.issue('other', { san: ['other.test'] }),
      code: 'tls.name',
      output: /^certificate is for other\.test, expected site\.test; "other" by/,
    },
    {
      name: '[case T04] self-signed',
      key: 'selfsigned',
      issued: rig.issue('selfsigned', { issuer: 'self' }),
      code: 'tls.self_signed',
      output: /self-signed.*"selfsigned" by "selfsigned"/,
    },
    {
      name: '[case T05] of an authority that nobody trusts',
      key: 'stranger',
      issued: otherRig.issue('stranger'),
      code: 'tls.untrusted',
      output: /not trusted/,
    },
    {
      name: '[case T06] without its intermediate',
      key: 'forgetful',
      issued: forgetful,
      code: 'tls.incomplete_chain',
      output: /does not send the certificate of "middle", expected the chain/,
    },
  ];
  before(async () => {
    writeFileSync(forgetful.chainFile, forgetful.cert);
    nginx = await startNginx({ tls: rows.map(({ key, issued }) => ({ name: key, certificate: issued })) });
  });
  after(() => nginx.stop());

  for (const { name, key, code, output } of rows) {
    it(name, async () => {
      const seen = await runCheck(tls, at(nginx.ports[key] ?? 0), testContext());
      assert.equal(codeOf(seen), code, seen.output);
      assert.match(seen.output, output);
      assert.equal(typeof seen.metrics?.['days_left'], 'number');
    });
  }

  it('[case T03] an address must be in the certificate too', async () => {
    const seen = await runCheck(tls, { ...at(nginx.ports['good'] ?? 0), server_name: '127.0.0.2' }, testContext());
    assert.equal(codeOf(seen), 'tls.name');
    assert.equal(
      codeOf(await runCheck(tls, { ...at(nginx.ports['good'] ?? 0), server_name: undefined }, testContext())),
      'measured',
    );
  });

  it('[K12] without validation the days of an expired certificate are measured, and the output says that nothing was validated', async () => {
    const seen = await runCheck(tls, at(nginx.ports['expired'] ?? 0, { tls: { verify: false } }), testContext());
    assert.equal(codeOf(seen), 'measured');
    assert.match(seen.output, /^certificate expired \d+ days ago \(2026-01-31\), not validated, /);
    assert.ok((seen.metrics?.['days_left'] ?? 0) < 0);
  });

  it('[K12] a bad certificate costs a second connection that only reads, a good one does not', async () => {
    const context = testContext();
    await runCheck(tls, at(nginx.ports['expired'] ?? 0), context);
    assert.equal(context.steps.filter((step) => step.startsWith('connected')).length, 2);
    const good = testContext();
    await runCheck(tls, at(nginx.ports['good'] ?? 0), good);
    assert.equal(good.steps.filter((step) => step.startsWith('connected')).length, 1);
  });

  it('[case T10] says that revocation is not checked', async () => {
    const context = testContext();
    await runCheck(tls, at(nginx.ports['good'] ?? 0), context);
    assert.ok(context.steps.includes('revocation is not checked (no CRL, no OCSP)'));
  });

  it('[case T21] own CA and pin hold behind a SOCKS proxy', needs('microsocks'), async () => {
    const proxy = await startMicrosocks();
    const context = () => testContext({ proxy: { name: 'socks', host: '127.0.0.1', port: proxy.port } });
    const port = nginx.ports['good'] ?? 0;
    try {
      assert.equal(codeOf(await runCheck(tls, at(port), context())), 'measured');
      assert.equal(codeOf(await runCheck(tls, at(port, { tls: { ca: otherRig.ca, verify: true } }), context())), 'tls.untrusted');
      const pinned = { ca: rig.ca, pin: `sha256/${Buffer.alloc(32).toString('base64')}` };
      assert.equal(codeOf(await runCheck(tls, at(port, { tls: { ...pinned, verify: true } }), context())), 'tls.pin');
      assert.equal(codeOf(await runCheck(tls, at(port, { tls: { ...pinned, verify: false } }), context())), 'tls.pin');
    } finally {
      await proxy.stop();
    }
  });

  it('[K12] a family cannot be chosen through a proxy, and both families are two parts', async () => {
    const context = testContext({ proxy: { name: 'tor', host: '127.0.0.1', port: 1 } });
    assert.equal(codeOf(await runCheck(tls, at(443, { family: 4 }), context)), 'option.family');
    const resolver = { hostsFile: null, servers: ['127.0.0.1:1'] };
    const both = await runCheck(tls, at(nginx.ports['good'] ?? 0, { family: 'both' }), testContext({ resolver }));
    assert.deepEqual(
      both.parts?.map(({ name, state }) => `${name} ${state}`),
      ['IPv4 OK', 'IPv6 CRITICAL'],
    );
    assert.equal(codeOf(both), 'dns.empty');
    assert.match(both.output, /^1 of 2 fail, IPv6: /);
  });
});
