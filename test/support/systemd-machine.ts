import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { addPackages } from './debian-root.ts';
import { needs, type StartedServer, startServer } from './server.ts';

const REPOSITORY = new URL('../../../', import.meta.url).pathname.replace(/\/$/, '');

/**
 * $0 the root, $1 a scratch folder, $2 the repository, which is /opt/vigie. What is written stays in memory. The network is a loopback of
 * its own, the kernel's settings cannot be written, and the clock is the only thing that is shared with this machine.
 */
const BOOT = `set -e
read -r pid rest < /proc/self/stat; echo "$pid" > "$1.pid"
mount --make-rprivate /
mount -t tmpfs tmpfs "$1"; mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=$0,upperdir=$1/upper,workdir=$1/work" overlay "$1/root"
cd "$1/root"
modules=$(readlink -f "$2/node_modules")
mkdir -p opt/vigie ".$modules"
mount --bind "$2" opt/vigie; mount --bind "$modules" ".$modules"
mount -t proc proc proc; mount --bind proc/sys proc/sys; mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys; mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run; mount -t tmpfs -o mode=755 tmpfs dev
for name in null zero full random urandom tty; do touch "dev/$name"; mount --bind "/dev/$name" "dev/$name"; done
mkdir dev/pts dev/shm; mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts; ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd
ln -s /dev/null etc/systemd/system/systemd-modules-load.service
ip link set lo up
pivot_root . mnt; umount -l /mnt
exec env -i container=vigie-test PATH=/usr/sbin:/usr/bin:/sbin:/bin /usr/lib/systemd/systemd --system --unit=multi-user.target`;

/** What such a machine has besides the essential packages and openssh-client. */
const MACHINE_PACKAGES = ['systemd-sysv', 'dbus', 'adduser', 'cron', 'nodejs', 'iputils-ping', 'puppet-agent'];

const NAMESPACES = ['-m', '-p', '-f', '-C', '-u', '-i', '-n'];

/** Why no such machine can run here, or null. */
function cannotBoot(): string | null {
  if (process.getuid?.() !== 0) return 'only root makes namespaces';
  const tried =
    'mount --make-rprivate / && mount -t tmpfs tmpfs /mnt && mount -t cgroup2 cgroup2 /mnt && grep -q overlay /proc/filesystems';
  const { status, stderr } = spawnSync('unshare', [...NAMESPACES, 'sh', '-c', tried], { encoding: 'utf8' });
  return status === 0 ? null : `no namespaces for a systemd of its own: ${stderr.trim()}`;
}

/** For the suite's `describe`: what such a machine takes, and why none can run here. */
export function needsMachine(): ReturnType<typeof needs> {
  const reason = cannotBoot();
  return { ...needs('debootstrap', 'unshare', 'nsenter', 'curl', 'flock', 'ip'), ...(reason === null ? {} : { skip: reason }) };
}

function enter(pid: number, script: string): { status: number | null; stdout: string; stderr: string } {
  const env = ['env', '-i', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root'];
  const args = ['-t', String(pid), '-m', '-p', '-C', '-u', '-i', '-n', '-r', '-w', ...env, 'sh', '-c', script];
  return spawnSync('nsenter', args, { encoding: 'utf8', timeout: 300_000 });
}

/** A Debian whose process 1 is a real systemd, unseen by this machine; nothing of it is left when it has stopped. */
export class SystemdMachine {
  private readonly server: StartedServer;
  private readonly pid: number;

  private constructor(server: StartedServer, pid: number) {
    this.server = server;
    this.pid = pid;
  }

  /** The scratch folder is made and used for what the machine writes. The reason is why there is no root for it, such as no mirror. */
  static async boot(scratch: string): Promise<SystemdMachine | { reason: string }> {
    const root = await addPackages('stable', MACHINE_PACKAGES);
    if ('reason' in root) return root;
    mkdirSync(scratch, { recursive: true });
    const readPid = () => Number(readFileSync(`${scratch}.pid`, 'utf8'));
    const server = await startServer('unshare', [...NAMESPACES, 'sh', '-c', BOOT, root.path, scratch, REPOSITORY], async () => {
      const isSystemd = readFileSync(`/proc/${readPid()}/comm`, 'utf8') === 'systemd\n';
      return isSystemd && enter(readPid(), 'test -S /run/systemd/private && systemctl is-system-running --wait').stdout !== '';
    });
    return new SystemdMachine(server, readPid());
  }

  /** A shell in the machine, as its root. */
  run(script: string): { status: number | null; stdout: string; stderr: string } {
    return enter(this.pid, script);
  }

  /** Where something of the machine's can be reached from outside of it. */
  reach(path: string): string {
    return `/proc/${this.pid}/root${path}`;
  }

  async stop(): Promise<void> {
    // To systemd SIGTERM means: begin anew. Its end is the end of all that runs in there.
    process.kill(this.pid, 'SIGKILL');
    await this.server.stop('SIGKILL');
  }
}
