import { cleanText, defineCheckType, option } from '../src/check-type.ts';
import { sendPings } from '../src/net/ping.ts';

export default defineCheckType({
  type: 'ping',
  summary: 'Sends ICMP echo requests and measures round trip time and loss.',
  options: {
    address: option.text('Name or address of the machine.', {
      default: '${host.address}',
      pattern: '^[^-\\s][^\\s]*$',
      maxLength: 255,
    }),
    family: option.choice('IP version; default: the first address of the name.', [4, 6], { optional: true }),
    count: option.integer('Packets to send.', { default: 3, min: 1, max: 20 }),
    wait: option.duration('How long the last packet is waited for.', { default: '2s', min: 0.1, max: 60 }),
  },
  metrics: {
    rtt: { unit: 's', label: 'Round trip', help: 'Mean round trip time.' },
    loss: { unit: '%', label: 'Loss', help: 'Share of packets that were not answered.' },
  },
  thresholds: { loss: { warning: '40%', critical: '80%' } },
  example: { address: '192.0.2.10' },
  proxied: false,
  target: ({ address }) => cleanText(address, 200),
  run: ({ address, family, count, wait }, context) => sendPings({ address, family, count, wait }, context),
});
