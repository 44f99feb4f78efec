import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { globalFile, installation, vigie } from '../support/cli.ts';
import { readMaildir } from '../support/maildir.ts';
import { Target } from '../support/target.ts';

describe('a check whose configuration changes', () => {
  let target: Target;
  let folder: { path: string; remove: () => void };
  before(async () => {
    target = await Target.start();
    folder = installation(globalFile('maildir:state/mail'), { 'a.yaml': configure('200') });
  });
  after(async () => {
    await target.stop();
    folder.remove();
  });
  const configure = (status: string) =>
    `hosts:\n  web1:\n    checks:\n      page: { type: http, attempts: 1, url: "${target.url}", status: "${status}" }\n      other: { type: http, url: "${target.url}" }\n`;
  const run = async () => assert.equal((await vigie(folder.path, ['run', '--now', '*'])).code, 0);

  it('[W2] says so in the mail of what it breaks, and stands in the events', async () => {
    await run();
    writeFileSync(join(folder.path, 'conf.d/a.yaml'), configure('204'));
    await run();
    const mail = readMaildir(join(folder.path, 'state/mail')).find(({ subject }) => subject.includes('CRITICAL'));
    assert.match(mail?.content ?? '', /0 s after the configuration of web1\/page was changed/);
    const events = readFileSync(join(folder.path, 'site/private/events.html'), 'utf8');
    assert.match(events, /the configuration of web1\/page was changed/);
    assert.doesNotMatch(events, /configuration of web1\/other/);
  });
});
