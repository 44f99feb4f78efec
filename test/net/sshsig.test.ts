import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { formatHeartbeat, HEARTBEAT_NAMESPACE, parseHeartbeat } from '../../src/core/heartbeat.ts';
import { HeartbeatProblem, openHeartbeat } from '../../src/net/heartbeat.ts';
import { openSigned, parsePublicLine, SignatureProblem, signText, toPublicLine } from '../../src/net/sshsig.ts';
import { needs, temporaryFolder } from '../support/server.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const other = generateKeyPairSync('ed25519').privateKey;
const NOW = Date.UTC(2026, 10, 22, 12, 0, 30);
const BEAT = {
  run: 17,
  created: Date.UTC(2026, 10, 22, 12),
  interval: 60,
  checks: { ok: 748, warning: 0, critical: 2, unknown: 0, skipped: 1 },
};
const TEXT = formatHeartbeat(BEAT);
const SIGNED = signText(TEXT, privateKey, HEARTBEAT_NAMESPACE);
const keys = [toPublicLine(privateKey)];
const pinned = keys.flatMap((line) => parsePublicLine(line) ?? []);

const folder = temporaryFolder();
after(() => folder.remove());
writeFileSync(join(folder.path, 'allowed'), `vigie namespaces="${HEARTBEAT_NAMESPACE}" ${keys[0]}\n`);

/** What OpenSSH says of a file, split as anybody would: the text up to the signature. */
function verifyWithOpenSsh(file: Buffer): boolean {
  const at = file.indexOf('-----BEGIN SSH SIGNATURE-----');
  if (at < 0) return false;
  const signature = join(folder.path, 'signature');
  writeFileSync(signature, file.subarray(at));
  const args = ['-Y', 'verify', '-f', join(folder.path, 'allowed'), '-I', 'vigie', '-n', HEARTBEAT_NAMESPACE, '-s', signature];
  return spawnSync('ssh-keygen', args, { input: file.subarray(0, at) }).status === 0;
}

function accepts(file: Buffer): boolean {
  try {
    openSigned(file, { namespace: HEARTBEAT_NAMESPACE, keys: pinned });
    return true;
  } catch (error) {
    if (error instanceof SignatureProblem) return false;
    throw error;
  }
}

describe('a signed file', needs('ssh-keygen'), () => {
  it('[T6] that we sign is good to ssh-keygen, and to us', () => {
    assert.equal(verifyWithOpenSsh(Buffer.from(SIGNED)), true);
    assert.equal(accepts(Buffer.from(SIGNED)), true);
  });

  it('[T6] that ssh-keygen signs is good to us', () => {
    const key = join(folder.path, 'key');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'a comment', '-f', key]);
    writeFileSync(join(folder.path, 'text'), TEXT);
    execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-f', key, '-n', HEARTBEAT_NAMESPACE, join(folder.path, 'text')]);
    const file = Buffer.concat([Buffer.from(TEXT), readFileSync(join(folder.path, 'text.sig'))]);
    const line = readFileSync(`${key}.pub`, 'utf8');
    const opened = openSigned(file, { namespace: HEARTBEAT_NAMESPACE, keys: [parsePublicLine(line) ?? Buffer.alloc(0)] });
    assert.equal(opened.toString(), TEXT);
  });

  it('[T6] [case J05] never passes here when ssh-keygen refuses it, whichever byte is changed', () => {
    let refused = 0;
    const file = Buffer.from(SIGNED);
    for (let i = 0; i < file.length; i += 1) {
      const changed = Buffer.from(file);
      changed[i] = (changed[i] ?? 0) ^ (1 << (i % 7));
      if (!accepts(changed)) refused += 1;
      else assert.fail(`byte ${i} may be changed`);
    }
    assert.equal(refused, file.length);
    // A sample of them, as a process each takes its time.
    for (let i = 3; i < file.length; i += 40) {
      const changed = Buffer.from(file);
      changed[i] = (changed[i] ?? 0) ^ 1;
      assert.ok(!accepts(changed) || verifyWithOpenSsh(changed), `byte ${i}`);
    }
  });
});

describe('what is no good signature', () => {
  const sign = (text: string, namespace = HEARTBEAT_NAMESPACE) => signText(text, privateKey, namespace);
  const rows: { name: string; file: string; fault: SignatureProblem['fault'] }[] = [
    { name: 'none at all', file: TEXT, fault: 'format' },
    { name: 'one of another key', file: signText(TEXT, other, HEARTBEAT_NAMESPACE), fault: 'key' },
    { name: 'one for another purpose', file: sign(TEXT, 'vigie-report-v1@web1'), fault: 'namespace' },
    { name: 'one of another text', file: SIGNED.replace('"run":17', '"run":18'), fault: 'signature' },
    { name: 'two of them', file: sign(SIGNED), fault: 'format' },
    { name: 'words after it', file: `${SIGNED}x\n`, fault: 'format' },
    { name: 'an empty line after it', file: `${SIGNED}\n`, fault: 'format' },
    { name: 'a carriage return in it', file: SIGNED.replace('SIGNATURE-----\n', 'SIGNATURE-----\r\n'), fault: 'format' },
    { name: 'a space in the base64', file: SIGNED.replace(/\n(U1NIU0lH)/, '\n $1'), fault: 'format' },
    { name: 'a signature without text', file: SIGNED.slice(TEXT.length), fault: 'format' },
    {
      name: 'far too long a signature',
      file: `${TEXT}-----BEGIN SSH SIGNATURE-----\n${'AAAA'.repeat(200)}\n-----END SSH SIGNATURE-----\n`,
      fault: 'size',
    },
    {
      name: 'a cut one',
      file: `${TEXT}-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAQAAADM=\n-----END SSH SIGNATURE-----\n`,
      fault: 'format',
    },
    { name: 'nothing', file: '', fault: 'format' },
  ];
  for (const { name, file, fault } of rows) {
    it(`[T6] ${name}`, () => {
      assert.throws(
        () => openSigned(Buffer.from(file), { namespace: HEARTBEAT_NAMESPACE, keys: pinned }),
        (error) => error instanceof SignatureProblem && error.fault === fault,
      );
    });
  }

  it('[T6] a public key is taken in one spelling only', () => {
    assert.ok(parsePublicLine(`${keys[0]} with words`) !== null);
    for (const line of [
      '',
      'ssh-rsa AAAA',
      'ssh-ed25519 AAAA',
      `ssh-ed25519  ${keys[0]?.slice(12)}`,
      `${keys[0]}\nmore`,
      `${keys[0]?.slice(0, -2)}`,
    ])
      assert.equal(parsePublicLine(line), null, line);
  });
});

describe('a heartbeat', () => {
  const open = (file: string, maxAge = 300, now = NOW) => openHeartbeat(Buffer.from(file), { keys, now, maxAge });
  it('[T6] says its run, its age and how the checks stand', () => assert.deepEqual(open(SIGNED), { ...BEAT, age: 30 }));

  const rows: { name: string; file: string; maxAge?: number; now?: number; code: string }[] = [
    { name: 'one that is too old', file: SIGNED, maxAge: 29, code: 'heartbeat.stale' },
    { name: 'one of the future', file: SIGNED, now: BEAT.created - 301_000, code: 'heartbeat.future' },
    { name: 'one that is too long', file: `${' '.repeat(5000)}`, code: 'heartbeat.size' },
    { name: 'a signed text that is none', file: signText('hello\n', privateKey, HEARTBEAT_NAMESPACE), code: 'heartbeat.schema' },
    { name: 'an unsigned one', file: TEXT, code: 'heartbeat.format' },
  ];
  for (const { name, file, maxAge, now, code } of rows) {
    it(`[T6] ${name} proves nothing`, () => {
      assert.throws(
        () => open(file, maxAge, now),
        (error) => error instanceof HeartbeatProblem && error.code === code,
      );
    });
  }

  it('[T6] is read in the one form that is written', () => {
    assert.deepEqual(parseHeartbeat(TEXT), BEAT);
    for (const [from, to] of [
      ['"run":17', '"run":017'],
      ['"run":17', '"run":17,"run":18'],
      ['"run":17', '"run": 17'],
      ['heartbeat 1', 'heartbeat 2'],
      ['12:00:00', '25:00:00'],
      ['"interval":60', '"interval":6e1'],
      ['"skipped":1', '"skipped":1,"more":1'],
      ['}}\n', '}}\n\n'],
    ] as const) {
      assert.equal(parseHeartbeat(TEXT.replace(from, to)), null, to);
    }
  });
});
