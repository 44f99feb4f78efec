import assert from 'node:assert/strict';
import { existsSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import git from '../../checks/git.ts';
import type { Observation } from '../../src/check-type.ts';
import { findUrlProblem } from '../../src/config/schema-value.ts';
import { judgeGit, listRefs, parseRefs, withRemote } from '../../src/net/git.ts';
import { type CertificateRig, certificateRig } from '../support/certificates.ts';
import { codeOf, problemsOf, runCheck } from '../support/check.ts';
import { type TestContextSettings, testContext } from '../support/context.ts';
import { insistOnCheap } from '../support/cost.ts';
import {
  type GitServer,
  makeRepository,
  runRealGit,
  startGitDaemon,
  startGitHttps,
  startGitolite,
  startRelay,
} from '../support/git-servers.ts';
import { rawServer } from '../support/raw-server.ts';
import { freePort, needs, temporaryFolder } from '../support/server.ts';
import { startMicrosocks } from '../support/socks.ts';
import { type KeyPair, makeKey, type Sshd, startSshd } from '../support/ssh-server.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 0, 0);
const DATES = { main: '2026-11-22T10:00:00Z', devel: '2026-11-12T12:00:00Z' };
const here = needs('git', 'setpriv', 'prlimit');
const look = (options: Record<string, unknown>, settings: TestContextSettings = {}): Promise<Observation> =>
  runCheck(git, options, testContext({ now: NOW, ...settings }));

describe('git check against the real git daemon', here, () => {
  const { path: folder, remove } = temporaryFolder();
  let server: GitServer;
  let ids: { main: string; devel: string };
  before(async () => {
    ids = makeRepository(join(folder, 'r.git'), DATES);
    makeRepository(join(folder, 'sha256.git'), DATES, 'sha256');
    runRealGit(['init', '-q', '--bare', '-b', 'main', join(folder, 'empty.git')]);
    server = await startGitDaemon(folder);
  });
  after(async () => {
    await server?.stop();
    remove();
  });
  const at = (path: string, more: Record<string, unknown> = {}) => ({ url: `git://127.0.0.1:${server.port}/${path}`, ...more });

  it('[K10] the branch of HEAD is listed', async () => {
    const seen = await look(at('r.git'));
    assert.equal(seen.kind, 'measured', seen.output);
    assert.match(seen.output, new RegExp(`^main at ${ids.main.slice(0, 12)} in [\\d.]+ s$`));
    assert.equal(seen.metrics?.['age'], undefined);
  });

  it('[K10] branches are there, or the missing one is named', async () => {
    assert.match((await look(at('r.git', { branches: ['devel', 'main'] }))).output, /^devel at \w{12} and 1 more in/);
    const seen = await look(at('r.git', { branches: ['main', 'stable'] }));
    assert.deepEqual([codeOf(seen), seen.output], ['git.branch', 'branch stable is not there']);
  });

  it('[K10] a branch is at the expected commit, or is not', async () => {
    assert.equal((await look(at('r.git', { branches: ['devel'], commit: ids.devel }))).kind, 'measured');
    const seen = await look(at('r.git', { commit: ids.devel }));
    assert.equal(codeOf(seen), 'git.commit');
    assert.equal(seen.output, `main at ${ids.main.slice(0, 12)}, expected ${ids.devel.slice(0, 12)}`);
  });

  it('[K10] a fetch proves the object store and dates the branch', async () => {
    const seen = await look(at('r.git', { fetch: true, max_age: 86_400 }));
    assert.equal(seen.metrics?.['age'], 7200, seen.output);
    assert.match(seen.output, /, fetched, 2 h old in/);
    const stale = await look(at('r.git', { branches: ['main', 'devel'], fetch: true, max_age: 86_400 }));
    assert.deepEqual([codeOf(stale), stale.output], ['git.stale', 'devel moved 10 days ago, expected at most 24 h']);
  });

  it('[K10] a commit of next week does not count as new', async () => {
    makeRepository(join(folder, 'future.git'), { ...DATES, main: '2026-11-30T12:00:00Z' });
    assert.equal(codeOf(await look(at('future.git', { fetch: true, max_age: 86_400 }))), 'git.future');
  });

  it('[K10] a fetch fails where the object of a branch is lost, which the list of refs does not show', async () => {
    makeRepository(join(folder, 'lost.git'), DATES);
    writeFileSync(join(folder, 'lost.git/refs/heads/main'), `${'ab'.repeat(20)}\n`);
    assert.equal((await look(at('lost.git', { branches: ['devel'], fetch: true }))).kind, 'measured');
    const seen = await look(at('lost.git', { branches: ['main'], fetch: true }));
    assert.equal(seen.kind, 'failed', seen.output);
  });

  it('[case G10] an empty repository, an unborn HEAD, and one of SHA-256', async () => {
    assert.equal(codeOf(await look(at('empty.git'))), 'git.empty');
    assert.equal(codeOf(await look(at('empty.git', { branches: ['main'] }))), 'git.branch');
    const seen = await look(at('sha256.git', { fetch: true }));
    assert.equal(seen.metrics?.['age'], 7200, seen.output);
  });

  it('[K10] a repository that is not there, a daemon that is down', async () => {
    const seen = await look(at('gone.git'));
    assert.equal(codeOf(seen), 'git.repository');
    assert.match(seen.output, /access denied or repository not exported: \/gone\.git/);
    assert.equal(codeOf(await look({ url: `git://127.0.0.1:${await freePort()}/r.git` })), 'network.refused');
  });

  it('[N2] works through a SOCKS proxy that resolves the name', needs('microsocks'), async () => {
    const proxy = await startMicrosocks();
    const settings = { proxy: { name: 'socks', host: '127.0.0.1', port: proxy.port } };
    const options = { url: `git://localhost:${server.port}/r.git`, fetch: true };
    assert.equal((await look(options, settings)).kind, 'measured');
    await proxy.stop();
    assert.equal(codeOf(await look(options, settings)), 'proxy.refused');
  });

  it('[case G11] only refs are asked for; a fetch asks for one commit without history and files', async () => {
    const relay = await startRelay(server.port);
    await look({ url: `git://127.0.0.1:${relay.port}/r.git`, branches: ['main'] });
    assert.match(relay.sent(), /host=127\.0\.0\.1:\d+.*command=ls-refs/s);
    assert.doesNotMatch(relay.sent(), /command=fetch|bundle/);
    await look({ url: `git://127.0.0.1:${relay.port}/r.git`, branches: ['main'], fetch: true });
    assert.match(relay.sent(), /command=fetch.*deepen 1.*filter tree:0/s);
    assert.equal(relay.sent().match(/want /g)?.length, 1);
    assert.doesNotMatch(relay.sent(), /bundle/);
    await relay.close();
  });

  for (const { name, url } of [
    { name: '[case G01] ext::', url: 'ext::sh -c touch% TRIPWIRE' },
    { name: '[case G02] file:', url: 'file://FOLDER/r.git' },
    { name: '[case G02] a path', url: 'FOLDER/r.git' },
  ]) {
    it(`${name} is refused by git as well as by the configuration`, async () => {
      const tripwire = join(folder, 'tripwire');
      const real = url.replace('FOLDER', folder).replace('TRIPWIRE', tripwire);
      assert.notEqual(findUrlProblem(real, ['git', 'ssh', 'https']), undefined);
      const target = {
        url: `git://127.0.0.1:${server.port}/r.git`,
        user: undefined,
        password: undefined,
        key: undefined,
        hostKeys: undefined,
        tls: undefined,
        maxBytes: 1e6,
      };
      const context = testContext();
      await assert.rejects(
        withRemote(target, context, (remote) => listRefs({ ...remote, url: real }, [], context)),
        /transport '\w+' not allowed/,
      );
      assert.equal(existsSync(tripwire), false);
    });
  }
});

describe('git check against gitolite over the real sshd', needs('git', 'sshd', 'gitolite', 'ssh'), () => {
  const { path: folder, remove } = temporaryFolder();
  let server: Sshd;
  let key: KeyPair;
  before(async () => {
    key = makeKey(folder, 'admin');
    server = await startGitolite(folder, key);
  });
  after(async () => {
    await server?.stop();
    remove();
  });
  const ask = (path: string, options: Record<string, unknown> = {}, settings: TestContextSettings = {}) =>
    look(
      {
        url: `ssh://127.0.0.1:${server.port}/${path}`,
        user: server.user,
        host_keys: [server.hostKeys[0]?.public],
        key: { env: 'KEY' },
        ...options,
      },
      { secrets: { KEY: key.private }, ...settings },
    );

  it('[K10] the refs of a repository, and a fetch', async () => {
    const seen = await ask('gitolite-admin', { fetch: true });
    assert.equal(seen.kind, 'measured', seen.output);
    assert.match(seen.output, /^(main|master) at \w{12}, fetched, /);
  });

  it('[K10] the test repository without any branch is git.empty', async () => {
    assert.equal(codeOf(await ask('testing')), 'git.empty');
  });

  it('[K10] a repository that gitolite denies says so', async () => {
    const seen = await ask('nope');
    assert.equal(codeOf(seen), 'git.repository');
    assert.match(seen.output, /DENIED by fallthru/);
  });

  it('[K10] a key that is not known is auth.refused, one that is none is our own fault', async () => {
    const foreign = makeKey(folder, 'foreign');
    assert.equal(codeOf(await ask('testing', {}, { secrets: { KEY: foreign.private } })), 'auth.refused');
    assert.equal(codeOf(await ask('testing', {}, { secrets: { KEY: 'x' } })), 'ssh.key');
  });

  it('[case S01] a changed host key is hostkey.changed, before git begins', async () => {
    assert.equal(codeOf(await ask('testing', { host_keys: [key.public] })), 'hostkey.changed');
  });

  it('[N2] works through a SOCKS proxy', needs('microsocks'), async () => {
    const proxy = await startMicrosocks();
    const settings = { proxy: { name: 'socks', host: '127.0.0.1', port: proxy.port } };
    assert.equal((await ask('gitolite-admin', { fetch: true }, settings)).kind, 'measured');
    await proxy.stop();
  });
});

describe('git check against git-http-backend behind the real nginx', needs('git', 'nginx', 'fcgiwrap'), () => {
  const { path: folder, remove } = temporaryFolder();
  let rig: CertificateRig;
  let server: GitServer;
  before(async () => {
    makeRepository(join(folder, 'r.git'), DATES);
    rig = certificateRig();
    server = await startGitHttps(folder, rig.issue('site.test'));
  });
  after(async () => {
    await server?.stop();
    rig.remove();
    remove();
  });
  const ask = (path: string, options: Record<string, unknown> = {}, settings: TestContextSettings = {}) =>
    look({ url: `https://127.0.0.1:${server.port}/${path}`, tls: { ca: rig.caFile }, ...options }, settings);
  const login = { user: 'alice', password: { env: 'PW' } };

  it('[K10] refs and a fetch over HTTPS', async () => {
    const seen = await ask('git/r.git', { fetch: true });
    assert.equal(seen.metrics?.['age'], 7200, seen.output);
  });

  it('[K10] an authority that is not trusted is tls.untrusted, unless nobody verifies', async () => {
    assert.equal(codeOf(await ask('git/r.git', { tls: undefined })), 'tls.untrusted');
    assert.equal((await ask('git/r.git', { tls: { verify: false } })).kind, 'measured');
  });

  it('[case G08] a password is never asked for', async () => {
    assert.equal(codeOf(await ask('private/r.git')), 'auth.refused');
    assert.equal(codeOf(await ask('private/r.git', login, { secrets: { PW: 'wrong' } })), 'auth.refused');
    assert.equal((await ask('private/r.git', login, { secrets: { PW: 'pw' } })).kind, 'measured');
  });

  it('[T8] a password is not among the arguments of any program', async () => {
    const context = testContext({ now: NOW, secrets: { PW: 'canary-password' } });
    const seen: string[] = [];
    const spawn: typeof context.spawn = (command) => {
      seen.push(...command.args);
      return context.spawn(command);
    };
    await runCheck(git, { url: `https://127.0.0.1:${server.port}/private/r.git`, ...login }, { ...context, spawn });
    assert.ok(seen.includes('ls-remote'));
    assert.doesNotMatch(seen.join(' '), new RegExp(`canary|${Buffer.from('alice:canary-password').toString('base64')}`));
  });

  it('[case G04] a redirect is not followed', async () => {
    assert.equal(codeOf(await ask('moved/r.git')), 'redirect.refused');
  });

  it('[K10] a repository that is not there', async () => assert.equal(codeOf(await ask('git/gone.git')), 'git.repository'));

  it('[N2] works through a SOCKS proxy that resolves the name', needs('microsocks'), async () => {
    const proxy = await startMicrosocks();
    const settings = { proxy: { name: 'socks', host: '127.0.0.1', port: proxy.port } };
    const url = `https://localhost:${server.port}/git/r.git`;
    assert.equal((await ask('', { url, fetch: true }, settings)).kind, 'measured');
    await proxy.stop();
    assert.equal(codeOf(await ask('', { url }, settings)), 'proxy.refused');
  });
});

describe('git check against hostile servers', here, () => {
  const meet = async (say: string | (() => string), repeat = 1): Promise<Observation> => {
    const server = await rawServer((socket) => {
      const pour = () => {
        for (let i = 0; i < repeat && !socket.destroyed; i += 1) socket.write(typeof say === 'string' ? say : say(), 'latin1');
        if (repeat > 1 && !socket.destroyed) timer = setTimeout(pour, 2);
      };
      let timer = setTimeout(pour, 0);
      socket.once('close', () => clearTimeout(timer));
    });
    try {
      return await runCheck(git, { url: `git://127.0.0.1:${server.port}/r.git` }, testContext());
    } finally {
      await server.close();
    }
  };
  const line = (text: string) => `${(text.length + 4).toString(16).padStart(4, '0')}${text}`;

  it('[case G05] refs without end stop at the cap', async () => {
    let n = 0;
    const ref = () => {
      n += 1;
      return line(`${n.toString(16).padStart(40, '0')} refs/heads/branch${n}\n`);
    };
    assert.equal(codeOf(await meet(() => Array.from({ length: 500 }, ref).join(''), 20)), 'size.wire');
  });

  for (const length of ['0003', 'fff5', 'ffff', 'zzzz']) {
    it(`[case G06] a line of length ${length} breaks the protocol and nothing else`, async () => {
      const seen = await meet(`${length}${'x'.repeat(66_000)}`);
      assert.equal(codeOf(seen), 'git.protocol', seen.output);
      assert.match(seen.output, /^protocol error: bad line length/);
    });
  }

  it('[case G07] escape codes and markup in an error are text', async () => {
    const seen = await meet(line('ERR \u001b[31m<b>no\u001b[0m\r\nfatal: fake\n'));
    assert.equal(seen.kind, 'failed');
    assert.match(seen.output, /^[ -~]*<b>no/);
  });

  it('[case G09] names of refs that git would not write are none, and a name of ten million bytes ends at the cap', async () => {
    const id = 'a'.repeat(40);
    const refs = parseRefs(
      `ref: refs/heads/<b>\tHEAD\n${id}\tHEAD\n${id}\trefs/heads/a b\n${id}\n\trefs/x\n${'g'.repeat(40)}\trefs/heads/c\n`,
    );
    assert.deepEqual([...refs.ids.keys()], ['HEAD']);
    assert.equal(codeOf(await meet(line(`${id} refs/heads/${'x'.repeat(60_000)}\n`), 20)), 'size.wire');
  });

  it('[case G09] 100,000 generated lists of refs neither throw nor cost', () => {
    const piece = fc.oneof(
      fc.constantFrom('a'.repeat(40), 'b'.repeat(64), '\t', '\n', 'ref: ', 'HEAD', 'refs/heads/x', '\0', '^{}'),
      fc.string({ maxLength: 6 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join('');
        const refs = insistOnCheap(
          () => parseRefs(text),
          () => JSON.stringify(text),
        );
        for (const id of refs.ids.values()) assert.match(id, /^[0-9a-f]{40,64}$/);
      }),
      { numRuns: 100_000 },
    );
  });

  const ended = { exitCode: 128, signal: null, stdout: '', stderr: '', truncated: false };
  it('[case G05] a real git that needs more memory than a child may have is memory.child', here, async () => {
    const { path, remove } = temporaryFolder();
    const file = join(path, 'large');
    writeFileSync(file, '');
    // Sparse, and just below what git would read piece by piece.
    truncateSync(file, 500 * 2 ** 20);
    const context = testContext();
    const seen = await context.spawn({ file: 'git', args: ['hash-object', '--no-filters', file], maxMemory: 256 * 2 ** 20 });
    remove();
    assert.throws(() => judgeGit(seen), { code: 'memory.child' });
  });

  it('[case G05] memory that is not to be had is memory.child, a crash child.signal', () => {
    assert.throws(() => judgeGit({ ...ended, stderr: 'fatal: Out of memory, malloc failed\n' }), { code: 'memory.child' });
    assert.throws(() => judgeGit({ ...ended, signal: 'SIGSEGV' }), { code: 'child.signal' });
  });
});

describe('git options', () => {
  const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPLxohv1i/ar/xFH8hLLUfvo0wm2gHfzYZC2BV7kfhRF';
  const cases: { name: string; values: Record<string, unknown>; wrong: string[] }[] = [
    { name: 'git://', values: { url: 'git://192.0.2.1/r.git' }, wrong: [] },
    { name: 'ssh with pin and key', values: { url: 'ssh://192.0.2.1/r', host_keys: [KEY], key: { env: 'X' } }, wrong: [] },
    { name: 'ssh without pin and key', values: { url: 'ssh://192.0.2.1/r' }, wrong: ['url', 'key'] },
    { name: '[case G03] a path that begins with a dash', values: { url: 'git://192.0.2.1/-x' }, wrong: ['url'] },
    { name: '[case G03] a path with a quote', values: { url: "git://192.0.2.1/a'b" }, wrong: ['url'] },
    { name: 'a path upwards', values: { url: 'git://192.0.2.1/a/../b' }, wrong: ['url'] },
    { name: 'an age without a fetch', values: { url: 'git://192.0.2.1/r', max_age: 60 }, wrong: ['max_age'] },
    { name: 'TLS settings without TLS', values: { url: 'git://192.0.2.1/r', tls: { verify: false } }, wrong: ['tls'] },
    { name: 'a user without password', values: { url: 'https://192.0.2.1/r', user: 'a' }, wrong: ['user'] },
  ];
  for (const { name, values, wrong } of cases) {
    it(`[C2] ${name}: ${wrong.length === 0 ? 'right' : `wrong in ${wrong.join()}`}`, () => {
      assert.deepEqual(Object.keys(problemsOf(git, values)), wrong);
    });
  }
  it('[case G03] an address that begins with a dash is none', () => {
    assert.notEqual(findUrlProblem('--upload-pack=x', ['git', 'ssh', 'https']), undefined);
  });
});

it('[K10] a bare sshd without gitolite serves a path', needs('git', 'sshd', 'ssh'), async () => {
  const { path: folder, remove } = temporaryFolder();
  const key = makeKey(folder, 'key');
  makeRepository(join(folder, 'r.git'), DATES);
  const server = await startSshd({ authorized: [key.public] });
  const options = {
    url: `ssh://127.0.0.1:${server.port}${folder}/r.git`,
    user: server.user,
    host_keys: [server.hostKeys[0]?.public],
    key: { env: 'KEY' },
  };
  const seen = await look({ ...options, fetch: true }, { secrets: { KEY: key.private } });
  assert.equal(seen.metrics?.['age'], 7200, seen.output);
  await server.stop();
  remove();
});
