import puppeteer, { type Browser } from 'puppeteer-core';

/** What Tor Browser's security slider sets at Safest, and stand-ins for what NoScript blocks there (test-servers.md section 13). */
const STRICT = {
  'javascript.enabled': false,
  'javascript.options.wasm': false,
  'svg.disabled': true,
  'mathml.disabled': true,
  'gfx.downloadable_fonts.enabled': false,
  'gfx.font_rendering.graphite.enabled': false,
  'gfx.font_rendering.opentype_svg.enabled': false,
  'webgl.disabled': true,
  'privacy.resistFingerprinting': true,
};

export function openFirefox(preferences: 'strict' | 'plain', more: Record<string, unknown> = {}): Promise<Browser> {
  return puppeteer.launch({
    browser: 'firefox',
    executablePath: '/usr/bin/firefox-esr',
    headless: true,
    protocol: 'webDriverBiDi',
    extraPrefsFirefox: { ...(preferences === 'strict' ? STRICT : {}), ...more },
  });
}
