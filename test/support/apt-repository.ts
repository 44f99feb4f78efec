import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface AptKey {
  fingerprint: string;
  /** Binary and armoured files with the public key. */
  binary: string;
  armoured: string;
}

export interface AptSigner {
  /** A new signing key without passphrase, valid for that long (`1d`, `0`: for ever). */
  makeKey(name: string, valid?: string): AptKey;
  /** InRelease, Release.gpg beside a Release file that is there. */
  sign(suiteFolder: string, keys: AptKey[]): void;
  env: NodeJS.ProcessEnv;
  stop(): void;
}

/** A GnuPG home of the test's own. Its path is short: sockets live in it. */
export function startSigner(): AptSigner {
  const home = mkdtempSync('/tmp/vg-');
  const env = { ...process.env, GNUPGHOME: home };
  const gpg = (...args: string[]) => execFileSync('gpg', ['--batch', '--quiet', '--yes', ...args], { env, stdio: 'pipe' });
  const sign = (folder: string, keys: AptKey[]) => {
    const users = keys.flatMap(({ fingerprint }) => ['-u', fingerprint]);
    gpg(...users, '--clearsign', '-o', join(folder, 'InRelease'), join(folder, 'Release'));
    gpg(...users, '--armor', '--detach-sign', '-o', join(folder, 'Release.gpg'), join(folder, 'Release'));
  };
  return {
    env,
    sign,
    makeKey: (name, valid = '0') => {
      gpg('--passphrase', '', '--quick-gen-key', `${name} <${name}@site.test>`, 'ed25519', 'sign', valid);
      const list = gpg('--with-colons', '--list-keys', `${name}@site.test`).toString();
      const fingerprint = /^fpr:{9}([0-9A-F]+):/m.exec(list)?.[1] ?? '';
      const [binary, armoured] = [join(home, `${name}.gpg`), join(home, `${name}.asc`)];
      writeFileSync(binary, gpg('--export', fingerprint));
      writeFileSync(armoured, gpg('--armor', '--export', fingerprint));
      return { fingerprint, binary, armoured };
    },
    stop: () => {
      execFileSync('gpgconf', ['--kill', 'all'], { env });
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** A package with one file of `size` bytes; its path. */
export function makeDeb(folder: string, name: string, version = '1.0'): string {
  const root = join(folder, `${name}-${version}`);
  mkdirSync(join(root, 'DEBIAN'), { recursive: true });
  mkdirSync(join(root, 'usr/share', name), { recursive: true });
  writeFileSync(join(root, 'usr/share', name, 'text'), `${name} ${version}\n`);
  const control = [
    `Package: ${name}`,
    `Version: ${version}`,
    'Architecture: all',
    'Maintainer: T <t@site.test>',
    'Description: x',
    '',
  ];
  writeFileSync(join(root, 'DEBIAN/control'), control.join('\n'));
  const deb = join(folder, `${name}_${version}_all.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', '-b', root, deb], { stdio: 'pipe' });
  return deb;
}

/** reprepro's repository in `root`, as small teams have it: suite `stable`, codename `trixie`, valid for 7 days. */
export function makeReprepro(root: string, debs: string[], { key, env }: { key: AptKey; env: NodeJS.ProcessEnv }): void {
  mkdirSync(join(root, 'conf'), { recursive: true });
  const lines = ['Codename: trixie', 'Suite: stable', 'Components: main', 'Architectures: amd64 source'];
  writeFileSync(join(root, 'conf/distributions'), [...lines, `SignWith: ${key.fingerprint}`, 'ValidFor: 7d', ''].join('\n'));
  const reprepro = (...args: string[]) => execFileSync('reprepro', ['-b', root, ...args], { env, stdio: 'pipe' });
  reprepro('export');
  reprepro('createsymlinks');
  for (const deb of debs) reprepro('-S', 'misc', '-P', 'optional', 'includedeb', 'trixie', deb);
}

/** A suite by apt-ftparchive with by-hash, not signed yet; `fields` are added to its Release. Returns the suite's folder. */
export function makeFtpArchive(root: string, suite: string, { debs, fields = [] }: { debs: string[]; fields?: string[] }): string {
  const folder = join(root, 'dists', suite);
  const binary = join(folder, 'main/binary-amd64');
  mkdirSync(binary, { recursive: true });
  mkdirSync(join(root, 'pool'), { recursive: true });
  for (const deb of debs) writeFileSync(join(root, 'pool', deb.slice(deb.lastIndexOf('/') + 1)), readFileSync(deb));
  const ftparchive = (...args: string[]) => execFileSync('apt-ftparchive', args, { cwd: root, stdio: 'pipe' });
  writeFileSync(join(binary, 'Packages'), ftparchive('packages', 'pool'));
  execFileSync('xz', ['-k', '-f', join(binary, 'Packages')]);
  const given = { Suite: suite, Codename: suite, Components: 'main', Architectures: 'amd64' };
  const settings = Object.entries(given).flatMap(([name, value]) => ['-o', `APT::FTPArchive::Release::${name}=${value}`]);
  const release = ftparchive('release', ...settings, folder).toString();
  writeFileSync(join(folder, 'Release'), [...fields, 'Acquire-By-Hash: yes', release].join('\n'));
  const section = /^SHA256:\n((?: .*\n)*)/m.exec(release)?.[1] ?? '';
  for (const [, hash = '', path = ''] of section.matchAll(/^ ([0-9a-f]+)\s+\d+\s+(main\S+)$/gm)) {
    const hashes = join(folder, path, '../by-hash/SHA256');
    mkdirSync(hashes, { recursive: true });
    writeFileSync(join(hashes, hash), readFileSync(join(folder, path)));
  }
  return folder;
}
