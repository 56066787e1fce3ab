import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createChain } from '../../src/bus/chain.ts';
import { redactionOf } from '../../src/bus/line.ts';
import { packFile } from '../../src/bus/pack-file.ts';
import { BusWriter } from '../../src/bus/writer.ts';
import { resolveHome } from '../../src/config/home.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { encodeDocument } from '../../src/memory/encode/sparse.ts';
import { pointOf } from '../../src/memory/point.ts';
import { openStore } from '../../src/memory/qdrant/open-store.ts';
import { parseEntityId } from '../../src/model/id.ts';
import type { AlphaContext } from '../../src/swarm/alpha/duty.ts';
import { finishRedactions } from '../../src/swarm/alpha/watch/redactions.ts';
import { tell } from '../fixtures/temp-bus.ts';
import { startWriter } from '../fixtures/writer-processes.ts';
import { TestHome } from '../nika.ts';
import { endPods } from '../pods.ts';
import { hasQdrant, QdrantServer } from '../servers/qdrant.ts';
import { RedisServer } from '../servers/redis.ts';

let home: TestHome;
beforeEach(() => {
  home = new TestHome();
});
afterEach(async () => {
  await endPods(home);
  home[Symbol.dispose]();
});

const WORD = 'hush-hush-hush';
const STEPS = `
  - { id: one, tool: shell, input: { command: echo ${WORD} } }
  - { id: two, tool: shell, input: { command: "seq 1 9000 | sed 's/$/ ${WORD}/'" } }
  - { id: three, tool: shell, input: { command: echo fine } }`;

const idsOf = async (word: string): Promise<readonly string[]> => {
  const { stdout } = await home.nika('bus', 'grep', word, '--json');
  return stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { id: string }).id);
};

/** Files of the home that hold it, but for the definition of the job. */
const holding = (word: string): readonly string[] =>
  readdirSync(home.dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('config'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => {
      const bytes = readFileSync(path);
      return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).includes(word);
    });

interface Verified {
  readonly redacted: number;
  readonly tampering: number;
  readonly findings: readonly { readonly kind: string }[];
}
const verify = async (): Promise<Verified> =>
  JSON.parse((await home.nika('bus', 'verify', '--json')).stdout) as Verified;
const openFiles = (): readonly string[] => {
  const dir = join(home.dir, 'run/redactions');
  return existsSync(dir) ? readdirSync(dir).filter((name) => name.endsWith('.json')) : [];
};

const openWriter = (): BusWriter => {
  const busDir = join(home.dir, '_bus');
  mkdirSync(busDir, { recursive: true });
  return BusWriter.open({
    busDir,
    runDir: join(home.dir, 'run'),
    chain: createChain(),
    segmentBytes: 1e9,
    backlog: { maxCount: 100, maxBytes: 1e6 },
  });
};

const writeOne = (type: string, data: object): void => {
  const writer = openWriter();
  tell(writer, { entity: parseEntityId('JOB-one'), type, data });
  writer[Symbol.dispose]();
};

/** Lines that hold the word; gives their ids. */
const writeMany = (count: number): readonly string[] => {
  const writer = openWriter();
  const data = { text: `${WORD} ${'x'.repeat(2_000)}` };
  const ids = Array.from({ length: count }, () =>
    tell(writer, { entity: parseEntityId('JOB-many'), type: 'note', data }),
  );
  writer[Symbol.dispose]();
  return ids;
};

describe('nika bus redact', () => {
  it('takes a word out of lines and blobs, and out of all files of the home; verify says so and ends with 0', async () => {
    home.job('leak', STEPS);
    await home.nika('pod', 'start', 'leak');
    const ids = await idsOf(WORD);
    expect(holding(WORD).length).toBeGreaterThan(1);
    const dry = await home.nika('bus', 'redact', ...ids, '--reason', 'a word got through', '--dry-run');
    expect(dry.stdout).toContain('4 lines to redact, 1 blob to remove');
    expect(holding(WORD).length).toBeGreaterThan(1);
    const done = await home.nika('bus', 'redact', ...ids, '--reason', 'a word got through', '--yes');
    expect(done).toMatchObject({ code: 0 });
    expect(holding(WORD)).toEqual([]);
    expect(openFiles()).toEqual([]);
    const { stdout, code } = await home.nika('bus', 'verify');
    expect(code).toBe(0);
    expect(stdout).toContain('4 lines whose bodies were redacted');
    expect(stdout).toContain('a word got through');
    const again = await home.nika('bus', 'redact', ...ids, '--reason', 'once more', '--yes');
    expect(again).toMatchObject({ code: 0 });
    expect(again.stderr).toContain('was redacted before');
    const shown = await home.nika('bus', 'show', '@last');
    expect(shown.stdout).toContain('[redacted]: a word got through');
    expect((await home.nika('bus', 'tail', '-n', '99')).stdout).toContain('[redacted] shell: a word got through');
  });

  it('keeps a body that other lines refer to, and says so; --blob takes it out with all of them', async () => {
    const twice = `
  - { id: one, tool: shell, input: { command: "seq 1 9000 | sed 's/$/ ${WORD}/'" } }
  - { id: two, tool: shell, input: { command: "seq 1 9000 | sed 's/$/ ${WORD}/'" } }`;
    home.job('leak', twice);
    await home.nika('pod', 'start', 'leak');
    const [first = ''] = await idsOf(WORD);
    const one = await home.nika('bus', 'redact', first, '--reason', 'why', '--yes');
    expect(one.stderr).toContain('stays: other lines refer to it');
    const blobs = readdirSync(join(home.dir, '_bus/blobs')).flatMap((blob) => ['--blob', blob]);
    expect((await home.nika('bus', 'redact', ...blobs, '--reason', 'why', '--yes')).code).toBe(0);
    expect(holding(WORD)).toEqual([]);
    expect(await verify()).toMatchObject({ redacted: 6, tampering: 0, findings: [] });
  });

  it('refuses what it does not know, a reason that is missing, and to go on where nobody confirms', async () => {
    const [id = ''] = writeMany(1);
    const unknown = '019ac6f2-1d3e-7c01-8a55-0c9be4d1f3a7';
    expect(await home.nika('bus', 'redact', unknown, '--reason', 'why', '--yes')).toMatchObject({ code: 2 });
    expect((await home.nika('bus', 'redact', id, unknown, '--reason', 'why', '--yes')).stderr).toContain(
      'NIKA_REDACT_NOT_FOUND',
    );
    expect((await home.nika('bus', 'redact', id, '--yes')).stderr).toContain('needs a reason');
    expect((await home.nika('bus', 'redact', id, '--reason', 'why')).stderr).toContain('nobody is here to confirm it');
    expect((await home.nika('bus', 'redact', 'no-id', '--reason', 'why', '--yes')).code).toBe(2);
    expect(await verify()).toMatchObject({ redacted: 0 });
  });

  it.each([
    ['when it is written down what is to go', () => openFiles().length > 0],
    [
      'in the middle of the lines',
      () => readFileSync(join(home.dir, '_bus/channels/JOB-many.jsonl')).includes('$redacted'),
    ],
  ])('a kill -9 %s leaves nothing that verify accuses, and the next goes on', async (_, isThere) => {
    const ids = writeMany(300);
    const { child, ended } = home.start(['bus', 'redact', ...ids, '--reason', 'why', '--yes']);
    while (!isThere() && child.exitCode === null) await delay(0);
    child.kill('SIGKILL');
    await ended;
    expect(openFiles()).toHaveLength(1);
    expect(await verify()).toMatchObject({ tampering: 0 });
    const doctor = await home.nika('doctor', '--json');
    expect(doctor.stdout).toContain('bus.redactions');
    expect(await home.nika('bus', 'redact', '--resume')).toMatchObject({ code: 0 });
    expect(holding(WORD)).toEqual([]);
    expect(openFiles()).toEqual([]);
    expect(await verify()).toMatchObject({ redacted: 600, tampering: 0, findings: [] });
  });

  it('works under the hands of processes that write to the same files, and loses none of their lines', async () => {
    const ids = writeMany(40);
    const writers = [1, 2, 3].map(() => startWriter(home.dir, { entity: 'JOB-many', maxBodyBytes: 200, restMs: 2 }));
    await Promise.all(writers.map(({ writing }) => writing));
    const done = await home.nika('bus', 'redact', ...ids, '--reason', 'why', '--yes');
    await Promise.all(
      writers.map(async ({ child, ended }) => {
        child.kill('SIGKILL');
        await ended;
      }),
    );
    expect(done.code).toBe(0);
    expect(holding(WORD)).toEqual([]);
    expect(await verify()).toMatchObject({ redacted: 80, tampering: 0 });
    const tombstones = home.lines('channels/JOB-many.jsonl').filter((line) => redactionOf(line) !== undefined);
    expect(tombstones.map(({ id }) => id)).toEqual(ids);
  });

  it('goes through a compressed channel, and leaves one as it is that it cannot write', async () => {
    const ids = writeMany(3);
    const channel = join(home.dir, '_bus/channels/JOB-many.jsonl');
    await packFile(channel, new AbortController().signal);
    const whole = readFileSync(`${channel}.gz`);
    writeFileSync(`${channel}.gz`, whole.subarray(0, whole.byteLength - 40)); // damaged
    const open = await home.nika('bus', 'redact', ...ids, '--reason', 'why', '--yes');
    expect(open.code).not.toBe(0);
    writeFileSync(`${channel}.gz`, whole);
    await home.nika('bus', 'redact', '--resume');
    const done = await home.nika('bus', 'redact', ...ids, '--reason', 'why', '--yes');
    expect(done.code).toBe(0);
    expect(holding(WORD)).toEqual([]);
    expect(await verify()).toMatchObject({ redacted: 6, tampering: 0 });
  });
});

describe('nika bus redact on a disk that is full', () => {
  it('takes nothing out of a bus that cannot be written, keeps what was wanted, and goes on once it can', async () => {
    const ids = writeMany(2);
    const args = ['bus', 'redact', ...ids, '--reason', 'why', '--yes'];
    const noFile = ['/bin/sh', '-c', 'ulimit -f 0; trap "" XFSZ; exec "$0" "$@"'];
    const full = await home.start(args, {}, noFile).ended;
    expect(full.code).not.toBe(0);
    expect(holding(WORD)).toHaveLength(2);
    expect(await verify()).toMatchObject({ redacted: 0, tampering: 0, findings: [] });
    expect((await home.nika(...args)).code).toBe(0);
    expect(holding(WORD)).toEqual([]);
  });

  it('leaves a bus that cannot be written as it is, though what is to go was written down', async () => {
    const ids = writeMany(2);
    const files = ['alpha_bus.jsonl', 'channels'].map((name) => join(home.dir, '_bus', name));
    const whole = readFileSync(files[0] ?? '');
    // A folder in the place of the alpha bus: it refuses every line, for root, too.
    rmSync(files[0] ?? '');
    mkdirSync(files[0] ?? '');
    const refused = await home.nika('bus', 'redact', ...ids, '--reason', 'why', '--yes');
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stdout).toContain('nothing was taken out');
    rmSync(files[0] ?? '', { recursive: true });
    writeFileSync(files[0] ?? '', whole);
    expect(holding(WORD)).toHaveLength(2);
    await home.nika('bus', 'redact', '--resume');
    await home.nika('bus', 'redact', ...ids, '--reason', 'why', '--yes');
    expect(holding(WORD)).toEqual([]);
    expect(await verify()).toMatchObject({ redacted: 4, tampering: 0 });
  });
});

describe('nika bus redact, and Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.open({ isPersistent: true });
  });
  afterAll(async () => server[Symbol.asyncDispose]());

  const inRedis = async (): Promise<string> => {
    const keys = await server.admin.keys('*');
    const streams = keys.filter((key) => /feed|events|ipc:JOB/.test(key));
    return JSON.stringify(await Promise.all(streams.map((key) => server.admin.xrange(key, '-', '+'))));
  };

  it('takes it out of feed and telemetry; what it could not reach it finishes once Redis is back', async () => {
    const env = { NIKA_REDIS_URL: server.url };
    home.job('leak', `${STEPS}\n  - { id: four, tool: shell, input: { command: "echo ${WORD}; exit 3" } }`);
    await home.start(['pod', 'start', 'leak'], env).ended;
    const signal = { kind: 'signal', to: 'JOB-other', signal_id: 's1', body: WORD };
    writeOne('signal', signal);
    await server.admin.xadd('nika:ipc:JOB-other', '*', 'id', 's1', 'body', WORD);
    await server.admin.xadd('nika:ipc:JOB-other', '*', 'id', 's2', 'body', 'of another');
    const failed = home.alpha.find(({ type }) => type === 'job_failed')?.id ?? '';
    await server.admin.xadd('nika:feed:dead', '*', 'id', failed, 'data', WORD);
    expect(await inRedis()).toContain(WORD);
    const ids = [...(await idsOf(WORD)), failed];
    await server.kill();
    const away = await home.start(['bus', 'redact', ...ids, '--reason', 'why', '--yes'], env).ended;
    expect(away.code).toBe(1);
    expect(away.stdout).toContain('--resume');
    expect(holding(WORD)).toEqual([]);
    await server.start();
    expect(await inRedis()).toContain(WORD);
    const done = await home.start(['bus', 'redact', '--resume'], env).ended;
    expect(done).toMatchObject({ code: 0 });
    expect(await inRedis()).not.toContain(WORD);
    expect(await inRedis()).toContain('echo fine');
    expect(await inRedis()).toContain('of another');
    expect(openFiles()).toEqual([]);
  });
});

describe.runIf(hasQdrant)('nika bus redact, and Qdrant', () => {
  it('puts a point without text in the place of the one that was there; while Qdrant is away it waits, and Alpha finishes it', async () => {
    await using server = await QdrantServer.open();
    home.job('leak', `\n  - { id: one, tool: shell, input: { command: "echo ${WORD} >&2; exit 3" } }`);
    await home.nika('pod', 'start', 'leak');
    const points = home.alpha.flatMap((line) => pointOf(line) ?? []);
    const { signal } = new AbortController();
    await using store = await openStore({ target: server.target(), encode: encodeDocument });
    await store.prepare(signal);
    await store.write(points, signal);
    const all = async (): Promise<string> =>
      JSON.stringify(
        await server.ask('POST', '/collections/nika_memory/points/scroll', { limit: 99, with_vector: true }),
      );
    expect(await all()).toContain(WORD);
    const failed = {
      must: [
        { key: 'status', match: { value: 'failed' } },
        { key: 'standing', match: { value: true } },
      ],
    };
    const before = await server.count(failed);
    const ids = await idsOf(WORD);
    await server.kill();
    expect((await home.start(['bus', 'redact', ...ids, '--reason', 'why', '--yes'], server.env).ended).code).toBe(1);
    await server.start();
    expect(await all()).toContain(WORD);
    const place = resolveHome({ flag: home.dir, env: {}, cwd: home.cwd });
    const alpha = { home: place, settings: loadSettings(place, server.env), env: server.env } as AlphaContext;
    await finishRedactions(0).run(alpha, signal);
    expect(openFiles()).toEqual([]);
    expect(await all()).not.toContain(WORD);
    expect([await server.count(), await server.count(failed)]).toEqual([points.length, before]);
  });
});
