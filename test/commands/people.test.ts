import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openHistory, openHistoryForReading, takeLock } from '../../src/store/database.ts';
import { readPeople } from '../../src/store/people.ts';
import { type Ended, globalFile, installation, vigie } from '../support/cli.ts';
import { readMaildir } from '../support/maildir.ts';
import { Target } from '../support/target.ts';

const CHECKS = (url: string) => `hosts:
  web1: { address: 127.0.0.1 }
services:
  shop:
    host: web1
    public: true
    checks: { page: { type: http, url: "${url}" } }
  website:
    host: web1
    checks:
      front-page: { type: http, url: "${url}" }
      login: { type: http, url: "${url}" }
`;

let target: Target;
let folder: { path: string; remove: () => void };
const at = (...names: string[]) => join(folder.path, ...names);
const as = (user: string, ...args: string[]): Promise<Ended> =>
  vigie(folder.path, args, { env: { SUDO_USER: user, COLUMNS: '200' } });
const now = () => vigie(folder.path, ['run', '--now', '*']);
const said = () => {
  const database = openHistoryForReading(at('state'));
  const people = database === null ? null : readPeople(database, Date.now());
  database?.close();
  return people ?? { acknowledgements: [], downtimes: [], changes: [] };
};
const subjects = () => readMaildir(at('state/mail')).map(({ subject }) => subject);

/** An installation in which everything was well once. */
async function install(): Promise<void> {
  target = await Target.start();
  folder = installation(globalFile('maildir:state/mail', 'timezone: Europe/Paris\n'), { 'website.yaml': CHECKS(target.url) });
  assert.equal((await now()).code, 0);
}
async function uninstall(): Promise<void> {
  await target.stop();
  folder.remove();
}

describe('vigie ack', () => {
  before(async () => {
    await install();
    target.status = 503;
    assert.equal((await now()).code, 0);
  });
  after(uninstall);

  it('[W4] acknowledges what is broken, by the name of whoever called sudo, for 30 hours', async () => {
    const { code, stdout, stderr } = await as('anna', 'ack', 'website', '--note', 'uwsgi hangs');
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^anna acknowledged until \w{3} .* CET? .*: website\/front-page, website\/login\n$/);
    const found = said().acknowledgements;
    assert.deepEqual(
      found.map(({ check, author, note, until, at: time }) => [check, author, note, (until - time) / 3_600_000]),
      [
        ['website/front-page', 'anna', 'uwsgi hangs', 30],
        ['website/login', 'anna', 'uwsgi hangs', 30],
      ],
    );
  });

  it('[W4] without sudo the author is the login name', async () => {
    await vigie(folder.path, ['ack', 'shop', '--note', 'x'], { env: { SUDO_USER: '' } });
    assert.equal(said().acknowledgements.find(({ check }) => check === 'shop/page')?.author, userInfo().username);
  });

  it('[W4] is shown by explain and on the pages; only --public reaches the public one', async () => {
    await as('anna', 'ack', 'shop', '--note', 'CANARY database', '--public', 'We mend the database.');
    assert.equal((await vigie(folder.path, ['run'])).code, 0);
    assert.match((await as('x', 'explain', 'shop/page')).stdout, /people: Acknowledged by anna until .*: CANARY database/);
    assert.match(readFileSync(at('site/private/index.html'), 'utf8'), /Acknowledged by anna until .*CANARY database/);
    assert.match(readFileSync(at('site/private/services/shop.html'), 'utf8'), /Acknowledged by anna/);
    const status = JSON.parse(readFileSync(at('site/private/status.json'), 'utf8')) as {
      checks: { id: string; acknowledged: boolean }[];
    };
    assert.equal(status.checks.find(({ id }) => id === 'shop/page')?.acknowledged, true);
    const page = readFileSync(at('site/public/index.html'), 'utf8');
    assert.match(page, /We are aware:<\/b> We mend the database\./);
    assert.doesNotMatch(page, /CANARY|anna/);
  });

  it('[W4] unack takes it back', async () => {
    const { code, stdout } = await as('bert', 'unack', 'website/login');
    assert.deepEqual([code, stdout], [0, '1 acknowledgement taken back by bert\n']);
    assert.ok(said().acknowledgements.every(({ check }) => check !== 'website/login'));
  });

  it('[W4] a control character or a direction override in a note reaches nobody', async () => {
    await as('anna', 'ack', 'website/login', '--note', 'a\u202eb\u001b[31mc\nd');
    assert.equal(said().acknowledgements.find(({ check }) => check === 'website/login')?.note, 'abc d');
  });

  const wrong: { name: string; args: string[]; says: RegExp }[] = [
    { name: 'no pattern', args: ['ack', '--note', 'x'], says: /^ack: expected PATTERN, found nothing$/ },
    { name: 'no note', args: ['ack', 'website'], says: /^ack: --note is missing, expected --note TEXT$/ },
    {
      name: 'two patterns',
      args: ['ack', 'website', 'shop', '--note', 'x'],
      says: /^ack website: expected nothing more, found "shop"; a text with spaces needs quotes; usage: vigie ack PATTERN /,
    },
    { name: 'nothing of that name', args: ['ack', 'wibsite', '--note', 'x'], says: /^ack: no check matches "wibsite", expected / },
    {
      name: 'a time that is none',
      args: ['ack', 'website', '--note', 'x', '--until', 'tomorrow'],
      says: /^ack: --until: not a time, expected .*, found "tomorrow"$/,
    },
    {
      name: 'a time that is over',
      args: ['ack', 'website', '--note', 'x', '--until', '2020-01-01'],
      says: /^ack: --until: is over, expected /,
    },
    {
      name: 'more than 30 days',
      args: ['ack', 'website', '--note', 'x', '--until', '31d'],
      says: /^ack: --until: too long, expected at most 30d, found /,
    },
    {
      name: 'an option that is none',
      args: ['ack', 'website', '--notes', 'x'],
      says: /^vigie ack: no option "--notes" \(did you mean "--note"\?\); vigie ack --help lists the options$/,
    },
    { name: 'unack of what nobody acknowledged', args: ['unack', 'web1/*'], says: /^unack: no check matches "web1\/\*"/ },
    { name: 'downtime without verb', args: ['downtime'], says: /^downtime: expected add, list or remove, found nothing$/ },
    {
      name: 'downtime add without start',
      args: ['downtime', 'add', 'web1', '--note', 'x', '--for', '2h'],
      says: /^downtime add: --from is missing/,
    },
    {
      name: 'downtime add without length',
      args: ['downtime', 'add', 'web1', '--note', 'x', '--from', '1h'],
      says: /^downtime add: --for is missing/,
    },
    {
      name: 'downtime add with a length that is none',
      args: ['downtime', 'add', 'web1', '--note', 'x', '--from', '1h', '--for', '2 hours'],
      says: /^downtime add: --for: not a duration, expected .*, found "2 hours"$/,
    },
    {
      name: 'downtime add that is over',
      args: ['downtime', 'add', 'web1', '--note', 'x', '--from', '2020-01-01', '--for', '2h'],
      says: /^downtime add: is over already/,
    },
    {
      name: 'downtime add monthly',
      args: ['downtime', 'add', 'web1', '--note', 'x', '--from', '1h', '--for', '2h', '--repeat', 'monthly'],
      says: /^downtime add: --repeat: not a repetition, expected weekly, found "monthly"$/,
    },
    { name: 'downtime remove of nothing', args: ['downtime', 'remove', '99'], says: /^downtime remove: no downtime 99/ },
    {
      name: 'downtime remove of no number',
      args: ['downtime', 'remove', 'web1'],
      says: /^downtime remove: expected the number of a downtime, found "web1"$/,
    },
    { name: 'change without note', args: ['change', 'web1'], says: /^change: --note is missing/ },
    {
      name: 'change for too long',
      args: ['change', 'web1', '--note', 'x', '--watch', '2d'],
      says: /^change: --watch: out of range, expected 1s to 1d, found "2d"$/,
    },
    { name: 'incident without new', args: ['incident'], says: /^incident: expected new, found nothing$/ },
    {
      name: 'incident of no service',
      args: ['incident', 'new', '--title', 'x', '--service', 'web'],
      says: /^incident new: --service: no service "web", expected one of shop, website$/,
    },
  ];
  for (const { name, args, says } of wrong) {
    it(`[W4] ${name}: one line says what is wrong, and the code is 2`, async () => {
      const { code, stdout, stderr } = await as('anna', ...args);
      assert.deepEqual([code, stdout], [2, '']);
      assert.match(stderr.replace(/\n$/, ''), says);
      assert.equal(stderr.trimEnd().split('\n').length, 1);
    });
  }

  it('[W4] what is OK cannot be acknowledged', async () => {
    target.status = 200;
    await now();
    const { code, stderr } = await as('anna', 'ack', 'website', '--note', 'x');
    assert.equal(code, 2);
    assert.match(stderr, /^ack: nothing to acknowledge, expected a check in trouble, found 2 checks of "website" OK/);
    assert.deepEqual(said().acknowledgements, []);
  });
});

describe('vigie downtime', () => {
  before(install);
  after(uninstall);

  it('[W1] holds back the mail of what it covers, shows it, and tells at its end what is still broken', async () => {
    assert.match(
      (await as('anna', 'downtime', 'add', 'web1', '--from', '0s', '--for', '1h', '--note', 'new disk')).stdout,
      /^downtime 1 by anna: 3 checks, from .* for 1h\n$/,
    );
    target.status = 503;
    await now();
    assert.deepEqual(subjects(), ['[vigie] STARTED: watching 3 checks, 0 of them in trouble']);
    assert.match(readFileSync(at('site/public/index.html'), 'utf8'), /<h1 class="verdict skipped">shop is in maintenance\.<\/h1>/);
    assert.equal(readFileSync(at('site/public/state/shop.txt'), 'utf8'), 'maintenance\n');
    assert.match(readFileSync(at('site/private/index.html'), 'utf8'), /In downtime 1 by anna until .*new disk/);
    assert.match((await as('x', 'explain', 'shop/page')).stdout, /people: In downtime 1 by anna until .*: new disk/);
    assert.match(
      (await as('x', 'downtime', 'list')).stdout,
      /^1 +web1 +holds for (1 h|\d\d min) more +anna +from .* for 1h: new disk$/m,
    );
    assert.match((await as('bert', 'downtime', 'remove', '1')).stdout, /^downtime 1 removed by bert/);
    // No check is due: the run is woken by what was said.
    assert.equal((await vigie(folder.path, ['run'])).code, 0);
    assert.match(subjects().at(-1) ?? '', /^\[vigie\] DOWNTIME OVER shop\/page CRITICAL: HTTP 503.* \(\+2 more\)$/);
    assert.equal((await as('x', 'downtime', 'list')).stdout, 'no downtime holds or is planned\n');
    assert.equal(readFileSync(at('site/public/state/shop.txt'), 'utf8'), 'down\n');
  });

  it('[F1] an outage while it holds is counted as planned, not as CRITICAL', async () => {
    const other = installation(globalFile('maildir:state/mail'), { 'website.yaml': CHECKS(target.url) });
    openHistory(join(other.path, 'state'), Date.now()).database.close();
    target.status = 503;
    const added = await vigie(other.path, ['downtime', 'add', 'shop', '--from', '0s', '--for', '1h', '--note', 'new disk']);
    assert.equal(added.code, 0, added.stderr);
    await vigie(other.path, ['run']);
    const database = openHistoryForReading(join(other.path, 'state'));
    const classes = database?.prepare("SELECT id, json_extract(status, '$.heldClass') FROM checks ORDER BY id").raw().all();
    database?.close();
    other.remove();
    const [critical, planned] = [2, 5];
    assert.deepEqual(classes, [
      ['shop/page', planned],
      ['website/front-page', critical],
      ['website/login', critical],
    ]);
  });

  it('[W1] takes local times in the configured zone, repetition and a flexible start', async () => {
    const options = ['--from', '2037-07-01T22:00', '--for', '20m', '--repeat', 'weekly', '--flexible', '4h', '--note', 'backup'];
    const { stdout } = await as('anna', 'downtime', 'add', 'shop/page', ...options);
    assert.equal(
      stdout,
      'downtime 2 by anna: 1 check, from Wed 2037-07-01 22:00 CEST (20:00 UTC) for 20m, weekly, begins with the first failure within 4h\n',
    );
    assert.equal(said().downtimes[0]?.from, Date.UTC(2037, 6, 1, 20));
  });
});

describe('vigie change', () => {
  before(install);
  after(uninstall);

  it('[W2] has everything behind the host looked at in every run, and ends with what is broken since', async () => {
    await vigie(folder.path, ['run']);
    const before = target.requests;
    const waiting = as('anna', 'change', 'web1', '--note', 'deploying nginx', '--watch', '15s', '--wait');
    while (said().changes.length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    target.status = 503;
    await vigie(folder.path, ['run']);
    assert.equal(target.requests - before, 3);
    const { code, stdout } = await waiting;
    assert.equal(code, 1);
    assert.match(stdout, /^anna: deploying nginx: 3 checks watched until /);
    assert.match(stdout, /^shop\/page is broken since your change: HTTP 503/m);
    assert.match(stdout, /^0 of 3 are back$/m);
  });

  it('[W2] [W3] ends with "all 3 are back" when they are', async () => {
    target.status = 200;
    await now();
    const waiting = as('anna', 'change', 'web1', '--note', 'deploying nginx', '--watch', '10s', '--wait');
    while (said().changes.length < 2) await new Promise((resolve) => setTimeout(resolve, 50));
    await vigie(folder.path, ['run']);
    const { code, stdout } = await waiting;
    assert.equal(code, 0);
    assert.match(stdout, /\nall 3 are back\n$/);
  });

  it('[W2] without a terminal it does not wait', async () => {
    assert.equal((await as('anna', 'change', 'shop', '--note', 'x', '--watch', '1d')).code, 0);
  });

  it('[W2] explain says who has a check watched, why and until when', async () => {
    const { stdout } = await as('bert', 'explain', 'shop/page');
    assert.match(stdout, /^ {2}people: watched in every run until .*: anna: x$/m);
  });
});

describe('vigie incident new', () => {
  before(install);
  after(uninstall);

  it('[W4] writes Markdown with front matter that begins with the oldest problem, and overwrites nothing', async () => {
    target.status = 503;
    await now();
    const args = ['incident', 'new', '--title', 'Shop: "down" again', '--service', 'shop', '--reported-by', 'a user'];
    const first = await as('anna', ...args);
    assert.equal(first.code, 0);
    const second = await as('anna', ...args);
    assert.notEqual(first.stdout, second.stdout);
    assert.deepEqual(readdirSync(at('incidents')).length, 2);
    const text = readFileSync(first.stdout.trim(), 'utf8');
    assert.match(first.stdout, /incidents\/\d{4}-\d\d-\d\d-shop-down-again\.md\n$/);
    assert.match(
      text,
      /^---\ntitle: "Shop: \\"down\\" again"\nservices: \[shop\]\nstarted: \S+Z\nended:\nreported_by: "a user"\nauthor: "anna"\n---\n/,
    );
  });
});

describe('people beside a run', () => {
  before(install);
  after(uninstall);

  it('[R1] none waits for the lock of a run', async () => {
    target.status = 503;
    await now();
    const release = takeLock(at('state'));
    try {
      assert.ok(release !== null);
      assert.equal((await as('anna', 'ack', 'website', '--note', 'x')).code, 0);
      assert.equal((await as('anna', 'downtime', 'add', 'shop', '--from', '1h', '--for', '1h', '--note', 'x')).code, 0);
      assert.equal((await as('anna', 'change', 'web1', '--note', 'x', '--watch', '1s')).code, 0);
    } finally {
      release?.();
    }
  });

  it('[W4] two people who speak at once during a run are both heard, and the run loses nothing', async () => {
    const release = target.hold();
    const running = now();
    while (target.requests < 9) await new Promise((resolve) => setTimeout(resolve, 20));
    const spoken = await Promise.all([
      as('anna', 'ack', 'website/front-page', '--note', 'anna is at it'),
      as('bert', 'ack', 'website/login', '--note', 'bert is at it'),
      as('anna', 'downtime', 'add', 'shop', '--from', '2h', '--for', '1h', '--note', 'anna plans'),
      as('bert', 'downtime', 'add', 'shop', '--from', '3h', '--for', '1h', '--note', 'bert plans'),
    ]);
    assert.deepEqual(
      spoken.map(({ code, stderr }) => [code, stderr]),
      spoken.map(() => [0, '']),
    );
    release();
    assert.equal((await running).code, 0);
    const held = said();
    assert.deepEqual(held.acknowledgements.map(({ author, check }) => `${author} ${check}`).sort(), [
      'anna website/front-page',
      'bert website/login',
    ]);
    assert.deepEqual(
      held.downtimes
        .map(({ note }) => note)
        .filter((note) => note !== 'x')
        .sort(),
      ['anna plans', 'bert plans'],
    );
    // What they said while the run was at work is on the pages of the next one, though nothing is due.
    assert.equal((await vigie(folder.path, ['run'])).code, 0);
    assert.match(readFileSync(at('site/private/index.html'), 'utf8'), /bert is at it/);
    assert.ok(existsSync(at('state/history.sqlite')));
  });
});
