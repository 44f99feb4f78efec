import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import packet from 'dns-packet';
import { requestHttp } from '../../src/net/http.ts';
import { planRedirect, type RedirectPolicy } from '../../src/net/redirect.ts';
import { testContext } from '../support/context.ts';
import { type RawServer, rawServer } from '../support/raw-server.ts';
import { temporaryFolder } from '../support/server.ts';

const folder = temporaryFolder();
after(() => folder.remove());
const hostsFile = join(folder.path, 'hosts');
writeFileSync(hostsFile, '127.0.0.1 front.test\n127.0.0.1 other.test\n::1 six.test\n');

/** A server that redirects every request to what `location` says of its number, or answers 200 when that is null. */
function redirecting(location: (n: number) => string | null): Promise<RawServer> {
  let n = 0;
  return rawServer((socket) => {
    n += 1;
    const where = location(n);
    socket.end(
      where === null ? 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok' : `HTTP/1.1 302 Found\r\nlocation: ${where}\r\n\r\n`,
    );
  });
}

function follow(server: RawServer, redirects: RedirectPolicy, headers: Record<string, string> = {}) {
  const context = testContext({ resolver: { hostsFile } });
  return requestHttp({ url: `http://front.test:${server.port}/`, redirects, headers }, context);
}

test('[T1] redirects are not followed unless asked for', async () => {
  const server = await redirecting(() => '/next');
  const response = await follow(server, 'none');
  assert.equal(response.status, 302);
  assert.equal(server.connections(), 1);
  await server.close();
});

test('[case H20] five redirects are followed, each on a connection of its own', async () => {
  const server = await redirecting((n) => (n <= 5 ? `/${n}` : null));
  const response = await follow(server, 'same-host');
  assert.equal(response.redirects, 5);
  assert.equal(server.connections(), 6);
  await server.close();
});

for (const { name, location } of [
  { name: '[case H19] a redirect loop', location: () => '/again' },
  { name: '[case H20] 21 hops', location: (n: number) => (n <= 21 ? `/${n}` : null) },
]) {
  test(`${name} ends as redirect.limit`, async () => {
    const server = await redirecting(location);
    await assert.rejects(follow(server, 'same-host'), { code: 'redirect.limit' });
    assert.equal(server.connections(), 6);
    await server.close();
  });
}

for (const scheme of ['file:///etc/passwd', 'data:text/plain,hi', 'javascript:alert(1)', 'ftp://front.test/']) {
  test(`[case H21] a redirect to ${scheme} is redirect.scheme`, async () => {
    const server = await redirecting(() => scheme);
    await assert.rejects(follow(server, 'any'), { code: 'redirect.scheme' });
    assert.equal(server.connections(), 1);
    await server.close();
  });
}

const PRIVATE = [
  '127.0.0.1',
  '[::1]',
  '169.254.169.254',
  '10.0.0.1',
  '192.168.1.1',
  '[fd00::1]',
  '0.0.0.0',
  '2130706433',
  '0177.0.0.1',
];
for (const host of [
  ...PRIVATE,
  '0x7f.1',
  '[::ffff:127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '100.64.0.1',
  '224.0.0.1',
  '[fe80::1]',
  '[2002:7f00:1::]',
]) {
  for (const policy of ['same-host', 'any'] as const) {
    test(`[case H22] a redirect to ${host} under ${policy} is redirect.address`, async () => {
      const tripwire = await rawServer(() => {});
      const server = await redirecting(() => `http://${host}:${tripwire.port}/`);
      await assert.rejects(follow(server, policy), { code: 'redirect.address' });
      assert.equal(tripwire.connections(), 0);
      await server.close();
      await tripwire.close();
    });
  }
}

for (const host of ['other.test', 'six.test', 'localhost']) {
  test(`[case H22] a redirect to the name ${host} of a loopback address is redirect.address`, async () => {
    const tripwire = await rawServer(() => {});
    const server = await redirecting(() => `http://${host}:${tripwire.port}/`);
    const context = testContext({ resolver: { hostsFile: hostsWithLocalhost() } });
    const request = { url: `http://front.test:${server.port}/`, redirects: 'any' as const };
    await assert.rejects(requestHttp(request, context), { code: 'redirect.address' });
    assert.equal(tripwire.connections(), 0);
    await server.close();
    await tripwire.close();
  });
}

function hostsWithLocalhost(): string {
  const file = join(folder.path, 'hosts-localhost');
  writeFileSync(file, '127.0.0.1 front.test other.test localhost\n::1 six.test localhost\n');
  return file;
}

test('[T1] another host is redirect.host when only the same host is allowed', async () => {
  const server = await redirecting(() => 'http://other.test/');
  await assert.rejects(follow(server, 'same-host'), { code: 'redirect.host' });
  await server.close();
});

test('[case H23] rights and unknown headers stay with their origin, and the body is not sent elsewhere', () => {
  const origin = new URL('https://front.test/');
  const headers = { Authorization: 'Basic x', Cookie: 'a=b', 'X-Token': 't', accept: 'text/html' };
  const step = { url: origin, method: 'GET', headers, body: undefined, publicOnly: false };
  const foreign = planRedirect(step, origin, { status: 302, location: 'https://user:pw@elsewhere.example/' }, 'any');
  assert.deepEqual(foreign.headers, { accept: 'text/html' });
  assert.equal(foreign.url.href, 'https://elsewhere.example/');
  assert.equal(foreign.publicOnly, true);
  // Plain http on the same host is another origin too: the rights would cross the wire in clear.
  assert.deepEqual(planRedirect(step, origin, { status: 302, location: 'http://front.test/' }, 'any').headers, {
    accept: 'text/html',
  });
  assert.deepEqual(planRedirect(step, origin, { status: 302, location: '/login' }, 'same-host').headers, headers);
  const post = { ...step, method: 'POST', body: 'secret' };
  assert.throws(() => planRedirect(post, origin, { status: 307, location: 'https://elsewhere.example/' }, 'any'), {
    code: 'redirect.body',
  });
  const see = planRedirect(post, origin, { status: 303, location: '/done' }, 'same-host');
  assert.deepEqual([see.method, see.body], ['GET', undefined]);
  const kept = planRedirect(post, origin, { status: 308, location: '/new' }, 'same-host');
  assert.deepEqual([kept.method, kept.body], ['POST', 'secret']);
});

test('[case H24] [case D12] a name is judged by the very answer that is connected to, so it cannot turn to loopback in between', async () => {
  const tripwire = await rawServer(() => {});
  let questions = 0;
  const dns = createSocket('udp4');
  dns.on('message', (bytes, from) => {
    const query = packet.decode(bytes);
    const type = query.questions?.[0]?.type;
    if (type === 'A') questions += 1;
    const answers = type === 'A' ? [{ type: 'A' as const, name: 'rebind.example', ttl: 0, data: '127.0.0.1' }] : [];
    const reply = packet.encode({
      type: 'response',
      id: query.id ?? 0,
      flags: packet.RECURSION_DESIRED,
      questions: query.questions ?? [],
      answers,
    });
    dns.send(reply, from.port, from.address);
  });
  await new Promise<void>((resolve) => dns.bind(0, '127.0.0.1', resolve));
  const server = await redirecting(() => `http://rebind.example:${tripwire.port}/`);
  const resolver = { hostsFile, servers: [`127.0.0.1:${dns.address().port}`] };
  const ask = requestHttp({ url: `http://front.test:${server.port}/`, redirects: 'any' }, testContext({ resolver }));
  await assert.rejects(ask, { code: 'redirect.address' });
  // One question for one connection: there is no second answer that could differ from the one that was judged.
  assert.equal(questions, 1);
  assert.equal(tripwire.connections(), 0);
  dns.close();
  await server.close();
  await tripwire.close();
});

for (const { name, location, code } of [
  { name: 'CR and LF', location: '/a\r\n\tb: c', code: /^(redirect\.invalid|protocol\.)/ },
  { name: 'NUL', location: '/a\u0000b', code: /^(redirect\.invalid|protocol\.)/ },
  { name: '4 KiB', location: `/${'x'.repeat(4096)}`, code: /^redirect\.invalid$/ },
  { name: '1 MB', location: `/${'x'.repeat(1e6)}`, code: /^protocol\.header_overflow$/ },
  { name: 'nothing in it', location: '', code: /^redirect\.invalid$/ },
  { name: 'no address', location: 'http://[::1', code: /^redirect\.invalid$/ },
]) {
  test(`[case H25] a Location with ${name} is refused`, async () => {
    const server = await redirecting(() => location);
    await assert.rejects(follow(server, 'any'), (error: { code: string }) => code.test(error.code));
    assert.equal(server.connections(), 1);
    await server.close();
  });
}
