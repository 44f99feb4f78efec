import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Contact } from '../../src/core/configuration.ts';
import { composeContent } from '../../src/mail/compose.ts';
import { encryptFor, examineKey } from '../../src/mail/openpgp.ts';
import { headerOf, parseMail } from '../support/mailbox.ts';
import { checkOf, configurationOf, contactOf } from '../support/model.ts';
import { needs, temporaryFolder } from '../support/server.ts';
import { itemFor } from '../support/telling.ts';

const NOW = Date.UTC(2026, 10, 22, 12);
let folder: { path: string; remove: () => void };
let home: string;

function gpg(args: string[], input: string | Uint8Array = ''): Buffer {
  const base = ['--homedir', home, '--batch', '--quiet', '--pinentry-mode', 'loopback', '--passphrase', ''];
  return execFileSync('gpg', [...base, ...args], { input, stdio: ['pipe', 'pipe', 'pipe'] });
}

/** A key made at a time, by gpg itself; its public part in a file. */
function makeKey(
  name: string,
  { algorithm = 'default', usage = 'default', made = '20260101T000000', expires = 'never' } = {},
): string {
  const address = `${name}@example.org`;
  gpg(['--faked-system-time', `${made}!`, '--quick-generate-key', address, algorithm, usage, expires]);
  const file = join(folder.path, `${name}.asc`);
  writeFileSync(file, gpg(['--faked-system-time', `${made}!`, '--armor', '--export', address]));
  return file;
}

const check = checkOf({ priority: 'critical' });

function compose(openpgp: Contact['openpgp']) {
  const contacts = { anna: { ...contactOf('anna'), openpgp } };
  const configuration = configurationOf([check], {
    contacts,
    sites: { private: { output: '', url: 'http://example.onion/', title: '' }, public: null },
  });
  const draft = { message: 7, recipient: 'Anna@example.org', items: [itemFor(check, NOW)], references: ['<first@example.org>'] };
  return composeContent(draft, configuration, { secret: 'secret', now: NOW });
}

describe('mail to a contact with a key', needs('gpg', 'gpg-agent', 'python3'), () => {
  before(() => {
    folder = temporaryFolder();
    home = join(folder.path, 'gnupg');
    mkdirSync(home, { mode: 0o700 });
  });
  after(() => {
    // The agent of this folder only.
    execFileSync('gpgconf', ['--homedir', home, '--kill', 'all']);
    folder.remove();
  });

  for (const { name, algorithm } of [
    { name: 'curve25519', algorithm: 'default' },
    { name: 'rsa', algorithm: 'rsa2048' },
  ]) {
    it(`[T8] is encrypted so that gpg decrypts it (${name}): outside there is no name, no output and no address of a check`, async () => {
      const key = makeKey(name, { algorithm, ...(algorithm === 'default' ? {} : { usage: 'sign,encrypt' }) });
      const { content, subject } = await compose({ key, onError: 'withhold-text' });
      const text = content.toString();
      assert.equal(subject, '[vigie] PROBLEM website/front-page CRITICAL: seen CRITICAL');
      for (const secret of ['website', 'seen', 'front-page', 'example.onion']) assert.ok(!text.includes(secret), secret);
      const mail = parseMailHeaders(content);
      assert.match(mail['content-type'] ?? '', /^multipart\/encrypted; protocol="application\/pgp-encrypted"/);
      assert.deepEqual(
        [mail['subject'], mail['from'], mail['to'], mail['auto-submitted'], mail['references'], mail['in-reply-to']],
        [
          '[vigie] PROBLEM',
          'vigie <vigie@example.org>',
          'Anna@example.org',
          'auto-generated',
          '<first@example.org>',
          '<first@example.org>',
        ],
      );
      const armored = /-----BEGIN PGP MESSAGE-----[\s\S]+-----END PGP MESSAGE-----/.exec(text)?.[0] ?? '';
      const inner = parseMail(gpg(['--decrypt'], armored));
      assert.equal(headerOf(inner, 'Subject'), subject);
      assert.match(inner.body, /^CRITICAL website\/front-page\n/);
      assert.deepEqual(inner.defects, []);
    });
  }

  const useless: { name: string; key(): string; words: RegExp }[] = [
    { name: 'an expired key', key: () => makeKey('expired', { expires: '20260601T000000' }), words: /expired/ },
    {
      name: 'a key for signatures only',
      key: () => makeKey('signing', { algorithm: 'ed25519', usage: 'sign' }),
      words: /encryption key/,
    },
    { name: 'a key that is not there', key: () => join(folder.path, 'nowhere.asc'), words: /no such file/ },
    {
      name: 'a file that is no key',
      key: () => {
        writeFileSync(join(folder.path, 'junk.asc'), 'this is no key\n');
        return join(folder.path, 'junk.asc');
      },
      words: /junk.asc: \S+/,
    },
    {
      name: 'a private key',
      key: () => {
        makeKey('private');
        writeFileSync(join(folder.path, 'private.key'), gpg(['--armor', '--export-secret-keys', 'private@example.org']));
        return join(folder.path, 'private.key');
      },
      words: /a private key, expected a public one/,
    },
  ];
  for (const { name, key, words } of useless) {
    it(`[T8] with ${name} it goes out as its contact wants it, and says so`, async () => {
      const file = key();
      const withheld = parseMail((await compose({ key: file, onError: 'withhold-text' })).content);
      const text = withheld.body.replace(/\s+/g, ' ');
      assert.equal(headerOf(withheld, 'Subject'), '[vigie] PROBLEM');
      assert.match(
        text,
        /^1 change: see the private page, .* The text is withheld, since it cannot be encrypted: the key of contact anna/,
      );
      assert.match(text, words);
      assert.match(text, /http:\/\/example\.onion\//);
      assert.doesNotMatch(withheld.body, /website|seen/);
      const plain = parseMail((await compose({ key: file, onError: 'plain' })).content);
      assert.match(plain.body, /^This mail is not encrypted, though it is meant to be, since\nthe key of contact anna/);
      assert.match(plain.body, /^CRITICAL website\/front-page$/m);
      assert.match(plain.body.replace(/\s+/g, ' '), words);
    });
  }

  it('[T8] doctor learns when a key ends', async () => {
    const key = makeKey('ending', { expires: '20261201T000000' });
    assert.deepEqual(await examineKey(key, NOW), { problem: null, expiresAt: Date.UTC(2026, 11, 1) });
    assert.match((await examineKey(key, Date.UTC(2026, 11, 2))).problem ?? '', /expired/);
  });

  it('[T8] a binary key is read as well as an armored one', async () => {
    makeKey('binary');
    const file = join(folder.path, 'binary.gpg');
    writeFileSync(file, gpg(['--export', 'binary@example.org']));
    const { armored } = await encryptFor(file, Buffer.from('a word'), NOW);
    assert.equal(gpg(['--decrypt'], armored ?? '').toString(), 'a word');
  });
});

/** Of a multipart mail, which the parser of single texts does not take. */
function parseMailHeaders(content: Buffer): Record<string, string> {
  const head = content.toString().split('\r\n\r\n')[0] ?? '';
  const lines = head.replace(/\r\n[ \t]+/g, ' ').split('\r\n');
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
}
