import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Roots are made once for each machine: only the first run pays. */
const CACHE = '/var/cache/vigie-tests';

/** A Debian in a folder, or why there is none. */
export type DebianRoot = { path: string } | { reason: string };

/** The mirror is the one that this machine installs from. */
function findMirror(): string | null {
  const files = ['/etc/apt/sources.list', ...readFolder('/etc/apt/sources.list.d')].filter((file) => existsSync(file));
  for (const file of files.filter((name) => /\.(list|sources)$/.test(name))) {
    const found = /^(?:deb (?:\[[^\]]*\] )?|URIs: )(https?:\/\/\S+\/debian\/?)(?=\s)/m.exec(`${readFileSync(file, 'utf8')}\n`);
    if (found?.[1] !== undefined) return found[1];
  }
  return null;
}

function readFolder(path: string): string[] {
  return existsSync(path) ? readdirSync(path).map((name) => join(path, name)) : [];
}

const MIRROR = findMirror();

/** A minimal Debian of a suite, with openssh-client. */
export async function makeDebianRoot(suite: string): Promise<DebianRoot> {
  // The script of sid fits every suite that is still in the archive, and those that the packaged debootstrap does not know yet.
  const script = `debootstrap --variant=minbase --include=openssh-client "${suite}" "$1" "${MIRROR}" /usr/share/debootstrap/scripts/sid
rm -rf "$1/var/cache/apt/archives"; mkdir -p "$1/var/cache/apt/archives/partial"`;
  return makeOnce(suite, suite, script);
}

/** A copy of such a root with further packages, one for each list of them; without what the agent's own tests leave behind. */
export async function addPackages(suite: string, packages: readonly string[]): Promise<DebianRoot> {
  const base = await makeDebianRoot(suite);
  if ('reason' in base) return base;
  const script = `cp -a "${base.path}" "$1"
cp /etc/resolv.conf "$1/etc/resolv.conf"
rm -rf "$1/var/lib/vigie-agent" "$1/usr/local/bin/vigie-agent" "$1/etc/vigie-agent.conf"
sed -i '/^vigie-agent:/d' "$1/etc/passwd" "$1/etc/shadow" "$1/etc/group" "$1/etc/gshadow"
unshare -m -p -f sh -ec '${MOUNTS}
DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND
chroot "$0" apt-get update -q; chroot "$0" apt-get install -y -q --no-install-recommends ${packages.join(' ')}; chroot "$0" apt-get clean' "$1"`;
  const name = createHash('sha256').update(packages.join(' ')).digest('hex').slice(0, 8);
  return makeOnce(`${suite}-${name}`, suite, script);
}

const MOUNTS = 'mount --rbind /dev "$0/dev"; mount -t proc proc "$0/proc"';

/** Two test files may want the same one at once: the lock lets one make it, in a folder of another name until it is whole. */
async function makeOnce(name: string, suite: string, script: string): Promise<DebianRoot> {
  const path = join(CACHE, name);
  if (existsSync(path)) return { path };
  if (process.getuid?.() !== 0) return { reason: 'only root makes a root' };
  if (MIRROR === null) return { reason: 'no Debian mirror in the sources of apt' };
  const address = `${MIRROR.replace(/\/$/, '')}/dists/${suite}/Release`;
  const reached = spawnSync('curl', ['-sfLI', '--max-time', '10', '-o', '/dev/null', address]);
  if (reached.status !== 0) return { reason: 'the mirror cannot be reached' };
  mkdirSync(CACHE, { recursive: true });
  const whole = `set -e; test ! -d "$0" || exit 0; set -- "$0.new"; rm -rf "$1"
${script}
mv "$1" "$0"`;
  await new Promise<void>((resolve, reject) => {
    execFile('flock', [`${path}.lock`, 'sh', '-c', whole, path], { timeout: 400_000 }, (error, stdout) =>
      error === null ? resolve() : reject(new Error(`${name}: ${error.message}\n${stdout.slice(-2000)}`)),
    );
  });
  return { path };
}

const REPOSITORY = new URL('../../../', import.meta.url).pathname.replace(/\/$/, '');

/** What is written is gone afterwards: others copy the root meanwhile. /mnt is this process's own, too. */
const INSIDE = `mount -t tmpfs tmpfs /mnt; mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o "lowerdir=$0,upperdir=/mnt/upper,workdir=/mnt/work" overlay /mnt/root
cd /mnt/root; mkdir -p opt/vigie; mount --bind "$2" opt/vigie
mount --rbind /dev dev; mount -t proc proc proc
exec chroot . /bin/sh -c "$1"`;

/** Runs in the root as in a machine that has this tree as /opt/vigie: with its own /proc and /dev. */
export function runInside(root: string, command: string): { status: number | null; stdout: string; stderr: string } {
  return spawnSync('unshare', ['-m', '-p', '-f', 'sh', '-ec', INSIDE, root, command, REPOSITORY], { encoding: 'utf8' });
}
