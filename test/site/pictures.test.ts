import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { DEMO_CATALOGUE, demoSnapshot } from '../support/demo.ts';
import { openFirefox } from '../support/firefox.ts';
import { differenceOf, type Picture, readPng } from '../support/png.ts';
import { PICTURES, takePicture } from '../support/screenshots.ts';
import { needs } from '../support/server.ts';
import { type PublishedSites, publishInto } from '../support/site.ts';
import { type SiteServer, serveFolder } from '../support/site-server.ts';

const FOLDER = new URL('../../../docs/screenshots/', import.meta.url).pathname;
/** Fonts and their drawing differ a little between machines. */
const TOLERANCE = 0.03;

describe('the pictures of the README', needs('firefox-esr'), () => {
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

  for (const isDark of [false, true]) {
    it(`[H2] show the pages as they are, ${isDark ? 'dark' : 'light, at the strictest level'} (UPDATE_GOLDEN=1 takes them anew)`, async () => {
      // Whoever resists fingerprinting is shown light pages: at Safest there are no dark ones.
      const browser = await openFirefox(isDark ? 'standard' : 'safest', {
        'layout.css.prefers-color-scheme.content-override': isDark ? 0 : 1,
      });
      try {
        for (const one of PICTURES.filter((picture) => picture.isDark === isDark)) {
          const file = join(FOLDER, `${one.name}.png`);
          const taken = await takePicture(browser, server.root, one);
          if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, taken);
          const difference = differenceOf(readPng(taken), readPng(readFileSync(file)));
          assert.ok(difference <= TOLERANCE, `${one.name}: ${(difference * 100).toFixed(1)} % of the picture differs`);
        }
      } finally {
        await browser.close();
      }
    });
  }

  it('[H2] are small enough to be read over Tor, and a page without its bars would not pass as one of them', () => {
    const files = PICTURES.map(({ name }) => readFileSync(join(FOLDER, `${name}.png`)));
    assert.ok(files.reduce((sum, { length }) => sum + length, 0) < 600 * 1024);
    const picture = readPng(files[0] ?? Buffer.of());
    assert.equal(differenceOf(picture, picture), 0);
    assert.ok(differenceOf(picture, withoutColour(picture)) > TOLERANCE);
  });
});

/** What is left when nothing has a colour: paper where there were bars. */
function withoutColour({ width, height, pixels }: Picture): Picture {
  const grey = pixels.slice();
  for (let i = 0; i < grey.length; i += 4) {
    const [r = 0, g = 0, b = 0] = grey.subarray(i, i + 3);
    if (Math.max(r, g, b) - Math.min(r, g, b) > 40) grey.fill(251, i, i + 3);
  }
  return { width, height, pixels: grey };
}
