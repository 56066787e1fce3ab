/**
 * Eight processes with 100,000 lines each into one alpha bus; then one writer killed 200 times while others go on.
 * Every line, every acknowledged line, is looked for afterwards, and the bus is verified.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createChain } from '../../src/bus/chain.ts';
import { listBusFiles } from '../../src/bus/read/files.ts';
import { readLines } from '../../src/bus/read/lines.ts';
import { verifyBus } from '../../src/bus/read/verify.ts';
import { killWriters, lostOf, readAcks, readBack } from '../../test/fixtures/writer-processes.ts';
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

const start = (home: string, lines: number): ChildProcess =>
  spawn(process.execPath, [program, home, String(lines)], { stdio: ['ignore', 'ignore', 'inherit'] });

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
    const writers = await killWriters({ dir: home, kills: KILLS, others: 2 });
    const back = await readBack(join(home, '_bus'));
    const acknowledged = writers.map(readAcks);
    const lost = acknowledged.flatMap((acks) => lostOf(acks, back)).length;
    const count = acknowledged.reduce((sum, acks) => sum + acks.size, 0);
    const name = `${KILLS} kills of one writer, two others go on`;
    row(name, [`${lost} lost of ${count} acknowledged`, String(await tampering(home)), '']);
  });

console.log(machine());
row('', ['lines', 'findings of tampering', 'speed']);
row('---', ['---', '---', '---']);
await many();
await kills();
