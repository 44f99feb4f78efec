import assert from 'node:assert/strict';
import { sign } from 'node:crypto';
import { describe, it } from 'node:test';
import { type Accepted, openReport, ReportProblem, type ReportRules } from '../../src/net/host-report.ts';
import { signText } from '../../src/net/sshsig.ts';
import { NOW, reportText, signedReport, testHost } from '../support/host-report.ts';

const web1 = testHost('web1');
const web2 = testHost('web2');
const RULES: ReportRules = { host: 'web1', keys: [web1.line], now: NOW + 10_000, maxAge: 900, accepted: {} };

function codeFor(bytes: Buffer, rules: Partial<ReportRules> = {}): string {
  try {
    openReport(bytes, { ...RULES, ...rules });
    return 'accepted';
  } catch (error) {
    if (error instanceof ReportProblem) return error.code;
    throw error;
  }
}

const accept = (bytes: Buffer, rules: Partial<ReportRules> = {}) => openReport(bytes, { ...RULES, ...rules });
const good = signedReport(web1);

function field(content: string | Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(Buffer.byteLength(content as string));
  return Buffer.concat([length, Buffer.from(content as string)]);
}

interface Shape {
  magic?: string;
  version?: number;
  key?: Buffer;
  namespace?: string;
  reserved?: string;
  hash?: string;
  inner?: Buffer;
  after?: Buffer;
}

/** A report whose signature's blob is put together by hand. */
function shaped(shape: Shape, text = reportText('web1')): Buffer {
  const { magic = 'SSHSIG', version = 1, namespace = 'vigie-report-v1@web1', reserved = '', hash = 'sha512' } = shape;
  const key = shape.key ?? Buffer.from(web1.line.split(' ')[1] ?? '', 'base64');
  const inner = shape.inner ?? Buffer.concat([field('ssh-ed25519'), field(sign(null, Buffer.from('x'), web1.key))]);
  const number = Buffer.alloc(4);
  number.writeUInt32BE(version);
  const blob = Buffer.concat([
    Buffer.from(magic),
    number,
    field(key),
    field(namespace),
    field(reserved),
    field(hash),
    field(inner),
    shape.after ?? Buffer.alloc(0),
  ]);
  const armour = (blob.toString('base64').match(/.{1,70}/g) ?? []).join('\n');
  return Buffer.from(`${text}-----BEGIN SSH SIGNATURE-----\n${armour}\n-----END SSH SIGNATURE-----\n`);
}

const asText = (change: (text: string) => string) => Buffer.from(change(good.toString()));

describe('a host’s report', () => {
  it('[case J01] a valid and fresh one is accepted', () => {
    const { report, age, isNews } = accept(good);
    assert.equal(report.host, 'web1');
    assert.deepEqual({ age, isNews }, { age: 10, isNews: true });
  });

  it('[case J02] the same file again is no news and no error, until it is too old', () => {
    const { accepted } = accept(good);
    assert.equal(accept(good, { accepted }).isNews, false);
    assert.equal(codeFor(good, { accepted, now: NOW + 900_000 }), 'accepted');
    assert.equal(codeFor(good, { accepted, now: NOW + 901_000 }), 'report.stale');
  });

  it('[case J03] an older number is a replay, and so is the same number with other content', () => {
    const { accepted } = accept(good);
    assert.equal(codeFor(signedReport(web1, { seq: NOW / 1000 - 1 }), { accepted }), 'report.replay');
    assert.equal(codeFor(signedReport(web1, { interval: 301 }), { accepted }), 'report.replay');
    assert.equal(codeFor(signedReport(web1, { seq: NOW / 1000 + 1 }), { accepted }), 'accepted');
  });

  it('[case J04] one of more than 300 s in the future may be our own clock’s fault', () => {
    assert.equal(codeFor(good, { now: NOW - 300_000 }), 'accepted');
    assert.equal(codeFor(good, { now: NOW - 301_000 }), 'report.future');
  });

  it('[case J05] what the machine says of its interval does not make an old report fresh', () => {
    const slow = signedReport(web1, { interval: 86_400 });
    assert.equal(codeFor(slow, { now: NOW + 1_000_000 }), 'report.stale');
  });

  it('[case J06] one that is cut at any byte is never accepted', () => {
    const codes = new Set<string>();
    for (let length = 0; length < good.length; length += 1) codes.add(codeFor(good.subarray(0, length)));
    assert.deepEqual([...codes], ['report.format']);
    assert.ok(good.length > 2000);
  });

  const attacks: { name: string; bytes: () => Buffer; code: string }[] = [
    {
      name: '[case J07] another host’s key',
      bytes: () => Buffer.from(signText(reportText('web1'), web2.key, 'vigie-report-v1@web1')),
      code: 'report.key',
    },
    {
      name: '[case J08] another host’s name inside',
      bytes: () => Buffer.from(signText(reportText('web2'), web1.key, 'vigie-report-v1@web1')),
      code: 'report.host',
    },
    ...['file', 'git', 'vigie-report-v1@web2', 'vigie-report-v1', 'vigie-report-v1@web1\0', 'vigie-heartbeat-v1', ''].map(
      (namespace) => ({
        name: `[case J09] namespace ${JSON.stringify(namespace)}`,
        bytes: () => Buffer.from(signText(reportText('web1'), web1.key, namespace)),
        code: 'report.namespace',
      }),
    ),
    ...['ssh-rsa', 'ecdsa-sha2-nistp256', 'sk-ssh-ed25519@openssh.com', 'ssh-ed25519-cert-v01@openssh.com'].map((type) => ({
      name: `[case J10] a key of type ${type}`,
      bytes: () => shaped({ key: Buffer.concat([field(type), field(Buffer.alloc(32))]) }),
      code: 'report.key',
    })),
    {
      name: '[case J10] the right key with bytes behind it',
      bytes: () => shaped({ key: Buffer.concat([Buffer.from(web1.line.split(' ')[1] ?? '', 'base64'), Buffer.alloc(1)]) }),
      code: 'report.key',
    },
    {
      name: '[case J10] a signature of another type',
      bytes: () => shaped({ inner: Buffer.concat([field('ssh-rsa'), field(Buffer.alloc(64))]) }),
      code: 'report.format',
    },
    { name: '[case J11] sha256', bytes: () => shaped({ hash: 'sha256' }), code: 'report.format' },
    { name: '[case J12] reserved that is not empty', bytes: () => shaped({ reserved: 'x' }), code: 'report.format' },
    { name: '[case J13] version 2', bytes: () => shaped({ version: 2 }), code: 'report.format' },
    { name: '[case J13] another magic', bytes: () => shaped({ magic: 'SSHSIH' }), code: 'report.format' },
    { name: '[case J14] bytes after the blob', bytes: () => shaped({ after: Buffer.from('x') }), code: 'report.format' },
    {
      name: '[case J14] bytes after the inner signature',
      bytes: () => shaped({ inner: Buffer.concat([field('ssh-ed25519'), field(Buffer.alloc(64)), Buffer.from('x')]) }),
      code: 'report.format',
    },
    {
      name: '[case J14] a signature of 65 bytes',
      bytes: () => shaped({ inner: Buffer.concat([field('ssh-ed25519'), field(Buffer.alloc(65))]) }),
      code: 'report.format',
    },
    {
      name: '[case J14] a length beyond the end',
      bytes: () => shaped({ inner: Buffer.from([0xff, 0xff, 0xff, 0xff]) }),
      code: 'report.format',
    },
    { name: '[case J14] a signature of other words', bytes: () => shaped({}), code: 'report.signature' },
    {
      name: '[case J14] one letter changed',
      bytes: () => asText((text) => text.replace('"interval":300', '"interval":301')),
      code: 'report.signature',
    },
    {
      name: '[case J15] padding that decodes to the same',
      bytes: () => asText((text) => text.replace(/(\S)\n-----END/, (_all, last) => `${last}=\n-----END`)),
      code: 'report.format',
    },
    {
      name: '[case J15] a space in the base64',
      bytes: () => asText((text) => text.replace('\nU1NIU0lH', '\nU1NI U0lH')),
      code: 'report.format',
    },
    {
      name: '[case J15] a letter outside of the alphabet',
      bytes: () => asText((text) => text.replace('\nU1NIU0lH', '\nU1NIU0lH-')),
      code: 'report.format',
    },
    {
      name: '[case J15] an empty line in the armour',
      bytes: () => asText((text) => text.replace('SIGNATURE-----\n', 'SIGNATURE-----\n\n')),
      code: 'report.format',
    },
    {
      name: '[case J16] two signatures',
      bytes: () => Buffer.concat([good, good.subarray(good.indexOf('-----BEGIN'))]),
      code: 'report.format',
    },
    { name: '[case J16] a signature as the text', bytes: () => good.subarray(good.indexOf('-----BEGIN')), code: 'report.format' },
    { name: '[case J16] text behind the signature', bytes: () => Buffer.concat([good, Buffer.from('{}')]), code: 'report.format' },
    {
      name: '[case J17] armour with CRLF',
      bytes: () => Buffer.from(good.toString().replaceAll('\n', '\r\n')),
      code: 'report.format',
    },
    {
      name: '[case J18] 64 KiB and one byte',
      bytes: () => Buffer.concat([Buffer.alloc(65_537 - good.length, ' '), good]),
      code: 'report.size',
    },
    { name: '[case J18] a blob of more than 512 bytes', bytes: () => shaped({ after: Buffer.alloc(512) }), code: 'report.size' },
    {
      name: '[case J20] signed, but no report',
      bytes: () => Buffer.from(signText('vigie-report 1\n{}\n', web1.key, 'vigie-report-v1@web1')),
      code: 'report.schema',
    },
    {
      name: '[case J20] signed nothing',
      bytes: () => Buffer.from(signText('\n', web1.key, 'vigie-report-v1@web1')),
      code: 'report.schema',
    },
  ];
  for (const { name, bytes, code } of attacks) it(`${name} is ${code}`, () => assert.equal(codeFor(bytes()), code));

  it('[T6] the first failure wins: what is not signed by the host is not read, whatever it says', () => {
    const foreign = signText('no report at all\n', web2.key, 'other');
    assert.equal(codeFor(Buffer.from(foreign)), 'report.key');
    assert.equal(codeFor(Buffer.from(signText('no report at all\n', web1.key, 'other'))), 'report.namespace');
    const old = signedReport(web1, { seq: 1, created: '2020-01-01T00:00:00Z' });
    assert.equal(codeFor(old, { accepted: accept(good).accepted }), 'report.replay');
    assert.equal(codeFor(signedReport(web1, { host: 'web2', created: '2030-01-01T00:00:00Z' })), 'report.host');
    assert.equal(
      codeFor(signedReport(web1, { seq: 1, created: '2030-01-01T00:00:00Z' }), { accepted: accept(good).accepted }),
      'report.future',
    );
  });

  it('[case J22] a reinstalled host that counts from below is refused until it has another key', () => {
    const { accepted } = accept(good);
    const again = { name: 'web1', key: web2.key, line: web2.line };
    assert.equal(codeFor(signedReport(web1, { seq: 5 }), { accepted }), 'report.replay');
    assert.equal(codeFor(signedReport(again, { seq: 5 }), { accepted }), 'report.key');
    assert.equal(codeFor(signedReport(again, { seq: 5 }), { accepted, keys: [web2.line] }), 'accepted');
  });

  it('[case J23] a key is changed without a gap: both are taken while both are pinned, and then the old one is not', () => {
    const next = { name: 'web1', key: web2.key, line: `${web2.line} vigie@web1` };
    const both = [web1.line, next.line];
    let accepted: Accepted = accept(good).accepted;
    accepted = accept(signedReport(web1, { seq: NOW / 1000 + 1 }), { accepted, keys: both }).accepted;
    accepted = accept(signedReport(next, { seq: NOW / 1000 + 2 }), { accepted, keys: both }).accepted;
    assert.equal(Object.keys(accepted).length, 2);
    assert.equal(codeFor(good, { accepted, keys: both }), 'report.replay');
    accepted = accept(signedReport(next, { seq: NOW / 1000 + 3 }), { accepted, keys: [next.line] }).accepted;
    assert.equal(Object.keys(accepted).length, 1);
    assert.equal(codeFor(signedReport(web1, { seq: NOW / 1000 + 4 }), { accepted, keys: [next.line] }), 'report.key');
  });
});
