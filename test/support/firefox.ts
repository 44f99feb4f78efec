import puppeteer, { type Browser } from 'puppeteer-core';

/** The three levels of Tor Browser's security slider. */
export type Level = 'standard' | 'safer' | 'safest';

const SAFER = {
  'javascript.options.ion': false,
  'javascript.options.baselinejit': false,
  'javascript.options.native_regexp': false,
  'javascript.options.asmjs': false,
  'javascript.options.wasm': false,
  'mathml.disabled': true,
  'gfx.font_rendering.graphite.enabled': false,
  'gfx.font_rendering.opentype_svg.enabled': false,
};

/** What the slider sets at Safest, and stand-ins for what NoScript blocks there (test-servers.md section 13). */
const SAFEST = {
  ...SAFER,
  'javascript.enabled': false,
  'svg.disabled': true,
  'gfx.downloadable_fonts.enabled': false,
  'webgl.disabled': true,
  'privacy.resistFingerprinting': true,
};

const PREFERENCES: Record<Level, Record<string, boolean>> = { standard: {}, safer: SAFER, safest: SAFEST };

export function openFirefox(level: Level, more: Record<string, unknown> = {}): Promise<Browser> {
  return puppeteer.launch({
    browser: 'firefox',
    executablePath: '/usr/bin/firefox-esr',
    headless: true,
    protocol: 'webDriverBiDi',
    extraPrefsFirefox: { ...PREFERENCES[level], ...more },
  });
}

/** Debian's Chromium, without scripts' help: `pages.setJavaScriptEnabled` is left as people have it. */
export function openChromium(more: string[] = []): Promise<Browser> {
  return puppeteer.launch({
    browser: 'chrome',
    executablePath: '/usr/bin/chromium',
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--no-first-run',
      ...more,
    ],
  });
}

/** Through a SOCKS proxy that resolves names, onion names too. */
export function throughTor(socksPort: number): Record<string, unknown> {
  return {
    'network.proxy.type': 1,
    'network.proxy.socks': '127.0.0.1',
    'network.proxy.socks_port': socksPort,
    'network.proxy.socks_version': 5,
    'network.proxy.socks_remote_dns': true,
    'network.proxy.socks5_remote_dns': true,
    'network.dns.blockDotOnion': false,
    'dom.security.https_first': false,
  };
}
