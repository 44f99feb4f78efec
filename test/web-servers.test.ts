import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, utimesSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type CertificateRig, certificateRig } from './support/certificates.ts';
import { globalFile, installation, vigie } from './support/cli.ts';
import { demoSnapshot } from './support/demo.ts';
import { needs, temporaryFolder } from './support/server.ts';
import { type Serving, SHIPPED_SERVERS, shippedTorrc, startShipped } from './support/shipped-servers.ts';
import { type PublishedSites, publishInto } from './support/site.ts';

let sites: PublishedSites;
let rig: CertificateRig;
let home: ReturnType<typeof installation>;
before(async () => {
  sites = await publishInto(demoSnapshot(), {});
  // Apache started as root serves as nobody.
  for (const path of [sites.folder, join(sites.folder, 'private'), join(sites.folder, 'public')]) chmodSync(path, 0o755);
  rig = certificateRig();
  chmodSync(rig.folder, 0o755);
  home = installation(globalFile('maildir:state/mail'));
});
after(() => {
  sites.remove();
  rig.remove();
  home.remove();
});

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

function get(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  if (url.startsWith('http:')) {
    return fetch(url, { headers }).then(async (answer) => ({
      status: answer.status,
      headers: Object.fromEntries(answer.headers),
      body: await answer.text(),
    }));
  }
  return new Promise((resolve, reject) => {
    const asked = request(url, { ca: rig.ca, headers, agent: false }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }));
    });
    asked.on('error', reject).end();
  });
}

/** Who is not root cannot be somebody else. */
const asOthers = process.getuid?.() === 0 ? needs('curl', 'setpriv', 'tor') : { skip: 'needs root' };

for (const program of SHIPPED_SERVERS) {
  describe(`${program} as docs/web-servers has it`, needs(program), () => {
    let serving: Serving;
    const places = () => ({
      private: `http://127.0.0.1:${serving.privatePort}/`,
      public: `https://127.0.0.1:${serving.publicPort}/`,
    });
    before(async () => {
      serving = await startShipped(program, sites.folder, rig.issue(`site-${program}`, { san: ['ip:127.0.0.1'] }));
    });
    after(() => serving.stop());

    for (const site of ['private', 'public'] as const) {
      it(`[H2] [H3] vigie doctor finds nothing to mend at its ${site} site`, async () => {
        const env = { NODE_EXTRA_CA_CERTS: rig.caFile };
        for (const path of ['', 'services/website.html']) {
          const { code, stdout } = await vigie(home.path, ['doctor', places()[site] + path], { env });
          assert.equal(code, 0, stdout);
          assert.match(stdout, /^ok {2}cache-control: no-cache$/m);
          assert.match(stdout, /^ok {2}etag: an unchanged page is not sent again$/m);
          assert.match(stdout, /^ok {2}content-type: text\/html; charset=utf-8$/im);
        }
      });

      it(`[H3] its ${site} site is that document root and no other, without vigie's own notes`, async () => {
        const url = places()[site];
        assert.equal((await get(url)).body, sites.files.get(`${site}/index.html`));
        const others =
          site === 'public'
            ? ['checks.html', 'metrics.txt', '../private/index.html', '%2e%2e/private/index.html']
            : ['badge/website.svg'];
        for (const path of [...others, '.vigie-files.json', 'services/.vigie-files.json', 'services/'])
          assert.ok((await get(url + path)).status >= 400, path);
      });
    }

    if (program !== 'apache2') {
      it('[H3] its private site is for tor alone: the socket lets tor in, and no other user', asOthers, () => {
        const look = (user: string, group: string) => {
          const as = ['--reuid', user, '--regid', group, '--clear-groups'];
          const ask = ['curl', '-sS', '--max-time', '10', '--unix-socket', serving.socket ?? '', 'http://x/index.html'];
          return spawnSync('setpriv', [...as, ...ask], { encoding: 'utf8' });
        };
        assert.equal(look('debian-tor', 'debian-tor').stdout, sites.files.get('private/index.html'));
        const stranger = look('nobody', 'nogroup');
        assert.notEqual(stranger.status, 0);
        assert.equal(stranger.stdout, '');
      });
    }

    it('[W4] an old tab learns at once that its page has changed', async () => {
      const url = `${places().public}index.html`;
      const { etag } = (await get(url)).headers;
      assert.equal(typeof etag, 'string');
      assert.equal((await get(url, { 'if-none-match': String(etag) })).status, 304);
      const later = Date.now() / 1000 - 3600;
      utimesSync(join(sites.folder, 'public/index.html'), later, later);
      assert.equal((await get(url, { 'if-none-match': String(etag) })).status, 200);
    });

    it('[W5] feeds, badges and words for scripts are of their kinds', async () => {
      const kinds: Record<string, RegExp> = {
        'feed.atom': /^application\/atom\+xml/,
        'status.json': /^application\/json/,
        'state/website.txt': /^text\/plain; charset=utf-8$/i,
        'badge/website.svg': /^image\/svg\+xml/,
        'badge/website.png': /^image\/png$/,
        'style.css': /^text\/css/,
      };
      for (const [path, kind] of Object.entries(kinds)) {
        const { status, headers } = await get(places().public + path);
        assert.equal(status, 200, path);
        assert.match(String(headers['content-type']), kind, path);
        assert.equal(headers['x-content-type-options'], 'nosniff', path);
      }
    });
  });
}

describe('docs/web-servers/torrc', needs('tor'), () => {
  it('[H2] is what tor takes, with the second way for Apache too', () => {
    const { path, remove } = temporaryFolder();
    try {
      const verify = (text: string) => {
        writeFileSync(join(path, 'torrc'), `DataDirectory ${path}/data\n${text}`);
        return spawnSync('tor', ['-f', join(path, 'torrc'), '--defaults-torrc', '/dev/null', '--verify-config'], {
          encoding: 'utf8',
        });
      };
      const text = shippedTorrc(join(path, 'vigie'), join(path, 'private.sock'));
      const apache = text.replace(/^HiddenServicePort.*$/m, '').replace(/^#(HiddenServicePort)/m, '$1');
      assert.match(apache, /^HiddenServicePort 80 127\.0\.0\.1:8081$/m);
      for (const one of [text, apache]) {
        const { status, stdout } = verify(one);
        assert.equal(status, 0, stdout);
        assert.match(stdout, /Configuration was valid/);
        assert.doesNotMatch(stdout, /\[(warn|err)\](?!.*(root|tor_assertion|geoip|DataDirectory))/i);
      }
      assert.notEqual(verify(`${text}HiddenServicePort nowhere\n`).status, 0);
    } finally {
      remove();
    }
  });
});
