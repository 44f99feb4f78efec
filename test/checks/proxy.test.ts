import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import proxy from '../../checks/proxy.ts';
import { codeOf, runCheck } from '../support/check.ts';
import { type TestContextSettings, testContext, timeFor } from '../support/context.ts';
import { freePort, needs } from '../support/server.ts';
import { startMicrosocks } from '../support/socks.ts';
import { startRawServer } from '../support/tls-server.ts';

const look = (port: number, settings?: TestContextSettings) =>
  runCheck(proxy, { address: '127.0.0.1', port }, testContext(settings));

describe('proxy check', () => {
  it('[N1] a proxy that answers the greeting is measured', needs('microsocks'), async () => {
    const { port, stop } = await startMicrosocks();
    try {
      const seen = await look(port);
      assert.match(seen.output, /^SOCKS 5 greeting in \d\.\d{3} s$/);
      assert.ok((seen.metrics?.['time'] ?? 0) > 0);
    } finally {
      await stop();
    }
  });

  it('[case K01] a proxy that is down refuses', async () => {
    assert.equal(codeOf(await look(await freePort())), 'network.refused');
  });

  const answers: { name: string; answer: number[] | null; code: string }[] = [
    { name: '[case K02] silence', answer: null, code: 'timeout.total' },
    { name: '[case K06] another version', answer: [4, 0], code: 'socks.greeting' },
    { name: '[case K06] no method accepted', answer: [5, 0xff], code: 'socks.greeting' },
    { name: '[case K06] a method that nobody offered', answer: [5, 1], code: 'socks.greeting' },
    { name: 'something that is no proxy', answer: [...Buffer.from('220 mail.test ESMTP\r\n')], code: 'socks.greeting' },
  ];
  for (const { name, answer, code } of answers) {
    it(`[N1] ${name} is ${code}`, async () => {
      const server = await startRawServer((socket) => {
        if (answer !== null) socket.write(Buffer.from(answer));
      });
      try {
        assert.equal(codeOf(await look(server.port, timeFor(code, 400))), code);
      } finally {
        server.stop();
      }
    });
  }
});
