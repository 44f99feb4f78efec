import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, createPublicKey, diffieHellman, generateKeyPairSync, sign } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import ssh from '../../checks/ssh.ts';
import type { Observation } from '../../src/check-type.ts';
import { findPacketEnd, readIdentification, toMpint, toPacket, toPayload, toSshString } from '../../src/net/ssh-wire.ts';
import { codeOf, problemsOf, runCheck } from '../support/check.ts';
import { type TestContextSettings, testContext, timeFor } from '../support/context.ts';
import { rawServer } from '../support/raw-server.ts';
import { freePort, needs, temporaryFolder } from '../support/server.ts';
import { startMicrosocks } from '../support/socks.ts';
import { type KeyPair, makeKey, type Sshd, startSshd } from '../support/ssh-server.ts';

const here = needs('sshd', 'ssh', 'ssh-keygen', 'setpriv', 'prlimit');

describe('ssh check against the real sshd', here, () => {
  const { path: folder, remove } = temporaryFolder();
  let server: Sshd;
  let keys: Record<'shell' | 'forced' | 'foreign', KeyPair>;
  before(async () => {
    keys = { shell: makeKey(folder, 'shell'), forced: makeKey(folder, 'forced'), foreign: makeKey(folder, 'foreign') };
    server = await startSshd({
      hostKeys: [
        ['-t', 'ed25519'],
        ['-t', 'ecdsa', '-b', '521'],
        ['-t', 'rsa', '-b', '2048'],
      ],
      authorized: [keys.shell.public, `restrict,command="echo forced:$SSH_ORIGINAL_COMMAND" ${keys.forced.public}`],
    });
  });
  after(async () => {
    await server?.stop();
    remove();
  });
  const look = (options: Record<string, unknown> = {}, settings: TestContextSettings = {}): Promise<Observation> =>
    runCheck(
      ssh,
      { address: '127.0.0.1', port: server.port, host_keys: [server.hostKeys[0]?.public], ...options },
      testContext(settings),
    );
  const logIn = (name: keyof typeof keys, options: Record<string, unknown> = {}, settings: TestContextSettings = {}) =>
    look({ user: server.user, key: { env: 'KEY' }, ...options }, { secrets: { KEY: keys[name].private }, ...settings });

  for (const [i, name] of ['ed25519', 'ecdsa-sha2-nistp521', 'rsa'].entries()) {
    it(`[K15] a pinned ${name} key is proven, whatever else the server offers`, async () => {
      const seen = await look({ host_keys: [server.hostKeys[i]?.public], banner: 'OpenSSH' });
      assert.equal(seen.kind, 'measured', seen.output);
      assert.match(seen.output, /^OpenSSH_\S+.* in [\d.]+ s$/);
      assert.ok(Number(seen.metrics?.['time']) > 0);
    });
  }

  it('[case S01] a changed host key is CRITICAL and shows both fingerprints', async () => {
    const seen = await look({ host_keys: [keys.foreign.public] });
    assert.equal(codeOf(seen), 'hostkey.changed');
    assert.match(seen.output, /^host key changed: ssh-ed25519 SHA256:\S{43}, expected SHA256:\S{43}$/);
  });

  it('[case S01] a login does not begin when the host key has changed', async () => {
    const before = server.log();
    const seen = await logIn('shell', { host_keys: [keys.foreign.public], command: 'true' });
    assert.equal(codeOf(seen), 'hostkey.changed');
    assert.ok(!server.log().slice(before.length).includes('Accepted'));
  });

  it('[case S02] a key type that is offered in addition is counted, until it is written down', async () => {
    const first = await look({}, { memory: { keyTypes: ['ssh-ed25519', 'ecdsa-sha2-nistp521'] } });
    assert.equal(first.metrics?.['new_key_types'], 1);
    assert.match(first.output, /^offers a new key type ssh-rsa, expected none/);
    const next = await look({}, { memory: first.memory });
    assert.equal(next.metrics?.['new_key_types'], 1);
    assert.equal((await look({ key_types: ['ssh-ed25519', 'ecdsa-sha2-nistp521', 'ssh-rsa'] })).metrics?.['new_key_types'], 0);
    assert.deepEqual(ssh.thresholds, { new_key_types: { warning: 0 } });
  });

  it('[K15] a login ends in its forced command', async () => {
    const seen = await logIn('forced', { command: 'please', expect: 'forced:please' });
    assert.equal(seen.kind, 'measured', seen.output);
    assert.match(seen.output, /^login says "forced:please", OpenSSH/);
  });

  it('[K15] a forced command that is gone is content.missing', async () => {
    const seen = await logIn('shell', { command: 'echo shell', expect: 'forced:' });
    assert.equal(codeOf(seen), 'content.missing');
    assert.equal(seen.output, 'login says "shell", expected "forced:"');
  });

  it('[K15] another exit code than expected is ssh.exit', async () => {
    assert.equal(codeOf(await logIn('shell', { command: 'exit 3' })), 'ssh.exit');
    assert.equal((await logIn('shell', { command: 'exit 3', exit_code: 3 })).kind, 'measured');
  });

  it('[K15] a refusal is what was expected, or is not', async () => {
    assert.match((await logIn('foreign', { refused: true })).output, /is refused/);
    assert.match((await look({ user: server.user, refused: true })).output, /is refused/);
    assert.equal(codeOf(await logIn('foreign')), 'auth.refused');
    assert.equal(codeOf(await logIn('forced', { refused: true })), 'auth.accepted');
  });

  it('[K15] a key that is none, or has a passphrase, is our own fault', async () => {
    assert.equal(codeOf(await logIn('shell', {}, { secrets: { KEY: 'no key' } })), 'ssh.key');
    assert.equal(codeOf(await logIn('shell', { refused: true }, { secrets: { KEY: 'no key' } })), 'ssh.key');
  });

  it('[T8] the private key is in no step and in no folder afterwards', async () => {
    const context = testContext({ secrets: { KEY: keys.forced.private } });
    await runCheck(
      ssh,
      { address: '127.0.0.1', port: server.port, host_keys: [server.hostKeys[0]?.public], user: server.user, key: { env: 'KEY' } },
      context,
    );
    assert.ok(context.steps.some((step) => step.includes('SHA256:')) && !context.steps.join().includes('PRIVATE'));
    // Other tests have folders there too, with keys of their own.
    const folders = readdirSync(tmpdir()).filter((name) => name.startsWith('vigie-') && !name.startsWith('vigie-test-'));
    const holdsKey = (name: string) => {
      const found = spawnSync('grep', ['-rqF', keys.forced.private.split('\n')[2] ?? '', join(tmpdir(), name)]);
      return found.status === 0;
    };
    assert.deepEqual(folders.filter(holdsKey), []);
  });

  it('[N2] look and login go through a SOCKS proxy that resolves the name', needs('microsocks'), async () => {
    const proxy = await startMicrosocks();
    const settings = { proxy: { name: 'socks', host: '127.0.0.1', port: proxy.port } };
    assert.equal((await logIn('forced', { address: 'localhost', expect: 'forced:' }, settings)).kind, 'measured');
    await proxy.stop();
    assert.equal(codeOf(await look({}, settings)), 'proxy.refused');
  });

  it('[K15] the deadline ends a login whose command does not end', async () => {
    const began = performance.now();
    assert.equal(codeOf(await logIn('shell', { command: 'sleep 60' }, { timeoutMs: 1500 })), 'timeout.total');
    assert.ok(performance.now() - began < 50_000);
  });

  it('[K15] an address family can be chosen, though not through a proxy, which resolves the name itself', async () => {
    assert.equal((await look({ address: 'localhost', family: 4 })).kind, 'measured');
    assert.equal(codeOf(await look({ family: 6 })), 'dns.empty');
    const proxy = { name: 'socks', host: '127.0.0.1', port: 1 };
    assert.equal(codeOf(await look({ family: 4 }, { proxy })), 'option.family');
  });

  it('[K15] a server that is down is refused', async () => {
    assert.equal(codeOf(await look({ port: await freePort() })), 'network.refused');
  });
});

describe('ssh check against hostile servers', () => {
  const meet = async (pieces: (string | Buffer)[], settings: TestContextSettings): Promise<Observation> => {
    const server = await rawServer((socket) => {
      for (const piece of pieces) socket.write(piece);
    });
    try {
      return await runCheck(ssh, { address: '127.0.0.1', port: server.port }, testContext(settings));
    } finally {
      await server.close();
    }
  };
  const packet = (payload: Buffer) => {
    const padding = 4 + ((8 - ((payload.length + 9) % 8)) % 8);
    const head = Buffer.alloc(5);
    head.writeUInt32BE(payload.length + padding + 1);
    head[4] = padding;
    return Buffer.concat([head, payload, Buffer.alloc(padding)]);
  };
  const text = (value: string) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(Buffer.byteLength(value));
    return Buffer.concat([length, Buffer.from(value)]);
  };
  const offer = (exchanges: string, hostKeys: string) =>
    packet(
      Buffer.concat([
        Buffer.from([20]),
        Buffer.alloc(16),
        ...[exchanges, hostKeys, '', '', '', '', '', '', '', ''].map(text),
        Buffer.alloc(5),
      ]),
    );
  const BANNER = 'SSH-2.0-evil\r\n';

  const cases: { name: string; says: (string | Buffer)[]; code: string; output?: RegExp }[] = [
    { name: '[case S03] a thousand lines before the banner', says: ['x\r\n'.repeat(1000), BANNER], code: 'ssh.banner' },
    { name: '[case S03] a line that never ends', says: ['x'.repeat(5000)], code: 'ssh.banner' },
    { name: '[case S03] a banner of 255 bytes', says: [`SSH-2.0-${'x'.repeat(250)}\r\n`], code: 'ssh.banner' },
    {
      name: '[case S03] escape codes in a banner of SSH 1',
      says: ['SSH-1.5-\u001b[31mred\r\n'],
      code: 'ssh.banner',
      output: /^[ -~]*$/,
    },
    { name: '[K15] a web server', says: ['HTTP/1.1 400 Bad\r\n\r\n'], code: 'timeout.total' },
    { name: '[case S04] an offer of a gigabyte', says: [BANNER, Buffer.from([0x40, 0, 0, 0, 4])], code: 'ssh.protocol' },
    {
      name: '[case S04] a list longer than its packet',
      says: [BANNER, packet(Buffer.concat([Buffer.from([20]), Buffer.alloc(16), Buffer.from([0xff, 0xff, 0xff, 0xff])]))],
      code: 'ssh.protocol',
    },
    {
      name: '[case S04] a list of 9,000 host keys',
      says: [BANNER, offer('curve25519-sha256', 'a,b,'.repeat(9000))],
      code: 'ssh.algorithms',
    },
    { name: '[K15] only SHA-1', says: [BANNER, offer('diffie-hellman-group1-sha1', 'ssh-rsa')], code: 'ssh.algorithms' },
    {
      name: '[case S05] a server that stops in the middle',
      says: [BANNER, offer('curve25519-sha256', 'ssh-ed25519')],
      code: 'timeout.total',
    },
    {
      name: '[case S06] markup and escape codes in its farewell',
      says: [BANNER, packet(Buffer.concat([Buffer.from([1, 0, 0, 0, 2]), text('<script>\u001b[2J\u202e'), text('')]))],
      code: 'ssh.disconnect',
      output: /^disconnects \(2\): <script>$/,
    },
    {
      name: '[K15] a key that it cannot prove',
      says: [
        BANNER,
        offer('curve25519-sha256', 'ssh-ed25519'),
        packet(Buffer.concat([Buffer.from([31]), text('junk'), text('x'.repeat(32)), text('junk')])),
      ],
      code: 'ssh.protocol',
    },
    {
      name: '[K15] messages that say nothing, for ever',
      says: [BANNER, ...Array.from({ length: 60 }, () => packet(Buffer.from([2, 0, 0, 0, 0])))],
      code: 'ssh.protocol',
    },
  ];
  for (const { name, all } of [
    { name: 'its banner', all: Buffer.from(`SSH-2.0-${'x'.repeat(200)}\r\n`) },
    { name: 'its algorithms', all: Buffer.concat([Buffer.from(BANNER), offer('curve25519-sha256', 'ssh-ed25519'.repeat(50))]) },
  ]) {
    it(`[case S05] a server that drips ${name} byte by byte is timeout.total, while bytes still come`, async () => {
      let sent = 0;
      const server = await rawServer(() => {}, {
        onConnect: (socket) => {
          const timer = setInterval(() => {
            socket.write(all.subarray(sent, sent + 1));
            sent += 1;
          }, 10);
          socket.once('close', () => clearInterval(timer));
        },
      });
      const options = { address: '127.0.0.1', port: server.port };
      const seen = await runCheck(ssh, options, testContext({ timeoutMs: 400 }));
      await server.close();
      assert.equal(codeOf(seen), 'timeout.total', seen.output);
      assert.ok(sent > 1 && sent < all.length, String(sent));
    });
  }

  for (const { name, says, code, output } of cases) {
    it(`${name} is ${code}`, async () => {
      const seen = await meet(says, timeFor(code, 800));
      assert.equal(codeOf(seen), code, seen.output);
      if (output) assert.match(seen.output, output);
    });
  }
});

describe('ssh check against a server that proves its key', () => {
  /** The server's side of RFC 8731, with an Ed25519 key; `exchanges` is what it offers. */
  const serve = async (exchanges: string, isHonest = true) => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const blob = Buffer.concat([
      toSshString('ssh-ed25519'),
      toSshString(Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')),
    ]);
    const lists = [exchanges, 'ssh-ed25519', '', '', '', '', '', '', '', ''].map((list) => toSshString(list));
    const offer = Buffer.concat([Buffer.from([20]), Buffer.alloc(16), ...lists, Buffer.alloc(5)]);
    const server = await rawServer((socket, first) => {
      let bytes = first;
      const packets: Buffer[] = [];
      socket.write(Buffer.concat([Buffer.from('SSH-2.0-own\r\n'), toPacket(offer)]));
      const listen = () => {
        const start = packets.length === 0 ? (readIdentification(bytes)?.end ?? 0) : 0;
        const end = findPacketEnd(bytes.subarray(start));
        if (end === null) return;
        packets.push(Buffer.from(toPayload(bytes.subarray(start, start + end))));
        bytes = bytes.subarray(start + end);
        if (packets.length === 2) reply(packets[0] ?? Buffer.alloc(0), packets[1] ?? Buffer.alloc(0));
        else listen();
      };
      const reply = (theirs: Buffer, start: Buffer) => {
        const half = generateKeyPairSync('x25519');
        const x = start.subarray(5).toString('base64url');
        const peer = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
        const shared = toMpint(diffieHellman({ privateKey: half.privateKey, publicKey: peer }));
        const ours = toSshString(Buffer.from(half.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url'));
        const all = [
          toSshString('SSH-2.0-vigie'),
          toSshString('SSH-2.0-own'),
          toSshString(theirs),
          toSshString(offer),
          toSshString(blob),
        ];
        const digest = createHash('sha256')
          .update(Buffer.concat([...all, start.subarray(1), ours, shared]))
          .digest();
        const value = sign(null, isHonest ? digest : Buffer.alloc(32), privateKey);
        const signature = Buffer.concat([toSshString('ssh-ed25519'), toSshString(value)]);
        socket.write(toPacket(Buffer.concat([Buffer.from([31]), toSshString(blob), ours, toSshString(signature)])));
      };
      listen();
      socket.on('data', (more) => {
        bytes = Buffer.concat([bytes, more]);
        listen();
      });
    });
    const seen = await runCheck(ssh, { address: '127.0.0.1', port: server.port }, testContext());
    await server.close();
    return seen;
  };

  it('[case S07] a server without strict key exchange is told of', async () => {
    assert.match((await serve('curve25519-sha256')).output, /^own, without strict key exchange \(Terrapin\) in /);
    assert.match((await serve('curve25519-sha256,kex-strict-s-v00@openssh.com')).output, /^own in /);
  });

  it('[case S01] a host key that others own proves nothing', async () => {
    assert.equal(codeOf(await serve('curve25519-sha256', false)), 'ssh.signature');
  });
});

describe('ssh options', () => {
  const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPLxohv1i/ar/xFH8hLLUfvo0wm2gHfzYZC2BV7kfhRF';
  const cases: { name: string; values: Record<string, unknown>; wrong: string[] }[] = [
    { name: 'a pin alone', values: { host_keys: [KEY] }, wrong: [] },
    { name: 'a line of ssh-keyscan', values: { host_keys: [`192.0.2.10 ${KEY}`] }, wrong: [] },
    { name: 'a pin that is none', values: { host_keys: ['ssh-ed25519 AAAA'] }, wrong: ['host_keys'] },
    {
      name: 'a pin of another type than its key',
      values: { host_keys: [KEY.replace('ssh-ed25519', 'ssh-rsa')] },
      wrong: ['host_keys'],
    },
    { name: 'a login without a pin', values: { user: 'a', key: { env: 'X' } }, wrong: ['user'] },
    { name: 'a login without key', values: { user: 'a', host_keys: [KEY] }, wrong: ['user'] },
    { name: 'a refusal without key', values: { user: 'a', host_keys: [KEY], refused: true }, wrong: [] },
    { name: 'a command without user', values: { command: 'x' }, wrong: ['command'] },
    { name: 'a refusal with a command', values: { user: 'a', host_keys: [KEY], refused: true, command: 'x' }, wrong: ['refused'] },
  ];
  for (const { name, values, wrong } of cases) {
    it(`[C2] ${name}: ${wrong.length === 0 ? 'right' : `wrong in ${wrong.join()}`}`, () => {
      assert.deepEqual(Object.keys(problemsOf(ssh, { address: '192.0.2.1', ...values })), wrong);
    });
  }
});
