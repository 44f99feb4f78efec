import assert from 'node:assert/strict';
import { appendFileSync, cpSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { globalFile, installation, vigie } from '../support/cli.ts';
import { readMaildir } from '../support/maildir.ts';
import { Target } from '../support/target.ts';

const ROOT = new URL('../../..', import.meta.url).pathname;

/** Behind the templates of a copy of the program: those of one service or the first pages throw when the environment says so. */
const FAULT = `
{
  const { templates } = module.exports;
  const spoil = (name, what, isMeant) => {
    const { obj = templates[name] } = templates[name];
    const { root } = obj;
    obj.root = (env, context, ...rest) => {
      if (process.env.FAULT === what && isMeant(context)) throw new Error('CANARY /srv/secret');
      return root(env, context, ...rest);
    };
  };
  spoil('private/owner.njk', 'page', (context) => context.lookup('row').name === 'website');
  spoil('public/service.njk', 'page', (context) => context.lookup('service').name === 'website');
  spoil('private/index.njk', 'index', () => true);
  spoil('public/index.njk', 'index', () => true);
}
`;

describe('a fault of ours in one page', () => {
  let target: Target;
  let folder: { path: string; remove: () => void };
  const at = (...names: string[]) => join(folder.path, ...names);
  const read = (...names: string[]) => readFileSync(at('site', ...names), 'utf8');
  const call = (args: string[], fault = '') =>
    vigie(folder.path, args, { program: at('program/dist/vigie/src/main.js'), env: { FAULT: fault } });
  const run = (fault = '') => call(['run', '--now', '*'], fault);

  before(async () => {
    target = await Target.start();
    const service = (name: string) =>
      `  ${name}: { title: The ${name}, public: true, needed_by: [users], checks: { page: { type: http, url: "${target.url}" } } }\n`;
    folder = installation(globalFile('maildir:state/mail'), {
      'services.yaml': `services:\n${service('website')}${service('shop')}`,
    });
    cpSync(join(ROOT, 'dist/vigie'), at('program/dist/vigie'), { recursive: true });
    cpSync(join(ROOT, 'package.json'), at('program/package.json'));
    symlinkSync(join(ROOT, 'node_modules'), at('program/node_modules'));
    for (const inner of ['src', 'src/site']) appendFileSync(at('program/dist/vigie', inner, 'templates.js'), FAULT);
    assert.equal((await run()).code, 0);
  });
  after(async () => {
    await target.stop();
    folder.remove();
  });

  it('[H1] [A4] [case E06] costs that page only: all others and the mail come, exit 1 with one line that names page and reason', async () => {
    target.status = 503;
    const { code, stderr } = await run('page');
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^vigie: page services\/website\.html of the private site could not be made \(and 1 more\): .*CANARY \/srv\/secret\n$/,
    );
    assert.match(
      readMaildir(at('state/mail'))
        .map(({ subject }) => subject)
        .join('\n'),
      /CRITICAL|PROBLEM/,
    );
    for (const page of ['private/services/shop.html', 'private/index.html']) assert.match(read(page), /CRITICAL/, page);
    assert.match(read('public/services/shop.html'), /Down/);
    assert.match(read('private/checks/website/page.html'), /HTTP 503/);
  });

  it('[W4] what stands there says in words that it is old and since which run, and the overview says so too', () => {
    const page = read('private/services/website.html');
    assert.match(page, /This page could not be made anew since <time [^>]*>[^<]+<\/time>, run 2, by a fault of vigie itself/);
    assert.match(page, /As of run 1,/);
    assert.doesNotMatch(page, /CANARY/);
    assert.match(read('private/index.html'), /services\/website\.html could not be made since [^<]*, run 2: .*CANARY/);
    assert.equal(read('private/state/website.txt'), 'CRITICAL\n');
  });

  it('[H3] the public learns that the page could not be made, and nothing else', () => {
    const page = read('public/services/website.html');
    assert.match(page, /This page could not be made\./);
    assert.match(page, /run 2,/);
    assert.match(read('public/index.html'), /One page of this site could not be made/);
    for (const text of [page, read('public/index.html'), read('public/status.json')]) {
      assert.doesNotMatch(text, /CANARY|srv|127\.0\.0\.1|HTTP 503/);
    }
  });

  it('[R1] it is said once in six hours, vigie doctor says it, and since when stays as it was', async () => {
    const { code, stderr } = await run('page');
    assert.deepEqual([code, stderr], [1, '']);
    assert.match(read('private/services/website.html'), /, run 2, by a fault/);
    assert.equal(read('private/services/website.html').split('could not be made anew').length, 2);
    assert.match(
      (await call(['doctor'])).stdout,
      /^BAD pages: page services\/website\.html of the private site could not be made/m,
    );
    const rendered = await call(['render'], 'page');
    assert.equal(rendered.code, 1);
    assert.match(rendered.stderr, /^vigie: page services\/website\.html of the private site could not be made/);
  });

  it('[R1] the next run without the fault makes all good, though nothing may be due', async () => {
    assert.equal((await call(['run'])).code, 0);
    for (const [page, words] of [
      ['private/services/website.html', /HTTP 503/],
      ['public/services/website.html', /Down/],
    ] as const) {
      assert.match(read(page), words);
      assert.doesNotMatch(read(page), /could not be made/);
    }
    for (const site of ['private', 'public']) assert.doesNotMatch(read(site, 'index.html'), /could not be made/);
    assert.doesNotMatch((await call(['doctor'])).stdout, /BAD pages/);
  });

  it('[W4] a first page that cannot be made is replaced by one that says so and leads to the others, on both sites', async () => {
    target.status = 200;
    const { code, stderr } = await run('index');
    assert.equal(code, 1);
    assert.match(stderr, /^vigie: page index\.html of the private site could not be made \(and 1 more\): /);
    for (const site of ['private', 'public']) {
      const page = read(site, 'index.html');
      assert.match(page, /<h1[^>]*>This page could not be made\.<\/h1>/, site);
      assert.match(page, /href="services\/website\.html">The website</, site);
      assert.doesNotMatch(page, /CANARY/, site);
      assert.match(read(site, 'services/website.html'), /<h1>.*(OK|Operational)/, site);
    }
    assert.equal((await call(['run'])).code, 0);
    assert.match(read('private/index.html'), /All 2 checks are OK\./);
    assert.match(read('public/index.html'), /All services work\./);
  });
});
