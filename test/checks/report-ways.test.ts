import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import report from '../../checks/report.ts';
import { certificateRig } from '../support/certificates.ts';
import { codeOf, runCheck } from '../support/check.ts';
import { testContext } from '../support/context.ts';
import { NOW, signedReport, testHost } from '../support/host-report.ts';
import { type Nginx, startNginx } from '../support/nginx.ts';
import { needs } from '../support/server.ts';
import { makeKey, type Sshd, startSshd } from '../support/ssh-server.ts';

const web1 = testHost('web1');
const web2 = testHost('web2');
const look = (source: Record<string, unknown>, host = web1) =>
  runCheck(report, { host: host.name, keys: [host.line], ...source }, testContext({ now: NOW }));

describe('a report fetched over HTTPS', needs('nginx'), () => {
  const rig = certificateRig();
  let nginx: Nginx;
  before(async () => {
    nginx = await startNginx({ tls: [{ name: 'web1', certificate: rig.issue('web1') }] });
    writeFileSync(join(nginx.root, 'vigie-report'), signedReport(web1));
  });
  after(async () => {
    await nginx.stop();
    rig.remove();
  });
  const url = () => `https://site.test:${nginx.ports['web1']}/vigie-report`;

  it('[T6] from a web server with a certificate of its own authority', async () => {
    const seen = await look({ url: url(), address: '127.0.0.1', tls: { ca: rig.ca, verify: true } });
    assert.deepEqual([seen.kind, seen.report?.report.host], ['measured', 'web1'], seen.output);
  });

  it('[T7] the signature does not replace a certificate that is wrong', async () => {
    assert.match(codeOf(await look({ url: url(), address: '127.0.0.1' })), /^tls\./);
  });

  it('[case J01] what is not there is report.missing', async () => {
    const gone = await look({ url: `${url()}.gone`, address: '127.0.0.1', tls: { ca: rig.ca, verify: true } });
    assert.equal(codeOf(gone), 'report.missing');
  });
});

/** As docs/hosts.md has it: one account for each machine, chrooted, SFTP only. sshd insists on folders that only root can change. */
describe('a report pushed by SFTP', {
  ...needs('/usr/sbin/sshd', 'sftp'),
  skip: process.getuid?.() !== 0 && 'only root can chroot',
}, () => {
  const USER = 'nobody';
  let sshd: Sshd;
  let jail: string;
  let keys: string;
  before(async () => {
    jail = mkdtempSync('/run/vigie-test-');
    keys = mkdtempSync('/tmp/vigie-test-');
    chmodSync(jail, 0o755);
    const key = makeKey(keys, 'push');
    for (const host of ['web1', 'web2']) mkdirSync(join(jail, host, 'in'), { recursive: true, mode: 0o755 });
    writeFileSync(join(jail, 'authorized'), `restrict ${key.public}\n`);
    const nobody = Number(spawnSync('id', ['-u', USER], { encoding: 'utf8' }).stdout);
    chownSync(join(jail, 'web1/in'), nobody, -1);
    sshd = await startSshd({
      lines: () => `Match User ${USER}\n  AuthorizedKeysFile ${jail}/authorized\n  ChrootDirectory ${jail}/web1
  ForceCommand internal-sftp -d /in -P symlink,hardlink,mkdir,setstat\n  AllowTcpForwarding no\n  X11Forwarding no`,
    });
  });
  after(async () => {
    await sshd?.stop();
    rmSync(jail, { recursive: true });
    rmSync(keys, { recursive: true });
  });

  function push(batch: string): { status: number | null; stderr: string } {
    const options = ['IdentityFile', 'UserKnownHostsFile', 'StrictHostKeyChecking', 'IdentitiesOnly', 'BatchMode'];
    const values = [join(keys, 'push'), '/dev/null', 'no', 'yes', 'yes'];
    const args = options.flatMap((name, i) => ['-o', `${name}=${values[i]}`]);
    writeFileSync(join(keys, 'batch'), batch);
    const port = ['-P', String(sshd.port)];
    return spawnSync('sftp', ['-q', '-F', 'none', '-b', join(keys, 'batch'), ...port, ...args, `${USER}@127.0.0.1`], {
      encoding: 'utf8',
    });
  }

  it('[T5] put and rename make it the one that is read', async () => {
    writeFileSync(join(keys, 'report'), signedReport(web1));
    const { status, stderr } = push(`put ${keys}/report vigie-report.new\nrename vigie-report.new vigie-report\n`);
    assert.equal(status, 0, stderr);
    const seen = await look({ inbox: join(jail, 'web1/in') });
    assert.equal(seen.kind, 'measured', seen.output);
    // Again, over the one that is there.
    assert.equal(push(`put ${keys}/report vigie-report.new\nrename vigie-report.new vigie-report\n`).status, 0);
    assert.deepEqual(readdirSync(join(jail, 'web1/in')), ['vigie-report']);
  });

  it('[T1] links and folders cannot be made there, and where they stand all the same they are not followed', async () => {
    const inbox = join(jail, 'web1/in');
    const acts = ['symlink vigie-report link', 'ln vigie-report link', 'mkdir folder', 'chmod 700 vigie-report'];
    const { stderr } = push(`${acts.map((act) => `-${act}\n`).join('')}ls\n`);
    assert.equal(stderr.match(/permission denied|not support hardlink/gi)?.length, acts.length, stderr);
    assert.deepEqual(readdirSync(inbox), ['vigie-report']);
    rmSync(join(inbox, 'vigie-report'));
    const report = join(inbox, 'vigie-report');
    const traps: [string, () => void][] = [
      ['symbolic link to a report', () => symlinkSync(join(keys, 'report'), report)],
      ['folder', () => mkdirSync(report)],
      ['pipe', () => execFileSync('mkfifo', [report])],
    ];
    for (const [name, set] of traps) {
      set();
      assert.equal(codeOf(await look({ inbox })), 'report.missing', name);
      rmSync(report, { recursive: true });
    }
  });

  it('[T1] of a file of a terabyte no more is read than a report may have', async () => {
    const inbox = join(jail, 'web1/in');
    execFileSync('truncate', ['-s', '1T', join(inbox, 'vigie-report')]);
    const began = process.cpuUsage();
    assert.equal(codeOf(await look({ inbox })), 'report.size');
    const { user, system } = process.cpuUsage(began);
    assert.ok(user + system < 2e6, `${user + system} us`);
    rmSync(join(inbox, 'vigie-report'));
  });

  it('[T4] a report that is replaced, cut and written in place while it is read is one that was there, or none', async () => {
    const inbox = join(jail, 'web1/in');
    const [first, path] = [readFileSync(join(keys, 'report')), join(inbox, 'vigie-report')];
    writeFileSync(path, first);
    const seen = new Set<string>();
    for (let round = 0; round < 60; round++) {
      const looking = Array.from({ length: 4 }, () => look({ inbox }));
      if (round % 3 === 0) truncateSync(path, round * 20);
      else if (round % 3 === 1) writeFileSync(path, signedReport(web2));
      else {
        writeFileSync(`${path}.new`, first);
        renameSync(`${path}.new`, path);
      }
      for (const observation of await Promise.all(looking)) {
        if (observation.kind === 'measured') assert.equal(observation.report?.report.host, 'web1');
        seen.add(observation.kind === 'measured' ? 'measured' : codeOf(observation));
      }
      // Whole again, and nobody writes.
      if (round % 3 === 2) assert.equal((await look({ inbox })).kind, 'measured');
    }
    for (const code of seen) assert.match(code, /^(measured|report\.(format|signature|key|namespace|missing))$/);
    assert.ok(seen.size > 1, [...seen].join());
    rmSync(path);
  });

  it('[T1] names of other machines, of control characters and of markup beside it are not even listed', async () => {
    const inbox = join(jail, 'web1/in');
    const names = ['vigie-report.new', 'web2', 'vigie-report\nweb2', '\u001b[31mred', '<b>x', '..x', '-rf'];
    for (const name of names) writeFileSync(join(inbox, name), signedReport(web2));
    const none = await look({ inbox });
    assert.equal(codeOf(none), 'report.missing');
    assert.doesNotMatch(none.output, /red|<b>|web2/);
    writeFileSync(join(inbox, 'vigie-report'), signedReport(web1));
    assert.equal((await look({ inbox })).kind, 'measured');
    for (const name of readdirSync(inbox)) rmSync(join(inbox, name));
  });

  it('[T4] it reaches no other machine’s inbox, no shell and no forwarding', async () => {
    const before = readFileSync(join(keys, 'report'));
    writeFileSync(join(jail, 'web2/in/vigie-report'), signedReport(web2));
    assert.notEqual(push(`put ${keys}/report /../web2/in/vigie-report\n`).status, 0);
    assert.notEqual(push(`put ${keys}/report /vigie-report\n`).status, 0);
    assert.equal((await look({ inbox: join(jail, 'web2/in') }, web2)).kind, 'measured');
    assert.deepEqual(readFileSync(join(keys, 'report')), before);
    const args = [
      '-F',
      'none',
      '-i',
      join(keys, 'push'),
      '-o',
      'UserKnownHostsFile=/dev/null',
      '-o',
      'StrictHostKeyChecking=no',
      '-o',
      'BatchMode=yes',
    ];
    const shell = spawnSync('ssh', [...args, '-p', String(sshd.port), `${USER}@127.0.0.1`, 'touch /in/shell'], { timeout: 60_000 });
    assert.notEqual(shell.status, 0);
    assert.deepEqual(readdirSync(join(jail, 'web1/in')), []);
  });
});
