import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEMO_CATALOGUE, demoSnapshot } from '../support/demo.ts';
import { publishInto } from '../support/site.ts';

describe('words for scripts', () => {
  it('[W5] one word for each service and host: the worst state that is sure', async () => {
    const sites = await publishInto(demoSnapshot(), DEMO_CATALOGUE);
    const words = (name: string) => sites.files.get(name);
    assert.equal(words('private/state/website.txt'), 'CRITICAL\n');
    assert.equal(words('private/state/web1.txt'), 'CRITICAL\n');
    assert.equal(words('private/state/chat.txt'), 'WARNING\n');
    assert.equal(words('private/state/jenkins.txt'), 'OK\n', 'a soft failure is not yet one');
    assert.equal(words('private/state/backup.txt'), 'UNKNOWN\n', 'nothing of it is judged');
    assert.equal(words('public/state/website.txt'), 'down\n');
    assert.equal(words('public/state/chat.txt'), 'degraded\n');
    assert.equal(words('public/state/git.txt'), 'operational\n');
    assert.equal(words('public/state/names.txt'), undefined);
    sites.remove();
  });

  it('[W5] status.json has the documented keys', async () => {
    const sites = await publishInto(demoSnapshot(), DEMO_CATALOGUE);
    const json = JSON.parse(sites.files.get('private/status.json') ?? '');
    assert.deepEqual(Object.keys(json), ['generated_at', 'next_run_by', 'run', 'title', 'summary', 'checks']);
    assert.deepEqual(
      Object.keys(json.checks[0]),
      'id host service title type state state_type attempt since last_result_at output metrics parts acknowledged downtime unstable withheld public'.split(
        ' ',
      ),
    );
    const open = JSON.parse(sites.files.get('public/status.json') ?? '');
    assert.deepEqual(Object.keys(open.services[0]), ['name', 'title', 'group', 'state', 'since', 'availability']);
    assert.deepEqual(Object.keys(open.services[0].availability), ['24h', '7d', '30d', '90d']);
    sites.remove();
  });
});
