import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { judgeSsh, type SshLogin, withSsh } from '../../src/net/ssh-client.ts';
import { toHostKey } from '../../src/net/ssh-key.ts';
import { testContext } from '../support/context.ts';
import { type RawServer, rawServer } from '../support/raw-server.ts';
import { needs } from '../support/server.ts';

const BLOB = Buffer.from('AAAAC3NzaC1lZDI1NTE5AAAAIPLxohv1i/ar/xFH8hLLUfvo0wm2gHfzYZC2BV7kfhRF', 'base64');
const login: SshLogin = {
  target: { address: '127.0.0.1', port: 0, hostKeys: undefined },
  user: 'someone',
  key: { env: 'KEY' },
  hostKey: toHostKey(BLOB),
};

describe('the client that logs in', needs('ssh', 'setpriv', 'prlimit'), () => {
  let server: RawServer;
  before(async () => {
    server = await rawServer(() => {});
    login.target.port = server.port;
  });
  after(() => server?.close());

  it('[case S08] accepts one host key, by no other way than the pin, and asks nobody', async () => {
    const context = testContext({ secrets: { KEY: 'secret key' } });
    await withSsh(login, context, async ({ args, workspace }) => {
      const { stdout } = await context.spawn({ file: 'ssh', args: ['-G', ...args, '--', 'target'], maxOutput: 32_768 });
      const settings = new Map(stdout.split('\n').map((line) => [line.split(' ')[0] ?? '', line.split(' ').slice(1).join(' ')]));
      for (const [name, value] of Object.entries({
        verifyhostkeydns: 'false',
        stricthostkeychecking: 'true',
        updatehostkeys: 'false',
        hostkeyalgorithms: 'ssh-ed25519',
        userknownhostsfile: `${workspace.path}/known_hosts`,
        globalknownhostsfile: '/dev/null',
        identityfile: `${workspace.path}/key`,
        identitiesonly: 'yes',
        identityagent: 'none',
        batchmode: 'yes',
        clearallforwardings: 'yes',
        forwardagent: 'no',
        hostname: '127.0.0.1',
        user: 'someone',
      })) {
        assert.equal(settings.get(name), value, name);
      }
    });
  });

  it('[case S10] answers no question, however often it is asked', async () => {
    const context = testContext({ secrets: { KEY: 'secret key' } });
    await withSsh(login, context, async ({ args }) => {
      const { stdout } = await context.spawn({ file: 'ssh', args: ['-G', ...args, '--', 'target'], maxOutput: 32_768 });
      assert.match(stdout, /^kbdinteractiveauthentication no$/m);
      assert.match(stdout, /^passwordauthentication no$/m);
      assert.match(stdout, /^preferredauthentications publickey$/m);
    });
  });

  it('[T8] the key lies in a folder that nobody else can enter, and that is gone afterwards, whatever happened', async () => {
    const context = testContext({ secrets: { KEY: 'secret key' } });
    let file = '';
    await assert.rejects(
      withSsh(login, context, async ({ config }) => {
        file = config.replace(/config$/, 'key');
        assert.equal(readFileSync(file, 'utf8'), 'secret key\n');
        assert.equal(statSync(file).mode & 0o777, 0o600);
        assert.equal(statSync(dirname(file)).mode & 0o777, 0o700);
        throw new Error('broken');
      }),
      /broken/,
    );
    assert.equal(existsSync(dirname(file)), false);
  });
});

const ended = { exitCode: 255, signal: null, stdout: '', stderr: '', truncated: false };
for (const { name, child, code } of [
  { name: 'a refusal', child: { stderr: 'a@target: Permission denied (publickey).\r\n' }, code: 'auth.refused' },
  { name: 'a host key that changed in between', child: { stderr: 'Host key verification failed.\r\n' }, code: 'hostkey.changed' },
  { name: 'a broken connection', child: { stderr: 'Connection closed by 127.0.0.1 port 9\r\n' }, code: 'network.closed' },
  {
    name: 'a key with a passphrase',
    child: { stderr: 'Load key "/tmp/k": incorrect passphrase supplied\r\nPermission denied (publickey).' },
    code: 'ssh.key',
  },
  { name: 'a crash', child: { exitCode: null, signal: 'SIGSEGV' }, code: 'child.signal' },
]) {
  it(`[K15] ${name} is ${code}`, () => assert.throws(() => judgeSsh({ ...ended, ...child }), { code }));
}

it('[K15] what ends with another code was the command, whatever it said', () => {
  judgeSsh({ ...ended, exitCode: 1, stderr: 'Permission denied (publickey).' });
});
