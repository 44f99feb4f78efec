import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConfigurationError } from '../config/load.ts';
import { formatAge } from '../core/calendar.ts';
import type { Configuration } from '../core/configuration.ts';
import { findWatchedRelay } from '../core/mail-way.ts';
import { count } from '../core/transition.ts';
import { observeAll } from '../observe.ts';
import { createObserver } from '../observer.ts';
import { DatabaseUnusable, openHistoryForReading } from '../store/database.ts';
import { checkIntegrity, lastRun } from '../store/history.ts';
import { readMessages } from '../store/outbox.ts';
import { type Command, type CommandContext, EXIT } from './command.ts';
import { loadFor } from './load.ts';

/** One finding of the doctor: what was looked at, and what is wrong with it, or nothing. */
interface Finding {
  subject: string;
  words: string;
  isBad: boolean;
}

/** Is this installation sound? Looks at permissions, database, last run, mail and proxies; changes nothing. */
export const doctor: Command = {
  usage: 'doctor',
  summary: 'is this installation sound? permissions, database, last run, mail, proxies',
  async run(context) {
    const findings = await examine(context);
    for (const { subject, words, isBad } of findings) context.out(`${isBad ? 'BAD' : 'ok '} ${subject}: ${words}\n`);
    const bad = findings.filter(({ isBad }) => isBad).length;
    context.out(bad === 0 ? 'all is well\n' : `${count(bad, 'finding')} to mend\n`);
    return bad === 0 ? EXIT.done : EXIT.partly;
  },
};

async function examine(context: CommandContext): Promise<Finding[]> {
  let configuration: Configuration;
  const findings: Finding[] = [];
  try {
    const loaded = await loadFor(context, 'check');
    configuration = loaded.configuration;
    findings.push(
      good('configuration', `${count(configuration.checks.length, 'check')}, ${count(loaded.warnings.length, 'warning')}`),
    );
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return [bad('configuration', `${count(error.problems.length, 'error')}; vigie config check lists them`)];
  }
  findings.push(...examineFolders(configuration), ...examineHistory(configuration, context.now), ...examineCron());
  findings.push(...examineMail(configuration), ...(await examineKeys(configuration, context.now)));
  findings.push(...(await examineProxies(configuration, context)));
  return findings;
}

function good(subject: string, words: string): Finding {
  return { subject, words, isBad: false };
}

function bad(subject: string, words: string): Finding {
  return { subject, words, isBad: true };
}

function examineFolders({ state, sites }: Configuration): Finding[] {
  const findings: Finding[] = [];
  if (existsSync(state)) {
    const mode = statSync(state).mode & 0o777;
    findings.push(
      (mode & 0o077) === 0
        ? good('state folder', `${state}, only for its owner`)
        : bad('state folder', `${state} is open to others (mode ${mode.toString(8)}), expected 700`),
    );
  }
  for (const [name, site] of Object.entries(sites)) {
    if (site === null) continue;
    const folder = existsSync(site.output) ? site.output : dirname(site.output);
    findings.push(
      isWritable(folder)
        ? good(`${name} site`, site.output)
        : bad(`${name} site`, `${folder} cannot be written, expected to be ours`),
    );
  }
  return findings;
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function examineHistory({ state, interval }: Configuration, now: number): Finding[] {
  try {
    const database = openHistoryForReading(state);
    if (database === null) return [bad('history', `none in ${state} yet, expected a run before: vigie run`)];
    const problem = checkIntegrity(database);
    const last = lastRun(database);
    const failed = readMessages(database, 100).filter((message) => message.state === 'failed').length;
    database.close();
    const age = last === null ? null : (now - last.startedAt) / 1000;
    return [
      problem === null ? good('history', 'sound') : bad('history', `damaged: ${problem}`),
      age !== null && age <= 3 * interval
        ? good('last run', `${formatAge(age)} ago`)
        : bad(
            'last run',
            `${age === null ? 'never' : `${formatAge(age)} ago`}, expected within ${formatAge(3 * interval)}: is the cron line there?`,
          ),
      failed === 0
        ? good('delivered mail', 'none failed')
        : bad('delivered mail', `${count(failed, 'message')} failed; the private page lists them`),
    ];
  } catch (error) {
    if (!(error instanceof DatabaseUnusable)) throw error;
    return [bad('history', `${error.fault}: ${error.message}`)];
  }
}

/** Only says what it sees; a timer of systemd or a line in a user's own crontab may stand in for it. */
function examineCron(): Finding[] {
  const places = ['/etc/cron.d/vigie', '/etc/systemd/system/vigie.timer', '/lib/systemd/system/vigie.timer'];
  const found = places.find((place) => existsSync(place));
  if (found === undefined)
    return [good('schedule', `no ${places.join(', no ')}; a line in a user's crontab cannot be seen from here`)];
  return [
    readFileSync(found, 'utf8').includes('vigie') ? good('schedule', found) : bad('schedule', `${found} does not mention vigie`),
  ];
}

function examineMail(configuration: Configuration): Finding[] {
  const { mail, contacts } = configuration;
  const addresses = Object.values(contacts).flatMap((contact) => contact.mail).length;
  const relay = findWatchedRelay(configuration);
  return [
    addresses === 0
      ? bad('contacts', 'nobody has a mail address')
      : good('contacts', count(addresses, 'address').replace('addresss', 'addresses')),
    relay === null
      ? good('mail', mail.transport)
      : bad(
          'mail',
          `the only way out is ${mail.transport}, the monitored ${relay}: give a contact a fallback with another transport`,
        ),
  ];
}

const KEY_WARNING_DAYS = 30;

/** Keys that mail is encrypted with: one that is of no use is noticed before an alert has to go without its text. */
async function examineKeys({ contacts }: Configuration, now: number): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { name, openpgp } of Object.values(contacts)) {
    if (openpgp === null) continue;
    const { examineKey } = await import('../mail/openpgp.ts');
    const { problem, expiresAt } = await examineKey(openpgp.key, now);
    const days = expiresAt === null ? null : Math.floor((expiresAt - now) / 86_400_000);
    const isSoon = days !== null && days < KEY_WARNING_DAYS;
    const words = problem ?? (days === null ? `${openpgp.key} can encrypt` : `${openpgp.key} expires in ${count(days, 'day')}`);
    findings.push(problem !== null || isSoon ? bad(`key of ${name}`, words) : good(`key of ${name}`, words));
  }
  return findings;
}

async function examineProxies(configuration: Configuration, { now, env }: CommandContext): Promise<Finding[]> {
  const proxies = configuration.checks.filter((check) => check.id.startsWith('proxy/'));
  const due = proxies.map((check) => ({ check, due: 'scheduled' as const, memory: undefined }));
  const results = await observeAll(due, createObserver(configuration, { run: 0, now, env }));
  return results.map(({ check, state, output }) => (state === 'OK' ? good(check, output) : bad(check, output)));
}
