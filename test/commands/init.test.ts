import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readListeningPorts, toChecks } from '../../src/commands/listening.ts';
import { vigie } from '../support/cli.ts';
import { needs, temporaryFolder } from '../support/server.ts';

describe('vigie init', () => {
  it(
    '[R2] writes a configuration that validates and is OK in its first run, and leaves it alone afterwards',
    needs('ping'),
    async () => {
      const folder = temporaryFolder();
      try {
        assert.equal((await vigie(folder.path, ['init'])).code, 0);
        const written = readFileSync(join(folder.path, 'conf.d/this-machine.yaml'), 'utf8');
        assert.ok(written.split('\n').length < 40);
        assert.equal((await vigie(folder.path, ['config', 'check'])).code, 0);
        assert.match(written, /report: \{ file: agent\/vigie-report, agent: agent\/vigie-agent.conf, keys: \["ssh-ed25519 /);
        const { checks, mail } = JSON.parse((await vigie(folder.path, ['run', '--now', '*', '--json'])).stdout);
        const own = await vigie(folder.path, ['status', 'this-machine/memory']);
        assert.match(own.stdout, /memory .*% of .* used/);
        assert.deepEqual([checks.due, mail], [checks.ok, { sent: 1, queued: 0, failed: 0 }]);
        // Also the key that its own report is signed with is a secret that this installation holds [T5].
        const held = await vigie(folder.path, ['doctor', '--credentials']);
        assert.match(held.stdout, /this-machine\/report agent: .*vigie-agent.conf: a thief could say anything of this one machine/);
        assert.equal((await vigie(folder.path, ['init'])).code, 2);
        assert.deepEqual(await vigie(folder.path, ['init', '--quiet']), { code: 0, signal: null, stdout: '', stderr: '' });
        assert.equal(readFileSync(join(folder.path, 'conf.d/this-machine.yaml'), 'utf8'), written);
      } finally {
        folder.remove();
      }
    },
  );

  it('[R2] finds what listens on this machine', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const ports = () => readListeningPorts(readFileSync('/proc/net/tcp', 'utf8'));
    assert.ok(ports().includes(port));
    await new Promise((resolve) => server.close(resolve));
    assert.ok(!ports().includes(port));
  });

  it('[R2] takes ports of loopback and of every address, not those of one outer address, nor connections', () => {
    const line = (n: number, local: string, state: string) =>
      `   ${n}: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000`;
    const table = [
      '  sl  local_address rem_address   st',
      line(0, '0100007F:0016', '0A'),
      line(1, '00000000:0050', '0A'),
      line(2, '0A0200C0:01BB', '0A'),
      line(3, '0100007F:0CEA', '01'),
    ].join('\n');
    const table6 = `   0: ${'0'.repeat(32)}:0019 ${'0'.repeat(32)}:0000 0A 00000000:00000000`;
    assert.deepEqual(readListeningPorts(table, table6), [22, 25, 80]);
    assert.equal(toChecks([22, 4711], 2), '  ssh: { type: tcp, port: 22, expect: "SSH-" }  # greets first\n');
  });

  it('[R2] every check that it may write is a valid one', async () => {
    const folder = temporaryFolder();
    const all = toChecks(
      Array.from({ length: 65_536 }, (_, port) => port),
      6,
    );
    assert.ok(all.split('\n').length > 12);
    await vigie(folder.path, ['init']);
    const { writeFileSync } = await import('node:fs');
    writeFileSync(join(folder.path, 'conf.d/all.yaml'), `hosts:\n  other:\n    address: 127.0.0.1\n    checks:\n${all}`);
    const { code, stderr } = await vigie(folder.path, ['config', 'check']);
    assert.deepEqual([code, stderr], [0, '']);
    folder.remove();
  });
});
