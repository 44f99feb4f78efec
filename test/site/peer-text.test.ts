import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Snapshot } from '../../src/core/snapshot.ts';
import { archiveOf } from '../support/archive.ts';
import { DEMO_CATALOGUE, demoSnapshot } from '../support/demo.ts';
import { elementsOf, pagesOf } from '../support/pages.ts';
import { type PublishedSites, publishInto } from '../support/site.ts';

describe('what peers say', () => {
  const ATTACKS = [
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    '{{ 7*7 }} {% raw %} ${7*7} {run}',
    '\\"\\\'</textarea><!--',
    '</pre></details><a href="javascript:alert(1)">x</a>',
    'a\u202eb\u2066c\u0000d\u001be\u0085f\u200bg',
  ];

  /** The same snapshot with `text` in every field that a peer or a child process can fill. */
  function attacked(text: string): Snapshot {
    const demo = demoSnapshot();
    for (const status of demo.statuses.values()) {
      if (status.latest === null) continue;
      const parts = status.latest.parts.map((part) => ({ ...part, name: text, output: text }));
      status.latest = { ...status.latest, output: text, code: text, parts };
    }
    const events = demo.events.map((event) => ({ ...event, reason: text, output: text }));
    return {
      ...demo,
      events,
      archive: archiveOf(events, demo.now, demo.configuration.timezone),
      messages: demo.messages.map((message) => ({ ...message, subject: text, answer: text, recipient: text })),
      recentResults: (check) => demo.recentResults(check).map((result) => ({ ...result, output: text })),
      banners: [text],
    };
  }

  const shapeOf = (sites: PublishedSites) =>
    pagesOf(sites).map(([path, page]) => ({
      path,
      shape: elementsOf(page).map((one) => `${one.tagName} ${one.attrs.map(({ name }) => name).join(' ')}`),
    }));

  it('[case H27] [T1] leaves elements and attributes as they are, and stands there as text', async () => {
    const plain = await publishInto(attacked('plain words'), DEMO_CATALOGUE);
    const expected = shapeOf(plain);
    plain.remove();
    for (const text of ATTACKS) {
      const sites = await publishInto(attacked(text), DEMO_CATALOGUE);
      assert.ok(JSON.stringify(shapeOf(sites)) === JSON.stringify(expected), `markup changed by ${JSON.stringify(text)}`);
      sites.remove();
    }
    const sites = await publishInto(attacked('<script>alert(1)</script>'), DEMO_CATALOGUE);
    assert.ok(/&lt;script&gt;alert\(1\)&lt;\/script&gt;/.test(sites.files.get('private/index.html') ?? ''));
    sites.remove();
  });

  it('[case H28] [T1] no control, bidirectional or invisible character reaches a page', async () => {
    const sites = await publishInto(attacked('a\u202eb\u2066c\u0000d\u001be\u0085f\u200bg'), DEMO_CATALOGUE);
    for (const [path, page] of pagesOf(sites)) {
      assert.ok(!/[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/.test(page), path);
    }
    assert.ok(/abcdefg/.test(sites.files.get('private/index.html') ?? ''));
    sites.remove();
  });

  it('[case H27] a peer cannot forge the run in which a page last changed', async () => {
    const sites = await publishInto(attacked('{run}'), DEMO_CATALOGUE);
    const page = sites.files.get('private/services/website.html') ?? '';
    assert.match(page, /As of run 8123,/);
    assert.ok(page.includes('{run}'));
    sites.remove();
  });
});
