import type { Check } from './configuration.ts';
import { formatRange } from './range.ts';
import { formatDuration } from './unit.ts';
import { type MetricCatalogue, metricUnit } from './views-words.ts';

/** One effective setting and the layer that it came from. */
export interface Setting {
  name: string;
  value: string;
  origin: string;
}

/** `every  5m  (service website)`, one line each; what nobody chose bears no origin. */
export function formatSettings(settings: Setting[]): string {
  return settings
    .map(({ name, value, origin }) => `${name.padEnd(18)} ${value}${origin === 'default' ? '' : `  (${origin})`}`)
    .join('\n');
}

/** The effective settings of a check. Secrets are `***`. */
export function toSettings(check: Check, catalogue: MetricCatalogue): Setting[] {
  const rows: [name: string, value: string][] = [
    ['type', check.type],
    ['target', check.target],
    ['via', check.via ?? 'direct'],
    ['every', formatDuration(check.every)],
    ['recheck', formatDuration(check.recheck)],
    ['timeout', `${formatDuration(check.timeout)} a try, ${formatDuration(check.deadline)} in all`],
    ['retries', `${check.retries.times} after ${formatDuration(check.retries.after)}`],
    ['attempts', String(check.attempts)],
    ['recoveries', String(check.recoveries)],
    ['unknown_attempts', String(check.unknownAttempts)],
    ['frequency', describeFrequency(check)],
    ['daily_pattern', check.dailyPattern ? 'on' : 'off'],
    ['contacts', check.contacts.join(', ') || 'nobody'],
    ['priority', check.priority],
    ['public', describePublic(check)],
    ...(check.enabled ? [] : [['enabled', 'false'] as [string, string]]),
    ...(check.parents.length === 0 ? [] : [['depends on', check.parents.join(', ')] as [string, string]]),
    ...Object.entries(check.thresholds).map(([metric, threshold]): [string, string] => [
      `thresholds.${metric}`,
      describeThreshold(threshold, metricUnit(catalogue, check.type, metric)),
    ]),
    ...Object.entries(check.options).flatMap(([name, value]): [string, string][] =>
      value === null || value === undefined ? [] : [[name, describeOption(value)]],
    ),
  ];
  const merged = mergedOrigins(check);
  return rows.map(([name, value]) => ({ name, value, origin: merged.get(name) ?? originOf(check, name) }));
}

function describeFrequency({ frequency }: Check): string {
  if (frequency === null) return 'off';
  const { failures } = frequency;
  return 'of' in frequency ? `${failures} of ${frequency.of} results` : `${failures} within ${formatDuration(frequency.within)}`;
}

function describePublic(check: Check): string {
  if (check.public === null) return 'no';
  return check.impact === 'down' ? 'yes' : 'yes, degrades only';
}

/** Maps merge by key, so that their keys may come from several places: all of them are named, in front of each map. */
function mergedOrigins({ origins }: Check): Map<string, string> {
  const merged = new Map<string, string>();
  for (const key in origins) {
    const place = origins[key] ?? 'default';
    for (let dot = key.indexOf('.'); dot >= 0; dot = key.indexOf('.', dot + 1)) {
      const name = key.slice(0, dot);
      const known = merged.get(name);
      if (known === undefined) merged.set(name, place);
      else if (!known.split(', ').includes(place)) merged.set(name, `${known}, ${place}`);
    }
  }
  return merged;
}

function originOf({ origins, type }: Check, name: string): string {
  if (name === 'type' || name === 'target') return 'check';
  if (name === 'depends on') return 'its parents';
  return origins[name] ?? (name.startsWith('thresholds.') ? `type ${type}` : 'default');
}

export function describeThreshold(
  { warning, critical }: Check['thresholds'][string],
  unit: Parameters<typeof formatRange>[1],
): string {
  const words = [
    ...(warning === null ? [] : [`warning ${formatRange(warning, unit)}`]),
    ...(critical === null ? [] : [`critical ${formatRange(critical, unit)}`]),
  ];
  return words.join(', ') || 'none';
}

/** Secrets are references; neither what they point at nor where it lies is shown. */
export function describeOption(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = typeof value === 'string' ? value : (JSON.stringify(value, hideSecret) ?? '');
  return text.replace(/\/\/[^\s/@"]*@/g, '//***@');
}

function hideSecret(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const keys = Object.keys(value);
  return keys.length === 1 && (keys[0] === 'file' || keys[0] === 'env') ? '***' : value;
}
