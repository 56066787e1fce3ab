import { hostname } from 'node:os';
import { expect, it } from 'vitest';
import { LeaseDesk } from '../../src/swarm/worker/lease-desk.ts';
import { until } from '../pods.ts';
import { RedisServer } from '../servers/redis.ts';
import { targetOf } from '../servers/target.ts';

it('K4: a Redis whose user may not ask INFO opens the gate one lease time later, and not before; it says why', async () => {
  await using server = await RedisServer.open();
  await server.admin.call('ACL', 'SETUSER', 'poor', 'on', '>pw', '~*', '&*', '+@all', '-info');
  const url = server.url.replace('redis://', 'redis://poor:pw@');
  const name = `${hostname()}-test`;
  await using desk = await LeaseDesk.open({ target: targetOf(url), leaseS: 2, name, mayPodsHold: () => true });
  const beganAtMs = performance.now();
  const first = await until('Redis', async () => {
    const gate = await desk.gate();
    return gate.kind === 'open' || !gate.why.includes('is away') ? gate : undefined;
  });
  expect(first).toMatchObject({ kind: 'shut', why: expect.stringMatching(/INFO: NOPERM.*nothing is taken until/) });
  expect(desk.shutWhy).toContain('INFO');
  await until('the gate to open', async () => (await desk.gate()).kind === 'open');
  expect(performance.now() - beganAtMs).toBeGreaterThan(1_900);
  expect(desk.shutWhy).toBeNull();
});
