import assert from 'node:assert/strict';
import { it } from 'node:test';
import { composeContent } from '../../src/mail/compose.ts';
import { checkOf, configurationOf } from '../support/model.ts';
import { itemFor } from '../support/telling.ts';

const NOW = Date.UTC(2026, 10, 22, 12);

it('[case Q13] a number that comes again, since the history went back, makes another Message-ID', async () => {
  const idAt = async (now: number) => {
    const draft = { message: 7, recipient: 'anna@example.org', items: [itemFor(checkOf(), NOW)], references: [] };
    return (await composeContent(draft, configurationOf([]), { secret: 'secret', now })).messageId;
  };
  assert.match(await idAt(NOW), /^<vigie\.7\.[0-9a-f]{24}@/);
  assert.notEqual(await idAt(NOW + 1), await idAt(NOW));
});
