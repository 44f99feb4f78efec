import type { Configuration } from './core/configuration.ts';
import type { Evaluated } from './core/evaluate.ts';
import type { Plan } from './core/notify.ts';
import type { People, PeopleUpdate, Standing } from './core/people.ts';
import type { Database } from './store/database.ts';
import { readPeople } from './store/people.ts';

/** What people said, as one run works with it. */
export interface Hearing {
  said: People;
  /** Checks inside of a watch window. */
  watched: ReadonlySet<string>;
  /** What ends within a week, in words, for the weekly mail. */
  ending(): string[];
  stand(evaluated: readonly Evaluated[]): Standing;
  /** What the run changed of it, and when it next changes anything by itself (milliseconds since 1970, or null). */
  conclude(standing: Standing, plan: Plan): { update: PeopleUpdate; turn: number | null };
}

/** Null when nobody said anything that still matters, as in most runs: then its rules, and the calendar, are not even loaded. */
export async function hearPeople(database: Database, configuration: Configuration, now: number): Promise<Hearing | null> {
  const said = readPeople(database, now);
  if (said === null) return null;
  const { describeEnding, nextTurn, planPeople, standNow, watchedNow } = await import('./core/people.ts');
  const { checks } = configuration;
  return {
    said,
    watched: watchedNow(said, checks, now),
    ending: () => describeEnding(said, configuration, now),
    stand: (evaluated) =>
      standNow(
        said,
        checks,
        evaluated.map(({ result }) => result),
        now,
      ),
    conclude: (standing, plan) => ({
      update: planPeople(said, standing.people, plan, { configuration, now }),
      turn: nextTurn(standing.people, now),
    }),
  };
}
