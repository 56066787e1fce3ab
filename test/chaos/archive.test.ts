import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { channelName, channelsDir } from '../../src/bus/layout.ts';
import { idOf } from '../../src/bus/query/line-filter.ts';
import { mergeLines } from '../../src/bus/query/merge.ts';
import { parseEntityId } from '../../src/model/id.ts';
import { TempBus } from '../fixtures/temp-bus.ts';
import { tellCall, tellState } from '../fixtures/told-bus.ts';

const program = join(import.meta.dirname, '../programs/archive-at-once.ts');
const ROUNDS = 12;
const CHANNELS = 6;

/** Starts an archiver and kills it `afterMs` after it began; lets it end by itself where that is `undefined`. */
const archive = async (bus: TempBus, afterMs?: number): Promise<void> => {
  const child = spawn(process.execPath, [program, bus.busDir, bus.runDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  await once(child.stdout, 'data');
  if (afterMs !== undefined) setTimeout(() => child.kill('SIGKILL'), afterMs);
  await closed;
};

/** Ended jobs with some hundred kilobytes each; gives the ids of their lines. */
const writeJobs = (bus: TempBus, round: number): readonly string[] => {
  using writer = bus.open();
  const ids: string[] = [];
  for (let n = 0; n < CHANNELS; n += 1) {
    const job = `JOB-${round}-${n}`;
    ids.push(tellState(writer, job, 'created'));
    for (let call = 0; call < 60; call += 1) ids.push(tellCall(writer, job, String(Math.random()).repeat(300)));
    ids.push(tellState(writer, job, 'completed'));
  }
  return ids;
};

const readIds = async (bus: TempBus): Promise<readonly string[]> => {
  const ids: string[] = [];
  for await (const found of mergeLines({ busDirs: [bus.busDir], query: {} })) {
    ids.push(...found.flatMap(({ text }) => idOf(text) ?? []));
  }
  return ids;
};

it('no line is lost, whenever the archiver is killed, and the next one ends what it began', async () => {
  using bus = new TempBus();
  const written: string[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    written.push(...writeJobs(bus, round));
    await archive(bus, Math.random() * 120);
    const found = await readIds(bus);
    expect(found).toHaveLength(written.length);
  }
  await archive(bus);
  expect(new Set(await readIds(bus))).toEqual(new Set(written));
  const names = readdirSync(channelsDir(bus.busDir));
  expect(names.filter((name) => !name.endsWith('.jsonl.gz'))).toEqual([]);
  expect((await bus.verify()).tampering).toBe(0);
}, 120_000);

it('a full disk leaves channels as they are, and nothing beside', () => {
  const disk = mkdtempSync(join(tmpdir(), 'nika-disk-'));
  const saved = mkdtempSync(join(tmpdir(), 'nika-saved-'));
  try {
    using bus = new TempBus();
    writeJobs(bus, 0);
    const script = `mount -t tmpfs -o size=4m tmpfs "$1" && cp -r "$4" "$1/_bus" && dd if=/dev/zero of="$1/ballast" bs=4k 2>/dev/null
      "$2" "$3" "$1/_bus" "$1/run" && cp -r "$1/_bus" "$5"`;
    const userNamespace = process.getuid?.() === 0 ? [] : ['--map-root-user'];
    const paths = [disk, process.execPath, program, bus.busDir, saved];
    const args = ['--mount', ...userNamespace, 'sh', '-c', script, 'sh', ...paths];
    expect(execFileSync('unshare', args, { encoding: 'utf8' })).toMatch(/failed: .*ENOSPC/);
    const channels = channelsDir(join(saved, '_bus'));
    expect(readdirSync(channels)).toEqual(readdirSync(channelsDir(bus.busDir)));
    const name = channelName(parseEntityId('JOB-0-0'));
    expect(readFileSync(join(saved, '_bus', name))).toEqual(bus.read(name));
    expect(existsSync(join(saved, '_bus', `${name}.gz`))).toBe(false);
  } finally {
    for (const dir of [disk, saved]) rmSync(dir, { recursive: true });
  }
});
