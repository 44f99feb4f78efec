import type { Metrics } from '../check-type.ts';

/** `'label'=value[UOM];warn;crit;min;max`; a quote in a quoted label is doubled. https://www.monitoring-plugins.org/doc/guidelines.html */
const ITEM =
  /(?:'((?:[^']|''){1,100})'|([^\s=']{1,100}))=([+-]?(?:\d{1,20}(?:[.,]\d{0,20})?|[.,]\d{1,20})(?:[eE][+-]?\d{1,3})?)([a-zA-Zµ%]{0,8})(?=[;\s]|$)/g;
const MAX_ITEMS = 20;

/** To seconds and bytes. KB is 1024 bytes for some plug-ins and 1000 for others: the first, as most of them mean it. */
const FACTORS: Readonly<Record<string, number>> = {
  ms: 1e-3,
  us: 1e-6,
  µs: 1e-6,
  ns: 1e-9,
  kb: 2 ** 10,
  kib: 2 ** 10,
  mb: 2 ** 20,
  mib: 2 ** 20,
  gb: 2 ** 30,
  gib: 2 ** 30,
  tb: 2 ** 40,
  tib: 2 ** 40,
};

/** The numbers of a plug-in's performance data, at most 20, by names that a metric may have; what is no number is left out. */
export function parsePerfdata(text: string, prefix = ''): Metrics {
  const metrics: Metrics = {};
  for (const [, quoted, bare, number = '', unit = ''] of text.matchAll(ITEM)) {
    if (Object.keys(metrics).length >= MAX_ITEMS) break;
    const value = Number(number.replace(',', '.')) * (FACTORS[unit.toLowerCase()] ?? 1);
    const name = toMetricName(prefix + (quoted?.replaceAll("''", "'") ?? bare ?? ''));
    if (Number.isFinite(value) && !Object.hasOwn(metrics, name)) metrics[name] = value;
  }
  return metrics;
}

/** `/var/log` is `var_log`, `/` is `root`, `5min` is `n5min`. */
function toMetricName(label: string): string {
  const name = label
    .replace(/(^|_)\/$/, '$1root')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
  return /^[a-z]/.test(name) ? name.slice(0, 60) : `n${name}`.slice(0, 60);
}
