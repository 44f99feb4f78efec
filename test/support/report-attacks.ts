import { sign } from 'node:crypto';
import { signText } from '../../src/net/sshsig.ts';
import { reportText, signedReport, type TestHost } from './host-report.ts';

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
function shaped(web1: TestHost, shape: Shape): Buffer {
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
  return Buffer.from(`${reportText('web1')}-----BEGIN SSH SIGNATURE-----\n${armour}\n-----END SSH SIGNATURE-----\n`);
}

/** What somebody on the way, or another machine, could show in the place of the first one's report, and what each is refused for. */
export function attacksOf(web1: TestHost, web2: TestHost): { name: string; bytes: () => Buffer; code: string }[] {
  const good = signedReport(web1);
  const asText = (change: (text: string) => string) => Buffer.from(change(good.toString()));
  return [
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
      bytes: () => shaped(web1, { key: Buffer.concat([field(type), field(Buffer.alloc(32))]) }),
      code: 'report.key',
    })),
    {
      name: '[case J10] the right key with bytes behind it',
      bytes: () => shaped(web1, { key: Buffer.concat([Buffer.from(web1.line.split(' ')[1] ?? '', 'base64'), Buffer.alloc(1)]) }),
      code: 'report.key',
    },
    {
      name: '[case J10] a signature of another type',
      bytes: () => shaped(web1, { inner: Buffer.concat([field('ssh-rsa'), field(Buffer.alloc(64))]) }),
      code: 'report.format',
    },
    { name: '[case J11] sha256', bytes: () => shaped(web1, { hash: 'sha256' }), code: 'report.format' },
    { name: '[case J12] reserved that is not empty', bytes: () => shaped(web1, { reserved: 'x' }), code: 'report.format' },
    { name: '[case J13] version 2', bytes: () => shaped(web1, { version: 2 }), code: 'report.format' },
    { name: '[case J13] another magic', bytes: () => shaped(web1, { magic: 'SSHSIH' }), code: 'report.format' },
    { name: '[case J14] bytes after the blob', bytes: () => shaped(web1, { after: Buffer.from('x') }), code: 'report.format' },
    {
      name: '[case J14] bytes after the inner signature',
      bytes: () => shaped(web1, { inner: Buffer.concat([field('ssh-ed25519'), field(Buffer.alloc(64)), Buffer.from('x')]) }),
      code: 'report.format',
    },
    {
      name: '[case J14] a signature of 65 bytes',
      bytes: () => shaped(web1, { inner: Buffer.concat([field('ssh-ed25519'), field(Buffer.alloc(65))]) }),
      code: 'report.format',
    },
    {
      name: '[case J14] a length beyond the end',
      bytes: () => shaped(web1, { inner: Buffer.from([0xff, 0xff, 0xff, 0xff]) }),
      code: 'report.format',
    },
    { name: '[case J14] a signature of other words', bytes: () => shaped(web1, {}), code: 'report.signature' },
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
    {
      name: '[case J18] a blob of more than 512 bytes',
      bytes: () => shaped(web1, { after: Buffer.alloc(512) }),
      code: 'report.size',
    },
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
}
