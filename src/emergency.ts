import type { Configuration } from './core/configuration.ts';
import type { Item } from './core/item.ts';
import { composeText } from './core/message.ts';
import { createMailOutside } from './mail-outside.ts';
import { observeAll } from './observe.ts';
import { createObserver } from './observer.ts';

interface Outside {
  /** Milliseconds since 1970. */
  now: number;
  env: Readonly<Record<string, string | undefined>>;
}

/**
 * The history cannot be used, so nothing can be judged and nothing owed. What can still be done is done from memory: every check
 * runs once, and one mail says that the database is unusable and what the checks see now. The caller sees to it that this happens
 * once in six hours.
 */
export async function tellOfUnusableDatabase(outside: Outside, configuration: Configuration, message: string): Promise<void> {
  const { now, env } = outside;
  const due = configuration.checks
    .filter((check) => check.enabled)
    .map((check) => ({ check, due: 'scheduled' as const, memory: undefined }));
  const results = await observeAll(due, createObserver(configuration, { run: 0, now, env }));
  const failing = results.filter((result) => result.state !== 'OK' && result.withheld === null);
  const lines = failing.slice(0, 50).map(({ check, state, output }) => `${check} ${state}: ${output}`);
  const reason = `${message}. No history, no alerts until it is mended; seen just now: ${failing.length} of ${results.length} checks in trouble`;
  const item: Item = {
    kind: 'database',
    at: now,
    run: 0,
    check: null,
    host: null,
    state: null,
    onset: now,
    reason,
    to: [],
    facts: null,
    lines,
  };
  const text = composeText([item], { timezone: configuration.timezone, now, url: null });
  const recipients = new Set(configuration.contactsForAll.flatMap((name) => configuration.contacts[name]?.mail ?? []));
  const { sendDirectly } = await import('./mail/direct.ts');
  await sendDirectly({ purpose: 'database', ...text, to: [...recipients], now }, configuration.mail, createMailOutside(env));
}
