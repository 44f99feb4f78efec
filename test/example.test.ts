import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { type LoadedConfiguration, loadConfiguration } from '../src/config/load.ts';
import { checkTypeNames, checkTypesFingerprint, loadCheckType } from '../src/registry.ts';

const EXAMPLE = new URL('../../docs/example/vigie.yaml', import.meta.url).pathname;

/** Rows of requirements.md, and the checks of the example that stand for them. */
const ROWS: { row: string; checks: string[] }[] = [
  { row: 'K7', checks: ['apt/stable', 'apt/snapshot'] },
  { row: 'K8', checks: ['bitcoin/height'] },
  { row: 'K9', checks: ['torrents/newest'] },
  { row: 'K10', checks: ['git/refs', 'git/pull'] },
  { row: 'K11', checks: ['annex/tarballs'] },
  { row: 'K12', checks: ['jenkins/refuses-strangers'] },
  { row: 'K13', checks: ['nightly/images'] },
  { row: 'K14', checks: ['rsync/tree'] },
  { row: 'K15', checks: ['tester1/forced-command', 'tester1/results'] },
  { row: 'K16', checks: ['website/front-page', 'website/onion'] },
  { row: 'K17', checks: ['mail-relay/smtp', 'mail-relay/descriptor'] },
  { row: 'K18', checks: ['mail-relay/round-trip'] },
  { row: 'K19', checks: ['chat/streams'] },
  { row: 'K20', checks: ['donations/synchronized', 'donations/methods'] },
  { row: 'K23', checks: ['metrics/backup-age', 'metrics/targets'] },
  { row: 'K24', checks: ['names/authority'] },
  { row: 'K25', checks: ['mailboxes/imap', 'mailboxes/smtp'] },
  { row: 'K26', checks: ['directory/search'] },
  { row: 'K27', checks: ['gitlab/health', 'grafana/health', 'measurements/fresh'] },
];

describe('the example of docs/example', () => {
  let loaded: LoadedConfiguration;
  before(async () => {
    const [typeNames, typesFingerprint] = [checkTypeNames(), checkTypesFingerprint()];
    loaded = await loadConfiguration({
      path: EXAMPLE,
      loadType: loadCheckType,
      typeNames,
      typesFingerprint,
      version: 'test',
      now: 0,
      mode: 'check',
    });
  });

  it('[C2] is valid, without a warning', () => assert.deepEqual([loaded.problems, loaded.warnings], [[], []]));

  for (const { row, checks } of ROWS) {
    it(`[A2] row ${row} has checks that stand for it`, () => {
      const ids = loaded.configuration.checks.filter(({ enabled }) => enabled).map(({ id }) => id);
      for (const check of checks) assert.ok(ids.includes(check), check);
    });
  }

  it('[A1] names nothing outside of the ranges for documentation', () => {
    for (const { target } of loaded.configuration.checks) {
      for (const [host] of target.matchAll(/[a-z0-9-]+(\.[a-z0-9-]+)*\.(org|net|com|onion)\b/g)) {
        assert.match(host, /(^|\.)example\.(org|net|com)$|\.onion$/, target);
      }
    }
  });
});
