import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import alive from '../../checks/alive.ts';
import exporter from '../../checks/exporter.ts';
import memory from '../../checks/memory.ts';
import report from '../../checks/report.ts';
import type { CheckType } from '../../src/check-type.ts';
import type { Check } from '../../src/core/configuration.ts';
import { FAKE_TYPES } from '../support/check-types.ts';
import { HOST, TestConfiguration } from '../support/configuration.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
const OTHER = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB';
const TYPES: Record<string, CheckType> = { ...FAKE_TYPES, report, memory, alive, exporter };
const REQUEST = { loadType: async (name: string) => TYPES[name], typeNames: Object.keys(TYPES) };

async function using<T>(text: string, use: (folder: TestConfiguration) => Promise<T>): Promise<T> {
  const folder = new TestConfiguration({ 'conf.d/web.yaml': text });
  try {
    return await use(folder);
  } finally {
    folder.remove();
  }
}

const load = (text: string) =>
  using(text, async (folder) => {
    const { configuration, warnings } = await folder.load({ ...REQUEST, mode: 'check' });
    assert.deepEqual(warnings, []);
    const checks = new Map(configuration.checks.map((check) => [check.id, check]));
    return { folder: folder.path, find: (id: string): Check => checks.get(id) ?? assert.fail(`no ${id}`) };
  });
const fail = (text: string) => using(text, (folder) => folder.fail({ ...REQUEST, mode: 'check' }));

describe('a host’s report in the configuration', () => {
  it('[C1] makes the check HOST/report, and what reads it depends on it and is never due oftener', async () => {
    const { find } = await load(`hosts:
  web1:
    address: 192.0.2.10
    report: { url: https://example.org/web1, via: tor, keys: [${KEY}], interval: 15m }
    checks: { alive: { type: ping }, memory: { type: memory, via: tor } }
services:
  shop: { host: web1, checks: { room: { type: memory, every: 1h } } }
`);
    const { type, via, every, parents, options, source } = find('web1/report');
    assert.deepEqual([type, via, every, parents], ['report', 'tor', 900, ['proxy/tor', 'web1/alive']]);
    assert.deepEqual([options['host'], options['interval'], source.line], ['web1', 900, 4]);
    const reader = find('web1/memory');
    assert.deepEqual([reader.report, reader.every, reader.via], ['web1/report', 900, null]);
    assert.deepEqual(reader.parents, ['web1/alive', 'web1/report']);
    assert.deepEqual([find('shop/room').report, find('shop/room').every], ['web1/report', 3600]);
  });

  it('[C1] an alive that reads the report depends on it, and not the other way round', async () => {
    const { find } = await load(`hosts:
  web1: { report: { file: web1.report, keys: [${KEY}] }, checks: { alive: { type: memory } } }
`);
    assert.deepEqual([find('web1/report').parents, find('web1/alive').parents], [[], ['web1/report']]);
  });

  it('[K1] an exporter takes the place of a signed report', async () => {
    const { find } = await load(`hosts:
  web1:
    report: { exporter: "http://192.0.2.10:9100/metrics", via: tor, interval: 10m, max_age: 2h }
    checks: { memory: { type: memory }, report: { auth: { user: vigie, password: { file: /etc/vigie/secret/web1 } } } }
`);
    const { type, via, every, options, target } = find('web1/report');
    assert.deepEqual([type, via, every, target], ['exporter', 'tor', 600, 'http://192.0.2.10:9100/metrics']);
    assert.deepEqual([options['max_age'], options['host']], [7200, 'web1']);
    assert.equal(find('web1/memory').report, 'web1/report');
  });

  it('[K1] whether a check reads the report may depend on its options', async () => {
    const { find } = await load(`hosts:
  web1: { report: { file: web1.report, keys: [${KEY}] }, checks: { alive: { type: alive } } }
  web2: { address: 192.0.2.2, report: { file: web2.report, keys: [${OTHER}] }, checks: { alive: { type: alive, by: tcp, via: tor } } }
`);
    assert.deepEqual([find('web1/alive').report, find('web1/alive').parents], ['web1/report', ['web1/report']]);
    const byTcp = find('web2/alive');
    assert.deepEqual([byTcp.report, byTcp.via, byTcp.options['address']], [undefined, 'tor', '192.0.2.2']);
    assert.deepEqual(find('web2/report').parents, ['web2/alive']);
  });

  it('[C1] what a profile or the host says of its check report is laid over it; paths are relative to the global file', async () => {
    const { find, folder } = await load(`profiles:
  debian: { checks: { report: { attempts: 5 } } }
hosts:
  web1:
    profiles: [debian]
    report: { inbox: inbox/web1, keys: ${KEY} }
    checks: { report: { priority: high } }
`);
    const { attempts, priority, options } = find('web1/report');
    assert.deepEqual([attempts, priority, options['inbox']], [5, 'high', `${folder}/inbox/web1`]);
  });

  const mistakes: { name: string; text: string; says: string }[] = [
    {
      name: 'no source',
      text: `  web1: { report: { keys: [${KEY}] } }`,
      says: 'conf.d/web.yaml:2:11: hosts.web1.report.url: expected one of url, inbox and file, found 0',
    },
    {
      name: 'no key',
      text: '  web1: { report: { url: https://example.org/r } }',
      says: 'conf.d/web.yaml:2:11: hosts.web1.report.keys: missing, expected',
    },
    {
      name: 'plain HTTP',
      text: `  web1: { report: { url: http://example.org/r, keys: [${KEY}] } }`,
      says: 'hosts.web1.report.url: plain http, expected https, or an onion address',
    },
    {
      name: 'three keys',
      text: `  web1: { report: { url: https://example.org/r, keys: [a, b, c] } }`,
      says: 'hosts.web1.report.keys: ',
    },
    {
      name: 'an unknown key of it',
      text: `  web1: { report: { link: https://example.org/r, keys: [${KEY}] } }`,
      says: 'hosts.web1.report.link: unknown key',
    },
    {
      name: 'an unknown proxy',
      text: `  web1: { report: { url: https://example.org/r, via: tro, keys: [${KEY}] } }`,
      says: 'hosts.web1.report.via: unknown proxy, expected tor, found "tro" (did you mean "tor"?)',
    },
    {
      name: 'a check that reads a report that there is none of',
      text: '  web1: { checks: { memory: { type: memory } } }',
      says: "web1/memory: type memory reads the host's report, expected report: in host web1",
    },
  ];
  for (const { name, text, says } of mistakes) {
    it(`[C2] ${name} is an error with its place`, async () => {
      const message = await fail(`hosts:\n${text}\n`);
      assert.ok(message.includes(says), message);
    });
  }

  it('[T3] a key that is pinned for two hosts is an error that names both places, whatever its comment', async () => {
    const message = await fail(`hosts:
  web1: { report: { url: https://example.org/web1, keys: [${KEY}] } }
  web2: { report: { url: https://example.org/web2, keys: [${KEY} root@web2] } }
`);
    assert.match(message, /web\.yaml:3:\d+: hosts\.web2\.report\.keys\[0\]: the same key pinned for two hosts/);
    assert.match(message, /found it also for web1 in conf\.d\/web\.yaml:2\n/);
  });

  for (const { name, liar, changesToo } of [
    { name: 'read before its victim', liar: 'app1', changesToo: false },
    { name: 'read after its victim', liar: 'zoo1', changesToo: false },
    { name: 'read before a victim that changes in the same run', liar: 'app1', changesToo: true },
    { name: 'read after a victim that changes in the same run', liar: 'zoo1', changesToo: true },
  ]) {
    it(`[T4] a host that takes another’s key for its own keeps no change of others from being taken: ${name}`, async () => {
      const hostFile = (host: string, key: string, address = '192.0.2.1') =>
        `hosts:\n  ${host}: { address: ${address}, report: { url: https://example.org/r, keys: [${key}] } }\n`;
      const folder = new TestConfiguration({
        [`conf.d/${liar}.yaml`]: hostFile(liar, OTHER),
        'conf.d/mail1.yaml': hostFile('mail1', KEY),
      });
      try {
        await folder.load(REQUEST);
        folder.write(`conf.d/${liar}.yaml`, hostFile(liar, KEY, '192.0.2.66'));
        folder.write('conf.d/web.yaml', HOST);
        if (changesToo) folder.write('conf.d/mail1.yaml', hostFile('mail1', KEY, '192.0.2.2'));
        for (const run of ['at once', 'and in the next run']) {
          const { configuration, problems } = await folder.load(REQUEST);
          assert.match(problems[0]?.message ?? '', /the same key pinned for two hosts/, run);
          const keys = Object.fromEntries(configuration.checks.map(({ id, options }) => [id, options['keys']]));
          assert.deepEqual([keys[`${liar}/report`], keys['mail1/report']], [[OTHER], [KEY]], run);
          const addresses = [liar, 'mail1'].map((host) => configuration.hosts[host]?.address);
          assert.deepEqual(addresses, ['192.0.2.1', changesToo ? '192.0.2.2' : '192.0.2.1'], run);
          assert.ok('web1/alive' in keys, run);
        }
      } finally {
        folder.remove();
      }
    });
  }

  it('[C2] a check of a service without a host cannot read a report', async () => {
    const message = await fail('services:\n  shop: { checks: { room: { type: memory } } }\n');
    assert.match(message, /shop\/room: type memory reads a host's report, expected a check of a host, or of a service with a host/);
  });
});
