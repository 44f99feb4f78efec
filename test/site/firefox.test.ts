import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'puppeteer-core';
import { DEMO_CATALOGUE, demoSnapshot } from '../support/demo.ts';
import { type Level, openChromium, openFirefox } from '../support/firefox.ts';
import { needs } from '../support/server.ts';
import { type PublishedSites, publishInto } from '../support/site.ts';
import { type SiteServer, serveFolder } from '../support/site-server.ts';
import { waitUntil } from '../support/tor-network.ts';

/** One page of each kind. */
const PAGES = [
  'private/index.html',
  'private/services/website.html',
  'private/hosts/backup.html',
  'private/checks/website/front-page.html',
  'private/needed/release.html',
  'private/events.html',
  'private/notifications.html',
  'private/checks.html',
  'private/runs.html',
  'private/fleet.html',
  'public/index.html',
  'public/services/website.html',
  'public/history.html',
  'public/incidents/2026-11-22-website-answers-slowly.html',
];

/** Runs in the page: text with a contrast below 4.5, computed against the nearest opaque background (WCAG 2.2, 1.4.3). */
const LOW_CONTRAST = `() => {
  const parse = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const color = parse(getComputedStyle(one).backgroundColor);
      if (color.length === 3 || color[3] > 0.99) return color;
    }
    return [255, 255, 255];
  };
  const bad = [];
  let seen = 0;
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].filter((node) => node.nodeType === 3 && node.textContent.trim() !== '');
    if (own.length === 0) continue;
    seen += 1;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push(element.className + ' ' + own[0].textContent.trim().slice(0, 30) + ' ' + ratio.toFixed(2));
  }
  return { seen, bad: bad.slice(0, 5) };
}`;
const TEXT = '() => document.body.innerText';
const UNFOLD = '() => document.querySelectorAll("details").forEach((one) => { one.open = true; })';
const OVERFLOW = '() => document.documentElement.scrollWidth - document.documentElement.clientWidth';
/** Pixels of the first bar's first cell and of a chart's columns: that classes alone draw them. */
const DRAWN = `() => {
  const height = (selector) => document.querySelector(selector)?.getBoundingClientRect().height ?? 0;
  const drawn = [...document.querySelectorAll('.columns i')].filter((one) => getComputedStyle(one).backgroundImage.includes('gradient'));
  return { bar: height('.bar i'), columns: drawn.length };
}`;

/** What a finger is to meet that is lower than 24 pixels (WCAG 2.2, 2.5.8): links in sentences are excepted. */
const SMALL_TARGETS = `() => [...document.querySelectorAll('nav a, summary, .problem h3 a, .owners th a, .rows a')]
  .filter((one) => one.getBoundingClientRect().height > 0 && one.getBoundingClientRect().height < 24)
  .map((one) => one.textContent + ' ' + one.getBoundingClientRect().height)
  .slice(0, 5)`;
/** Tables that are scrolled sideways: nothing on a narrow page says that there is more at the right. The figures behind a fold are. */
const SIDEWAYS = `() => [...document.querySelectorAll(':is(.scroll, table):not(details *)')]
  .filter((one) => one.scrollWidth > one.clientWidth + 1)
  .map((one) => one.className + ' ' + one.scrollWidth)`;
/** Left edges of what is to stand below each other, each list with a name: more than one value in a list is a ragged column. */
const EDGES = `() => {
  const edges = (selector, side) => [...new Set([...document.querySelectorAll(selector)].map((one) => Math.round(one.getBoundingClientRect()[side])))];
  return [
    ['names of problems', edges('.problem .when', 'left')],
    ['bars of problems', edges('.problem .past', 'left')],
    ['what fails without an alert', edges('[aria-labelledby="Soft"] .said', 'left')],
    ['words of who is hurt', edges('.hurt .soft', 'left')],
    ['shares of services', edges('.lane .share', 'right')],
    ['bars of services', edges('.service .bar', 'right')],
  ];
}`;
/** Whether a click in the middle of a host's card, beside its words, leads to its page. */
const CARD = `() => {
  const card = document.querySelector('.hosts li');
  card.scrollIntoView();
  const { left, top, width, height } = card.getBoundingClientRect();
  return document.elementFromPoint(left + width / 2, top + height - 4)?.closest('a')?.getAttribute('href') ?? null;
}`;

const SCHEME = 'layout.css.prefers-color-scheme.content-override';

describe('a browser', () => {
  let sites: PublishedSites;
  let server: SiteServer;
  before(async () => {
    sites = await publishInto(demoSnapshot(), DEMO_CATALOGUE);
    server = await serveFolder(sites.folder);
  });
  after(() => {
    server.close();
    sites.remove();
  });

  const texts = new Map<string, string>();

  /** Nothing overflows, all text can be read, nothing is blocked, and the text is the same as wherever it was seen before. */
  async function insist(browser: Browser): Promise<void> {
    const page = await browser.newPage();
    const violations: string[] = [];
    page.on('console', (message) => /content.security.policy/i.test(message.text()) && violations.push(message.text()));
    const evaluate = <T>(code: string) => page.evaluate(`(${code})()`) as Promise<T>;
    for (const path of PAGES) {
      await page.setViewport({ width: 1400, height: 900 });
      await page.goto(`${server.root}/${path}`);
      const text = await evaluate<string>(TEXT);
      const other = texts.get(path);
      assert.ok(other === undefined || other === text, `${path}: the text depends on the preferences`);
      texts.set(path, text);
      const { seen, bad } = await evaluate<{ seen: number; bad: string[] }>(LOW_CONTRAST);
      assert.ok(seen > 10);
      assert.deepEqual(bad, [], path);
      const drawn = await evaluate<{ bar: number; columns: number }>(DRAWN);
      if (path.includes('/checks/')) assert.ok(drawn.bar > 5 && drawn.columns > 100, `${path}: ${JSON.stringify(drawn)}`);
      for (const width of [1400, 360]) {
        await page.setViewport({ width, height: 900 });
        const overflow = await evaluate<number>(OVERFLOW);
        assert.ok(overflow <= 0, `${path} at ${width} pixels is ${overflow} too wide`);
      }
      // What is folded was not drawn until now: on the narrow page it fits too, and can be read.
      await evaluate(UNFOLD);
      const unfolded = await evaluate<number>(OVERFLOW);
      assert.ok(unfolded <= 0, `${path} at 360 pixels is ${unfolded} too wide when all is unfolded`);
      assert.deepEqual((await evaluate<{ bad: string[] }>(LOW_CONTRAST)).bad, [], `${path}, unfolded`);
    }
    assert.deepEqual(violations, []);
  }

  function insistOnRequests(): void {
    const asked = [...new Set(server.requests)].filter((path) => path !== '/favicon.ico').sort();
    assert.deepEqual(asked, [...PAGES.map((path) => `/${path}`), '/private/style.css', '/public/style.css'].sort());
  }

  const looks: { level: Level; scheme: 'light' | 'dark' }[] = [
    { level: 'safest', scheme: 'light' },
    { level: 'standard', scheme: 'dark' },
    { level: 'safer', scheme: 'light' },
  ];
  for (const { level, scheme } of looks) {
    const title = `[H2] [case W07] [case W09] Firefox ESR as Tor Browser at ${level}, ${scheme}: nothing overflows, all text can be read and is the same at each level, nothing is blocked`;
    it(title, needs('firefox-esr'), async () => {
      const browser = await openFirefox(level, { [SCHEME]: scheme === 'dark' ? 0 : 1 });
      try {
        await insist(browser);
      } finally {
        await browser.close();
      }
    });
  }

  it(
    '[H2] what a finger is to meet is large enough, no table is broader than a narrow page, columns are not ragged, and a host’s card leads to its page',
    needs('firefox-esr'),
    async () => {
      const browser = await openFirefox('safest');
      try {
        const page = await browser.newPage();
        const evaluate = <T>(code: string) => page.evaluate(`(${code})()`) as Promise<T>;
        let lists = 0;
        for (const path of PAGES) {
          await page.setViewport({ width: 360, height: 900 });
          await page.goto(`${server.root}/${path}`);
          assert.deepEqual(await evaluate<string[]>(SMALL_TARGETS), [], path);
          assert.deepEqual(await evaluate<string[]>(SIDEWAYS), [], path);
          if (!path.endsWith('index.html')) continue;
          await page.setViewport({ width: 1400, height: 900 });
          for (const [name, edges] of await evaluate<[string, number[]][]>(EDGES)) {
            assert.ok(edges.length <= 1, `${path}: ${name} stand at ${edges.join(', ')}`);
            lists += edges.length;
          }
          if (path.startsWith('private')) assert.equal(await evaluate(CARD), 'hosts/web1.html');
        }
        assert.equal(lists, 6);
      } finally {
        await browser.close();
      }
    },
  );

  it('[H2] [case W07] a page asks for itself and its style sheet only', needs('firefox-esr'), insistOnRequests);

  it(
    '[H2] [W4] an overview that refreshes itself is complete at Safest, and asks for nothing else then',
    needs('firefox-esr'),
    async () => {
      const refreshing = await publishInto(demoSnapshot(), DEMO_CATALOGUE, { refresh: 3 });
      const own = await serveFolder(refreshing.folder);
      const browser = await openFirefox('safest', { [SCHEME]: 1 });
      try {
        for (const site of ['private', 'public']) {
          const path = `${site}/index.html`;
          const page = await browser.newPage();
          await page.setViewport({ width: 1400, height: 900 });
          await page.goto(`${own.root}/${path}`);
          assert.equal(await page.evaluate(`(${TEXT})()`), texts.get(path));
          await waitUntil(async () => own.requests.filter((one) => one === `/${path}`).length >= 2, 20);
          await page.close();
          const asked = new Set(own.requests.filter((one) => one !== '/favicon.ico' && one.startsWith(`/${site}`)));
          assert.deepEqual([...asked].sort(), [`/${path}`, `/${site}/style.css`]);
        }
      } finally {
        await browser.close();
        own.close();
        refreshing.remove();
      }
    },
  );

  it('[H2] Chromium shows the same and asks for no more: nothing overflows, all text can be read', needs('chromium'), async () => {
    // Its line breaks are its own: the text is compared with itself only.
    texts.clear();
    server.requests.length = 0;
    const browser = await openChromium();
    try {
      await insist(browser);
    } finally {
      await browser.close();
    }
    insistOnRequests();
  });
});
