import { isIP } from 'node:net';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { Configuration, Contact, MailSettings, ProxyServer, Secret, Site } from '../core/configuration.ts';
import { formatDuration } from '../core/unit.ts';
import { type ContactValues, parseAbsences, parsePeriods, resolveRota } from './contact.ts';
import type { Defined, Definitions } from './define.ts';
import { type FleetValues, resolveFleet } from './fleet.ts';
import { findOnionProblem } from './onion.ts';
import { type Problem, say } from './problem.ts';
import { resolveSentinels, type SentinelValues } from './sentinel.ts';
import { getNode, type Node, type Place, toLine, toPlain, toProblem } from './tree.ts';

type General = Omit<Configuration, 'hosts' | 'services' | 'checks' | 'fingerprint'>;

/** The global file's values; `path` is the global file, to whose folder every path is relative. */
export function resolveGeneral(definitions: Definitions, path: string): General {
  const values = definitions.global.values as GlobalValues;
  const folder = dirname(resolve(path));
  const state = resolve(folder, values.state ?? 'state');
  const title = values.title ?? '';
  const interval = values.interval ?? 60;
  const reader = new Reader(definitions, folder);
  reader.checkTimezone(values.timezone);
  const mail = reader.readMail(values.mail, state);
  return {
    title,
    timezone: values.timezone ?? 'UTC',
    interval,
    state,
    sites: { private: toSite(values.sites?.private, folder, title), public: toSite(values.sites?.public, folder, title) },
    proxies: toRecord(definitions.proxies, (proxy) => reader.readProxy(proxy)),
    sentinels: resolveSentinels(values.sentinels, definitions),
    mail,
    heartbeat: toHeartbeat(values.heartbeat, folder),
    contacts: toRecord(definitions.contacts, (contact) => reader.readContact(contact, mail, definitions)),
    contactsForAll: toContactsForAll(definitions),
    limits: reader.readLimits(values.limits, interval),
    fleet: resolveFleet(values.fleet, definitions, folder),
    retention: values.retention ?? { rows: 2 * 86_400, packed: 1095 * 86_400, events: 1095 * 86_400 },
  };
}

/** `defaults.contacts`; without it every contact. Names that no contact has are reported where they are written. */
function toContactsForAll(definitions: Definitions): string[] {
  const written = getNode(getNode(definitions.global.root, 'defaults'), 'contacts');
  const named = written === undefined ? [] : [toPlain(written)].flat().filter((name) => typeof name === 'string');
  const known = named.filter((name) => definitions.contacts.has(name));
  return known.length > 0 ? known : [...definitions.contacts.keys()];
}

interface SiteValues {
  output: string;
  url?: string;
  title?: string;
  refresh?: number;
}

interface MailValues {
  from: string;
  transport?: string;
  user?: string;
  password?: Secret;
  tls?: { ca?: string; verify: boolean; required?: boolean };
  inbox?: { mailbox: string; user?: string; password?: Secret; folder: string };
}

interface LimitValues {
  concurrency: number;
  per_host: number;
  per_proxy: number;
  run_deadline?: number;
}

interface GlobalValues {
  title?: string;
  timezone?: string;
  interval?: number;
  state?: string;
  sites?: { private?: SiteValues; public?: SiteValues };
  mail?: MailValues;
  sentinels?: SentinelValues;
  heartbeat?: { key?: string; url?: string };
  limits?: LimitValues;
  fleet?: FleetValues;
  retention?: General['retention'];
}

function toRecord<T>(defined: Map<string, Defined>, read: (each: Defined) => T | undefined): Record<string, T> {
  const record: Record<string, T> = {};
  for (const each of defined.values()) {
    const value = each.values && read(each);
    if (value !== undefined) record[each.name] = value;
  }
  return record;
}

function toSite(site: SiteValues | undefined, folder: string, title: string): Site | null {
  if (!site) return null;
  const { output, url = null, refresh } = site;
  return { output: resolve(folder, output), url, title: site.title ?? title, ...(refresh === undefined ? {} : { refresh }) };
}

function toHeartbeat(heartbeat: GlobalValues['heartbeat'], folder: string): General['heartbeat'] {
  const { key, url } = heartbeat ?? {};
  return { key: key === undefined ? null : resolve(folder, key), url: url ?? null };
}

class Reader {
  private readonly problems: Problem[];
  private readonly root: Definitions['global']['root'];
  private readonly broken: Set<string>;
  private readonly folder: string;
  constructor(definitions: Definitions, folder: string) {
    this.problems = definitions.problems;
    this.root = definitions.global.root;
    this.broken = definitions.global.broken;
    this.folder = folder;
  }

  checkTimezone(timezone: string | undefined): void {
    const node = getNode(this.root, 'timezone');
    if (timezone === undefined || !node) return;
    try {
      new Intl.DateTimeFormat('en', { timeZone: timezone });
    } catch {
      this.refuse(node, say('unknown time zone', 'a name such as UTC or Europe/Paris', timezone));
    }
  }

  readMail(mail: MailValues | undefined, state: string): MailSettings {
    const node = getNode(this.root, 'mail');
    if (!mail && !this.broken.has('mail')) {
      this.problems.push(toProblem({ ...this.root.place, segments: ['mail'] }, 'missing, expected mail: { from: ADDRESS }'));
    }
    if (mail && !isMailbox(mail.from)) this.refuse(getNode(node, 'from'), say('not a sender', SENDER, mail.from));
    const tls = mail?.tls ?? { verify: true };
    const transport = this.readTransport(mail?.transport, getNode(node, 'transport')) ?? `maildir:${join(state, 'mail')}`;
    return {
      from: mail?.from ?? '',
      transport,
      user: mail?.user ?? null,
      password: mail?.password ?? null,
      tls: {
        ca: tls.ca === undefined ? null : resolve(this.folder, tls.ca),
        verify: tls.verify,
        required: tls.required ?? null,
      },
      inbox: this.readInbox(mail?.inbox, getNode(node, 'inbox')),
    };
  }

  private readInbox(inbox: MailValues['inbox'], node: Node | undefined): MailSettings['inbox'] {
    if (inbox === undefined) return null;
    const { mailbox, user, password, folder } = inbox;
    const path = /^maildir:(.+)$/.exec(mailbox)?.[1];
    if (path !== undefined) return { mailbox: `maildir:${resolve(this.folder, path)}`, user: null, password: null, folder };
    if (!/^imaps?:\/\/[^\s/@?#]+$/.test(mailbox) || !URL.canParse(mailbox)) {
      this.refuse(getNode(node, 'mailbox'), say('unknown mailbox', 'maildir:PATH, imaps://host:port or imap://host:port', mailbox));
    } else if (user === undefined || password === undefined) {
      this.refuse(node, 'a mailbox over IMAP needs a login, expected user and password');
    }
    return { mailbox, user: user ?? null, password: password ?? null, folder };
  }

  private readTransport(transport: string | undefined, node: Node | undefined): string | undefined {
    if (transport === undefined) return undefined;
    const path = /^maildir:(.+)$/.exec(transport)?.[1];
    if (path !== undefined) return `maildir:${resolve(this.folder, path)}`;
    const program = /^sendmail:(.+)$/.exec(transport)?.[1];
    if (program !== undefined && isAbsolute(program)) return transport;
    if (/^smtps?:\/\/[^\s/@?#]+$/.test(transport) && URL.canParse(transport)) return transport;
    this.refuse(node, say('unknown transport', 'maildir:PATH, smtp://host:port, smtps://host:port or sendmail:/path', transport));
    return undefined;
  }

  readProxy(proxy: Defined): ProxyServer | undefined {
    const url = new URL(String(proxy.values?.['url']));
    const node = getNode(proxy.node, 'url');
    if (url.hostname === '' || !/^\/?$/.test(url.pathname) || url.search !== '' || url.hash !== '') {
      this.refuse(node, say('not a proxy', 'socks5h://host:port', String(proxy.values?.['url'])));
      return undefined;
    }
    const port = url.port === '' ? 1080 : Number(url.port);
    return { name: proxy.name, host: url.hostname.replace(/^\[|\]$/g, ''), port, source: toSource(proxy.place) };
  }

  readContact(contact: Defined, mail: MailSettings, definitions: Definitions): Contact {
    const { mail: addresses = [], fallback, openpgp, ...values } = contact.values as unknown as ContactValues;
    this.checkAddresses(getNode(contact.node, 'mail'), addresses);
    const node = getNode(contact.node, 'fallback');
    if (fallback) this.checkAddresses(getNode(node, 'mail'), fallback.mail);
    const transport = this.readTransport(fallback?.transport, getNode(node, 'transport'));
    return {
      name: contact.name,
      mail: addresses,
      periods: parsePeriods(contact, values.periods, this.problems),
      absent: parseAbsences(contact, values.absent ?? [], this.problems),
      rota: resolveRota(contact, definitions, this.problems),
      openpgp: openpgp ? { key: resolve(this.folder, openpgp.key), onError: openpgp.on_error } : null,
      fallback: fallback ? { after: fallback.after, mail: fallback.mail, transport: transport ?? mail.transport } : null,
    };
  }

  private checkAddresses(node: Node | undefined, addresses: string[]): void {
    for (const [index, address] of addresses.entries()) {
      const item = node?.kind === 'list' ? node.items[index] : node;
      if (!isMailAddress(address)) this.refuse(item, say('not a mail address', 'one such as sysadmins@example.org', address));
    }
  }

  readLimits(limits: LimitValues | undefined, interval: number): General['limits'] {
    const { concurrency, per_host: perHost, per_proxy: perProxy } = limits ?? { concurrency: 250, per_host: 8, per_proxy: 8 };
    const runDeadline = limits?.run_deadline ?? Math.round(((interval * 5) / 6) * 1000) / 1000;
    if (runDeadline > interval) {
      const node = getNode(getNode(this.root, 'limits'), 'run_deadline');
      this.refuse(
        node,
        say('longer than the interval between runs', `at most ${formatDuration(interval)}`, formatDuration(runDeadline)),
      );
    }
    return { concurrency, perHost, perProxy, runDeadline };
  }

  private refuse(node: Node | undefined, message: string): void {
    this.problems.push(toProblem(node?.place ?? this.root.place, message));
  }
}

/** Address of a host, which is also what a name server's zone may hold. */
export function findAddressProblem(address: string): string | undefined {
  // A name whose last part is a number can only be a mistyped IPv4 address: RFC 1123 section 2.1.
  const isMistyped = /(^|\.)\d+$/.test(address) && isIP(address) === 0;
  if (isMistyped || !/^[A-Za-z0-9._:%-]{1,253}$/.test(address))
    return say('not a name or address', 'a host name or an IP address', address);
  const problem = findOnionProblem(address);
  return problem && say(problem, '56 letters and digits before .onion', address);
}

export function toSource(place: Place): { file: string; line: number } {
  return { file: place.file.name, line: toLine(place).line };
}

const SENDER = 'an address such as vigie@example.org, or Name <vigie@example.org>';

/** A plain ASCII address of RFC 5321 without quoting: what every relay takes. */
function isMailAddress(address: string): boolean {
  const [local = '', domain = '', more] = address.split('@');
  if (more !== undefined || address.length > 254 || local.length > 64) return false;
  if (!/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/.test(local)) return false;
  return /^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/.test(domain);
}

function isMailbox(text: string): boolean {
  const named = /^[^<>"@,;:\\]+ <([^<>]+)>$/.exec(text);
  return isMailAddress(named?.[1] ?? text);
}
