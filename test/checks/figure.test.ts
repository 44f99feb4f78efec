import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import figure from '../../checks/figure.ts';
import { codeOf, problemsOf, runCheck } from '../support/check.ts';
import { testContext } from '../support/context.ts';
import { rawServer } from '../support/raw-server.ts';

async function look(body: string, options: object = {}, status = '200 OK') {
  const server = await rawServer((socket) => {
    socket.end(`HTTP/1.1 ${status}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  });
  const seen = await runCheck(figure, { url: `http://127.0.0.1:${server.port}/`, ...options }, testContext());
  await server.close();
  return seen;
}

describe('figure', () => {
  for (const { name, body, options, value } of [
    { name: 'a number at a path', body: '{"statistics":{"opened":17}}', options: { json: 'statistics.opened' }, value: 17 },
    { name: 'a number that is text', body: '{"opened":"17"}', options: { json: 'opened' }, value: 17 },
    { name: 'the document itself', body: '3.5', options: {}, value: 3.5 },
    { name: 'a sum', body: '[{"n":1},{"n":2}]', options: { json: '[*].n' }, value: 3 },
    { name: 'a number of things', body: '[{},{},{}]', options: { json: '[*]', count: true }, value: 3 },
    { name: 'none of them', body: '[]', options: { json: '[*]', count: true }, value: 0 },
    { name: 'a factor', body: '0.25', options: { factor: 100 }, value: 25 },
  ]) {
    it(`[F6] ${name}`, async () => assert.equal((await look(body, options)).metrics?.['value'], value));
  }

  for (const { name, body, options, status, code } of [
    { name: 'no JSON', body: '<html>', options: {}, status: '200 OK', code: 'json.syntax' },
    { name: 'nothing there', body: '{}', options: { json: 'a' }, status: '200 OK', code: 'json.missing' },
    { name: 'words', body: '{"a":"many"}', options: { json: 'a' }, status: '200 OK', code: 'json.value' },
    { name: 'infinity', body: '1e999', options: {}, status: '200 OK', code: 'json.value' },
    { name: 'an error', body: '1', options: {}, status: '500 No', code: 'http.status' },
  ]) {
    it(`[F6] ${name} is ${code}`, async () => assert.equal(codeOf(await look(body, options, status)), code));
  }

  it('[F6] a path that is none is a mistake of the configuration', () => {
    assert.deepEqual(Object.keys(problemsOf(figure, { url: 'https://example.org/', json: 'a..b' })), ['json']);
  });
});
