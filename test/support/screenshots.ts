import type { Browser } from 'puppeteer-core';

/** The pictures that the README shows; test/site/pictures.test.ts keeps them true. */
export const PICTURES: { name: string; page: string; width: number; height: number; isDark: boolean }[] = [
  { name: 'private', page: 'private/index.html', width: 1200, height: 720, isDark: false },
  { name: 'check', page: 'private/checks/website/front-page.html', width: 1200, height: 640, isDark: false },
  { name: 'release', page: 'private/needed/release.html', width: 1200, height: 560, isDark: true },
  { name: 'narrow', page: 'private/index.html', width: 384, height: 680, isDark: true },
  { name: 'public', page: 'public/index.html', width: 1200, height: 720, isDark: false },
];

/** One picture of what is seen without scrolling. `root` is where the sites are served. */
export async function takePicture(browser: Browser, root: string, one: (typeof PICTURES)[number]): Promise<Uint8Array> {
  const page = await browser.newPage();
  await page.setViewport({ width: one.width, height: one.height });
  await page.goto(`${root}/${one.page}`);
  const picture = await page.screenshot();
  await page.close();
  return picture;
}
