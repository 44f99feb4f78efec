import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { findReplyTokens, formatReplyToken, replyToken } from '../../src/core/reply-token.ts';

const mac = (text: string) => createHmac('sha256', 'a secret').update(text).digest();

/** The same bits by another way: the whole digest as a number in base 32. */
function encode(bytes: Uint8Array): string {
  let number = 0n;
  for (const byte of bytes.subarray(0, 15)) number = (number << 8n) | BigInt(byte);
  return number
    .toString(32)
    .padStart(24, '0')
    .replace(/./g, (digit) => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(digit, 32)] ?? '');
}

describe('the token of a reply', () => {
  it('[H6] it is 120 bits of the HMAC over message and recipient, in base 32', () => {
    assert.equal(replyToken(mac, 17, 'Anna@example.org'), encode(mac('reply 17 anna@example.org')));
  });

  it('[H6] another message, another recipient and another secret have other tokens', () => {
    const other = (text: string) => createHmac('sha256', 'another secret').update(text).digest();
    const tokens = [
      replyToken(mac, 17, 'a@example.org'),
      replyToken(mac, 18, 'a@example.org'),
      replyToken(mac, 17, 'b@example.org'),
      replyToken(other, 17, 'a@example.org'),
    ];
    assert.equal(new Set(tokens).size, 4);
  });

  it('[H6] it is found where a mail program quoted it, in whatever case, once', () => {
    const token = replyToken(mac, 17, 'a@example.org');
    const line = formatReplyToken(token);
    assert.deepEqual(findReplyTokens(`ok, mine\n\n> -- \n> ${line}\n>> ${line.toUpperCase()}\n`), [token]);
    assert.deepEqual(findReplyTokens(`vigie token: ${token}a\nvigie token: ${token.slice(1)}\n`), []);
  });
});
