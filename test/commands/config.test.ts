import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { checkConfiguration, confirmConfiguration, printSchema, showConfiguration } from '../../src/commands/config.ts';
import type { Output } from '../../src/commands/output.ts';
import { printTypes } from '../../src/commands/types.ts';
import { FAKE_REQUEST } from '../support/check-types.ts';
import { BASE, HOST, withFiles } from '../support/configuration.ts';

class Recorder implements Output {
  isTerminal: boolean;
  out = '';
  err = '';
  constructor(isTerminal = false) {
    this.isTerminal = isTerminal;
  }
  print(text: string): void {
    this.out += `${text}\n`;
  }
  warn(text: string): void {
    this.err += `${text}\n`;
  }
}

const WEBSITE = `services:
  website:
    host: web1
    checks:
      page:
        type: http
        url: "https://example.org/"
        via: tor
        user: u
        password: { file: /etc/vigie/secret/CANARY }
        thresholds: { time: { warning: 2s }, size: { critical: "1KiB:" } }
        notes: "first line\\nsecond"
`;

test('[C2] `config check` is silent when all is well, says the count to a person, and lists every mistake with exit code 2', async () => {
  await withFiles({ 'conf.d/web.yaml': HOST }, async (folder) => {
    const quiet = new Recorder();
    assert.equal(await checkConfiguration({ config: folder.path }, quiet, FAKE_REQUEST), 0);
    assert.equal(quiet.out + quiet.err, '');
    const person = new Recorder(true);
    await checkConfiguration({ config: folder.path }, person, FAKE_REQUEST);
    assert.equal(person.out, 'no errors, 2 checks\n');
    folder.write('conf.d/web.yaml', HOST.replace('address', 'adress'));
    const failed = new Recorder();
    assert.equal(await checkConfiguration({ config: folder.path }, failed, FAKE_REQUEST), 2);
    assert.match(failed.err, /web.yaml:2:11: hosts.web1.adress: unknown key.*\n1 error in 1 file\n$/);
    const json = new Recorder();
    assert.equal(await checkConfiguration({ config: folder.path, json: true }, json, FAKE_REQUEST), 2);
    assert.equal(JSON.parse(json.out).errors[0].path, 'hosts.web1.adress');
  });
});

test('[C2] warnings are listed apart and do not change the exit code', async () => {
  await withFiles({ 'conf.d/web.yaml': `${HOST}services: { empty: {} }\n` }, async (folder) => {
    const output = new Recorder();
    assert.equal(await checkConfiguration({ config: folder.path }, output, FAKE_REQUEST), 0);
    assert.match(output.err, /a service without checks.*\n1 warning in 1 file\n$/);
  });
});

test('[C1] `config check --drop-in` judges one file by itself: what other files define is taken as it is', async () => {
  const text = `hosts:
  web9: { address: 192.0.2.9, profiles: [elsewhere], checks: { alive: { count: 5 }, mail: { type: tcp, port: 25 } } }
services:
  website:
    host: web8
    contacts: [somebody]
    timeout: 40s
    checks:
      port: { type: tcp, port: 443, via: a-proxy, address: "\${host.address}" }
`;
  await withFiles({ 'one.tmp': text, 'vigie.yaml': 'not even: [yaml' }, async (folder) => {
    const dropIn = join(folder.path, 'one.tmp');
    const output = new Recorder(true);
    assert.equal(await checkConfiguration({ config: '/nowhere', dropIn }, output, FAKE_REQUEST), 0, output.err);
    assert.equal(output.out, 'no errors, 2 checks\n');
    folder.write('one.tmp', text.replace('port: 443', 'port: 443, sned: x').replace('type: tcp, port: 25', 'type: tpc, port: 25'));
    const failed = new Recorder();
    assert.equal(await checkConfiguration({ config: '/nowhere', dropIn }, failed, FAKE_REQUEST), 2);
    assert.match(failed.err, /website.checks.port.sned: unknown key/);
    assert.match(failed.err, /web9.checks.mail.type: unknown check type/);
    assert.match(failed.err, /2 errors in 1 file/);
  });
});

test('[C2] `config show` prints the normal form as YAML, with origins, and secrets as ***', async () => {
  await withFiles({ 'conf.d/a.yaml': `${HOST}${WEBSITE}` }, async (folder) => {
    const output = new Recorder();
    assert.equal(await showConfiguration({ config: folder.path }, output, FAKE_REQUEST), 0);
    const shown = parse(output.out);
    const page = shown.checks['website/page'];
    assert.equal(page.password, '***');
    assert.ok(!output.out.includes('CANARY'));
    assert.equal(page.timeout, '45s');
    assert.equal(page.notes, 'first line\nsecond');
    assert.equal(page['thresholds.size.critical'], '1KiB:');
    assert.equal(page.maximum, '1MiB');
    assert.match(output.out, /^ {4}timeout: 45s {2}# proxy tor$/m);
    assert.match(output.out, /^ {4}retries: \{ times: 2, after: 5s \} {2}# proxy tor$/m);
    assert.equal(shown.limits.per_host, 8);
    assert.match(output.out, /^ {4}address: 192.0.2.10 {2}# host web1$/m);
    assert.match(output.out, /^ {4}url: https:\/\/example.org\/ {2}# check$/m);
    assert.match(output.out, /^ {4}contacts: \[ sysadmins \] {2}# defaults$/m);
    assert.match(output.out, /^ {2}website\/page: {2}# .*a.yaml:7$/m);
    folder.write('conf.d/a.yaml', 'hosts: [');
    const failed = new Recorder();
    assert.equal(await showConfiguration({ config: folder.path }, failed, FAKE_REQUEST), 2);
    assert.match(failed.err, /not valid YAML/);
  });
});

test('[C2] `config confirm` names the files that are no longer used', async () => {
  await withFiles({ 'conf.d/a.yaml': HOST, 'conf.d/b.yaml': HOST.replace('web1', 'web2') }, async (folder) => {
    await folder.load();
    rmSync(join(folder.path, 'conf.d/b.yaml'));
    const output = new Recorder();
    assert.equal(await confirmConfiguration({ config: folder.path }, output), 0);
    assert.equal(output.out, 'conf.d/b.yaml: removed, no longer used\n');
    const again = new Recorder(true);
    await confirmConfiguration({ config: folder.path }, again);
    assert.equal(again.out, 'no file was removed\n');
  });
});

test('[C2] `config schema` prints the JSON Schema of either file', async () => {
  const whole = new Recorder();
  assert.equal(await printSchema({ isDropIn: false }, whole, FAKE_REQUEST), 0);
  assert.ok(JSON.parse(whole.out).properties.mail);
  const dropIn = new Recorder();
  await printSchema({ isDropIn: true }, dropIn, FAKE_REQUEST);
  assert.equal(JSON.parse(dropIn.out).properties.mail, undefined);
});

test('[A4] `types` lists the check types, and all of one', async () => {
  const list = new Recorder();
  assert.equal(await printTypes({}, list, FAKE_REQUEST), 0);
  assert.match(list.out, /^http {3}A web page is there\.\nping {3}A machine/);
  const one = new Recorder();
  await printTypes({ type: 'tcp' }, one, FAKE_REQUEST);
  assert.match(one.out, /^## tcp\n/);
  const wrong = new Recorder();
  assert.equal(await printTypes({ type: 'htpp' }, wrong, FAKE_REQUEST), 2);
  assert.match(wrong.err, /unknown check type, expected http, tcp, ping, proxy, found "htpp" \(did you mean "http"\?\)/);
  const json = new Recorder();
  await printTypes({ json: true }, json, FAKE_REQUEST);
  assert.equal(JSON.parse(json.out).length, 4);
});

test('[C2] the base of these tests is a configuration without mistakes', async () => {
  await withFiles({ 'vigie.yaml': `${BASE}${HOST}` }, async (folder) => {
    assert.equal((await folder.load()).configuration.checks.length, 2, 'hosts may stand in the global file too');
  });
});
