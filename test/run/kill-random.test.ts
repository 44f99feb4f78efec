import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openHistoryForReading } from '../../src/store/database.ts';
import { checkIntegrity } from '../../src/store/history.ts';
import { type CertificateRig, certificateRig } from '../support/certificates.ts';
import { BUNDLE, globalFile, installation, vigie } from '../support/cli.ts';
import { randomFrom } from '../support/random.ts';
import { NOBODY, needsPostfix, type PostfixServer, startPostfix } from '../support/starttls-servers.ts';
import { Target } from '../support/target.ts';

const RUNS = 500;
/** Each fails and recovers once; more than are used up by the runs that end before they are killed. */
const SERVICES = 200;

let rig: CertificateRig;
let postfix: PostfixServer;
let target: Target;
let folder: { path: string; remove: () => void };

/** Mail for site.test goes into one maildir, by postfix's own delivery. */
async function startMail(): Promise<void> {
  rig = certificateRig();
  const mailboxes = join(rig.folder, 'mail');
  mkdirSync(mailboxes);
  writeFileSync(join(rig.folder, 'mailboxes'), 'sysadmins@site.test sysadmins/\n');
  execFileSync('chown', [`${NOBODY}:${NOBODY}`, mailboxes]);
  execFileSync('chmod', ['-R', 'a+rX', rig.folder]);
  postfix = await startPostfix(rig.issue('good'), {
    main: `mynetworks = 127.0.0.0/8
virtual_mailbox_domains = site.test
virtual_mailbox_base = ${mailboxes}
virtual_mailbox_maps = texthash:${rig.folder}/mailboxes
virtual_uid_maps = static:${NOBODY}
virtual_gid_maps = static:${NOBODY}
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_connection_rate_limit = 0
`,
  });
}

/** Each Message-ID once, with what vigie wrote of it; a copy must be the same but for what the relay added. */
function mailsById(): Map<string, string> {
  const box = join(rig.folder, 'mail/sysadmins/new');
  const mails = new Map<string, string>();
  for (const name of readdirSync(box)) {
    const content = readFileSync(join(box, name), 'utf8').replace(/\r\n/g, '\n');
    const own = content.slice(content.indexOf('\nFrom: ') + 1);
    const id = /^Message-ID: (.*)$/im.exec(content)?.[1] ?? '';
    assert.equal(mails.get(id) ?? own, own, `a copy of ${id} differs`);
    mails.set(id, own);
  }
  return mails;
}

const count = (database: NonNullable<ReturnType<typeof openHistoryForReading>>, sql: string) => database.prepare(sql).pluck().get();

describe('runs that are killed at random moments, with a real mail server', needsPostfix(), () => {
  before(async () => {
    await startMail();
    target = await Target.start();
    const services = Array.from(
      { length: SERVICES },
      (_, i) => `  s${i}: { checks: { page: { type: http, url: "${target.url}", every: 1d } } }\n`,
    );
    // Without sites a run is half as long: that pages survive a kill is proven point by point in kill.test.ts.
    const file = globalFile(`smtp://127.0.0.1:${postfix.port}`)
      .replace('sysadmins@example.org', 'sysadmins@site.test')
      .replace(/^sites:\n(?: .*\n)+/m, '');
    folder = installation(file, { 'a.yaml': `services:\n${services.join('')}` });
  });
  after(async () => {
    await target?.stop();
    await postfix?.stop();
    folder?.remove();
    rig?.remove();
  });

  it(`[case E03] kill -9 over ${RUNS} runs: no item is lost, none invented, each copy has the same Message-ID`, async () => {
    assert.equal((await vigie(folder.path, ['run'], { program: BUNDLE })).code, 0);
    const random = randomFrom(20_261_122);
    let began = performance.now();
    assert.equal((await vigie(folder.path, ['run', '--now', 's0/*'], { program: BUNDLE })).code, 0);
    /** How long a whole run takes, milliseconds: the machine may be busier now than later. */
    let whole = performance.now() - began;
    /** Services whose failure, and whose recovery, a run has seen and ended by itself. */
    let service = 0;
    let isDown = true;
    let killed = 0;
    for (let run = 0; run < RUNS && service < SERVICES - 1; run += 1) {
      target.status = isDown ? 503 : 200;
      began = performance.now();
      const { signal } = await vigie(folder.path, ['run', '--now', `s${service}/*`], {
        program: BUNDLE,
        onStart: (child) => setTimeout(() => child.kill('SIGKILL'), whole * (0.15 + random())),
      });
      if (signal === 'SIGKILL') {
        killed += 1;
        continue;
      }
      whole = 0.7 * whole + 0.3 * (performance.now() - began);
      if (!isDown) service += 1;
      isDown = !isDown;
    }
    assert.ok(service < SERVICES - 1, 'the services were used up');
    assert.ok(killed >= RUNS / 2, `only ${killed} runs were killed in time`);
    // The last word: whatever is open ends, and the first failure of a further service takes along what waits for a message.
    for (const [status, name] of [
      [200, `s${service}`],
      [503, `s${SERVICES - 1}`],
    ] as const) {
      target.status = status;
      for (let i = 0; i < 2; i += 1) await vigie(folder.path, ['run', '--now', `${name}/*`], { program: BUNDLE });
    }
    const database = openHistoryForReading(join(folder.path, 'state'));
    assert.ok(database !== null);
    assert.equal(checkIntegrity(database), null);
    assert.equal(count(database, 'SELECT count(*) FROM items WHERE message IS NULL'), 0);
    assert.equal(count(database, "SELECT count(*) FROM messages WHERE state <> 'sent'"), 0);
    const owed = database
      .prepare("SELECT kind || ' ' || check_id FROM items WHERE kind IN ('problem', 'recovery') ORDER BY 1")
      .pluck()
      .all() as string[];
    database.close();
    assert.equal(new Set(owed).size, owed.length, 'an item was invented');
    assert.ok(owed.filter((item) => item.startsWith('problem')).length >= service, `${owed.length} items for ${service} services`);
    for (let i = 0; i < service; i += 1)
      for (const kind of ['problem', 'recovery']) assert.ok(owed.includes(`${kind} s${i}/page`), `${kind} of s${i} was lost`);
    await untilDelivered();
    const told = [...mailsById().values()].flatMap((mail) => [...mail.matchAll(/^(CRITICAL|RECOVERED|OVER) (s\d+)\/page/gm)]);
    const lines = told.flatMap(([, word, name]) =>
      word === 'OVER'
        ? [`problem ${name}/page`, `recovery ${name}/page`]
        : [`${word === 'CRITICAL' ? 'problem' : 'recovery'} ${name}/page`],
    );
    assert.deepEqual(lines.sort(), owed);
  });

  async function untilDelivered(): Promise<void> {
    for (let i = 0; i < 4000; i += 1) {
      const log = postfix.log();
      const taken = (log.match(/ client=/g) ?? []).length;
      if ((log.match(/: removed$/gm) ?? []).length >= taken) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
});

/** With both sites a run is twice as long: fewer of them. */
const PAGE_RUNS = 40;

describe('runs that write pages and are killed at random moments', () => {
  it(`[case E03] after each of ${PAGE_RUNS} kills every page is whole, and the next whole run leaves nothing temporary`, async () => {
    const target = await Target.start();
    const checks = `checks: { page: { type: http, url: "${target.url}" } }`;
    const names = Array.from({ length: 5 }, (_, i) => `  s${i}: { public: true, ${checks} }\n`);
    const folder = installation(globalFile('maildir:state/mail'), { 'a.yaml': `services:\n${names.join('')}` });
    const site = join(folder.path, 'site');
    const run = (onStart?: (child: { kill(signal: 'SIGKILL'): boolean }) => void) =>
      vigie(folder.path, ['run', '--now', '*'], { program: BUNDLE, ...(onStart ? { onStart } : {}) });
    try {
      let began = performance.now();
      assert.equal((await run()).code, 0);
      /** As long as the shortest run that ended by itself, milliseconds. */
      let whole = performance.now() - began;
      const random = randomFrom(20_261_123);
      let killed = 0;
      let seen = 0;
      for (let i = 0; i < PAGE_RUNS; i += 1) {
        target.status = i % 2 === 0 ? 503 : 200;
        began = performance.now();
        const { signal } = await run((child) => setTimeout(() => child.kill('SIGKILL'), whole * (0.3 + 0.7 * random())));
        if (signal === 'SIGKILL') killed += 1;
        else whole = Math.min(whole, performance.now() - began);
        for (const name of listPages(site)) {
          seen += 1;
          assert.match(readFileSync(join(site, name), 'utf8'), /<\/html>\s*$/, name);
        }
      }
      assert.ok(killed >= PAGE_RUNS / 4 && seen > 10 * PAGE_RUNS, `${killed} killed, ${seen} pages read`);
      assert.equal((await run()).code, 0);
      const left = (readdirSync(site, { recursive: true }) as string[]).filter((name) => name.endsWith('.vigie-new'));
      assert.deepEqual(left, []);
      const database = openHistoryForReading(join(folder.path, 'state'));
      assert.ok(database !== null);
      assert.equal(checkIntegrity(database), null);
      database.close();
    } finally {
      await target.stop();
      folder.remove();
    }
  });
});

function listPages(site: string): string[] {
  return (readdirSync(site, { recursive: true }) as string[]).filter((name) => name.endsWith('.html'));
}
