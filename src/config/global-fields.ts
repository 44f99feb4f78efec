import { option } from '../core/option.ts';
import { INHERITABLE } from './check-fields.ts';
import { type Fields, line, names, optional, section } from './field.ts';
import { SHARED } from './owner-fields.ts';

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
