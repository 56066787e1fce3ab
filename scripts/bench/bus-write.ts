/**
 * Eight processes with 100,000 lines each into one alpha bus; then one writer killed 200 times while others go on.
 * Every line, every acknowledged line, is looked for afterwards, and the bus is verified.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createChain } from '../../src/bus/chain.ts';
import { listBusFiles } from '../../src/bus/read/files.ts';
import { readLines } from '../../src/bus/read/lines.ts';
import { verifyBus } from '../../src/bus/read/verify.ts';
import { fixed, machine, row } from './figures.ts';

const PROCESSES = 8;
const LINES = Number(process.env['NIKA_BENCH_LINES'] ?? 100_000);
const KILLS = Number(process.env['NIKA_BENCH_KILLS'] ?? 200);
const program = join(import.meta.dirname, 'programs/alpha-writer.ts');

/** Counts the ids on the alpha bus; each must be there once. */
const readIds = async (busDir: string): Promise<ReadonlySet<string>> => {
  const ids = new Set<string>();
  for (const file of listBusFiles(busDir).filter(({ name }) => name === 'alpha_bus.jsonl')) {
    for (const part of file.parts) {
      for await (const batch of readLines(part)) {
        for (const { text, kind } of batch) {
          if (kind === 'torn') continue;
          const { id } = JSON.parse(text) as { id: string };
          if (ids.has(id)) throw new Error(`${id} stands twice`);
          ids.add(id);
        }
      }
    }
  }
  return ids;
};

const start = (home: string, lines: number, acknowledged = ''): ChildProcess =>
  spawn(process.execPath, [program, home, String(lines), acknowledged], { stdio: ['ignore', 'ignore', 'inherit'] });

const withHome = async (work: (home: string) => Promise<void>): Promise<void> => {
  const home = mkdtempSync(join(tmpdir(), 'nika-bench-'));
  try {
    await work(home);
  } finally {
    rmSync(home, { recursive: true });
  }
};

const tampering = async (home: string): Promise<number> => {
  const report = await verifyBus({ busDir: join(home, '_bus'), chain: createChain() });
  return report.findings.filter(({ severity }) => severity === 'tampering').length;
};

const many = (): Promise<void> =>
  withHome(async (home) => {
    const atMs = performance.now();
    const children = Array.from({ length: PROCESSES }, () => start(home, LINES));
    await Promise.all(children.map((child) => once(child, 'exit')));
    const seconds = (performance.now() - atMs) / 1000;
    const found = (await readIds(join(home, '_bus'))).size;
    const wanted = PROCESSES * LINES;
    const cells = [
      `${wanted - found} lost of ${wanted}`,
      String(await tampering(home)),
      `${fixed(wanted / seconds / 1000)}k lines/s`,
    ];
    row(`${PROCESSES} processes × ${LINES} lines`, cells);
  });

const kills = (): Promise<void> =>
  withHome(async (home) => {
    const others = Array.from({ length: 2 }, () => start(home, 1e9));
    let acknowledged: string[] = [];
    for (let n = 0; n < KILLS; n += 1) {
      const file = join(home, `acknowledged-${n}`);
      const victim = start(home, 1e9, file);
      while (readLength(file) === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
      victim.kill('SIGKILL');
      await once(victim, 'exit');
      acknowledged = [...acknowledged, ...readFileSync(file, 'latin1').split('\n').slice(0, -1)];
    }
    for (const other of others) other.kill('SIGKILL');
    await Promise.all(others.map((other) => once(other, 'exit')));
    const ids = await readIds(join(home, '_bus'));
    const lost = acknowledged.filter((id) => !ids.has(id)).length;
    row(`${KILLS} kills of one writer, two others go on`, [
      `${lost} lost of ${acknowledged.length} acknowledged`,
      String(await tampering(home)),
      '',
    ]);
  });

const readLength = (file: string): number => {
  try {
    return readFileSync(file).byteLength;
  } catch {
    return 0; // not begun yet
  }
};

console.log(machine());
row('', ['lines', 'findings of tampering', 'speed']);
row('---', ['---', '---', '---']);
await many();
await kills();
