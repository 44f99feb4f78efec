import type { Range } from './range.ts';

/** A secret is kept as a reference and read when it is used, so that no cache, page or log holds it. */
export type Secret = { file: string } | { env: string };

export const PRIORITIES = ['critical', 'high', 'medium', 'low'] as const;
export type Priority = (typeof PRIORITIES)[number];

/** Where a person finds what they wrote: a path as it was given, and a 1-based line. */
export interface Source {
  file: string;
  line: number;
}

export interface Threshold {
  warning: Range | null;
  critical: Range | null;
}

/** How many scheduled failures are too many, though never enough in a row: of so many results, or within so many seconds. */
export type Frequency = { failures: number; of: number } | { failures: number; within: number };

/** What tells whether our own network is up (alerting.md section 5). */
export type Sentinel = { kind: 'tcp'; host: string; port: number } | { kind: 'https'; url: string } | { kind: 'dns'; name: string };

/** One check with everything inherited, merged and validated. Durations are seconds. */
export interface Check {
  /** `<service>/<check>`, `<host>/<check>` or `proxy/<proxy>`. */
  id: string;
  name: string;
  host: string | null;
  service: string | null;
  type: string;
  /** Bound options of the type: defaults filled in, `${...}` replaced, secrets still references. */
  options: Record<string, unknown>;
  /** What the check looks at, in words for people, without secrets. */
  target: string;
  enabled: boolean;
  /** A proxy's name, or null for direct. */
  via: string | null;
  every: number;
  recheck: number;
  /** Per try. */
  timeout: number;
  /** The whole check, all tries and pauses: never beyond `limits.runDeadline`. */
  deadline: number;
  retries: { times: number; after: number };
  attempts: number;
  recoveries: number;
  unknownAttempts: number;
  /** null: off. */
  frequency: Frequency | null;
  dailyPattern: boolean;
  thresholds: Record<string, Threshold>;
  contacts: string[];
  priority: Priority;
  /** Who else is told of a problem that nobody acknowledges; `after` seconds since it was first told. */
  escalate: { after: number; contacts: string[] }[];
  /** null: as the priority has it. */
  remind: Reminders | null;
  public: PublicText | null;
  impact: 'down' | 'degraded';
  notes: string | null;
  /** Ids of the checks that must work for this one to be judged (alerting.md section 4). */
  parents: string[];
  /** The check that has the host's report, when this one judges what the report says: it runs with each new one. */
  report?: string;
  source: Source;
  /** For each setting the layer that it came from: `default`, `type http`, `proxy tor`, `profile debian`, `host web1`, `check` ... */
  origins: Record<string, string>;
}

/** Words that may stand on the public site; nothing else of a check or service may. */
export interface PublicText {
  title: string;
  description: string;
}

export interface Host {
  name: string;
  address: string | null;
  labels: Record<string, string>;
  profiles: string[];
  /** Hosts that must be reachable for this one to be. */
  parents: string[];
  notes: string | null;
  source: Source;
}

export interface Service {
  name: string;
  title: string;
  host: string | null;
  group: string;
  neededBy: string[];
  priority: Priority;
  public: PublicText | null;
  /** "2 of these must be down before the service is": null when any public check decides. */
  any: { of: string[]; atLeast: number } | null;
  notes: string | null;
  source: Source;
}

export interface ProxyServer {
  name: string;
  host: string;
  port: number;
  /** Source of the `proxy/<name>` check that exists by itself. */
  source: Source;
}

/** When a problem that nobody acknowledges is told again, seconds after it was first told; `every` counts from the last of `after`. */
export interface Reminders {
  after: number[];
  every: number | null;
}

/** Times of the week on the wall clock: `Mon-Fri 08:00-20:00`. */
export interface Period {
  /** 1 Monday to 7 Sunday: the days on which it begins. */
  days: number[];
  /** Minutes after midnight; `to` at most 1440. `to` not after `from`: it ends on the next day. */
  from: number;
  to: number;
}

/** Duty that goes round. */
export interface Rota {
  /** Names of contacts with addresses, in their order. */
  members: string[];
  every: { count: number; unit: 'day' | 'week' | 'month' };
  /** The first day of the first member, `2026-01-05`. */
  since: string;
  /** When duty changes hands: minutes after midnight, and the day of the week (1 Monday) where `every` is in weeks. */
  handover: { weekday: number | null; minutes: number };
}

/** Days, both included: `2026-12-20`. */
export interface Absence {
  from: string;
  to: string;
}

export interface Contact {
  name: string;
  /** Empty for a rota. */
  mail: string[];
  /** null: always. */
  periods: Period[] | null;
  rota: Rota | null;
  /** While absent, a rota passes over its member. */
  absent: Absence[];
  /** Mail to this contact's addresses is encrypted with the key of this file; what happens when the key is of no use. */
  openpgp: { key: string; onError: 'plain' | 'withhold-text' } | null;
  /** Gets undelivered items of priority critical and high (alerting.md section 10). */
  fallback: { after: number; mail: string[]; transport: string | null } | null;
}

/** Where replies to our mails arrive. */
export interface InboxSettings {
  /** `maildir:PATH` (absolute), `imaps://host:port`, or `imap://host:port` with STARTTLS. */
  mailbox: string;
  user: string | null;
  password: Secret | null;
  folder: string;
}

export interface MailSettings {
  from: string;
  /** `maildir:PATH` (absolute), `smtp://host:port`, `smtps://host:port` or `sendmail:/path`. */
  transport: string;
  user: string | null;
  password: Secret | null;
  /** `required: null` means: required unless the relay is on the loopback interface. */
  tls: { ca: string | null; verify: boolean; required: boolean | null };
  inbox: InboxSettings | null;
}

export interface Site {
  /** Absolute path of the folder. */
  output: string;
  url: string | null;
  title: string;
  /** Seconds after which an open overview asks for itself again. */
  refresh?: number;
}

/** The whole configuration in its normal form; paths are absolute. Plain JSON, so that it can be cached and compared. */
export interface Configuration {
  title: string;
  timezone: string;
  /** How often cron starts a run, seconds. */
  interval: number;
  /** Folder of the history database. */
  state: string;
  sites: { private: Site | null; public: Site | null };
  proxies: Record<string, ProxyServer>;
  /** By network group: `direct`, or a proxy's name. */
  sentinels: Record<string, Sentinel[]>;
  mail: MailSettings;
  /** What proves that this vigie is alive: a private key's file, and an address that is called after each good run. */
  heartbeat: { key: string | null; url: string | null };
  contacts: Record<string, Contact>;
  /** Contacts for items about the whole: `defaults.contacts`, or every contact when there is no default. */
  contactsForAll: string[];
  limits: { concurrency: number; perHost: number; perProxy: number; runDeadline: number };
  /** Seconds that hot rows, packed days and events are kept. */
  retention: { rows: number; packed: number; events: number };
  /** Figures of the whole fleet. */
  fleet: FleetSettings;
  hosts: Record<string, Host>;
  services: Record<string, Service>;
  /** Enabled and disabled checks, sorted by id. */
  checks: Check[];
  /** SHA-256 over the files that it was made from. */
  fingerprint: string;
}

/** One number of the fleet, of the latest results of checks. */
export interface FleetFigure {
  title: string;
  /** A pattern over ids. */
  check: string;
  metric: string;
  together: 'sum' | 'mean';
  unit: string;
}

/** Names that should be those of the hosts: of a file, or of a check that finds names. */
export interface FleetInventory {
  title: string;
  file: string | null;
  check: string | null;
}

export interface FleetSettings {
  figures: FleetFigure[];
  inventory: FleetInventory[];
  /** The folder of the incident files. */
  incidents: string;
}
