import type { Check, Configuration, Contact } from '../../src/core/configuration.ts';
import type { Downtime } from '../../src/core/people.ts';

/** A check with the documented defaults. */
export function checkOf(overrides: Partial<Check> = {}): Check {
  return {
    id: 'website/front-page',
    name: 'front-page',
    host: 'web1',
    service: 'website',
    type: 'http',
    options: {},
    target: 'https://example.org/',
    enabled: true,
    via: null,
    every: 300,
    recheck: 60,
    timeout: 10,
    deadline: 22,
    retries: { times: 1, after: 2 },
    attempts: 3,
    recoveries: 1,
    unknownAttempts: 6,
    frequency: { failures: 6, of: 20 },
    dailyPattern: true,
    thresholds: {},
    contacts: ['sysadmins'],
    priority: 'medium',
    escalate: [],
    remind: null,
    public: null,
    impact: 'down',
    notes: null,
    parents: [],
    source: { file: 'conf.d/website.yaml', line: 12 },
    origins: {},
    ...overrides,
  };
}

export function contactOf(name: string, mail: string[] = [`${name}@example.org`], fallback: Contact['fallback'] = null): Contact {
  return { name, mail, periods: null, rota: null, absent: [], openpgp: null, fallback };
}

export function configurationOf(checks: Check[], overrides: Partial<Configuration> = {}): Configuration {
  const source = { file: 'vigie.yaml', line: 1 };
  return {
    title: 'Example infrastructure',
    timezone: 'UTC',
    interval: 60,
    state: '/nonexistent/state',
    sites: { private: null, public: null },
    proxies: {},
    sentinels: {},
    mail: {
      from: 'vigie@example.org',
      transport: 'maildir:/nonexistent/mail',
      user: null,
      password: null,
      tls: { ca: null, verify: true, required: null },
      inbox: null,
    },
    heartbeat: { key: null, url: null },
    fleet: { figures: [], inventory: [], incidents: '' },
    contacts: { sysadmins: contactOf('sysadmins') },
    contactsForAll: ['sysadmins'],
    limits: { concurrency: 50, perHost: 5, perProxy: 8, runDeadline: 50 },
    retention: { rows: 2 * 86_400, packed: 400 * 86_400, events: 400 * 86_400 },
    hosts: { web1: { name: 'web1', address: '192.0.2.10', labels: {}, profiles: [], parents: [], notes: null, source } },
    services: {
      website: {
        name: 'website',
        title: 'Website',
        host: 'web1',
        group: 'For everyone',
        neededBy: [],
        priority: 'medium',
        public: null,
        any: null,
        notes: null,
        source,
      },
    },
    checks,
    fingerprint: 'test',
    ...overrides,
  };
}

/** An hour of one service from the epoch on, unless said otherwise. */
export function downtimeOf(overrides: Partial<Downtime> = {}): Downtime {
  return {
    number: 1,
    target: 'website',
    from: 0,
    duration: 3600,
    repeat: null,
    zone: 'UTC',
    flexible: null,
    begun: null,
    toldUntil: 0,
    removedAt: null,
    publicNote: null,
    at: 0,
    author: 'anna',
    note: 'x',
    ...overrides,
  };
}
