import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TargetFailure } from '../../src/core/failure.ts';
import { runChild } from '../../src/net/child.ts';
import { createReader } from '../../src/net/limits.ts';
import { needs } from '../support/server.ts';

const readLine = (bytes: Buffer) => (bytes.includes(10) ? bytes.indexOf(10) + 1 : null);

describe('a conversation with a program', needs('setpriv', 'prlimit'), () => {
  it('[K15] goes back and forth, and the program ends when its input does', async () => {
    const signal = AbortSignal.timeout(60_000);
    const said: string[] = [];
    const result = await runChild(
      {
        file: 'sh',
        args: ['-c', 'while read line; do echo "got $line"; done; exit 7'],
        talk: async (input, output) => {
          const reader = createReader(output, signal);
          for (const word of ['one', 'two']) {
            input.write(`${word}\n`);
            said.push((await reader.read(readLine)).toString());
          }
        },
      },
      signal,
    );
    assert.deepEqual([said, result.exitCode, result.stdout], [['got one\n', 'got two\n'], 7, '']);
  });

  it('[T1] what goes wrong in it ends the program at once', async () => {
    const began = performance.now();
    const talk = async () => {
      throw new TargetFailure('sftp.protocol', 'nonsense');
    };
    await assert.rejects(runChild({ file: 'sleep', args: ['300'], talk }, AbortSignal.timeout(200_000)), { code: 'sftp.protocol' });
    assert.ok(performance.now() - began < 50_000);
  });

  it('[T1] the deadline ends it in the middle', async () => {
    const signal = AbortSignal.timeout(300);
    const command = {
      file: 'sleep',
      args: ['300'],
      talk: async (_input: unknown, output: Parameters<typeof createReader>[0]) => {
        await createReader(output, signal).read(readLine);
      },
    };
    await assert.rejects(runChild(command, signal), { code: 'timeout.total' });
  });
});
