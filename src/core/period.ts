import { addDays, fromLocal, type LocalTime, toLocal } from './calendar.ts';
import type { Period } from './configuration.ts';

const DAY_NAMES = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const MINUTE_MS = 60_000;
/** The largest jump of a clock that the walk back looks over: three hours (Antarctica/Troll jumps two). */
const LONGEST_JUMP = 180;

/** Whether a contact may be told what can wait: what a clock on its wall shows decides, also in the night that is an hour longer. */
export function isOpen(periods: Period[] | null, at: number, zone: string): boolean {
  if (periods === null) return true;
  const local = toLocal(at, zone);
  return periods.some((period) => holds(period, local));
}

function holds({ days, from, to }: Period, { weekday, minutes }: LocalTime): boolean {
  const isToday = days.includes(weekday);
  if (from < to) return isToday && minutes >= from && minutes < to;
  // Over midnight: the evening of its day, or the morning after.
  const wasYesterday = days.includes(weekday === 1 ? 7 : weekday - 1);
  return (isToday && minutes >= from) || (wasYesterday && minutes < to);
}

/** When it is open next: `at` itself if it is. Every period begins within a week. */
export function nextOpen(periods: Period[] | null, at: number, zone: string): number {
  if (periods === null || isOpen(periods, at, zone)) return at;
  const today = toLocal(at, zone).date;
  const starts: number[] = [];
  for (let day = 0; day <= 8; day += 1) {
    const date = addDays(today, day);
    for (const { from } of periods) {
      const start = fromLocal(date, from, zone);
      // The hour that comes twice may open a second time.
      for (const candidate of [start, start + 60 * MINUTE_MS]) {
        if (candidate > at && isOpen(periods, candidate, zone)) starts.push(firstMinute(periods, candidate, { at, zone }));
      }
    }
    if (starts.length > 0 && day > 0) break;
  }
  return starts.length === 0 ? at : Math.min(...starts);
}

/** A start that the clock jumped over opened when it jumped: walks back to there. */
function firstMinute(periods: Period[], start: number, { at, zone }: { at: number; zone: string }): number {
  let first = start;
  for (let i = 0; i < LONGEST_JUMP && first - MINUTE_MS > at && isOpen(periods, first - MINUTE_MS, zone); i += 1)
    first -= MINUTE_MS;
  return first;
}

/** `Mon-Fri 08:00-20:00`, as a person writes it. */
export function formatPeriod({ days, from, to }: Period): string {
  const times = from === 0 && to === 1440 ? '' : `${formatClock(from)}-${formatClock(to)}`;
  const names = days.length === 7 && times !== '' ? '' : formatDays(days);
  return [names, times].filter((part) => part !== '').join(' ');
}

function formatDays(days: number[]): string {
  const name = (day: number) => DAY_NAMES[day - 1] ?? '';
  const [first = 1] = days;
  const last = days.at(-1) ?? first;
  if (days.length > 2 && last - first === days.length - 1) return `${name(first)}-${name(last)}`;
  return days.map(name).join(',');
}

export function formatClock(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}

export function formatWeekday(weekday: number): string {
  return DAY_NAMES[weekday - 1] ?? '';
}
