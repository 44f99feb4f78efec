import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { BASE, findCheck, HOST, loadOnce } from '../support/configuration.ts';

const EXAMPLE = 'test/fixtures/config/example';

function readExample(): Record<string, string> {
  const names = ['vigie.yaml', 'conf.d/website.yaml'];
  return Object.fromEntries(names.map((name) => [name, readFileSync(`${EXAMPLE}/${name}`, 'utf8')]));
}

test('[C1] the agreed example loads without error or warning', async () => {
  const loaded = await loadOnce(readExample());
  assert.deepEqual(loaded.warnings, []);
  const { checks, services, hosts, sites, mail, limits } = loaded.configuration;
  assert.deepEqual(
    checks.map((check) => check.id),
    ['proxy/tor', 'router/alive', 'web1/alive', 'web1/mail', 'website/front-page'],
  );
  const page = findCheck(loaded, 'website/front-page');
  assert.equal(page.via, 'tor');
  assert.deepEqual(page.parents, ['proxy/tor', 'web1/alive', 'router/alive']);
  assert.deepEqual(findCheck(loaded, 'web1/alive').parents, ['router/alive']);
  assert.deepEqual(page.frequency, { failures: 6, of: 20 });
  assert.equal(page.dailyPattern, true);
  assert.deepEqual(loaded.configuration.sentinels, {
    direct: [
      { kind: 'https', url: 'https://example.org/' },
      { kind: 'tcp', host: '192.0.2.1', port: 443 },
      { kind: 'dns', name: 'example.net' },
    ],
  });
  assert.equal(page.timeout, 45);
  assert.deepEqual(page.retries, { times: 2, after: 5 });
  assert.equal(page.deadline, 50, 'general defaults are cut to the run deadline');
  assert.equal(limits.runDeadline, 50);
  assert.deepEqual(page.thresholds['time'], {
    warning: { min: 0, max: 2, inverted: false },
    critical: { min: 0, max: 5, inverted: false },
  });
  assert.deepEqual(page.public, { title: 'Website', description: '' });
  assert.equal(page.priority, 'critical');
  assert.equal(page.host, 'web1');
  assert.equal(page.source.line, 25);
  assert.equal(services['website']?.group, 'For everyone');
  assert.deepEqual(hosts['web1']?.labels, { role: 'web', site: 'paris' });
  assert.equal(findCheck(loaded, 'web1/alive').options['address'], '192.0.2.10');
  assert.deepEqual(findCheck(loaded, 'proxy/tor').options, { address: '127.0.0.1', port: 9050 });
  assert.equal(sites.public?.title, 'Service status');
  assert.ok(mail.transport.startsWith('maildir:/'));
});

test('[C1] a setting comes from the nearest layer that has it, and its origin is kept', async () => {
  const loaded = await loadOnce({
    'vigie.yaml': BASE.replace('[sysadmins] }', '[sysadmins], timeout: 11s, attempts: 4, every: 6m, notes: d, recoveries: 2 }'),
    'conf.d/a.yaml': `
profiles:
  debian: { attempts: 5, every: 7m, notes: p, checks: { alive: { type: ping, count: 4 } } }
hosts:
  web1: { address: 192.0.2.10, profiles: [debian], every: 8m, notes: h }
services:
  website:
    host: web1
    notes: s
    public: true
    checks:
      page: { type: http, url: "https://example.org/", notes: c, via: tor, public: false }
      plain: { type: http, url: "https://example.org/" }`,
  });
  const page = findCheck(loaded, 'website/page');
  const seen = [page.timeout, page.recoveries, page.attempts, page.every, page.notes, page.recheck];
  assert.deepEqual(seen, [45, 2, 5, 420 + 60, 'c', 60]);
  const { origins } = page;
  assert.equal(origins['timeout'], 'proxy tor');
  assert.equal(origins['retries.times'], 'proxy tor');
  assert.equal(origins['recoveries'], 'defaults');
  assert.equal(origins['attempts'], 'profile debian');
  assert.equal(origins['every'], 'host web1');
  assert.equal(origins['notes'], 'check');
  assert.equal(origins['recheck'], 'default');
  assert.equal(origins['url'], 'check');
  assert.equal(origins['method'], 'type http');
  assert.equal(origins['thresholds.time.critical'], 'type http');
  const plain = findCheck(loaded, 'website/plain');
  assert.deepEqual([plain.timeout, plain.notes, plain.origins['notes']], [11, 's', 'service website']);
  assert.deepEqual(plain.retries, { times: 1, after: 2 }, 'one more try after 2 s');
  assert.deepEqual([page.origins['public'], plain.origins['public']], ['check', 'service website']);
  const alive = findCheck(loaded, 'web1/alive');
  assert.equal(alive.origins['public'], 'default');
  assert.deepEqual([alive.options['count'], alive.origins['count'], alive.notes], [4, 'profile debian', 'h']);
});

test('[C2] maps merge by key, lists and scalars are replaced, null removes', async () => {
  const loaded = await loadOnce({
    'conf.d/a.yaml': `
profiles:
  debian:
    contacts: [sysadmins, web]
    retries: { times: 0 }
    checks:
      alive: { type: ping, count: 4, thresholds: { loss: { warning: 10, critical: 50 } } }
      mail: { type: tcp, port: 25, pause: 1s }
      gone: { type: ping }
      off: { type: ping }
hosts:
  web1:
    address: 192.0.2.10
    profiles: [debian]
    retries: { after: 3s }
    checks:
      alive: { count: null, contacts: [web], thresholds: { loss: { warning: null } } }
      mail: { pause: 2s, contacts: null, thresholds: null }
      gone: null
      off: { enabled: false }`,
  });
  assert.deepEqual(
    loaded.configuration.checks.filter((check) => check.host === 'web1').map((check) => [check.name, check.enabled]),
    [
      ['alive', true],
      ['mail', true],
      ['off', false],
    ],
  );
  const alive = findCheck(loaded, 'web1/alive');
  assert.equal(alive.options['count'], 3, 'the default of the type is back');
  assert.deepEqual(alive.contacts, ['web']);
  assert.deepEqual(alive.thresholds, { loss: { warning: null, critical: { min: 0, max: 50, inverted: false } } });
  assert.deepEqual(alive.retries, { times: 0, after: 3 });
  const mail = findCheck(loaded, 'web1/mail');
  assert.deepEqual([mail.options['pause'], mail.contacts, mail.thresholds], [2, [], {}]);
  assert.deepEqual(findCheck(loaded, 'web1/off').contacts, ['sysadmins', 'web']);
});

test('[C2] of two profiles the later wins, with a warning that names both places', async () => {
  const loaded = await loadOnce({
    'conf.d/a.yaml': `
profiles:
  one: { every: 6m, attempts: 2, checks: { alive: { type: ping, count: 4 } } }
  two: { every: 7m, attempts: 2, checks: { alive: { type: ping, count: 5 } } }
hosts:
  web1: { address: 192.0.2.10, profiles: [one, two] }`,
  });
  assert.equal(findCheck(loaded, 'web1/alive').options['count'], 5);
  assert.equal(findCheck(loaded, 'web1/alive').every, 420);
  const shown = loaded.warnings.map(
    ({ path, line, message }) => `${path} in line ${line}: ${message.replace(/\S*\/conf.d\//, '')}`,
  );
  assert.deepEqual(shown, [
    'profiles.two.every in line 4: host web1 has two profiles that set this: the later one wins, over a.yaml:3',
    'profiles.two.checks.alive.count in line 4: host web1 has two profiles that set this: the later one wins, over a.yaml:3',
  ]);
});

test('[H3] words on the public site come from public texts only, and what is private stays so', async () => {
  const loaded = await loadOnce({
    'conf.d/a.yaml': `
services:
  website:
    title: Website
    public: { title: Our site, description: For you }
    checks:
      page: { type: http, url: "https://example.org/" }
      inner: { type: http, url: "https://example.org/i", public: false }
      named: { type: http, url: "https://example.org/n", public: { title: Shop } }
  hidden:
    title: CANARY
    checks: { page: { type: http, url: "https://example.org/" } }`,
  });
  assert.deepEqual(findCheck(loaded, 'website/page').public, { title: 'Our site', description: 'For you' });
  assert.equal(findCheck(loaded, 'website/inner').public, null);
  assert.deepEqual(findCheck(loaded, 'website/named').public, { title: 'Shop', description: '' });
  assert.equal(findCheck(loaded, 'hidden/page').public, null);
  assert.equal(loaded.configuration.services['hidden']?.public, null);
});

test('[C2] a service names its checks for "any of them" by short name or id', async () => {
  const loaded = await loadOnce({
    'conf.d/a.yaml': `${HOST}
services:
  website:
    any: { of: [a, website/b], at_least: 2 }
    checks:
      a: { type: http, url: "https://example.org/a" }
      b: { type: http, url: "https://example.org/b" }`,
  });
  assert.deepEqual(loaded.configuration.services['website']?.any, { of: ['website/a', 'website/b'], atLeast: 2 });
});

test('[C2] variables are replaced in options, also deep inside, and only there', async () => {
  const loaded = await loadOnce({
    'conf.d/a.yaml': `
hosts: { web1: { address: 192.0.2.10 } }
services:
  website:
    host: web1
    checks:
      page:
        type: http
        url: "http://\${host.address}:8080/\${service.name}"
        headers: { Host: "\${host.name}.example.org" }
        notes: "\${host.name}"`,
  });
  const page = findCheck(loaded, 'website/page');
  assert.equal(page.options['url'], 'http://192.0.2.10:8080/website');
  assert.deepEqual(page.options['headers'], { Host: 'web1.example.org' });
  assert.equal(page.notes, '${host.name}');
  assert.equal(page.target, 'http://192.0.2.10:8080/website');
  assert.equal(page.options['address'], undefined, 'an address that a type can do without is not the host’s by itself');
});

test('[C2] secrets stay references', async () => {
  const loaded = await loadOnce({
    'vigie.yaml': BASE.replace('vigie@example.org }', 'vigie@example.org, user: u, password: { env: SMTP_PASSWORD } }'),
    'conf.d/a.yaml': `
services:
  website:
    checks: { page: { type: http, url: "https://example.org/", user: u, password: { file: /etc/vigie/secret/x } } }`,
  });
  assert.deepEqual(findCheck(loaded, 'website/page').options['password'], { file: '/etc/vigie/secret/x' });
  assert.deepEqual(loaded.configuration.mail.password, { env: 'SMTP_PASSWORD' });
});

test('[C2] an own deadline allows more tries than fit, and a right onion address passes', async () => {
  const onion = '2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion';
  const loaded = await loadOnce({
    'conf.d/a.yaml': `
services:
  website:
    checks:
      page: { type: http, url: "http://${onion}/", via: tor, timeout: 20s, deadline: 40s }`,
  });
  const page = findCheck(loaded, 'website/page');
  assert.deepEqual([page.timeout, page.deadline], [20, 40]);
  assert.deepEqual(loaded.warnings, []);
});

test('[C2] what works but is hardly meant is a warning', async () => {
  const loaded = await loadOnce({
    'vigie.yaml': BASE.replace('defaults: { contacts: [sysadmins] }', ''),
    'conf.d/a.yaml': `
services:
  empty: {}
  website:
    checks:
      page: { type: http, url: "http://2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion/", every: 30s }`,
  });
  const text = loaded.warnings.map((warning) => warning.message).join('\n');
  assert.match(text, /a service without checks/);
  assert.match(text, /an onion address without a proxy/);
  assert.match(text, /every is shorter than the interval/);
  assert.match(text, /1 checks without contacts/);
});

test('[C2] a check of a host called like a member of every object is one like any other', async () => {
  const loaded = await loadOnce({ 'conf.d/a.yaml': HOST.replaceAll('web1', 'tostring').replace('alive', 'valueof') });
  assert.equal(findCheck(loaded, 'tostring/valueof').type, 'ping');
});

test('[C2] keys whose feature comes later are not accepted yet', async () => {
  const general = ['inventory', 'figures'].map((key) => [`${BASE}${key}: {}\n`, HOST, key]);
  const host = ['retiring'].map((key) => [BASE, HOST.replace('checks', `${key}: x, checks`), key]);
  for (const [text = '', dropIn = '', key = ''] of [...general, ...host]) {
    await assert.rejects(loadOnce({ 'vigie.yaml': text, 'conf.d/a.yaml': dropIn }), new RegExp(`${key}: unknown key`), key);
  }
});

test('[H6] periods, rotas, absences, escalation and reminders come out in their normal form', async () => {
  const contacts = `contacts:
  sysadmins: { mail: [sysadmins@example.org] }
  anna:
    mail: anna@example.org
    periods: ["Mon-Fri 08:00-20:00", "Fri-Mon", "22:00-06:00", "Sat,Sun 10:00-24:00"]
    absent: ["2026-12-20 to 2027-01-03", "2026-11-01"]
    openpgp: { key: keys/anna.asc, on_error: plain }
  bert: { mail: bert@example.org }
  duty: { rota: { members: [anna, bert], every: 2w, since: 2026-01-05 } }
  monthly: { rota: { members: [bert, anna], every: 1month, since: 2026-01-31, handover: "10:30" } }
`;
  const loaded = await loadOnce({
    'vigie.yaml': BASE.replace(/contacts:\n {2}sys[\s\S]*?(?=proxies)/, contacts).replace(
      '[sysadmins] }',
      '[duty], escalate: [{ after: 2h, contacts: [sysadmins] }] }',
    ),
    'conf.d/a.yaml': HOST.replace('type: ping', 'type: ping, remind: [1h, 4h, every 2d]'),
  });
  const { anna, duty, monthly } = loaded.configuration.contacts;
  assert.deepEqual(anna?.periods, [
    { days: [1, 2, 3, 4, 5], from: 480, to: 1200 },
    { days: [1, 5, 6, 7], from: 0, to: 1440 },
    { days: [1, 2, 3, 4, 5, 6, 7], from: 1320, to: 360 },
    { days: [6, 7], from: 600, to: 1440 },
  ]);
  assert.deepEqual(anna?.absent, [
    { from: '2026-12-20', to: '2027-01-03' },
    { from: '2026-11-01', to: '2026-11-01' },
  ]);
  assert.match(anna?.openpgp?.key ?? '', /^\/.*\/keys\/anna.asc$/);
  assert.deepEqual(duty?.rota, {
    members: ['anna', 'bert'],
    every: { count: 2, unit: 'week' },
    since: '2026-01-05',
    handover: { weekday: 1, minutes: 540 },
  });
  assert.deepEqual(monthly?.rota?.handover, { weekday: null, minutes: 630 });
  const check = findCheck(loaded, 'web1/alive');
  assert.deepEqual(check.remind, { after: [3600, 14_400], every: 172_800 });
  assert.deepEqual(check.escalate, [{ after: 7200, contacts: ['sysadmins'] }]);
});
