import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { answersDns, type NameServer, SITE_ZONE } from './nsd.ts';
import { freePort, startServer, temporaryFolder } from './server.ts';

/** A real named (BIND 9) with authority for one zone, and no recursion. */
export async function startNamed(zone = SITE_ZONE, name = 'site.test'): Promise<NameServer> {
  const { path: folder, remove } = temporaryFolder();
  const port = await freePort();
  writeFileSync(join(folder, 'zone'), zone);
  writeFileSync(
    join(folder, 'named.conf'),
    `options {
  directory "${folder}";
  pid-file "${folder}/pid";
  session-keyfile "${folder}/key";
  managed-keys-directory "${folder}";
  listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; };
  recursion no;
  dnssec-validation no;
};
controls { };
zone "${name}" { type primary; file "${folder}/zone"; };
`,
  );
  const server = await startServer('named', ['-g', '-n', '1', '-c', join(folder, 'named.conf')], () => answersDns(port, name));
  return { server, port, stop: () => server.stop().then(remove) };
}
