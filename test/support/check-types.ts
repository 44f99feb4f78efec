import { type CheckType, defineCheckType, option } from '../../src/check-type.ts';

const run = async () => ({ kind: 'measured' as const, output: 'seen', metrics: {} });
const TIME = { unit: 's', label: 'time', help: 'Until the answer was whole.' } as const;

/** Types with every kind of option, which look at nothing: for tests of the configuration. */
export const FAKE_TYPES: Record<string, CheckType> = {
  http: defineCheckType({
    type: 'http',
    summary: 'A web page is there.',
    options: {
      url: option.url('The address.', { schemes: ['http', 'https'] }),
      address: option.text('Connect to this instead.', { optional: true }),
      body: option.text('Text that must be in the answer.', { optional: true }),
      regex: option.regex('What the answer must match.', { optional: true }),
      method: option.choice('The method.', ['GET', 'HEAD', 'POST'], { default: 'GET' }),
      status: option.list('Accepted status codes.', option.integer('A code.', { min: 100, max: 599 }), {
        orOne: true,
        default: [200],
      }),
      headers: option.map('Headers to send.', option.text('A value.'), { keyPattern: '[A-Za-z0-9-]+', default: {} }),
      user: option.text('Login name.', { optional: true }),
      password: option.secret('Its password.', { optional: true }),
      auth: option.object(
        'Another login.',
        { user: option.text('Its name.'), password: option.secret('Its password.') },
        { optional: true },
      ),
      maximum: option.size('How much is read.', { default: '1MiB', max: 1_073_741_824 }),
      tls: option.object(
        'How the server proves itself.',
        { verify: option.boolean('Whether it must.', { default: true }), ca: option.text('A file.', { optional: true }) },
        { default: {} },
      ),
    },
    metrics: { time: TIME, size: { unit: 'B', label: 'size', help: 'Of the answer.' } },
    thresholds: { time: { critical: '30s' } },
    example: { url: 'https://example.org/' },
    proxied: true,
    target: (options) => options.url,
    validate: (options): Record<string, string> =>
      options.user !== undefined && options.password === undefined ? { user: 'user without password, expected both' } : {},
    run,
  }),
  tcp: defineCheckType({
    type: 'tcp',
    summary: 'A port answers.',
    options: {
      address: option.text('Name or address.'),
      port: option.integer('The port.', { min: 1, max: 65_535 }),
      send: option.text('What is sent.', { optional: true }),
      pause: option.duration('Before that.', { default: '0s', max: 60 }),
      share: { kind: 'range', help: 'Made up.', optional: true } as const,
    },
    metrics: { time: TIME },
    thresholds: {},
    example: { address: '192.0.2.1', port: 25 },
    proxied: true,
    target: (options) => `${options.address}:${options.port}`,
    run,
  }),
  ping: defineCheckType({
    type: 'ping',
    summary: 'A machine answers echo requests.',
    options: { address: option.text('Name or address.'), count: option.integer('How many.', { min: 1, max: 20, default: 3 }) },
    metrics: {
      loss: { unit: '%', label: 'loss', help: 'Of the packets.' },
      days_left: { unit: 'd', label: 'days', help: 'Made up.' },
    },
    thresholds: { loss: { warning: '20%', critical: '60%' } },
    example: { address: '192.0.2.1' },
    proxied: false,
    target: (options) => options.address,
    run,
  }),
  proxy: defineCheckType({
    type: 'proxy',
    summary: 'A SOCKS proxy answers.',
    options: { address: option.text('Name or address.'), port: option.integer('The port.', { min: 1, max: 65_535 }) },
    metrics: { time: TIME },
    thresholds: {},
    example: { address: '127.0.0.1', port: 9050 },
    proxied: false,
    target: (options) => `${options.address}:${options.port}`,
    run,
  }),
};

export const FAKE_REQUEST = {
  loadType: async (name: string) => FAKE_TYPES[name],
  typeNames: Object.keys(FAKE_TYPES),
  typesFingerprint: 'fake',
  version: 'test',
  now: Date.UTC(2026, 0, 1),
};
