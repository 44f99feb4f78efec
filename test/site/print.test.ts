import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser } from 'puppeteer-core';
import { DEMO_CATALOGUE, demoSnapshot } from '../support/demo.ts';
import { openFirefox } from '../support/firefox.ts';
import { readPng } from '../support/png.ts';
import { needs, temporaryFolder } from '../support/server.ts';
import { type PublishedSites, publishInto } from '../support/site.ts';
import { type SiteServer, serveFolder } from '../support/site-server.ts';

/** What whoever takes the paper along must find on it, at most on so many sheets of A4. */
const PAPERS: { page: string; sheets: number; says: RegExp[] }[] = [
  {
    page: 'private/index.html',
    sheets: 2,
    says: [/4 problems/, /website \/ front-page/, /HTTP 503 in 0\.42 s/, /Acknowledged by anna/, /Made Sun 2026-11-22 14:05 UTC/],
  },
  {
    page: 'private/checks/website/front-page.html',
    sheets: 3,
    says: [/Last 90 days/, /warning above 2 s/, /Settings from conf\.d\/website\.yaml:12/, /vigie ack website\/front-page/],
  },
  { page: 'private/notifications.html', sheets: 2, says: [/waits for the daily digest/, /451 4\.7\.1 try again later/] },
  { page: 'private/runs.html', sheets: 3, says: [/Not judged/, /8122/] },
  {
    page: 'public/index.html',
    sheets: 2,
    says: [/Website and Additional software \(APT\) are down/, /We are aware/, /Operational/],
  },
];
const MARGIN_POINTS = (1.4 / 2.54) * 72;

describe('pages on paper', needs('firefox-esr', 'pdftotext', 'pdftoppm'), () => {
  const { path: folder, remove } = temporaryFolder();
  let sites: PublishedSites;
  let server: SiteServer;
  let browser: Browser;
  before(async () => {
    sites = await publishInto(demoSnapshot(), DEMO_CATALOGUE);
    server = await serveFolder(sites.folder);
    // At Safest every page believes that light is wanted (resistFingerprinting).
    browser = await openFirefox('standard', { 'layout.css.prefers-color-scheme.content-override': 0 });
  });
  after(async () => {
    await browser.close();
    server.close();
    sites.remove();
    remove();
  });

  async function print(path: string): Promise<string> {
    const page = await browser.newPage();
    await page.goto(`${server.root}/${path}`);
    const file = join(folder, 'page.pdf');
    writeFileSync(file, await page.pdf({ format: 'A4', preferCSSPageSize: true }));
    await page.close();
    return file;
  }

  for (const { page, sheets, says } of PAPERS) {
    it(`[H2] ${page}: what matters is on it, no sheet is blank, and nothing is cut off`, async () => {
      const file = await print(page);
      const text = execFileSync('pdftotext', ['-layout', file, '-'], { encoding: 'utf8' });
      for (const words of says) assert.match(text.replace(/\s+/g, ' '), words);
      assert.doesNotMatch(text, /The numbers, |Skip to the content/, 'what is folded or for screens only');
      const papers = text.split('\f').slice(0, -1);
      assert.ok(papers.length <= sheets, `${papers.length} sheets`);
      for (const paper of papers) assert.notEqual(paper.trim(), '');
      const boxes = execFileSync('pdftotext', ['-bbox', file, '-'], { encoding: 'utf8' });
      const width = Number(/<page width="([\d.]+)"/.exec(boxes)?.[1]);
      const words = [...boxes.matchAll(/<word xMin="([\d.-]+)" yMin="[\d.-]+" xMax="([\d.]+)"[^>]*>([^<]*)</g)];
      assert.ok(words.length > 100);
      const cut = words.filter(([, left, right]) => Number(left) < MARGIN_POINTS - 1 || Number(right) > width - MARGIN_POINTS + 1);
      assert.deepEqual(
        cut.map(([, , , word]) => word),
        [],
      );
    });
  }

  it('[H2] paper is white, also for who reads dark pages, and bars keep their colours', async () => {
    const file = await print('private/index.html');
    execFileSync('pdftoppm', ['-r', '40', '-png', '-singlefile', file, join(folder, 'page')]);
    const { pixels } = readPng(readFileSync(join(folder, 'page.png')));
    let white = 0;
    let coloured = 0;
    for (let i = 0; i < pixels.length; i += 4) {
      const [r = 0, g = 0, b = 0] = pixels.subarray(i, i + 3);
      if (Math.min(r, g, b) > 245) white += 1;
      if (Math.max(r, g, b) - Math.min(r, g, b) > 60) coloured += 1;
    }
    assert.ok(white / (pixels.length / 4) > 0.8, `${white} white pixels`);
    assert.ok(coloured > 300, `${coloured} coloured pixels`);
  });
});
