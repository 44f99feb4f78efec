import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import ldap from '../../checks/ldap.ts';
import { TargetFailure } from '../../src/check-type.ts';
import { findLdapResult, readLdapMessage } from '../../src/net/starttls-messages.ts';
import { type CertificateRig, certificateRig, DAY, der } from '../support/certificates.ts';
import { codeOf, problemsOf, runCheck } from '../support/check.ts';
import { BUNDLE, globalFile, installation, vigie } from '../support/cli.ts';
import { type TestContextSettings, testContext } from '../support/context.ts';
import { insistOnCheap } from '../support/cost.ts';
import { rawServer } from '../support/raw-server.ts';
import { needs } from '../support/server.ts';
import { startMicrosocks } from '../support/socks.ts';
import { type SlapdServer, startSlapd } from '../support/starttls-servers.ts';
import { startTlsServer } from '../support/tls-server.ts';

const HOSTS = { base: 'ou=hosts,dc=site,dc=test', scope: 'one', filter: '(objectClass=device)', min_entries: 3 };
const bind = { name: 'cn=admin,dc=site,dc=test', password: { env: 'PW' } };

function run(port: number, options: Record<string, unknown>, settings: TestContextSettings = {}) {
  return runCheck(ldap, { address: '127.0.0.1', port, ...options }, testContext({ secrets: { PW: 'pw' }, ...settings }));
}

describe('ldap check against the real slapd', needs('slapd'), () => {
  let rig: CertificateRig;
  let slapd: SlapdServer;
  before(async () => {
    rig = certificateRig();
    slapd = await startSlapd(rig.issue('good'), rig.root);
  });
  after(async () => {
    await slapd?.stop();
    rig?.remove();
  });
  const tls = () => ({ tls: { ca: rig.ca } });

  it('[K26] StartTLS, a bind and a search are measured', async () => {
    const seen = await run(slapd.port, { ...tls(), bind, ...HOSTS });
    assert.equal(seen.kind, 'measured', seen.output);
    assert.match(seen.output, /^3 entries, bound in [\d.]+ s$/);
    assert.equal(seen.metrics?.['entries'], 3);
    assert.ok(Math.abs((seen.metrics?.['days_left'] ?? 0) - 90) < 1);
  });

  it('[K26] TLS from the first byte, plaintext for nobody, and the server itself by default', async () => {
    assert.match((await run(slapd.tlsPort, { ...tls(), security: 'tls', bind, ...HOSTS })).output, /^3 entries, bound/);
    assert.match((await run(slapd.port, { security: 'none' })).output, /^1 entry in /);
  });

  it('[F5] the names of the entries are remembered when they are asked for, for the inventory of the fleet', async () => {
    const seen = await run(slapd.port, { ...tls(), ...HOSTS, names: true });
    const { names } = seen.memory as { names: string[] };
    assert.equal(names.length, 3);
    assert.ok(names.every((name) => /^[a-z0-9-]+$/.test(name)) && names.some((name) => name.startsWith('web')), names.join());
    assert.equal((await run(slapd.port, { ...tls(), ...HOSTS })).memory, undefined);
  });

  it('[K26] too few entries are ldap.few', async () => {
    const seen = await run(slapd.port, { ...tls(), ...HOSTS, filter: '(cn=web*)' });
    assert.equal(codeOf(seen), 'ldap.few');
    assert.equal(seen.output, '2 entries in ou=hosts,dc=site,dc=test, expected at least 3');
  });

  it('[K26] a wrong password is ldap.auth, a base that is not there ldap.base', async () => {
    const seen = await run(slapd.port, { ...tls(), bind }, { secrets: { PW: 'wrong' } });
    assert.equal(codeOf(seen), 'ldap.auth');
    assert.equal(seen.output, 'bind: invalid credentials (49), expected success');
    assert.equal(codeOf(await run(slapd.port, { ...tls(), base: 'ou=gone,dc=site,dc=test' })), 'ldap.base');
  });

  it("[K26] the server's own limit cuts the count, and is no failure when enough were found", async () => {
    const small = await startSlapd(rig.issue('small'), rig.root, 'sizelimit 2');
    const options = { ...tls(), ...HOSTS, min_entries: 2 };
    assert.match((await run(small.port, options)).output, /^2 entries or more in /);
    assert.equal(codeOf(await run(small.port, { ...options, min_entries: 3 })), 'ldap.few');
    await small.stop();
  });

  it('[K26] an empty password is our mistake, since the server would let it in as nobody', async () => {
    const context = testContext({ secrets: { PW: 'x' } });
    const empty = { ...context, secret: () => '' };
    const seen = await runCheck(ldap, { address: '127.0.0.1', port: slapd.port, ...tls(), bind }, empty);
    assert.equal(codeOf(seen), 'secret.missing');
  });

  it('[K26] the password is in no step', async () => {
    const context = testContext({ secrets: { PW: 'pw' } });
    await runCheck(ldap, { address: '127.0.0.1', port: slapd.port, ...tls(), bind, ...HOSTS }, context);
    assert.match(context.steps.join('\n'), /ldap: > bind as "cn=admin,dc=site,dc=test"\nldap: < success\n/);
    assert.doesNotMatch(context.steps.join('\n'), /pw/);
  });

  it('[case T01] an expired certificate is tls.expired', async () => {
    const old = await startSlapd(rig.issue('old', { notBefore: Date.now() - 90 * DAY, notAfter: Date.now() - DAY }), rig.root);
    const seen = await run(old.port, tls());
    await old.stop();
    assert.equal(codeOf(seen), 'tls.expired');
    assert.ok((seen.metrics?.['days_left'] ?? 0) < 0, 'the days are measured although it failed');
  });

  it('[K26] the bundled program does it too, where code generation is forbidden, and shows each step', async () => {
    const here = installation(globalFile('maildir:state/mail'), {
      'ldap.yaml': `services:
  directory:
    checks:
      hosts:
        type: ldap
        address: 127.0.0.1
        port: ${slapd.port}
        tls: { ca: ${rig.caFile} }
        bind: { name: "cn=admin,dc=site,dc=test", password: { env: PW } }
        base: ou=hosts,dc=site,dc=test
        scope: one
        filter: (objectClass=device)
        min_entries: 3
`,
    });
    const { code, stdout } = await vigie(here.path, ['check', '-v', 'directory/hosts'], {
      program: BUNDLE,
      env: { PW: 'pw' },
    });
    here.remove();
    assert.equal(code, 0, stdout);
    assert.match(stdout, /3 entries, bound in/);
    assert.match(stdout, /ldap: > search one "ou=hosts,dc=site,dc=test" \(objectClass=device\)/);
  });

  it('[N2] works through a SOCKS proxy', needs('microsocks'), async () => {
    const proxy = await startMicrosocks();
    const through = { proxy: { name: 'socks', host: '127.0.0.1', port: proxy.port } };
    const seen = await run(slapd.port, { ...tls(), bind, ...HOSTS }, through);
    await proxy.stop();
    assert.equal(seen.kind, 'measured', seen.output);
  });
});

const message = (id: number, tag: number, ...parts: Uint8Array[]) => der(0x30, der(0x02, Buffer.from([id])), der(tag, ...parts));
const done = (id: number, tag: number, code = 0, words = '') =>
  message(id, tag, der(0x0a, Buffer.from([code])), der(4), der(4, Buffer.from(words)));
const entry = (id: number) => message(id, 0x64, der(4, Buffer.from('cn=x')), der(0x30));

describe('ldap check against a hostile server', () => {
  /** `answer` to the first message, `more` to the second. */
  const play = async (answer: Buffer, more: (socket: Socket) => void = () => {}, timeoutMs?: number) => {
    const server = await rawServer((socket) => {
      socket.once('data', () => more(socket));
      socket.write(answer);
    });
    const seen = await run(server.port, { security: 'none' }, { timeoutMs });
    await server.close();
    return seen;
  };

  it('[K26] a bind and one entry are enough', async () => {
    const seen = await play(done(2, 0x61), (socket) => socket.write(Buffer.concat([entry(3), done(3, 0x65)])));
    assert.equal(seen.kind, 'measured', seen.output);
  });

  for (const { name, answer, code } of [
    { name: 'a server that is busy', answer: done(2, 0x61, 51), code: 'ldap.result' },
    { name: 'a notice of disconnection', answer: done(0, 0x78, 52, 'bye <b>\u001b[31m'), code: 'ldap.disconnected' },
    { name: 'an answer to another message', answer: done(9, 0x61), code: 'protocol.ldap' },
    { name: 'an entry where the bind is answered', answer: entry(2), code: 'protocol.ldap' },
    { name: 'a message of four gigabytes', answer: Buffer.from([0x30, 0x84, 255, 255, 255, 255]), code: 'protocol.ldap' },
    { name: 'a message that is no sequence', answer: Buffer.from('220 smtp\r\n'), code: 'protocol.ldap' },
    { name: 'a result without its parts', answer: message(2, 0x61), code: 'protocol.ldap' },
  ]) {
    it(`[T1] ${name} is ${code}`, async () => {
      const seen = await play(answer);
      assert.equal(codeOf(seen), code, seen.output);
      assert.doesNotMatch(seen.output, /\u001b/);
    });
  }

  it('[T1] entries without end are cut off', async () => {
    const seen = await play(done(2, 0x61), (socket) => {
      const many = Buffer.concat(Array.from({ length: 5000 }, () => entry(3)));
      socket.write(many);
    });
    assert.equal(codeOf(seen), 'protocol.ldap');
    assert.equal(seen.output, 'more than the 1000 entries that were asked for');
  });

  it('[T1] a server that stops in the middle of a search ends at the deadline', async () => {
    assert.equal(codeOf(await play(done(2, 0x61), (socket) => socket.write(entry(3)), 300)), 'timeout.total');
  });

  it('[T1] 100,000 generated messages neither throw anything but a failure nor take 50 ms', () => {
    const byte = fc.oneof(fc.constantFrom(0x30, 0x02, 0x01, 0x61, 0x64, 0x65, 0x0a, 0x04, 0x80, 0x81, 0x84, 0), fc.nat(255));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 40 }), (list) => {
        const bytes = Buffer.from(list);
        insistOnCheap(
          () => {
            try {
              const end = findLdapResult(bytes);
              if (end !== null) readLdapMessage(bytes.subarray(0, end));
            } catch (error) {
              assert.ok(error instanceof TargetFailure, String(error));
            }
          },
          () => bytes.toString('hex'),
        );
      }),
      { numRuns: 100_000 },
    );
  });

  it('[T1] a server that echoes the password does not bring it into the output', async () => {
    const rig = certificateRig();
    const server = await startTlsServer(rig.issue('good'), {}, (socket) => {
      socket.once('data', () => socket.write(done(2, 0x61, 49, 'not a-secret-word')));
    });
    const options = { security: 'tls', tls: { ca: rig.ca }, bind };
    const seen = await run(server.port, options, { secrets: { PW: 'a-secret-word' } });
    server.stop();
    rig.remove();
    assert.equal(codeOf(seen), 'ldap.auth');
    assert.equal(seen.output, 'bind: invalid credentials "not ***" (49), expected success');
  });

  it('[A1] a bind without TLS and a filter that is none are configuration errors', () => {
    assert.deepEqual(Object.keys(problemsOf(ldap, { security: 'none', bind })), ['bind']);
    assert.deepEqual(Object.keys(problemsOf(ldap, { filter: '(&(a=b)' })), ['filter']);
  });
});
