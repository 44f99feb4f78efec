import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { temporaryFolder } from '../support/server.ts';
import { needsMachine, SystemdMachine } from '../support/systemd-machine.ts';

const HOSTS = new URL('../../../docs/hosts.md', import.meta.url).pathname;
const MODULES = '/etc/puppet/code/modules';

/** The manual's own files, by the path in their first line; and what is applied on the monitor. */
function filesOfManual(): { path: string; text: string }[] {
  const blocks = [...readFileSync(HOSTS, 'utf8').matchAll(/^```puppet\n# (.+)\n([\s\S]*?)^```$/gm)];
  return blocks.map(([, path = '', text = '']) => ({ path: path.replace(/:.*/, '').replace(/^modules/, MODULES), text }));
}

const here = (path: string, text: string) => `mkdir -p "$(dirname "${path}")"; cat > "${path}" <<'END'\n${text}END\n`;

/** One machine plays the host and the monitor, one after the other; what is exported goes through a folder in place of PuppetDB. */
const PUPPET =
  'RUBYLIB=/opt/vigie/test/fixtures/puppet/lib puppet apply --storeconfigs --storeconfigs_backend folder --detailed-exitcodes --color false';

describe('the round with Puppet', needsMachine(), () => {
  const folder = temporaryFolder();
  let machine: SystemdMachine | undefined;
  let unavailable = '';

  before(async () => {
    const booted = await SystemdMachine.boot(join(folder.path, 'machine'));
    if ('reason' in booted) {
      unavailable = booted.reason;
      return;
    }
    machine = booted;
    const modules = filesOfManual().filter(({ path }) => path.startsWith(MODULES));
    assert.equal(modules.length, 3);
    run(`hostname web1
${modules.map(({ path, text }) => here(path, text)).join('')}
mkdir -p ${MODULES}/vigie_agent/files; cp /opt/vigie/cron/vigie-agent /opt/vigie/cron/vigie-agent.crontab ${MODULES}/vigie_agent/files
mkdir -p /etc/vigie/conf.d; ln -s /opt/vigie/dist/vigie/src/main.js /usr/local/bin/vigie`);
  });
  after(async () => {
    await machine?.stop();
    folder.remove();
  });

  function run(script: string): string {
    assert.ok(machine);
    const { status, stdout, stderr } = machine.run(script);
    assert.equal(status, 0, stderr + stdout);
    return stdout;
  }

  /** Exit code 0: nothing to do; 2: something was changed; 4 and 6: something failed. */
  function apply(certname: string, manifest: string): { status: number | null; text: string } {
    assert.ok(machine);
    const { status, stdout, stderr } = machine.run(`${PUPPET} --certname ${certname} -e '${manifest}'`);
    return { status, text: stdout + stderr };
  }
  const collect = () =>
    apply(
      'monitor',
      filesOfManual()
        .find(({ path }) => path === 'on the monitor')
        ?.text.replaceAll("'", '"') ?? '',
    );

  it('[C1] [T3] makes the key on the host, exports its public half, and the monitor writes the drop-in when vigie finds it right', (t) => {
    if (machine === undefined) return t.skip(unavailable);
    const first = apply('web1', 'include vigie_agent');
    assert.equal(first.status, 2, first.text);
    const key = run('cut -d " " -f 1,2 /var/lib/vigie-agent/key.pub').trim();
    assert.equal(run('cat /var/lib/exported/web1.json'), '[]', 'the fact is there from the second run on');
    const second = apply('web1', 'include vigie_agent');
    assert.equal(second.status, 0, second.text);
    assert.equal(run('stat -c "%U %a" /var/lib/vigie-agent/key'), 'vigie-agent 600\n');

    const collected = collect();
    assert.equal(collected.status, 2, collected.text);
    const dropIn = run('cat /etc/vigie/conf.d/host-web1.yaml');
    assert.ok(dropIn.includes(`keys: ["${key}"]`), dropIn);
    assert.doesNotMatch(run('cat /var/lib/exported/web1.json'), /PRIVATE|BEGIN/);
  });

  it('[C2] [T4] a drop-in that vigie does not understand is refused by validate_cmd, and the one that is there stays', (t) => {
    if (machine === undefined) return t.skip(unavailable);
    const before = run('cat /etc/vigie/conf.d/host-web1.yaml');
    run('sed -i "s/report: {/reprot: {/" /var/lib/exported/web1.json');
    const refused = collect();
    assert.equal(refused.status, 4, refused.text);
    assert.match(refused.text, /did you mean \\?"?report/);
    assert.equal(run('cat /etc/vigie/conf.d/host-web1.yaml'), before);
  });
});
