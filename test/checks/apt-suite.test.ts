import assert from 'node:assert/strict';
import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import aptSuite from '../../checks/apt-suite.ts';
import type { Observation } from '../../src/check-type.ts';
import { type AptKey, type AptSigner, makeDeb, makeFtpArchive, makeReprepro, startSigner } from '../support/apt-repository.ts';
import { codeOf, problemsOf, runCheck } from '../support/check.ts';
import { type TestContextSettings, testContext } from '../support/context.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';
import { needs, temporaryFolder } from '../support/server.ts';
import { startMicrosocks } from '../support/socks.ts';

const DAY = 86_400_000;
const PROGRAMS = ['nginx', 'gpg', 'gpgv', 'reprepro', 'apt-ftparchive', 'dpkg-deb', 'xz'];

describe('apt-suite check against real repositories', needs(...PROGRAMS), () => {
  let server: Nginx;
  let signer: AptSigner;
  let key: AptKey;
  let other: AptKey;
  const work = temporaryFolder();
  let copies = 0;

  before(async () => {
    server = await startNginx();
    signer = startSigner();
    key = signer.makeKey('archive');
    other = signer.makeKey('other');
    const debs = [makeDeb(work.path, 'hello-x'), makeDeb(work.path, 'bye-x', '2.0')];
    makeReprepro(join(server.root, 'reprepro'), debs, { key, env: signer.env });
    const suite = makeFtpArchive(join(server.root, 'ftparchive'), 'frozen', { debs });
    signer.sign(suite, [key]);
  });
  after(async () => {
    await server?.stop();
    signer?.stop();
    work.remove();
  });

  const run = (path: string, given: Record<string, unknown> = {}, settings: TestContextSettings = {}): Promise<Observation> => {
    const suite = path.startsWith('reprepro') ? 'stable' : 'frozen';
    const options = { url: `http://127.0.0.1:${server.port}/${path}`, suite, keyring: key.binary, ...given };
    return runCheck(aptSuite, options, testContext(settings));
  };
  /** A copy of a repository that a test may spoil: its name, and the folder of its suite. */
  const copy = (from: 'reprepro' | 'ftparchive'): { name: string; folder: string } => {
    copies += 1;
    const name = `${from}-${copies}`;
    cpSync(join(server.root, from), join(server.root, name), { recursive: true, verbatimSymlinks: true });
    return { name, folder: join(server.root, name, 'dists', from === 'reprepro' ? 'trixie' : 'frozen') };
  };

  it('[K7] a suite by reprepro is signed, fresh and whole', async () => {
    const seen = await run('reprepro', { max_age: 86_400, codename: 'trixie', package: 'bye-x' });
    assert.equal(seen.kind, 'measured', seen.output);
    assert.match(seen.output, /^stable \(trixie\), .* old, valid for [67] days, 3 indexes right$/);
    const { valid_days: days = 0, age = -1, indexes } = seen.metrics ?? {};
    assert.ok(days > 6.9 && days <= 7 && age >= 0 && age < 300, JSON.stringify(seen.metrics));
    assert.equal(indexes, 3);
  });

  it('[K7] a suite by apt-ftparchive too, with by-hash, packed by xz, without Valid-Until', async () => {
    const context = testContext();
    const options = { url: `http://127.0.0.1:${server.port}/ftparchive/`, suite: 'frozen', keyring: key.armoured };
    const seen = await runCheck(aptSuite, { ...options, architectures: ['amd64'], package: 'hello-x' }, context);
    assert.equal(seen.kind, 'measured', seen.output);
    assert.equal(seen.metrics?.['valid_days'], undefined);
    const steps = context.steps.join('\n');
    assert.match(steps, /by-hash\/SHA256\/[0-9a-f]{64}/);
    assert.match(steps, /good signature by [0-9A-F]{40}/);
    assert.match(steps, /pool\/hello-x_1\.0_all\.deb: \d+ bytes, sha256 right/);
  });

  it('[K7] a package is found in an index that is there only packed by xz', async () => {
    const { name, folder } = copy('ftparchive');
    rmSync(join(folder, 'main/binary-amd64/Packages'));
    const seen = await run(name, { package: 'bye-x' });
    assert.equal(seen.kind, 'measured', seen.output);
    assert.equal(seen.metrics?.['indexes'], 1);
  });

  it('[K7] Release with Release.gpg serves where there is no InRelease, and must be signed', async () => {
    const { name, folder } = copy('reprepro');
    rmSync(join(folder, 'InRelease'));
    assert.equal((await run(name)).kind, 'measured');
    appendFileSync(join(folder, 'Release'), 'Origin: evil\n');
    assert.equal(codeOf(await run(name)), 'signature.bad');
    rmSync(join(folder, 'Release.gpg'));
    assert.equal(codeOf(await run(name)), 'apt.not_signed');
    rmSync(join(folder, 'Release'));
    assert.equal(codeOf(await run(name)), 'apt.missing');
  });

  it('[K7] a foreign key is refused, a second signature by one is not', async () => {
    const seen = await run('reprepro', { keyring: other.binary });
    assert.equal(codeOf(seen), 'signature.foreign', seen.output);
    const { name, folder } = copy('ftparchive');
    signer.sign(folder, [other, key]);
    assert.equal((await run(name)).kind, 'measured');
    signer.sign(folder, [other]);
    assert.equal(codeOf(await run(name)), 'signature.foreign');
  });

  it('[K7] of a file with several keys only the pinned ones may sign', async () => {
    const both = join(work.path, 'both.gpg');
    writeFileSync(both, Buffer.concat([readFileSync(key.binary), readFileSync(other.binary)]));
    assert.equal((await run('reprepro', { keyring: both, fingerprints: [key.fingerprint.toLowerCase()] })).kind, 'measured');
    const seen = await run('reprepro', { keyring: both, fingerprints: [other.fingerprint] });
    assert.equal(codeOf(seen), 'signature.foreign');
    const armoured = join(work.path, 'both.asc');
    writeFileSync(armoured, readFileSync(other.armoured, 'utf8') + readFileSync(key.armoured, 'utf8'));
    assert.equal((await run('reprepro', { keyring: armoured })).kind, 'measured');
  });

  it('[case A01] an altered InRelease is a wrong signature', async () => {
    const { name, folder } = copy('reprepro');
    const text = readFileSync(join(folder, 'InRelease'), 'utf8');
    writeFileSync(join(folder, 'InRelease'), text.replace('Suite: stable', 'Suite: stabel'));
    const seen = await run(name);
    assert.equal(codeOf(seen), 'signature.bad', seen.output);
    assert.match(seen.output, /altered/);
  });

  const spoilt: { name: string; spoil: (text: string) => string; code: RegExp }[] = [
    { name: 'truncated in its signature', spoil: (text) => text.slice(0, -60), code: /^apt\.truncated$/ },
    { name: 'truncated in its text', spoil: (text) => text.slice(0, 200), code: /^apt\.truncated$/ },
    { name: 'not clearsigned', spoil: () => 'Suite: stable\nCodename: trixie\n', code: /^apt\.not_signed$/ },
    { name: 'empty', spoil: () => '', code: /^apt\.not_signed$/ },
    { name: 'with text before', spoil: (text) => `Suite: evil\n${text}`, code: /^apt\.not_signed$/ },
    { name: 'with text behind', spoil: (text) => `${text}Suite: evil\n`, code: /^apt\.extra$/ },
    { name: 'twice in one file', spoil: (text) => text + text, code: /^apt\.extra$/ },
    { name: 'with a header that is none', spoil: (text) => text.replace('Hash: ', 'Evil: x\nHash: '), code: /^apt\.extra$/ },
    {
      name: 'with a signature without content',
      spoil: (text) => text.replace(/(SIGNATURE-----\n\n)[^-]*(?=-----END)/, '$1'),
      code: /^signature\./,
    },
    { name: 'of zero bytes', spoil: () => '\0'.repeat(100_000), code: /^apt\.not_signed$/ },
  ];
  for (const { name: what, spoil, code } of spoilt) {
    it(`[case A01] an InRelease ${what} is refused`, async () => {
      const { name, folder } = copy('reprepro');
      writeFileSync(join(folder, 'InRelease'), spoil(readFileSync(join(folder, 'InRelease'), 'utf8')));
      const seen = await run(name);
      assert.match(codeOf(seen), code, seen.output);
      assert.equal(seen.kind, 'failed');
    });
  }

  it('[case A02] a suite past its Valid-Until has expired', async () => {
    const seen = await run('reprepro', {}, { now: Date.now() + 9 * DAY });
    assert.equal(codeOf(seen), 'apt.expired');
    assert.match(seen.output, /^Valid-Until is over since 2 days: apt refuses the suite$/);
    assert.ok((seen.metrics?.['valid_days'] ?? 0) < -1.9);
  });

  it('[case A02] a Date in the future is refused, an old one by max_age', async () => {
    assert.equal(codeOf(await run('ftparchive', {}, { now: Date.now() - DAY })), 'apt.future');
    const seen = await run('ftparchive', { max_age: DAY / 1000 }, { now: Date.now() + 3 * DAY });
    assert.equal(codeOf(seen), 'apt.stale');
    assert.match(seen.output, /3 days old, expected at most/);
  });

  it('[K7] a suite that is another one, or has another codename, is named', async () => {
    const { name } = copy('ftparchive');
    renameSync(join(server.root, name, 'dists/frozen'), join(server.root, name, 'dists/stable'));
    const seen = await run(name, { suite: 'stable' });
    assert.equal(codeOf(seen), 'apt.suite');
    assert.match(seen.output, /calls itself frozen/);
    assert.equal(codeOf(await run('reprepro', { codename: 'bookworm' })), 'apt.codename');
    assert.equal((await run('reprepro', { suite: 'trixie' })).kind, 'measured');
  });

  it('[case A03] an index that is altered, cut or away is named', async () => {
    const { name, folder } = copy('reprepro');
    const index = join(folder, 'main/binary-amd64/Packages.gz');
    const bytes = readFileSync(index);
    const altered = Buffer.from(bytes);
    altered[30] = (altered[30] ?? 0) ^ 1;
    writeFileSync(index, altered);
    const seen = await run(name);
    assert.equal(codeOf(seen), 'apt.index_hash');
    assert.match(seen.output, /^main\/binary-amd64\/Packages\.gz has sha256 [0-9a-f]{8}…, expected [0-9a-f]{8}…$/);
    assert.ok((seen.metrics?.['valid_days'] ?? 0) > 6, 'the days of validity are known all the same');
    writeFileSync(index, bytes.subarray(0, 100));
    assert.equal(codeOf(await run(name)), 'apt.index_size');
    rmSync(index);
    assert.equal(codeOf(await run(name)), 'apt.index');
  });

  it('[case A03] a by-hash file that is altered or away is named', async () => {
    const { name, folder } = copy('ftparchive');
    const hashes = join(folder, 'main/binary-amd64/by-hash/SHA256');
    const [first = ''] = readdirSync(hashes);
    const bytes = readFileSync(join(hashes, first));
    bytes[3] = (bytes[3] ?? 0) ^ 1;
    writeFileSync(join(hashes, first), bytes);
    const seen = await run(name);
    assert.equal(codeOf(seen), 'apt.index_hash');
    assert.match(seen.output, /by-hash/);
    for (const file of readdirSync(hashes)) rmSync(join(hashes, file));
    assert.equal(codeOf(await run(name)), 'apt.index');
  });

  it('[case A04] no more is read of an index than what is listed, and nothing of one that is listed too large', async () => {
    const { name, folder } = copy('reprepro');
    appendFileSync(join(folder, 'main/binary-amd64/Packages.gz'), Buffer.alloc(20 * 1024 * 1024));
    const seen = await run(name);
    assert.equal(codeOf(seen), 'apt.index_size');
    assert.match(seen.output, /Packages.gz is longer than the \d+ bytes that are listed/);
    const limited = await run('reprepro', { max_size: 100 });
    assert.equal(codeOf(limited), 'apt.too_large');
  });

  it('[K7] a frozen suite may be signed anew, but not change', async () => {
    const { name, folder } = copy('ftparchive');
    const first = await run(name, { immutable: true });
    assert.equal(first.kind, 'measured', first.output);
    const release = join(folder, 'Release');
    const text = readFileSync(release, 'utf8').replace(/^Date:.*$/m, `Date: ${new Date().toUTCString()}`);
    writeFileSync(release, `Valid-Until: ${new Date(Date.now() + 5 * DAY).toUTCString()}\n${text}`);
    signer.sign(folder, [key]);
    assert.equal((await run(name, { immutable: true }, { memory: first.memory })).kind, 'measured');
    writeFileSync(release, `Origin: somebody\n${text}`);
    signer.sign(folder, [key]);
    const changed = await run(name, { immutable: true }, { memory: first.memory });
    assert.equal(codeOf(changed), 'apt.changed');
    assert.match(changed.output, /first seen as [0-9a-f]{8}/);
    assert.equal(changed.memory, undefined, 'what it was first stays in memory');
    assert.equal((await run(name, {}, { memory: first.memory })).kind, 'measured');
  });

  it('[W1] a suite that is published while it is read is read once more', async () => {
    const { name, folder } = copy('ftparchive');
    const newer = copy('ftparchive');
    const debs = [makeDeb(work.path, 'third-x')];
    rmSync(join(newer.folder, '../..'), { recursive: true });
    signer.sign(makeFtpArchive(join(server.root, newer.name), 'frozen', { debs }), [key]);
    // The new InRelease appears when the first index is asked for, whose new content is there already.
    mkdirSync(join(folder, 'main'), { recursive: true });
    cpSync(join(newer.folder, 'main'), join(folder, 'main'), { recursive: true });
    const context = testContext();
    const trace = (step: string) => {
      if (step.startsWith('good signature')) cpSync(join(newer.folder, 'InRelease'), join(folder, 'InRelease'));
      context.trace(step);
    };
    const options = { url: `http://127.0.0.1:${server.port}/${name}`, suite: 'frozen', keyring: key.binary };
    const seen = await runCheck(aptSuite, options, { ...context, trace });
    assert.equal(seen.kind, 'measured', seen.output);
    assert.ok(context.steps.includes('the suite was published anew meanwhile: once more'));
  });

  it('[K7] components, architectures and packages that the suite does not list are named', async () => {
    assert.equal(codeOf(await run('reprepro', { architectures: ['amd64', 'arm64'] })), 'apt.not_listed');
    assert.equal(codeOf(await run('reprepro', { components: ['contrib'] })), 'apt.not_listed');
    assert.equal(codeOf(await run('reprepro', { package: 'nothing' })), 'apt.package');
    const { name } = copy('reprepro');
    rmSync(join(server.root, name, 'pool'), { recursive: true });
    assert.match((await run(name, { package: 'hello-x' })).output, /hello-x_1.0_all.deb is not there/);
    const source = await run('reprepro', { architectures: ['source'] });
    assert.equal(source.kind, 'measured', source.output);
  });

  it('[W1] a keyring that is not there or none is our fault', async () => {
    assert.equal(codeOf(await run('reprepro', { keyring: '/nonexistent' })), 'key.missing');
    const none = await run('reprepro', { keyring: join(server.root, 'index.html') });
    assert.deepEqual([none.kind, codeOf(none)], ['unknown', 'key.format']);
  });

  it('[K7] a server that fails is its status', async () => assert.equal(codeOf(await run('500', { suite: 'x' })), 'apt.missing'));

  it('[N2] works through a SOCKS proxy', needs('microsocks'), async () => {
    const proxy = await startMicrosocks();
    const settings = { proxy: { name: 'socks', host: '127.0.0.1', port: proxy.port } };
    assert.equal((await run('reprepro', { package: 'hello-x' }, settings)).kind, 'measured');
    await proxy.stop();
  });

  for (const suite of ['../x', '/x', 'a//b', 'stable/', '']) {
    it(`[A1] "${suite}" is no suite`, () => {
      const given = { url: 'http://192.0.2.1/', suite, keyring: '/k' };
      assert.deepEqual(Object.keys(problemsOf(aptSuite, given)), ['suite']);
    });
  }
});
