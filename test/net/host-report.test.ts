import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Accepted, openReport, ReportProblem, type ReportRules } from '../../src/net/host-report.ts';
import { signText } from '../../src/net/sshsig.ts';
import { NOW, signedReport, testHost } from '../support/host-report.ts';
import { attacksOf } from '../support/report-attacks.ts';

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

  const attacks = attacksOf(web1, web2);
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
