import type { HostReport } from './report.ts';
import type { Fact, Unavailable } from './report-facts.ts';
import { count } from './transition.ts';
import { formatAge, formatBytes } from './unit.ts';
import type { Calendar } from './views-words.ts';

type Term = { term: string; words: string };

/** What a host says of itself, as its page tells it. What it cannot say is told with its reason: a gap is no zero. */
export function describeReport(report: HostReport | undefined, calendar: Calendar): Term[] {
  if (report === undefined) return [];
  const { facts } = report;
  const at = (seconds: number) => (isMoment(seconds) ? calendar.full(seconds * 1000).words : 'a time that cannot be');
  return [
    ...say(
      'System',
      facts.os,
      ({ id, version, codename, kernel }) => `${[id, version, codename].filter(Boolean).join(' ')}, kernel ${kernel}`,
    ),
    ...say('Runs', facts.uptime, (fact) => `for ${formatAge(fact.seconds)}, since ${at(fact.at - fact.seconds)}`),
    ...say('Memory', facts.memory, describeMemory),
    ...say(
      'Load',
      facts.load,
      ({ one, five, fifteen, processors }) => `${one} ${five} ${fifteen} on ${count(processors, 'processor')}`,
    ),
    ...say('Processes', facts.processes, ({ total, zombies }) => `${total}${zombies === 0 ? '' : `, ${count(zombies, 'zombie')}`}`),
    ...say('Clock', facts.clock, describeClock),
    ...say('Upgrades', facts.apt, (fact) => describeUpgrades(fact, at)),
    ...say('Reboot', facts.reboot_required, ({ required, reason }) =>
      required ? `needed${reason === '' ? '' : `: ${reason}`}` : 'not needed',
    ),
    ...say('Puppet', facts.puppet, (fact) => describePuppet(fact, at)),
    ...say('systemd', facts.systemd, ({ state, failed }) =>
      failed.length === 0 ? state : `${state}, failed: ${failed.slice(0, 5).join(', ')}`,
    ),
    { term: 'Report', words: describeOrigin(report, calendar) },
  ];
}

/** Up to the end of the year 9999. A machine may say any number, and what is no date would keep all pages from being written. */
function isMoment(seconds: number): boolean {
  return seconds >= 0 && seconds < 253_402_300_800;
}

function say<F extends object>(term: string, fact: F | undefined, words: (fact: Exclude<F, Unavailable>) => string): Term[] {
  if (fact === undefined) return [];
  const isKnown = (one: F): one is Exclude<F, Unavailable> => !('unavailable' in one);
  return [{ term, words: isKnown(fact) ? words(fact) : `not known: ${(fact as unknown as Unavailable).unavailable}` }];
}

function describeMemory({ total, available, swap_total, swap_free }: Fact<'memory'>): string {
  const swap = swap_total === 0 ? 'no swap' : `${formatBytes(swap_total - swap_free)} of ${formatBytes(swap_total)} swap used`;
  return `${formatBytes(available)} of ${formatBytes(total)} available, ${swap}`;
}

function describeClock({ synchronised, offset }: Fact<'clock'>): string {
  return `${synchronised ? 'follows another one' : 'follows nothing'}${offset === null ? '' : `, ${describeOffset(offset)}`}`;
}

/** Seconds ahead; what a log or a certificate would never show is none. */
function describeOffset(offset: number): string {
  const size = Math.abs(offset);
  if (size < 0.01) return 'in step';
  const time = size < 1 ? `${Math.round(size * 1000)} ms` : size < 120 ? `${Number(size.toFixed(1))} s` : formatAge(size);
  return `${time} ${offset < 0 ? 'behind' : 'ahead'}`;
}

function describeUpgrades({ updated, upgrades, security, held }: Fact<'apt'>, at: (seconds: number) => string): string {
  const pending = upgrades === 0 ? 'none pending' : `${upgrades} pending, of them ${security} for security`;
  const kept = held === 0 ? '' : `, ${held} on hold`;
  return `${pending}${kept}; indices ${updated === null ? 'never updated' : `of ${at(updated)}`}`;
}

function describePuppet(fact: Fact<'puppet'>, at: (seconds: number) => string): string {
  const { last_run, result, changed, failed, version, enabled, message } = fact;
  const run =
    last_run === null ? 'never ran' : `${result} at ${at(last_run)}, ${changed} changed, ${failed} failed, version ${version}`;
  return enabled ? run : `${run}; disabled${message === '' ? '' : `: ${message}`}`;
}

function describeOrigin({ created, agent, interval, unknownFacts }: HostReport, calendar: Calendar): string {
  const unknown = unknownFacts === 0 ? '' : `, ${count(unknownFacts, 'fact')} that this vigie does not know`;
  return `made at ${calendar.full(created).words} by agent ${agent}, every ${formatAge(interval)}${unknown}`;
}
