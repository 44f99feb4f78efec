import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  createTokens,
  findToken,
  isTimeToSend,
  judgeArrivals,
  type RoundTrip,
  readRoundTrip,
  toMessage,
  toVerdict,
} from '../../src/net/roundtrip.ts';
import { insistOnCheap } from '../support/cost.ts';
import { headerOf, parseMail } from '../support/mailbox.ts';
import { needs } from '../support/server.ts';

const NOON = Date.UTC(2026, 10, 22, 12, 0, 0);
const MINUTE = 60_000;
const within = 600;
const at = (minutes: number) => NOON + minutes * MINUTE;
const none: RoundTrip = { pending: [], last: null, lookedAt: 0 };

describe('tokens of a round trip', () => {
  const tokens = createTokens('a long random key', ['relay', 'from', 'to']);

  it('[K18] what was made with the key is read, and says when', () => {
    assert.equal(tokens.read(tokens.make(NOON)), NOON);
    assert.ok(tokens.make(NOON).startsWith(`${tokens.tag}.`));
  });

  it('[case M09] a forged token is none: each changed character, another key, another check', () => {
    const good = tokens.make(NOON);
    for (let i = 0; i < good.length; i += 1) {
      const other = good[i] === '1' ? '2' : '1';
      assert.equal(tokens.read(`${good.slice(0, i)}${other}${good.slice(i + 1)}`), null, `at ${i}`);
    }
    assert.equal(createTokens('another random key', ['relay', 'from', 'to']).read(good), null);
    assert.equal(createTokens('a long random key', ['other', 'from', 'to']).read(good), null);
    for (const text of ['', '.', `${good} `, good.toUpperCase(), 'x'.repeat(1000)]) assert.equal(tokens.read(text), null);
  });
});

describe('the token in a message', () => {
  const TOKEN = 'X-Vigie-Token';
  for (const { name, text, wanted } of [
    { name: 'in the header', text: `A: b\r\n${TOKEN}: abc\r\n\r\nbody`, wanted: 'abc' },
    { name: 'in another case', text: 'x-vigie-token:abc\n\n', wanted: 'abc' },
    { name: 'in the body only', text: `A: b\r\n\r\n${TOKEN}: abc\r\n`, wanted: null },
    { name: 'in another header', text: `Subject: ${TOKEN}: abc\n\n`, wanted: null },
    { name: 'without a body', text: `${TOKEN}: abc`, wanted: 'abc' },
    { name: 'twice: the first', text: `${TOKEN}: abc\n${TOKEN}: def\n\n`, wanted: 'abc' },
    { name: 'behind more than is read', text: `A: ${'x'.repeat(20_000)}\n${TOKEN}: abc\n\n`, wanted: null },
  ]) {
    it(`[case M09] ${name}`, () => assert.equal(findToken(Buffer.from(text)), wanted));
  }

  it('[case M09] 100,000 generated heads neither throw nor take 50 ms, deeply nested MIME included', () => {
    const piece = fc.constantFrom('X-Vigie-Token', ':', ' ', '\r\n', '\n', 'a', 'Content-Type: multipart/mixed', '--', '\0', '\t');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const found = insistOnCheap(
          () => findToken(Buffer.from(pieces.join(''))),
          () => JSON.stringify(pieces),
        );
        assert.ok(found === null || found.length <= 100);
      }),
      { numRuns: 100_000 },
    );
    const nested = Buffer.from('--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n'.repeat(1000));
    insistOnCheap(
      () => findToken(nested),
      () => 'nested',
    );
  });
});

describe('the message of a round trip', () => {
  it('[K18] another parser reads what was meant, marked as automatic', needs('python3'), () => {
    const mail = parseMail(toMessage({ from: 'vigie@example.org', to: 'trip@site.test' }, 'token', NOON));
    assert.deepEqual(mail.defects, []);
    assert.equal(headerOf(mail, 'From'), 'vigie@example.org');
    assert.equal(headerOf(mail, 'To'), 'trip@site.test');
    assert.equal(headerOf(mail, 'Message-ID'), '<token@example.org>');
    assert.equal(headerOf(mail, 'Auto-Submitted'), 'auto-generated');
    assert.equal(new Date(headerOf(mail, 'Date')).getTime(), NOON);
    assert.equal(headerOf(mail, 'X-Vigie-Token'), 'token');
  });
});

describe('what becomes of messages', () => {
  const judge = (before: Partial<RoundTrip>, found: [sent: number, arrived: number][], minutes: number) =>
    judgeArrivals(
      { ...none, ...before },
      found.map(([sent, arrived]) => ({ at: at(sent), arrivedAt: at(arrived) })),
      { now: at(minutes), within },
    );
  const verdict = (state: RoundTrip, minutes: number) => toVerdict(state, { now: at(minutes), within });

  it('[K18] an arrival has the delay that the mailbox shows', () => {
    const state = judge({ pending: [at(0)] }, [[0, 2]], 5);
    assert.deepEqual(state, { pending: [], last: { at: at(0), delay: 120 }, lookedAt: at(5) });
    assert.equal(verdict(state, 5).output, 'message of 12:00Z arrived after 2 min');
  });

  for (const { name, sent, arrived, looked, now, delay } of [
    { name: 'ahead: no later than this look', sent: 0, arrived: 60, looked: 0, now: 5, delay: 300 },
    { name: 'behind: no earlier than it was sent', sent: 0, arrived: -60, looked: 0, now: 5, delay: 0 },
    { name: 'behind: no earlier than the last look without it', sent: 0, arrived: -60, looked: 4, now: 5, delay: 240 },
  ]) {
    it(`[K18] a mailbox whose clock is ${name}`, () => {
      assert.equal(judge({ pending: [at(sent)], lookedAt: at(looked) }, [[sent, arrived]], now).last?.delay, delay);
    });
  }

  it('[case M09] what never arrives is missing once its time is over, and stays so until another arrives in time', () => {
    const waiting = judge({ pending: [at(0)] }, [], 10);
    assert.equal(verdict(waiting, 10).code, null);
    const missing = judge({ pending: [at(0), at(10)] }, [], 11);
    assert.equal(verdict(missing, 11).code, 'mail.missing');
    assert.equal(verdict(missing, 11).output, 'message of 12:00Z has not arrived in 11 min, expected within 10 min');
    const next = judge(missing, [[10, 12]], 15);
    assert.equal(verdict(next, 15).code, null);
    assert.deepEqual(next.pending, [at(0)]);
  });

  it('[case M09] what arrives late is late', () => {
    const state = judge({ pending: [at(0)], lookedAt: at(20) }, [[0, 25]], 30);
    assert.equal(verdict(state, 30).code, 'mail.late');
    assert.equal(verdict(state, 30).output, 'message of 12:00Z arrived after 25 min, expected within 10 min');
  });

  it('[case M09] a late message does not hide that a newer one came in time', () => {
    const state = judge(
      { pending: [at(0), at(20)], lookedAt: at(20) },
      [
        [0, 21],
        [20, 21],
      ],
      25,
    );
    assert.deepEqual(state.last, { at: at(20), delay: 60 });
  });

  it('[case M09] a message that arrives twice counts from its first arrival', () => {
    assert.equal(
      judge(
        { pending: [at(0)] },
        [
          [0, 4],
          [0, 1],
        ],
        5,
      ).last?.delay,
      60,
    );
  });

  it('[case M09] a message that nobody waits for does not count', () => {
    assert.equal(judge({ pending: [at(0)] }, [[-5, 1]], 5).last, null);
  });

  it('[case M09] a token expires: after a day it is no arrival', () => {
    const state = judge({ pending: [at(0)] }, [[0, 1]], 24 * 60 + 1);
    assert.equal(state.last?.delay, null);
    assert.deepEqual(state.pending, []);
  });

  it('[T2] no more than five messages are on their way, and no more than twenty remembered', () => {
    const pending = [1, 2, 3, 4, 5].map(at);
    assert.equal(isTimeToSend({ ...none, pending }, { now: at(6), within }), false);
    assert.equal(isTimeToSend({ ...none, pending }, { now: at(12), within }), true);
    assert.equal(judge({ pending: Array.from({ length: 100 }, (_, i) => at(i)) }, [], 100).pending.length, 20);
  });

  it('[T1] a memory that nobody of us wrote is none', () => {
    for (const memory of [undefined, null, 1, 'x', {}, { pending: 1 }, { pending: ['x', 1.5], last: { at: 'x' }, lookedAt: 'y' }]) {
      assert.deepEqual(readRoundTrip(memory), none);
    }
    const state = judge({ pending: [at(0)] }, [], 5);
    assert.deepEqual(readRoundTrip(JSON.parse(JSON.stringify(state))), state);
  });
});
