import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import http from '../../checks/http.ts';
import onion from '../../checks/onion.ts';
import proxyCheck from '../../checks/proxy.ts';
import report from '../../checks/report.ts';
import { LookFailure, TargetFailure } from '../../src/core/failure.ts';
import { bind } from '../support/bind.ts';
import { type CertificateRig, certificateRig } from '../support/certificates.ts';
import { codeOf, runCheck } from '../support/check.ts';
import { globalFile, installation, vigie } from '../support/cli.ts';
import { testContext } from '../support/context.ts';
import { DEMO_CATALOGUE, demoSnapshot } from '../support/demo.ts';
import { openChromium, openFirefox, throughTor } from '../support/firefox.ts';
import { NOW, signedReport, testHost } from '../support/host-report.ts';
import { needs } from '../support/server.ts';
import { makeShippedKey, type Serving, shippedTorrc, startShipped } from '../support/shipped-servers.ts';
import { type PublishedSites, publishInto } from '../support/site.ts';
import { type SiteServer, serveFolder } from '../support/site-server.ts';
import {
  makeClientKey,
  makeOnionName,
  startTorNetwork,
  type TorClient,
  type TorNetwork,
  waitUntil,
} from '../support/tor-network.ts';

const here = needs('tor', 'tor-gencert', 'nginx');
let tor: TorNetwork;
let web: SiteServer;
let sites: PublishedSites;
let rig: CertificateRig;
/** nginx as docs/web-servers has it, in front of both sites. */
let shipped: Serving;
const web1 = testHost('web1');
/** Clients that have the key for the service `closed`, a wrong one, and none; each lets us in to its control port in its own way. */
let keyed: TorClient;
let mistaken: TorClient;
let keyless: TorClient;
const key = makeClientKey();
/** For the private site as docs/web-servers has it: made with the commands that stand there. */
const colleague = here.skip ? makeClientKey() : makeShippedKey();
/** `tor --hash-password opensesame`: the salt may be any. */
const hashedPassword = () =>
  spawnSync('tor', ['--hash-password', 'opensesame'], { encoding: 'utf8' }).stdout.trim().split('\n').at(-1);

function run(host: string, login: { check?: string; run?: number; tryNumber?: number } = {}) {
  const context = testContext({ proxy: { name: 'tor', host: '127.0.0.1', port: tor.socksPort }, ...login });
  return http.run(bind(http, { url: `http://${host}/`, body: 'behind the onion' }), context);
}

/** The service with client authorisation, as the check type `http` sees it through this client. */
function runClosed({ socksPort }: TorClient) {
  const context = testContext({ proxy: { name: 'tor', host: '127.0.0.1', port: socksPort } });
  return runCheck(http, { url: `http://${tor.onions['closed']}/`, body: 'behind the onion' }, context);
}

function look(address: string | undefined, options: Record<string, unknown>) {
  return runCheck(onion, { address, ...options }, testContext({ secrets: { P: 'opensesame' } }));
}

before(async () => {
  if (here.skip) return;
  sites = await publishInto(demoSnapshot(), DEMO_CATALOGUE);
  web = await serveFolder(sites.folder, {
    '/': 'behind the onion',
    '/vigie-report': signedReport(web1).toString(),
  });
  const ports = { 80: `127.0.0.1:${web.port}` };
  rig = certificateRig();
  shipped = await startShipped('nginx', sites.folder, rig.issue('status.example.org'));
  const site = { ports: {}, lines: (folder: string) => shippedTorrc(folder, shipped.socket ?? ''), only: colleague.service };
  tor = await startTorNetwork({ open: { ports }, closed: { ports, only: key.service }, site });
  const nameOf = (service: string) => (tor.onions[service] ?? '').replace('.onion', '');
  const keys = { [nameOf('closed')]: key.client, [nameOf('site')]: colleague.client };
  const lines = (folder: string) => `ControlSocket ${folder}/control\nCookieAuthentication 1\n`;
  [keyed, mistaken, keyless] = await Promise.all([
    tor.addClient('keyed', { keys, lines }),
    tor.addClient('mistaken', { keys: { [nameOf('closed')]: makeClientKey().client } }),
    tor.addClient('keyless', { lines: () => `HashedControlPassword ${hashedPassword()}\n` }),
  ]);
  await waitUntil(async () => (await run(tor.onion)).kind === 'measured', 120);
  await waitUntil(async () => (await runClosed(keyed)).kind === 'measured', 120);
  const proxy = { name: 'tor', host: '127.0.0.1', port: keyed.socksPort };
  const seeSite = () => runCheck(http, { url: `http://${tor.onions['site']}/` }, testContext({ proxy }));
  await waitUntil(async () => (await seeSite()).kind === 'measured', 120);
});
after(async () => {
  await tor?.stop();
  web?.close();
  await shipped?.stop();
  rig?.remove();
  sites?.remove();
});

test('[N1] an onion service is checked through Tor', here, async () => {
  const seen = await run(tor.onion);
  assert.equal(seen.kind, 'measured', seen.output);
});

test(
  '[H2] vigie doctor sees the private site behind client authorisation as who holds a key does; who holds none does not find it',
  here,
  async () => {
    const proxies = `proxies:\n  keyed: { url: "socks5h://127.0.0.1:${keyed.socksPort}" }\n  keyless: { url: "socks5h://127.0.0.1:${keyless.socksPort}" }\n`;
    const checks = 'services:\n  website: { checks: { page: { type: http, url: "http://127.0.0.1:1/" } } }\n';
    const home = installation(globalFile('maildir:state/mail', proxies), { 'website.yaml': checks });
    try {
      const doctor = (via: string) => vigie(home.path, ['doctor', `http://${tor.onions['site']}/`, '--via', via]);
      const seen = await doctor('keyed');
      assert.equal(seen.code, 0, seen.stdout + seen.stderr);
      assert.match(seen.stdout, /^ok {2}etag: /m);
      const { code, stdout } = await doctor('keyless');
      assert.equal(code, 1);
      assert.match(stdout, /^BAD page: .*\(F4\)/m);
      assert.equal((await doctor('nobody')).code, 2);
    } finally {
      home.remove();
    }
  },
);
test('[T6] [N1] a host’s report is fetched from its onion service', here, async () => {
  const proxy = { name: 'tor', host: '127.0.0.1', port: tor.socksPort };
  const options = bind(report, { url: `http://${tor.onion}/vigie-report`, host: 'web1', keys: [web1.line] });
  const seen = await report.run(options, testContext({ proxy, now: NOW }));
  assert.deepEqual([seen.kind, seen.report?.report.host], ['measured', 'web1'], seen.output);
});

test('[N1] the proxy check finds Tor working', here, async () => {
  const options = bind(proxyCheck, { address: '127.0.0.1', port: tor.socksPort });
  assert.equal((await proxyCheck.run(options, testContext())).kind, 'measured');
});

test('[case K04] an onion that was never published is socks.f0, which is no "service down"', here, async () => {
  await assert.rejects(run(makeOnionName()), (error) => {
    assert.ok(error instanceof TargetFailure);
    assert.equal(error.code, 'socks.f0', error.message);
    assert.match(error.message, /onion descriptor not found \(F0\)/);
    return true;
  });
});

test('[case K04] an onion name with a bad checksum is socks.f6: our configuration', here, async () => {
  await assert.rejects(run(`${'a'.repeat(56)}.onion`), (error) => {
    assert.ok(error instanceof LookFailure);
    assert.equal(error.code, 'socks.f6', error.message);
    return true;
  });
});

test('[case K04] a port that the onion does not offer is socks.05', here, async () => {
  await assert.rejects(run(`${tor.onion}:81`), { code: 'socks.05' });
});

/** Rendezvous circuits of the client to the service, by Tor's own account: one per SOCKS user and password. */
async function rendezvousLogins(): Promise<Set<string>> {
  const text = await new Promise<string>((resolve, reject) => {
    let all = '';
    const socket = connect(tor.controlPort, '127.0.0.1', () => socket.write('AUTHENTICATE\r\nGETINFO circuit-status\r\nQUIT\r\n'));
    socket.on('data', (bytes) => {
      all += bytes.toString();
    });
    socket.once('close', () => resolve(all));
    socket.once('error', reject);
  });
  const lines = text.split('\r\n').filter((line) => line.includes('PURPOSE=HS_CLIENT_REND') && line.includes('SOCKS_USERNAME'));
  return new Set(lines.map((line) => /SOCKS_USERNAME="([^"]*)" SOCKS_PASSWORD="([^"]*)"/.exec(line)?.slice(1).join(' ') ?? line));
}

test('[N2] [case K11] two tries, two runs and two checks each have a circuit of their own', here, async () => {
  await run(tor.onion, { check: 'web/a', run: 5, tryNumber: 1 });
  await run(tor.onion, { check: 'web/a', run: 5, tryNumber: 2 });
  await run(tor.onion, { check: 'web/a', run: 6, tryNumber: 1 });
  await run(tor.onion, { check: 'web/b', run: 5, tryNumber: 1 });
  const logins = await rendezvousLogins();
  for (const login of ['web/a 5.1', 'web/a 5.2', 'web/a 6.1', 'web/b 5.1']) assert.ok(logins.has(login), [...logins].join(', '));
});

const BROWSERS = [
  { name: 'Firefox at the strictest level', program: 'firefox-esr', open: () => openFirefox('safest', throughTor(tor.socksPort)) },
  { name: 'Chromium', program: 'chromium', open: () => openChromium([`--proxy-server=socks5://127.0.0.1:${tor.socksPort}`]) },
];
const PAGES = [
  { path: 'private/index.html', words: /HTTP 503 in 0\.42 s, expected 200-299/, drawn: '.bar i' },
  { path: 'private/checks/website/front-page.html', words: /HTTP 503 in 0\.42 s, expected 200-299/, drawn: '.columns i' },
  { path: 'public/index.html', words: /Website and .* are down/, drawn: '.bar i' },
];
for (const { name, program, open } of BROWSERS) {
  test(
    `[H2] [case W07] both sites are read through Tor as they stand by ${name}: each page and its style sheet`,
    needs('tor', 'tor-gencert', program),
    async () => {
      const browser = await open();
      try {
        for (const { path, words, drawn } of PAGES) {
          web.requests.length = 0;
          const page = await browser.newPage();
          const answer = await page.goto(`http://${tor.onion}/${path}`, { timeout: 60_000 });
          assert.equal(answer?.status(), 200);
          assert.match((await page.evaluate('document.body.innerText')) as string, words);
          const height = await page.evaluate(`document.querySelector("${drawn}").getBoundingClientRect().height`);
          assert.ok(Number(height) > 5, `${path} is styled: ${height}`);
          await page.close();
          const asked = new Set(web.requests.filter((one) => one !== '/favicon.ico'));
          // A browser may ask for the style sheet of a site once only.
          for (const one of asked)
            assert.ok([`/${path}`, `/${path.split('/')[0]}/style.css`].includes(one), `${path} asks for ${one}`);
          assert.ok(asked.has(`/${path}`));
        }
      } finally {
        await browser.close();
      }
    },
  );
}

for (const { name, client, code, words } of [
  {
    name: 'without a key',
    client: () => keyless,
    code: 'socks.f4',
    words: /needs client authorisation, and none is configured \(F4\)$/,
  },
  {
    name: 'with a wrong key',
    client: () => mistaken,
    code: 'socks.f5',
    words: /refuses the configured client authorisation \(F5\)$/,
  },
]) {
  test(`[N1] [case K04] a service with client authorisation ${name} is ${code}: we could not look`, here, async () => {
    const seen = await runClosed(client());
    assert.deepEqual([seen.kind, codeOf(seen)], ['unknown', code], seen.output);
    assert.match(seen.output, words);
  });
}

test('[N1] a service with client authorisation is checked by a Tor that has the key', here, async () => {
  assert.equal((await runClosed(keyed)).kind, 'measured');
});

test('[K17] the descriptor of an onion is fetched anew, and its introduction points are counted', here, async () => {
  const seen = await look(tor.onion, { control: `127.0.0.1:${tor.controlPort}` });
  assert.equal(seen.kind, 'measured', seen.output);
  assert.match(seen.output, /^descriptor with 3 introduction points in /);
});

test('[K17] [T1] by SAFECOOKIE on a socket, and with client authorisation by the key that Tor has', here, async () => {
  const seen = await look(tor.onions['closed'], { control: `${keyed.folder}/control` });
  assert.match(seen.output, /^descriptor with [1-5] introduction points?, with the key of this Tor in /);
});

test('[K17] by password; a Tor without the key, or with a wrong one, says which', here, async () => {
  const none = await look(tor.onions['closed'], { control: `127.0.0.1:${keyless.controlPort}`, password: { env: 'P' } });
  assert.deepEqual([none.kind, codeOf(none)], ['unknown', 'onion.no_key'], none.output);
  const wrong = await look(tor.onions['closed'], { control: `127.0.0.1:${mistaken.controlPort}` });
  assert.deepEqual([wrong.kind, codeOf(wrong)], ['unknown', 'onion.key'], wrong.output);
  const unknown = await look(tor.onion, { control: `127.0.0.1:${keyless.controlPort}` });
  assert.deepEqual([unknown.kind, codeOf(unknown)], ['unknown', 'control.login'], unknown.output);
});

test('[K17] an onion that was never published is found nowhere: every directory is asked', here, async () => {
  const seen = await look(makeOnionName(), { control: `127.0.0.1:${tor.controlPort}` });
  assert.equal(codeOf(seen), 'onion.not_found', seen.output);
  assert.match(seen.output, /^descriptor of the onion: none of [2-8] directories has it$/);
});

test('[case K04] a service whose web server has stopped is socks.01, and not the descriptor’s fault', here, async () => {
  web.close();
  await assert.rejects(run(tor.onion, { check: 'web/stopped' }), { code: 'socks.01' });
  assert.equal((await look(tor.onion, { control: `127.0.0.1:${tor.controlPort}` })).kind, 'measured');
});
