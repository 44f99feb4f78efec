import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { readSigningKey } from '../heartbeat.ts';
import { OWN_AGENT } from '../net/own-agent.ts';
import { parsePublicLine, toPublicLine } from '../net/sshsig.ts';
import { type Command, EXIT, UsageError } from './command.ts';
import { readListeningPorts, toChecks } from './listening.ts';

/** Writes a starter configuration that works as it is: this machine, and a web address if given. */
export const init: Command = {
  usage: 'init [DIR] [--url URL]',
  takes: ['[DIR]'],
  summary: 'writes a starter configuration that works as it is',
  options: { url: { type: 'string' }, quiet: { type: 'boolean' } },
  help: ['--url URL  also watches this web address', '--quiet    says nothing when there is a configuration already'],
  async run(context, { values, positionals }) {
    const folder = resolve(context.cwd, positionals[0] ?? '.');
    const path = join(folder, 'vigie.yaml');
    if (existsSync(path)) {
      if (values['quiet'] !== true) context.err(`${path} is there already, and was left as it is`);
      return values['quiet'] === true ? EXIT.done : EXIT.usage;
    }
    const url = values['url'];
    if (typeof url === 'string' && !/^https?:\/\/\S+$/.test(url))
      throw new UsageError(`init: ${JSON.stringify(url)} is no web address`);
    mkdirSync(join(folder, 'conf.d'), { recursive: true });
    const given = typeof url === 'string' ? url : null;
    writeFileSync(join(folder, 'conf.d', 'this-machine.yaml'), thisMachine(given, prepareAgent(folder)), { flag: 'wx' });
    const key = writeKey(folder);
    writeFileSync(path, globalFile(), { flag: 'wx' });
    context.out(`wrote ${path} and ${join(folder, 'conf.d', 'this-machine.yaml')}; now: vigie run\n`);
    if (values['quiet'] !== true) context.out(`others see with this key that it runs: ${key}\n`);
    return EXIT.done;
  },
};

/** A key of this installation's own, which proves to others that its heartbeat is its own; one that is there is kept. */
function writeKey(folder: string): string {
  const path = join(folder, 'heartbeat.key');
  if (!existsSync(path)) {
    const { privateKey } = generateKeyPairSync('ed25519');
    writeFileSync(path, privateKey.export({ format: 'pem', type: 'pkcs8' }), { flag: 'wx', mode: 0o600 });
  }
  const line = `${toPublicLine(readSigningKey(path))} vigie`;
  writeFileSync(join(folder, 'heartbeat.pub'), `${line}\n`);
  return line;
}

/** This machine says how it is, as any other does, with a key of its own; null where OpenSSH is not installed. */
function prepareAgent(folder: string): string | null {
  const home = join(folder, 'agent');
  mkdirSync(home, { recursive: true });
  const path = join(home, 'vigie-agent.conf');
  const settings = { host: 'this-machine', facts: join(home, 'facts'), state: home, publish: join(home, 'vigie-report') };
  const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`);
  if (!existsSync(path)) writeFileSync(path, lines.join(''), { mode: 0o600 });
  const { stdout } = spawnSync('sh', [OWN_AGENT, 'key', path], { encoding: 'utf8' });
  return parsePublicLine(stdout ?? '') === null ? null : stdout.trim();
}

function globalFile(): string {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return `# The global file: short, and unchanged when a check is added. Every key is explained in docs/configuration.md.
title: ${JSON.stringify(hostname())}
timezone: ${zone}
interval: 1m                      # how often cron runs: vigie run
include: [conf.d/*.yaml]
state: state                      # the history and, until a mail server is named, the mails
sites:
  private: { output: site/private }
  public: { output: site/public, title: Service status }
mail:
  from: vigie@localhost.localdomain
  transport: maildir:state/mail   # read them with: mutt -f state/mail; or smtp://mail.example.org:587
heartbeat: { key: heartbeat.key } # heartbeat.txt of both sites is signed with it: docs/watching.md
contacts:
  sysadmins: { mail: [root@localhost.localdomain] }
defaults:
  contacts: [sysadmins]
  every: 5m                       # each check; every minute while it fails
  attempts: 3                     # failures in a row before a mail
`;
}

/** Empty where there is no such table: other systems than Linux, or IPv6 switched off. */
function readTable(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function thisMachine(url: string | null, key: string | null): string {
  const found = toChecks(readListeningPorts(readTable('/proc/net/tcp'), readTable('/proc/net/tcp6')), 6);
  const web = url === null ? '' : `      front-page: { type: http, url: ${JSON.stringify(url)} }\n`;
  const report = key === null ? '' : REPORT.replace('KEY', key);
  const read = key === null ? '' : '      memory: { type: memory }    # as its report says; vigie types lists what else reads it\n';
  return `# What is watched. Whatever installs a service can write one such file beside this one.
# vigie config check says whether it is right, vigie check this-machine tries it, vigie types lists what can be checked.
hosts:
  this-machine:
    address: 127.0.0.1
${report}    checks:
      alive: { type: ping }
${read}${found === '' ? '' : `      # These ports were listening when this file was written:\n${found}`}
services:
  vigie:
    title: Monitoring
    group: For sysadmins
    host: this-machine
    public: true                  # on both pages; without it only on the private one
    checks:
      reachable: { type: ping }
${web}      # One of yours, for example:
      # website: { type: http, url: https://www.example.org/, body: Welcome }
`;
}

const REPORT = `    # It says how it is, signed. Run by vigie the agent sees what any user sees; docs/hosts.md has it see all, and other machines.
    report: { file: agent/vigie-report, agent: agent/vigie-agent.conf, keys: ["KEY"] }
`;
