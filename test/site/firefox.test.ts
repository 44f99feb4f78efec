import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'puppeteer-core';
import { DEMO_CATALOGUE, demoSnapshot } from '../support/demo.ts';
import { openFirefox } from '../support/firefox.ts';
import { needs } from '../support/server.ts';
import { type PublishedSites, publishInto } from '../support/site.ts';

const PAGES = [
  'private/index.html',
  'private/services/website.html',
  'private/hosts/backup.html',
  'private/events.html',
  'private/checks.html',
  'private/runs.html',
  'public/index.html',
  'public/services/website.html',
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
const OVERFLOW = '() => document.documentElement.scrollWidth - document.documentElement.clientWidth';

describe('Firefox ESR', needs('firefox-esr'), () => {
  let sites: PublishedSites;
  let server: Server;
  let root: string;
  const requests: string[] = [];
  before(async () => {
    sites = await publishInto(demoSnapshot(), DEMO_CATALOGUE);
    server = createServer((request, response) => {
      const path = new URL(request.url ?? '/', 'http://x').pathname;
      requests.push(path);
      try {
        const body = readFileSync(join(sites.folder, path));
        response.writeHead(200, { 'content-type': path.endsWith('.css') ? 'text/css' : 'text/html; charset=utf-8' }).end(body);
      } catch {
        response.writeHead(404).end();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    root = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.close();
    server.closeAllConnections();
    sites.remove();
  });

  const texts = new Map<string, string>();

  async function look(browser: Browser, path: string, width: number) {
    const page = await browser.newPage();
    const violations: string[] = [];
    page.on('console', (message) => /content.security.policy/i.test(message.text()) && violations.push(message.text()));
    await page.setViewport({ width, height: 900 });
    await page.goto(`${root}/${path}`);
    const evaluate = <T>(code: string) => page.evaluate(`(${code})()`) as Promise<T>;
    const [overflow, text] = [await evaluate<number>(OVERFLOW), await evaluate<string>(TEXT)];
    const contrast = await evaluate<{ seen: number; bad: string[] }>(LOW_CONTRAST);
    await page.close();
    return { overflow, text, contrast, violations };
  }

  for (const [name, preferences, scheme] of [
    ['strict, light', 'strict', 1],
    ['plain, dark', 'plain', 0],
  ] as const) {
    it(`[H2] [case W07] [case W09] ${name}: nothing overflows at 360 and 1400 pixels, all text can be read, nothing is blocked`, async () => {
      const browser = await openFirefox(preferences, { 'layout.css.prefers-color-scheme.content-override': scheme });
      try {
        for (const path of PAGES) {
          for (const width of [360, 1400]) {
            const { overflow, text, contrast, violations } = await look(browser, path, width);
            assert.ok(overflow <= 0, `${path} at ${width} pixels is ${overflow} too wide`);
            assert.ok(contrast.seen > 10);
            assert.deepEqual(contrast.bad, [], path);
            assert.deepEqual(violations, []);
            const key = `${path} ${width}`;
            const other = texts.get(key);
            assert.ok(other === undefined || other === text, `${key}: the text depends on the preferences`);
            texts.set(key, text);
          }
        }
      } finally {
        await browser.close();
      }
    });
  }

  it('[H2] [case W07] a page asks for itself and its style sheet only', () => {
    const asked = [...new Set(requests)].filter((path) => path !== '/favicon.ico').sort();
    assert.deepEqual(asked, [...PAGES.map((path) => `/${path}`), '/private/style.css', '/public/style.css'].sort());
  });
});
