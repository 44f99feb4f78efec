import type { Absence, Period, Rota } from '../core/configuration.ts';
import type { Defined, Definitions } from './define.ts';
import { type Problem, say } from './problem.ts';
import { getNode, type Node, toProblem } from './tree.ts';

/** A contact as `GLOBAL_NAMES` declares it. */
export interface ContactValues {
  mail?: string[];
  periods?: string[];
  absent?: string[];
  rota?: RotaValues;
  openpgp?: { key: string; on_error: 'plain' | 'withhold-text' };
  fallback?: { mail: string[]; after: number; transport?: string };
}

interface RotaValues {
  members: string[];
  every: string;
  since: string;
  handover?: string;
}

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const DAY = '(?:mon|tue|wed|thu|fri|sat|sun)';
const WORDS_OF_DAYS = new RegExp(`^${DAY}(?:-${DAY})?(?:,${DAY}(?:-${DAY})?)*$`, 'i');
const ALL_DAYS = [1, 2, 3, 4, 5, 6, 7];
const WHOLE_DAY = 1440;

/** `Mon-Fri 08:00-20:00`, `Sat,Sun`, `22:00-06:00`: each begins on its days and may end on the next one. */
export function parsePeriods(contact: Defined, written: string[] | undefined, problems: Problem[]): Period[] | null {
  if (written === undefined) return null;
  const list = getNode(contact.node, 'periods');
  return written.flatMap((text, index) => {
    const period = parsePeriod(text.trim());
    if (period !== null) return [period];
    const expected = 'days, times or both, such as "Mon-Fri 08:00-20:00"';
    problems.push(toProblem(itemOf(list, index, contact).place, say('not a period', expected, text)));
    return [];
  });
}

function parsePeriod(text: string): Period | null {
  const words = text.split(/ +/);
  const times = words.length === 2 || /^\d/.test(text) ? words.at(-1) : undefined;
  const named = words.length === 2 || times === undefined ? words[0] : undefined;
  if (words.length > 2) return null;
  const days = named === undefined ? ALL_DAYS : parseDays(named);
  const [from, to] = times === undefined ? [0, WHOLE_DAY] : times.split('-').map(parseTime);
  if (days === null || from == null || to == null || from === to || from === WHOLE_DAY || times?.split('-').length === 1)
    return null;
  return { days, from, to };
}

function parseDays(text: string): number[] | null {
  if (!WORDS_OF_DAYS.test(text)) return null;
  const days = text
    .toLowerCase()
    .split(',')
    .flatMap((part) => {
      const [first = 0, last = first] = part.split('-').map((day) => DAYS.indexOf(day));
      // `Fri-Mon` goes over the week's end.
      return Array.from({ length: ((last - first + 7) % 7) + 1 }, (_, i) => ((first + i) % 7) + 1);
    });
  return [...new Set(days)].sort((a, b) => a - b);
}

/** Minutes after midnight; `24:00` is the end of a day. */
function parseTime(text: string): number | null {
  const [, hours, minutes] = /^(\d\d):(\d\d)$/.exec(text) ?? [];
  if (hours === undefined || minutes === undefined) return null;
  const total = Number(hours) * 60 + Number(minutes);
  return Number(minutes) < 60 && total <= WHOLE_DAY ? total : null;
}

/** `2026-12-20 to 2027-01-03`, or one day. */
export function parseAbsences(contact: Defined, written: string[], problems: Problem[]): Absence[] {
  const list = getNode(contact.node, 'absent');
  return written.flatMap((text, index) => {
    const [from = '', to = from, more] = text.trim().split(/ +to +/);
    if (more === undefined && isDate(from) && isDate(to) && from <= to) return [{ from, to }];
    const expected = 'a day or two, such as 2026-12-20 to 2027-01-03';
    problems.push(toProblem(itemOf(list, index, contact).place, say('not days of absence', expected, text)));
    return [];
  });
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const parsed = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(text);
}

/** A contact has addresses or is a rota; what belongs to a person belongs to the rota's members. */
export function resolveRota(contact: Defined, definitions: Definitions, problems: Problem[]): Rota | null {
  const { rota, mail } = contact.values as unknown as ContactValues;
  const refuse = (node: Node | undefined, message: string) => problems.push(toProblem(node?.place ?? contact.place, message));
  if (rota === undefined) {
    const place = { ...contact.place, segments: [...contact.place.segments, 'mail'] };
    if (mail === undefined)
      problems.push(toProblem(place, 'missing, expected mail: ADDRESS, or rota: { members: [...], since: DAY }'));
    return null;
  }
  for (const key of ['mail', 'periods', 'absent', 'openpgp', 'fallback']) {
    const node = getNode(contact.node, key);
    if (node) refuse(node, `${key} beside rota, expected it in the contacts that are its members`);
  }
  const node = getNode(contact.node, 'rota');
  checkMembers(rota.members, node, definitions, refuse);
  if (!isDate(rota.since)) refuse(getNode(node, 'since'), say('not a day', 'one such as 2026-01-05', rota.since));
  const every = parseEvery(rota.every);
  if (every === null)
    refuse(getNode(node, 'every'), say('not a length of duty', 'days, weeks or months: 10d, 2w, 1month', rota.every));
  const handover = parseHandover(rota.handover, every);
  if (handover === null) {
    const expected = every?.unit === 'week' ? 'a day and a time such as Mon 09:00' : 'a time such as 09:00';
    refuse(getNode(node, 'handover'), say('not a handover', expected, rota.handover));
  }
  return every === null || handover === null ? null : { members: rota.members, every, since: rota.since, handover };
}

function checkMembers(
  members: string[],
  node: Node | undefined,
  { contacts }: Definitions,
  refuse: (node: Node | undefined, message: string) => void,
): void {
  const list = getNode(node, 'members');
  for (const [index, member] of members.entries()) {
    const item = list?.kind === 'list' ? list.items[index] : list;
    const found = contacts.get(member);
    if (found && getNode(found.node, 'rota')) refuse(item, say('a rota in a rota', 'a contact with addresses', member));
    else if (members.indexOf(member) !== index) refuse(item, say('a member twice', 'each once', member));
  }
}

function parseEvery(text: string): Rota['every'] | null {
  const [, number, unit] = /^([1-9]\d?)(d|w|month)s?$/.exec(text.trim()) ?? [];
  if (number === undefined) return null;
  return { count: Number(number), unit: unit === 'd' ? 'day' : unit === 'w' ? 'week' : 'month' };
}

const NINE = 540;

function parseHandover(text: string | undefined, every: Rota['every'] | null): Rota['handover'] | null {
  const isWeekly = every?.unit === 'week';
  if (text === undefined) return { weekday: isWeekly ? 1 : null, minutes: NINE };
  const [, day, time = ''] = /^(?:([a-z]{3}) +)?(\d\d:\d\d)$/i.exec(text.trim()) ?? [];
  const minutes = parseTime(time);
  const weekday = day === undefined ? null : DAYS.indexOf(day.toLowerCase()) + 1;
  if (minutes === null || minutes === WHOLE_DAY || weekday === 0 || (every !== null && (weekday !== null) !== isWeekly))
    return null;
  return { weekday, minutes };
}

function itemOf(list: Node | undefined, index: number, contact: Defined): { place: Node['place'] } {
  return (list?.kind === 'list' ? list.items[index] : list) ?? contact;
}
