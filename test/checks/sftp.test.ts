import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import sftp from '../../checks/sftp.ts';
import { type Observation, TargetFailure } from '../../src/check-type.ts';
import { findSftpEnd, readNames } from '../../src/net/sftp.ts';
import { SshFields, toSshString, toUint32 } from '../../src/net/ssh-wire.ts';
import { codeOf, problemsOf, runCheck } from '../support/check.ts';
import { type TestContextSettings, testContext } from '../support/context.ts';
import { insistOnCheap } from '../support/cost.ts';
import { needs, temporaryFolder } from '../support/server.ts';
import { startMicrosocks } from '../support/socks.ts';
import { type KeyPair, makeKey, type Sshd, startSshd } from '../support/ssh-server.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const HOUR = 3_600_000;
const here = needs('sshd', 'ssh', 'ssh-keygen', 'setpriv', 'prlimit');

function fill(root: string): void {
  mkdirSync(join(root, 'results'), { recursive: true });
  mkdirSync(join(root, 'empty'), { recursive: true });
  for (const [path, text, hours] of [
    ['results/a.json', '{"a":1}', 30],
    ['results/b <x>.json', '{"b":"all good"}', 6],
    ['results/c\u001b[31m.txt', 'x', 1],
    ['old', 'x', 1000],
  ] as const) {
    writeFileSync(join(root, path), text);
    utimesSync(join(root, path), (NOW - hours * HOUR) / 1000, (NOW - hours * HOUR) / 1000);
  }
}

const ask = (
  server: Sshd,
  key: KeyPair,
  options: Record<string, unknown> = {},
  settings: TestContextSettings = {},
): Promise<Observation> =>
  runCheck(
    sftp,
    {
      address: '127.0.0.1',
      port: server.port,
      host_keys: [server.hostKeys[0]?.public],
      user: server.user,
      key: { env: 'KEY' },
      ...options,
    },
    testContext({ now: NOW, secrets: { KEY: key.private }, ...settings }),
  );

describe('sftp check against the real sshd with internal-sftp', here, () => {
  const { path: folder, remove } = temporaryFolder();
  let server: Sshd;
  let key: KeyPair;
  before(async () => {
    fill(folder);
    key = makeKey(folder, 'key');
    const limited = makeKey(folder, 'limited');
    server = await startSshd({ authorized: [key.public, `restrict,command="echo no shell here" ${limited.public}`] });
  });
  after(async () => {
    await server?.stop();
    remove();
  });
  const look = (options: Record<string, unknown> = {}, settings: TestContextSettings = {}) =>
    ask(server, key, { directories: [join(folder, 'results')], ...options }, settings);

  it('[K15] a directory is listed, and its newest entry is dated', async () => {
    const seen = await look({ match: ['*.json'], max_age: 86_400 });
    assert.equal(seen.kind, 'measured', seen.output);
    assert.match(seen.output, /^2 entries, newest b <x>\.json, 6 h old, in [\d.]+ s$/);
    assert.deepEqual([seen.metrics?.['entries'], seen.metrics?.['age'], seen.metrics?.['newest_size']], [2, 6 * 3600, 16]);
  });

  it('[K15] the place where the login begins is what is looked at by default', async () => {
    assert.notEqual(codeOf(await ask(server, key, { min_entries: 0 })), 'listing.missing');
  });

  it('[K15] directories and files are parts of one login', async () => {
    const logins = () => server.log().match(/Accepted publickey/g)?.length ?? 0;
    const earlier = logins();
    const seen = await look({
      directories: [join(folder, 'results'), join(folder, 'gone')],
      files: [join(folder, 'results/a.json'), join(folder, 'old')],
      max_age: 2 * 86_400,
      read: join(folder, 'results/b <x>.json'),
      expect: 'all good',
    });
    assert.equal(seen.kind, 'failed');
    assert.deepEqual(
      seen.parts?.map(({ state }) => state),
      ['OK', 'CRITICAL', 'OK', 'CRITICAL', 'OK'],
    );
    assert.match(seen.parts?.[3]?.output ?? '', /is 42 days old, expected at most 2 days$/);
    assert.equal(logins() - earlier, 1);
  });

  for (const { name, options, code } of [
    { name: 'a directory that is not there', options: { directories: ['/gone'] }, code: 'listing.missing' },
    { name: 'an empty one', options: { directories: ['EMPTY'] }, code: 'listing.few' },
    { name: 'a file that is not there', options: { directories: [], files: ['/gone'] }, code: 'listing.missing' },
    { name: 'a directory instead of a file', options: { directories: [], files: ['EMPTY'] }, code: 'listing.kind' },
    {
      name: 'a file that says something else',
      options: { directories: [], read: 'OLD', expect: 'fresh' },
      code: 'content.missing',
    },
  ]) {
    it(`[K15] ${name} is ${code}`, async () => {
      const real = JSON.parse(
        JSON.stringify(options).replace('EMPTY', join(folder, 'empty')).replace('OLD', join(folder, 'old')),
      ) as Record<string, unknown>;
      assert.equal(codeOf(await look(real)), code);
    });
  }

  it('[K15] a small file is read', async () => {
    const seen = await look({ directories: [], read: join(folder, 'old'), expect: 'x' });
    assert.match(seen.output, /read, 1 bytes, in/);
  });

  it('[K15] a foreign key is refused, a changed host key is seen before', async () => {
    const foreign = makeKey(folder, 'foreign');
    assert.equal(codeOf(await ask(server, foreign)), 'auth.refused');
    assert.equal(codeOf(await look({ host_keys: [foreign.public] })), 'hostkey.changed');
  });

  it('[K15] an account that says something instead of SFTP is sftp.protocol, in its own words', async () => {
    const limited = { ...key, private: readFileSync(join(folder, 'limited'), 'utf8') };
    const seen = await ask(server, limited);
    assert.equal(codeOf(seen), 'sftp.protocol');
    assert.match(seen.output, /"no shell here"/);
  });

  it('[N2] works through a SOCKS proxy that resolves the name', needs('microsocks'), async () => {
    const proxy = await startMicrosocks();
    const settings = { proxy: { name: 'socks', host: '127.0.0.1', port: proxy.port } };
    assert.equal((await look({ address: 'localhost' }, settings)).kind, 'measured');
    await proxy.stop();
    assert.equal(codeOf(await look({}, settings)), 'proxy.refused');
  });
});

const chroot = process.getuid?.() === 0 ? here : { skip: 'a chroot needs root' };

describe('sftp check of a login that is confined to a folder', chroot, () => {
  // sshd wants every folder above a chroot to be root's alone: /tmp is not.
  const folder = process.getuid?.() === 0 ? mkdtempSync('/run/vigie-test-') : '';
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('[K15] paths are those inside, and only SFTP works', async () => {
    chmodSync(folder, 0o755);
    fill(folder);
    const { path, remove } = temporaryFolder();
    const key = makeKey(path, 'key');
    const lines = () => `ChrootDirectory ${folder}\nForceCommand internal-sftp`;
    const server = await startSshd({ authorized: [key.public], lines });
    const seen = await ask(server, key, { directories: ['/results'], match: ['*.json'], read: '/old' });
    assert.equal(seen.kind, 'measured', seen.output);
    assert.deepEqual(
      seen.parts?.map(({ name }) => name),
      ['/results', '/old'],
    );
    await server.stop();
    remove();
  });
});

describe('sftp check against hostile servers', here, () => {
  const { path: folder, remove } = temporaryFolder();
  after(remove);
  /** A real sshd whose forced command answers with these bytes, whatever it is asked. */
  const meet = async (bytes: Buffer, options: Record<string, unknown> = {}): Promise<Observation> => {
    const key = makeKey(mkdtempSync(join(folder, 'k')), 'key');
    const file = `${key.file}.answer`;
    writeFileSync(file, bytes);
    const server = await startSshd({ authorized: [`restrict,command="cat ${file} -" ${key.public}`] });
    try {
      return await ask(server, key, options);
    } finally {
      await server.stop();
    }
  };
  const answer = (kind: number, id: number, ...fields: Buffer[]) =>
    toSshString(Buffer.concat([Buffer.from([kind]), toUint32(id), ...fields]));
  const HELLO = toSshString(Buffer.concat([Buffer.from([2]), toUint32(3)]));
  const entry = (name: string | Buffer) =>
    Buffer.concat([toSshString(name), toSshString('x'), toUint32(8), toUint32(0), toUint32(NOW / 1000)]);
  const OPENED = answer(102, 1, toSshString('h'));

  it('[case S09] a directory without end is size.entries', async () => {
    const many = Array.from({ length: 1000 }, (_, i) => entry(`f${i}`));
    const rounds = Array.from({ length: 30 }, (_, i) => answer(104, i + 2, toUint32(1000), ...many));
    assert.equal(codeOf(await meet(Buffer.concat([HELLO, OPENED, ...rounds]))), 'size.entries');
  });

  it('[case S09] names with slashes, NUL, a megabyte and markup: only what can be a name counts', async () => {
    const names = ['../up', 'a/b', 'nul\0x', '.', '..', 'x'.repeat(300), '<b>\u001b[31m'].map(entry);
    const end = answer(101, 3, toUint32(1), toSshString(''), toSshString(''));
    const closed = answer(101, 4, toUint32(0), toSshString(''), toSshString(''));
    const seen = await meet(Buffer.concat([HELLO, OPENED, answer(104, 2, toUint32(7), ...names), end, closed]));
    // The forced command ends when its input does.
    assert.equal(seen.kind, 'measured', seen.output);
    assert.match(seen.output, /^1 entries, newest <b>, 0 s old/);
  });

  for (const { name, bytes } of [
    { name: 'a packet of a gigabyte', bytes: Buffer.from([0x40, 0, 0, 0, 2]) },
    { name: 'version 1', bytes: toSshString(Buffer.from([2, 0, 0, 0, 1])) },
    { name: 'an answer to another question', bytes: Buffer.concat([HELLO, answer(102, 7, toSshString('h'))]) },
    { name: 'a name instead of a handle', bytes: Buffer.concat([HELLO, answer(104, 1, toUint32(0))]) },
  ]) {
    it(`[case S09] ${name} is sftp.protocol`, async () => assert.equal(codeOf(await meet(bytes)), 'sftp.protocol'));
  }

  it('[case S09] a count of names larger than the packet is ssh.protocol', async () => {
    assert.equal(codeOf(await meet(Buffer.concat([HELLO, OPENED, answer(104, 2, toUint32(0xffffffff))]))), 'ssh.protocol');
  });

  it('[case S09] 100,000 generated packets neither throw nor cost', () => {
    const attempt = (parse: () => unknown) => {
      try {
        parse();
      } catch (error) {
        assert.ok(error instanceof TargetFailure, String(error));
      }
    };
    const names = fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 5 });
    fc.assert(
      fc.property(names, fc.uint8Array({ maxLength: 40 }), fc.boolean(), (list, noise, isWhole) => {
        const whole = Buffer.concat([toUint32(list.length), ...list.map((name) => entry(Buffer.from(name)))]);
        const bytes = isWhole ? whole : Buffer.from(noise);
        insistOnCheap(
          () => {
            attempt(() => findSftpEnd(bytes));
            attempt(() => readNames(new SshFields(bytes)));
          },
          () => bytes.toString('hex'),
        );
      }),
      { numRuns: 100_000 },
    );
  });
});

describe('sftp options', () => {
  const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPLxohv1i/ar/xFH8hLLUfvo0wm2gHfzYZC2BV7kfhRF';
  const good = { address: '192.0.2.1', user: 'a', key: { env: 'X' }, host_keys: [KEY] };
  for (const { name, values, wrong } of [
    { name: 'a login and a pin', values: good, wrong: [] },
    { name: 'no pin', values: { ...good, host_keys: undefined }, wrong: ['user'] },
    { name: 'a text without a file', values: { ...good, expect: 'x' }, wrong: ['expect'] },
    { name: 'nothing to look at', values: { ...good, directories: [] }, wrong: ['directories'] },
  ]) {
    it(`[C2] ${name}: ${wrong.length === 0 ? 'right' : `wrong in ${wrong.join()}`}`, () => {
      assert.deepEqual(Object.keys(problemsOf(sftp, values)), wrong);
    });
  }
});
