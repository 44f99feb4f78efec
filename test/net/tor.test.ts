import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import http from '../../checks/http.ts';
import proxyCheck from '../../checks/proxy.ts';
import report from '../../checks/report.ts';
import { LookFailure, TargetFailure } from '../../src/core/failure.ts';
import { bind } from '../support/bind.ts';
import { testContext } from '../support/context.ts';
import { NOW, signedReport, testHost } from '../support/host-report.ts';
import { type RawServer, rawServer } from '../support/raw-server.ts';
import { needs } from '../support/server.ts';
import { makeOnionName, startTorNetwork, type TorNetwork, waitUntil } from '../support/tor-network.ts';

const here = needs('tor', 'tor-gencert');
let tor: TorNetwork;
let web: RawServer;
const web1 = testHost('web1');

function run(host: string, login: { check?: string; run?: number; tryNumber?: number } = {}) {
  const context = testContext({ proxy: { name: 'tor', host: '127.0.0.1', port: tor.socksPort }, timeoutMs: 30_000, ...login });
  return http.run(bind(http, { url: `http://${host}/`, body: 'behind the onion' }), context);
}

before(async () => {
  if (here.skip) return;
  web = await rawServer((socket, first) => {
    const body = first.toString().startsWith('GET /vigie-report ') ? signedReport(web1).toString() : 'behind the onion';
    socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  });
  tor = await startTorNetwork(`127.0.0.1:${web.port}`);
  await waitUntil(async () => (await run(tor.onion)).kind === 'measured', 120);
});
after(async () => {
  await tor?.stop();
  await web?.close();
});

test('[N1] an onion service is checked through Tor', here, async () => {
  const seen = await run(tor.onion);
  assert.equal(seen.kind, 'measured', seen.output);
});

test('[T6] [N1] a host’s report is fetched from its onion service', here, async () => {
  const proxy = { name: 'tor', host: '127.0.0.1', port: tor.socksPort };
  const options = bind(report, { url: `http://${tor.onion}/vigie-report`, host: 'web1', keys: [web1.line] });
  const seen = await report.run(options, testContext({ proxy, timeoutMs: 30_000, now: NOW }));
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

test('[case K04] a service whose web server has stopped is socks.01, and not the descriptor’s fault', here, async () => {
  await web.close();
  await assert.rejects(run(tor.onion, { check: 'web/stopped' }), { code: 'socks.01' });
});
