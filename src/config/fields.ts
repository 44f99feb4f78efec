import { PRIORITIES } from '../core/configuration.ts';
import { type Option, option } from '../core/option.ts';

/**
 * What a configuration file may hold, as plain declarations like those of a check type's options: the loader's schema, the
 * JSON Schema and the reference are made from them. Some kinds exist only here.
 */
export type Field =
  | Option
  /** A map with fixed keys. */
  | Section
  /** A map with names as keys. */
  | { kind: 'names'; help: string; item: Field; optional: true; default?: undefined }
  /** Checks by name: settings, and the options of their type. */
  | { kind: 'checks'; help: string; optional: true; default?: undefined }
  /** Levels by metric. */
  | { kind: 'thresholds'; help: string; optional: true; default?: undefined }
  /** `true`, `false` or `{ title, description }`. */
  | { kind: 'public'; help: string; optional: true; default?: undefined }
  /** FREQUENCY, or `off`. */
  | { kind: 'frequency'; help: string; optional: true; default?: undefined }
  /** `true` or `false`; `on` and `off` mean the same. */
  | { kind: 'switch'; help: string; optional?: undefined; default: boolean };
export type Fields = Record<string, Field>;
export interface Section {
  kind: 'section';
  help: string;
  fields: Fields;
  optional: true;
  default?: undefined;
}

/** Names become ids and names of pages: never a path, never a shell's word. */
export const NAME = '[a-z0-9][a-z0-9._-]*';
/** `proxy` is the owner of the proxies' checks; `constructor` is a member of every JavaScript object; `direct` means no proxy. */
export const RESERVED = ['proxy', 'constructor', 'direct'];

const section = (help: string, fields: Fields): Section => ({ kind: 'section', help, fields, optional: true });
const names = (help: string, item: Field): Field => ({ kind: 'names', help, item, optional: true });
/** Text that may become a header of a mail or a line of a page: no line break and no other control character. */
const line = (help: string, extra: { default?: string; optional?: true } = {}) =>
  option.text(help, { pattern: '[^\\p{Cc}\\p{Zl}\\p{Zp}]*', maxLength: 500, ...extra });
const optional = { optional: true } as const;
const publicField = (help: string): Field => ({ kind: 'public', help, optional: true });
const checksField = (help: string): Field => ({ kind: 'checks', help, optional: true });

/** Settings that a check takes from the nearest layer that has them; the defaults here apply when none has. */
export const INHERITABLE = {
  contacts: option.list('Who is told: names of contacts.', line('A contact.'), optional),
  priority: option.choice('How much it matters.', PRIORITIES, { default: 'medium' }),
  escalate: option.list(
    'Who else is told of a problem that nobody acknowledged so long after it was first told.',
    option.object('A step.', {
      after: option.duration('How long after.', { min: 60 }),
      contacts: option.list('Names of contacts.', line('A contact.'), { minItems: 1 }),
    }),
    optional,
  ),
  remind: option.list(
    'When a problem that nobody acknowledged is told again, counted from the first time: `[1h, 4h, every 1d]`; `[]` is never. Default: by priority.',
    line('`4h`, or `every 1d` as the last.'),
    optional,
  ),
  every: option.duration('How often it runs.', { min: 1, default: '5m' }),
  recheck: option.duration('How often it runs while it fails and is not yet told.', { min: 1, default: '1m' }),
  timeout: option.duration('How long one try may take.', { min: 0.1, max: 3600, default: '10s' }),
  retries: section('Further tries within the run: one after 2s, through a proxy two after 5s.', {
    times: option.integer('How many.', { min: 0, max: 20, optional: true }),
    after: option.duration('Pause before each.', { max: 600, optional: true }),
  }),
  attempts: option.integer('Failures in a row before a problem is told.', { min: 1, max: 100, default: 3 }),
  recoveries: option.integer('OK results in a row that end a problem.', { min: 1, max: 100, default: 1 }),
  unknown_attempts: option.integer('UNKNOWN results in a row before that is told.', { min: 1, max: 100, default: 6 }),
  frequency: {
    kind: 'frequency',
    help: 'Failures that are too many though they never come `attempts` in a row; `off`: never. Default: 6 of 20.',
    optional: true,
  },
  daily_pattern: {
    kind: 'switch',
    help: 'Whether failures at the same time of day are told as a pattern, and their problems wait 30 minutes.',
    default: true,
  },
  depends_on: option.list(
    'Checks that must work for this one to be judged, besides its host, the parents of its host and its proxy: ids, or names of the same owner.',
    line('A check.'),
    optional,
  ),
  via: line('The proxy that it goes through, or `direct`.', { default: 'direct' }),
  enabled: option.boolean('Whether it runs at all.', { default: true }),
  notes: option.text('For people: what to do, or the address of a page that says so.', { maxLength: 5000, optional: true }),
} as const satisfies Fields;

/** Settings of one check, beside the options of its type. */
export const CHECK = {
  type: line('The type: see [checks](../checks/README.md).'),
  ...INHERITABLE,
  deadline: option.duration('How long the whole check may take, all tries and pauses; default: the sum of these.', {
    min: 0.1,
    optional: true,
  }),
  thresholds: {
    kind: 'thresholds',
    help: 'Ranges by metric, `{ time: { warning: 2s, critical: 5s } }`, merged over those of the type.',
    optional: true,
  },
  impact: option.choice('What a critical result makes of the service on the public page.', ['down', 'degraded'], {
    default: 'down',
  }),
  public: publicField('Whether it counts on the public page; default: as its service. Not in profiles, nor in checks of hosts.'),
} as const satisfies Fields;

/** The keys of `frequency`. */
export const FREQUENCY = {
  failures: option.integer('How many scheduled failures.', { min: 2, max: 1000, optional: true }),
  of: option.integer('Of how many scheduled results.', { min: 2, max: 1000, optional: true }),
  within: option.duration('Or within which time.', { min: 60, max: 2_592_000, optional: true }),
} as const satisfies Fields;

/** The words of `public` when it is more than `true`. */
export const PUBLIC_TEXT: Fields = {
  title: line('Its name there; default: `title`.', optional),
  description: line('One sentence.', optional),
};

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

const { via: _via, ...PROXY_DEFAULTS } = INHERITABLE;

/** Sections of named things that only the global file has. */
export const GLOBAL_NAMES: Fields = {
  proxies: names(
    'SOCKS5 proxies, which resolve names themselves; each has the check `proxy/NAME`.',
    section('A proxy.', {
      url: option.url('Where it listens, as `socks5h://127.0.0.1:9050`.', { schemes: ['socks5h'] }),
      defaults: section('Settings of every check that goes through it.', PROXY_DEFAULTS),
    }),
  ),
  contacts: names(
    'Who can be told.',
    section('Somebody.', {
      mail: option.list('Mail addresses; a rota has none.', line('A mail address.'), { minItems: 1, orOne: true, optional: true }),
      periods: option.list(
        'When it may be told what can wait, in `timezone`: `Mon-Fri 08:00-20:00`, `Sat,Sun`, `22:00-06:00`; default: always.',
        line('Days, times or both.'),
        { minItems: 1, orOne: true, optional: true },
      ),
      absent: option.list(
        'Days, both included, on which a rota passes over it: `2026-12-20 to 2027-01-03`.',
        line('One day, or two with `to`.'),
        { orOne: true, optional: true },
      ),
      rota: section('Duty that goes round: this contact is one of its members at a time.', {
        members: option.list('Names of contacts, in their order.', line('A contact.'), { minItems: 1 }),
        every: line('How long each is in charge: `2w`, `10d` or `1month`.', { default: '1w' }),
        since: line('The first day of the first member, `2026-01-05`.'),
        handover: line('When duty changes hands: `Mon 09:00`, without the day where `every` is in days or months.', optional),
      }),
      openpgp: section('Mail to it is encrypted.', {
        key: line('File with its public key, armored or binary, relative to this file.'),
        on_error: option.choice(
          'When the key is expired or unreadable: the mail goes out as plain text, or without its text; it says so.',
          ['plain', 'withhold-text'],
          { default: 'withhold-text' },
        ),
      }),
      fallback: section('Another way for what cannot be delivered, for priorities critical and high.', {
        mail: option.list('Mail addresses.', line('A mail address.'), { minItems: 1, orOne: true }),
        after: option.duration('How long undelivered.', { default: '1h' }),
        transport: line('As `mail.transport`; default: the same.', optional),
      }),
    }),
  ),
};

const SITE: Fields = {
  output: line('Folder that it is written to.'),
  url: option.url('Where people read it: mails link to it.', { schemes: ['http', 'https'], optional: true }),
  title: line('Its heading; default: `title`.', optional),
  refresh: option.duration('How often an open overview asks for itself again; default: never.', {
    min: 30,
    max: 86_400,
    optional: true,
  }),
};

/** The rest of the global file. */
export const GLOBAL: Fields = {
  title: line('What is monitored, in words.', { default: 'Infrastructure' }),
  timezone: line('For times that people read, such as `Europe/Paris`.', { default: 'UTC' }),
  interval: option.duration('How often cron runs `vigie run`.', { min: 1, max: 86_400, default: '1m' }),
  include: option.list('Drop-in files, relative to this file; `*` and `?` match within a name.', line('A pattern.'), {
    default: ['conf.d/*.yaml'],
  }),
  state: line(
    'Folder of the history database, relative to this file. On a line of its own, as it is found before the file is understood.',
    {
      default: 'state',
    },
  ),
  sentinels: option.map(
    'What tells whether our own network is up, by network group: `direct`, or a proxy. `{ tcp: host:port }`, `{ https: url }` or, direct only, `{ dns: name }`.',
    option.list(
      'Sentinels of a group.',
      option.object('One of the three.', {
        tcp: line('Accepts connections: `192.0.2.1:443`.', optional),
        https: option.url('Answers; at least three also judge our clock.', { schemes: ['https'], optional: true }),
        dns: line('A name that our resolver finds.', optional),
      }),
    ),
    optional,
  ),
  sites: section('The two sites; one that is missing is not written.', {
    private: section('For the team.', SITE),
    public: section('For everybody.', SITE),
  }),
  mail: section('How mail leaves; must be there.', {
    from: line('The sender.'),
    transport: line(
      '`maildir:PATH`, `smtp://host:port`, `smtps://host:port` or `sendmail:/path`; default: `maildir:` in the state folder.',
      optional,
    ),
    user: line('Login name.', optional),
    password: option.secret('Its password.', optional),
    inbox: section('A mailbox that each run reads: an answer to a mail acknowledges what it quotes.', {
      mailbox: line('`maildir:PATH`, `imaps://host:port`, or `imap://host:port` with STARTTLS.'),
      user: line('Login name.', optional),
      password: option.secret('Its password.', optional),
      folder: line('The folder that is read.', { default: 'INBOX' }),
    }),
    tls: section('How SMTP and IMAP are protected.', {
      ca: line('File with the certificate authorities to trust, PEM.', optional),
      verify: option.boolean('Whether the certificate must be valid.', { default: true }),
      required: option.boolean('Whether plain text is refused; default: yes, but for a relay on the loopback interface.', optional),
    }),
  }),
  heartbeat: section('How others see that this vigie is alive.', {
    key: line('File with the private key that `heartbeat.txt` of both sites is signed with; `vigie init` makes one.', optional),
    url: option.url('Called after each run whose pages and mail worked: a dead man’s switch elsewhere.', {
      schemes: ['http', 'https'],
      optional: true,
    }),
  }),
  defaults: section('Settings of every check.', INHERITABLE),
  limits: section('What a run may use.', {
    concurrency: option.integer('Checks at a time.', { min: 1, max: 10_000, default: 250 }),
    per_host: option.integer('Checks at a time for one host.', { min: 1, max: 1000, default: 8 }),
    per_proxy: option.integer('Checks at a time through one proxy.', { min: 1, max: 1000, default: 8 }),
    run_deadline: option.duration('How long all checks of a run may take; default: five sixths of `interval`.', {
      min: 1,
      optional: true,
    }),
  }),
  fleet: section('Figures of the whole fleet, on `fleet.html` and in the report of the month: see [fleet](fleet.md).', {
    figures: option.list(
      'Numbers that stand beside those of the hosts: hits per second, a tracker’s issues.',
      option.object('One of them.', {
        title: line('What it is called.'),
        check: line('The check that measures it, or a pattern for several: `*/hits`.'),
        metric: line('Its metric.', { default: 'value' }),
        together: option.choice('How several become one.', ['sum', 'mean'], { default: 'sum' }),
        unit: line('Said behind the number.', { default: '' }),
      }),
      { default: [], maxItems: 100 },
    ),
    inventory: option.list(
      'Lists of names that should be those of the hosts here.',
      option.object('One of them.', {
        title: line('Where it comes from, such as `Puppet`.'),
        file: line('A file with one name a line, relative to this file; `#` begins a comment.', optional),
        check: line('Or a check of type ldap with `names: true`.', optional),
      }),
      { default: [], maxItems: 20 },
    ),
  }),
  retention: section('How long the history is kept.', {
    rows: option.duration('Single results as rows with their full output; older days are packed.', { min: 86_400, default: '2d' }),
    packed: option.duration('Packed days.', { min: 86_400, default: '1095d' }),
    events: option.duration('Events.', { min: 86_400, default: '1095d' }),
  }),
};

/** All keys of the global file; a drop-in file has those of SHARED. */
export const GLOBAL_FILE: Fields = { ...GLOBAL, ...GLOBAL_NAMES, ...SHARED };
