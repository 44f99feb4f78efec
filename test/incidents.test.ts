import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Block } from '../src/core/incident.ts';
import { toPlainText } from '../src/core/incident.ts';
import { parseIncident } from '../src/incident-files.ts';
import { readIncidents } from '../src/incidents.ts';
import { parseMarkdown } from '../src/site/markdown.ts';
import { loadRenderer } from '../src/site/renderer.ts';
import { globalFile, installation, vigie } from './support/cli.ts';
import { demoSnapshot } from './support/demo.ts';
import { temporaryFolder } from './support/server.ts';
import { publishInto } from './support/site.ts';
import { Target } from './support/target.ts';

const file = (front: string, body = '') => Buffer.from(`---\n${front}\n---\n${body}`);
const GOOD = 'title: Website down\nstarted: 2026-11-22T13:49:00Z';

/** The incident's page as the public gets it. */
async function pageOf(body: string): Promise<string> {
  const incident = parseIncident('x.md', file(`${GOOD}\nservices: [website]`, body), 'UTC');
  const sites = await publishInto({ ...demoSnapshot(), incidents: [incident] }, {});
  sites.remove();
  return sites.files.get('public/incidents/x.html') ?? '';
}

describe('an incident file', () => {
  it('[W4] holds what people see, with the times of its updates in any zone', () => {
    const body = [
      'Pages fail.',
      '',
      '## Sun 2026-11-22 15:05 CET (14:05 UTC)',
      '',
      'We look.',
      '',
      '## 2026-11-22T14:30:00Z: Mended',
      '',
      '- back',
      '- for all',
      '',
      '## Sun 2026-11-22 14:45 UTC',
      '## Later',
    ].join('\n');
    const front = `${GOOD}\nended: 2026-11-22 15:40\nservices: [website, git]\nreported_by: "a user"\nauthor: anna`;
    const { intro, updates, ...rest } = parseIncident('2026-11-22-down.md', file(front, body), 'Europe/Paris');
    assert.deepEqual(rest, {
      name: '2026-11-22-down',
      title: 'Website down',
      services: ['website', 'git'],
      started: Date.UTC(2026, 10, 22, 13, 49),
      ended: Date.UTC(2026, 10, 22, 14, 40),
      reportedBy: 'a user',
      author: 'anna',
    });
    assert.equal(toPlainText(intro), 'Pages fail.');
    assert.deepEqual(
      updates.map(({ at, title, blocks }) => [at, title, toPlainText(blocks)]),
      [
        [Date.UTC(2026, 10, 22, 14, 5), '', 'We look.'],
        [Date.UTC(2026, 10, 22, 14, 30), 'Mended', '- back\n- for all'],
        [Date.UTC(2026, 10, 22, 14, 45), '', ''],
        [null, 'Later', ''],
      ],
    );
  });

  const bad: { name: string; bytes: Buffer; says: RegExp }[] = [
    { name: 'nothing', bytes: Buffer.from(''), says: /^no front matter, expected lines between two lines of ---$/ },
    { name: 'no end of its front matter', bytes: Buffer.from('---\ntitle: x\n'), says: /^no front matter/ },
    { name: 'a syntax error', bytes: file('title: "x'), says: /^line 2: / },
    { name: 'no title', bytes: file('started: 2026-11-22T13:49:00Z'), says: /^title: missing, expected what people see$/ },
    { name: 'no beginning', bytes: file('title: x'), says: /^started: missing, expected a time such as 2026-12-01T08:00Z$/ },
    { name: 'a time that is none', bytes: file('title: x\nstarted: soon'), says: /^started: not a time, .* found "soon"$/ },
    { name: 'an end before its beginning', bytes: file(`${GOOD}\nended: 2026-11-21`), says: /^ended: before it started/ },
    {
      name: 'an unknown key',
      bytes: file(`${GOOD}\nendded: 2026-11-23`),
      says: /^unknown key, expected title, .*, found "endded"$/,
    },
    { name: 'services that are no list', bytes: file(`${GOOD}\nservices: website`), says: /^services: expected a list of names/ },
    { name: 'a map for a title', bytes: file('title: {a: 1}\nstarted: 2026-11-22'), says: /^title: expected text/ },
    {
      name: 'bytes that are no text',
      bytes: Buffer.concat([file(GOOD), Buffer.from([0xff, 0xfe])]),
      says: /^not text, expected UTF-8$/,
    },
    { name: 'more than 64 KiB', bytes: file(GOOD, 'x'.repeat(70_000)), says: /^too long, expected at most 64 KiB/ },
    {
      name: 'quotes in quotes, 10,000 deep',
      bytes: file(GOOD, '>'.repeat(10_000)),
      says: /^nested too deeply, expected at most 20 levels$/,
    },
    { name: 'an anchor bomb', bytes: file(`title: &a x\nstarted: *a`), says: /^line \d+: / },
  ];
  for (const { name, bytes, says } of bad) {
    it(`[W4] with ${name} is refused in one line`, () => {
      assert.throws(() => parseIncident('x.md', bytes, 'UTC'), { message: says });
    });
  }

  it('[T1] text that is made to take for ever is read', () => {
    const bodies = [
      '*a '.repeat(20_000),
      '['.repeat(60_000),
      '![['.repeat(20_000),
      '`'.repeat(30_000),
      '<'.repeat(60_000),
      '&#1'.repeat(20_000),
    ];
    for (const body of bodies) assert.equal(parseIncident('x.md', file(GOOD, body), 'UTC').title, 'Website down');
  });
});

describe('the Markdown of incidents', () => {
  const linkOf = (text: string) => parseMarkdown(text).flatMap((block) => ('runs' in block ? block.runs : []));

  const links: { name: string; text: string; href: string }[] = [
    { name: 'an https address', text: '[x](https://example.org/a?b=c)', href: 'https://example.org/a?b=c' },
    { name: 'an onion service', text: '<http://example.onion/>', href: 'http://example.onion/' },
    { name: 'a mail address', text: '<anna@example.org>', href: 'mailto:anna@example.org' },
    { name: 'a script', text: '[x](javascript:alert(1))', href: '' },
    { name: 'a script in capitals and entities', text: '[x](&#74;avaScript&colon;alert(1))', href: '' },
    { name: 'a script behind a line break', text: '[x](<java&#10;script:alert(1)>)', href: '' },
    { name: 'embedded data', text: '[x](data:text/html;base64,PHNjcmlwdD4=)', href: '' },
    { name: 'a file', text: '[x](file:///etc/passwd)', href: '' },
    { name: 'a place of the same site', text: '[x](../index.html)', href: '' },
    { name: 'an address without a scheme', text: '[x](//example.org/)', href: '' },
    { name: 'an address with a password', text: '[x](https://a:b@example.org/)', href: '' },
  ];
  for (const { name, text, href } of links) {
    it(`[H3] a link to ${name} ${href === '' ? 'is its words' : 'leads there'}`, () => {
      const runs = linkOf(text);
      assert.equal(runs.length, 1);
      assert.equal(runs[0]?.href, href);
      assert.ok(runs[0]?.text);
    });
  }

  it('[H2] a page has its structure, links that tell nobody where one comes from, and no picture from elsewhere', async () => {
    const page = await pageOf(
      'A **bold** and *soft* `word`\\\nof [ours](https://example.org/).\n\n1. one\n   - two\n\n> said\n\n    as it is\n\n---\n\n![map of the outage](https://evil.example/x.png)\n\n## 2026-11-22 14:00\n\n### Part\n',
    );
    const shown = page.replace(/\s*\n\s*/g, '');
    assert.match(shown, /<p>A <strong>bold<\/strong> and <em>soft<\/em> <code>word<\/code><br>of /);
    assert.match(shown, /<a href="https:\/\/example\.org\/" rel="noopener noreferrer nofollow">ours<\/a>/);
    assert.match(shown, /<ol><li><p>one<\/p><ul><li><p>two<\/p><\/li><\/ul><\/li><\/ol>/);
    assert.match(shown, /<blockquote><p>said<\/p><\/blockquote><pre>as it is<\/pre><hr><p>map of the outage<\/p>/);
    assert.doesNotMatch(page, /<img|evil\.example/);
  });

  it('[T1] [case H27] raw HTML stands there as text, inside of lines and as blocks', async () => {
    const page = await pageOf('<script>alert(1)</script>\n\nx <img src=x onerror=alert(1)> y\n\n<!-- note -->\n\n&lt;b&gt;');
    assert.match(page, /<p>&lt;script&gt;alert\(1\)&lt;\/script&gt;<\/p>/);
    assert.match(page, /<p>x &lt;img src=x onerror=alert\(1\)&gt; y<\/p>/);
    assert.match(page, /&lt;!-- note --&gt;/);
    assert.match(page, /<p>&lt;b&gt;<\/p>/);
    assert.doesNotMatch(page, /<script|<img|<!--|<b>/);
  });

  it('[case H28] characters that turn or hide text are taken out, also where an entity names them', () => {
    const blocks: Block[] = parseMarkdown('a\u202eb&#x202e;c\u200bd\u0007e');
    assert.equal(toPlainText(blocks), 'abcde');
  });
});

describe('the folder of incidents', () => {
  const { path: state, remove } = temporaryFolder();
  const folder = join(state, 'incidents');
  const places = { folder, state, timezone: 'UTC', version: '1' };
  const write = (name: string, front: string) => writeFileSync(join(folder, name), file(front));
  before(() => mkdirSync(folder));
  after(remove);

  it('[W4] is read when a file of it has changed, and from what was kept otherwise', async () => {
    assert.deepEqual(await readIncidents(places), { incidents: [], problems: [] });
    write('a.md', GOOD);
    write('b.md', 'title: Later\nstarted: 2026-11-23');
    writeFileSync(join(folder, 'notes.txt'), 'no incident');
    const first = await readIncidents(places);
    assert.deepEqual(
      first.incidents.map(({ title }) => title),
      ['Later', 'Website down'],
    );
    // What was kept is what is shown, as long as size and time of the files are the same.
    const kept = join(state, 'incidents.json');
    assert.equal(statSync(kept).mode & 0o777, 0o600);
    writeFileSync(kept, readFileSync(kept, 'utf8').replace('Later', 'Kept!'));
    assert.deepEqual(
      (await readIncidents(places)).incidents.map(({ title }) => title),
      ['Kept!', 'Website down'],
    );
    assert.deepEqual(
      (await readIncidents({ ...places, version: '2' })).incidents.map(({ title }) => title),
      ['Later', 'Website down'],
    );
    rmSync(join(folder, 'b.md'));
    assert.equal((await readIncidents(places)).incidents.length, 1);
  });

  it('[W4] shows a file that has become bad as it last was good, and says so; one that never was good is not shown', async () => {
    write('a.md', 'title: Website down');
    write('c.md', 'x');
    const { incidents, problems } = await readIncidents(places);
    assert.deepEqual(
      incidents.map(({ title }) => title),
      ['Website down'],
    );
    assert.match(problems[0] ?? '', /^incidents\/a\.md: started: missing, .*; it is shown as it last was good$/);
    assert.match(problems[1] ?? '', /^incidents\/c\.md: .*; it is not shown$/);
    write('a.md', GOOD);
    rmSync(join(folder, 'c.md'));
    assert.deepEqual((await readIncidents(places)).problems, []);
  });

  it('[H3] follows no symbolic link: what it points to may be a secret', async () => {
    writeFileSync(join(state, 'secret'), file('title: CANARY\nstarted: 2026-11-22'));
    symlinkSync(join(state, 'secret'), join(folder, 'link.md'));
    const { incidents, problems } = await readIncidents(places);
    assert.ok(!JSON.stringify(incidents).includes('CANARY'));
    assert.match(problems[0] ?? '', /link\.md: not a regular file, expected one; it is not shown/);
  });
});

describe('incidents of an installation', () => {
  let target: Target;
  let home: ReturnType<typeof installation>;
  const read = (path: string) => readFileSync(join(home.path, path), 'utf8');
  before(async () => {
    target = await Target.start();
    home = installation(globalFile('maildir:state/mail'), {
      'website.yaml': `services:\n  website: { title: Website, public: true, checks: { page: { type: http, url: "${target.url}" } } }\n`,
    });
    assert.equal((await vigie(home.path, ['run'])).code, 0);
  });
  after(async () => {
    await target.stop();
    home.remove();
  });

  it('[W4] what vigie incident new writes is on the public page after the next run, though nothing is due, and who reported it is not', async () => {
    const { stdout } = await vigie(home.path, [
      'incident',
      'new',
      '--title',
      'Pages <slow>',
      '--service',
      'website',
      '--reported-by',
      'CANARY-user',
    ]);
    const run = await vigie(home.path, ['run', '--json']);
    assert.equal(JSON.parse(run.stdout).checks.due, 0);
    const name = stdout.trim().split('/').at(-1)?.replace('.md', '') ?? '';
    assert.match(read('site/public/index.html'), /Incident: Pages &lt;slow&gt;/);
    assert.match(read(`site/public/incidents/${name}.html`), /We are aware of it and look into it\./);
    assert.match(read('site/public/history.html'), new RegExp(`incidents/${name}.html`));
    assert.match(read('site/private/feed.atom'), /Reported by CANARY-user/);
    for (const path of ['index.html', `incidents/${name}.html`, 'feed.atom', 'status.json', 'history.html'])
      assert.doesNotMatch(read(`site/public/${path}`), /CANARY/, path);
    const { incidents } = JSON.parse(read('site/public/status.json'));
    assert.deepEqual(
      [incidents.length, incidents[0].name, incidents[0].services, incidents[0].ended],
      [1, name, ['website'], null],
    );
    // The next run finds everything as it is.
    const quiet = await vigie(home.path, ['run', '--json']);
    assert.deepEqual(JSON.parse(quiet.stdout).pages, { written: 0, unchanged: 0 });
  });

  it('[W4] a bad file is a red line of the private page and a finding of the doctor, and breaks nothing', async () => {
    writeFileSync(join(home.path, 'incidents/bad.md'), 'no front matter');
    const run = await vigie(home.path, ['run']);
    assert.equal(run.code, 0);
    assert.match(read('site/private/index.html'), /incidents\/bad\.md: no front matter, .*; it is not shown/);
    assert.doesNotMatch(read('site/public/index.html'), /bad\.md/);
    const doctor = await vigie(home.path, ['doctor']);
    assert.match(doctor.stdout, /^BAD incidents: incidents\/bad\.md: no front matter/m);
    rmSync(join(home.path, 'incidents/bad.md'));
    assert.match((await vigie(home.path, ['doctor'])).stdout, /^ok {2}incidents: 1 file$/m);
  });

  it('[H3] planned maintenance is told in public words or by its times alone', async () => {
    const add = (...more: string[]) =>
      vigie(home.path, ['downtime', 'add', 'website', '--from', '2h', '--for', '1h', '--note', 'CANARY-note', ...more]);
    assert.equal((await add('--public', 'We move to a new machine')).code, 0);
    assert.equal((await add()).code, 0);
    await vigie(home.path, ['run']);
    const page = read('site/public/index.html');
    const services = /Services: <a href="services\/website\.html">Website<\/a><\/p>/.source;
    for (const words of ['We move to a new machine', 'Planned maintenance'])
      assert.match(page, new RegExp(`<li><p>${words}</p>\\s*<p class="about sentence">from .* to .*\\. ${services}`), words);
    assert.doesNotMatch(page, /CANARY/);
    assert.equal(JSON.parse(read('site/public/status.json')).maintenance.length, 2);
  });

  it('[H2] an open page asks for itself again if the configuration says so', async () => {
    const text = read('vigie.yaml').replace(
      '{ output: site/public, title: Status }',
      '{ output: site/public, title: Status, refresh: 5m }',
    );
    writeFileSync(join(home.path, 'vigie.yaml'), text);
    await vigie(home.path, ['run']);
    assert.match(read('site/public/index.html'), /<meta http-equiv="refresh" content="300">/);
    assert.doesNotMatch(read('site/private/index.html'), /refresh/);
    assert.doesNotMatch(read('site/public/history.html'), /refresh/);
  });

  it('[H2] a template for what people write is given nothing that is markup already', async () => {
    const render = await loadRenderer();
    assert.throws(() => render.page('public/incident.njk', 'incidents/x.html', { title: 'x' }), /undefined|null/);
  });
});
