// Makes the sites of a made-up infrastructure, and pictures of them when Firefox is there:
// node dist/test/support/screenshots.js FOLDER [--pictures FOLDER]
import { join } from 'node:path';
import { publishSites } from '../../src/site/publisher.ts';
import { DEMO_CATALOGUE, demoSnapshot } from './demo.ts';
import { openFirefox } from './firefox.ts';

const [folder, flag, pictures] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: screenshots FOLDER [--pictures FOLDER]');
const snapshot = demoSnapshot();
const { sites } = snapshot.configuration;
if (sites.private === null || sites.public === null) throw new Error('the demo has both sites');
sites.private.output = join(folder, 'private');
sites.public.output = join(folder, 'public');
console.log(await publishSites(snapshot, DEMO_CATALOGUE));
if (flag === '--pictures' && pictures !== undefined) {
  const browser = await openFirefox('safest');
  try {
    for (const [site, height] of [
      ['private', 690],
      ['public', 1000],
    ] as const) {
      const page = await browser.newPage();
      await page.setViewport({ width: 1200, height });
      await page.goto(`file://${join(folder, site, 'index.html')}`);
      await page.screenshot({ path: join(pictures, `${site}.png`) });
      await page.close();
    }
  } finally {
    await browser.close();
  }
}
