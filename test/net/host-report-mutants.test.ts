import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openReport, ReportProblem } from '../../src/net/host-report.ts';
import { NOW, reportText, signedReport, testHost } from '../support/host-report.ts';
import { randomFrom } from '../support/random.ts';
import { needs, temporaryFolder } from '../support/server.ts';

const MUTANTS = 100_000;
/** OpenSSH is asked of each that is accepted, and of so many of the others. */
const ASKED = 150;
const BEGIN = '-----BEGIN SSH SIGNATURE-----';

const web1 = testHost('web1');
const small = { memory: { at: 1_795_291_200, total: 100, available: 50, swap_total: 0, swap_free: 0 } };
const good = signedReport(web1, { facts: small });

let folder: ReturnType<typeof temporaryFolder>;
before(() => {
  folder = temporaryFolder();
  writeFileSync(join(folder.path, 'allowed'), `web1 namespaces="vigie-report-v1@web1" ${web1.line}\n`);
});
after(() => folder.remove());

function codeOf(bytes: Buffer): string {
  try {
    openReport(bytes, { host: 'web1', keys: [web1.line], now: NOW, maxAge: 900, accepted: {} });
    return 'accepted';
  } catch (error) {
    if (error instanceof ReportProblem) return error.code;
    throw error;
  }
}

/** The oracle: text and signature apart, as OpenSSH wants them. */
function doesOpensshAccept(bytes: Buffer): boolean {
  const at = bytes.indexOf(BEGIN);
  if (at < 0) return false;
  writeFileSync(join(folder.path, 'signature'), bytes.subarray(at));
  const args = ['-Y', 'verify', '-f', join(folder.path, 'allowed'), '-I', 'web1', '-n', 'vigie-report-v1@web1'];
  return spawnSync('ssh-keygen', [...args, '-s', join(folder.path, 'signature')], { input: bytes.subarray(0, at) }).status === 0;
}

const random = randomFrom(4);
const below = (limit: number) => Math.floor(random() * limit);

/** One or a few small changes: of a bit, a byte, a piece, or of how the base64 is written. */
function mutate(): Buffer {
  const armour = good.indexOf(BEGIN);
  // Two thirds of the changes hit the signature: the text is long, and any change of it is the same to a hash.
  const place = () => (below(3) === 0 ? below(good.length) : armour + below(good.length - armour));
  let bytes: Buffer = Buffer.from(good);
  for (let changes = 1 + below(3); changes > 0; changes -= 1) {
    const at = Math.min(place(), bytes.length - 1);
    const kind = below(7);
    const rest = bytes.subarray(at + 1);
    if (kind === 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8));
    else if (kind === 1) bytes[at] = below(256);
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), rest]);
    else if (kind === 3)
      bytes = Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(['\n', '=', ' ', '\r\n', 'A', '-'][below(6)] ?? ''),
        bytes.subarray(at),
      ]);
    else if (kind === 4) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at, at + 20), bytes.subarray(at)]);
    else if (kind === 5) bytes = bytes.subarray(0, at);
    else bytes = changeLastLetter(bytes);
    if (bytes.length === 0) return bytes;
  }
  return bytes;
}

/** Bits that base64 does not use: a lenient decoder takes them. */
function changeLastLetter(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1');
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  return Buffer.from(
    text.replace(/[A-Za-z0-9+/](=*\n-----END)/, (_all, end) => `${letters[below(64)]}${end}`),
    'latin1',
  );
}

describe('mutants of a report', needs('ssh-keygen'), () => {
  it(`[T6] of ${MUTANTS} mutants none is accepted that OpenSSH rejects`, () => {
    assert.equal(codeOf(good), 'accepted');
    assert.ok(doesOpensshAccept(good));
    const codes = new Map<string, number>();
    const asked = new Set<string>();
    let disagreed = 0;
    for (let i = 0; i < MUTANTS; i += 1) {
      const mutant = mutate();
      const code = mutant.equals(good) ? 'unchanged' : codeOf(mutant);
      codes.set(code, (codes.get(code) ?? 0) + 1);
      const isAsked = code === 'accepted' || (code !== 'unchanged' && i % Math.floor(MUTANTS / ASKED) === 0);
      if (!isAsked || asked.has(mutant.toString('latin1'))) continue;
      asked.add(mutant.toString('latin1'));
      const accepted = doesOpensshAccept(mutant);
      assert.ok(code !== 'accepted' || accepted, `accepted, and OpenSSH rejects it:\n${mutant}`);
      if (code !== 'accepted' && accepted) disagreed += 1;
    }
    // What both accept is the same signature in lines of another length. What is narrower here: the way that the base64 is written.
    assert.ok(disagreed <= ASKED / 2, `${disagreed}`);
    for (const code of ['report.format', 'report.signature', 'report.key', 'report.namespace'])
      assert.ok((codes.get(code) ?? 0) > 0, `no mutant was ${code}: ${JSON.stringify([...codes])}`);
  });

  it('[T6] what is signed for this host and no report is refused after the signature, and OpenSSH agrees with that', () => {
    const other = signedReport(web1, { admin: true });
    assert.ok(doesOpensshAccept(other));
    assert.equal(codeOf(other), 'report.schema');
    assert.ok(reportText('web1').startsWith('vigie-report 1\n'));
  });
});
