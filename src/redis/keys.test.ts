import { describe, expect, it } from 'vitest';
import { parseEntityId, sessionIdSchema } from '../model/id.ts';
import { createKeys, KEY_KINDS, type Key, parseKeyPart } from './keys.ts';

const JOB = parseEntityId('JOB-20261120-k3f9xq2m');
const SESSION = sessionIdSchema.parse('0197f3d2-1c7e-7a10-8a44-0242ac120002');
/** Nearly the next day by the clocks of Asia, still this one in UTC. */
const AT = new Date('2026-11-20T23:59:59.999Z');

const all = (prefix: string): readonly Key[] => {
  const keys = createKeys(prefix);
  return [
    keys.feed,
    keys.signals(JOB),
    keys.artifact(JOB, parseKeyPart('plan.v2')),
    keys.artifactIndex(JOB),
    keys.contract(JOB),
    keys.events(SESSION),
    keys.state(SESSION),
    keys.metrics(AT),
    keys.ipcMetrics(AT),
    keys.fleet,
    keys.registry(parseKeyPart('review')),
    keys.deadFeed,
    keys.capabilities,
    keys.lease(parseKeyPart('alpha')),
  ];
};

describe('createKeys', () => {
  it("G5: names each key letter for letter as in the seed, with the design's type and time to live", () => {
    expect(all('').map(({ name, type, ttlS }) => `${name} ${type} ${ttlS}`)).toEqual([
      'nika:feed:entities stream 86400',
      'nika:ipc:JOB-20261120-k3f9xq2m stream 7200',
      'nika:wm:JOB-20261120-k3f9xq2m:plan.v2 hash 3600',
      'nika:wm:JOB-20261120-k3f9xq2m hash 3600',
      'nika:contract:JOB-20261120-k3f9xq2m hash 7200',
      'agent:events:0197f3d2-1c7e-7a10-8a44-0242ac120002 stream 86400',
      'agent:state:0197f3d2-1c7e-7a10-8a44-0242ac120002 hash 7200',
      'agent:metrics:2026-11-20 hash 604800',
      'nika:ipc:metrics:2026-11-20 hash 604800',
      'nika:fleet:state hash 86400',
      'nika:registry:review zset 60',
      'nika:feed:dead stream 604800',
      'nika:queue:capabilities zset 2592000',
      'nika:lease:alpha string 30',
    ]);
    expect(all('')).toHaveLength(Object.keys(KEY_KINDS).length);
  });

  it('G6: caps them as the design says', () => {
    expect(Object.fromEntries(Object.entries(KEY_KINDS).map(([kind, { cap }]) => [kind, cap]))).toEqual({
      feed: { maxCount: 1_000_000, maxAgeMs: 86_400_000, maxBytes: 2000 },
      signals: { maxCount: 10_000 },
      artifact: { maxBytes: 524_287, maxKeysPerJob: 1000 },
      artifactIndex: { maxCount: 1000 },
      contract: { maxCount: 204 },
      events: { maxCount: 5000, maxBytes: 1000 },
      state: {},
      metrics: {},
      ipcMetrics: {},
      fleet: { maxCount: 10_000 },
      registry: {},
      deadFeed: { maxCount: 10_000 },
      capabilities: { maxAgeMs: 2_592_000_000 },
      lease: {},
    });
  });

  it('puts the prefix before every one, and no hash tag into any', () => {
    expect(all('team-a:').map(({ name }) => name)).toEqual(all('').map(({ name }) => `team-a:${name}`));
    expect(all('').filter(({ name }) => /[{}]/.test(name))).toEqual([]);
  });

  it.each(['', 'a b', 'a:b', 'a{b}', '*', '../x', 'a\n', 'x'.repeat(101)])('refuses %j as a part of a key', (text) => {
    expect(() => parseKeyPart(text)).toThrow(/cannot be part of a Redis key/);
  });
});
