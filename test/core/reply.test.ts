import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judgeReply, type Reply } from '../../src/core/reply.ts';
import { formatReplyToken } from '../../src/core/reply-token.ts';
import { parseReply } from '../../src/mail/reply.ts';

const TOKEN = 'abcdefghijklmnopqrstuvwx';
const OURS = '<vigie.7.0123456789abcdef01234567@example.org>';
const CONTACTS = new Set(['anna@example.org']);
const TEXT = `I restart uwsgi.

On Sunday, vigie wrote:
> CRITICAL website/front-page  (Website)
>   also    website/login is failing
>   ack     vigie ack website/front-page --until 30h --note "on it"
>
> CRITICAL shop/page since Sun 2026-11-22 03:05 UTC
>
> -- 
> ${formatReplyToken(TOKEN)}
`;

const replyOf = (more: Partial<Reply> = {}): Reply => ({
  answers: [OURS],
  from: 'anna@example.org',
  isAutomatic: false,
  text: TEXT,
  ...more,
});
const judge = (more: Partial<Reply> = {}) =>
  judgeReply(replyOf(more), {
    contacts: CONTACTS,
    find: (id) => (id === OURS ? { checks: ['website/front-page', 'website/login', 'shop/page', 'shop'], token: TOKEN } : null),
  });

describe('an answer to a mail', () => {
  it('[W4] acknowledges the checks that it quotes, with what the person wrote', () => {
    assert.deepEqual(judge(), { checks: ['website/front-page', 'shop/page'], note: 'I restart uwsgi.' });
  });

  it('[W4] whoever cuts an entry out does not mean it', () => {
    assert.deepEqual(judge({ text: TEXT.replace(/^> CRITICAL shop.*$/m, '') }), {
      checks: ['website/front-page'],
      note: 'I restart uwsgi.',
    });
  });

  it('[W4] a mail program that does not quote with > is understood', () => {
    const text = TEXT.replace(/^> ?/gm, '').replace('On Sunday, vigie wrote:', '-----Original Message-----');
    assert.deepEqual(judge({ text }), { checks: ['website/front-page', 'shop/page'], note: 'I restart uwsgi.' });
  });

  it('[W4] without words of its own it says so', () => {
    assert.deepEqual(judge({ text: TEXT.replace(/^I restart.*$/m, '') }), {
      checks: ['website/front-page', 'shop/page'],
      note: 'acknowledged by mail',
    });
  });

  const rows: { name: string; reply: Partial<Reply>; why: string }[] = [
    { name: 'one that a program made', reply: { isAutomatic: true }, why: 'made by a program' },
    {
      name: 'one from a stranger who holds the mail',
      reply: { from: 'eve@example.org' },
      why: 'not from the address of a contact',
    },
    { name: 'one without a sender', reply: { from: null }, why: 'not from the address of a contact' },
    { name: 'one to nothing of ours', reply: { answers: ['<other@example.org>'] }, why: 'no reply to a message of ours' },
    { name: 'one without a thread', reply: { answers: [] }, why: 'no reply to a message of ours' },
    { name: 'one without the token', reply: { text: TEXT.replace(/vigie token.*/, '') }, why: 'without the token of the message' },
    {
      name: 'one with the token of another message',
      reply: { text: TEXT.replace(TOKEN, 'zzzzzzzzzzzzzzzzzzzzzzzz') },
      why: 'without the token of the message',
    },
    {
      name: 'one that quotes nothing but the token',
      reply: { text: `thanks\n> ${formatReplyToken(TOKEN)}` },
      why: 'quotes no check of the message',
    },
  ];
  for (const { name, reply, why } of rows) it(`[T6] ${name} is ignored`, () => assert.deepEqual(judge(reply), { ignored: why }));

  it('[T6] names no check that its message did not tell', () => {
    assert.deepEqual(judge({ text: TEXT.replace('website/front-page', 'mail/smtp').replace(/^> {3}ack.*$/m, '') }), {
      checks: ['shop/page'],
      note: 'I restart uwsgi.',
    });
  });
});

describe('a mail as it comes', () => {
  const mail = (headers: string[], body = 'hello\n') => Buffer.from(`${headers.join('\r\n')}\r\n\r\n${body}`);
  const FROM = ['From: Anna <Anna@Example.org>', `In-Reply-To: ${OURS}`];

  it('[W4] its sender, thread and text are found, whatever the encoding', async () => {
    const body = Buffer.from('gr\u00fc\u00dfe\n> x\n').toString('base64');
    const read = await parseReply(
      mail(
        [...FROM, `References: <a@b> ${OURS}`, 'Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: base64'],
        body,
      ),
    );
    assert.deepEqual(read, {
      answers: [OURS, '<a@b>'],
      from: 'anna@example.org',
      isAutomatic: false,
      text: 'gr\u00fc\u00dfe\n> x\n',
    });
  });

  it('[W4] HTML alone is understood as far as needed', async () => {
    const read = await parseReply(
      mail([...FROM, 'Content-Type: text/html'], '<p>on it</p><blockquote>CRITICAL website/front-page<br>x</blockquote>'),
    );
    assert.match(read?.text ?? '', /^[>\s]*CRITICAL website\/front-page$/m);
  });

  const automatic: { name: string; header: string }[] = [
    { name: 'an absence note', header: 'Auto-Submitted: auto-replied' },
    { name: 'our own mail that came back', header: 'Auto-Submitted: auto-generated' },
    { name: 'an older absence note', header: 'Precedence: auto_reply' },
    { name: 'a bounce', header: 'Return-Path: <>' },
  ];
  for (const { name, header } of automatic) {
    it(`[case O10] ${name} is made by a program`, async () =>
      assert.equal((await parseReply(mail([...FROM, header])))?.isAutomatic, true));
  }

  it('[case O10] a person is not', async () =>
    assert.equal((await parseReply(mail([...FROM, 'Auto-Submitted: no'])))?.isAutomatic, false));

  it('[T6] two senders are none', async () => {
    assert.equal((await parseReply(mail([...FROM, 'From: eve@example.org'])))?.from, null);
  });

  const nested = (depth: number) => {
    let text = 'Content-Type: text/plain\r\n\r\nend\r\n';
    for (let i = 0; i < depth; i += 1)
      text = `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n${text}\r\n--b${i}--\r\n`;
    return Buffer.from(text);
  };
  const hostile: { name: string; bytes: Buffer }[] = [
    { name: 'MIME that is nested 1,000 deep', bytes: nested(1000) },
    { name: 'headers without end', bytes: Buffer.from(`X: ${'a'.repeat(200_000)}`) },
    { name: 'a hundred thousand headers', bytes: Buffer.from('X: a\r\n'.repeat(10_000)) },
    { name: 'nothing', bytes: Buffer.alloc(0) },
    { name: 'zeros', bytes: Buffer.alloc(65_536) },
    { name: 'a list of addresses without end', bytes: mail([`From: ${'a@b.c,'.repeat(10_000)}`]) },
    { name: 'comments in comments', bytes: mail([`From: ${'('.repeat(60_000)}`]) },
    { name: 'references without end', bytes: mail([`References: ${'<a@b>'.repeat(12_000)}`]) },
    { name: 'tags without end', bytes: mail(['Content-Type: text/html'], '<'.repeat(60_000)) },
    { name: 'a charset that is none', bytes: mail(['Content-Type: text/plain; charset=x-none'], 'x') },
  ];
  for (const { name, bytes } of hostile) {
    it(`[case M09] ${name} ends no run and costs little`, async () => {
      const began = process.cpuUsage();
      const read = await parseReply(bytes);
      const { user } = process.cpuUsage(began);
      assert.ok(read === null || typeof read.text === 'string');
      assert.ok(user < 3_000_000, `${user} \u00b5s`);
    });
  }
});
