import type { Check, Configuration, Secret } from '../core/configuration.ts';
import { cleanText } from '../core/text.ts';
import { readSigningKey } from '../heartbeat.ts';
import { readSecret } from '../net/secret.ts';
import { bad, type Finding, good } from './finding.ts';

/** One secret that this installation holds, and what whoever steals it could do. */
interface Held {
  subject: string;
  secret: Secret;
  power: string;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Every secret that can be read, or why not. */
export function examineSecrets(configuration: Configuration, env: Env): Finding[] {
  const held = listSecrets(configuration);
  const wrong = held.flatMap(({ subject, secret }) => {
    const problem = findProblem(() => readSecret(secret, env));
    return problem === null ? [] : [bad(subject, problem)];
  });
  const { key } = configuration.heartbeat;
  const keyProblem = key === null ? null : findProblem(() => readSigningKey(key));
  const words = key === null ? 'no heartbeat.key: nobody else can see that this vigie is alive' : `signed with ${key}`;
  return [
    ...(wrong.length > 0 ? wrong : [good('secrets', held.length === 0 ? 'none are needed' : `all ${held.length} can be read`)]),
    keyProblem === null ? good('heartbeat', words) : bad('heartbeat', keyProblem),
  ];
}

/** `--credentials`: what is held, and what its thief could do with it (requirement T5). */
export function describeCredentials(configuration: Configuration): Finding[] {
  const { key } = configuration.heartbeat;
  const list = listSecrets(configuration).map(({ subject, secret, power }) =>
    good(subject, `${placeOf(secret)}: a thief could ${power}`),
  );
  for (const { id, options } of configuration.checks) {
    const agent = options['agent'];
    if (typeof agent === 'string')
      list.push(good(`${id} agent`, `the key of the agent of ${agent}: a thief could say anything of this one machine`));
  }
  if (key !== null) list.push(good('heartbeat.key', `${key}: a thief could claim that this vigie is alive when it is not`));
  list.push(
    good('history', `${configuration.state}: a thief could read every result and mail, and forge answers that acknowledge`),
  );
  return list;
}

function listSecrets({ mail, checks }: Configuration): Held[] {
  const { password, user, transport, inbox } = mail;
  return [
    ...(password === null
      ? []
      : [{ subject: 'mail.password', secret: password, power: `send mail as ${user} through ${transport}` }]),
    ...(inbox?.password == null
      ? []
      : [
          {
            subject: 'mail.inbox.password',
            secret: inbox.password,
            power: `read and delete the mail of ${inbox.user} at ${inbox.mailbox}`,
          },
        ]),
    ...checks.filter((check) => check.enabled).flatMap(secretsOf),
  ];
}

function secretsOf(check: Check): Held[] {
  const found: Held[] = [];
  const visit = (value: unknown, path: string, siblings: Record<string, unknown>) => {
    if (typeof value !== 'object' || value === null) return;
    const entries = Object.entries(value);
    const [first] = entries;
    if (
      entries.length === 1 &&
      first !== undefined &&
      (first[0] === 'file' || first[0] === 'env') &&
      typeof first[1] === 'string'
    ) {
      const user = typeof siblings['user'] === 'string' ? ` as ${cleanText(siblings['user'], 50)}` : '';
      const power = `log in${user} at ${check.target}, and do what that account may`;
      found.push({ subject: `${check.id} ${path}`, secret: value as Secret, power });
      return;
    }
    for (const [name, inner] of entries) visit(inner, path === '' ? name : `${path}.${name}`, value as Record<string, unknown>);
  };
  visit(check.options, '', {});
  return found;
}

function placeOf(secret: Secret): string {
  return 'file' in secret ? secret.file : `environment ${secret.env}`;
}

function findProblem(read: () => unknown): string | null {
  try {
    read();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
