/** Owns the home that memory's benchmarks share: a generated bus, made once where `NIKA_BENCH_HOME` names a place for it. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sizeOf } from './generated-bus.ts';
import { generateRememberedBus, type RememberedBusSize } from './remembered-bus.ts';

export interface BenchHome extends RememberedBusSize, AsyncDisposable {
  readonly path: string;
  /** On disk. */
  readonly bytes: number;
}

const POINTS = 100_000;

export const openBenchHome = async (): Promise<BenchHome> => {
  const kept = process.env['NIKA_BENCH_HOME'];
  const path = kept ?? mkdtempSync(join(tmpdir(), 'nika-bench-'));
  const sizeFile = join(path, 'size.json');
  mkdirSync(join(path, 'run'), { recursive: true });
  if (!existsSync(sizeFile)) {
    const made = await generateRememberedBus(path, Number(process.env['NIKA_BENCH_POINTS'] ?? POINTS));
    writeFileSync(sizeFile, JSON.stringify(made));
  }
  const size = JSON.parse(readFileSync(sizeFile, 'utf8')) as RememberedBusSize;
  return {
    ...size,
    path,
    bytes: sizeOf(join(path, '_bus')),
    [Symbol.asyncDispose]: async () => {
      if (kept === undefined) rmSync(path, { recursive: true });
    },
  };
};

/** What a process of its own took. */
export interface Taken {
  readonly ms: number;
  readonly maxRssMb: number;
  readonly cpuMs: number;
  readonly found: number;
}

/** @throws where it fails */
export const runProgram = (name: string, ...args: readonly string[]): Taken => {
  const program = join(import.meta.dirname, 'programs', name);
  const { stdout, stderr, status } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name}: exit ${status}: ${stderr.slice(-500)}`);
  return JSON.parse(stdout) as Taken;
};
