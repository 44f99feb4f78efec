import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parse } from 'yaml';
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
    assert.equal(modules.length, 5);
    run(`hostname web1
${modules.map(({ path, text }) => here(path, text)).join('')}
mkdir -p ${MODULES}/vigie_agent/files; cp /opt/vigie/cron/vigie-agent /opt/vigie/cron/vigie-agent.crontab ${MODULES}/vigie_agent/files
mkdir -p /etc/vigie; ln -s /opt/vigie/dist/vigie/src/main.js /usr/local/bin/vigie`);
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
  /** What the machine says of itself from now on. */
  const lie = (facts: object) =>
    run(`mkdir -p /etc/facter/facts.d; cat > /etc/facter/facts.d/lies.json <<'END'\n${JSON.stringify(facts)}\nEND`);
  const collect = () =>
    apply(
      'monitor',
      filesOfManual()
        .find(({ path }) => path === 'on the monitor')
        ?.text.replaceAll("'", '"') ?? '',
    );

  it('[C1] [T3] [T4] makes the key on the host, and the monitor writes a drop-in with it, by the name of the certificate', (t) => {
    if (machine === undefined) return t.skip(unavailable);
    const first = apply('web1.example.org', 'include vigie_agent');
    assert.equal(first.status, 2, first.text);
    const key = run('cut -d " " -f 1,2 /var/lib/vigie-agent/key.pub').trim();
    assert.equal(run('cat /var/lib/exported/web1.example.org.json'), '[]', 'the fact is there from the second run on');
    // From here on it also says that it is another.
    lie({ networking: { hostname: 'web2', fqdn: 'web2\n    checks: { mine: { type: http, url: "http://192.0.2.66/" } }' } });
    const second = apply('web1.example.org', 'include vigie_agent notice($facts["networking"]["hostname"])');
    assert.equal(second.status, 0, second.text);
    assert.match(second.text, /: web2$/m);
    assert.equal(run('stat -c "%U %a" /var/lib/vigie-agent/key'), 'vigie-agent 600\n');

    const collected = collect();
    assert.equal(collected.status, 2, collected.text);
    assert.equal(run('ls /etc/vigie/hosts.d'), 'web1.yaml\n');
    assert.deepEqual(parse(run('cat /etc/vigie/hosts.d/web1.yaml')), {
      hosts: {
        web1: {
          address: 'web1.example.org',
          profiles: ['debian'],
          report: { url: 'https://web1.example.org/vigie-report', keys: [key] },
        },
      },
    });
    assert.doesNotMatch(run('cat /var/lib/exported/web1.example.org.json'), /PRIVATE|BEGIN/);
  });

  it('[T1] [T4] a machine whose key is text for the drop-in exports nothing', (t) => {
    if (machine === undefined) return t.skip(unavailable);
    const told = run('cat /var/lib/exported/web1.example.org.json');
    lie({ vigie_agent_key: `${/ssh-ed25519 [^"]+/.exec(told)?.[0]}"] }\n    checks: {}` });
    assert.equal(apply('web1.example.org', 'include vigie_agent').status, 0);
    assert.equal(run('cat /var/lib/exported/web1.example.org.json; rm /etc/facter/facts.d/lies.json'), '[]');
    run(`cat > /var/lib/exported/web1.example.org.json <<'END'\n${told}\nEND`);
  });

  it('[T1] [T4] what somebody forged in the database is refused on the monitor by its shape', (t) => {
    if (machine === undefined) return t.skip(unavailable);
    run('mv /var/lib/exported/web1.example.org.json /root');
    for (const forged of ['s#"title":"web1.example.org"#"title":"../../cron.d/web1"#', 's#ssh-ed25519 #ssh-ed25519\\\\n#']) {
      run(`sed '${forged}' /root/web1.example.org.json > /var/lib/exported/forged.json`);
      const refused = collect();
      assert.equal(refused.status, 1, refused.text);
      assert.match(refused.text, /expected the name of a machine|expects a match for Vigie_agent::Key/);
    }
    run('rm /var/lib/exported/forged.json; mv /root/web1.example.org.json /var/lib/exported');
  });

  it('[C2] [T4] a drop-in that vigie does not understand is refused by validate_cmd, and the one that is there stays', (t) => {
    if (machine === undefined) return t.skip(unavailable);
    const before = run('cat /etc/vigie/hosts.d/web1.yaml');
    run(`sed -i "s/report: {/reprot: {/" ${MODULES}/vigie_agent/templates/host.yaml.epp`);
    const refused = collect();
    assert.equal(refused.status, 4, refused.text);
    assert.match(refused.text, /did you mean \\?"?report/);
    assert.equal(run('cat /etc/vigie/hosts.d/web1.yaml'), before);
    run(`sed -i "s/reprot: {/report: {/" ${MODULES}/vigie_agent/templates/host.yaml.epp`);
  });

  it('[C1] the drop-in of a machine that nobody exports any more goes away', (t) => {
    if (machine === undefined) return t.skip(unavailable);
    run('rm /var/lib/exported/web1.example.org.json');
    assert.equal(collect().status, 2);
    assert.equal(run('ls -A /etc/vigie/hosts.d'), '');
  });
});
