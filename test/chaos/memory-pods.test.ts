/** Pods whose home has its memory in a real Qdrant that is not there, dies, hangs or forgets. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BusLine } from '../../src/bus/line.ts';
import { resolveHome } from '../../src/config/home.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { bringWaiting } from '../../src/swarm/alpha/watch/memory.ts';
import { writeClaude } from '../fixtures/histories/claude-file.ts';
import { countOf, endMemoryWriters, useQdrant } from '../memory-homes.ts';
import { TestHome } from '../nika.ts';
import { endPods, until } from '../pods.ts';
import { hasQdrant, QdrantServer } from '../servers/qdrant.ts';

let home: TestHome;
let server: QdrantServer;
beforeEach(async () => {
  if (!hasQdrant) return;
  home = new TestHome();
  server = await QdrantServer.open();
  useQdrant(home.dir, server);
});
afterEach(async () => {
  if (!hasQdrant) return;
  await endPods(home);
  await endMemoryWriters(home.dir);
  await server[Symbol.asyncDispose]();
  home[Symbol.dispose]();
});

const outages = (): readonly BusLine[] => home.alpha.filter(({ type }) => type === 'outage');
const jobThere = (id: string): Promise<number> =>
  server.count({ must: [{ key: 'entity_id', match: { value: id } }] }).catch(() => 0);
const run = (...args: readonly string[]) => home.nika('run', '-q', ...args, '--', 'true');

/** It takes as long as without Qdrant, and nothing of it fails (G1). */
const mustRun = async (id: string): Promise<void> => {
  const startedAtMs = performance.now();
  const { code, stderr } = await run('--id', id);
  expect([code, stderr]).toEqual([0, '']);
  expect(performance.now() - startedAtMs).toBeLessThan(8_000);
};

describe.runIf(hasQdrant)('memory of pods', () => {
  it('has a pod within seconds of its end, and whoever asks right after it has the right answer', async () => {
    await mustRun('JOB-one');
    expect(await countOf(home)).toMatchObject({ count: 1, source: 'qdrant' });
    expect(await jobThere('JOB-one')).toBeGreaterThan(0);
    await home.nika('run', '-q', '--', 'false');
    const counted = await countOf(home, '--by', 'status');
    expect(counted).toMatchObject({ count: 2, source: 'qdrant' });
    expect(counted.groups).toEqual([
      { value: 'completed', count: 1 },
      { value: 'failed', count: 1 },
    ]);
    const startedAtMs = performance.now();
    const sync = await home.nika('memory', 'sync'); // the process in the background makes room
    expect(sync).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing was missing') });
    expect(performance.now() - startedAtMs).toBeLessThan(5_000);
    expect(outages()).toEqual([]);
  });

  it('has an imported history without being told', async () => {
    writeClaude(home.dir);
    expect(await home.nika('import', 'claude')).toMatchObject({ code: 0, stderr: '' });
    const filter = { must: [{ key: 'agent', match: { value: 'claude-code' } }] };
    await until('the session in Qdrant', async () => (await server.count(filter).catch(() => 0)) > 1);
  });

  it('G1, G3, G4: a pod neither waits nor fails where Qdrant was killed; the bus answers; then all is brought, and told of once', async () => {
    await mustRun('JOB-one');
    await until('the first pod', async () => (await jobThere('JOB-one')) > 0);
    await server.kill();
    await mustRun('JOB-two');
    const away = await countOf(home);
    expect(away).toMatchObject({ count: 2, source: 'bus' });
    expect(away.why).toMatch(/ECONNREFUSED/);
    const status = await home.nika('memory', 'status', '--json');
    expect([status.code, JSON.parse(status.stdout)]).toEqual([
      1,
      expect.objectContaining({ reach: 'away', whole: false }),
    ]);
    await until('it to be noted', () => existsSync(join(home.dir, 'run/memory/state.json')));
    await server.start();
    expect(await home.nika('memory', 'sync')).toMatchObject({ code: 0 });
    expect(await countOf(home)).toMatchObject({ count: 2, source: 'qdrant' });
    expect(await server.count()).toBeGreaterThan(0);
    await until('the outage on the bus', () => outages().length > 0);
    await home.nika('memory', 'sync');
    expect(outages()).toHaveLength(1);
    expect(outages()[0]?.data).toMatchObject({ service: 'qdrant', cause: expect.stringContaining('ECONNREFUSED') });
  }, 40_000);

  it('G1: a pod neither waits nor fails where Qdrant hangs; the bus answers in time', async () => {
    await mustRun('JOB-one');
    await until('the first pod', async () => (await jobThere('JOB-one')) > 0);
    server.stop();
    try {
      await mustRun('JOB-two');
      const startedAtMs = performance.now();
      const hung = await countOf(home);
      expect(hung).toMatchObject({ count: 2, source: 'bus' });
      expect(performance.now() - startedAtMs).toBeLessThan(6_000);
    } finally {
      server.cont();
    }
    await until('all of it to be there', async () => {
      await home.nika('memory', 'sync');
      return (await countOf(home)).source === 'qdrant';
    });
    expect(await countOf(home)).toMatchObject({ count: 2, source: 'qdrant' });
  }, 40_000);

  it('G4: Alpha has brought what waited, once Qdrant is there again and nobody asks', async () => {
    await server.kill();
    await mustRun('JOB-one');
    await endMemoryWriters(home.dir);
    await server.start();
    const place = resolveHome({ flag: home.dir, env: {}, cwd: home.cwd });
    const env = { PATH: process.env['PATH'] };
    const context = { home: place, settings: loadSettings(place, env), env };
    await until('the pod in Qdrant', async () => {
      await bringWaiting(context, false, new AbortController().signal); // as it does again and again
      return (await jobThere('JOB-one')) > 0;
    });
    expect(await countOf(home)).toMatchObject({ count: 1, source: 'qdrant' });
  });

  it('G4: what Qdrant lost is brought again; until then the bus answers', async () => {
    await mustRun('JOB-one');
    await until('the first pod', async () => (await jobThere('JOB-one')) > 0);
    await endMemoryWriters(home.dir);
    await server.restartEmpty();
    expect(await countOf(home)).toMatchObject({ count: 1 });
    expect(await home.nika('memory', 'sync')).toMatchObject({ code: 0 });
    expect(await countOf(home)).toMatchObject({ count: 1, source: 'qdrant' });
    await endMemoryWriters(home.dir);
    const lost = { filter: { must: [{ key: 'entity_id', match: { value: 'JOB-one' } }] } };
    await server.ask('POST', '/collections/nika_memory/points/delete?wait=true', lost);
    expect(await countOf(home)).toMatchObject({ count: 1 }); // seen by samples
    await until('it to be there again', async () => (await jobThere('JOB-one')) > 0);
  }, 40_000);
});
