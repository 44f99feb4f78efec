import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import webStatus from '../../checks/web-status.ts';
import { codeOf, runCheck } from '../support/check.ts';
import { testContext } from '../support/context.ts';
import { startNginx } from '../support/nginx.ts';
import { rawServer } from '../support/raw-server.ts';
import { needs, statusOf } from '../support/server.ts';
import { startApache } from '../support/web-servers.ts';

const NOW = Date.UTC(2026, 10, 22);
const look = (url: string, memory?: unknown, now = NOW) => runCheck(webStatus, { url }, testContext({ memory, now }));

/** Two looks ten seconds apart, with twenty requests between them. */
async function lookTwice(port: number, url: string) {
  const first = await look(url);
  for (let i = 0; i < 20; i += 1) await statusOf(port, '/');
  return { first, second: await look(url, first.memory, NOW + 10_000) };
}

describe('web-status', () => {
  it('[F1] hits per second of the real nginx', needs('nginx'), async () => {
    const nginx = await startNginx({ lines: 'location = /status { stub_status; }' });
    const { first, second } = await lookTwice(nginx.port, `http://127.0.0.1:${nginx.port}/status`);
    await nginx.stop();
    assert.match(first.output, /^\d+ active, \d+ idle; hits per second come with the next look$/);
    // The second look is a request too.
    assert.equal(second.metrics?.['value'], 2.1, second.output);
    assert.match(second.output, /^2\.1 hits per second over 10 s, \d+ active, \d+ idle$/);
  });

  it('[F1] hits per second of the real Apache', needs('apache2'), async () => {
    const apache = await startApache();
    const { first, second } = await lookTwice(apache.port, `http://127.0.0.1:${apache.port}/server-status?auto`);
    await apache.stop();
    assert.equal(first.kind, 'measured', first.output);
    // Apache counts a request when it is over: its own are not all there yet.
    const value = second.metrics?.['value'] ?? 0;
    assert.ok(value >= 1.9 && value <= 2.2, second.output);
    assert.ok((second.metrics?.['active'] ?? 0) >= 1);
  });

  it('[F1] a server that was started anew has no rate, and the next look counts from there', async () => {
    const server = await rawServer((socket) => {
      const body = 'Active connections: 1 \nserver accepts handled requests\n 5 5 7 \nReading: 0 Writing: 1 Waiting: 0 \n';
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    });
    const seen = await look(`http://127.0.0.1:${server.port}/`, { at: NOW - 60_000, requests: 1000 });
    await server.close();
    assert.deepEqual(
      [seen.metrics, seen.memory],
      [
        { active: 1, idle: 0 },
        { at: NOW, requests: 7 },
      ],
    );
  });

  for (const { name, answer, code } of [
    { name: 'a page', answer: 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>', code: 'status.foreign' },
    { name: 'a refusal', answer: 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n', code: 'http.status' },
  ]) {
    it(`[T1] ${name} is ${code}`, async () => {
      const server = await rawServer((socket) => {
        socket.end(answer);
      });
      const seen = await look(`http://127.0.0.1:${server.port}/`);
      await server.close();
      assert.equal(codeOf(seen), code);
    });
  }
});
