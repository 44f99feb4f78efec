import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigurationError } from '../config/load.ts';
import { formatAge } from '../core/calendar.ts';
import type { Configuration, ProxyServer } from '../core/configuration.ts';
import { findWatchedRelay } from '../core/mail-way.ts';
import { count } from '../core/transition.ts';
import { type IncidentPlaces, readIncidents } from '../incidents.ts';
import { openInbox } from '../mail/inbox.ts';
import { readSecret } from '../net/secret.ts';
import { describePageFaults } from '../outside.ts';
import { DatabaseUnusable, openHistoryForReading } from '../store/database.ts';
import { checkIntegrity, lastRun, readMeta } from '../store/history.ts';
import { readMessages } from '../store/outbox.ts';
import { type Command, type CommandContext, EXIT, UsageError } from './command.ts';
import { examineClock, examineEgress, examineHeaders, examineProxies } from './doctor-network.ts';
import { describeCredentials, examineSecrets } from './doctor-secrets.ts';
import { bad, type Finding, good } from './finding.ts';
import { findIncidents, loadFor } from './load.ts';
import { textOf } from './person.ts';

/** Is this installation sound? Looks at permissions, clock, database, last run, mail and proxies; changes nothing. */
export const doctor: Command = {
  usage: 'doctor [--egress] [--credentials] [URL [--via PROXY]]',
  takes: ['[URL]'],
  summary: 'is this installation sound? permissions, clock, database, backup, last run, mail, proxies',
  options: { egress: { type: 'boolean' }, credentials: { type: 'boolean' }, via: { type: 'string' } },
  help: [
    '--egress       does what the checks need leave this machine? ICMP, DNS, each TCP port',
    '--credentials  every secret that is held, and what its thief could do',
    'URL            the security headers of a published page, as the world gets it',
    '--via PROXY    the name of a proxy of the configuration, to look at an onion service',
  ],
  async run(context, { values, positionals }) {
    const [url] = positionals;
    if (url !== undefined && !/^https?:\/\//.test(url))
      throw new UsageError(`doctor: not an address, expected http:// or https://, found ${JSON.stringify(url)}`);
    const asked = {
      isEgress: values['egress'] === true,
      isCredentials: values['credentials'] === true,
      url,
      via: textOf({ values, positionals }, 'via'),
    };
    const findings = await examine(context, asked);
    for (const { subject, words, isBad } of findings) context.out(`${isBad ? 'BAD' : 'ok '} ${subject}: ${words}\n`);
    const found = findings.filter(({ isBad }) => isBad).length;
    context.out(found === 0 ? 'all is well\n' : `${count(found, 'finding')} to mend\n`);
    return found === 0 ? EXIT.done : EXIT.partly;
  },
};

async function examine(
  context: CommandContext,
  asked: { isEgress: boolean; isCredentials: boolean; url: string | undefined; via: string | null },
): Promise<Finding[]> {
  if (asked.url !== undefined) return examineHeaders(asked.url, context, await findProxy(context, asked.via));
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
  if (asked.isCredentials) return describeCredentials(configuration);
  if (asked.isEgress) return examineEgress(configuration, context);
  const { now, env } = context;
  findings.push(...examineFolders(configuration), ...examineFiles(context.configPath));
  const history = examineHistory(configuration, now);
  findings.push(...(await examineClock(history.lastRunAt, now)), ...history.findings, ...examineCron());
  findings.push(...examineMail(configuration), ...(await examineInbox(configuration, env)), ...examineSecrets(configuration, env));
  findings.push(...(await examineKeys(configuration, now)), ...(await examineIncidents(findIncidents(context, configuration))));
  findings.push(...(await examineProxies(configuration, context)));
  return findings;
}

/** An onion service is looked at through its proxy, whose name only the configuration knows. */
async function findProxy(context: CommandContext, via: string | null): Promise<ProxyServer | null> {
  if (via === null) return null;
  const { proxies } = (await loadFor(context, 'read')).configuration;
  const found = Object.hasOwn(proxies, via) ? proxies[via] : undefined;
  if (found === undefined) throw new UsageError(`doctor: --via: no proxy ${JSON.stringify(via)} in the configuration`);
  return found;
}

/** Whoever can write the configuration decides what is connected to, and with which secrets. */
function examineFiles(configPath: string): Finding[] {
  const isFolder = statSync(configPath).isDirectory();
  const folder = isFolder ? configPath : dirname(configPath);
  const dropIns = join(folder, 'conf.d');
  const names = existsSync(dropIns) ? readdirSync(dropIns).map((name) => join(dropIns, name)) : [];
  const open = [
    folder,
    isFolder ? join(folder, 'vigie.yaml') : configPath,
    ...(existsSync(dropIns) ? [dropIns] : []),
    ...names,
  ].filter((path) => ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o002) !== 0);
  return open.length === 0
    ? [good('configuration files', 'only for those who may write them')]
    : open.map((path) => bad('configuration files', `${path} can be written by everybody`));
}

async function examineIncidents(places: IncidentPlaces): Promise<Finding[]> {
  const { incidents, problems } = await readIncidents(places, false);
  if (problems.length > 0) return problems.map((problem) => bad('incidents', problem));
  return incidents.length === 0 ? [] : [good('incidents', count(incidents.length, 'file'))];
}

async function examineInbox({ mail }: Configuration, env: CommandContext['env']): Promise<Finding[]> {
  const { inbox: settings, tls } = mail;
  if (settings === null) return [];
  try {
    const password = settings.password === null ? null : readSecret(settings.password, env);
    const inbox = await openInbox(settings, { password, ca: tls.ca, verify: tls.verify });
    await inbox.close();
    return [good('inbox', `${settings.mailbox}, ${count(inbox.mails.length + inbox.left, 'unread mail')}`)];
  } catch (error) {
    return [bad('inbox', error instanceof Error ? error.message : String(error))];
  }
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

const BACKUP_MS = 7 * 86_400_000;

function examineHistory({ state, interval }: Configuration, now: number): { findings: Finding[]; lastRunAt: number | null } {
  const nothing = (finding: Finding) => ({ findings: [finding], lastRunAt: null });
  try {
    const database = openHistoryForReading(state);
    if (database === null) return nothing(bad('history', `none in ${state} yet, expected a run before: vigie run`));
    const problem = checkIntegrity(database);
    const last = lastRun(database);
    const failed = readMessages(database, 100).filter((message) => message.state === 'failed').length;
    const backup = Number(readMeta(database, 'backup_at') ?? 0);
    const pageFault = describePageFaults(JSON.parse(readMeta(database, 'page_faults') ?? '[]'));
    database.close();
    const age = last === null ? null : (now - last.startedAt) / 1000;
    const findings = [
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
      examineBackup(backup, now),
      ...(pageFault === null ? [] : [bad('pages', pageFault)]),
    ];
    return { findings, lastRunAt: last?.startedAt ?? null };
  } catch (error) {
    if (!(error instanceof DatabaseUnusable)) throw error;
    return nothing(bad('history', `${error.fault}: ${error.message}`));
  }
}

/** Whoever saves the file in another way knows; a habit that has stopped is worth a word. */
function examineBackup(at: number, now: number): Finding {
  if (at === 0) return good('backup', 'never by vigie backup');
  const words = `${formatAge((now - at) / 1000)} ago`;
  return now - at <= BACKUP_MS ? good('backup', words) : bad('backup', `${words}, expected within 7 days: vigie backup FILE`);
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
