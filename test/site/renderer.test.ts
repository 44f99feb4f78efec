import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { toPrivateView } from '../../src/core/views-private.ts';
import { toPublicView } from '../../src/core/views-public.ts';
import { renderCells, renderColumns, renderRows } from '../../src/site/cells.ts';
import { loadRenderer } from '../../src/site/renderer.ts';
import { DEMO_CATALOGUE, demoSnapshot } from '../support/demo.ts';

describe('rendering', () => {
  it('[H2] a template that says what the view does not have is an error, not a gap', async () => {
    const renderer = await loadRenderer();
    assert.throws(() => renderer.page('public/index.njk', 'index.html', { title: 'x' }), /undefined|null/);
  });

  it('[H3] only strings, numbers and booleans, in lists and plain objects, reach the public templates', () => {
    const walk = (value: unknown, path: string): void => {
      if (['string', 'number', 'boolean'].includes(typeof value)) return;
      assert.ok(typeof value === 'object' && value !== null, `${path} is ${String(value)}`);
      const prototype = Object.getPrototypeOf(value) as unknown;
      assert.ok(prototype === Object.prototype || Array.isArray(value), path);
      for (const [key, inner] of Object.entries(value)) // A share and a chart's column may be unmeasured.
        if (inner !== null || (key !== 'share' && !path.endsWith('.columns'))) walk(inner, `${path}.${key}`);
    };
    walk(toPublicView(demoSnapshot()), 'public');
    const view = toPrivateView(demoSnapshot(), DEMO_CATALOGUE);
    walk(view.overview(), 'overview');
    walk(view.runs.make(), 'runs');
    for (const owner of view.owners) walk(owner.make(), owner.row.name);
    for (const events of view.events) walk(events.make(), events.path);
    for (const check of view.checkPages) walk(check.make(), check.path);
    for (const need of view.needs) walk(need.view(), need.path);
    walk(view.notices.make(), 'notifications');
    walk(view.checks.make(), 'checks');
  });

  for (const { name, run } of [
    { name: 'an unknown class', run: { class: 'evil" onclick="x' as 'ok', length: 1, label: '' } },
    { name: 'a length beyond the bar', run: { class: 'ok' as const, length: 91, label: '' } },
    { name: 'a length that is no whole number', run: { class: 'ok' as const, length: 1.5, label: '' } },
    { name: 'markup in a label', run: { class: 'ok' as const, length: 1, label: '"><b>' } },
  ]) {
    it(`[T1] cells refuse ${name}`, () => assert.throws(() => renderCells([run]), /bar: /));
  }

  it('[T1] columns and rows of figures refuse what is no height and no figure', () => {
    for (const column of [
      [1, 2, 101],
      [-1, 2, 3],
      [0.5, 1, 2],
      [Number.NaN, 1, 2],
    ] as const)
      assert.throws(() => renderColumns([column]), /chart: heights/);
    assert.throws(() => renderColumns(new Array(401).fill(null)), /chart: 401 columns/);
    for (const cell of ['<b>', '"', '&amp;', "x' y"]) assert.throws(() => renderRows([['day', cell]]), /table: /);
    assert.equal(renderColumns([[1, 2, 3], null]), '<i class="a1 b2 c3"></i><i></i>');
    assert.equal(
      renderRows([['2026-11-22', '99.61 %', '–']]),
      '<tr><th scope="row">2026-11-22</th><td>99.61 %</td><td>–</td></tr>\n',
    );
  });

  it('[H2] a calm check does not change its page in the next run, a failing one does', async () => {
    const { path, remove } = (await import('../support/server.ts')).temporaryFolder();
    const demo = demoSnapshot();
    const site = { output: join(path, 'private'), url: null, title: 'x' };
    demo.configuration.sites = { private: site, public: null };
    const { publishSites } = await import('../../src/site/publisher.ts');
    await publishSites(demo, DEMO_CATALOGUE);
    const read = (page: string) => readFileSync(join(path, 'private', page), 'utf8');
    const calm = read('hosts/puppet.html');
    for (const status of demo.statuses.values()) {
      if (status.latest !== null) status.latest = { ...status.latest, run: 8124, at: demo.now + 60_000 };
    }
    await publishSites({ ...demo, now: demo.now + 60_000, run: { ...demo.run, run: 8124 } }, DEMO_CATALOGUE);
    assert.equal(read('hosts/puppet.html'), calm);
    assert.match(calm, /As of run 8123,/);
    assert.match(read('services/website.html'), /As of run 8124,/);
    assert.match(read('index.html'), /by run 8124/);
    remove();
  });
});
