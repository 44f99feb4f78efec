import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { openForwarder } from '../../src/net/forwarder.ts';
import { testContext } from '../support/context.ts';
import { type RawServer, rawServer } from '../support/raw-server.ts';
import { freePort } from '../support/server.ts';

const target = (port: number) => ({ host: '127.0.0.1', port });

/** Says something to a port and returns all that it answers until it closes. */
function talk(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (bytes) => {
      answer += bytes.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });
}

async function withEcho(act: (server: RawServer) => Promise<void>, answer: (socket: Socket, first: Buffer) => void): Promise<void> {
  const server = await rawServer(answer);
  await act(server);
  await server.close();
}

describe('the forwarder of external programs', () => {
  it('[N1] passes on what a program says, to the target and back', () =>
    withEcho(
      async (server) => {
        const forwarder = await openForwarder(target(server.port), testContext(), { maxBytes: 1000 });
        assert.equal(await talk(forwarder.port, 'hello'), 'heard hello');
        forwarder.insist();
        forwarder.close();
      },
      (socket, first) => socket.end(`heard ${first}`),
    ));

  it('[N1] a target that cannot be reached is told with the reason of the dialer', async () => {
    const forwarder = await openForwarder(target(await freePort()), testContext(), { maxBytes: 1000 });
    assert.equal(await talk(forwarder.port, 'hello'), '');
    assert.throws(() => forwarder.insist(), { code: 'network.refused' });
    forwarder.close();
  });

  it('[case R01] a target that says more than it may is size.wire, and is cut off', () =>
    withEcho(
      async (server) => {
        const forwarder = await openForwarder(target(server.port), testContext(), { maxBytes: 1000 });
        await talk(forwarder.port, 'hello');
        assert.throws(() => forwarder.insist(), { code: 'size.wire' });
        forwarder.close();
      },
      (socket) => socket.write('x'.repeat(5000)),
    ));

  it('[T1] the sum over all connections counts, and there are at most eight', () =>
    withEcho(
      async (server) => {
        const forwarder = await openForwarder(target(server.port), testContext(), { maxBytes: 5000 });
        for (let i = 0; i < 8; i += 1) assert.equal((await talk(forwarder.port, 'x')).length, 600);
        forwarder.insist();
        assert.equal(await talk(forwarder.port, 'x'), '');
        assert.equal(server.connections(), 8);
        forwarder.close();
      },
      (socket) => socket.end('y'.repeat(600)),
    ));

  it('[N1] a program that wants a web proxy gets to the target, and nowhere else', () =>
    withEcho(
      async (server) => {
        const settings = { maxBytes: 1000, isConnect: true };
        const forwarder = await openForwarder(target(server.port), testContext(), settings);
        const answer = await talk(forwarder.port, `CONNECT 127.0.0.1:${server.port} HTTP/1.1\r\nHost: x\r\n\r\nhello`);
        assert.equal(answer, 'HTTP/1.1 200 OK\r\n\r\nheard hello');
        forwarder.insist();
        for (const request of [
          'CONNECT 127.0.0.1:1 HTTP/1.1',
          'CONNECT example.org:443 HTTP/1.1',
          'GET http://127.0.0.1/ HTTP/1.1',
        ]) {
          const other = await openForwarder(target(server.port), testContext(), settings);
          assert.equal(await talk(other.port, `${request}\r\n\r\n`), '');
          assert.throws(() => other.insist(), { code: 'local.forwarder' });
          other.close();
        }
        assert.equal(server.connections(), 1);
        forwarder.close();
      },
      (socket, first) => socket.end(`heard ${first}`),
    ));
});
