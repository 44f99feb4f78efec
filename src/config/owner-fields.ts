import { option } from '../core/option.ts';
import { INHERITABLE } from './check-fields.ts';
import { checksField, type Fields, line, names, optional, publicField, section } from './field.ts';

const PROFILE: Fields = {
  ...INHERITABLE,
  checks: checksField('Checks by name, for every host that uses the profile.'),
};

/** Where a host's own report is, and whose signature makes it the host's: the check `HOST/report` is made from it. */
const REPORT: Fields = {
  url: option.url('Where the host shows it: `https`, or the `http` of an onion service.', {
    schemes: ['http', 'https'],
    optional: true,
  }),
  via: line('The proxy through which `url` or `exporter` is fetched; default: as for the host.', optional),
  inbox: line('Or the folder that the host pushes it to, as `vigie-report`; relative to the global file.', optional),
  file: line('Or a file on this machine, relative to the global file.', optional),
  agent: line(
    "With `file`: vigie runs this machine's agent itself, as its own user, with this configuration; relative to the global file.",
    optional,
  ),
  exporter: option.url('Or, without a signature, the metrics of its `prometheus-node-exporter`.', {
    schemes: ['http', 'https'],
    optional: true,
  }),
  keys: option.list(
    'Its public keys, as `ssh-ed25519 AAAA...`: at most two, of no other host.',
    option.text('A key.', { maxLength: 500 }),
    { minItems: 1, maxItems: 2, orOne: true, optional: true },
  ),
  interval: option.duration('How often the host makes one, and how often it is looked for.', { min: 1, optional: true }),
  max_age: option.duration('How old it may be; default: three times `interval`. With `exporter`: its text files; default: 1h.', {
    min: 1,
    optional: true,
  }),
};

export const HOST: Fields = {
  address: line('Its name or address in the network: `${host.address}`, and the default of every `address` option.', optional),
  profiles: option.list('Profiles whose settings and checks it takes; the later wins.', line('A profile.'), optional),
  parents: option.list(
    'Hosts that must be reachable for this one to be: what their `alive` check says.',
    line('A host.'),
    optional,
  ),
  labels: option.map('Free words about it.', line('Any text.'), { keyPattern: '[A-Za-z0-9._-]+', optional: true }),
  report: section('What the host says of itself, signed by it: see [hosts](hosts.md). It has the check `HOST/report`.', REPORT),
  checks: checksField(
    'Checks by name; one of a profile is changed key by key, switched off by `enabled: false`, removed by `null`.',
  ),
  ...INHERITABLE,
};

export const SERVICE: Fields = {
  title: line('Its name for people; default: its name here.', optional),
  host: line('The host that it runs on.', optional),
  group: line('Heading under which the public page lists it.', { default: 'Services' }),
  needed_by: option.list('Who is hurt when it is down: development, release, users ...', line('A word.'), optional),
  public: publicField(
    'Whether it is on the public page, with its title, or with `{ title, description }`. Its checks count there.',
  ),
  any: section('It is down only when this many of these checks are.', {
    of: option.list('Checks: names within the service, or whole ids.', line('A check.'), { minItems: 1 }),
    at_least: option.integer('How many must fail.', { min: 1 }),
  }),
  checks: checksField('Checks by name.'),
  ...INHERITABLE,
};

/** Sections of named things, in the global file and in drop-ins. */
export const SHARED: Fields = {
  profiles: names('Reusable sets of checks and settings, for hosts.', section('A profile.', PROFILE)),
  hosts: names('Machines.', section('A machine.', HOST)),
  services: names('What people use.', section('A service.', SERVICE)),
};
