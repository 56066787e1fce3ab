import { randomUUID } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { SessionId } from '../../src/model/id.ts';
import { createKeys } from '../../src/redis/keys.ts';
import { type Link, openWriter } from '../../src/redis/link.ts';
import { addCounters } from '../../src/redis/scripts/add-counters.lua.ts';
import { addEvents, createEntry } from '../../src/redis/scripts/add-events.lua.ts';
import { publish } from '../../src/redis/scripts/publish.lua.ts';
import { runScripts } from '../../src/redis/scripts/script.ts';
import { setFleetField } from '../../src/redis/scripts/set-fleet-field.lua.ts';
import { setState } from '../../src/redis/scripts/set-state.lua.ts';
import { freePort, RedisServer } from '../servers/redis.ts';
import { GROUP, RedisCluster, SentinelGroup } from '../servers/redis-groups.ts';
import { targetOf } from '../servers/target.ts';

const keys = createKeys('');

/** All five scripts, on five keys. */
const everyCall = (session: SessionId) =>
  [
    addEvents({
      key: keys.events(session),
      believedLastId: '0-0',
      fields: ['tool'],
      entries: [createEntry('1-1', ['Bash'])],
    }),
    addCounters({ key: keys.metrics(new Date()), session, totals: { 'Bash.calls': 1 } }),
    setState({ key: keys.state(session), rev: 1, fields: { status: 'running' } }),
    setFleetField({ key: keys.fleet, session, value: { status: 'running' } }),
    publish({
      key: keys.feed,
      events: [{ id: randomUUID(), fields: { event: 'created' } }],
      afterId: undefined,
      isAgain: false,
    }),
  ] as const;

const kindsOf = async (link: Link, session: SessionId) =>
  (await runScripts(link, everyCall(session))).map((outcome) => (outcome.kind === 'done' ? 'done' : outcome.why));

const ALL_DONE = ['done', 'done', 'done', 'done', 'done'];

describe.concurrent('a link to more than one Redis', () => {
  it('writes to a Cluster of three, also again after a node was gone', async () => {
    await using cluster = await RedisCluster.open();
    const [first, second] = cluster.nodes;
    const more = { cluster: true, nodes: cluster.nodes.map(({ port }) => `127.0.0.1:${port}`) };
    await using link = await openWriter(targetOf(first?.url ?? '', more));
    expect(await link.untilReady(10_000)).toBe(true);
    for (let nth = 0; nth < 20; nth += 1) expect(await kindsOf(link, randomUUID() as SessionId)).toEqual(ALL_DONE);
    for (const node of cluster.nodes) {
      expect(await node.admin.dbsize()).toBeGreaterThan(0);
      await node.mustHaveTtls();
    }
    await second?.kill();
    const from = performance.now();
    await kindsOf(link, randomUUID() as SessionId);
    expect(performance.now() - from).toBeLessThan(6000);
    await second?.start();
    const end = performance.now() + 10_000;
    let kinds: readonly string[] = [];
    while (performance.now() < end && kinds.join() !== ALL_DONE.join()) {
      kinds = await kindsOf(link, randomUUID() as SessionId);
      await delay(100);
    }
    expect(kinds).toEqual(ALL_DONE);
  });

  it('follows a Sentinel failover to the replica', async () => {
    await using group = await SentinelGroup.open();
    const sentinels = group.sentinelPorts.map((port) => `127.0.0.1:${port}`);
    await using link = await openWriter(targetOf('redis://ignored:1', { sentinels, name: GROUP }));
    expect(await link.untilReady(10_000)).toBe(true);
    const session = randomUUID() as SessionId;
    expect(await kindsOf(link, session)).toEqual(ALL_DONE);
    expect(await group.master.admin.exists(keys.fleet.name)).toBe(1);
    await group.master.kill();
    const end = performance.now() + 14_000;
    let kinds: readonly string[] = [];
    while (performance.now() < end && kinds.join() !== ALL_DONE.join()) {
      kinds = await kindsOf(link, session);
      await delay(50);
    }
    expect(kinds).toEqual(ALL_DONE);
    expect(await group.replica.admin.hget(keys.metrics(new Date()).name, 'Bash.calls')).toBe('1');
  });
});

describe('a link with TLS', () => {
  it('goes to a server that its authority vouches for and asks for a certificate, and to no other', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'nika-tls-'));
    const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
    openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=ca');
    const names = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const ours = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-subj', '/CN=nika', ...names];
    openssl('req', '-x509', ...key, '-keyout', 'key.pem', '-out', 'cert.pem', ...ours);
    const port = await freePort();
    const config = [
      `tls-port ${port}`,
      `tls-cert-file ${dir}/cert.pem`,
      `tls-key-file ${dir}/key.pem`,
      `tls-ca-cert-file ${dir}/ca.pem`,
    ];
    await using _ = await RedisServer.open({ config });
    const target = targetOf(`rediss://127.0.0.1:${port}`);
    const [ca, cert, secret] = ['ca.pem', 'cert.pem', 'key.pem'].map((name) => join(dir, name)) as [
      string,
      string,
      string,
    ];
    await using stranger = await openWriter(target);
    await using known = await openWriter({ ...target, tls: { ca, cert, key: secret } });
    await using nameless = await openWriter({ ...target, tls: { ca } });
    expect(await known.untilReady(5000)).toBe(true);
    expect(await known.call({ name: 'ping', args: [] })).toEqual({ kind: 'done', value: 'PONG' });
    expect(await stranger.untilReady(300)).toBe(false);
    expect(stranger.status).toMatchObject({ kind: 'down', why: expect.stringMatching(/certificate/) });
    expect(await nameless.untilReady(300)).toBe(false);
    expect(nameless.status.kind).toBe('down'); // by a reset or by an alert, as it happens with TLS 1.3
    rmSync(dir, { recursive: true });
  });
});
