import { createHash } from 'node:crypto';
import { toTimestamp } from '../core/calendar.ts';
import { toPlainText } from '../core/incident.ts';
import type { Event } from '../core/item.ts';
import { checkPageOf } from '../core/item-facts.ts';
import type { Snapshot } from '../core/snapshot.ts';
import type { PublicChange } from '../core/views-changes.ts';
import type { PublicIncident } from '../core/views-incidents.ts';
import type { PublicView } from '../core/views-public.ts';
import { escapeXml } from './badge.ts';

interface Entry {
  /** What makes it this entry, for ever: its id is made of it. */
  key: string;
  title: string;
  /** RFC 3339. */
  updated: string;
  /** Relative to the site's folder. */
  page: string;
  text: string;
}

const ENTRIES_AT_MOST = 60;

/** The team's feed: what became of the checks, and incidents with who reported them. */
export function toPrivateFeed({ configuration, events, incidents }: Snapshot): string {
  const known = new Set(configuration.checks.filter(({ enabled }) => enabled).map(({ id }) => id));
  const happened = events
    .filter(({ kind }) => kind !== 'soft' && kind !== 'soft-recovery')
    .slice(0, ENTRIES_AT_MOST)
    .map((event) => toEventEntry(event, known));
  const told = incidents.slice(0, ENTRIES_AT_MOST).map(
    (one): Entry => ({
      key: `incident ${one.name}`,
      title: `Incident: ${one.title}`,
      updated: toTimestamp(one.started),
      page: 'index.html',
      text: `Services: ${one.services.join(', ') || 'none named'}. Reported by ${one.reportedBy}.`,
    }),
  );
  const site = configuration.sites.private;
  return toAtom({ scope: 'private', title: site?.title ?? configuration.title, url: site?.url ?? null }, [...happened, ...told]);
}

function toEventEntry({ at, kind, check, host, state, reason, output }: Event, known: ReadonlySet<string>): Entry {
  const subject = check ?? host ?? '';
  return {
    key: `${kind} ${subject} ${at}`,
    title: [kind.toUpperCase(), subject, state ?? ''].filter((word) => word !== '').join(' '),
    updated: toTimestamp(at),
    page: check !== null && known.has(check) ? checkPageOf({ id: check }) : 'events.html',
    text: [output, reason].filter((words) => words !== '').join('\n'),
  };
}

/** Everybody's feed: services that came into another state, and each word about an incident. */
export function toPublicFeed(view: PublicView, changes: PublicChange[], url: string | null): string {
  const entries = [
    ...changes.map(
      ({ at, service, title, state, words }): Entry => ({
        key: `${state} ${service} ${at}`,
        title: `${title} ${words}`,
        updated: toTimestamp(at),
        page: `services/${service}.html`,
        text: '',
      }),
    ),
    ...view.incidents.slice(0, ENTRIES_AT_MOST).flatMap(toIncidentEntries),
  ];
  return toAtom({ scope: 'public', title: view.title, url }, entries);
}

function toIncidentEntries({ name, title, started, ended, isOpen, page, services, intro, updates }: PublicIncident): Entry[] {
  const hurt = services.map((service) => service.title).join(', ');
  const key = `incident ${name}`;
  const told = updates.flatMap((update, i): Entry[] => {
    const words = update.title === '' ? '' : `: ${update.title}`;
    // Without a time of its own it is as old as what it is about.
    const updated = update.at.iso === '' ? started.iso : update.at.iso;
    return [{ key: `${key} update ${i + 1}`, title: `Update: ${title}${words}`, updated, page, text: toPlainText(update.blocks) }];
  });
  const text = [hurt === '' ? '' : `Services: ${hurt}.`, toPlainText(intro)].filter((words) => words !== '').join('\n\n');
  const over: Entry[] = isOpen ? [] : [{ key: `${key} over`, title: `Over: ${title}`, updated: ended.iso, page, text: '' }];
  return [{ key, title: `Incident: ${title}`, updated: started.iso, page, text }, ...told, ...over];
}

/**
 * Atom (RFC 4287). Links are relative to the site's address, or to the feed's own where none is configured. Nothing in it changes while
 * nothing happens, so that the file is not written again.
 */
function toAtom({ scope, title, url }: { scope: string; title: string; url: string | null }, entries: Entry[]): string {
  const shown = entries.sort((a, b) => (a.updated < b.updated ? 1 : a.updated > b.updated ? -1 : 0)).slice(0, ENTRIES_AT_MOST);
  const base = url === null ? '' : ` xml:base="${escapeXml(url.endsWith('/') ? url : `${url}/`)}"`;
  const updated = shown[0]?.updated ?? '1970-01-01T00:00:00Z';
  return `<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"${base}>
<id>${toId(`${scope} ${url ?? ''}`)}</id>
<title>${escapeXml(title)}</title>
<updated>${updated}</updated>
<author><name>${escapeXml(title)}</name></author>
<link rel="self" type="application/atom+xml" href="feed.atom"/>
<link rel="alternate" type="text/html" href="index.html"/>
${shown.map((entry) => toEntryText(`${scope} ${url ?? ''}`, entry)).join('')}</feed>
`;
}

function toEntryText(scope: string, { key, title, updated, page, text }: Entry): string {
  const content = text === '' ? escapeXml(title) : escapeXml(text);
  return `<entry><id>${toId(`${scope} ${key}`)}</id><title>${escapeXml(title)}</title><updated>${updated}</updated><link rel="alternate" type="text/html" href="${encodeURI(page)}"/><content type="text">${content}</content></entry>
`;
}

/** A name-based UUID (RFC 9562, version 8): the same for the same thing in every run. */
function toId(name: string): string {
  const hex = createHash('sha256').update(`vigie feed ${name}`).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 3) | 8).toString(16);
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
