import { cleanText, defineCheckType, option, TargetFailure } from '../src/check-type.ts';
import { createReader } from '../src/net/limits.ts';

/** RFC 1928 section 3: version 5, two methods, none and user with password: the same greeting as a check through the proxy sends. */
const GREETING = Buffer.from([5, 2, 0, 2]);
const ACCEPTED_METHODS = new Set([0, 2]);

export default defineCheckType({
  type: 'proxy',
  summary: 'Asks a SOCKS proxy whether it would work: connection and greeting. Exists by itself for every configured proxy.',
  options: {
    address: option.text('Name or address of the proxy.', { maxLength: 255 }),
    port: option.integer('Its port.', { default: 1080, min: 1, max: 65535 }),
  },
  metrics: { time: { unit: 's', label: 'Time', help: 'Until the proxy answered the greeting.' } },
  thresholds: {},
  example: { address: '127.0.0.1', port: 9050 },
  proxied: false,
  target: ({ address, port }) => `${cleanText(address, 200)} port ${port}`,
  async run({ address, port }, context) {
    const socket = await context.dial({ host: address, port });
    try {
      socket.write(GREETING);
      const answer = await createReader(socket, context.signal, 512).read((bytes) => (bytes.length >= 2 ? 2 : null));
      context.trace(`greeting answered with ${answer.toString('hex')}`);
      const [version, method = -1] = answer;
      if (version !== 5) throw new TargetFailure('socks.greeting', `proxy answered with version ${version}, expected SOCKS 5`);
      if (!ACCEPTED_METHODS.has(method))
        throw new TargetFailure('socks.greeting', 'proxy accepts none of the login methods offered');
      const time = Math.round(context.elapsed() * 1e4) / 1e4;
      return { kind: 'measured', output: `SOCKS 5 greeting in ${time.toFixed(3)} s`, metrics: { time } };
    } finally {
      socket.destroy();
    }
  },
});
