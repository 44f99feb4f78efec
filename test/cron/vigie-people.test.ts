import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { needs, temporaryFolder } from '../support/server.ts';

const CRON = new URL('../../../cron/', import.meta.url).pathname;
let folder: ReturnType<typeof temporaryFolder>;
let script: string;

/** The wrapper with the program's path replaced by one that writes down what it was called with. */
before(() => {
  folder = temporaryFolder();
  script = join(folder.path, 'vigie-people');
  const program = join(folder.path, 'vigie');
  writeFileSync(program, '#!/bin/sh\nprintf "%s\\n" "$@"\n');
  writeFileSync(
    script,
    readFileSync(join(CRON, 'vigie-people'), 'utf8').replace('program=/usr/local/bin/vigie', `program=${program}`),
  );
  chmodSync(program, 0o755);
  chmodSync(script, 0o755);
});
after(() => folder.remove());

describe('cron/sudoers', () => {
  it('[H6] is valid, and gives nothing but the wrapper, as the user vigie', needs('visudo'), () => {
    const copy = join(folder.path, 'sudoers');
    writeFileSync(copy, readFileSync(join(CRON, 'sudoers')), { mode: 0o440 });
    assert.match(execFileSync('visudo', ['-c', '-f', copy]).toString(), /parsed OK/);
    const text = readFileSync(copy, 'utf8').replace(/#.*$/gm, '').replace(/\\\n/g, ' ');
    const commands =
      /Cmnd_Alias VIGIE_PEOPLE = (.*)/
        .exec(text)?.[1]
        ?.split(',')
        .map((command) => command.trim()) ?? [];
    assert.equal(commands.length, 7);
    for (const command of commands) assert.match(command, /^\/opt\/vigie\/cron\/vigie-people [a-z]+ ?\*$/);
    assert.match(text, /^%service-admins ALL = \(vigie\) NOPASSWD: VIGIE_PEOPLE$/m);
    assert.doesNotMatch(text, /SETENV|\(ALL|\(root/);
  });
});

describe('cron/vigie-people', () => {
  for (const shell of [['dash'], ['busybox', 'ash'], ['bash', '--posix']]) {
    const [file = 'sh', ...first] = shell;
    const call = (...args: string[]) => spawnSync(file, [...first, script, ...args], { encoding: 'utf8' });

    it(`[H6] hands words on as they are, with the installation's own configuration (${shell.join(' ')})`, needs(file), () => {
      const { status, stdout } = call('ack', 'web*', '--note', "it's $(id) `id`; x");
      assert.deepEqual([status, stdout], [0, "--config\n/etc/vigie\nack\nweb*\n--note\nit's $(id) `id`; x\n"]);
    });

    for (const args of [
      [],
      ['run'],
      ['init', '/tmp/x'],
      ['--config', '/tmp/x', 'ack'],
      ['ack', 'x', '--config', '/tmp/x'],
      ['ack', '--config=/tmp/x'],
      ['restore', 'x'],
      ['doctor'],
    ]) {
      it(`[H6] refuses ${JSON.stringify(args)} (${shell.join(' ')})`, needs(file), () => {
        const { status, stdout, stderr } = call(...args);
        assert.deepEqual([status, stdout], [2, '']);
        assert.match(stderr, /^vigie-people: .*\n$/);
      });
    }
  }
});
