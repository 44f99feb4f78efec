import type { Check, Configuration, Service } from './configuration.ts';
import { type State, worst } from './state.ts';
import type { Status } from './status.ts';
import { count } from './transition.ts';
import { hardWord } from './views-state.ts';
import { listSome } from './views-words.ts';

/** Whether everything works that somebody needs (W6): "can we put out an emergency release now?" */
export interface Need {
  /** As it stands in `needed_by`. */
  word: string;
  /** The worst state that is sure among the services. */
  state: State;
  /** `no`, `yes` ... and why, in one sentence. */
  answer: 'yes' | 'yes, with care' | 'no' | 'not known';
  sentence: string;
  services: { service: Service; state: State; checks: Check[] }[];
}

/** Every word of `needed_by`, sorted. */
export function neededWords({ services }: Pick<Configuration, 'services'>): string[] {
  return [...new Set(Object.values(services).flatMap(({ neededBy }) => neededBy))].sort();
}

/** Judged by what is sure: a soft failure is not yet one, and what nobody could look at is not known. */
export function judgeNeed(
  { services, checks }: Pick<Configuration, 'services' | 'checks'>,
  statuses: ReadonlyMap<string, Status>,
  word: string,
): Need {
  const found = Object.values(services)
    .filter(({ neededBy }) => neededBy.includes(word))
    .map((service) => {
      const own = checks.filter((check) => check.service === service.name);
      return { service, state: hardWord(own, statuses), checks: own };
    });
  // Where nothing is needed nothing is known: a word that was mistyped must not say yes.
  const state = found.length === 0 ? 'UNKNOWN' : worst(found.map((one) => one.state));
  return { word, state, ...toAnswer(found), services: found };
}

function toAnswer(services: { service: Service; state: State }[]): Pick<Need, 'answer' | 'sentence'> {
  const titles = (wanted: State) =>
    listSome(
      services.filter((one) => one.state === wanted).map(({ service }) => service.title),
      5,
    );
  const has = (wanted: State) => services.some((one) => one.state === wanted);
  if (services.length === 0) return { answer: 'not known', sentence: 'no service says that it is needed for this' };
  if (has('CRITICAL')) return { answer: 'no', sentence: `broken: ${titles('CRITICAL')}` };
  if (has('UNKNOWN')) return { answer: 'not known', sentence: `cannot be judged: ${titles('UNKNOWN')}` };
  if (has('WARNING')) return { answer: 'yes, with care', sentence: `works, with a warning: ${titles('WARNING')}` };
  return { answer: 'yes', sentence: `${count(services.length, 'service')}, none broken` };
}

/** File names of the words' pages: letters and figures only, and never two alike. */
export function needPages(words: string[]): Map<string, string> {
  const taken = new Set<string>();
  return new Map(
    words.map((word) => {
      const plain =
        word
          .toLowerCase()
          .replace(/[^a-z0-9._-]+/g, '-')
          .replace(/^[^a-z0-9]+/, '') || 'word';
      let name = plain;
      for (let i = 2; taken.has(name); i += 1) name = `${plain}-${i}`;
      taken.add(name);
      return [word, `needed/${name}`];
    }),
  );
}
